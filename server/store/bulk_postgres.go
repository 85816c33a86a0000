package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"siteledger/server/reconcile"
	"siteledger/syncproto/schema"
)

// On PostgreSQL the rows of a batch travel as arrays, one for each column: a
// statement reads or writes all rows of one table, and what writes waits in
// the pipeline.
const (
	feedDropArray = `
		DELETE FROM feed f
		USING unnest($2::bytea[], $3::bigint[]) AS d (root, rev)
		WHERE f.centre = $1 AND f.root = d.root AND f.rev = d.rev`
	feedAddArray = `
		INSERT INTO feed (centre, root, rev, tbl, row, deleted)
		SELECT $1::bytea, n.*
		FROM unnest($2::bytea[], $3::bigint[], $4::text[], $5::bytea[], $6::bigint[]) AS n (root, rev, tbl, row, deleted)`
)

// arrayTexts writes the statements on many rows of a table: ids in $2, and the
// columns from $2 on.
func (q *tableSQL) arrayTexts() {
	arrays := []string{"$2::bytea[]", "$3::bytea[]", "$4::bigint[]", "$5::bigint[]", "$6::bytea[]", "$7::bytea[]"}
	for i, c := range q.t.Columns {
		arrays = append(arrays, fmt.Sprintf("$%d::%s[]", i+8, arrayType(c)))
	}
	q.manyArray = strings.TrimSuffix(q.byID, "= $2") + "= ANY($2::bytea[])"
	head, tail, _ := strings.Cut(q.upsert, " VALUES ")
	_, conflict, _ := strings.Cut(tail, ") ON CONFLICT")
	q.upsertArray = head + " SELECT $1::bytea, n.* FROM unnest(" + strings.Join(arrays, ", ") + ") AS n ON CONFLICT" + conflict
}

func arrayType(c *schema.Column) string {
	switch c.Type {
	case schema.Text:
		return "text"
	case schema.Bytes, schema.UUID, schema.Blob:
		return "bytea"
	case schema.Float:
		return "float8"
	}
	return "bigint"
}

// loadArrays reads rows of several tables with one trip.
func (c *centreTx) loadArrays(p *pipeline, tables []string, ids map[string][]uuid.UUID) ([]*reconcile.Row, error) {
	for _, table := range tables {
		p.ask(c.s.tables[table].manyArray, c.centre[:], column(ids[table], func(id uuid.UUID) []byte { return id[:] }))
	}
	var out []*reconcile.Row
	err := p.answers(len(tables), func(i int, rows rows) error {
		r, err := c.s.tables[tables[i]].scanRow(rows)
		out = append(out, r)
		return err
	})
	return out, err
}

// column takes one value of each element, as an array for the database.
func column[T, V any](list []T, value func(T) V) []V {
	out := make([]V, len(list))
	for i, x := range list {
		out[i] = value(x)
	}
	return out
}

// applyArrays writes the rows of each table with one statement.
func (c *centreTx) applyArrays(ctx context.Context, rows []reconcile.RowWrite) error {
	var order []string
	tables := map[string][][]any{}
	for _, w := range rows {
		q := c.s.tables[w.Row.Table]
		args, err := q.args(make([]any, 0, q.width()), c.centre[:], w.Row)
		if err != nil {
			return err
		}
		if tables[w.Row.Table] == nil {
			order = append(order, w.Row.Table)
		}
		tables[w.Row.Table] = append(tables[w.Row.Table], args)
	}
	for _, table := range order {
		q := c.s.tables[table]
		if err := c.exec(ctx, q.upsertArray, q.transpose(tables[table])...); err != nil {
			return fmt.Errorf("rows of %s: %w", table, err)
		}
	}
	return nil
}

// transpose turns what [tableSQL.args] gave for several rows into one array
// for each column.
func (q *tableSQL) transpose(rows [][]any) []any {
	out := []any{rows[0][0]} // the centre
	for i := 1; i < 7+len(q.t.Columns); i++ {
		kind := []string{"", "bytea", "bytea", "bigint", "bigint", "bytea", "bytea"}[min(i, 6)]
		if i >= 7 {
			kind = arrayType(q.t.Columns[i-7])
		}
		switch kind {
		case "bytea":
			out = append(out, column(rows, func(r []any) []byte { b, _ := r[i].([]byte); return b }))
		case "text":
			out = append(out, cells[string](rows, i))
		case "float8":
			out = append(out, cells[float64](rows, i))
		default:
			out = append(out, cells[int64](rows, i))
		}
	}
	return out
}

// cells is a column that may hold NULL.
func cells[V any](rows [][]any, i int) []*V {
	return column(rows, func(r []any) *V {
		if v, ok := r[i].(V); ok {
			return &v
		}
		return nil
	})
}

// applyFeedArrays moves rows to their new revs.
func (c *centreTx) applyFeedArrays(ctx context.Context, rows []reconcile.RowWrite) error {
	var roots [][]byte
	var revs []int64
	for _, w := range rows {
		if w.OldRev != 0 {
			roots, revs = append(roots, w.Row.Root[:]), append(revs, int64(w.OldRev))
		}
	}
	if len(roots) > 0 {
		if err := c.exec(ctx, feedDropArray, c.centre[:], roots, revs); err != nil {
			return err
		}
	}
	return c.exec(ctx, feedAddArray, c.centre[:],
		column(rows, func(w reconcile.RowWrite) []byte { return w.Row.Root[:] }),
		column(rows, func(w reconcile.RowWrite) int64 { return int64(w.Row.Rev) }),
		column(rows, func(w reconcile.RowWrite) string { return w.Row.Table }),
		column(rows, func(w reconcile.RowWrite) []byte { return w.Row.ID[:] }),
		column(rows, func(w reconcile.RowWrite) int64 { return int64(boolInt(w.Row.Deleted)) }))
}
