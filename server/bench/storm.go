package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"siteledger/server/app"
)

// storm: many phones come back at once, each with a day's backlog, against
// bare transactions that put the same rows one after another.
func (b *bench) storm(ctx context.Context) ([]*row, error) {
	var rows []*row
	for _, n := range b.size.storms {
		r, err := b.stormOf(ctx, n)
		if err != nil {
			return rows, err
		}
		if n != b.size.storms[0] {
			r.Name = fmt.Sprintf("%s_%d", b.row, n)
		}
		rows = append(rows, r)
	}
	return rows, nil
}

func (b *bench) stormOf(ctx context.Context, phones int) (*row, error) {
	template, err := b.folder(fmt.Sprintf("template%d", phones))
	if err != nil {
		return nil, err
	}
	var fleet []*device
	err = fill(ctx, template, func(w *world) error {
		fleet, err = w.installers(ctx, phones, 2)
		return err
	})
	if err != nil {
		return nil, err
	}
	say := newPhrases(4)
	for _, d := range fleet {
		if err := d.visits(b.size.backlog, say); err != nil {
			return nil, err
		}
	}
	before, err := lastRev(ctx, filepath.Join(template, app.DatabaseName))
	if err != nil {
		return nil, err
	}
	b.say("%d phones with %d changes each", phones, len(fleet[0].log))
	var ours, floor, p50, all, peak, failed series
	for i := range b.runs {
		dir := filepath.Join(b.dir, b.row, fmt.Sprintf("run%d", i))
		if err := copyFolder(template, dir); err != nil {
			return nil, err
		}
		got, err := b.stormRun(ctx, fleet, dir, fmt.Sprintf("storm%d-%d", phones, i+1))
		if err != nil {
			return nil, err
		}
		p, err := readPuts(ctx, filepath.Join(dir, app.DatabaseName), before)
		if err != nil {
			return nil, fmt.Errorf("floor: %w", err)
		}
		bare, err := p.bare(ctx, filepath.Join(dir, "floor.db"), "FULL")
		if err != nil {
			return nil, fmt.Errorf("floor: %w", err)
		}
		ours, floor = append(ours, got.acks.percentile(0.99)), append(floor, bare*0.99) // the writer is at an even pace
		p50, all, peak, failed = append(p50, got.acks.percentile(0.5)), append(all, got.acks.max()), append(peak, mb(got.peak)), append(failed, float64(got.failed))
		b.say("run %d of %d: p99 %.2f s, floor %.2f s, %d errors, %.0f MB", i+1, b.runs, ours[i], bare, got.failed, mb(got.peak))
		if err := os.RemoveAll(dir); err != nil {
			return nil, err
		}
	}
	r := compare(b.row, "s p99", ours, floor)
	r.atMost("errors", failed.max(), 0)
	r.atMost("p99 s", r.Ours, 2)
	r.atMost("server MB", peak.median(), 256)
	r.figure("p50_s", p50.median())
	r.figure("last_s", all.median())
	r.figure("server_peak_mb", peak.median())
	r.note("%d phones of one centre, %d changes each in one push; the floor is one writer that does all of it", phones, len(fleet[0].log))
	return r, nil
}

// stormed is what one storm was.
type stormed struct {
	acks   series // seconds from the beginning to each acknowledgement
	failed int
	first  error
	used
}

// stormRun lets every phone push at the same moment.
func (b *bench) stormRun(ctx context.Context, fleet []*device, dir, name string) (out stormed, err error) {
	pack, err := newPacker()
	if err != nil {
		return out, err
	}
	work := make([][]body, len(fleet))
	for i, d := range fleet {
		if work[i], err = d.bodies(pack, 1, 1000); err != nil {
			return out, err
		}
	}
	s, err := b.serve(serverSpec{Data: dir})
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, s.end()) }()
	client := fleetClient(len(fleet))
	defer client.CloseIdleConnections()
	if err := s.begin(name); err != nil {
		return out, err
	}
	var mu sync.Mutex
	var wait sync.WaitGroup
	start := time.Now()
	for i, d := range fleet {
		wait.Go(func() {
			var err error
			for _, push := range work[i] {
				if err = d.send(ctx, client, s.url, push); err != nil {
					break
				}
			}
			took := time.Since(start).Seconds()
			mu.Lock()
			defer mu.Unlock()
			out.acks = append(out.acks, took)
			if err != nil {
				out.failed++
				out.first = errors.Join(out.first, err)
			}
		})
	}
	wait.Wait()
	if out.failed == len(fleet) {
		return out, fmt.Errorf("no phone got through: %w", out.first)
	}
	out.used, err = s.measured()
	return out, err
}
