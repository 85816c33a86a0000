// Command all checks everything, the way the continuous integration does: it
// installs what a fresh Debian machine lacks, then runs the linters, the builds
// for all targets, the tests and the race detector, and ends with a summary.
//
//	go run ./server/e2e/all [-quick] [-run REGEXP]
//
// Exit 0 when all is well, 1 when a check failed, 2 when the machine lacks
// something that could not be installed.
package main

import (
	"bufio"
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
	"slices"
	"strings"
	"syscall"
	"time"
)

// raced are the packages that the race detector runs on: those in which
// goroutines share something.
var raced = []string{
	"./syncproto/...", "./client-sdk", "./client-sdk/localdb", "./client-sdk/outbox", "./client-sdk/serverkey", "./client-sdk/transport", "./server/feed/...",
	"./server/demo/cable/...", "./server/demo/console/...",
}

// targets are the systems that must build without a C compiler.
var targets = []string{"linux/amd64", "linux/arm64", "android/arm64", "darwin/arm64", "windows/amd64"}

// shipped are the programs that are built for each target.
var shipped = []string{"./server", "./client-sdk/cmd/phone"}

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
	name string
	slow bool // left out with -quick
	do   func(ctx context.Context, out io.Writer) error
}

// result is what became of a check.
type result struct {
	name string
	err  error
	took time.Duration
}

func run(ctx context.Context, args []string, out io.Writer) error {
	f := flag.NewFlagSet("all", flag.ContinueOnError)
	quick := f.Bool("quick", false, "leave out the builds for other systems and the race detector")
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
	closing := &closingLines{}
	var results []result
	for _, c := range checks(closing) {
		if c.slow && *quick || !pattern.MatchString(c.name) {
			continue
		}
		fmt.Fprintf(out, "\n=== %s\n", c.name)
		start := time.Now()
		err := c.do(ctx, out)
		results = append(results, result{c.name, err, time.Since(start)})
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return summary(out, results, closing)
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

func checks(closing *closingLines) []check {
	all := []check{
		{"gofmt", false, formatted},
		{"go vet", false, command("go", "vet", "./...")},
		{"staticcheck", false, command("go", "tool", "staticcheck", "./...")},
		{"go mod verify", false, command("go", "mod", "verify")},
	}
	for _, t := range targets {
		all = append(all, check{"build " + t, true, func(ctx context.Context, out io.Writer) error { return build(ctx, out, t) }})
	}
	return append(all,
		check{"go test", false, func(ctx context.Context, out io.Writer) error {
			return counted(closing, func() error {
				return command("go", "test", "-timeout", "12m", "./...")(ctx, io.MultiWriter(out, closing))
			})
		}},
		check{"go test -race", true, func(ctx context.Context, out io.Writer) error {
			return command("go", append([]string{"test", "-race", "-timeout", "12m"}, raced...)...)(ctx, io.MultiWriter(out, closing))
		}},
		check{"simulate", true, command("go", "run", "./server/simulate", "-seeds", "74", "-days", "10", "-json")},
	)
}

// command runs a program in the repository and shows what it prints.
func command(name string, args ...string) func(context.Context, io.Writer) error {
	return func(ctx context.Context, out io.Writer) error {
		cmd := exec.CommandContext(ctx, name, args...)
		cmd.Stdout, cmd.Stderr = out, out
		cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
		cmd.WaitDelay = 10 * time.Second
		return cmd.Run()
	}
}

// formatted lists files that gofmt would change.
func formatted(ctx context.Context, out io.Writer) error {
	goroot, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return err
	}
	gofmt := filepath.Join(strings.TrimSpace(string(goroot)), "bin", "gofmt")
	b, err := exec.CommandContext(ctx, gofmt, "-l", "client-sdk", "migrations", "server", "syncproto").CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, b)
	}
	if len(b) > 0 {
		_, _ = out.Write(b)
		return errors.New("these files are not formatted")
	}
	return nil
}

// build builds the shipped programs for one target, without cgo.
func build(ctx context.Context, out io.Writer, target string) error {
	dir, err := os.MkdirTemp("", "siteledger-build-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	goos, arch, _ := strings.Cut(target, "/")
	cmd := exec.CommandContext(ctx, "go", append([]string{"build", "-o", dir + string(filepath.Separator)}, shipped...)...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+goos, "GOARCH="+arch)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Run(); err != nil {
		return err
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, f := range files {
		if info, err := f.Info(); err == nil {
			fmt.Fprintf(out, "%-12s %5.1f MB\n", f.Name(), float64(info.Size())/1e6)
		}
	}
	return nil
}

// closingLines keeps the lines with which go test closes each package.
type closingLines struct {
	lines []string
	part  string
}

func (c *closingLines) Write(p []byte) (int, error) {
	s := bufio.NewScanner(strings.NewReader(c.part + string(p)))
	s.Buffer(nil, 1<<20)
	whole := strings.HasSuffix(string(p), "\n")
	var lines []string
	for s.Scan() {
		lines = append(lines, s.Text())
	}
	c.part = ""
	if !whole && len(lines) > 0 {
		c.part, lines = lines[len(lines)-1], lines[:len(lines)-1]
	}
	for _, l := range lines {
		if slices.ContainsFunc([]string{"ok ", "ok\t", "FAIL", "--- FAIL", "panic:"}, func(p string) bool { return strings.HasPrefix(l, p) }) {
			c.lines = append(c.lines, l)
		}
	}
	return len(p), nil
}

func summary(out io.Writer, results []result, closing *closingLines) error {
	if len(closing.lines) > 0 {
		fmt.Fprintf(out, "\n=== how go test closed\n%s\n", strings.Join(closing.lines, "\n"))
	}
	fmt.Fprintf(out, "\n=== summary\n")
	failed := 0
	var all time.Duration
	for _, r := range results {
		state := "ok  "
		if r.err != nil {
			state, failed = "FAIL", failed+1
		}
		all += r.took
		fmt.Fprintf(out, "%s %-22s %7.1f s", state, r.name, r.took.Seconds())
		if r.err != nil {
			fmt.Fprintf(out, "  %v", r.err)
		}
		fmt.Fprintln(out)
	}
	fmt.Fprintf(out, "     %-22s %7.1f s\n", "all", all.Seconds())
	if failed > 0 {
		return fmt.Errorf("%d of %d checks failed", failed, len(results))
	}
	return nil
}
