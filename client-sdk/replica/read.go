package replica

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"siteledger/syncproto/schema"
)

// Query selects rows of one table.
type Query struct {
	// Where holds columns that must be equal; nil asks for an empty column, a
	// []any for any of its values. "id" and "root" are allowed too.
	Where   map[string]any
	OrderBy string // a column; empty orders by id
	Desc    bool
	Limit   int // 0 means all
}

// Value turns a Go value into a cell: whole numbers of any size that fits, ids,
// hashes and times are taken too.
func Value(v any) (schema.Value, error) {
	switch v := v.(type) {
	case nil, bool, int64, float64, string, []byte:
		return v, nil
	case int:
		return int64(v), nil
	case int32:
		return int64(v), nil
	case uint32:
		return int64(v), nil
	case uint64:
		if v > 1<<63-1 {
			return nil, fmt.Errorf("number %d is too large for a cell", v)
		}
		return int64(v), nil
	case uuid.UUID:
		return slices.Clone(v[:]), nil
	case [32]byte:
		return slices.Clone(v[:]), nil
	case time.Time:
		return v.UnixMilli(), nil
	case time.Duration:
		return v.Milliseconds(), nil
	}
	return nil, fmt.Errorf("a %T is no cell", v)
}

// Row reads one row as the app shows it.
func (r *Replica) Row(ctx context.Context, tx *sql.Tx, name string, id uuid.UUID) (schema.Row, bool, error) {
	return r.one(ctx, tx, name, " WHERE id = $1 AND "+seen, id)
}

// stored is Row, of a first pull's rows too.
func (r *Replica) stored(ctx context.Context, tx *sql.Tx, name string, id uuid.UUID) (schema.Row, bool, error) {
	return r.one(ctx, tx, name, " WHERE id = $1", id)
}

func (r *Replica) one(ctx context.Context, tx *sql.Tx, name, where string, id uuid.UUID) (schema.Row, bool, error) {
	t, err := r.table(name)
	if err != nil {
		return schema.Row{}, false, err
	}
	row, err := t.scan(tx.QueryRowContext(ctx, t.selects+where, id[:]))
	if errors.Is(err, sql.ErrNoRows) {
		return schema.Row{}, false, nil
	}
	if err != nil {
		return schema.Row{}, false, fmt.Errorf("read %s: %w", name, err)
	}
	return row, true, nil
}

// Rows reads rows as the app shows them.
func (r *Replica) Rows(ctx context.Context, tx *sql.Tx, name string, q Query) ([]schema.Row, error) {
	t, err := r.table(name)
	if err != nil {
		return nil, err
	}
	query, args, err := t.query(q)
	if err != nil {
		return nil, err
	}
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	defer rows.Close()
	var out []schema.Row
	for rows.Next() {
		row, err := t.scan(rows)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		out = append(out, row)
	}
	return out, rows.Err()
}

type scanner interface{ Scan(...any) error }

func (t *table) scan(s scanner) (schema.Row, error) {
	row := schema.Row{Table: t.Name, Cols: make(map[string]schema.Value, len(t.Columns))}
	cells := make([]any, len(t.Columns))
	dest := make([]any, 0, 3+len(t.Columns))
	dest = append(dest, &row.ID, &row.Root, &row.Rev)
	for i := range cells {
		dest = append(dest, &cells[i])
	}
	if err := s.Scan(dest...); err != nil {
		return schema.Row{}, err
	}
	for i, c := range t.Columns {
		row.Cols[c.Name] = cell(c, cells[i])
	}
	return row, nil
}

// query writes the SQL of a query. Columns are looked up in the schema, values
// are bound: nothing of a caller becomes SQL text.
func (t *table) query(q Query) (string, []any, error) {
	var b strings.Builder
	var args []any
	b.WriteString(t.selects + " WHERE " + seen)
	for _, name := range slices.Sorted(maps.Keys(q.Where)) {
		column, err := t.sqlName(name)
		if err != nil {
			return "", nil, err
		}
		cond, more, err := condition(column, q.Where[name], len(args))
		if err != nil {
			return "", nil, fmt.Errorf("%s.%s: %w", t.Name, name, err)
		}
		b.WriteString(" AND " + cond)
		args = append(args, more...)
	}
	order, err := t.sqlName(orID(q.OrderBy))
	if err != nil {
		return "", nil, err
	}
	direction := ""
	if q.Desc {
		direction = " DESC"
	}
	fmt.Fprintf(&b, " ORDER BY %s%s, id%s", order, direction, direction)
	if q.Limit > 0 {
		fmt.Fprintf(&b, " LIMIT %d", q.Limit)
	}
	return b.String(), args, nil
}

func orID(name string) string {
	if name == "" {
		return "id"
	}
	return name
}

func (t *table) sqlName(name string) (string, error) {
	switch {
	case t.Column(name) != nil:
		return quote(name), nil
	case name == "id" || name == "root" || name == "rev":
		return name, nil
	}
	return "", fmt.Errorf("%w: %s.%s", ErrUnknownColumn, t.Name, name)
}

func condition(column string, v any, bound int) (string, []any, error) {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	var args []any
	var binds []string
	null := false
	for _, v := range list {
		value, err := Value(v)
		if err != nil {
			return "", nil, err
		}
		if value == nil {
			null = true
			continue
		}
		args = append(args, bind(value))
		binds = append(binds, fmt.Sprintf("$%d", bound+len(args)))
	}
	in := column + " IN (" + strings.Join(binds, ", ") + ")"
	switch {
	case null && len(binds) > 0:
		return "(" + column + " IS NULL OR " + in + ")", args, nil
	case null:
		return column + " IS NULL", nil, nil
	}
	return in, args, nil
}
