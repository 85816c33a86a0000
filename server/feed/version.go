package feed

import (
	"context"
	"fmt"

	"siteledger/syncproto"
	"siteledger/syncproto/schema"
)

// reads is the version of the schema that a device reads with: the one that it
// asked for, and never a later one than the server's (promise P9).
func (f *Feed) reads(dev Device) int {
	if dev.Schema < 1 || dev.Schema > f.Schema.Version {
		return f.Schema.Version
	}
	return dev.Schema
}

// knows says whether the reader's version has a table.
func (p *pull) knows(table string) bool {
	t := p.Schema.Table(table)
	return t != nil && t.KnownAt(p.dev.Schema)
}

// hide takes the rows that the reader's version does not know off the counts
// and checksums of his roots, so that they prove what he has. It costs nothing
// for a reader whose version has all tables.
func (p *pull) hide(ctx context.Context) error {
	all := true
	for _, t := range p.Schema.Tables {
		all = all && t.KnownAt(p.dev.Schema)
	}
	if all {
		return nil
	}
	for i := range p.roots {
		r := &p.roots[i]
		rows, sum, err := p.snap.Hidden(ctx, r.Stream, r.ID, p.dev.Schema)
		if err != nil {
			return fmt.Errorf("rows of later tables: %w", err)
		}
		r.Rows, r.Sum = r.Rows-rows, r.Sum-sum
	}
	return nil
}

// visible cuts a row to what the reader may see and knows: all such columns,
// nil where empty, and for a value that came later what stands for it. The row's
// own columns become those.
func (p *pull) visible(r schema.Row) syncproto.Row {
	t := p.Schema.Table(r.Table)
	out := syncproto.Row{Table: r.Table, ID: r.ID, Root: r.Root, Rev: r.Rev, Cols: r.Cols}
	if out.Cols == nil {
		out.Cols = map[string]schema.Value{}
	}
	for _, c := range t.Columns {
		if !c.MayRead(p.dev.Role) || !c.KnownAt(p.dev.Schema) {
			delete(out.Cols, c.Name)
			continue
		}
		if was, there := out.Cols[c.Name]; !there || len(c.LaterValues) > 0 {
			out.Cols[c.Name] = c.ValueAt(was, p.dev.Schema)
		}
	}
	return out
}
