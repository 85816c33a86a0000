package outbox

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"siteledger/syncproto/changelog"
)

// Mine is one unconfirmed change of a row.
type Mine struct {
	Change *changelog.Change
	Root   uuid.UUID
	Held   bool
}

// Of reads the unconfirmed changes of a row, in the order of recording.
func (o *Outbox) Of(ctx context.Context, tx *sql.Tx, table string, row uuid.UUID) ([]Mine, error) {
	rows, err := tx.QueryContext(ctx, `
		SELECT change.bytes, change.root, change.state
		FROM change JOIN epoch ON epoch.epoch = change.epoch
		WHERE change.tbl = $1 AND change.row = $2 AND change.state IN ('pending', 'acked', 'held')
		ORDER BY epoch.ord, change.seq`, table, row[:])
	if err != nil {
		return nil, fmt.Errorf("my changes of %s: %w", table, err)
	}
	defer rows.Close()
	var out []Mine
	for rows.Next() {
		var b []byte
		var root uuid.UUID
		var state string
		if err := rows.Scan(&b, &root, &state); err != nil {
			return nil, fmt.Errorf("my changes of %s: %w", table, err)
		}
		ch, err := o.codec.Decode(b)
		if err != nil {
			return nil, fmt.Errorf("my changes of %s: %w", table, err)
		}
		out = append(out, Mine{Change: ch, Root: root, Held: state == "held"})
	}
	return out, rows.Err()
}

// named is how many rows one question of [Outbox.Among] names.
const named = 16

// Among gives those of a table's rows that have unconfirmed changes.
func (o *Outbox) Among(ctx context.Context, tx *sql.Tx, table string, rows []uuid.UUID) (map[uuid.UUID]bool, error) {
	out := map[uuid.UUID]bool{}
	for some := range slices.Chunk(rows, named) {
		if err := among(ctx, tx, table, some, out); err != nil {
			return nil, fmt.Errorf("my changed rows: %w", err)
		}
	}
	return out, nil
}

// among asks for up to named rows; a shorter list names its last row again and
// again.
func among(ctx context.Context, tx *sql.Tx, table string, ids []uuid.UUID, out map[uuid.UUID]bool) error {
	args := make([]any, 1, 1+named)
	args[0] = table
	for i := range named {
		args = append(args, ids[min(i, len(ids)-1)][:])
	}
	rows, err := tx.QueryContext(ctx, `
		SELECT DISTINCT row
		FROM change INDEXED BY change_row
		WHERE tbl = ? AND row IN (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) AND state IN ('pending', 'acked', 'held')`, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id uuid.UUID
		if err := rows.Scan(&id); err != nil {
			return err
		}
		out[id] = true
	}
	return rows.Err()
}

// Any says whether there is an unconfirmed change at all.
func (o *Outbox) Any(ctx context.Context, tx *sql.Tx) (some bool, err error) {
	if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM change WHERE state IN ('pending', 'acked', 'held'))`).Scan(&some); err != nil {
		return false, fmt.Errorf("my changes: %w", err)
	}
	return some, nil
}

// MarksOf says how far the changes of a row have come: something not
// acknowledged, something held, a value that the office has yet to look at.
func (o *Outbox) MarksOf(ctx context.Context, tx *sql.Tx, table string, row uuid.UUID) (unsent, held, conflict bool, err error) {
	var n [3]int
	err = tx.QueryRowContext(ctx, `
		SELECT
			COUNT(*) FILTER (WHERE state = 'pending'),
			COUNT(*) FILTER (WHERE state = 'held'),
			COUNT(*) FILTER (WHERE outcome = 'conflict' AND settled = 0)
		FROM change
		WHERE tbl = $1 AND row = $2`, table, row[:]).Scan(&n[0], &n[1], &n[2])
	if err != nil {
		return false, false, false, fmt.Errorf("marks of %s: %w", table, err)
	}
	return n[0] > 0, n[1] > 0, n[2] > 0, nil
}
