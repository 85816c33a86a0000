package ledger

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/server/reconcile"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/hlc"
)

// Write appends the edits as one transaction to the centre's office log,
// signed by the server, folds it and commits. All or nothing: what would be
// held or denied is refused with a fault, and nothing is written. A column
// that somebody else changed since Base is a Stale fault.
func (l *Ledger) Write(ctx context.Context, centre uuid.UUID, by Author, edits []Edit) (Written, error) {
	if len(edits) == 0 {
		return Written{}, fault.New(fault.Invalid, "nothing to write")
	}
	if len(edits) > l.Limits.MaxTxnChanges {
		return Written{}, fault.TooLarge(syncproto.BatchTooLarge, "changes of a transaction", int64(l.Limits.MaxTxnChanges))
	}
	var out Written
	err := l.Update(ctx, centre, func(tx Tx) error {
		var err error
		out, err = l.write(ctx, tx, by, edits)
		return err
	})
	if err != nil {
		return Written{}, officeFault(err)
	}
	if l.Poke != nil {
		l.Poke(centre)
	}
	return out, nil
}

func (l *Ledger) write(ctx context.Context, tx Tx, by Author, edits []Edit) (Written, error) {
	stream, err := tx.Stream(ctx)
	if err != nil {
		return Written{}, err
	}
	log, _, err := tx.Log(ctx, stream.OfficeDevice, stream.OfficeEpoch)
	if err != nil {
		return Written{}, err
	}
	now := l.millis()
	changes, err := l.encode(by, edits, log.Acked, stream.HLC, now)
	if err != nil {
		return Written{}, err
	}
	engine, err := l.engine(stream.Schema, l.Schema.Rules)
	if err != nil {
		return Written{}, err
	}
	fold := engine.Start(tx, stream.Centre, stream.Headquarters, stream.Rev, stream.HLC)
	err = fold.Batch(ctx, reconcile.Batch{Log: reconcile.LogID{Device: log.Device, Epoch: log.Epoch}, Office: true,
		Items: l.items(log.Acked+1, changes), Received: now, Cuts: stream.Cuts, Strict: true})
	if err != nil {
		return Written{}, err
	}
	return l.appendOffice(ctx, tx, stream, log, changes, now, fold)
}

// appendOffice stores what was folded as the next batch of an office log.
func (l *Ledger) appendOffice(ctx context.Context, tx Tx, stream Stream, log Log, changes [][]byte, now int64, fold *reconcile.Fold) (Written, error) {
	if err := fold.Flush(ctx); err != nil {
		return Written{}, err
	}
	body := l.packBody(changes)
	hq, err := tx.HQRev(ctx)
	if err != nil {
		return Written{}, err
	}
	last, head := log.Acked+uint64(len(changes)), chain(log.Head, changes)
	mono := l.mono()
	stream.Pos, stream.Rev, stream.HLC = stream.Pos+1, fold.Rev(), fold.HLC()
	err = tx.Append(ctx, Batch{Centre: stream.Centre, Pos: stream.Pos, Device: log.Device, Epoch: log.Epoch, First: log.Acked + 1, Last: last,
		Prev: log.Head, Head: head, Signature: l.Signer.Sign(changelog.PushMessage(log.Device, log.Epoch, last, head, l.boot, mono, now)),
		Boot: l.boot, Mono: mono, Wall: now, ReceivedAt: now, HQRev: hq, Rules: l.Schema.Rules, Schema: stream.Schema, Digests: digests(changes), Body: body, Roots: fold.Roots()})
	if err != nil {
		return Written{}, err
	}
	log.Acked, log.Head, log.LastContact = last, head, now
	if err := tx.SaveLog(ctx, log); err != nil {
		return Written{}, err
	}
	return Written{Seq: last, Rev: stream.Rev}, tx.SaveStream(ctx, stream)
}

// encode turns edits into the changes of one transaction of the office log.
func (l *Ledger) encode(by Author, edits []Edit, acked, high uint64, now int64) ([][]byte, error) {
	clock := hlc.NewClock(hlc.Timestamp(high))
	out := make([][]byte, len(edits))
	for i, e := range edits {
		ch := changelog.Change{
			Seq: acked + 1 + uint64(i), HLC: uint64(clock.Next(now)), Wall: now, Txn: acked + 1, Last: i == len(edits)-1,
			Table: e.Table, Row: e.Row, Op: e.Op, Base: e.Base, Cols: e.Cols, Actor: by.Person, Schema: uint64(l.Schema.Version),
			Was: e.Was, Boot: l.boot, Mono: l.mono(), Salt: l.Salt(),
		}
		b, err := l.codec.Encode(&ch)
		if err != nil {
			return nil, fmt.Errorf("encode %s: %w", e.Table, err)
		}
		if len(b) > l.Limits.MaxChangeBytes {
			return nil, fault.TooLarge(syncproto.ChangeTooLarge, "bytes of a change", int64(l.Limits.MaxChangeBytes))
		}
		out[i] = b
	}
	return out, nil
}

// officeFault turns a refusal into what a screen can show.
func officeFault(err error) error {
	var decided *reconcile.DecidedError
	if errors.As(err, &decided) {
		return fault.Wrap(fault.Stale, "somebody has decided this already", err)
	}
	var r *reconcile.Refusal
	if !errors.As(err, &r) {
		return err
	}
	switch {
	case r.Stale:
		return fault.Wrap(fault.Stale, "somebody else changed this meanwhile; look again", err)
	case r.Code == syncproto.Denied:
		return fault.Wrap(syncproto.Forbidden, "your role may not write this", err)
	}
	msg := r.ZH
	if r.EN != "" {
		msg += " / " + r.EN
	}
	if msg == "" {
		msg = "the change cannot be taken: " + string(r.Reason)
	}
	return fault.Wrap(fault.Invalid, msg, err)
}
