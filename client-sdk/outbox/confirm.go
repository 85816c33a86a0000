package outbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
)

// Passed confirms the acknowledged changes that the feed's rows contain: those
// of a log up to seq, and all of older logs, which the server took before.
// Held changes stay until they are decided.
//
// A log that this phone never had is a copy's of this phone. Then all that is
// acknowledged is confirmed: the acknowledgement came before the feed was asked,
// and a change is folded when it is acknowledged.
func (o *Outbox) Passed(ctx context.Context, tx *sql.Tx, p syncproto.Passed) ([]Key, error) {
	keys, err := collect(ctx, tx, `
		UPDATE change
		SET state = 'confirmed'
		WHERE state = 'acked' AND (
			(epoch = $1 AND seq <= $2)
			OR NOT EXISTS (SELECT 1 FROM epoch WHERE epoch = $1)
			OR epoch IN (SELECT epoch FROM epoch WHERE ord < (SELECT ord FROM epoch WHERE epoch = $1)))
		RETURNING tbl, row`, p.Epoch[:], min(p.Seq, 1<<63-1))
	if err != nil {
		return nil, fmt.Errorf("confirm up to %d: %w", p.Seq, err)
	}
	return keys, nil
}

// Verdicts of a decision that matter to the log.
const (
	VerdictRefuse = "refuse" // the held change has no effect
	VerdictHeld   = "held"   // it was accepted, failed again, and waits under another case
	VerdictAsk    = "ask"    // not decided yet: the office has a question
)

// Decided takes over a person's decision on a held change, or on a conflict. Its transaction is
// confirmed, or refused, whole; what was held behind it is free again. Unknown
// changes are left alone: they may have been moved to another log.
func (o *Outbox) Decided(ctx context.Context, tx *sql.Tx, id uuid.UUID, seq uint64, verdict string, more Again) (Effect, error) {
	switch verdict {
	case VerdictAsk:
		return Effect{}, nil
	case VerdictHeld:
		return heldAgain(ctx, tx, id, seq, more)
	}
	var state string
	var txn int64
	var c []byte
	err := tx.QueryRowContext(ctx, `SELECT state, txn, case_id FROM change WHERE epoch = $1 AND seq = $2`, id[:], int64(seq)).Scan(&state, &txn, &c)
	if errors.Is(err, sql.ErrNoRows) {
		return Effect{}, nil
	}
	if err == nil && state != "held" {
		return settle(ctx, tx, id, seq)
	}
	if err != nil {
		return Effect{}, fmt.Errorf("decided: %w", err)
	}
	next := "confirmed"
	if verdict == VerdictRefuse {
		next = "refused"
	}
	keys, err := collect(ctx, tx, `
		UPDATE change
		SET state = $1
		WHERE epoch = $2 AND txn = $3 AND state = 'held'
		RETURNING tbl, row`, next, id[:], txn)
	if err != nil {
		return Effect{}, fmt.Errorf("decided: %w", err)
	}
	eff := Effect{Rows: keys}
	if next == "refused" {
		for _, k := range keys {
			eff.Denied = append(eff.Denied, Refusal{Key: k, Reason: verdict})
		}
	}
	freed, err := free(ctx, tx, id, txn, c)
	eff.Rows = append(eff.Rows, freed...)
	return eff, err
}

// Again says under which case, and why, a transaction is held that was accepted
// and failed once more.
type Again struct {
	Case   uuid.UUID
	Reason string
}

// heldAgain marks a transaction as held once more. One that the feed has passed
// is laid on top of the rows again: it stays on the screen until it is decided.
// One that was decided under that case already is not held again: the phone may
// be told twice.
func heldAgain(ctx context.Context, tx *sql.Tx, id uuid.UUID, seq uint64, more Again) (Effect, error) {
	reason := more.Reason
	if reason == "" {
		reason = "internal"
	}
	keys, err := collect(ctx, tx, `
		UPDATE change
		SET state = 'held', case_id = $1, reason = CASE WHEN seq = $2 THEN $3 ELSE 'transaction' END
		WHERE epoch = $4 AND txn = (SELECT t.txn FROM change t WHERE t.epoch = $4 AND t.seq = $2) AND state IN ('held', 'acked', 'confirmed')
			AND NOT coalesce(case_id = $1 AND state <> 'held', FALSE)
		RETURNING tbl, row`, more.Case[:], int64(seq), reason, id[:])
	if err != nil {
		return Effect{}, fmt.Errorf("held again: %w", err)
	}
	return Effect{Rows: keys}, nil
}

// settle takes the mark off a change whose conflict a person has decided.
func settle(ctx context.Context, tx *sql.Tx, id uuid.UUID, seq uint64) (Effect, error) {
	keys, err := collect(ctx, tx, `
		UPDATE change
		SET settled = 1
		WHERE epoch = $1 AND seq = $2 AND outcome = 'conflict' AND settled = 0
		RETURNING tbl, row`, id[:], int64(seq))
	if err != nil {
		return Effect{}, fmt.Errorf("settle conflict: %w", err)
	}
	return Effect{Rows: keys}, nil
}

// free ends the waiting of changes that were held behind a transaction: those
// of the same case, and those with nothing left before them on their root.
func free(ctx context.Context, tx *sql.Tx, id uuid.UUID, txn int64, c []byte) ([]Key, error) {
	keys, err := collect(ctx, tx, `
		UPDATE change
		SET state = 'acked'
		WHERE epoch = $1 AND seq > $2 AND state = 'held' AND reason IN ('behind', 'transaction')
			AND NOT EXISTS (
				SELECT 1 FROM change AS t
				WHERE t.epoch = change.epoch AND t.txn = change.txn AND t.state = 'held'
					AND t.reason NOT IN ('behind', 'transaction'))
			AND (case_id = $3 OR NOT EXISTS (
				SELECT 1 FROM change AS h
				WHERE h.epoch = change.epoch AND h.seq < change.seq AND h.state = 'held'
					AND h.reason NOT IN ('behind', 'transaction') AND h.root = change.root))
		RETURNING tbl, row`, id[:], txn, c)
	if err != nil {
		return nil, fmt.Errorf("free what was behind: %w", err)
	}
	return keys, nil
}

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

// Unconfirmed lists the rows that have unconfirmed changes.
func (o *Outbox) Unconfirmed(ctx context.Context, tx *sql.Tx) ([]Key, error) {
	rows, err := tx.QueryContext(ctx, `SELECT DISTINCT tbl, row FROM change WHERE state IN ('pending', 'acked', 'held')`)
	if err != nil {
		return nil, fmt.Errorf("my changed rows: %w", err)
	}
	defer rows.Close()
	var out []Key
	for rows.Next() {
		var k Key
		if err := rows.Scan(&k.Table, &k.Row); err != nil {
			return nil, fmt.Errorf("my changed rows: %w", err)
		}
		out = append(out, k)
	}
	return out, rows.Err()
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
