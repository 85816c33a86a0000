package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"siteledger/server/app"
	"siteledger/server/archive"
)

// newHistory makes a database that was recovered to a point in time, or a
// folder from a disk's snapshot, one that may serve. What does not verify is
// refused with exit 1.
func (p program) newHistory(ctx context.Context, args []string) error {
	fs, settings := p.flags("new-history", storageKeys()...)
	cfg, err := p.parse(fs, settings, args)
	if err != nil {
		return err
	}
	if err := hasData(cfg); err != nil {
		return err
	}
	r, err := app.NewHistory(ctx, cfg, time.Now, func(step string, n int) { fmt.Fprintf(p.err, "%s: %d\n", step, n) })
	if errors.Is(err, archive.ErrBackup) {
		fmt.Fprintln(p.out, "FAULT", err)
		return errFault
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(p.out, "new history %s, before %s", r.History, r.Before)
	if r.Others > 0 {
		fmt.Fprintf(p.out, "; %d others went on from the same past", r.Others)
	}
	fmt.Fprintln(p.out)
	p.tellCuts(r.Cuts)
	fmt.Fprintln(p.out, "start the servers now; phones offer again what is missing")
	return nil
}
