package replica

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/google/uuid"

	"siteledger/client-sdk/outbox"
	"siteledger/syncproto"
	"siteledger/syncproto/schema"
)

// Shown is what became visible.
type Shown struct {
	Rows    int // taken over
	Removed int // names of rows and roots that left
}

// Show makes the staged pages visible, with the cursor behind the last of them
// (a repair leaves it), and lays mine on top again: on every row of the pages,
// and on also, whose unconfirmed changes are others than before. confirm, where
// there is one, confirms what the feed passed, and lays the rows of it, some at
// a time: they may be as many as a phone recorded in weeks without a network.
func (r *Replica) Show(ctx context.Context, tx *sql.Tx, also []outbox.Key, confirm func(lay func([]outbox.Key) error) error) (Shown, error) {
	var kind Kind
	var next string
	if err := tx.QueryRowContext(ctx, `SELECT staging, stage_cursor FROM feed WHERE id = 1`).Scan(&kind, &next); err != nil {
		return Shown{}, fmt.Errorf("show: %w", err)
	}
	removed, n, err := r.turn(ctx, tx, kind)
	if err != nil {
		return Shown{}, err
	}
	if confirm != nil {
		if err := confirm(func(keys []outbox.Key) error { return r.Lay(ctx, tx, keys) }); err != nil {
			return Shown{}, err
		}
	}
	if err := r.Lay(ctx, tx, also); err != nil {
		return Shown{}, err
	}
	if err := r.layBased(ctx, tx); err != nil {
		return Shown{}, err
	}
	if kind != Repair {
		if _, err := tx.ExecContext(ctx, `UPDATE feed SET cursor = $1`, next); err != nil {
			return Shown{}, fmt.Errorf("show: %w", err)
		}
	}
	return Shown{Rows: n, Removed: removed}, r.endStage(ctx, tx)
}

// turn takes over what came: what is staged, or what a first pull has put in
// place already.
func (r *Replica) turn(ctx context.Context, tx *sql.Tx, kind Kind) (removed, rows int, err error) {
	if kind == Fresh {
		rows, err = r.reveal(ctx, tx)
		return 0, rows, err
	}
	if kind == Cold {
		if err := r.clear(ctx, tx); err != nil {
			return 0, 0, err
		}
	}
	if removed, err = r.showRemoved(ctx, tx); err != nil {
		return 0, 0, err
	}
	rows, err = r.showRows(ctx, tx)
	return removed, rows, err
}

// clear takes away all that the server said; rows with something of mine stay.
func (r *Replica) clear(ctx context.Context, tx *sql.Tx) error {
	for _, name := range r.names {
		if _, err := tx.ExecContext(ctx, "DELETE FROM "+r.tables[name].app+" WHERE mine = 0"); err != nil {
			return fmt.Errorf("clear %s: %w", name, err)
		}
	}
	for _, q := range []string{`UPDATE base SET gone = 1`, `DELETE FROM aside`} {
		if _, err := tx.ExecContext(ctx, q); err != nil {
			return fmt.Errorf("clear: %w", err)
		}
	}
	return nil
}

func (r *Replica) showRemoved(ctx context.Context, tx *sql.Tx) (int, error) {
	rows, err := tx.QueryContext(ctx, `SELECT tbl, id FROM stage_removed`)
	if err != nil {
		return 0, fmt.Errorf("removals: %w", err)
	}
	var gone []outbox.Key
	for rows.Next() {
		var k outbox.Key
		if err := rows.Scan(&k.Table, &k.Row); err != nil {
			rows.Close()
			return 0, fmt.Errorf("removals: %w", err)
		}
		gone = append(gone, k)
	}
	if err := rows.Err(); err != nil {
		return 0, fmt.Errorf("removals: %w", err)
	}
	rows.Close()
	for _, k := range gone {
		if k.Table == "" {
			err = r.removeRoot(ctx, tx, k.Row)
		} else {
			err = r.removeRow(ctx, tx, k)
		}
		if err != nil {
			return 0, err
		}
	}
	return len(gone), nil
}

func (r *Replica) removeRoot(ctx context.Context, tx *sql.Tx, root uuid.UUID) error {
	for _, name := range r.names {
		if _, err := tx.ExecContext(ctx, "DELETE FROM "+r.tables[name].app+" WHERE root = $1 AND mine = 0", root[:]); err != nil {
			return fmt.Errorf("remove root: %w", err)
		}
	}
	for _, q := range []string{`UPDATE base SET gone = 1 WHERE root = $1`, `DELETE FROM aside WHERE root = $1`} {
		if _, err := tx.ExecContext(ctx, q, root[:]); err != nil {
			return fmt.Errorf("remove root: %w", err)
		}
	}
	return nil
}

func (r *Replica) removeRow(ctx context.Context, tx *sql.Tx, k outbox.Key) error {
	if t := r.tables[k.Table]; t != nil {
		if _, err := tx.ExecContext(ctx, "DELETE FROM "+t.app+" WHERE id = $1 AND mine = 0", k.Row[:]); err != nil {
			return fmt.Errorf("remove row: %w", err)
		}
	}
	for _, q := range []string{
		`UPDATE base SET gone = 1 WHERE tbl = $1 AND row = $2`,
		`DELETE FROM aside WHERE tbl = $1 AND row = $2`,
	} {
		if _, err := tx.ExecContext(ctx, q, k.Table, k.Row[:]); err != nil {
			return fmt.Errorf("remove row: %w", err)
		}
	}
	return nil
}

// layBased lays all rows that have a base, some at a time: those are all rows
// with something of mine that the server has an opinion on.
func (r *Replica) layBased(ctx context.Context, tx *sql.Tx) error {
	for last := (outbox.Key{}); ; {
		keys, err := basedAfter(ctx, tx, last)
		if err != nil {
			return fmt.Errorf("bases: %w", err)
		}
		if len(keys) == 0 {
			return nil
		}
		if err := r.Lay(ctx, tx, keys); err != nil {
			return err
		}
		last = keys[len(keys)-1]
	}
}

// basesAtOnce bounds how many rows are in memory while all are laid.
const basesAtOnce = 512

func basedAfter(ctx context.Context, tx *sql.Tx, after outbox.Key) ([]outbox.Key, error) {
	rows, err := tx.QueryContext(ctx, `
		SELECT tbl, row
		FROM base
		WHERE (tbl, row) > ($1, $2)
		ORDER BY tbl, row
		LIMIT $3`, after.Table, after.Row[:], basesAtOnce)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := make([]outbox.Key, 0, basesAtOnce)
	for rows.Next() {
		var k outbox.Key
		if err := rows.Scan(&k.Table, &k.Row); err != nil {
			return nil, err
		}
		out = append(out, k)
	}
	return out, rows.Err()
}

// showRows takes over the staged rows, in the order of their tables.
func (r *Replica) showRows(ctx context.Context, tx *sql.Tx) (int, error) {
	take, err := r.taking(ctx, tx)
	if err != nil {
		return 0, err
	}
	rows, err := tx.QueryContext(ctx, `SELECT tbl, row, root, rev, cols FROM stage_row ORDER BY tbl, row`)
	if err != nil {
		return 0, fmt.Errorf("staged rows: %w", err)
	}
	defer rows.Close()
	n := 0
	some := make([]schema.Row, 0, takeAtOnce)
	show := func() error {
		n += len(some)
		err := take.show(ctx, tx, some)
		some = some[:0]
		return err
	}
	for rows.Next() {
		var row schema.Row
		var packed []byte
		if err := rows.Scan(&row.Table, &row.ID, &row.Root, &row.Rev, &packed); err != nil {
			return 0, fmt.Errorf("staged rows: %w", err)
		}
		if row.Cols, err = r.unpack(packed); err != nil {
			return 0, err
		}
		if len(some) == takeAtOnce || len(some) > 0 && some[0].Table != row.Table {
			if err := show(); err != nil {
				return 0, err
			}
		}
		some = append(some, row)
	}
	if err := rows.Err(); err != nil {
		return 0, fmt.Errorf("staged rows: %w", err)
	}
	return n, show()
}

// Adopt voids the cursor when the rows behind it were read with another version
// of the schema, or when something that was kept aside has its place in this
// version of the app: the next pull brings in what is lacking. Unsent work stays
// as it was recorded.
func (r *Replica) Adopt(ctx context.Context, tx *sql.Tx) error {
	var read int
	if err := tx.QueryRowContext(ctx, `SELECT schema FROM feed WHERE id = 1`).Scan(&read); err != nil {
		return fmt.Errorf("schema of the cursor: %w", err)
	}
	if read != r.d.Version {
		if err := r.Void(ctx, tx); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE feed SET schema = $1`, r.d.Version); err != nil {
			return fmt.Errorf("schema of the cursor: %w", err)
		}
		return nil
	}
	rows, err := tx.QueryContext(ctx, `SELECT tbl, known, cols FROM aside`)
	if err != nil {
		return fmt.Errorf("kept aside: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var known bool
		var packed []byte
		if err := rows.Scan(&name, &known, &packed); err != nil {
			return fmt.Errorf("kept aside: %w", err)
		}
		cols, err := r.unpack(packed)
		if err != nil {
			return err
		}
		if r.hasPlace(name, known, cols) {
			rows.Close()
			return r.Void(ctx, tx)
		}
	}
	return rows.Err()
}

func (r *Replica) hasPlace(name string, known bool, cols map[string]schema.Value) bool {
	t := r.tables[name]
	if t == nil || !known {
		return t != nil
	}
	for column, v := range cols {
		if c := t.Column(column); c != nil && shaped(c, v) {
			return true
		}
	}
	return false
}

// Mismatch compares checksums with the rows here and names the first that
// differs; "" for none.
func (r *Replica) Mismatch(ctx context.Context, tx *sql.Tx, roots []syncproto.Checksum, total *syncproto.Checksum) (string, error) {
	mine, all, err := r.Sums(ctx, tx)
	if err != nil {
		return "", err
	}
	here := make(map[uuid.UUID]syncproto.Checksum, len(mine))
	for _, s := range mine {
		here[s.Root] = s
	}
	for _, want := range roots {
		got, ok := here[want.Root]
		if !ok {
			got = syncproto.Checksum{Root: want.Root, Sum: format(0)}
		}
		if got != want {
			return want.Root.String(), nil
		}
	}
	if total != nil && (total.Count != all.Count || total.Sum != all.Sum) {
		return "total", nil
	}
	return "", nil
}
