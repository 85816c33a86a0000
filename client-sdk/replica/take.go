package replica

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"siteledger/syncproto/schema"
)

// takeAtOnce is how many rows one statement reads or writes.
const takeAtOnce = 16

// taking takes over rows of the server's. It knows what they may meet, so that
// a phone with nothing of its own does not look for it row by row.
type taking struct {
	*Replica
	mine  bool // some row has something of mine
	aside bool // something is kept aside
}

func (r *Replica) taking(ctx context.Context, tx *sql.Tx) (*taking, error) {
	t := &taking{Replica: r}
	var based bool
	if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM base), EXISTS (SELECT 1 FROM aside)`).Scan(&based, &t.aside); err != nil {
		return nil, fmt.Errorf("what is here: %w", err)
	}
	any, err := r.mine.Any(ctx, tx)
	t.mine = based || any
	return t, err
}

// show takes over rows of one table, the last of those with the same id. One
// with something of mine gets a base, on which mine is laid at the end.
func (s *taking) show(ctx context.Context, tx *sql.Tx, rows []schema.Row) error {
	if len(rows) == 0 {
		return nil
	}
	t := s.tables[rows[0].Table]
	for i, row := range rows {
		rest := row
		if t != nil {
			rows[i], rest = t.split(row)
		}
		if err := s.putAside(ctx, tx, rest, t != nil); err != nil {
			return err
		}
	}
	if t == nil {
		return nil
	}
	for some := range slices.Chunk(rows, takeAtOnce) {
		if s.mine {
			var err error
			if some, err = s.putBases(ctx, tx, t, some); err != nil {
				return err
			}
		}
		if err := t.take(ctx, tx, some); err != nil {
			return err
		}
	}
	return nil
}

// split parts what this app has a place for from what it has not, which hardly
// any row has. The row's own columns become what is known.
func (t *table) split(row schema.Row) (known, rest schema.Row) {
	known, rest = row, row
	rest.Cols = nil
	n := 0
	for _, c := range t.Columns {
		v, ok := row.Cols[c.Name]
		if !ok || !shaped(c, v) {
			continue
		}
		n++
		if c.Type == schema.Float {
			row.Cols[c.Name] = c.Normal(v)
		}
	}
	if n == len(row.Cols) {
		return known, rest
	}
	rest.Cols = map[string]schema.Value{}
	for name, v := range row.Cols {
		if c := t.Column(name); c == nil || !shaped(c, v) {
			rest.Cols[name] = v
			delete(row.Cols, name)
		}
	}
	return known, rest
}

// putAside keeps what this app has no place for; known says that it has one for
// the rest of the row.
func (s *taking) putAside(ctx context.Context, tx *sql.Tx, row schema.Row, known bool) error {
	if known && len(row.Cols) == 0 {
		if !s.aside {
			return nil
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM aside WHERE tbl = $1 AND row = $2`, row.Table, row.ID[:]); err != nil {
			return fmt.Errorf("keep aside: %w", err)
		}
		return nil
	}
	s.aside = true
	cols, err := s.pack(row.Cols)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `
		INSERT INTO aside (tbl, row, root, rev, known, cols)
		VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (tbl, row) DO UPDATE
		SET root = excluded.root, rev = excluded.rev, known = excluded.known, cols = excluded.cols`,
		row.Table, row.ID[:], row.Root[:], int64(row.Rev), known, cols); err != nil {
		return fmt.Errorf("keep aside: %w", err)
	}
	return nil
}

// putBases makes bases of the rows that have something of mine, also if that is
// that I deleted them, and gives the others.
func (s *taking) putBases(ctx context.Context, tx *sql.Tx, t *table, rows []schema.Row) (others []schema.Row, err error) {
	ids := make([]uuid.UUID, len(rows))
	for i, row := range rows {
		ids[i] = row.ID
	}
	mine, err := t.mine(ctx, tx, ids)
	if err != nil || len(mine) == 0 {
		return rows, err
	}
	var based []schema.Row
	for _, row := range rows {
		if mine[row.ID] {
			based = append(based, row)
		} else {
			others = append(others, row)
		}
	}
	if len(based) < takeAtOnce {
		for _, row := range based {
			if err := s.putBase(ctx, tx, row, false); err != nil {
				return nil, err
			}
		}
		return others, nil
	}
	args := make([]any, 0, 6*takeAtOnce)
	for _, row := range based {
		cols, err := s.pack(row.Cols)
		if err != nil {
			return nil, err
		}
		args = append(args, row.Table, row.ID[:], row.Root[:], int64(row.Rev), false, cols)
	}
	if _, err := tx.ExecContext(ctx, s.insertBases, args...); err != nil {
		return nil, fmt.Errorf("keep bases of %s: %w", t.Name, err)
	}
	return others, nil
}

// mine gives those of up to takeAtOnce rows that have something of mine.
func (t *table) mine(ctx context.Context, tx *sql.Tx, ids []uuid.UUID) (map[uuid.UUID]bool, error) {
	args := append(padded(nil, ids), t.Name)
	rows, err := tx.QueryContext(ctx, t.marked, padded(args, ids)...)
	if err != nil {
		return nil, fmt.Errorf("marks of %s: %w", t.Name, err)
	}
	defer rows.Close()
	var out map[uuid.UUID]bool
	for rows.Next() {
		var id uuid.UUID
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("marks of %s: %w", t.Name, err)
		}
		if out == nil {
			out = map[uuid.UUID]bool{}
		}
		out[id] = true
	}
	return out, rows.Err()
}

// places are the binds of takeAtOnce rows in a text; padded fills them, naming
// the last of a shorter list again and again.
func places() string { return "(?" + strings.Repeat(", ?", takeAtOnce-1) + ")" }

func padded(args []any, ids []uuid.UUID) []any {
	for i := range takeAtOnce {
		args = append(args, ids[min(i, len(ids)-1)][:])
	}
	return args
}

// take writes rows that nothing of mine is on. A row may come a second time in
// a pull, when it changed meanwhile; then it is written over.
func (t *table) take(ctx context.Context, tx *sql.Tx, rows []schema.Row) error {
	if len(rows) < takeAtOnce {
		for _, row := range rows {
			if err := t.put(ctx, tx, row, 0, false); err != nil {
				return err
			}
		}
		return nil
	}
	args := make([]any, 0, takeAtOnce*(3+len(t.Columns)))
	for _, row := range rows {
		args = append(args, row.ID[:], row.Root[:], int64(row.Rev))
		for _, c := range t.Columns {
			args = append(args, bind(row.Cols[c.Name]))
		}
	}
	if _, err := tx.ExecContext(ctx, t.insert, args...); err != nil {
		return fmt.Errorf("write rows of %s: %w", t.Name, err)
	}
	return nil
}
