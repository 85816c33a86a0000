// Command all checks everything, the way the continuous integration does: it
// installs what a fresh Debian machine lacks, then runs the linters, the builds
// for all targets, the tests, those of photos once more over a second S3 server,
// the race detector, the drill and the simulator, and ends with what they closed with, figures and a summary.
//
//	go run ./server/e2e/all [-quick] [-run REGEXP]
//
// Exit 0 when all is well, 1 when a check failed, 2 when the machine lacks
// something that could not be installed.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	var lacks *lacking
	switch {
	case err == nil:
	case errors.Is(err, flag.ErrHelp), errors.As(err, &lacks):
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// check is one thing that must hold.
type check struct {
	name   string
	slow   bool // left out with -quick
	beside bool // it mostly waits: the checks behind it run at the same time
	do     func(ctx context.Context, t *task) error
}

// task is a check under way.
type task struct {
	out io.Writer
	cpu time.Duration // of the programs that it ran, and of theirs
}

// run runs a program to its end and shows what it prints, where the caller
// does not want it.
func (t *task) run(cmd *exec.Cmd) error {
	if cmd.Stdout == nil {
		cmd.Stdout = t.out
	}
	if cmd.Stderr == nil {
		cmd.Stderr = t.out
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	err := cmd.Run()
	if cmd.ProcessState != nil {
		t.cpu += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	}
	return err
}

// result is what became of a check.
type result struct {
	name      string
	err       error
	took, cpu time.Duration
}

func run(ctx context.Context, args []string, out io.Writer) error {
	f := flag.NewFlagSet("all", flag.ContinueOnError)
	quick := f.Bool("quick", false, "leave out the builds for other systems, the second S3 server, the race detector, the drill and the simulator")
	only := f.String("run", "", "run only the checks whose name matches this regular expression")
	if err := f.Parse(args); err != nil {
		return err
	}
	pattern, err := regexp.Compile(*only)
	if err != nil {
		return fmt.Errorf("-run: %w", err)
	}
	if err := toTop(); err != nil {
		return err
	}
	if err := provide(ctx, out); err != nil {
		return err
	}
	var chosen []check
	fig := &figures{}
	for _, c := range checks(fig) {
		if (!c.slow || !*quick) && pattern.MatchString(c.name) {
			chosen = append(chosen, c)
		}
	}
	start := time.Now()
	results := all(ctx, chosen, out)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	fig.print(out)
	return summary(out, results, time.Since(start))
}

// all runs the checks one after the other; one that runs beside the others
// shows what it printed at the end.
func all(ctx context.Context, checks []check, out io.Writer) []result {
	results := make([]result, len(checks))
	said := make([]bytes.Buffer, len(checks))
	one := func(i int, out io.Writer) {
		t, start := &task{out: out}, time.Now()
		err := checks[i].do(ctx, t)
		results[i] = result{checks[i].name, err, time.Since(start), t.cpu}
	}
	var beside sync.WaitGroup
	for i, c := range checks {
		if ctx.Err() != nil {
			break
		}
		if c.beside {
			fmt.Fprintf(out, "\n=== %s begins; what it says comes last\n", c.name)
			beside.Go(func() { one(i, &said[i]) })
			continue
		}
		fmt.Fprintf(out, "\n=== %s\n", c.name)
		one(i, out)
	}
	beside.Wait()
	for i, c := range checks {
		if c.beside {
			fmt.Fprintf(out, "\n=== %s\n%s", c.name, said[i].Bytes())
		}
	}
	return results
}

// toTop goes to the folder of go.mod, from wherever the command was called.
func toTop() error {
	b, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return fmt.Errorf("go env: %w", err)
	}
	mod := strings.TrimSpace(string(b))
	if filepath.Base(mod) != "go.mod" {
		return errors.New("call this within the repository")
	}
	return os.Chdir(filepath.Dir(mod))
}

// summary says of each check how long it took by the clock, and how long a
// processor worked for it.
func summary(out io.Writer, results []result, took time.Duration) error {
	fmt.Fprintf(out, "\n=== summary\n     %-28s %9s %11s\n", "check", "seconds", "processor")
	failed := 0
	var cpu time.Duration
	for _, r := range results {
		state := "ok  "
		if r.err != nil {
			state, failed = "FAIL", failed+1
		}
		cpu += r.cpu
		fmt.Fprintf(out, "%s %-28s %9.1f %11.1f", state, r.name, r.took.Seconds(), r.cpu.Seconds())
		if r.err != nil {
			fmt.Fprintf(out, "  %v", r.err)
		}
		fmt.Fprintln(out)
	}
	fmt.Fprintf(out, "     %-28s %9.1f %11.1f\n", "all", took.Seconds(), cpu.Seconds())
	if failed > 0 {
		return fmt.Errorf("%d of %d checks failed", failed, len(results))
	}
	return nil
}
