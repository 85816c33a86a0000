package fieldwork

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"siteledger/syncproto/schema"
)

// boundVisit is a visit with one row of each kind that a signature covers.
func boundVisit() VisitRows {
	visit := schema.Row{Table: "visit", ID: uuid.MustParse("01890000-0000-7000-8000-000000000001"), Cols: map[string]any{"started_at": int64(1_790_000_000_000), "outcome": "solved"}}
	row := func(n byte, table string, cols map[string]any) schema.Row {
		id := visit.ID
		id[15] = n
		cols["visit"] = visit.ID[:]
		return schema.Row{Table: table, ID: id, Cols: cols}
	}
	record := row(2, "service_record", map[string]any{"fault": "异响", "cause": "铰链", "measure": "更换", "training_done": true, "cleaned": true})
	rating := row(3, "rating", map[string]any{"quality": int64(5), "attitude": int64(4), "comment": "涵盖 Covers: AA"})
	return VisitRows{Visit: visit, Record: &record, Rating: &rating,
		Parts:   []schema.Row{row(4, "part_used", map[string]any{"name": "铰链", "quantity": int64(2)})},
		Defects: []schema.Row{row(5, "defect", map[string]any{"class": "door_colour", "text": "偏黄"})},
		Fees: []schema.Row{row(6, "fee_line", map[string]any{"item": "VISIT", "name": "上门费", "quantity": int64(1), "standard_price": int64(12000), "standard_version": "2026-1",
			"charged": int64(12000), "currency": "CNY", "basis": "standard"})}}
}

func signs(v VisitRows, make func(VisitRows) (string, [32]byte)) schema.Row {
	content, hash := make(v)
	return schema.Row{Table: "signature", ID: uuid.MustParse("01890000-0000-7000-8000-0000000000ff"),
		Cols: map[string]any{"visit": v.Visit.ID[:], "signer": SignerCustomer, "outcome": Signed, "content": content, "content_hash": hash[:]}}
}

// TestBoundToEachValue changes every value that a signature covers, one by one:
// each supersedes it, and is named.
func TestBoundToEachValue(t *testing.T) {
	v := boundVisit()
	s := signs(v, Bound)
	if got := StandingOf(s, v); got != SignatureCovers {
		t.Fatalf("as signed it is %s", got)
	}
	if text, _ := Summary(v); Readable(s.Text("content")) != text {
		t.Error("what is read is not what was shown")
	}
	if c, known := ChangedSince(s, v); !known || len(c) != 0 {
		t.Errorf("nothing changed, and it names %v, %v", c, known)
	}
	for i, c := range cells(v, false) {
		v := boundVisit()
		rows := []*schema.Row{&v.Visit, v.Record, v.Rating, &v.Parts[0], &v.Defects[0], &v.Fees[0]}
		for _, r := range rows {
			if r.ID != c.Row {
				continue
			}
			switch x := r.Cols[c.Column].(type) {
			case int64:
				r.Cols[c.Column] = x + 1
			case bool:
				r.Cols[c.Column] = !x
			case string:
				r.Cols[c.Column] = x + "!"
			default:
				r.Cols[c.Column] = map[bool]any{true: int64(0), false: true}[c.Column == "card_price"]
				if c.Column == "serial" {
					r.Cols[c.Column] = "S1"
				}
			}
		}
		if got := StandingOf(s, v); got != SignatureSuperseded {
			t.Errorf("%s.%s changed, and it is %s", c.Table, c.Column, got)
		}
		changes, known := ChangedSince(s, v)
		if !known || len(changes) != 1 || changes[0].Column != c.Column || changes[0].Table != c.Table {
			t.Errorf("cell %d, %s.%s: it names %+v, %v", i, c.Table, c.Column, changes, known)
		}
	}
}

func TestBoundRowsComeAndGo(t *testing.T) {
	v := boundVisit()
	s := signs(v, Bound)
	gone := v
	gone.Fees = nil
	if c, known := ChangedSince(s, gone); !known || len(c) != 8 || StandingOf(s, gone) != SignatureSuperseded {
		t.Errorf("a fee gone: %v, %v", c, known)
	}
	more := v
	extra := v.Fees[0]
	extra.ID[15] = 9
	more.Fees = append(more.Fees[:1:1], extra)
	if c, known := ChangedSince(s, more); !known || len(c) != 8 || c[0].Was != nil {
		t.Errorf("a fee more: %v, %v", c, known)
	}
	// The same words in another row are another row.
	moved := v
	moved.Fees = []schema.Row{extra}
	if StandingOf(s, moved) != SignatureSuperseded {
		t.Error("another fee line with the same words is covered")
	}
}

// TestOlderSignaturesStand keeps what was signed before values were bound, and
// what was signed as "to follow".
func TestOlderSignaturesStand(t *testing.T) {
	v := boundVisit()
	old := signs(v, Summary)
	if StandingOf(old, v) != SignatureCovers {
		t.Error("an older signature does not stand")
	}
	if _, known := ChangedSince(old, v); known {
		t.Error("an older signature says what it covered")
	}
	v.Record.Cols["deferred"] = true
	follows := signs(v, Bound)
	if text := Readable(follows.Text("content")); strings.Contains(text, "更换") || !strings.Contains(text, "to follow") {
		t.Errorf("a deferred cause is shown: %s", text)
	}
	v.Record.Cols["deferred"], v.Record.Cols["cause"] = false, "判定后写的原因"
	if StandingOf(follows, v) != SignatureCovers {
		t.Error("a cause that followed broke the signature")
	}
	v.Record.Cols["fault"] = "别的"
	if c, known := ChangedSince(follows, v); !known || len(c) != 1 || c[0].Column != "fault" {
		t.Errorf("%v %v", c, known)
	}
}

// TestBoundForgeries are contents that are not what their hash or form says.
func TestBoundForgeries(t *testing.T) {
	v := boundVisit()
	for name, content := range map[string]string{
		"no cells": "x\n" + coverMark + "\n", "not base64": "x\n" + coverMark + "!!\n", "not CBOR": "x\n" + coverMark + "_w\n", "no end": "x\n" + coverMark + "gA", "empty": "",
	} {
		s := signs(v, func(VisitRows) (string, [32]byte) { return content, [32]byte{} })
		if c, known := ChangedSince(s, v); known || c != nil || StandingOf(s, v) != SignatureSuperseded {
			t.Errorf("%s: %v %v", name, c, known)
		}
	}
	long := boundVisit()
	for i := range 200 {
		p := long.Parts[0]
		p.ID[14], p.ID[15] = byte(i), 1
		long.Parts = append(long.Parts, p)
	}
	content, _ := Bound(long)
	if text, _ := Summary(long); content != text {
		t.Error("a content that is too long is not the text alone")
	}
	if StandingOf(signs(long, Bound), long) != SignatureCovers {
		t.Error("a long one does not cover")
	}
}
