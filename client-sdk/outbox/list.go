package outbox

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/google/uuid"

	"siteledger/syncproto/changelog"
)

// Item is a change that the server has not acknowledged, or of which a server
// with a new history has yet to say that it still has it.
type Item struct {
	Table     string
	Row, Root uuid.UUID
	Op        changelog.Op
	At        time.Time // by this phone's clock
}

// unproved are the changes that another history of the server acknowledged, in
// logs whose end this one has not confirmed yet: a restored server may have lost
// them, and this phone may be all that still has them.
const unproved = `change.epoch IN (SELECT epoch FROM epoch WHERE verify = 1) AND change.state IN ('acked', 'held', 'confirmed')`

// Unsent lists the changes that the server does not have for sure, the oldest
// first.
func (o *Outbox) Unsent(ctx context.Context, tx *sql.Tx) ([]Item, error) {
	rows, err := tx.QueryContext(ctx, `
		SELECT change.tbl, change.row, change.root, change.op, change.wall
		FROM change JOIN epoch ON epoch.epoch = change.epoch
		WHERE change.state = 'pending' OR `+unproved+`
		ORDER BY epoch.ord, change.seq`)
	if err != nil {
		return nil, fmt.Errorf("unsent changes: %w", err)
	}
	defer rows.Close()
	var out []Item
	for rows.Next() {
		var w Item
		var wall int64
		if err := rows.Scan(&w.Table, &w.Row, &w.Root, &w.Op, &wall); err != nil {
			return nil, fmt.Errorf("unsent changes: %w", err)
		}
		w.At = time.UnixMilli(wall)
		out = append(out, w)
	}
	return out, rows.Err()
}

// Counts are how many changes the server does not have for sure, as [Outbox.Unsent]
// lists them, and how many are held.
func (o *Outbox) Counts(ctx context.Context, tx *sql.Tx) (pending, held int, err error) {
	err = tx.QueryRowContext(ctx, `
		SELECT COUNT(*) FILTER (WHERE state = 'pending' OR `+unproved+`), COUNT(*) FILTER (WHERE state = 'held')
		FROM change
		WHERE state IN ('pending', 'held') OR `+unproved+``).Scan(&pending, &held)
	if err != nil {
		return 0, 0, fmt.Errorf("count changes: %w", err)
	}
	return pending, held, nil
}

// Prune removes what the server acknowledged more than keep ago, by the
// server's own time: a phone's clock that jumps removes nothing. Only a whole
// beginning of a log goes, never what waits, is held, or is not confirmed, and
// nothing of a log whose end a server with a new history has yet to confirm.
func (o *Outbox) Prune(ctx context.Context, tx *sql.Tx, keep time.Duration) (int, error) {
	now, _, err := o.ServerTime(ctx, tx)
	if err != nil || now.IsZero() {
		return 0, err
	}
	all, err := epochs(ctx, tx)
	if err != nil {
		return 0, err
	}
	removed := 0
	for _, e := range all {
		if e.verify {
			continue
		}
		n, err := e.prune(ctx, tx, now.Add(-keep))
		if err != nil {
			return 0, fmt.Errorf("prune: %w", err)
		}
		removed += n
	}
	return removed, nil
}

// prune removes the transactions at a log's beginning that ended before limit.
func (e *epoch) prune(ctx context.Context, tx *sql.Tx, limit time.Time) (int, error) {
	// The first change that must stay; the end of the last transaction before it.
	var stay, upTo sql.NullInt64
	if err := tx.QueryRowContext(ctx, `
		SELECT MIN(seq)
		FROM change
		WHERE epoch = $1 AND (state NOT IN ('confirmed', 'denied', 'refused') OR acked_at IS NULL OR acked_at >= $2)`,
		e.id[:], limit.UnixMilli()).Scan(&stay); err != nil {
		return 0, err
	}
	if err := tx.QueryRowContext(ctx, `
		SELECT MAX(seq)
		FROM change
		WHERE epoch = $1 AND last = 1 AND seq <= $2 AND ($3 IS NULL OR seq < $3)`,
		e.id[:], int64(e.acked), stay).Scan(&upTo); err != nil {
		return 0, err
	}
	if !upTo.Valid || uint64(upTo.Int64) <= e.pruned {
		return 0, nil
	}
	head, _, err := e.hashAt(ctx, tx, uint64(upTo.Int64))
	if err != nil {
		return 0, err
	}
	e.pruned, e.prunedHead = uint64(upTo.Int64), head
	if err := e.save(ctx, tx); err != nil {
		return 0, err
	}
	res, err := tx.ExecContext(ctx, `DELETE FROM change WHERE epoch = $1 AND seq <= $2`, e.id[:], upTo)
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	return int(n), err
}
