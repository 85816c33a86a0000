package outbox

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/google/uuid"

	"siteledger/syncproto/changelog"
)

// Forked takes over a 409 log-forked: the server has other changes under the
// same numbers, because this phone was restored from a backup or copied. common
// is the last change that both share, as far as the server can tell.
func (o *Outbox) Forked(ctx context.Context, tx *sql.Tx, who Author, at Stamp, b *Batch, common uint64) (Effect, error) {
	e, err := readEpoch(ctx, tx, b.Epoch)
	if err != nil {
		return Effect{}, err
	}
	if common >= b.Last {
		return Effect{}, fmt.Errorf("%w: forked behind %d, which is not behind the batch", ErrAnswer, common)
	}
	if !e.forked {
		// My own acknowledgement may be stale: ask once more from there.
		e.forked, e.sendFrom, e.step = true, 0, 0
		return Effect{}, e.save(ctx, tx)
	}
	if common+1 >= b.From || b.From <= e.pruned+1 {
		return o.fork(ctx, tx, who, at, e, max(common, e.pruned))
	}
	// Only prev differed, so the fork lies lower: search there.
	e.step = max(1, 2*e.step)
	target := min(common+1, b.From-min(e.step, b.From-1))
	target = max(target, e.pruned+1)
	if e.sendFrom, err = e.txnStart(ctx, tx, target); err != nil {
		return Effect{}, err
	}
	e.sendFrom = max(e.sendFrom, e.pruned+1)
	return Effect{}, e.save(ctx, tx)
}

// fork ends a log at common and re-records what follows in the open log, or in
// a new one where the open log itself forked: new numbers, transactions and
// chain, all else unchanged. What both share but I don't know the outcome of is
// sent again in the old log first.
func (o *Outbox) fork(ctx context.Context, tx *sql.Tx, who Author, at Stamp, e *epoch, common uint64) (Effect, error) {
	tail, err := o.tail(ctx, tx, e, common)
	if err != nil {
		return Effect{}, err
	}
	wasOpen := e.isOpen()
	e.ended = sql.NullInt64{Int64: int64(common), Valid: true}
	e.acked = min(e.acked, common)
	e.sendFrom, e.forked, e.step, e.maxChanges = 0, false, 0, 0
	if err := e.save(ctx, tx); err != nil {
		return Effect{}, err
	}
	var into *epoch
	if wasOpen {
		into, err = o.open(ctx, tx, who.Device)
	} else {
		into, err = current(ctx, tx)
	}
	if err != nil {
		return Effect{}, err
	}
	for _, txn := range tail {
		if err := o.rerecord(ctx, tx, who, at, into, txn); err != nil {
			return Effect{}, err
		}
	}
	keys, err := collect(ctx, tx, `
		UPDATE change
		SET state = 'moved'
		WHERE epoch = $1 AND seq > $2
		RETURNING tbl, row`, e.id[:], common)
	if err != nil {
		return Effect{}, fmt.Errorf("fork: %w", err)
	}
	return Effect{Rows: keys, Forked: true}, o.VoidRanges(ctx, tx)
}

// recorded is a change of the log with its root.
type recorded struct {
	change *changelog.Change
	root   uuid.UUID
}

// tail reads the changes behind common by transaction.
func (o *Outbox) tail(ctx context.Context, tx *sql.Tx, e *epoch, common uint64) ([][]recorded, error) {
	rows, err := tx.QueryContext(ctx, `
		SELECT last, root, bytes
		FROM change
		WHERE epoch = $1 AND seq > $2 AND state <> 'moved'
		ORDER BY seq`, e.id[:], common)
	if err != nil {
		return nil, fmt.Errorf("fork: %w", err)
	}
	defer rows.Close()
	var out [][]recorded
	var txn []recorded
	for rows.Next() {
		var last bool
		var r recorded
		var b []byte
		if err := rows.Scan(&last, &r.root, &b); err != nil {
			return nil, fmt.Errorf("fork: %w", err)
		}
		if r.change, err = o.codec.Decode(b); err != nil {
			return nil, fmt.Errorf("fork: my own log: %w", err)
		}
		txn = append(txn, r)
		if last {
			out, txn = append(out, txn), nil
		}
	}
	return out, rows.Err()
}

// rerecord writes a transaction of another log behind the end of this one.
func (o *Outbox) rerecord(ctx context.Context, tx *sql.Tx, who Author, at Stamp, into *epoch, txn []recorded) error {
	first := into.last + 1
	changes := make([]*changelog.Change, len(txn))
	for i, r := range txn {
		r.change.Seq, r.change.Txn = first+uint64(i), first
		changes[i] = r.change
	}
	encoded, err := o.encode(changes)
	if err != nil {
		return fmt.Errorf("re-record: %w", err)
	}
	return o.insert(ctx, tx, who, at, into, changes, encoded, func(i int) uuid.UUID { return txn[i].root })
}
