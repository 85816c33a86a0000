package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// sizes is how much of each thing a row does.
type sizes struct {
	pushDevices, pushChanges, batch int
	pgCentres                       int
	pullRows                        int
	histories                       []int // rows
	pullers                         int
	recordVisits, wireVisits        int
	photos, photoBytes              int
	storms                          []int // phones
	backlog                         int   // changes of a phone in a storm
	streams, streamDevices          int
	freshPushes                     int
	rebuildJobs, rebuildChanges     int
	longBacklog, shortBacklog       int // changes that wait on one phone
}

// fullSizes are those that the figures to reach speak of.
func fullSizes() sizes {
	return sizes{
		pushDevices: 20, pushChanges: 2000, batch: 100, pgCentres: 8, pullRows: 40_000, histories: []int{10_000, 100_000, 1_000_000}, pullers: 20,
		recordVisits: 20, wireVisits: 6, photos: 24, photoBytes: 4 << 20, storms: []int{500, 2000}, backlog: 50, streams: 10_000, streamDevices: 10_000,
		freshPushes: 100, rebuildJobs: 20, rebuildChanges: 100_000, longBacklog: 200_000, shortBacklog: 2000,
	}
}

// shortSizes leave out what takes long to set up: the short form stays below
// ten minutes on two cores.
func shortSizes() sizes {
	s := fullSizes()
	s.histories, s.storms = []int{10_000, 100_000}, []int{500}
	s.streamDevices, s.rebuildChanges, s.longBacklog = 1000, 20_000, 50_000
	return s
}

// bench is one run of the program.
type bench struct {
	options
	size    sizes
	machine machine
	out     io.Writer // progress
	started time.Time
	row     string // the one under way
	peaks   []peak

	photoRuns *photoFigures // of the row that ran first
	profiles  int           // of phones so far
}

// peak is the highest memory of one side in one row, in bytes.
type peak struct {
	row, side string
	bytes     float64
}

func newBench(o options, s sizes, out io.Writer) (*bench, error) {
	dir, err := os.MkdirTemp(o.dir, "siteledger-bench-")
	if err != nil {
		return nil, err
	}
	o.dir = dir
	b := &bench{options: o, size: s, out: out, started: time.Now()}
	if b.machine, err = lookAround(dir, b.started); err != nil {
		return nil, errors.Join(err, b.close())
	}
	if o.profile != "" {
		if err := os.MkdirAll(o.profile, 0o755); err != nil {
			return nil, errors.Join(err, b.close())
		}
	}
	return b, nil
}

func (b *bench) close() error { return os.RemoveAll(b.dir) }

// say prints a line of progress.
func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(b.out, "%6.1fs %-11s %s\n", time.Since(b.started).Seconds(), b.row, fmt.Sprintf(format, args...))
}

// folder makes a folder of the row under way.
func (b *bench) folder(name string) (string, error) {
	dir := filepath.Join(b.dir, b.row, name)
	return dir, os.MkdirAll(dir, 0o700)
}

// peakOf remembers the highest memory of a side for the row `memory`.
func (b *bench) peakOf(side string, bytes float64) {
	b.peaks = append(b.peaks, peak{b.row, side, bytes})
}

// measure is a row's way to run. It gives one row, or several.
type measure func(b *bench, ctx context.Context) ([]*row, error)

// named is a row's name and its way to run.
type named struct {
	name string
	run  measure
}

// measures are all rows in their order, each with its way.
func measures() []named {
	return []named{
		{"push", (*bench).push},
		{"push_pg", (*bench).pushPG},
		{"cold_pull", (*bench).coldPull},
		{"incremental", (*bench).incremental},
		{"wire", (*bench).wire},
		{"record", (*bench).record},
		{"photo", (*bench).photo},
		{"photo_check", (*bench).photoCheck},
		{"photo_judge", (*bench).photoJudge},
		{"storm", (*bench).storm},
		{"connected", (*bench).connected},
		{"freshness", (*bench).freshness},
		{"rebuild", (*bench).rebuild},
		{"memory", (*bench).memory},
	}
}

// rowNames lists the rows in their order.
func rowNames() []string {
	var out []string
	for _, m := range measures() {
		out = append(out, m.name)
	}
	return out
}

var errRows = errors.New("some rows did not run")

// runAll runs the rows and prints them; what a row says when it fails does not
// stop the others.
func (b *bench) runAll(ctx context.Context, wanted []string, out io.Writer) error {
	res := result{Machine: b.machine}
	failed := false
	for _, m := range append(measures(), screens()) {
		if !strings.Contains(","+strings.Join(wanted, ",")+",", ","+m.name+",") {
			continue
		}
		b.row = m.name
		rows, err := m.run(b, ctx)
		if err != nil {
			b.say("did not run: %v", err)
			rows, failed = append(rows, &row{Name: m.name, Failed: err.Error()}), true
		}
		res.Rows = append(res.Rows, rows...)
		if err := os.RemoveAll(filepath.Join(b.dir, m.name)); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	err := res.print(out)
	if b.json != "" {
		err = errors.Join(err, res.write(b.json))
	}
	if b.markdown != "" {
		err = errors.Join(err, res.markdown(b.markdown))
	}
	if failed {
		err = errors.Join(err, errRows)
	}
	return err
}

// copyFolder copies a folder and makes the copy durable, so that the disk is
// at rest when a clock starts.
func copyFolder(from, to string) error {
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		return err
	}
	return filepath.WalkDir(to, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := os.Stat(filepath.Join(from, strings.TrimPrefix(path, to)))
		if err != nil {
			return err
		}
		if err := os.Chmod(path, info.Mode().Perm()); err != nil { // key files are refused with other rights
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		return errors.Join(f.Sync(), f.Close())
	})
}
