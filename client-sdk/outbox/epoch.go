package outbox

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/google/uuid"

	"siteledger/syncproto/changelog"
)

// epoch is one log of this device with its end.
type epoch struct {
	id         uuid.UUID
	ord        int64
	ended      sql.NullInt64
	acked      uint64
	pruned     uint64
	prunedHead changelog.Hash
	sendFrom   uint64
	verify     bool
	forked     bool
	step       uint64
	maxChanges int

	last uint64         // its last change
	head changelog.Hash // h(last)
}

// isOpen says whether it takes new changes.
func (e *epoch) isOpen() bool { return !e.ended.Valid }

const epochColumns = `epoch, ord, ended, acked, pruned, pruned_head, send_from, verify, forked, step, max_changes`

type scanner interface{ Scan(...any) error }

func scanEpoch(row scanner) (*epoch, error) {
	e := &epoch{}
	var head []byte
	if err := row.Scan(&e.id, &e.ord, &e.ended, &e.acked, &e.pruned, &head, &e.sendFrom, &e.verify, &e.forked, &e.step, &e.maxChanges); err != nil {
		return nil, err
	}
	copy(e.prunedHead[:], head)
	return e, nil
}

// finish reads the log's end: its last change that was not moved.
func (e *epoch) finish(ctx context.Context, tx *sql.Tx) error {
	e.last, e.head = e.pruned, e.prunedHead
	var head []byte
	err := tx.QueryRowContext(ctx, `
		SELECT seq, hash
		FROM change
		WHERE epoch = $1 AND ($2 IS NULL OR seq <= $2)
		ORDER BY seq DESC
		LIMIT 1`, e.id[:], e.ended).Scan(&e.last, &head)
	if err == sql.ErrNoRows {
		return nil
	}
	if err != nil {
		return fmt.Errorf("end of the log: %w", err)
	}
	copy(e.head[:], head)
	return nil
}

// current reads the open log; sql.ErrNoRows where there is none yet.
func current(ctx context.Context, tx *sql.Tx) (*epoch, error) {
	e, err := scanEpoch(tx.QueryRowContext(ctx, `SELECT `+epochColumns+` FROM epoch WHERE ended IS NULL ORDER BY ord DESC LIMIT 1`))
	if err != nil {
		return nil, err
	}
	return e, e.finish(ctx, tx)
}

func readEpoch(ctx context.Context, tx *sql.Tx, id uuid.UUID) (*epoch, error) {
	e, err := scanEpoch(tx.QueryRowContext(ctx, `SELECT `+epochColumns+` FROM epoch WHERE epoch = $1`, id[:]))
	if err != nil {
		return nil, fmt.Errorf("log %s: %w", id, err)
	}
	return e, e.finish(ctx, tx)
}

// epochs reads all logs, the oldest first.
func epochs(ctx context.Context, tx *sql.Tx) ([]*epoch, error) {
	rows, err := tx.QueryContext(ctx, `SELECT `+epochColumns+` FROM epoch ORDER BY ord`)
	if err != nil {
		return nil, fmt.Errorf("logs: %w", err)
	}
	defer rows.Close()
	var out []*epoch
	for rows.Next() {
		e, err := scanEpoch(rows)
		if err != nil {
			return nil, fmt.Errorf("logs: %w", err)
		}
		out = append(out, e)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("logs: %w", err)
	}
	for _, e := range out {
		if err := e.finish(ctx, tx); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// save writes what sending changes of a log.
func (e *epoch) save(ctx context.Context, tx *sql.Tx) error {
	if _, err := tx.ExecContext(ctx, `
		UPDATE epoch
		SET ended = $1, acked = $2, pruned = $3, pruned_head = $4, send_from = $5, verify = $6, forked = $7, step = $8, max_changes = $9
		WHERE epoch = $10`,
		e.ended, e.acked, e.pruned, e.prunedHead[:], e.sendFrom, e.verify, e.forked, e.step, e.maxChanges, e.id[:]); err != nil {
		return fmt.Errorf("save log %s: %w", e.id, err)
	}
	return nil
}

// open begins a new log behind all others.
func (o *Outbox) open(ctx context.Context, tx *sql.Tx, device uuid.UUID) (*epoch, error) {
	id, err := o.newID()
	if err != nil {
		return nil, fmt.Errorf("new log: %w", err)
	}
	head := changelog.Genesis(device, id)
	if _, err := tx.ExecContext(ctx, `
		INSERT INTO epoch (epoch, ord, pruned_head)
		VALUES ($1, (SELECT COALESCE(MAX(ord), 0) + 1 FROM epoch), $2)`, id[:], head[:]); err != nil {
		return nil, fmt.Errorf("new log: %w", err)
	}
	return readEpoch(ctx, tx, id)
}

// hashAt is h(seq) of a log; false where that change is not kept.
func (e *epoch) hashAt(ctx context.Context, tx *sql.Tx, seq uint64) (changelog.Hash, bool, error) {
	if seq == e.pruned {
		return e.prunedHead, true, nil
	}
	var b []byte
	err := tx.QueryRowContext(ctx, `SELECT hash FROM change WHERE epoch = $1 AND seq = $2`, e.id[:], seq).Scan(&b)
	if err == sql.ErrNoRows {
		return changelog.Hash{}, false, nil
	}
	if err != nil || len(b) != len(changelog.Hash{}) {
		return changelog.Hash{}, false, fmt.Errorf("hash of change %d: %w", seq, err)
	}
	return changelog.Hash(b), true, nil
}

// txnStart is the first number of the transaction that seq belongs to.
func (e *epoch) txnStart(ctx context.Context, tx *sql.Tx, seq uint64) (uint64, error) {
	var txn uint64
	if err := tx.QueryRowContext(ctx, `SELECT txn FROM change WHERE epoch = $1 AND seq = $2`, e.id[:], seq).Scan(&txn); err != nil {
		return 0, fmt.Errorf("transaction of change %d: %w", seq, err)
	}
	return txn, nil
}
