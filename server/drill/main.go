// Command drill takes the ground away from under the product and looks what is
// left: kill -9 of real processes, power cuts and failing disks under both
// databases, the photo store and the object storage; and, on PostgreSQL, the
// loss of the primary, of connections, of one of several servers, and of time.
//
//	go run ./server/drill [-kills N] [-cuts N] [-positions N] [-seed S] [-json]
//
// It knows of every change and photo what it was told: acknowledged, recorded,
// stored. After each fault it proves that all of that is there, byte for byte,
// and that chains and signatures hold. It never trusts a count that the product
// itself gives. The control, a server's store with synchronous=NORMAL, must
// lose: a drill that finds nothing there would find nothing anywhere.
//
// Exit 0: nothing lost. 1: a finding, or the control lost nothing. 2: usage.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"siteledger/server/drill/cutfs"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := program(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// options are the flags.
type options struct {
	kills, cuts, positions int
	seed                   uint64
	only                   string
	asJSON, noFUSE         bool
}

func program(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	if len(args) > 0 && args[0] == childWord {
		if err := child(ctx, args[1:], in, out); err != nil {
			fmt.Fprintln(errs, "child:", err)
			return 1
		}
		return 0
	}
	o := options{noFUSE: os.Getenv(noFUSE) == "1"}
	f := flag.NewFlagSet("drill", flag.ContinueOnError)
	f.SetOutput(errs)
	f.IntVar(&o.kills, "kills", 300, "how often a process is killed: two of three are the server's, one the phone's")
	f.IntVar(&o.cuts, "cuts", 120, "how often the power is cut; the control comes on top")
	f.IntVar(&o.positions, "positions", 40, "up to which change of the disk errors are tried, for each kind")
	f.Uint64Var(&o.seed, "seed", 1, "seed of times and of what a cut leaves; the processes' own timing stays theirs")
	f.StringVar(&o.only, "only", "", "run only the parts whose name has this `text` in it")
	f.BoolVar(&o.asJSON, "json", false, "print one JSON object as the last line")
	if err := f.Parse(args); err != nil || f.NArg() > 0 {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	r, err := drill(ctx, o, errs)
	if err != nil {
		fmt.Fprintln(errs, "drill:", err)
		return 1
	}
	if err := r.print(out, o.asJSON); err != nil {
		fmt.Fprintln(errs, "drill:", err)
		return 1
	}
	if !r.Passed {
		return 1
	}
	return 0
}

const noFUSE = "SITELEDGER_NO_FUSE"

// drill runs all parts one after the other.
func drill(ctx context.Context, o options, log io.Writer) (*report, error) {
	if o.noFUSE {
		fmt.Fprintln(log, "left out, as "+noFUSE+"=1: power cuts, I/O errors, full disks")
	} else if err := cutfs.Able(); err != nil {
		return nil, fmt.Errorf("%w\n%s=1 leaves the power cuts out", err, noFUSE)
	}
	dir, err := os.MkdirTemp("", "siteledger-drill-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	b, err := newBench(ctx, dir, o.seed)
	if err != nil {
		return nil, err
	}
	defer b.close()
	r := &report{Seed: o.seed, Passed: true, Findings: []string{}, Notes: []string{}}
	for _, p := range b.parts(o) {
		if !strings.Contains(p.name, o.only) {
			continue
		}
		started := time.Now()
		t := &tally{name: p.name}
		if err := p.run(ctx, t, p.times); err != nil {
			return nil, fmt.Errorf("%s: %w", p.name, err)
		}
		fmt.Fprintf(log, "%s: %s\n", t.name, time.Since(started).Round(time.Millisecond))
		r.add(t)
	}
	if len(r.parts) == 0 {
		return nil, fmt.Errorf("no part is named like %q", o.only)
	}
	return r, nil
}

// part is one kind of fault on one kind of victim.
type part struct {
	name  string
	times int
	fuse  bool // it mounts something
	run   func(ctx context.Context, t *tally, times int) error
}

func (b *bench) parts(o options) []part {
	all := []part{
		{"kill -9, server", o.kills - o.kills/3, false, b.serverKills},
		{"kill -9, phone", o.kills / 3, false, b.phoneKills},
		{"power cut, server's store", o.cuts - 3*(o.cuts/5), true, b.ledgerCuts},
		{"power cut, control: synchronous=NORMAL", controlCuts, true, b.controlCuts},
		{"power cut, whole server and its object storage", o.cuts / 5, true, b.serverCuts},
		{"kill -9 or power cut at each change of the disk", o.positions, true, b.strikes},
		{"power cut, first start", o.cuts / 5, true, b.firstStartCuts},
		{"power cut, phone's database and photos", o.cuts / 5, true, b.phoneCuts},
		{"I/O errors, server: push and photo", o.positions, true, b.serverErrors},
		{"full disk, server", 5, true, b.serverFull},
		{"I/O errors, phone: record and photo", o.positions, true, b.phoneErrors},
		{"full disk, phone", 5, true, b.phoneFull},
	}
	all = append(all, b.pgParts()...)
	return slices.DeleteFunc(all, func(p part) bool { return p.fuse && o.noFUSE })
}

// controlCuts is how many cuts the control has to lose at least once in.
const controlCuts = 20

// tally is what one part did and found.
type tally struct {
	name                string
	kills, cuts, errors int
	links               int // connections that were cut
	acked, lost         int
	restart             time.Duration // the longest, to ready
	control             bool
	findings            []string
	notes               []string // figures that have no column
	restartSum          time.Duration
	restarts            int
}

// restarted books a start that was ready after some time.
func (t *tally) restarted(took time.Duration) {
	t.restart = max(t.restart, took)
	t.restartSum += took
	t.restarts++
}

// find writes down what should not be.
func (t *tally) find(format string, args ...any) {
	t.findings = append(t.findings, fmt.Sprintf(format, args...))
}

// note writes down a figure.
func (t *tally) note(format string, args ...any) {
	t.notes = append(t.notes, fmt.Sprintf(format, args...))
}

// lose writes down that something acknowledged is not there.
func (t *tally) lose(format string, args ...any) {
	t.lost++
	t.find(format, args...)
}

func (t *tally) passed() bool {
	if t.control {
		return t.lost > 0
	}
	return t.lost == 0 && len(t.findings) == 0
}

// report is the whole drill.
type report struct {
	Kills        int      `json:"kills"`
	Cuts         int      `json:"cuts"`
	Links        int      `json:"connections_cut"`
	Errors       int      `json:"errors"`
	Acknowledged int      `json:"acknowledged"`
	Lost         int      `json:"lost"`
	ControlCuts  int      `json:"control_cuts"`
	ControlLost  int      `json:"control_lost"`
	RestartMaxMS int64    `json:"restart_max_ms"`
	RestartMS    int64    `json:"restart_mean_ms"`
	Findings     []string `json:"findings"`
	Notes        []string `json:"notes"`
	Seed         uint64   `json:"seed"`
	Passed       bool     `json:"passed"`

	parts      []*tally
	restartSum time.Duration
	restarts   int
}

func mean(sum time.Duration, n int) int64 { return (sum / time.Duration(max(1, n))).Milliseconds() }

func (r *report) add(t *tally) {
	r.parts = append(r.parts, t)
	r.Passed = r.Passed && t.passed()
	for _, n := range t.notes {
		r.Notes = append(r.Notes, t.name+": "+n)
	}
	if t.control {
		r.ControlCuts, r.ControlLost = r.ControlCuts+t.cuts, r.ControlLost+t.lost
		return
	}
	r.Kills, r.Cuts, r.Links, r.Errors = r.Kills+t.kills, r.Cuts+t.cuts, r.Links+t.links, r.Errors+t.errors
	r.Acknowledged, r.Lost = r.Acknowledged+t.acked, r.Lost+t.lost
	r.RestartMaxMS = max(r.RestartMaxMS, t.restart.Milliseconds())
	r.restartSum, r.restarts = r.restartSum+t.restartSum, r.restarts+t.restarts
	r.RestartMS = mean(r.restartSum, r.restarts)
	for _, f := range t.findings {
		r.Findings = append(r.Findings, t.name+": "+f)
	}
}

func (r *report) print(out io.Writer, asJSON bool) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "part\tkills\tpower cuts\tconnections\terrors\tacknowledged\tlost\trestart max ms\tmean\tfindings\tverdict")
	for _, t := range r.parts {
		verdict := "ok"
		switch {
		case t.control && t.passed():
			verdict = "ok: the control loses"
		case t.control:
			verdict = "FAILED: the control lost nothing"
		case !t.passed():
			verdict = "FAILED"
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%s\n", t.name, t.kills, t.cuts, t.links, t.errors, t.acked, t.lost, t.restart.Milliseconds(), mean(t.restartSum, t.restarts), len(t.findings), verdict)
	}
	fmt.Fprintf(w, "all without the control\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t\n", r.Kills, r.Cuts, r.Links, r.Errors, r.Acknowledged, r.Lost, r.RestartMaxMS, r.RestartMS, len(r.Findings))
	if err := w.Flush(); err != nil {
		return err
	}
	for _, n := range r.Notes {
		fmt.Fprintln(out, n)
	}
	for _, f := range r.Findings {
		fmt.Fprintln(out, "FINDING", f)
	}
	if !asJSON {
		return nil
	}
	return json.NewEncoder(out).Encode(r)
}

// random is a part's own generator, so that parts do not shift each other.
func (b *bench) random(part string) *rand.Rand {
	var h uint64 = 14695981039346656037
	for _, c := range []byte(part) {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return rand.New(rand.NewPCG(b.seed, h))
}

// between is a random time.
func between(r *rand.Rand, from, to time.Duration) time.Duration {
	return from + time.Duration(r.Int64N(int64(to-from)))
}
