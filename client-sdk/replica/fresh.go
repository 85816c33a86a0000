package replica

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"siteledger/client-sdk/outbox"
	"siteledger/syncproto"
	"siteledger/syncproto/schema"
)

// A phone that shows nothing yet needs no stage: the pages of its first pull go
// straight into the app's tables, and reading shows only rows with something of
// mine until the last of them is there. A pull that is cut off goes on behind
// its cursor, as a staged one does.

// takeAtOnce is how many rows one statement writes.
const takeAtOnce = 16

// seen is the condition under which the app sees a row.
const seen = "(mine > 0 OR NOT EXISTS (SELECT 1 FROM feed WHERE staging = 'fresh'))"

// filling says whether a first pull is under way.
func filling(ctx context.Context, tx *sql.Tx) (yes bool, err error) {
	if err := tx.QueryRowContext(ctx, `SELECT staging = 'fresh' FROM feed WHERE id = 1`).Scan(&yes); err != nil {
		return false, fmt.Errorf("state of the feed: %w", err)
	}
	return yes, nil
}

// empty says that nothing of the server's is here.
func (r *Replica) empty(ctx context.Context, tx *sql.Tx) (bool, error) {
	var some bool
	if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM base) OR EXISTS (SELECT 1 FROM aside)`).Scan(&some); err != nil || some {
		return false, err
	}
	for _, name := range r.names {
		if err := tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM "+r.tables[name].app+" WHERE mine = 0)").Scan(&some); err != nil || some {
			return false, err
		}
	}
	return true, nil
}

// fill takes a page of a first pull over. A row with something of mine gets a
// base, on which mine is laid at the end.
func (r *Replica) fill(ctx context.Context, tx *sql.Tx, p *syncproto.Page) error {
	for _, gone := range p.Removed {
		var err error
		if gone.Row == nil {
			err = r.removeRoot(ctx, tx, *gone.Root)
		} else {
			err = r.removeRow(ctx, tx, outbox.Key{Table: gone.Table, Row: *gone.Row})
		}
		if err != nil {
			return err
		}
	}
	keys, err := r.mine.Unconfirmed(ctx, tx)
	if err != nil {
		return err
	}
	mine := make(map[outbox.Key]bool, len(keys))
	for _, k := range keys {
		mine[k] = true
	}
	fresh := map[*table][]schema.Row{}
	for _, row := range p.Rows {
		t := r.tables[row.Table]
		if t == nil || mine[outbox.Key{Table: row.Table, Row: row.ID}] {
			if err := r.showRow(ctx, tx, rowOf(row)); err != nil {
				return err
			}
			continue
		}
		known, rest := t.split(rowOf(row))
		if len(rest.Cols) > 0 {
			if err := r.keepAside(ctx, tx, rest, true); err != nil {
				return err
			}
		}
		fresh[t] = append(fresh[t], known)
	}
	for t, rows := range fresh {
		if err := t.take(ctx, tx, rows); err != nil {
			return err
		}
	}
	return nil
}

func rowOf(row syncproto.Row) schema.Row {
	return schema.Row{Table: row.Table, ID: row.ID, Root: row.Root, Rev: row.Rev, Cols: row.Cols}
}

// split parts what this app has a place for from what it has not.
func (t *table) split(row schema.Row) (known, rest schema.Row) {
	known, rest = row, row
	known.Cols, rest.Cols = make(map[string]schema.Value, len(row.Cols)), nil
	for name, v := range row.Cols {
		if c := t.Column(name); c != nil && shaped(c, v) {
			known.Cols[name] = c.Normal(v)
			continue
		}
		if rest.Cols == nil {
			rest.Cols = map[string]schema.Value{}
		}
		rest.Cols[name] = v
	}
	return known, rest
}

// take writes rows that nothing of mine is on. A row may come a second time in
// a pull, when it changed meanwhile; then it is written over.
func (t *table) take(ctx context.Context, tx *sql.Tx, rows []schema.Row) error {
	for some := range slices.Chunk(rows, takeAtOnce) {
		if len(some) == takeAtOnce {
			args := make([]any, 0, takeAtOnce*(3+len(t.Columns)))
			for _, row := range some {
				args = append(args, row.ID[:], row.Root[:], int64(row.Rev))
				for _, c := range t.Columns {
					args = append(args, bind(row.Cols[c.Name]))
				}
			}
			if _, err := tx.ExecContext(ctx, t.insert, args...); err != nil {
				return fmt.Errorf("write rows of %s: %w", t.Name, err)
			}
			continue
		}
		for _, row := range some {
			if err := t.put(ctx, tx, row, 0, false); err != nil {
				return err
			}
		}
	}
	return nil
}

// reveal ends a first pull: it counts what becomes visible.
func (r *Replica) reveal(ctx context.Context, tx *sql.Tx) (int, error) {
	all := 0
	for _, name := range r.names {
		var n int
		if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM "+r.tables[name].app+" WHERE mine = 0").Scan(&n); err != nil {
			return 0, fmt.Errorf("count %s: %w", name, err)
		}
		all += n
	}
	return all, nil
}
