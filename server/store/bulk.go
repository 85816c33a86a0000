package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"siteledger/server/reconcile"
)

// How many rows one statement reads or writes. A statement of a fixed length
// is prepared once; the rest of a list goes row by row.
const (
	loadAtOnce   = 32
	showAtOnce   = 128
	insertAtOnce = 16
)

// oneOf is a condition on n values behind the first.
func oneOf(n int) string { return "IN (" + strings.TrimPrefix(tuples(1, 1+n), "($1, ") }

// Load satisfies reconcile.Rows.
func (c *centreTx) Load(ctx context.Context, keys []reconcile.Key) ([]*reconcile.Row, error) {
	var order []string
	byTable := map[string][]uuid.UUID{}
	for _, k := range keys {
		if byTable[k.Table] == nil {
			order = append(order, k.Table)
		}
		byTable[k.Table] = append(byTable[k.Table], k.ID)
	}
	if p, ok := c.session.(*pipeline); ok {
		return c.loadArrays(p, order, byTable)
	}
	var out []*reconcile.Row
	for _, table := range order {
		ids := byTable[table]
		for len(ids) > 0 {
			n := min(len(ids), loadAtOnce)
			var err error
			if out, err = c.loadSome(ctx, c.s.tables[table], ids[:n], out); err != nil {
				return nil, err
			}
			ids = ids[n:]
		}
	}
	return out, nil
}

// loadSome reads up to loadAtOnce rows of a table; a shorter list names its
// last row again and again.
func (c *centreTx) loadSome(ctx context.Context, q *tableSQL, ids []uuid.UUID, out []*reconcile.Row) ([]*reconcile.Row, error) {
	if len(ids) == 1 {
		r, err := c.Row(ctx, q.t.Name, ids[0])
		if err != nil || r == nil {
			return out, err
		}
		return append(out, r), nil
	}
	args := make([]any, 1, 1+loadAtOnce)
	args[0] = c.centre[:]
	for i := range loadAtOnce {
		args = append(args, ids[min(i, len(ids)-1)][:])
	}
	rows, err := c.queryMany(ctx, q.many, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		r, err := q.scanRow(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// tuples writes n groups of w numbered binds each.
func tuples(n, w int) string {
	var b strings.Builder
	bind := 1
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteByte('(')
		for j := range w {
			if j > 0 {
				b.WriteString(", ")
			}
			fmt.Fprintf(&b, "$%d", bind)
			bind++
		}
		b.WriteByte(')')
	}
	return b.String()
}

// positional turns $1, $2 … into question marks where they stand in that
// order, once each: SQLite looks up the name of a numbered bind in a list, for
// each bind of each execution.
func positional(text string) string {
	var b strings.Builder
	next := 1
	for rest := text; ; next++ {
		before, after, found := strings.Cut(rest, "$")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		number := strconv.Itoa(next)
		digits := len(after) - len(strings.TrimLeft(after, "0123456789"))
		if after[:digits] != number {
			return text
		}
		b.WriteByte('?')
		rest = after[digits:]
	}
}
