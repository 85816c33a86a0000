package schema

import (
	"bytes"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"
)

// Value is one cell: nil, bool, int64, float64, string or []byte. A uuid is
// 16 bytes, a blob's hash 32.
type Value = any

// Fits says whether a value may stand in the column: its type, its range, its
// declared values. Nil fits a column that is not required. A text has no NUL:
// not every database can keep one.
func (c *Column) Fits(v Value) bool {
	if v == nil {
		return !c.Required
	}
	switch c.Type {
	case Bool:
		_, ok := v.(bool)
		return ok
	case Int, Time, Money:
		n, ok := v.(int64)
		return ok && (c.Max == 0 || n <= c.Max) && (c.Min == nil || n >= *c.Min)
	case Float:
		switch n := v.(type) {
		case float64:
			return !math.IsNaN(n) && !math.IsInf(n, 0) && (c.Max == 0 || n <= float64(c.Max))
		case int64:
			return c.Max == 0 || n <= c.Max
		}
		return false
	case Text:
		s, ok := v.(string)
		if !ok || !utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0 || (c.Max > 0 && int64(len(s)) > c.Max) {
			return false
		}
		if c.Required && s == "" {
			return false
		}
		return len(c.Values) == 0 || s == "" || c.has(s)
	case Bytes:
		b, ok := v.([]byte)
		return ok && (c.Max == 0 || int64(len(b)) <= c.Max)
	case UUID:
		b, ok := v.([]byte)
		return ok && len(b) == 16
	case Blob:
		b, ok := v.([]byte)
		return ok && len(b) == 32
	}
	return false
}

func (c *Column) has(s string) bool {
	for _, v := range c.Values {
		if v == s {
			return true
		}
	}
	return false
}

// Normal gives the one form of a value that is stored and compared: whole
// numbers in float columns become float64.
func (c *Column) Normal(v Value) Value {
	if n, ok := v.(int64); ok && c.Type == Float {
		return float64(n)
	}
	return v
}

// Equal compares two values of one column.
func Equal(a, b Value) bool {
	x, ok := a.([]byte)
	if y, ok2 := b.([]byte); ok && ok2 {
		return bytes.Equal(x, y)
	} else if ok || ok2 {
		return false
	}
	return a == b
}

// Row is one row of state.
type Row struct {
	Table   string
	ID      uuid.UUID
	Root    uuid.UUID
	Rev     uint64
	Deleted bool
	Cols    map[string]Value
}

// Text gives a text column, "" where it is empty.
func (r Row) Text(col string) string { s, _ := r.Cols[col].(string); return s }

// Int gives an int, time or money column, 0 where it is empty.
func (r Row) Int(col string) int64 { n, _ := r.Cols[col].(int64); return n }

// Bool gives a bool column, false where it is empty.
func (r Row) Bool(col string) bool { b, _ := r.Cols[col].(bool); return b }

// UUID gives a uuid column, uuid.Nil where it is empty.
func (r Row) UUID(col string) uuid.UUID {
	b, _ := r.Cols[col].([]byte)
	id, err := uuid.FromBytes(b)
	if err != nil {
		return uuid.Nil
	}
	return id
}

// Bytes gives a bytes or blob column, nil where it is empty.
func (r Row) Bytes(col string) []byte { b, _ := r.Cols[col].([]byte); return b }
