package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// options is what was asked for.
type options struct {
	server  string
	codes   []string // of one installer
	other   string   // of another one, "" for none
	revoke  string   // command; "" for none
	keep    string   // file to write for again; "" for none
	again   string   // file that an earlier run kept; "" for none
	phone   string   // command
	vectors string
	json    bool
	timeout time.Duration
	// patience is the longest wait for an access token to end.
	patience time.Duration
}

func run(ctx context.Context, args []string, out, errs io.Writer) int {
	o, err := parse(args, errs)
	if err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(errs, "conformance:", err)
		}
		return 2
	}
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	var rows []row
	switch {
	case o.again != "":
		rows, err = checkAgain(ctx, o)
	case o.server != "":
		rows, err = checkServer(ctx, o)
	default:
		rows, err = checkPhone(ctx, o, errs)
	}
	if err != nil {
		fmt.Fprintln(errs, "conformance:", err)
		return 1
	}
	if print(out, rows, o.json) != nil || tally(rows)[failed] > 0 {
		return 1
	}
	return 0
}

func parse(args []string, errs io.Writer) (options, error) {
	var o options
	var codes string
	f := flag.NewFlagSet("conformance", flag.ContinueOnError)
	f.SetOutput(errs)
	f.StringVar(&o.server, "server", "", "base URL of the server to check")
	f.StringVar(&codes, "codes", "", "three enrolment codes of one installer, by commas")
	f.StringVar(&o.other, "other", "", "an enrolment code of another installer of the centre")
	f.StringVar(&o.revoke, "revoke", "", "command that revokes the device {device}")
	f.StringVar(&o.keep, "keep", "", "file to write, at the end, for a later -again")
	f.StringVar(&o.again, "again", "", "file of -keep: check the same server once it was restored and has another history")
	f.DurationVar(&o.patience, "patience", 20*time.Second, "with -again: the longest wait for an access token to end")
	f.StringVar(&o.phone, "phone", "", "command of the phone to check; see the package's documentation")
	f.StringVar(&o.vectors, "vectors", "testdata/conformance", "folder of the vectors")
	f.BoolVar(&o.json, "json", false, "print the table as JSON")
	f.DurationVar(&o.timeout, "timeout", 5*time.Minute, "give up after")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	for _, c := range strings.Split(codes, ",") {
		if c = strings.TrimSpace(c); c != "" {
			o.codes = append(o.codes, c)
		}
	}
	switch {
	case f.NArg() > 0:
		return o, fmt.Errorf("unexpected %q", f.Arg(0))
	case (o.server == "") == (o.phone == ""):
		return o, errors.New("one of -server and -phone is needed")
	case (o.keep != "" || o.again != "") && o.server == "":
		return o, errors.New("-keep and -again are of a -server")
	case o.server != "" && o.again == "" && len(o.codes) < 3:
		return o, errors.New("-server needs three -codes")
	}
	o.server = strings.TrimRight(o.server, "/")
	return o, nil
}

// result is what became of a check.
type result string

// The results.
const (
	passed result = "passed"
	failed result = "failed"
	notRun result = "not run"
)

// row is one line of the table.
type row struct {
	No       int    `json:"no"`
	Section  string `json:"section"`
	Promise  string `json:"promise,omitempty"`
	Check    string `json:"check"`
	Result   result `json:"result"`
	Expected string `json:"expected,omitempty"`
	Seen     string `json:"seen,omitempty"`
	Millis   int64  `json:"ms"`
}

// difference is what a failed check saw.
type difference struct{ expected, seen string }

func (d *difference) Error() string { return "expected " + d.expected + ", saw " + d.seen }

// differs is the error of a check that saw something else than it must.
func differs(expected, seen any) error {
	return &difference{fmt.Sprint(expected), fmt.Sprint(seen)}
}

// absent is the reason why a check could not be made.
type absent string

func (a absent) Error() string { return string(a) }

// check is one thing that must hold.
type check struct {
	section, promise, name string
	do                     func(ctx context.Context) error
}

// judge runs the checks in order. They build on each other; one that fails
// leaves the others their chance.
func judge(ctx context.Context, checks []check) []row {
	var rows []row
	for i, c := range checks {
		r := row{No: i + 1, Section: c.section, Promise: c.promise, Check: c.name, Result: passed}
		start := time.Now()
		err := attempt(ctx, c)
		r.Millis = time.Since(start).Milliseconds()
		var d *difference
		var a absent
		switch {
		case err == nil:
		case errors.As(err, &a):
			r.Result, r.Seen = notRun, string(a)
		case errors.As(err, &d):
			r.Result, r.Expected, r.Seen = failed, d.expected, d.seen
		default:
			r.Result, r.Expected, r.Seen = failed, "an answer", err.Error()
		}
		rows = append(rows, r)
		if ctx.Err() != nil {
			break
		}
	}
	return rows
}

// attempt makes one check. Checks build on what earlier ones got: one that
// stumbles over a hole there failed, and the others go on.
func attempt(ctx context.Context, c check) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = differs("what earlier checks give", fmt.Sprintf("nothing to go on with (%v)", p))
		}
	}()
	return c.do(ctx)
}

func tally(rows []row) map[result]int {
	n := map[result]int{}
	for _, r := range rows {
		n[r.Result]++
	}
	return n
}

// print writes the table, or the same as JSON in one line.
func print(out io.Writer, rows []row, asJSON bool) error {
	n := tally(rows)
	if asJSON {
		return json.NewEncoder(out).Encode(map[string]any{"passed": n[passed], "failed": n[failed], "not_run": n[notRun], "checks": rows})
	}
	for _, r := range rows {
		if _, err := fmt.Fprintf(out, "%3d  %-3s %-5s %-7s %s\n", r.No, r.Section, r.Promise, r.Result, r.Check); err != nil {
			return err
		}
		if r.Result == failed {
			fmt.Fprintf(out, "       expected: %s\n       seen:     %s\n", r.Expected, r.Seen)
		} else if r.Result == notRun {
			fmt.Fprintf(out, "       %s\n", r.Seen)
		}
	}
	_, err := fmt.Fprintf(out, "%d passed, %d failed, %d not run\n", n[passed], n[failed], n[notRun])
	return err
}
