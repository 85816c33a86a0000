package ledger

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/server/reconcile"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/merge"
	"siteledger/syncproto/schema"
)

// upgradeTable names the entry of an office log with which a stream goes over
// to a later version of the schema. No table of a schema has a dot in its name.
const upgradeTable = "server.upgraded"

// foldBy is what a batch is folded by: both numbers are stored with it, so that
// a rebuild folds it the same way (promise P9).
type foldBy struct{ schema, rules int }

// engines builds a fold for each version of the schema up to the current one
// with each set of merge rules up to the current one's.
func engines(current *schema.Descriptor, codec *changelog.Codec) (map[foldBy]*reconcile.Engine, error) {
	out := map[foldBy]*reconcile.Engine{}
	for v := 1; v <= current.Version; v++ {
		d := current
		if v < current.Version {
			var err error
			if d, err = schema.Version(v); err != nil {
				return nil, err
			}
		}
		for n := 1; n <= current.Rules; n++ {
			rules, err := merge.ByNumber(n)
			if err != nil {
				return nil, err
			}
			out[foldBy{v, n}] = reconcile.New(d, rules, codec)
		}
	}
	return out, nil
}

// engine finds the fold for a stream or a stored batch. A newer server has
// already upgraded the stream where it is not there: this one must not write.
func (l *Ledger) engine(version, rules int) (*reconcile.Engine, error) {
	e := l.folds[foldBy{version, rules}]
	if e == nil {
		return nil, fault.New(syncproto.Busy, fmt.Sprintf("this server knows schema %d and rules %d; schema %d and rules %d are needed", l.Schema.Version, l.Schema.Rules, version, rules))
	}
	return e, nil
}

// Upgrade takes a stream over to the ledger's version of the schema: columns
// and whole transactions of newer phones, kept until now, take effect. It is an
// entry of the server's own log, written once: a stream that has the version
// already stays as it is, also after a crash and with two servers at once.
// upgraded says that this call wrote it. The whole upgrade of a stream is one
// transaction.
func (l *Ledger) Upgrade(ctx context.Context, centre uuid.UUID) (upgraded bool, err error) {
	err = l.Update(ctx, centre, func(tx Tx) error {
		upgraded = false
		stream, err := tx.Stream(ctx)
		if err != nil || stream.Schema >= l.Schema.Version {
			return err
		}
		earlier := stream.Schema
		stream.Schema = l.Schema.Version
		engine, err := l.engine(stream.Schema, l.Schema.Rules)
		if err != nil {
			return err
		}
		log, _, err := tx.Log(ctx, stream.OfficeDevice, stream.OfficeEpoch)
		if err != nil {
			return err
		}
		now := l.millis()
		changes, err := l.encode(Author{Role: schema.Server}, []Edit{{Table: upgradeTable, Row: l.NewID(), Op: changelog.Insert,
			Cols: map[string]any{"schema": int64(stream.Schema), "earlier": int64(earlier)}}}, log.Acked, stream.HLC, now)
		if err != nil {
			return err
		}
		fold := engine.Start(tx, stream.Centre, stream.Headquarters, stream.Rev, stream.HLC)
		err = fold.Upgrade(ctx, reconcile.Batch{Log: reconcile.LogID{Device: log.Device, Epoch: log.Epoch}, Office: true,
			Items: l.items(log.Acked+1, changes), Received: now, Cuts: stream.Cuts, Strict: true}, earlier)
		if err != nil {
			return err
		}
		_, err = l.appendOffice(ctx, tx, stream, log, changes, now, fold)
		upgraded = err == nil
		return err
	})
	if err != nil {
		return false, fmt.Errorf("upgrade stream %s: %w", centre, err)
	}
	if upgraded && l.Poke != nil {
		l.Poke(centre)
	}
	return upgraded, nil
}

// upgrade is what an entry of [Ledger.Upgrade] says.
type upgrade struct{ schema, earlier int }

// upgradeEntry reads one; false for any other batch.
func upgradeEntry(items []reconcile.Item) (upgrade, bool) {
	if len(items) != 1 || items[0].Change == nil {
		return upgrade{}, false
	}
	ch := items[0].Change
	if ch.Table != upgradeTable || ch.Op != changelog.Insert || ch.Actor != uuid.Nil {
		return upgrade{}, false
	}
	to, ok1 := number(ch.Cols["schema"])
	from, ok2 := number(ch.Cols["earlier"])
	return upgrade{schema: int(to), earlier: int(from)}, ok1 && ok2 && from < to
}
