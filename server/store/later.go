package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"siteledger/server/reconcile"
)

const (
	laterSum = `
		SELECT sum
		FROM root_later
		WHERE centre = $1 AND root = $2 AND since = $3`
	laterSave = `
		INSERT INTO root_later (centre, root, since, rows, sum)
		VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (centre, root, since) DO UPDATE SET rows = root_later.rows + excluded.rows, sum = $6`
	laterHidden = `
		SELECT rows, sum
		FROM root_later
		WHERE centre = $1 AND root = $2 AND since > $3`
	keptRows = `
		SELECT id
		FROM state_%s
		WHERE centre = $1 AND length(extra) > 0
		ORDER BY id`
	heldCases = `
		SELECT id
		FROM case_file
		WHERE centre = $1 AND state = 'open' AND kind IN ('held', 'handover')
		ORDER BY opened_rev, opened_at, id`
)

// rootSince is the part of a root that came with a version of the schema.
type rootSince struct {
	root  uuid.UUID
	since int
}

// applyLater keeps the count and checksum of a root's rows in tables that came
// with a later version: what a reader of an earlier one does not see.
func (c *centreTx) applyLater(ctx context.Context, rows []reconcile.RowWrite) error {
	var order []rootSince
	deltas := map[rootSince]*rootDelta{}
	for _, w := range rows {
		k := rootSince{w.Row.Root, c.s.tables[w.Row.Table].t.Since}
		if k.since < 2 {
			continue
		}
		if deltas[k] == nil {
			deltas[k] = &rootDelta{}
			order = append(order, k)
		}
		deltas[k].add(w)
	}
	for _, k := range order {
		row, err := c.queryRow(ctx, laterSum, c.centre[:], k.root[:], k.since)
		if err != nil {
			return err
		}
		var sum int64
		if err := row.Scan(&sum); err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		total := int64(uint64(sum) + deltas[k].sum)
		if err := c.exec(ctx, laterSave, c.centre[:], k.root[:], k.since, deltas[k].rows, total, total); err != nil {
			return fmt.Errorf("root %s: %w", k.root, err)
		}
	}
	return nil
}

// Hidden satisfies feed.Content.
func (v *snapshot) Hidden(ctx context.Context, stream, root uuid.UUID, version int) (count int, sum uint64, err error) {
	rows, err := v.query(ctx, laterHidden, stream[:], root[:], version)
	if err != nil {
		return 0, 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var n int
		var s int64
		if err := rows.Scan(&n, &s); err != nil {
			return 0, 0, err
		}
		count, sum = count+n, sum+uint64(s)
	}
	return count, sum, rows.Err()
}

// Kept satisfies reconcile.Rows.
func (c *centreTx) Kept(ctx context.Context) ([]reconcile.Key, error) {
	var out []reconcile.Key
	for _, t := range c.s.d.Tables {
		ids, err := c.ids(ctx, fmt.Sprintf(keptRows, t.Name))
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			out = append(out, reconcile.Key{Table: t.Name, ID: id})
		}
	}
	return out, nil
}

// HeldCases satisfies reconcile.Holds.
func (c *centreTx) HeldCases(ctx context.Context) ([]*reconcile.Case, error) {
	ids, err := c.ids(ctx, heldCases)
	if err != nil {
		return nil, err
	}
	out := make([]*reconcile.Case, len(ids))
	for i, id := range ids {
		if out[i], err = c.Case(ctx, id); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// ids runs a query of one column of ids for the centre.
func (c *centreTx) ids(ctx context.Context, text string) ([]uuid.UUID, error) {
	rows, err := c.query(ctx, text, c.centre[:])
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []uuid.UUID
	for rows.Next() {
		var b []byte
		if err := rows.Scan(&b); err != nil {
			return nil, err
		}
		out = append(out, uuid.UUID(b))
	}
	return out, rows.Err()
}
