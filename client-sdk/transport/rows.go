package transport

import (
	"bytes"
	"math"
	"unicode/utf8"

	"github.com/google/uuid"

	"siteledger/syncproto"
)

// quickRows reads the rows of a page in the form that our server writes, and
// gives the page without them. It knows that form alone: where it meets anything
// else it is false, and the whole page is judged by the general decoder. What it
// takes, that decoder takes too, with the same result. The cells' bytes are the
// body's.
func quickRows(body []byte) (rows []syncproto.Row, rest []byte, ok bool) {
	r := &rowReader{b: body, names: map[string]string{}}
	if r.head(5); !r.text("hlc") || r.bad {
		return nil, nil, false
	}
	r.head(0)
	if !r.text("more") {
		return nil, nil, false
	}
	if b := r.byte(); b != 0xf4 && b != 0xf5 || !r.text("next") {
		return nil, nil, false
	}
	r.bytes(3)
	if !r.text("rows") || r.bad {
		return nil, nil, false
	}
	before := len(body) - len(r.b)
	n := r.head(4)
	if r.bad || n > uint64(len(r.b))/leastRow || n > maxRows {
		return nil, nil, false
	}
	if n > 0 {
		rows = make([]syncproto.Row, n)
	}
	for i := range rows {
		if !r.row(&rows[i]) {
			return nil, nil, false
		}
	}
	rest = append(append(bytes.Clone(body[:before]), 0x80), r.b...)
	return rows, rest, true
}

const (
	// maxRows and maxColumns are those of the general decoder.
	maxRows    = 1 << 20
	maxColumns = 1 << 16
	// leastRow is how many bytes a row has at least.
	leastRow = 60
)

// rowReader takes items off the front of b. After the first that is not what was
// asked for it is bad and gives nothing.
type rowReader struct {
	b     []byte
	bad   bool
	names map[string]string // of tables and columns, each once in memory
}

func (r *rowReader) row(out *syncproto.Row) bool {
	if r.byte() != 0xa5 || !r.text("rev") {
		return false
	}
	out.Rev = r.head(0)
	if !r.text("row") || !r.id(&out.ID) || !r.text("cols") {
		return false
	}
	n := r.head(5)
	if r.bad || n > uint64(len(r.b)) || n > maxColumns {
		return false
	}
	out.Cols = make(map[string]any, n)
	for range n {
		name := r.name()
		v, ok := r.cell()
		if r.bad || !ok {
			return false
		}
		out.Cols[name] = v
	}
	if len(out.Cols) != int(n) || !r.text("root") || !r.id(&out.Root) || !r.text("table") {
		return false // a name came twice
	}
	out.Table = r.name()
	return !r.bad && out.Table != "" && out.Rev <= math.MaxInt64
}

// cell takes a value of a column; false for what is rare enough to be left to
// the general decoder.
func (r *rowReader) cell() (any, bool) {
	if len(r.b) == 0 {
		return nil, false
	}
	switch first := r.b[0]; first >> 5 {
	case 0, 1:
		n := r.head(first >> 5)
		if n > math.MaxInt64 {
			return nil, false
		}
		if first>>5 == 1 {
			return -1 - int64(n), true
		}
		return int64(n), true
	case 2:
		return r.bytes(2), true
	case 3:
		s := r.bytes(3)
		return string(s), utf8.Valid(s)
	}
	switch r.byte() {
	case 0xf4:
		return false, true
	case 0xf5:
		return true, true
	case 0xf6:
		return nil, true
	}
	return nil, false
}

func (r *rowReader) byte() byte {
	if r.bad || len(r.b) == 0 {
		r.bad = true
		return 0
	}
	b := r.b[0]
	r.b = r.b[1:]
	return b
}

// head takes the head of an item of one major type.
func (r *rowReader) head(major byte) uint64 {
	n, ok := number(&r.b, major)
	r.bad = r.bad || !ok
	return n
}

// bytes takes a byte string, or a text, as it stands in the body.
func (r *rowReader) bytes(major byte) []byte {
	n := r.head(major)
	if r.bad || n > uint64(len(r.b)) {
		r.bad = true
		return nil
	}
	out := r.b[:n:n]
	r.b = r.b[n:]
	return out
}

// text takes a short text that is known.
func (r *rowReader) text(s string) bool {
	if len(r.b) <= len(s) || r.b[0] != 0x60|byte(len(s)) || string(r.b[1:1+len(s)]) != s {
		return false
	}
	r.b = r.b[1+len(s):]
	return true
}

func (r *rowReader) id(out *uuid.UUID) bool {
	if len(r.b) < 17 || r.b[0] != 0x50 {
		return false
	}
	copy(out[:], r.b[1:17])
	r.b = r.b[17:]
	return true
}

// name takes the name of a table or column.
func (r *rowReader) name() string {
	b := r.bytes(3)
	if known, ok := r.names[string(b)]; ok {
		return known
	}
	if !utf8.Valid(b) {
		r.bad = true
	}
	s := string(b)
	r.names[s] = s
	return s
}
