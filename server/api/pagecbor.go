package api

import (
	"cmp"
	"fmt"
	"slices"

	"siteledger/syncproto"
	"siteledger/syncproto/cborhead"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

// pageWriter writes pages as canonical CBOR, byte for byte what the codec makes
// of pageTree, without a tree for the rows: they are nearly all of a page.
type pageWriter struct{ codec *changelog.Codec }

// page appends a page.
func (w pageWriter) page(b []byte, p *syncproto.Page) ([]byte, error) {
	rows := p.Rows
	around := *p
	around.Rows = nil
	tree := pageTree(&around, cborForm{})
	keys := make([]string, 0, len(tree))
	for k := range tree {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, canonical)
	b = cborhead.Append(b, cborhead.Map, uint64(len(keys)))
	for _, k := range keys {
		b = text(b, k)
		if k == "rows" {
			var err error
			if b, err = w.rows(b, rows); err != nil {
				return nil, err
			}
			continue
		}
		v, err := w.codec.Marshal(tree[k])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", k, err)
		}
		b = append(b, v...)
	}
	return b, nil
}

// rows appends the list of rows. The rows of a table have the same columns on
// one page: their order is found once.
func (w pageWriter) rows(b []byte, rows []syncproto.Row) (_ []byte, err error) {
	b = cborhead.Append(b, cborhead.List, uint64(len(rows)))
	orders := map[string][]string{}
	for i := range rows {
		r := &rows[i]
		order := orders[r.Table]
		if !covers(order, r.Cols) {
			order = order[:0:0]
			for name := range r.Cols {
				order = append(order, name)
			}
			slices.SortFunc(order, canonical)
			orders[r.Table] = order
		}
		b = cborhead.Append(b, cborhead.Map, 5)
		b = cborhead.Append(text(b, "rev"), cborhead.Number, r.Rev)
		b = bytes16(text(b, "row"), r.ID)
		b = cborhead.Append(text(b, "cols"), cborhead.Map, uint64(len(order)))
		for _, name := range order {
			if b, err = w.cell(text(b, name), r.Cols[name]); err != nil {
				return nil, fmt.Errorf("%s.%s: %w", r.Table, name, err)
			}
		}
		b = bytes16(text(b, "root"), r.Root)
		b = text(text(b, "table"), r.Table)
	}
	return b, nil
}

// covers says that the names are exactly those of the columns.
func covers(order []string, cols map[string]schema.Value) bool {
	if order == nil || len(order) != len(cols) {
		return false
	}
	for _, name := range order {
		if _, ok := cols[name]; !ok {
			return false
		}
	}
	return true
}

func (w pageWriter) cell(b []byte, v schema.Value) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(b, 0xf6), nil
	case bool:
		if v {
			return append(b, 0xf5), nil
		}
		return append(b, 0xf4), nil
	case int64:
		if v < 0 {
			return cborhead.Append(b, cborhead.Negative, uint64(-(v + 1))), nil
		}
		return cborhead.Append(b, cborhead.Number, uint64(v)), nil
	case string:
		return text(b, v), nil
	case []byte:
		if v != nil {
			return append(cborhead.Append(b, cborhead.Bytes, uint64(len(v))), v...), nil
		}
	}
	out, err := w.codec.Marshal(v)
	return append(b, out...), err
}

// canonical is the order of keys: by their encoded bytes, and so by their
// length first.
func canonical(a, b string) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
}

func text(b []byte, s string) []byte {
	return append(cborhead.Append(b, cborhead.Text, uint64(len(s))), s...)
}

func bytes16(b []byte, id [16]byte) []byte { return append(append(b, 0x50), id[:]...) }
