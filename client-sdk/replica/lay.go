package replica

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"

	"siteledger/client-sdk/outbox"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

// Insert shows a new row of mine, and gives it. Columns that cols does not name
// are empty.
func (r *Replica) Insert(ctx context.Context, tx *sql.Tx, name string, id, root uuid.UUID, cols map[string]schema.Value) (schema.Row, error) {
	row := schema.Row{Table: name, ID: id, Root: root, Cols: cols}
	t, err := r.table(name)
	if err != nil {
		return row, err
	}
	n, err := t.write(ctx, tx, t.add, row, 1, false)
	if err == nil && n == 0 {
		err = fmt.Errorf("%w: %s %s", ErrRowExists, name, id)
	}
	return row, err
}

// Update shows changed columns of a row that [Replica.Row] gave in the same
// transaction, keeps what the server said of it, and gives it as it is now.
func (r *Replica) Update(ctx context.Context, tx *sql.Tx, row schema.Row, cols map[string]schema.Value) (schema.Row, error) {
	t, err := r.table(row.Table)
	if err != nil {
		return row, err
	}
	mine, held, err := t.marks(ctx, tx, row.ID)
	if err != nil {
		return row, err
	}
	if mine == 0 {
		if err := r.putBase(ctx, tx, row, false); err != nil {
			return row, err
		}
	}
	row.Cols = maps.Clone(row.Cols)
	maps.Copy(row.Cols, cols)
	return row, t.put(ctx, tx, row, mine+1, held)
}

func (t *table) marks(ctx context.Context, tx *sql.Tx, id uuid.UUID) (mine int, held bool, err error) {
	err = tx.QueryRowContext(ctx, "SELECT mine, held FROM "+t.app+" WHERE id = $1", id[:]).Scan(&mine, &held)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("marks of %s: %w", t.Name, err)
	}
	return mine, held, nil
}

// based is what the server said of a row that has something of mine.
type based struct {
	row  schema.Row
	gone bool
}

const (
	insertBase = `
		INSERT INTO base (tbl, row, root, rev, gone, cols)
		VALUES (?, ?, ?, ?, ?, ?)`
	overBase = `
		ON CONFLICT (tbl, row) DO UPDATE
		SET root = excluded.root, rev = excluded.rev, gone = excluded.gone, cols = excluded.cols`
)

func (r *Replica) putBase(ctx context.Context, tx *sql.Tx, row schema.Row, gone bool) error {
	cols, err := r.pack(row.Cols)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, insertBase+overBase,
		row.Table, row.ID[:], row.Root[:], int64(row.Rev), gone, cols); err != nil {
		return fmt.Errorf("keep base of %s: %w", row.Table, err)
	}
	return nil
}

func (r *Replica) base(ctx context.Context, tx *sql.Tx, k outbox.Key) (*based, error) {
	b := &based{row: schema.Row{Table: k.Table, ID: k.Row}}
	var cols []byte
	err := tx.QueryRowContext(ctx, `SELECT root, rev, gone, cols FROM base WHERE tbl = $1 AND row = $2`, k.Table, k.Row[:]).
		Scan(&b.row.Root, &b.row.Rev, &b.gone, &cols)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("base of %s: %w", k.Table, err)
	}
	b.row.Cols, err = r.unpack(cols)
	return b, err
}

// Lay makes the app show base plus mine for rows whose base or whose
// unconfirmed changes are others than before. Laying twice changes nothing.
func (r *Replica) Lay(ctx context.Context, tx *sql.Tx, keys []outbox.Key) error {
	ids := map[string][]uuid.UUID{}
	seen := make(map[outbox.Key]bool, len(keys))
	for _, k := range keys {
		if !seen[k] && r.tables[k.Table] != nil {
			seen[k] = true
			ids[k.Table] = append(ids[k.Table], k.Row)
		}
	}
	for name, rows := range ids {
		for some := range slices.Chunk(rows, takeAtOnce) {
			if err := r.layRows(ctx, tx, r.tables[name], some); err != nil {
				return fmt.Errorf("lay rows of %s: %w", name, err)
			}
		}
	}
	return nil
}

// layRows lays up to takeAtOnce rows of a table.
func (r *Replica) layRows(ctx context.Context, tx *sql.Tx, t *table, ids []uuid.UUID) error {
	mine, err := r.mine.Among(ctx, tx, t.Name, ids)
	if err != nil {
		return err
	}
	settled := ids[:0:0]
	for _, id := range ids {
		if !mine[id] {
			settled = append(settled, id)
			continue
		}
		if err := r.lay(ctx, tx, outbox.Key{Table: t.Name, Row: id}); err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
	}
	if len(settled) == 0 {
		return nil
	}
	return r.settle(ctx, tx, t, settled)
}

func (r *Replica) lay(ctx context.Context, tx *sql.Tx, k outbox.Key) error {
	t := r.tables[k.Table]
	mine, err := r.mine.Of(ctx, tx, k.Table, k.Row)
	if err != nil {
		return err
	}
	base, err := r.base(ctx, tx, k)
	if err != nil {
		return err
	}
	had, _, err := t.marks(ctx, tx, k.Row)
	if err != nil {
		return err
	}
	if base == nil && had == 0 {
		// All of it was confirmed, and is unconfirmed again by a restored server.
		shown, there, err := r.stored(ctx, tx, k.Table, k.Row)
		if err != nil {
			return err
		}
		if there {
			base = &based{row: shown}
			if err := r.putBase(ctx, tx, shown, false); err != nil {
				return err
			}
		}
	}
	sum, held, there := overlay(k, base, mine)
	if !there {
		return t.remove(ctx, tx, k.Row)
	}
	return t.put(ctx, tx, sum, len(mine), held)
}

// settle shows up to takeAtOnce rows that have nothing of mine any more: the
// server's word, or nothing where the server has none.
func (r *Replica) settle(ctx context.Context, tx *sql.Tx, t *table, ids []uuid.UUID) error {
	named := append([]any{t.Name}, padded(nil, ids)...)
	words, based, err := r.words(ctx, tx, t, named)
	if err != nil {
		return err
	}
	if len(words) < len(ids) {
		// A row that is shown as the server gave it has nothing of mine, and stays.
		if _, err := tx.ExecContext(ctx, t.gone, padded(nil, ids)...); err != nil {
			return fmt.Errorf("settle: %w", err)
		}
	}
	if err := t.take(ctx, tx, words); err != nil {
		return err
	}
	if !based {
		return nil
	}
	if _, err := tx.ExecContext(ctx, r.dropBases, named...); err != nil {
		return fmt.Errorf("bases of %s: %w", t.Name, err)
	}
	return nil
}

// words reads the bases of rows that did not leave; based says that there was
// any base.
func (r *Replica) words(ctx context.Context, tx *sql.Tx, t *table, named []any) (words []schema.Row, based bool, err error) {
	rows, err := tx.QueryContext(ctx, r.readBases, named...)
	if err != nil {
		return nil, false, fmt.Errorf("bases of %s: %w", t.Name, err)
	}
	defer rows.Close()
	for rows.Next() {
		row := schema.Row{Table: t.Name}
		var gone bool
		var cols []byte
		if err := rows.Scan(&row.ID, &row.Root, &row.Rev, &gone, &cols); err != nil {
			return nil, false, fmt.Errorf("bases of %s: %w", t.Name, err)
		}
		based = true
		if gone {
			continue
		}
		if row.Cols, err = r.unpack(cols); err != nil {
			return nil, false, err
		}
		words = append(words, row)
	}
	return words, based, rows.Err()
}

// overlay is base plus mine. An insert of mine on a row that the server has
// already shows the server's columns.
func overlay(k outbox.Key, base *based, mine []outbox.Mine) (sum schema.Row, held, there bool) {
	sum = schema.Row{Table: k.Table, ID: k.Row, Root: mine[0].Root, Cols: map[string]schema.Value{}}
	if base != nil {
		sum.Root, sum.Rev, there = base.row.Root, base.row.Rev, true
		maps.Copy(sum.Cols, base.row.Cols)
	}
	for _, m := range mine {
		held = held || m.Held
		switch m.Change.Op {
		case changelog.Insert:
			if !there {
				maps.Copy(sum.Cols, m.Change.Cols)
			}
			there = true
		case changelog.Update:
			maps.Copy(sum.Cols, m.Change.Cols)
		case changelog.Delete:
			there = false
		}
	}
	return sum, held, there
}
