package fieldwork

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/uuid"

	"siteledger/syncproto/schema"
)

// Form and version of what a customer's signature covers.
const (
	boundForm    = "visit-summary"
	boundVersion = 2
)

// coverMark begins the last line of a bound content.
const coverMark = "涵盖 Covers: "

// Cell is one value that a signature covers. Value is nil, bool, int64 or
// string.
type Cell struct {
	_      struct{} `cbor:",toarray"`
	Table  string
	Row    uuid.UUID
	Column string
	Value  any
}

// covered is what the last line of a bound content holds.
type covered struct {
	_       struct{} `cbor:",toarray"`
	Form    string
	Version int
	Cells   []Cell
}

// Bound is what a signature row stores: the text that the customer was shown,
// as [Summary] gives it, and behind it one line with each row, column and value
// that stands in it, as base64url of canonical CBOR; and the SHA-256 of all of
// it. The same rows give the same bytes everywhere. Where that is longer than
// [MaxContent], it is the text alone.
func Bound(v VisitRows) (content string, hash [32]byte) {
	return bound(v, v.Record != nil && v.Record.Bool("deferred"))
}

func bound(v VisitRows, deferred bool) (string, [32]byte) {
	text, sum := summary(v, deferred)
	content, err := withCells(text, covered{Form: boundForm, Version: boundVersion, Cells: cells(v, deferred)})
	if err != nil || len(content) > MaxContent {
		return text, sum
	}
	return content, sha256.Sum256([]byte(content))
}

// withCells puts the line of the cells behind a text.
func withCells(text string, c covered) (string, error) {
	mode, err := cbor.CanonicalEncOptions().EncMode()
	if err != nil {
		return "", err
	}
	cover, err := mode.Marshal(c)
	if err != nil {
		return "", err
	}
	return text + coverMark + base64.RawURLEncoding.EncodeToString(cover) + "\n", nil
}

// Readable is the text of a stored content without the line of the cells.
func Readable(content string) string {
	text, _, _ := cutCover(content)
	return text
}

// cutCover parts a bound content. A text can hold the mark itself: only a last
// line of its own counts, and no free text can add a line.
func cutCover(content string) (text string, cover []byte, ok bool) {
	i := strings.LastIndex(content, "\n"+coverMark)
	if i < 0 || !strings.HasSuffix(content, "\n") {
		return content, nil, false
	}
	line := strings.TrimSuffix(content[i+1+len(coverMark):], "\n")
	b, err := base64.RawURLEncoding.Strict().DecodeString(line)
	if err != nil || strings.ContainsAny(line, "\r\n") {
		return content, nil, false
	}
	return content[:i+1], b, true
}

// cells lists what the summary shows, in its order. A tick and a text that were
// never given count as not ticked and empty.
func cells(v VisitRows, deferred bool) []Cell {
	var out []Cell
	add := func(r *schema.Row, columns ...string) {
		for _, c := range columns {
			out = append(out, Cell{Table: r.Table, Row: r.ID, Column: c, Value: r.Cols[c]})
			last := &out[len(out)-1]
			switch x := last.Value.(type) {
			case nil, int64:
			case bool:
				if !x {
					last.Value = nil
				}
			case string:
				if x == "" {
					last.Value = nil
				}
			default:
				last.Value = nil // no shown column has another type
			}
		}
	}
	visit := v.Visit
	visit.Table = "visit"
	add(&visit, "started_at", "outcome")
	if r := v.Record; r != nil && !r.Deleted {
		row := *r
		row.Table = "service_record"
		add(&row, "fault")
		if deferred {
			out = append(out, Cell{Table: row.Table, Row: row.ID, Column: "deferred", Value: true})
		} else {
			add(&row, "cause", "measure")
		}
		add(&row, "training_done", "restored", "cleaned", "warranty_card")
	}
	each := func(table string, rows []schema.Row, columns ...string) {
		for _, r := range sortedOf(v, rows) {
			r.Table = table
			add(&r, columns...)
		}
	}
	each("part_used", v.Parts, "name", "serial", "quantity")
	each("defect", v.Defects, "class", "text")
	each("fee_line", v.Fees, "item", "name", "quantity", "standard_price", "standard_version", "card_price", "charged", "currency", "basis")
	if r := v.Rating; r != nil && !r.Deleted {
		row := *r
		row.Table = "rating"
		add(&row, "quality", "attitude", "comment")
	}
	return out
}

// Changed is one value that is not what it was when the customer signed. Was
// and Now are nil for a row that is new, or gone.
type Changed struct {
	Table  string
	Row    uuid.UUID
	Column string
	Was    any
	Now    any
}

// ChangedSince names what a signature covered and is otherwise now, in the
// order of the summary; nothing for a signature that covers the visit. known is
// false where the signature does not say what it covered: an older one, or one
// whose content is not what its hash says.
func ChangedSince(signature schema.Row, v VisitRows) (changes []Changed, known bool) {
	was, ok := cellsOf(signature, boundForm, boundVersion)
	if !ok {
		return nil, false
	}
	if CoversVisit(signature, v) {
		return nil, true
	}
	deferred := false
	for _, c := range was {
		deferred = deferred || c.Table == "service_record" && c.Column == "deferred"
	}
	return differences(was, cells(v, deferred && v.Record != nil)), true
}

// cellsOf reads what a signature says that it covered; false where it says
// nothing, or its content is not what its hash says.
func cellsOf(signature schema.Row, form string, version int) ([]Cell, bool) {
	content := signature.Text("content")
	_, raw, ok := cutCover(content)
	sum := sha256.Sum256([]byte(content))
	if !ok || !bytes.Equal(sum[:], signature.Bytes("content_hash")) {
		return nil, false
	}
	return decodeCells(raw, form, version)
}

// differences names the cells that are not what they were, and the new ones
// that hold something.
func differences(was, now []Cell) []Changed {
	var changes []Changed
	type at struct {
		row    uuid.UUID
		column string
	}
	have := make(map[at]any, len(now))
	for _, c := range now {
		have[at{c.Row, c.Column}] = c.Value
	}
	for _, c := range was {
		k := at{c.Row, c.Column}
		if n := have[k]; n != c.Value {
			changes = append(changes, Changed{c.Table, c.Row, c.Column, c.Value, n})
		}
		delete(have, k)
	}
	for _, c := range now {
		if n, left := have[at{c.Row, c.Column}]; left && n != nil {
			changes = append(changes, Changed{c.Table, c.Row, c.Column, nil, n})
		}
	}
	return changes
}

// decodeCells reads the cells of a content of a form. It is bounded by the
// longest of them.
func decodeCells(raw []byte, form string, version int) ([]Cell, bool) {
	if len(raw) > MaxLeftoverContent {
		return nil, false
	}
	mode, err := cbor.DecOptions{MaxArrayElements: 4096, MaxNestedLevels: 4, IntDec: cbor.IntDecConvertSignedOrFail, TagsMd: cbor.TagsForbidden, IndefLength: cbor.IndefLengthForbidden}.DecMode()
	if err != nil {
		return nil, false
	}
	var c covered
	if err := mode.Unmarshal(raw, &c); err != nil || c.Form != form || c.Version != version {
		return nil, false
	}
	for _, cell := range c.Cells {
		switch cell.Value.(type) {
		case nil, bool, int64, string:
		default:
			return nil, false
		}
	}
	return c.Cells, true
}
