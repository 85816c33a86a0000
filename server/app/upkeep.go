package app

import (
	"context"
	"time"

	"siteledger/server/office"
)

// upkeepEvery is how often the server looks after what nobody asks for.
const upkeepEvery = time.Hour

// upkeep takes closed jobs off the phones and forgets uploads that were never
// finished, at the start and then every hour, until ctx ends.
func (a *App) upkeep(ctx context.Context) {
	t := time.NewTicker(upkeepEvery)
	defer t.Stop()
	for {
		if err := a.tidy(ctx); err != nil && ctx.Err() == nil {
			a.Log.Error("upkeep", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

func (a *App) tidy(ctx context.Context) error {
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
