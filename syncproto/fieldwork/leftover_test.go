package fieldwork_test

import (
	"crypto/sha256"
	"errors"
	"strings"
	"testing"

	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

// drawn is what a hand draws in half a second.
const drawn = "1|360|100 200 0 20 -30 16 20 -30 16 30 60 16 40 -20 18 30 30 16|400 100 200 10 80 16 10 60 16 40 -30 16"

func leftover() fieldwork.LeftoverRows {
	return fieldwork.LeftoverRows{
		Order: row("leftover_order", 40, cols{"class": "hq", "contract_no": "HT-1", "customer": "张𠮷", "address": "幸福里\n3 幢", "phone": "138", "order_time": int64(1_790_000_000_000), "delivery_date": int64(1_791_000_000_000),
			"judgement": "门板偏黄", "change_content": "重做第二块", "material": "E0", "edge_profile": "直边", "edge_band": "PVC", "drawing_size": "598", "reason": "色差"}),
		Defect:   defect("door_colour", cols{"drawing_size": int64(600), "actual_size": int64(598)}),
		Drawings: []schema.Row{row("drawing_annex", 41, cols{"defect": ref(10), "name": "门板.dwg", "file": make([]byte, 32), "file_size": int64(900)})},
	}
}

func staff(t *testing.T, v fieldwork.LeftoverRows) schema.Row {
	t.Helper()
	content, hash, err := fieldwork.BoundLeftover(v)
	if err != nil {
		t.Fatal(err)
	}
	return row("leftover_signature", 50, cols{"defect": ref(10), "leftover": ref(40), "signer": "store", "name": "陈店长", "strokes": drawn, "image": make([]byte, 32),
		"content": content, "content_hash": hash[:]})
}

// TestStaffSignatureCovers changes every value of a leftover order, one by one:
// each breaks the signature and is named; what was not shown does not.
func TestStaffSignatureCovers(t *testing.T) {
	s := staff(t, leftover())
	text := fieldwork.Readable(s.Text("content"))
	for _, want := range []string{"合同号 Contract: HT-1\n", "地址 Address: 幸福里 3 幢\n", "重做第二块", "2026-09-", "600 mm, 598 mm, -2 mm", "门板.dwg 900 0000"} {
		if !strings.Contains(text, want) {
			t.Errorf("what was shown lacks %q:\n%s", want, text)
		}
	}
	if fieldwork.LeftoverStanding(s, leftover()) != fieldwork.SignatureCovers {
		t.Fatal("as signed it does not stand")
	}
	for name := range leftover().Order.Cols {
		v := leftover()
		switch x := v.Order.Cols[name].(type) {
		case int64:
			v.Order.Cols[name] = x + 1
		case string:
			v.Order.Cols[name] = x + "!"
		}
		changes, known := fieldwork.LeftoverChanged(s, v)
		if fieldwork.LeftoverStanding(s, v) != fieldwork.SignatureSuperseded || !known || len(changes) != 1 || changes[0].Column != name {
			t.Errorf("%s changed: %s, %v %v", name, fieldwork.LeftoverStanding(s, v), changes, known)
		}
	}
	for name, change := range map[string]func(*fieldwork.LeftoverRows){
		"the defect's text":  func(v *fieldwork.LeftoverRows) { v.Defect.Cols["text"] = "别的问题" },
		"the produced size":  func(v *fieldwork.LeftoverRows) { v.Defect.Cols["actual_size"] = int64(597) },
		"another drawing":    func(v *fieldwork.LeftoverRows) { v.Drawings[0].Cols["file"] = append(make([]byte, 31), 1) },
		"the drawing's name": func(v *fieldwork.LeftoverRows) { v.Drawings[0].Cols["name"] = "台面.dwg" },
		"the drawing is out": func(v *fieldwork.LeftoverRows) { v.Drawings = nil },
	} {
		v := leftover()
		change(&v)
		if fieldwork.LeftoverStanding(s, v) != fieldwork.SignatureSuperseded {
			t.Errorf("%s: it still stands", name)
		}
	}
	for name, change := range map[string]func(*fieldwork.LeftoverRows){
		"the defect's state": func(v *fieldwork.LeftoverRows) { v.Defect.Cols["status"] = "judged" },
		"who filed it":       func(v *fieldwork.LeftoverRows) { v.Order.Cols["author"] = ref(9) },
		"a later drawing": func(v *fieldwork.LeftoverRows) {
			v.Drawings = append(v.Drawings, row("drawing_annex", 42, cols{"defect": ref(10), "name": "批次.pdf", "file": make([]byte, 32)}))
		},
	} {
		v := leftover()
		change(&v)
		if got := fieldwork.LeftoverStanding(s, v); got != fieldwork.SignatureCovers {
			t.Errorf("%s, which was not shown: %s", name, got)
		}
	}
}

// TestStaffSignatureForged: a signature of another order, or whose content was
// exchanged, covers nothing.
func TestStaffSignatureForged(t *testing.T) {
	v := leftover()
	s := staff(t, v)
	other := leftover()
	other.Order.ID = id(77)
	if got := fieldwork.LeftoverSigned([]schema.Row{s}, other); got != fieldwork.SignatureNone {
		t.Errorf("the signature of another order: %s", got)
	}
	v.Order.Cols["reason"] = "改了"
	content, _, _ := fieldwork.BoundLeftover(v)
	if got := fieldwork.LeftoverStanding(with(s, cols{"content": content}), v); got != fieldwork.SignatureSuperseded {
		t.Errorf("with exchanged content: %s", got)
	}
	if got := fieldwork.LeftoverSigned([]schema.Row{s, with(staff(t, v), nil)}, v); got != fieldwork.SignatureCovers {
		t.Errorf("signed again: %s", got)
	}
	v.Order.Cols["judgement"] = strings.Repeat("长", 20000)
	if _, _, err := fieldwork.BoundLeftover(v); !errors.Is(err, fieldwork.ErrLeftoverLong) {
		t.Errorf("too long: %v", err)
	}
}

// TestCheckSignatures: what no hand drew is refused on both ends.
func TestCheckSignatures(t *testing.T) {
	events := state{row("visit_event", 60, cols{"visit": ref(1), "kind": "selfcheck"})}
	content := "x\n"
	sum := sha256.Sum256([]byte(content))
	customer := row("signature", 61, cols{"visit": ref(1), "signer": "customer", "outcome": "signed", "image": make([]byte, 32), "content": content, "content_hash": sum[:]})
	order := staff(t, leftover())
	for name, tc := range map[string]struct {
		row  schema.Row
		code string
	}{
		"an older phone's":      {customer, ""},
		"drawn":                 {with(customer, cols{"strokes": drawn}), ""},
		"a dot":                 {with(customer, cols{"strokes": "1|360|1 1 0"}), "signature-strokes"},
		"a name":                {with(customer, cols{"strokes": "王秀英"}), "signature-strokes"},
		"strokes of a refusal":  {with(customer, cols{"outcome": "refused", "strokes": drawn}), "signature-strokes"},
		"by code":               {with(customer, cols{"outcome": "code", "image": nil, "code": "482913"}), ""},
		"by code without one":   {with(customer, cols{"outcome": "code", "image": nil}), "signature-code"},
		"by letters":            {with(customer, cols{"outcome": "code", "image": nil, "code": "ABCD"}), "signature-code"},
		"a code of a signature": {with(customer, cols{"code": "4829"}), "signature-code"},
		"staff, drawn":          {order, ""},
		"staff, typed":          {with(order, cols{"strokes": "陈店长"}), "signature-strokes"},
		"staff, nothing":        {with(order, cols{"strokes": nil}), "signature-strokes"},
		"staff, no picture":     {with(order, cols{"image": nil}), "signature-strokes"},
		"staff, no digest":      {with(order, cols{"content_hash": nil}), "signature-content"},
		"staff, another digest": {with(order, cols{"content_hash": make([]byte, 32)}), "signature-content"},
	} {
		v, err := fieldwork.Check(schema.MustCurrent(), []fieldwork.Written{insert(tc.row)}, schema.Supervisor, id(5), events)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) { wantCode(t, v, tc.code) })
	}
}

// TestCodeCoversLikeASignature: a customer who confirmed by code is bound like
// one who signed (SF-07), and is no refusal.
func TestCodeCoversLikeASignature(t *testing.T) {
	visit := row("visit", 1, cols{"started_at": int64(5), "outcome": "solved"})
	v := fieldwork.VisitRows{Visit: visit}
	content, hash := fieldwork.Bound(v)
	v.Signatures = []schema.Row{row("signature", 3, cols{"visit": ref(1), "signer": "customer", "outcome": "code", "code": "482913", "content": content, "content_hash": hash[:]})}
	if got := fieldwork.StateOf(v); got != fieldwork.SignatureCovers {
		t.Errorf("by code: %s", got)
	}
	v.Visit = with(visit, cols{"outcome": "unsolved"})
	if got := fieldwork.StateOf(v); got != fieldwork.SignatureSuperseded {
		t.Errorf("changed since: %s", got)
	}
	v.Visit = with(visit, cols{"note": "内部"})
	if got := fieldwork.StateOf(v); got != fieldwork.SignatureCovers {
		t.Errorf("a field that it does not cover: %s", got)
	}
}
