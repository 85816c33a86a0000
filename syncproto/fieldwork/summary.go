package fieldwork

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"siteledger/syncproto/schema"
)

// VisitRows are the rows of one visit that its rules look at. Rows of other
// visits may be among them; they are left out. Rating is nil before the
// customer has rated; Record is nil where none was written.
type VisitRows struct {
	Visit      schema.Row
	Record     *schema.Row // service_record
	Parts      []schema.Row
	Defects    []schema.Row
	Fees       []schema.Row
	Events     []schema.Row // visit_event
	Rating     *schema.Row
	Signatures []schema.Row
	Closes     []schema.Row // visit_close
}

// MaxContent is the longest content in bytes that the signature row stores
// beside its hash; a longer one is bound by the hash alone.
const MaxContent = 16000

const longText = 300 // runes of a free text that are shown

// Summary is what the customer is shown and signs (SF-07): the work, the parts,
// the defects, the fees and the ratings of one visit as text in a fixed order,
// and the SHA-256 of its UTF-8 bytes. Format 1. The same rows give the same
// bytes on every phone and server and in every later version; the words are
// therefore fixed here and not taken from the schema's labels.
//
// Cause and measure that are deferred are not shown and not signed (OR-14).
// Rows that the office may still complete (receipts, waivers, the customer's
// file, the job's head) are no part of it: they do not break a signature.
func Summary(v VisitRows) (content string, hash [32]byte) {
	return summary(v, v.Record != nil && v.Record.Bool("deferred"))
}

func summary(v VisitRows, deferred bool) (string, [32]byte) {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("服务确认单 Service summary · 1")
	line("上门 Visit: %s", v.Visit.ID)
	line("时间 Time: %s", localTime(v.Visit.Int("started_at")))
	line("结果 Outcome: %s", word(outcomeWords, v.Visit.Text("outcome")))
	writeWork(line, v, deferred)
	for i, p := range sortedOf(v, v.Parts) {
		line("配件 Part %d: %s %s × %d", i+1, free(p.Text("name")), orDash(free(p.Text("serial"))), p.Int("quantity"))
	}
	for i, d := range sortedOf(v, v.Defects) {
		line("缺陷 Defect %d: %s: %s", i+1, word(classWords, d.Text("class")), free(d.Text("text")))
	}
	writeFees(line, v)
	if v.Rating != nil && !v.Rating.Deleted {
		line("维修质量 Repair quality: %d/5", v.Rating.Int("quality"))
		line("服务态度 Service attitude: %d/5", v.Rating.Int("attitude"))
		line("意见 Comment: %s", orDash(free(v.Rating.Text("comment"))))
	} else {
		line("评价 Rating: 未评价 not rated")
	}
	s := b.String()
	return s, sha256.Sum256([]byte(s))
}

func writeWork(line func(string, ...any), v VisitRows, deferred bool) {
	if v.Record == nil || v.Record.Deleted {
		line("服务记录 Record: —")
		return
	}
	line("故障现象 Fault: %s", orDash(free(v.Record.Text("fault"))))
	if deferred {
		line("原因与措施 Cause and measure: 待鉴定 diagnosis to follow")
	} else {
		line("故障原因 Cause: %s", orDash(free(v.Record.Text("cause"))))
		line("维修措施 Measure: %s", orDash(free(v.Record.Text("measure"))))
	}
	for _, tick := range [...]struct{ col, words string }{
		{"training_done", "使用保养培训 Use and care explained"},
		{"restored", "恢复原位 Put back in place"},
		{"cleaned", "现场清理 Cleaned up"},
		{"warranty_card", "保修卡已填 Warranty card filled in"},
	} {
		line("%s: %s", tick.words, yesNo(v.Record.Bool(tick.col)))
	}
}

func writeFees(line func(string, ...any), v VisitRows) {
	fees := sortedOf(v, v.Fees)
	totals := map[string]int64{}
	for i, f := range fees {
		card := "—"
		if n, ok := f.Cols["card_price"].(int64); ok {
			card = Yuan(n)
		}
		line("收费 Fee %d: %s %s × %d, 标准 standard %s (%s), 保修证 card %s, 实收 charged %s %s, %s",
			i+1, free(f.Text("item")), free(f.Text("name")), f.Int("quantity"), Yuan(f.Int("standard_price")),
			free(f.Text("standard_version")), card, Yuan(f.Int("charged")), free(f.Text("currency")), word(basisWords, f.Text("basis")))
		totals[f.Text("currency")] += f.Int("charged")
	}
	if len(fees) == 0 {
		line("收费合计 Total: 0.00")
		return
	}
	currencies := make([]string, 0, len(totals))
	for c := range totals {
		currencies = append(currencies, c)
	}
	slices.Sort(currencies)
	for _, c := range currencies {
		line("收费合计 Total: %s %s", Yuan(totals[c]), free(c))
	}
}

// sortedOf keeps the rows of the visit that are not deleted, by id: the order
// in which they were made.
func sortedOf(v VisitRows, rows []schema.Row) []schema.Row {
	var own []schema.Row
	for _, r := range rows {
		if !r.Deleted && r.UUID("visit") == v.Visit.ID {
			own = append(own, r)
		}
	}
	slices.SortFunc(own, func(a, b schema.Row) int { return slices.Compare(a.ID[:], b.ID[:]) })
	return own
}

// free puts a free text on one line. A long one is cut, and bound whole by the
// beginning of its hash.
func free(s string) string {
	s = oneLine(s)
	if runes := []rune(s); len(runes) > longText {
		sum := sha256.Sum256([]byte(s))
		return string(runes[:longText]) + "… [" + hex.EncodeToString(sum[:8]) + "]"
	}
	return s
}

// plain makes control characters spaces: no text can add a line or turn the
// digits around.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return ' '
		}
		return r
	}, s)
}

func orDash(s string) string { return cmp.Or(s, "—") }

func yesNo(b bool) string {
	if b {
		return "是 yes"
	}
	return "否 no"
}

func word(words map[string]string, v string) string {
	if w, ok := words[v]; ok {
		return w
	}
	return orDash(v)
}

// localTime writes a time as it is everywhere in China, whatever the machine's
// own zone.
func localTime(ms int64) string {
	return time.UnixMilli(ms).In(time.FixedZone("UTC+8", 8*3600)).Format("2006-01-02 15:04 UTC+8")
}
