package outbox

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"siteledger/syncproto"
)

// atOnce bounds how many changes or rows one statement names: a backlog of any
// length is confirmed in the same memory.
const atOnce = 512

// Passed confirms the acknowledged changes that the feed's rows contain: those
// of a log up to seq, and all of older logs, which the server took before.
// Held changes stay until they are decided. lay is called with the rows, some at
// a time; one that has several changes may come again.
//
// A log that this phone never had is a copy's of this phone. Then all that is
// acknowledged is confirmed: the acknowledgement came before the feed was asked,
// and a change is folded when it is acknowledged.
func (o *Outbox) Passed(ctx context.Context, tx *sql.Tx, p syncproto.Passed, lay func([]Key) error) error {
	logs, err := passed(ctx, tx, p)
	if err != nil {
		return fmt.Errorf("confirm up to %d: %w", p.Seq, err)
	}
	for _, l := range logs {
		if err := l.confirm(ctx, tx, lay); err != nil {
			return fmt.Errorf("confirm up to %d: %w", p.Seq, err)
		}
	}
	return nil
}

// passedLog is a log that the feed's rows contain up to a change.
type passedLog struct {
	epoch uuid.UUID
	upTo  int64
}

func passed(ctx context.Context, tx *sql.Tx, p syncproto.Passed) ([]passedLog, error) {
	rows, err := tx.QueryContext(ctx, `
		SELECT epoch, CASE WHEN epoch = $1 THEN $2 ELSE $3 END
		FROM epoch
		WHERE (epoch = $1
			OR NOT EXISTS (SELECT 1 FROM epoch WHERE epoch = $1)
			OR ord < (SELECT ord FROM epoch WHERE epoch = $1))
		ORDER BY ord`, p.Epoch[:], int64(min(p.Seq, 1<<63-1)), int64(1<<63-1))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []passedLog
	for rows.Next() {
		var l passedLog
		if err := rows.Scan(&l.epoch, &l.upTo); err != nil {
			return nil, err
		}
		out = append(out, l)
	}
	return out, rows.Err()
}

// confirm goes through what is acknowledged of a log.
func (l passedLog) confirm(ctx context.Context, tx *sql.Tx, lay func([]Key) error) error {
	for after := int64(0); ; {
		var first sql.NullInt64
		if err := tx.QueryRowContext(ctx, `
			SELECT min(seq)
			FROM change INDEXED BY change_state
			WHERE state = 'acked' AND epoch = $1 AND seq > $2 AND seq <= $3`, l.epoch[:], after, l.upTo).Scan(&first); err != nil {
			return err
		}
		if !first.Valid {
			return nil
		}
		after = min(l.upTo, first.Int64+atOnce-1)
		keys, err := collect(ctx, tx, `
			UPDATE change
			SET state = 'confirmed'
			WHERE epoch = $1 AND seq >= $2 AND seq <= $3 AND state = 'acked'
			RETURNING tbl, row`, l.epoch[:], first.Int64, after)
		if err != nil {
			return err
		}
		if err := lay(keys); err != nil {
			return err
		}
	}
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
//
// The transaction need not be held here. Another phone with the same log may
// have sent it again to a server that had lost it, where it was held; what this
// phone then sent behind it waits for that case. And what was let go from behind
// another may be refused by itself.
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
	var once bool
	err := tx.QueryRowContext(ctx, `SELECT state, txn, case_id, settled FROM change WHERE epoch = $1 AND seq = $2`, id[:], int64(seq)).Scan(&state, &txn, &c, &once)
	if errors.Is(err, sql.ErrNoRows) {
		return Effect{}, nil
	}
	if err != nil {
		return Effect{}, fmt.Errorf("decided: %w", err)
	}
	if state == "pending" {
		if err := before(ctx, tx, id, txn, more.Case); err != nil {
			return Effect{}, err
		}
		state, c = "held", more.Case[:]
	}
	if state == "held" && once && more.Case != uuid.Nil && !bytes.Equal(c, more.Case[:]) {
		return Effect{}, nil // the case that it was held under before
	}
	refused := verdict == VerdictRefuse && (state == "acked" || state == "confirmed")
	if state != "held" && !refused {
		eff, err := settle(ctx, tx, id, seq)
		if err != nil || more.Case == uuid.Nil {
			return eff, err
		}
		freed, err := free(ctx, tx, id, txn, more.Case[:], false)
		eff.Rows = append(eff.Rows, freed...)
		return eff, err
	}
	if len(c) == 0 && more.Case != uuid.Nil {
		c = more.Case[:]
	}
	next := "confirmed"
	if verdict == VerdictRefuse {
		next = "refused"
	}
	keys, err := collect(ctx, tx, `
		UPDATE change
		SET state = $1
		WHERE epoch = $2 AND txn = $3 AND (state = 'held' OR $4 AND state IN ('acked', 'confirmed'))
		RETURNING tbl, row`, next, id[:], txn, refused)
	if err != nil {
		return Effect{}, fmt.Errorf("decided: %w", err)
	}
	eff := Effect{Rows: keys}
	if next == "refused" {
		for _, k := range keys {
			eff.Denied = append(eff.Denied, Refusal{Key: k, Reason: verdict})
		}
	}
	freed, err := free(ctx, tx, id, txn, c, !refused)
	eff.Rows = append(eff.Rows, freed...)
	return eff, err
}

// before marks a transaction as held whose acknowledgement has not come: the
// answer was lost, and the office was quicker than the next try. The outcome that
// comes with that says nothing new then. A conflict that was decided so shows no
// mark either.
func before(ctx context.Context, tx *sql.Tx, id uuid.UUID, txn int64, kase uuid.UUID) error {
	if _, err := tx.ExecContext(ctx, `
		UPDATE change
		SET state = 'held', outcome = 'held', reason = 'decided', case_id = $1
		WHERE epoch = $2 AND txn = $3 AND state = 'pending'`, kase[:], id[:], txn); err != nil {
		return fmt.Errorf("decided before it was acknowledged: %w", err)
	}
	return nil
}

// Again says under which case, and why, a transaction is held that was accepted
// and failed once more.
type Again struct {
	Case   uuid.UUID
	Reason string
}

// heldAgain marks a transaction as held once more. One that the feed has passed
// is laid on top of the rows again: it stays on the screen until it is decided.
// One that was decided under that case already is not held again, and one that
// is held again is not let go by its earlier case: the phone is told all of it
// twice.
func heldAgain(ctx context.Context, tx *sql.Tx, id uuid.UUID, seq uint64, more Again) (Effect, error) {
	reason := more.Reason
	if reason == "" {
		reason = "internal"
	}
	keys, err := collect(ctx, tx, `
		UPDATE change
		SET state = 'held', case_id = $1, reason = CASE WHEN seq = $2 THEN $3 ELSE 'transaction' END,
			settled = CASE WHEN outcome = 'conflict' THEN settled ELSE 1 END, outcome = CASE WHEN state = 'pending' THEN 'held' ELSE outcome END
		WHERE epoch = $4 AND txn = (SELECT t.txn FROM change t WHERE t.epoch = $4 AND t.seq = $2) AND state IN ('held', 'acked', 'confirmed', 'pending')
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
// of the same case, and, where byRoot, those with nothing left before them on
// the roots of their transaction, which is let go whole or not at all.
func free(ctx context.Context, tx *sql.Tx, id uuid.UUID, txn int64, c []byte, byRoot bool) ([]Key, error) {
	keys, err := collect(ctx, tx, `
		UPDATE change
		SET state = 'acked'
		WHERE epoch = $1 AND seq > $2 AND state = 'held' AND reason IN ('behind', 'transaction')
			AND NOT EXISTS (
				SELECT 1 FROM change AS t
				WHERE t.epoch = change.epoch AND t.txn = change.txn AND t.state = 'held'
					AND t.reason NOT IN ('behind', 'transaction'))
			AND (case_id = $3 OR $4 AND NOT EXISTS (
				SELECT 1 FROM change AS m JOIN change AS h ON h.epoch = m.epoch AND h.root = m.root
				WHERE m.epoch = change.epoch AND m.txn = change.txn AND h.seq < m.seq AND h.state = 'held'
					AND h.reason NOT IN ('behind', 'transaction')))
		RETURNING tbl, row`, id[:], txn, c, byRoot)
	if err != nil {
		return nil, fmt.Errorf("free what was behind: %w", err)
	}
	return keys, nil
}
