package replica

import (
	"context"
	"database/sql"
	"fmt"

	"siteledger/client-sdk/outbox"
	"siteledger/syncproto"
	"siteledger/syncproto/schema"
)

// A phone that shows nothing yet needs no stage: the pages of its first pull go
// straight into the app's tables, and reading shows only rows with something of
// mine until the last of them is there. A pull that is cut off goes on behind
// its cursor, as a staged one does.

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

// fill takes a page of a first pull over.
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
	t, err := r.taking(ctx, tx)
	if err != nil {
		return err
	}
	tables := map[string][]schema.Row{}
	for _, row := range p.Rows {
		tables[row.Table] = append(tables[row.Table], rowOf(row))
	}
	for _, rows := range tables {
		if err := t.show(ctx, tx, rows); err != nil {
			return err
		}
	}
	return nil
}

func rowOf(row syncproto.Row) schema.Row {
	return schema.Row{Table: row.Table, ID: row.ID, Root: row.Root, Rev: row.Rev, Cols: row.Cols}
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
