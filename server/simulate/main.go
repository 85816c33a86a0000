package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/minio/minio-go/v7"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code, err := run(ctx, os.Args[1:], os.Stdin, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "simulate:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// options is what was asked for.
type options struct {
	seeds   int
	from    uint64
	seed    uint64
	days    int
	until   int
	least   int
	long    bool
	state   string
	json    bool
	verbose bool
	mutants bool
	ci      bool
	within  int
	only    string
	stop    string
	workers int
	profile string
	worker  bool
	dir     string
}

// The figures of the long run and of the one of the continuous integration.
const (
	longDays  = 100_000
	ciDays    = 6_000
	ciLeast   = 50
	ciFaults  = 10_000
	chunk     = 100 // seeds after which a long run writes down how far it is
	seedDays  = 10
	neverEnds = 1 << 30
)

func parse(args []string) (options, error) {
	var o options
	f := flag.NewFlagSet("simulate", flag.ContinueOnError)
	f.IntVar(&o.seeds, "seeds", 200, "how many seeds to play")
	f.Uint64Var(&o.from, "from", 1, "first seed")
	f.Uint64Var(&o.seed, "seed", 0, "play this one seed and print its story")
	f.IntVar(&o.days, "days", seedDays, "days of a seed")
	f.IntVar(&o.until, "device-days", 0, "stop after so many device-days, whatever -seeds says")
	f.IntVar(&o.least, "least", 0, "fail where a kind of fault came fewer times than this")
	f.BoolVar(&o.long, "long", false, "play 100,000 device-days; goes on where an interrupted run stopped")
	f.StringVar(&o.state, "state", "", "file in which -long keeps how far it is (default: in the folder for temporary files)")
	f.BoolVar(&o.ci, "ci", false, "play 6,000 device-days with 10,000 faults, each kind at least 50 times, then the planted bugs")
	f.BoolVar(&o.json, "json", false, "print the figures as JSON in the last line")
	f.BoolVar(&o.verbose, "v", false, "print each seed")
	f.IntVar(&o.workers, "workers", runtime.GOMAXPROCS(0), "processes that play")
	f.StringVar(&o.profile, "cpuprofile", "", "write a CPU profile of a single worker there")
	f.BoolVar(&o.mutants, "mutants", false, "plant each bug of testdata/mutants and look that it is found")
	f.IntVar(&o.within, "within", 50, "seeds within which a planted bug must be found")
	f.StringVar(&o.stop, "stop", "", "stop at the first breach of one of these promises, such as I1,I2")
	f.StringVar(&o.only, "only", "", "only planted bugs whose name holds this")
	f.BoolVar(&o.worker, "worker", false, "read seeds from the standard input, write results to the standard output")
	f.StringVar(&o.dir, "dir", "", "folder for the worlds' files (default: in memory where there is such a folder)")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	switch {
	case o.seed != 0:
		o.from, o.seeds, o.verbose = o.seed, 1, true
	case o.long:
		o.seeds, o.until, o.least = neverEnds, longDays, max(o.least, ciLeast)
		if o.state == "" {
			o.state = filepath.Join(os.TempDir(), "siteledger-simulate-long.json")
		}
	case o.ci:
		o.seeds, o.until, o.least = neverEnds, ciDays, max(o.least, ciLeast)
	}
	return o, nil
}

func run(ctx context.Context, args []string, in io.Reader, out io.Writer) (code int, err error) {
	o, err := parse(args)
	if err != nil {
		return 2, err
	}
	minio.DefaultRetryUnit, minio.DefaultRetryCap = time.Microsecond, time.Microsecond // the storage's client waits by the real clock
	debug.SetGCPercent(400)
	if o.profile != "" {
		p, err := os.Create(o.profile)
		if err != nil {
			return 1, err
		}
		defer p.Close()
		if err := pprof.StartCPUProfile(p); err != nil {
			return 1, err
		}
		defer pprof.StopCPUProfile()
	}
	if o.worker {
		return 0, worker(ctx, o, in, out)
	}
	if o.dir, err = os.MkdirTemp(base(o.dir), "simulate-run-"); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(o.dir)) }()
	t := newTable(o)
	if !o.mutants {
		stopped, err := t.playAll(ctx, o, out)
		if err != nil || stopped {
			return 1, err
		}
		code = t.print(out, o)
	}
	if o.mutants || o.ci {
		all, err := gate(ctx, o, out, t)
		if err != nil {
			return 1, err
		}
		if !all {
			code = 1
		}
	}
	if o.json {
		if err := t.printJSON(out); err != nil {
			return 1, err
		}
	}
	return code, nil
}

// playAll plays what was asked for. It says whether it stopped at a finding,
// as -stop asks for.
func (t *table) playAll(ctx context.Context, o options, out io.Writer) (stopped bool, err error) {
	if o.state != "" {
		if err := t.load(o.state, o.days); err != nil {
			return false, err
		}
	}
	for t.goesOn(o) {
		part := o
		part.from, part.seeds = t.Next, min(chunk, o.seeds-int(t.Next-o.from))
		if o.until > 0 {
			part.until = o.until - t.Days
		}
		stopped, err := t.playPart(ctx, part, out)
		if stopped || err != nil {
			return stopped, err
		}
		t.Next += uint64(part.seeds)
		if o.state != "" {
			if err := t.save(o.state); err != nil {
				return false, err
			}
			fmt.Fprintf(out, "%d device-days of %d, seeds to %d, %d findings\n", t.Days, o.until, t.Next-1, t.Findings)
		}
	}
	return false, nil
}

// goesOn says whether there are seeds left to play.
func (t *table) goesOn(o options) bool {
	return t.Next < o.from+uint64(o.seeds) && (o.until == 0 || t.Days < o.until)
}

func (t *table) playPart(ctx context.Context, o options, out io.Writer) (stopped bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	results, err := playAll(ctx, o)
	if err != nil {
		cancel()
		return false, err
	}
	defer func() {
		cancel()
		for range results { // until the workers have ended
		}
	}()
	for r := range results {
		t.add(r)
		t.show(out, r, o)
		for _, f := range r.Found {
			if o.stop != "" && slices.Contains(strings.Split(o.stop, ","), f.Invariant) {
				fmt.Fprintf(out, "%s%s by seed %d, the %s seed\n", foundWord, firstLine(f.Text), r.Seed, ordinal(t.Played))
				return true, nil
			}
		}
	}
	return false, ctx.Err()
}
