package ledger

import (
	"context"

	"siteledger/server/reconcile"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

// forkEntries bounds how often one forked log is noted: a phone that searches
// for the common number step by step needs a few.
const forkEntries = 8

// noteFork lets the server's own log say that a log is forked, so that people
// see one case and a rebuild sees it too. A log that is noted already is noted
// again only where a later search found that less is shared.
func (p *push) noteFork(ctx context.Context, tx Tx, log Log, common uint64) error {
	of := reconcile.LogID{Device: p.dev.ID, Epoch: p.epoch}
	c, err := tx.Case(ctx, reconcile.ForkCase(of))
	if err != nil {
		return err
	}
	if c != nil && (c.Decided || c.Sides.Fork == nil || c.Sides.Fork.Common <= common || c.Sides.Fork.Entries >= forkEntries) {
		return nil
	}
	cols, err := reconcile.ForkEntry(p.dev.Person, reconcile.ForkView{Device: p.dev.ID, Epoch: p.epoch, Common: common, Acked: log.Acked,
		First: p.req.From, Changes: len(p.req.Changes), At: p.millis()})
	if err != nil {
		return err
	}
	_, err = p.write(ctx, tx, Author{Role: schema.Server}, []Edit{{Table: "instruction", Row: p.NewID(), Op: changelog.Insert, Cols: cols}})
	return err
}
