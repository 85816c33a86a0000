package api

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"siteledger/syncproto"
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
	b = head(b, 0xa0, uint64(len(keys)))
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
	b = head(b, 0x80, uint64(len(rows)))
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
		b = head(b, 0xa0, 5)
		b = head(text(b, "rev"), 0x00, r.Rev)
		b = bytes16(text(b, "row"), r.ID)
		b = head(text(b, "cols"), 0xa0, uint64(len(order)))
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
			return head(b, 0x20, uint64(-(v + 1))), nil
		}
		return head(b, 0x00, uint64(v)), nil
	case string:
		return text(b, v), nil
	case []byte:
		if v != nil {
			return append(head(b, 0x40, uint64(len(v))), v...), nil
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

func text(b []byte, s string) []byte { return append(head(b, 0x60, uint64(len(s))), s...) }

func bytes16(b []byte, id [16]byte) []byte { return append(append(b, 0x50), id[:]...) }

// head appends the shortest head of an item.
func head(b []byte, major byte, n uint64) []byte {
	switch {
	case n < 24:
		return append(b, major|byte(n))
	case n <= math.MaxUint8:
		return append(b, major|24, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(b, major|25), uint16(n))
	case n <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(b, major|26), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(b, major|27), n)
}
