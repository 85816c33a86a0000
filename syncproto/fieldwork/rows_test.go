package fieldwork_test

import (
	"encoding/binary"
	"testing"

	"github.com/google/uuid"

	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

// id makes a fixed id that sorts by n.
func id(n uint64) uuid.UUID {
	var u uuid.UUID
	u[6], u[8] = 0x70, 0x80
	binary.BigEndian.PutUint64(u[8:], n|1<<63)
	return u
}

func ref(n uint64) []byte { u := id(n); return u[:] }

type cols = map[string]any

func row(table string, n uint64, c cols) schema.Row {
	return schema.Row{Table: table, ID: id(n), Cols: c}
}

// with copies a row and sets some columns; a nil value removes one.
func with(r schema.Row, c cols) schema.Row {
	out := schema.Row{Table: r.Table, ID: r.ID, Root: r.Root, Rev: r.Rev, Deleted: r.Deleted, Cols: cols{}}
	for k, v := range r.Cols {
		out.Cols[k] = v
	}
	for k, v := range c {
		if v == nil {
			delete(out.Cols, k)
			continue
		}
		out.Cols[k] = v
	}
	return out
}

// state is a Reader over a few rows.
type state []schema.Row

func (s state) Row(table string, id uuid.UUID) (schema.Row, bool, error) {
	for _, r := range s {
		if r.Table == table && r.ID == id {
			return r, true, nil
		}
	}
	return schema.Row{}, false, nil
}

func (s state) Children(table, column string, parent uuid.UUID) ([]schema.Row, error) {
	var out []schema.Row
	for _, r := range s {
		if r.Table == table && r.UUID(column) == parent {
			out = append(out, r)
		}
	}
	return out, nil
}

func insert(r schema.Row) fieldwork.Written {
	return fieldwork.Written{Table: r.Table, ID: r.ID, Op: 1, Cols: r.Cols, After: r}
}

func update(before schema.Row, c cols) fieldwork.Written {
	return fieldwork.Written{Table: before.Table, ID: before.ID, Op: 2, Cols: c, After: with(before, c)}
}

// wantCode checks a violation's code, "" for none, and that both sentences are
// there.
func wantCode(t *testing.T, v *fieldwork.Violation, code string) {
	t.Helper()
	switch {
	case v == nil && code != "":
		t.Errorf("allowed; want %q", code)
	case v != nil && v.Code != code:
		t.Errorf("refused with %q (%s); want %q", v.Code, v.EN, code)
	case v != nil && (v.ZH == "" || v.EN == "" || v.In("en") != v.EN || v.In("zh-CN") != v.ZH):
		t.Errorf("%s: a sentence is missing: %+v", code, v)
	}
}
