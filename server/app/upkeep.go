package app

import (
	"context"
	"time"

	"github.com/google/uuid"

	"siteledger/server/office"
)

// upkeepEvery is how often the server looks after what nobody asks for.
const upkeepEvery = time.Hour

// upkeep takes closed jobs off the phones and forgets uploads that were never
// finished, at the start and then every hour, until ctx ends.
func (a *App) upkeep(ctx context.Context) {
	holder := mustID()
	t := time.NewTicker(upkeepEvery)
	defer t.Stop()
	for {
		if err := a.tidy(ctx, holder); err != nil && ctx.Err() == nil {
			a.Log.Error("upkeep", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

// tidy is done by one server of those on a database. The lease is not given
// back: the work is due again when it runs out.
func (a *App) tidy(ctx context.Context, holder uuid.UUID) error {
	mine, err := a.Store.Lease(ctx, uuid.Nil, "upkeep", holder, upkeepEvery-5*time.Minute)
	if err != nil || !mine {
		return err
	}
	streams, err := a.Store.Streams(ctx)
	if err != nil {
		return err
	}
	for _, s := range streams {
		n, err := office.EndWindows(ctx, a.Ledger, a.Store, s.ID, a.Now())
		if err != nil {
			return err
		}
		if n > 0 {
			a.Log.Info("closed jobs left the phones", "centre", s.ID, "places", n)
		}
	}
	_, err = a.Blobs.Sweep(ctx)
	return err
}
