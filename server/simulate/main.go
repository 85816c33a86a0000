package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"github.com/minio/minio-go/v7"

	clientsdk "siteledger/client-sdk"
	"siteledger/server/store"
)

func main() {
	code, err := run(os.Args[1:], os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "simulate:", err)
		code = 1
	}
	os.Exit(code)
}

// options is what was asked for.
type options struct {
	seeds   int
	from    uint64
	seed    uint64
	days    int
	long    bool
	json    bool
	verbose bool
	mutants bool
	within  int
	only    string
	stop    bool
	workers int
	profile string
}

func run(args []string, out io.Writer) (int, error) {
	var o options
	f := flag.NewFlagSet("simulate", flag.ContinueOnError)
	f.IntVar(&o.seeds, "seeds", 200, "how many seeds to play")
	f.Uint64Var(&o.from, "from", 1, "first seed")
	f.Uint64Var(&o.seed, "seed", 0, "play this one seed and print its story")
	f.IntVar(&o.days, "days", 6, "days of a seed")
	f.BoolVar(&o.long, "long", false, "play 100,000 device-days")
	f.BoolVar(&o.json, "json", false, "print the figures as JSON in the last line")
	f.BoolVar(&o.verbose, "v", false, "print each seed")
	f.IntVar(&o.workers, "workers", runtime.GOMAXPROCS(0), "worlds at a time")
	f.StringVar(&o.profile, "cpuprofile", "", "write a CPU profile there")
	f.BoolVar(&o.mutants, "mutants", false, "plant each bug of testdata/mutants and look that it is found")
	f.IntVar(&o.within, "within", 50, "seeds within which a planted bug must be found")
	f.BoolVar(&o.stop, "stop", false, "stop at the first finding")
	f.StringVar(&o.only, "only", "", "only planted bugs whose name holds this")
	if err := f.Parse(args); err != nil {
		return 2, err
	}
	minio.DefaultRetryUnit, minio.DefaultRetryCap = time.Microsecond, time.Microsecond // the storage's client waits by the real clock
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if o.mutants {
		return gate(ctx, o, out)
	}
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
	template, err := makeTemplate(ctx)
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(template)
	if o.seed != 0 {
		o.from, o.seeds, o.verbose = o.seed, 1, true
	}
	if o.long {
		o.seeds = 100_000
	}
	t := newTable(o)
	for r := range playAll(ctx, o, template) {
		t.add(r)
		t.show(out, r, o)
		if o.stop && len(r.found) > 0 {
			fmt.Fprintf(out, "%s found by seed %d after %d seeds\n", invariantOf(r.found[0]), r.seed, t.played)
			return 1, nil
		}
	}
	return t.print(out, o)
}

// playAll plays the seeds, a few at a time: each world is one goroutine, and
// worlds share nothing.
func playAll(ctx context.Context, o options, template string) <-chan result {
	out := make(chan result)
	var next, days atomic.Int64
	var all sync.WaitGroup
	for range min(o.workers, o.seeds) {
		all.Go(func() {
			for i := next.Add(1) - 1; i < int64(o.seeds) && !(o.long && days.Load() >= 100_000); i = next.Add(1) - 1 {
				r := play(ctx, o.from+uint64(i), o.days, template)
				if o.seeds > 1 && i%20 == 7 && len(r.found) == 0 {
					r.again(play(ctx, r.seed, o.days, template))
				}
				days.Add(int64(r.days))
				select {
				case out <- r:
				case <-ctx.Done():
					return
				}
			}
		})
	}
	go func() {
		all.Wait()
		close(out)
	}()
	return out
}

// again compares a seed's story with the one that it tells a second time.
func (r *result) again(second result) {
	if second.trace != r.trace {
		r.found = append(r.found, broken("A3", "the seed told another story the second time: %s and %s", r.trace, second.trace))
	}
}

// makeTemplate makes an empty server's and an empty phone's database once, so
// that not every world migrates its own.
func makeTemplate(ctx context.Context) (string, error) {
	dir, err := os.MkdirTemp(base(), "simulate-template-")
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Join(dir, "server"), 0o700); err != nil {
		return dir, err
	}
	s, err := store.Open(ctx, store.Config{Path: filepath.Join(dir, "server", "server.db")})
	if err != nil {
		return dir, err
	}
	if err := s.Close(); err != nil {
		return dir, err
	}
	c, err := clientsdk.Open(clientsdk.Config{Dir: filepath.Join(dir, "phone"), Server: appURL})
	if err != nil {
		return dir, err
	}
	return dir, c.Close()
}

// table is the sum of a run.
type table struct {
	Days     int            `json:"device_days"`
	Faults   map[string]int `json:"faults"`
	Kinds    int            `json:"kinds"`
	Planted  planted        `json:"planted"`
	Findings int            `json:"violations"`
	Drained  bool           `json:"drained"`
	Seeds    [2]uint64      `json:"seeds"`

	calm   int // seeds without faults
	played int
	worst  int // rounds to drain
	began  time.Time
}

type planted struct {
	Total int `json:"total"`
	Found int `json:"found"`
}

func newTable(o options) *table {
	return &table{Faults: map[string]int{}, Drained: true, Seeds: [2]uint64{o.from, o.from}, began: time.Now()}
}

func (t *table) add(r result) {
	t.Days += r.days
	for k, n := range r.faults {
		t.Faults[k] += n
	}
	if len(r.faults) == 0 {
		t.calm++
	}
	t.played++
	t.worst = max(t.worst, r.rounds)
	t.Findings += len(r.found)
	t.Drained = t.Drained && r.drained
	t.Seeds[1] = max(t.Seeds[1], r.seed)
}

// show prints a seed's findings with the story that led to them.
func (t *table) show(out io.Writer, r result, o options) {
	if o.seed != 0 || len(r.found) > 0 {
		lines := r.last
		if o.seed == 0 && len(lines) > 40 {
			lines = lines[len(lines)-40:]
		}
		for _, line := range lines {
			fmt.Fprintln(out, line)
		}
	}
	for _, err := range r.found {
		fmt.Fprintf(out, "seed %d: %s: %v\n", r.seed, invariantOf(err), err)
	}
	if len(r.found) > 0 {
		fmt.Fprintf(out, "replay: go run ./server/simulate -seed %d -days %d\n\n", r.seed, o.days)
	} else if o.verbose {
		fmt.Fprintf(out, "seed %d: %d device-days, %d kinds, %d rounds to drain, story %s\n", r.seed, r.days, len(r.faults), r.rounds, r.trace)
	}
}

func (t *table) print(out io.Writer, o options) (int, error) {
	total, missing := 0, []string{}
	for _, k := range allKinds() {
		fmt.Fprintf(out, "%-34s %8d\n", k, t.Faults[k])
		total += t.Faults[k]
		if t.Faults[k] > 0 {
			t.Kinds++
		} else {
			missing = append(missing, k)
		}
	}
	took := time.Since(t.began)
	fmt.Fprintf(out, "%-34s %8d of %d kinds\n", "faults", total, t.Kinds)
	fmt.Fprintf(out, "%-34s %8d in %s, %.0f a second\n", "device-days", t.Days, took.Round(time.Second/10), float64(t.Days)/took.Seconds())
	fmt.Fprintf(out, "%-34s %8d, %d of them without a fault\n", "seeds", t.played, t.calm)
	fmt.Fprintf(out, "%-34s %8d\n", "most rounds to drain", t.worst)
	fmt.Fprintf(out, "%-34s %8d\n", "findings", t.Findings)
	code := 0
	if t.Findings > 0 {
		code = 1
	}
	if o.seeds >= 100 && len(missing) > 0 {
		sort.Strings(missing)
		fmt.Fprintf(out, "never reached: %v\n", missing)
		code = 1
	}
	if o.json {
		b, err := json.Marshal(t)
		if err != nil {
			return 1, err
		}
		fmt.Fprintf(out, "%s\n", b)
	}
	return code, nil
}
