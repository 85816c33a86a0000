package fieldwork_test

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

func visitRows() fieldwork.VisitRows {
	record := row("service_record", 51, cols{"visit": ref(2), "fault": "抽屉卡住", "cause": "滑轨变形", "measure": "更换滑轨", "training_done": true})
	rating := row("rating", 52, cols{"visit": ref(2), "quality": int64(5), "attitude": int64(4), "comment": "很好"})
	return fieldwork.VisitRows{
		Visit:  row("visit", 2, cols{"job": ref(1), "started_at": int64(1795312800000), "outcome": "solved"}),
		Record: &record,
		Parts:  []schema.Row{row("part_used", 61, cols{"visit": ref(2), "name": "滑轨", "serial": "S-9", "quantity": int64(2)})},
		Defects: []schema.Row{
			row("defect", 10, cols{"job": ref(1), "visit": ref(2), "class": "door_colour", "text": goodText}),
			row("defect", 11, cols{"job": ref(1), "visit": ref(3), "class": "other", "text": "别的上门"}),
		},
		Fees:   []schema.Row{feeLine(nil), with(row("fee_line", 31, feeLine(nil).Cols), cols{"item": "B2", "charged": int64(12345), "card_price": int64(20000)})},
		Rating: &rating,
	}
}

const wantSummary = `服务确认单 Service summary · 1
上门 Visit: 00000000-0000-7000-8000-000000000002
时间 Time: 2026-11-22 10:00 UTC+8
结果 Outcome: 已解决 solved
故障现象 Fault: 抽屉卡住
故障原因 Cause: 滑轨变形
维修措施 Measure: 更换滑轨
使用保养培训 Use and care explained: 是 yes
恢复原位 Put back in place: 否 no
现场清理 Cleaned up: 否 no
保修卡已填 Warranty card filled in: 否 no
配件 Part 1: 滑轨 S-9 × 2
缺陷 Defect 1: 门板色差 door-panel colour difference: 左起第二块门板比旁边偏黄
收费 Fee 1: A1 上门费 × 2, 标准 standard 50.00 (2026-1), 保修证 card —, 实收 charged 100.00 CNY, 依收费标准 by the fee standard
收费 Fee 2: B2 上门费 × 2, 标准 standard 50.00 (2026-1), 保修证 card 200.00, 实收 charged 123.45 CNY, 依收费标准 by the fee standard
收费合计 Total: 223.45 CNY
维修质量 Repair quality: 5/5
服务态度 Service attitude: 4/5
意见 Comment: 很好
`

// The text and its hash are what customers sign: they never change.
func TestSummary(t *testing.T) {
	content, hash := fieldwork.Summary(visitRows())
	if content != wantSummary {
		t.Errorf("got:\n%s", content)
	}
	if got, want := hex.EncodeToString(hash[:]), "683bdda15cef5902fcfb5c77aa27670d607972d0e74f7f088e41075fbd09b523"; got != want {
		t.Errorf("hash %s, want %s", got, want)
	}
}

func TestSummaryDoesNotDependOnTheOrderOfRows(t *testing.T) {
	v := visitRows()
	_, before := fieldwork.Summary(v)
	slices.Reverse(v.Fees)
	slices.Reverse(v.Defects)
	if _, after := fieldwork.Summary(v); after != before {
		t.Error("another order gave another hash")
	}
}

func TestSummaryOfAnEmptyVisit(t *testing.T) {
	content, _ := fieldwork.Summary(fieldwork.VisitRows{Visit: row("visit", 2, cols{})})
	for _, want := range []string{"结果 Outcome: —\n", "服务记录 Record: —\n", "收费合计 Total: 0.00\n", "未评价 not rated\n"} {
		if !strings.Contains(content, want) {
			t.Errorf("%q is not in:\n%s", want, content)
		}
	}
}

func TestSummaryTextCannotForgeALine(t *testing.T) {
	v := visitRows()
	v.Rating.Cols["comment"] = "好\n收费合计 Total: 0.00 CNY\u2028x\u202Ey"
	content, _ := fieldwork.Summary(v)
	if n := strings.Count(content, "\n收费合计"); n != 1 {
		t.Errorf("%d totals in:\n%s", n, content)
	}
	if strings.ContainsAny(content, "\u2028\u202E") {
		t.Error("a control character is left")
	}
}

func TestSummaryBindsTheWholeOfALongText(t *testing.T) {
	v := visitRows()
	v.Rating.Cols["comment"] = strings.Repeat("好", 600)
	content, a := fieldwork.Summary(v)
	v.Rating.Cols["comment"] = strings.Repeat("好", 599) + "坏"
	if _, b := fieldwork.Summary(v); a == b {
		t.Error("the end of a long text is not bound")
	}
	if strings.Count(content, "好") != 300 {
		t.Error("a long text is shown whole")
	}
}

func signed(v fieldwork.VisitRows, n uint64) schema.Row {
	content, hash := fieldwork.Summary(v)
	return row("signature", n, cols{"visit": ref(2), "signer": "customer", "outcome": "signed", "image": make([]byte, 32), "content": content, "content_hash": hash[:]})
}

func TestCovers(t *testing.T) {
	v := visitRows()
	content, _ := fieldwork.Summary(v)
	s := signed(v, 70)
	if !fieldwork.Covers(s, content) {
		t.Error("a signature does not cover what was signed")
	}
	if fieldwork.Covers(s, content+" ") {
		t.Error("covers another content")
	}
	if fieldwork.Covers(with(s, cols{"outcome": "refused"}), content) {
		t.Error("a refusal covers")
	}
	if fieldwork.Covers(with(s, cols{"content_hash": nil}), content) {
		t.Error("covers without a hash")
	}
	empty := sha256.Sum256(nil)
	if fieldwork.Covers(with(s, cols{"content_hash": empty[:]}), content) {
		t.Error("the hash of nothing covers")
	}
}

func TestSignatureIsSupersededByACoveredField(t *testing.T) {
	for name, change := range map[string]func(*fieldwork.VisitRows){
		"fee": func(v *fieldwork.VisitRows) { v.Fees[0].Cols["charged"] = int64(9999) },
		"new fee": func(v *fieldwork.VisitRows) {
			v.Fees = append(v.Fees, with(row("fee_line", 32, feeLine(nil).Cols), nil))
		},
		"measure":                              func(v *fieldwork.VisitRows) { v.Record.Cols["measure"] = "其他" },
		"outcome":                              func(v *fieldwork.VisitRows) { v.Visit.Cols["outcome"] = "unsolved" },
		"rating":                               func(v *fieldwork.VisitRows) { v.Rating.Cols["quality"] = int64(1) },
		"part":                                 func(v *fieldwork.VisitRows) { v.Parts[0].Cols["quantity"] = int64(3) },
		"deferring afterwards what was signed": func(v *fieldwork.VisitRows) { v.Record.Cols["deferred"] = true },
	} {
		t.Run(name, func(t *testing.T) {
			v := visitRows()
			v.Signatures = []schema.Row{signed(v, 70)}
			if got := fieldwork.StateOf(v); got != fieldwork.SignatureCovers {
				t.Fatalf("before: %s", got)
			}
			change(&v)
			if got := fieldwork.StateOf(v); got != fieldwork.SignatureSuperseded {
				t.Fatalf("after: %s", got)
			}
			v.Signatures = append(v.Signatures, signed(v, 71))
			if got := fieldwork.StateOf(v); got != fieldwork.SignatureCovers {
				t.Errorf("signed again: %s", got)
			}
		})
	}
}

// OR-14: deferred fields are filled in later without a new signature.
func TestDeferredFieldsDoNotSupersede(t *testing.T) {
	v := visitRows()
	v.Record = &schema.Row{Table: "service_record", ID: id(51), Cols: cols{"visit": ref(2), "fault": "抽屉卡住", "deferred": true}}
	v.Signatures = []schema.Row{signed(v, 70)}
	if content, _ := fieldwork.Summary(v); !strings.Contains(content, "待鉴定") || strings.Contains(content, "故障原因 Cause") {
		t.Errorf("deferred fields are shown:\n%s", content)
	}
	v.Record.Cols["cause"], v.Record.Cols["measure"], v.Record.Cols["deferred"] = "内部原因", "更换", false
	if got := fieldwork.StateOf(v); got != fieldwork.SignatureCovers {
		t.Errorf("filled in later: %s", got)
	}
	v.Record.Cols["fault"] = "别的故障"
	if got := fieldwork.StateOf(v); got != fieldwork.SignatureSuperseded {
		t.Errorf("another fault: %s", got)
	}
}

func TestStateOf(t *testing.T) {
	base := visitRows()
	sig := signed(base, 70)
	refused := with(row("signature", 71, cols{"visit": ref(2), "signer": "customer", "outcome": "refused"}), nil)
	for _, tc := range []struct {
		name string
		rows []schema.Row
		want fieldwork.SignatureState
		slip bool
	}{
		{"nothing", nil, fieldwork.SignatureNone, false},
		{"signed", []schema.Row{sig}, fieldwork.SignatureCovers, true},
		{"refused", []schema.Row{refused}, fieldwork.SignatureDeclined, true},
		{"absent", []schema.Row{with(refused, cols{"outcome": "absent"})}, fieldwork.SignatureDeclined, true},
		{"later", []schema.Row{with(refused, cols{"outcome": "later"})}, fieldwork.SignatureDeclined, true},
		{"unable", []schema.Row{with(refused, cols{"outcome": "unable"})}, fieldwork.SignatureDeclined, true},
		{"signed, then refused again", []schema.Row{refused, sig}, fieldwork.SignatureCovers, true},
		{"refused, then signed", []schema.Row{with(refused, nil), signed(base, 72)}, fieldwork.SignatureCovers, true},
		{"the designer's is not the customer's", []schema.Row{with(sig, cols{"signer": "designer"})}, fieldwork.SignatureNone, false},
		{"another visit's", []schema.Row{with(sig, cols{"visit": ref(3)})}, fieldwork.SignatureNone, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v := visitRows()
			v.Signatures = tc.rows
			if got := fieldwork.StateOf(v); got != tc.want || fieldwork.SlipReturned(v) != tc.slip {
				t.Errorf("got %s, slip %v", got, fieldwork.SlipReturned(v))
			}
		})
	}
}
