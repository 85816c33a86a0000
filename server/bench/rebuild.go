package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"siteledger/server/app"
	"siteledger/server/store"
)

// rebuild: the whole ledger is folded again, as `verify -rebuild` does, and
// compared with the live state, against bare puts of the same rows that don't
// wait for the disk either.
func (b *bench) rebuild(ctx context.Context) ([]*row, error) {
	dir, err := b.folder("data")
	if err != nil {
		return nil, err
	}
	var before int64
	pushed := 0
	err = fill(ctx, dir, func(w *world) error {
		fleet, err := w.installers(ctx, 4, b.size.rebuildJobs)
		if err != nil {
			return err
		}
		if before, err = lastRev(ctx, filepath.Join(dir, app.DatabaseName)); err != nil {
			return err
		}
		say := newPhrases(6)
		for _, d := range fleet {
			if err := d.visits(b.size.rebuildChanges/len(fleet), say); err != nil {
				return err
			}
			if _, err := w.pushHere(ctx, d, 1); err != nil {
				return err
			}
			pushed += len(d.log)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var ours, floor series
	var changes, compared int
	for i := range b.runs {
		done, seconds, err := rebuildOnce(ctx, dir)
		if err != nil {
			return nil, err
		}
		p, err := readPuts(ctx, filepath.Join(dir, app.DatabaseName), before)
		if err != nil {
			return nil, fmt.Errorf("floor: %w", err)
		}
		path := filepath.Join(b.dir, b.row, fmt.Sprintf("floor%d.db", i))
		bare, err := p.bare(ctx, path, "OFF")
		if err != nil {
			return nil, fmt.Errorf("floor: %w", err)
		}
		changes, compared = done.Changes, done.Rows
		ours, floor = append(ours, float64(done.Changes)/seconds), append(floor, float64(pushed)/bare)
		b.say("run %d of %d: %s changes/s, floor %s", i+1, b.runs, number(ours[i]), number(floor[i]))
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	r := compare(b.row, "changes/s", ours, floor)
	r.figure("changes", float64(changes))
	r.figure("rows_compared", float64(compared))
	return []*row{r}, nil
}

// rebuildOnce folds the ledger of a data folder again and wants no difference.
func rebuildOnce(ctx context.Context, dir string) (done app.Rebuilt, seconds float64, err error) {
	core, err := app.OpenCore(ctx, serverSpec{Data: dir}.config(), slog.New(slog.DiscardHandler))
	if err != nil {
		return done, 0, err
	}
	defer func() { err = errors.Join(err, core.Close()) }()
	start := time.Now()
	done, err = core.Rebuild(ctx, func(int) {}, func(d store.Difference) error { return fmt.Errorf("the rebuild differs: %v", d) })
	return done, time.Since(start).Seconds(), err
}
