package fieldwork

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"siteledger/syncproto/schema"
)

// Form and version of what a staff signature on a leftover order covers.
const (
	leftoverForm    = "leftover-order"
	leftoverVersion = 1
)

// MaxLeftoverContent is the longest content in bytes that a signature on a
// leftover order stores.
const MaxLeftoverContent = 32000

// ErrLeftoverLong says that an order holds more than a signature can be bound
// to.
var ErrLeftoverLong = errors.New("fieldwork: the leftover order is too long to be signed")

// LeftoverRows are what somebody signs on a leftover order (SF-06, AD-02): the
// form, the defect that it is about, and the drawings that go with it.
type LeftoverRows struct {
	Order    schema.Row // leftover_order
	Defect   schema.Row
	Drawings []schema.Row // drawing_annex
}

// BoundLeftover is what a staff signature stores: the order as the signer was
// shown it, one field to a line, behind it the line of each row, column and
// value, and the SHA-256 of all of it. The same rows give the same bytes
// everywhere.
func BoundLeftover(v LeftoverRows) (content string, hash [32]byte, err error) {
	var b strings.Builder
	line := func(label, value string) { fmt.Fprintf(&b, "%s: %s\n", label, cmp.Or(oneLine(value), "—")) }
	b.WriteString("遗留问题处理单 Leftover order · 1\n")
	for _, f := range leftoverLines() {
		value := v.Order.Text(f.column)
		switch {
		case f.column == "class":
			value = word(leftoverClass, value)
		case f.date:
			value = ""
			if at := v.Order.Int(f.column); at != 0 {
				value = time.UnixMilli(at).In(time.FixedZone("UTC+8", 8*3600)).Format(time.DateOnly)
			}
		}
		line(f.label, value)
	}
	line("缺陷 Defect", word(classWords, v.Defect.Text("class"))+" "+v.Defect.Text("text"))
	if d, ok := SizeDifference(v.Defect); ok {
		line("图纸与现生产尺寸 Drawing and produced size", fmt.Sprintf("%d mm, %d mm, %+d mm", v.Defect.Int("drawing_size"), v.Defect.Int("actual_size"), d))
	}
	for _, a := range drawingsOf(v) {
		line("图纸 Drawing", fmt.Sprintf("%s %d %s", a.Text("name"), a.Int("file_size"), hex.EncodeToString(a.Bytes("file"))))
	}
	content, err = withCells(b.String(), covered{Form: leftoverForm, Version: leftoverVersion, Cells: leftoverCells(v)})
	if err != nil {
		return "", hash, err
	}
	if len(content) > MaxLeftoverContent {
		return "", hash, ErrLeftoverLong
	}
	return content, sha256.Sum256([]byte(content)), nil
}

// LeftoverStanding gives the state of one staff signature: it covers the order
// as it is now, or something that it covered was changed since. A drawing that
// came later is not covered and does not break it.
func LeftoverStanding(signature schema.Row, v LeftoverRows) SignatureState {
	if signature.Deleted || signature.UUID("leftover") != v.Order.ID {
		return SignatureNone
	}
	if changes, known := LeftoverChanged(signature, v); known && len(changes) == 0 {
		return SignatureCovers
	}
	return SignatureSuperseded
}

// LeftoverChanged names what a staff signature covered and is otherwise now;
// known is false where its content is not what its hash says.
func LeftoverChanged(signature schema.Row, v LeftoverRows) (changes []Changed, known bool) {
	was, ok := cellsOf(signature, leftoverForm, leftoverVersion)
	if !ok {
		return nil, false
	}
	shown := LeftoverRows{Order: v.Order, Defect: v.Defect}
	for _, a := range v.Drawings {
		if slices.ContainsFunc(was, func(c Cell) bool { return c.Row == a.ID }) {
			shown.Drawings = append(shown.Drawings, a)
		}
	}
	return differences(was, leftoverCells(shown)), true
}

// LeftoverSigned gives the state of an order by all signatures on it: covers
// where one of them stands, superseded where there are only such as were
// broken, none where nobody has signed (SF-06).
func LeftoverSigned(signatures []schema.Row, v LeftoverRows) SignatureState {
	state := SignatureNone
	for _, s := range signatures {
		switch LeftoverStanding(s, v) {
		case SignatureCovers:
			return SignatureCovers
		case SignatureSuperseded:
			state = SignatureSuperseded
		}
	}
	return state
}

func drawingsOf(v LeftoverRows) []schema.Row {
	var own []schema.Row
	for _, a := range v.Drawings {
		if !a.Deleted && a.UUID("defect") == v.Defect.ID {
			own = append(own, a)
		}
	}
	slices.SortFunc(own, func(a, b schema.Row) int { return slices.Compare(a.ID[:], b.ID[:]) })
	return own
}

func leftoverCells(v LeftoverRows) []Cell {
	var out []Cell
	add := func(table string, r schema.Row, columns ...string) {
		for _, c := range columns {
			value := r.Cols[c]
			switch x := value.(type) {
			case int64:
			case string:
				if x == "" {
					value = nil
				}
			case []byte:
				value = hex.EncodeToString(x)
			default:
				value = nil
			}
			out = append(out, Cell{Table: table, Row: r.ID, Column: c, Value: value})
		}
	}
	for _, f := range leftoverLines() {
		add("leftover_order", v.Order, f.column)
	}
	add("defect", v.Defect, "class", "text", "drawing_size", "actual_size")
	for _, a := range drawingsOf(v) {
		add("drawing_annex", a, "name", "file", "file_size")
	}
	return out
}

type leftoverLine struct {
	column, label string
	date          bool
}

// leftoverLines are the fields of the form in its order. The words are fixed: a
// signature of today must still be read in ten years.
func leftoverLines() []leftoverLine {
	return []leftoverLine{
		{"class", "申报类别 Class", false}, {"contract_no", "合同号 Contract", false}, {"customer", "顾客名称 Customer", false}, {"address", "地址 Address", false},
		{"phone", "联系电话 Phone", false}, {"order_time", "下单时间 Ordered", true}, {"delivery_date", "交货日期 Delivered", true}, {"judgement", "判定内容 To be judged", false},
		{"change_content", "修改及重做内容 Change or remake", false}, {"material", "材料名称 Material", false}, {"edge_profile", "边型 Edge profile", false},
		{"edge_band", "封边材料 Edge band", false}, {"drawing_size", "重做或修改前的图纸尺寸 Drawing size before", false}, {"reason", "下单原因 Reason", false},
	}
}

// oneLine puts a text on one line, whole.
func oneLine(s string) string { return strings.Join(strings.Fields(plain(s)), " ") }
