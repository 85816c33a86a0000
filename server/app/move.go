package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"siteledger/server/config"
	"siteledger/server/ledger"
	"siteledger/server/store"
)

// MigrateStore moves the records of a data folder to the PostgreSQL database
// that the configuration names: it folds the ledger again there, batch by
// batch, copies what no ledger holds, and compares both row by row. Keys and
// photos stay where they are, so phones notice nothing.
//
// It may be stopped at any point and run again: it goes on where it was. It
// may run beside a server on the folder to do the most of the work; the last
// run must be with the server stopped, else what was written meanwhile shows
// as differences. The folder's own database is left as it is.
func MigrateStore(ctx context.Context, cfg config.Config, log *slog.Logger, now func() time.Time, progress func(changes int), report func(store.Difference) error) (out Rebuilt, err error) {
	if !cfg.Database.External() {
		return out, errors.New("name the PostgreSQL database to move to, with -database or SITELEDGER_DATABASE")
	}
	here := cfg
	here.Database = config.Database{}
	c, err := OpenCoreAt(ctx, here, log, now)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	to, err := openStore(ctx, cfg, "FULL")
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	if err := to.Adopt(ctx, c.Store); err != nil {
		return out, fmt.Errorf("take over the installation: %w", err)
	}
	if out.Changes, err = c.foldInto(ctx, to, progress); err != nil {
		return out, err
	}
	if err := store.CopyBeside(ctx, c.Store, to); err != nil {
		return out, err
	}
	out.Rows, err = store.Compare(ctx, c.Store, to, report)
	return out, err
}

// foldInto folds the whole ledger into another store, from where that stands.
func (c *Core) foldInto(ctx context.Context, to *store.Store, progress func(changes int)) (changes int, err error) {
	l, err := ledger.New(ledger.Config{Update: to.UpdateCentre, Create: to.CreateStream, History: c.History, Schema: c.Schema, Signer: c.Keys,
		Limits: c.Config.Limits.Limits, Now: c.Now, NewID: mustID, Salt: salt})
	if err != nil {
		return 0, err
	}
	streams, err := c.Store.Streams(ctx)
	if err != nil {
		return 0, err
	}
	hq, centres := splitStreams(streams)
	err = l.Rebuild(ctx, c.Store, hq, centres, func(n int) {
		changes += n
		progress(changes)
	})
	return changes, err
}
