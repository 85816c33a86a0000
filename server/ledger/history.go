package ledger

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/server/reconcile"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

// historyTable names the entry of an office log with which a new history of
// the server begins. No table of a schema has a dot in its name.
const historyTable = "server.history"

// BeginHistory makes a stream go on in the ledger's history after a restore
// from a backup (promise P11): its revs go on from floor, which must be higher
// than any that it has, and its office log in a new epoch, since what the old
// one held behind the backup is lost here but not everywhere. Both stand in
// the server's own log, signed, so that a rebuild gives the same revs.
func (l *Ledger) BeginHistory(ctx context.Context, centre, epoch uuid.UUID, floor uint64) error {
	err := l.Update(ctx, centre, func(tx Tx) error {
		stream, err := tx.Stream(ctx)
		if err != nil {
			return err
		}
		if floor <= stream.Rev {
			return fault.New(fault.Invalid, fmt.Sprintf("revs cannot go on from %d, the last is %d", floor, stream.Rev))
		}
		cut := reconcile.Cut{Last: stream.Rev, Floor: floor}
		log := Log{Device: stream.OfficeDevice, Epoch: epoch, Head: changelog.Genesis(stream.OfficeDevice, epoch), Opened: stream.Pos + 1}
		now := l.millis()
		changes, err := l.encode(Author{Role: schema.Server}, []Edit{{Table: historyTable, Row: l.History, Op: changelog.Insert,
			Cols: map[string]any{"last": int64(cut.Last), "floor": int64(cut.Floor)}}}, 0, stream.HLC, now)
		if err != nil {
			return err
		}
		body := l.packBody(changes)
		hq, err := tx.HQRev(ctx)
		if err != nil {
			return err
		}
		head, mono := chain(log.Head, changes), l.mono()
		stream.Pos, stream.Rev, stream.OfficeEpoch, stream.Cuts = stream.Pos+1, floor, epoch, append(stream.Cuts, cut)
		err = tx.Append(ctx, Batch{Centre: centre, Pos: stream.Pos, Device: log.Device, Epoch: epoch, First: 1, Last: 1, Prev: log.Head, Head: head,
			Signature: l.Signer.Sign(changelog.PushMessage(log.Device, epoch, 1, head, l.boot, mono, now)), Boot: l.boot, Mono: mono, Wall: now,
			ReceivedAt: now, HQRev: hq, Rules: l.Schema.Rules, Schema: stream.Schema, Digests: digests(changes), Body: body})
		if err != nil {
			return err
		}
		log.Acked, log.Head, log.LastContact = 1, head, now
		if err := tx.SaveLog(ctx, log); err != nil {
			return err
		}
		return tx.SaveStream(ctx, stream)
	})
	if err != nil {
		return fmt.Errorf("begin history of stream %s: %w", centre, err)
	}
	return nil
}

// historyEntry reads the entry of [Ledger.BeginHistory]; false for any other
// batch.
func historyEntry(items []reconcile.Item) (reconcile.Cut, bool) {
	if len(items) != 1 || items[0].Change == nil {
		return reconcile.Cut{}, false
	}
	ch := items[0].Change
	if ch.Table != historyTable || ch.Op != changelog.Insert || ch.Actor != uuid.Nil {
		return reconcile.Cut{}, false
	}
	last, ok1 := number(ch.Cols["last"])
	floor, ok2 := number(ch.Cols["floor"])
	return reconcile.Cut{Last: last, Floor: floor}, ok1 && ok2 && floor > last
}

func number(v any) (uint64, bool) {
	switch n := v.(type) {
	case int64:
		return uint64(n), n >= 0
	case uint64:
		return n, n < 1<<63
	}
	return 0, false
}
