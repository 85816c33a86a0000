package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"siteledger/server/reconcile"
	"siteledger/syncproto/schema"
)

// tableSQL is every statement on one state table.
type tableSQL struct {
	t       *schema.Table
	columns string // the schema's columns, quoted
	byID    string
	many    string // as byID, for loadAtOnce ids
	shown   string // what readers see of loadAtOnce rows
	// shownMany is shown for showAtOnce rows.
	shownMany string
	upsert    string
	insert    string // insertAtOnce new rows

	manyArray, upsertArray string // for PostgreSQL, see bulk_postgres.go
}

func tableTexts(d *schema.Descriptor) map[string]*tableSQL {
	out := make(map[string]*tableSQL, len(d.Tables))
	for _, t := range d.Tables {
		var names, binds, sets []string
		for i, c := range t.Columns {
			names = append(names, `"`+c.Name+`"`)
			binds = append(binds, fmt.Sprintf("$%d", i+8))
			sets = append(sets, fmt.Sprintf(`"%s" = excluded."%s"`, c.Name, c.Name))
		}
		q := &tableSQL{t: t, columns: strings.Join(names, ", ")}
		q.byID = "SELECT id, root, rev, deleted, clock, extra, " + q.columns + " FROM state_" + t.Name + " WHERE centre = $1 AND id = $2"
		q.upsert = "INSERT INTO state_" + t.Name + " (centre, id, root, rev, deleted, clock, extra, " + q.columns + ") VALUES ($1, $2, $3, $4, $5, $6, $7, " +
			strings.Join(binds, ", ") + ") ON CONFLICT (centre, id) DO UPDATE SET rev = excluded.rev, deleted = excluded.deleted, clock = excluded.clock, extra = excluded.extra, " + strings.Join(sets, ", ")
		many := strings.TrimSuffix(q.byID, "= $2")
		shown := strings.Replace(many, "rev, deleted, clock, extra, ", "rev, ", 1)
		q.many, q.shown, q.shownMany = many+oneOf(loadAtOnce), shown+oneOf(loadAtOnce), shown+oneOf(showAtOnce)
		q.insert = "INSERT INTO state_" + t.Name + " (centre, id, root, rev, deleted, clock, extra, " + q.columns + ") VALUES " + tuples(insertAtOnce, 7+len(t.Columns))
		q.arrayTexts()
		out[t.Name] = q
	}
	return out
}

func (q *tableSQL) find(column string) string {
	return "SELECT id, root, rev, deleted, clock, extra, " + q.columns + " FROM state_" + q.t.Name +
		` WHERE centre = $1 AND "` + column + `" = $2 AND deleted = 0 ORDER BY id`
}

// scanner is a row or rows.
type scanner interface{ Scan(dest ...any) error }

// scanRow reads what byID and find select.
func (q *tableSQL) scanRow(s scanner) (*reconcile.Row, error) {
	var id, root, clock, extra []byte
	var rev int64
	var deleted bool
	cells := make([]any, len(q.t.Columns))
	dest := append(make([]any, 0, 6+len(cells)), &id, &root, &rev, &deleted, &clock, &extra)
	for i := range cells {
		dest = append(dest, &cells[i])
	}
	if err := s.Scan(dest...); err != nil {
		return nil, err
	}
	r := schema.Row{Table: q.t.Name, ID: uuid.UUID(id), Root: uuid.UUID(root), Rev: uint64(rev), Deleted: deleted, Cols: make(map[string]schema.Value, len(cells))}
	for i, c := range q.t.Columns {
		if v := fromSQL(c, cells[i]); v != nil {
			r.Cols[c.Name] = v
		}
	}
	ck, err := reconcile.DecodeClock(q.t, clock)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", q.t.Name, r.ID, err)
	}
	kept, err := reconcile.DecodeKept(extra)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", q.t.Name, r.ID, err)
	}
	return reconcile.Stored(r, ck, kept), nil
}

// fromSQL turns what the driver gives into a cell.
func fromSQL(c *schema.Column, v any) schema.Value {
	switch x := v.(type) {
	case nil:
		return nil
	case int64:
		if c.Type == schema.Bool {
			return x != 0
		}
		if c.Type == schema.Float {
			return float64(x)
		}
		return x
	case []byte:
		if c.Type == schema.Text {
			return string(x)
		}
		return x // made for this row alone
	case string, float64, bool:
		return x
	}
	return nil
}

// toSQL turns a cell into what the driver takes.
func toSQL(v schema.Value) any {
	if b, ok := v.(bool); ok {
		if b {
			return int64(1)
		}
		return int64(0)
	}
	return v
}

// args appends what the texts bind of a row.
func (q *tableSQL) args(args []any, centre []byte, r *reconcile.Row) ([]any, error) {
	extra, err := reconcile.EncodeKept(r.Extra)
	if err != nil {
		return args, fmt.Errorf("%s %s: %w", r.Table, r.ID, err)
	}
	deleted := int64(0)
	if r.Deleted {
		deleted = 1
	}
	args = append(args, centre, r.ID[:], r.Root[:], int64(r.Rev), deleted, r.Clock.Encode(q.t), extra)
	for _, c := range q.t.Columns {
		args = append(args, toSQL(r.Cols[c.Name]))
	}
	return args, nil
}

// width is how many values a row binds.
func (q *tableSQL) width() int { return 7 + len(q.t.Columns) }

// Row satisfies reconcile.Rows.
func (c *centreTx) Row(ctx context.Context, table string, id uuid.UUID) (*reconcile.Row, error) {
	q := c.s.tables[table]
	row, err := c.queryRow(ctx, q.byID, c.centre[:], id[:])
	if err != nil {
		return nil, err
	}
	r, err := q.scanRow(row)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return r, err
}

// Find satisfies reconcile.Rows.
func (c *centreTx) Find(ctx context.Context, table, column string, value schema.Value) ([]*reconcile.Row, error) {
	q := c.s.tables[table]
	if q == nil || q.t.Column(column) == nil {
		return nil, fmt.Errorf("no column %s.%s", table, column)
	}
	rows, err := c.query(ctx, q.find(column), c.centre[:], toSQL(value))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []*reconcile.Row
	for rows.Next() {
		r, err := q.scanRow(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// Person satisfies reconcile.Rows: a person of the stream, else of
// headquarters.
func (c *centreTx) Person(ctx context.Context, id uuid.UUID) (*reconcile.Row, error) {
	r, err := c.Row(ctx, "person", id)
	if err != nil || r != nil {
		return r, err
	}
	q := c.s.tables["person"]
	row, err := c.queryRow(ctx, "SELECT p.id, p.root, p.rev, p.deleted, p.clock, p.extra, "+prefixed("p", q.columns)+
		" FROM state_person p JOIN stream s ON s.centre = p.centre WHERE s.headquarters = 1 AND p.id = $1", id[:])
	if p, ok := c.session.(*pipeline); ok && err == nil { // there is no snapshot under a lock
		p.later(streamHQRev, p.witness)
	}
	if err != nil {
		return nil, err
	}
	r, err = q.scanRow(row)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return r, err
}

func prefixed(alias, columns string) string {
	return alias + "." + strings.ReplaceAll(columns, ", ", ", "+alias+".")
}
