package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"siteledger/server/app"
)

// jobsEach is how many jobs a pushing phone has: a busy day's.
const jobsEach = 10

// push: devices push batches at once, each waits for its acknowledgement,
// against bare transactions that put the same rows.
func (b *bench) push(ctx context.Context) ([]*row, error) {
	template, err := b.folder("template")
	if err != nil {
		return nil, err
	}
	fleet, err := b.pushFleet(ctx, template)
	if err != nil {
		return nil, err
	}
	before, err := lastRev(ctx, filepath.Join(template, app.DatabaseName))
	if err != nil {
		return nil, err
	}
	var ours, floor, cpu, peak, file series
	for i := range b.runs {
		dir := filepath.Join(b.dir, b.row, fmt.Sprintf("run%d", i))
		if err := copyFolder(template, dir); err != nil {
			return nil, err
		}
		rate, u, err := b.pushRun(ctx, fleet, serverSpec{Data: dir}, fmt.Sprintf("push-%d", i+1))
		if err != nil {
			return nil, err
		}
		bare, err := b.pushFloor(ctx, dir, before)
		if err != nil {
			return nil, fmt.Errorf("floor: %w", err)
		}
		ours, floor, cpu, peak = append(ours, rate), append(floor, bare), append(cpu, u.cpu), append(peak, mb(u.peak))
		file = append(file, mb(u.file))
		b.say("run %d of %d: %s changes/s, floor %s, %.2f CPU s, %.0f MB", i+1, b.runs, number(rate), number(bare), u.cpu, mb(u.peak))
		if err := os.RemoveAll(dir); err != nil {
			return nil, err
		}
	}
	r := compare(b.row, "changes/s", ours, floor)
	r.atLeast("ratio", r.Ratio, 0.5)
	r.atLeast("changes/s", r.Ours, 20000)
	r.atMost("server CPU s", cpu.median(), 2)
	r.atMost("server MB", peak.median(), 64)
	r.figure("server_cpu_s", cpu.median())
	r.figure("server_peak_mb", peak.median())
	r.figure("of_it_program_file_mb", file.median())
	r.figure("bytes_per_change", meanSize(fleet))
	r.note("%d devices of one centre, %d changes each in batches of %d, %d jobs each", len(fleet), b.size.pushChanges, b.size.batch, jobsEach)
	return []*row{r}, nil
}

// pushFleet makes the folder that each run begins with, and the devices with
// their recorded work.
func (b *bench) pushFleet(ctx context.Context, dir string) (fleet []*device, err error) {
	err = fill(ctx, dir, func(w *world) error {
		fleet, err = w.installers(ctx, b.size.pushDevices, jobsEach)
		return err
	})
	if err != nil {
		return nil, err
	}
	say := newPhrases(1)
	for _, d := range fleet {
		if err := d.notes(b.size.pushChanges, say); err != nil {
			return nil, err
		}
	}
	b.say("%d devices with %d changes each, %.0f bytes a change", len(fleet), b.size.pushChanges, meanSize(fleet))
	return fleet, nil
}

func meanSize(fleet []*device) float64 {
	n, size := 0, 0
	for _, d := range fleet {
		for _, c := range d.log {
			n, size = n+1, size+len(c)
		}
	}
	return float64(size) / float64(max(n, 1))
}

// pushRun measures one push of the whole fleet to a fresh server.
func (b *bench) pushRun(ctx context.Context, fleet []*device, spec serverSpec, name string) (rate float64, u used, err error) {
	pack, err := newPacker()
	if err != nil {
		return 0, u, err
	}
	work := make([][]body, len(fleet))
	for i, d := range fleet {
		if work[i], err = d.bodies(pack, 1, b.size.batch); err != nil {
			return 0, u, err
		}
	}
	s, err := b.serve(spec)
	if err != nil {
		return 0, u, err
	}
	defer func() { err = errors.Join(err, s.end()) }()
	client := fleetClient(len(fleet))
	defer client.CloseIdleConnections()
	if err := s.begin(name); err != nil {
		return 0, u, err
	}
	start := time.Now()
	group, ctx := errgroup.WithContext(ctx)
	for i, d := range fleet {
		group.Go(func() error {
			for _, push := range work[i] {
				if err := d.send(ctx, client, s.url, push); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return 0, u, err
	}
	took := time.Since(start)
	u, err = s.measured()
	return float64(len(fleet)*b.size.pushChanges) / took.Seconds(), u, err
}

// pushFloor puts what the server put once more with bare transactions and
// gives changes per second.
func (b *bench) pushFloor(ctx context.Context, dir string, above int64) (float64, error) {
	p, err := readPuts(ctx, filepath.Join(dir, app.DatabaseName), above)
	if err != nil {
		return 0, err
	}
	seconds, err := p.bare(ctx, filepath.Join(dir, "floor.db"), "FULL")
	return float64(len(p.rows)) / seconds, err
}
