package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := program(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// options are the flags.
type options struct {
	runs     int
	full     bool
	only     string
	json     string
	markdown string
	profile  string
	dir      string
	samples  string
}

func program(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	if len(args) > 0 {
		if child := childProgram(args[0]); child != nil {
			if err := child(ctx, in, out); err != nil {
				fmt.Fprintln(errs, args[0]+":", err)
				return 1
			}
			return 0
		}
	}
	var o options
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(errs)
	f.IntVar(&o.runs, "runs", 5, "how often each side of a row runs")
	f.BoolVar(&o.full, "full", false, "the long form: also 1,000,000 rows of history, a burst of 2,000 phones, one stream per device, a backlog of 200,000 changes")
	f.StringVar(&o.only, "only", "", "run only the rows of these `names`, separated by commas")
	f.StringVar(&o.json, "json", "", "also write the rows to this `file`")
	f.StringVar(&o.markdown, "markdown", "", "also write the table of server/docs/benchmarks.md to this `file`")
	f.StringVar(&o.profile, "profile", "", "write CPU and memory profiles of what is measured of servers and phones to this `folder`")
	f.StringVar(&o.samples, "samples", "", "`folder` that keeps the sample months of the row screens for the next run")
	f.StringVar(&o.dir, "dir", "", "`folder` for the data; it must be on a real disk (default: the system's temporary folder)")
	if err := f.Parse(args); err != nil || f.NArg() > 0 || o.runs < 1 {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	wanted, err := choose(o.only)
	if err != nil {
		fmt.Fprintln(errs, "bench:", err)
		return 2
	}
	if o.full && o.only == "" {
		wanted = append(wanted, screensRow)
	}
	size := shortSizes()
	if o.full {
		size = fullSizes()
	}
	b, err := newBench(o, size, errs)
	if err == nil {
		err = b.runAll(ctx, wanted, out)
		err = errors.Join(err, b.close())
	}
	if err != nil {
		fmt.Fprintln(errs, "bench:", err)
		return 1
	}
	return 0
}

// choose gives the rows that were asked for, in the order of the list.
func choose(only string) ([]string, error) {
	if only == "" {
		return rowNames(), nil
	}
	asked, known := strings.Split(only, ","), append(rowNames(), screensRow)
	for _, n := range asked {
		if !slices.Contains(known, n) {
			return nil, fmt.Errorf("there is no row %q; there are %s", n, strings.Join(known, ", "))
		}
	}
	return slices.DeleteFunc(known, func(n string) bool { return !slices.Contains(asked, n) }), nil
}
