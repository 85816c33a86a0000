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
// and on also, whose unconfirmed changes are others than before. The caller has
// confirmed what the feed passed in this same transaction.
func (r *Replica) Show(ctx context.Context, tx *sql.Tx, also []outbox.Key) (Shown, error) {
	var kind Kind
	var next string
	if err := tx.QueryRowContext(ctx, `SELECT staging, stage_cursor FROM feed WHERE id = 1`).Scan(&kind, &next); err != nil {
		return Shown{}, fmt.Errorf("show: %w", err)
	}
	removed, n, err := r.turn(ctx, tx, kind)
	if err != nil {
		return Shown{}, err
	}
	keys, err := r.based(ctx, tx)
	if err != nil {
		return Shown{}, err
	}
	if err := r.Lay(ctx, tx, append(keys, also...)); err != nil {
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

// based lists the rows that have a base: those are all rows with something of
// mine that the server has an opinion on.
func (r *Replica) based(ctx context.Context, tx *sql.Tx) ([]outbox.Key, error) {
	rows, err := tx.QueryContext(ctx, `SELECT tbl, row FROM base`)
	if err != nil {
		return nil, fmt.Errorf("bases: %w", err)
	}
	defer rows.Close()
	var out []outbox.Key
	for rows.Next() {
		var k outbox.Key
		if err := rows.Scan(&k.Table, &k.Row); err != nil {
			return nil, fmt.Errorf("bases: %w", err)
		}
		out = append(out, k)
	}
	return out, rows.Err()
}

// showRows takes over the staged rows.
func (r *Replica) showRows(ctx context.Context, tx *sql.Tx) (int, error) {
	rows, err := tx.QueryContext(ctx, `SELECT tbl, row, root, rev, cols FROM stage_row`)
	if err != nil {
		return 0, fmt.Errorf("staged rows: %w", err)
	}
	defer rows.Close()
	n := 0
	for rows.Next() {
		var row schema.Row
		var packed []byte
		if err := rows.Scan(&row.Table, &row.ID, &row.Root, &row.Rev, &packed); err != nil {
			return 0, fmt.Errorf("staged rows: %w", err)
		}
		if row.Cols, err = r.unpack(packed); err != nil {
			return 0, err
		}
		if err := r.showRow(ctx, tx, row); err != nil {
			return 0, err
		}
		n++
	}
	return n, rows.Err()
}

func (r *Replica) showRow(ctx context.Context, tx *sql.Tx, row schema.Row) error {
	t := r.tables[row.Table]
	if t == nil {
		return r.keepAside(ctx, tx, row, false)
	}
	known, rest := t.split(row)
	if err := r.keepAside(ctx, tx, rest, true); err != nil {
		return err
	}
	mine, _, err := t.marks(ctx, tx, row.ID)
	if err != nil {
		return err
	}
	if mine == 0 {
		b, err := r.base(ctx, tx, outbox.Key{Table: row.Table, Row: row.ID}) // a row that I deleted
		if err != nil {
			return err
		}
		if b == nil {
			return t.put(ctx, tx, known, 0, false)
		}
	}
	return r.putBase(ctx, tx, known, false)
}

// keepAside stores what this app has no place for.
func (r *Replica) keepAside(ctx context.Context, tx *sql.Tx, row schema.Row, known bool) error {
	if known && len(row.Cols) == 0 {
		if _, err := tx.ExecContext(ctx, `DELETE FROM aside WHERE tbl = $1 AND row = $2`, row.Table, row.ID[:]); err != nil {
			return fmt.Errorf("keep aside: %w", err)
		}
		return nil
	}
	cols, err := r.pack(row.Cols)
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
