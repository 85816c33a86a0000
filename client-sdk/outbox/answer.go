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

// Effect is what taking over an answer did to the app's rows and to the log.
type Effect struct {
	// Rows have other unconfirmed changes than before: lay them again.
	Rows []Key
	// Acked is how many more changes the server has.
	Acked int
	// Denied are rows whose change the server will never apply.
	Denied []Refusal
	// Forked says that a new log was opened: receipt ranges are void.
	Forked bool
}

// Refusal is a change without effect.
type Refusal struct {
	Key
	Reason string
}

func (f *Effect) add(g Effect) {
	f.Rows = append(f.Rows, g.Rows...)
	f.Denied = append(f.Denied, g.Denied...)
	f.Acked += g.Acked
	f.Forked = f.Forked || g.Forked
}

// Accept takes over a 200: the acknowledgement and the outcomes. The caller has
// checked the receipt. [ErrAnswer] where the answer contradicts itself.
func (o *Outbox) Accept(ctx context.Context, tx *sql.Tx, who Author, at Stamp, b *Batch, ans *syncproto.PushAnswer) (Effect, error) {
	e, err := readEpoch(ctx, tx, b.Epoch)
	if err != nil {
		return Effect{}, err
	}
	if ans.Acked < b.Last || len(ans.Sent) > 0 && !bytes.Equal(ans.Sent, b.Head[:]) {
		return Effect{}, fmt.Errorf("%w: acked %d, not of the batch up to %d that was sent", ErrAnswer, ans.Acked, b.Last)
	}
	beyond, err := o.beyond(ctx, tx, e, b, ans)
	if err != nil {
		return Effect{}, err
	}
	eff, err := o.outcomes(ctx, tx, e, b, ans)
	if err != nil {
		return Effect{}, err
	}
	if b.Last > e.acked {
		eff.Acked = int(b.Last - e.acked)
		e.acked = b.Last
	}
	switch {
	case beyond == otherHead:
		e.forked, e.sendFrom = true, b.Last+1
	case e.sendFrom > 0 && b.Last < e.acked:
		e.sendFrom = b.Last + 1
	default:
		e.sendFrom, e.forked, e.step = 0, false, 0
	}
	if b.Last == e.last {
		e.verify, e.maxChanges = false, 0
	}
	if err := e.save(ctx, tx); err != nil {
		return Effect{}, err
	}
	if beyond == moreThanMine {
		forked, err := o.fork(ctx, tx, who, at, e, e.last)
		eff.add(forked)
		return eff, err
	}
	return eff, nil
}

type extent int

const (
	exact        extent = iota // the server has what I have of it
	otherHead                  // it has something else behind the batch
	moreThanMine               // it has more than I ever recorded
)

// beyond compares the server's end of the log with mine.
func (o *Outbox) beyond(ctx context.Context, tx *sql.Tx, e *epoch, b *Batch, ans *syncproto.PushAnswer) (extent, error) {
	if ans.Acked > e.last {
		if b.Last == e.last && e.isOpen() {
			return moreThanMine, nil
		}
		return exact, nil // what follows is compared by the next batch, or is a twin's
	}
	h, ok, err := e.hashAt(ctx, tx, ans.Acked)
	if err != nil || !ok || bytes.Equal(h[:], ans.Head) {
		return exact, err
	}
	if ans.Acked == b.Last {
		return exact, fmt.Errorf("%w: head at %d is not the one that was sent", ErrAnswer, b.Last)
	}
	return otherHead, nil
}

// outcomes marks the batch's changes as acknowledged, and those as held or
// denied that the server says so of.
func (o *Outbox) outcomes(ctx context.Context, tx *sql.Tx, e *epoch, b *Batch, ans *syncproto.PushAnswer) (Effect, error) {
	if _, err := tx.ExecContext(ctx, `
		UPDATE change
		SET state = CASE WHEN state = 'pending' THEN 'acked' ELSE state END, acked_at = $1
		WHERE epoch = $2 AND seq <= $3 AND seq >= $4 AND (state = 'pending' OR acked_at IS NULL)`,
		ans.ServerTime, e.id[:], b.Last, b.From); err != nil {
		return Effect{}, fmt.Errorf("acknowledge: %w", err)
	}
	var eff Effect
	for _, out := range ans.Outcomes {
		if out.Seq < b.From || out.Seq > b.Last {
			continue
		}
		state, err := stateOf(ctx, tx, e.id, out)
		if err != nil {
			return Effect{}, err
		}
		var key Key
		err = tx.QueryRowContext(ctx, `
			UPDATE change
			SET state = CASE WHEN state IN ('acked', 'held') THEN $1 ELSE state END, outcome = $2, reason = $3, case_id = $4
			WHERE epoch = $5 AND seq = $6 AND (outcome = '' OR state = 'acked')
			RETURNING tbl, row`,
			state, string(out.Code), string(out.Reason), out.Case, e.id[:], out.Seq).Scan(&key.Table, &key.Row)
		if errors.Is(err, sql.ErrNoRows) {
			continue // given again on a re-send
		}
		if err != nil {
			return Effect{}, fmt.Errorf("outcome of change %d: %w", out.Seq, err)
		}
		eff.Rows = append(eff.Rows, key)
		if state == "denied" {
			eff.Denied = append(eff.Denied, Refusal{Key: key, Reason: string(out.Reason)})
		}
	}
	return eff, nil
}

// stateOf is the state that an outcome gives to its change. What was held behind
// a case that this phone knows as decided, since the answer had been lost and the
// office was quicker than the next try, is let go as it was by the decision.
func stateOf(ctx context.Context, tx *sql.Tx, epoch uuid.UUID, out syncproto.Outcome) (string, error) {
	switch out.Code {
	case syncproto.Denied:
		return "denied", nil
	case syncproto.Held:
	default:
		return "acked", nil
	}
	if len(out.Case) == 0 || (out.Reason != syncproto.Behind && out.Reason != syncproto.Transaction) {
		return "held", nil
	}
	var decided bool
	if err := tx.QueryRowContext(ctx, `
		SELECT EXISTS (SELECT 1 FROM change WHERE epoch = $1 AND case_id = $2 AND seq < $3 AND state IN ('confirmed', 'refused'))`,
		epoch[:], out.Case, out.Seq).Scan(&decided); err != nil {
		return "", fmt.Errorf("outcome of change %d: %w", out.Seq, err)
	}
	if decided {
		return "acked", nil
	}
	return "held", nil
}

// Gap takes over a 409 log-gap: the server has less than I thought. It sends
// from there; changes that it lost are unconfirmed again.
func (o *Outbox) Gap(ctx context.Context, tx *sql.Tx, who Author, at Stamp, b *Batch, acked uint64) (Effect, error) {
	e, err := readEpoch(ctx, tx, b.Epoch)
	if err != nil {
		return Effect{}, err
	}
	if acked+1 >= b.From {
		return Effect{}, fmt.Errorf("%w: gap at %d, but the batch began at %d", ErrAnswer, acked, b.From)
	}
	keys, err := collect(ctx, tx, `
		UPDATE change
		SET state = 'pending', outcome = '', reason = '', case_id = NULL, settled = 0, acked_at = NULL
		WHERE epoch = $1 AND seq > $2 AND state IN ('acked', 'held', 'confirmed')
		RETURNING tbl, row`, e.id[:], acked)
	if err != nil {
		return Effect{}, fmt.Errorf("gap: %w", err)
	}
	e.acked, e.sendFrom, e.forked, e.step = acked, 0, false, 0
	eff := Effect{Rows: keys}
	if acked >= e.pruned {
		return eff, e.save(ctx, tx)
	}
	// The server lost what this phone no longer keeps either. What is kept goes
	// on in a new log.
	e.acked = e.pruned
	if err := e.save(ctx, tx); err != nil {
		return Effect{}, err
	}
	forked, err := o.fork(ctx, tx, who, at, e, e.pruned)
	eff.add(forked)
	return eff, err
}

// TooLarge takes over a 413 on a batch: the next one has half the changes. It
// is false where the batch was a single transaction, which can't be halved.
func (o *Outbox) TooLarge(ctx context.Context, tx *sql.Tx, b *Batch) (bool, error) {
	if b.txns <= 1 {
		return false, nil
	}
	e, err := readEpoch(ctx, tx, b.Epoch)
	if err != nil {
		return false, err
	}
	e.maxChanges = max(1, len(b.Changes)/2)
	return true, e.save(ctx, tx)
}

// HistoryChanged makes every log prove its end to the server's new history. What
// was held is sent again: another history may have taken it otherwise, from a
// copy of this phone, and then nobody would decide what this one still shows as
// held.
func (o *Outbox) HistoryChanged(ctx context.Context, tx *sql.Tx) error {
	if _, err := tx.ExecContext(ctx, `
		UPDATE epoch
		SET verify = 1, send_from = 0, forked = 0, step = 0,
			acked = coalesce((SELECT min(acked, min(c.txn) - 1) FROM change c WHERE c.epoch = epoch.epoch AND c.state = 'held'), acked)`); err != nil {
		return fmt.Errorf("history changed: %w", err)
	}
	if _, err := tx.ExecContext(ctx, `
		UPDATE change
		SET state = 'pending', outcome = '', reason = '', case_id = NULL, settled = 0, acked_at = NULL
		WHERE state = 'held'`); err != nil {
		return fmt.Errorf("history changed: %w", err)
	}
	return nil
}

// Resend sends a log again from a change on, because the office asked for it.
// A change that is not kept any more moves the start up to one that is.
func (o *Outbox) Resend(ctx context.Context, tx *sql.Tx, id uuid.UUID, from uint64) error {
	e, err := readEpoch(ctx, tx, id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil // not a log of this phone: nothing to send
	}
	if err != nil {
		return err
	}
	from = max(from, e.pruned+1)
	if from > e.last {
		return nil
	}
	if e.sendFrom, err = e.txnStart(ctx, tx, from); err != nil {
		return err
	}
	return e.save(ctx, tx)
}

// collect runs a statement that returns tables and rows.
func collect(ctx context.Context, tx *sql.Tx, query string, args ...any) ([]Key, error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Key
	for rows.Next() {
		var k Key
		if err := rows.Scan(&k.Table, &k.Row); err != nil {
			return nil, err
		}
		out = append(out, k)
	}
	return out, rows.Err()
}
