package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// moduleRoot is the folder of go.mod.
func moduleRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("go env: %w", err)
	}
	path := strings.TrimSpace(string(out))
	if filepath.Base(path) != "go.mod" {
		return "", errors.New("planted bugs are built from the module's folder")
	}
	return filepath.Dir(path), nil
}

// choose reads the planted bugs that are asked for.
func choose(root string, o options) ([]mutant, error) {
	files, err := filepath.Glob(filepath.Join(root, mutantFolder, "*.txt"))
	if err != nil {
		return nil, err
	}
	var chosen []mutant
	for _, f := range files {
		m, err := readMutant(f)
		if err != nil {
			return nil, err
		}
		if strings.Contains(m.name, o.only) {
			chosen = append(chosen, m)
		}
	}
	return chosen, nil
}

// gate plants each bug alone and looks that the checks find it. One that is
// not found fails the gate: the checks are then at fault.
func gate(ctx context.Context, o options, out io.Writer, t *table) (all bool, err error) {
	root, err := moduleRoot(ctx)
	if err != nil {
		return false, err
	}
	chosen, err := choose(root, o)
	if err != nil {
		return false, err
	}
	bin, build, err := buildPlanted(ctx, root, o.dir, chosen)
	if err != nil {
		return false, err
	}
	var mu sync.Mutex // of what is printed and counted
	var play time.Duration
	fmt.Fprintf(out, "%-38s %8.1f processor seconds\n", "to build the simulator with the bugs", build.Seconds())
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, o.workers))
	for _, m := range chosen {
		group.Go(func() error {
			found, took, err := m.hunt(ctx, bin, o)
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			t.Planted.Total++
			if found == "" {
				found = "NOT FOUND"
			} else {
				t.Planted.Found++
			}
			play += took
			_, err = fmt.Fprintf(out, "%-38s %8.1f %s\n%s%s\n", m.name, took.Seconds(), m.what, strings.Repeat(" ", 48), found)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return false, err
	}
	fmt.Fprintf(out, "%-38s %8.1f processor seconds\n", "to build and to find them", (build + play).Seconds())
	fmt.Fprintf(out, "%-38s %8d of %d\n", "planted bugs found", t.Planted.Found, t.Planted.Total)
	return t.Planted.Found == t.Planted.Total, nil
}

// buildPlanted builds the simulator with the bugs, each of which sleeps until it
// is asked for.
func buildPlanted(ctx context.Context, root, dir string, bugs []mutant) (bin string, took time.Duration, err error) {
	dir, err = os.MkdirTemp(dir, "planted-")
	if err != nil {
		return "", 0, err
	}
	list, err := plant(root, dir, bugs)
	if err != nil {
		return "", 0, err
	}
	bin = filepath.Join(dir, "simulate")
	build := exec.CommandContext(ctx, "go", "build", "-ldflags", "-s -w", "-overlay", list, "-o", bin, "./server/simulate")
	build.Dir = root
	if b, err := build.CombinedOutput(); err != nil {
		return "", 0, fmt.Errorf("build with the planted bugs: %w\n%s", err, b)
	}
	return bin, spent(build), nil
}

// hunt plays seeds with the bug until a promise that fits is broken; found is
// empty where that does not happen. A simulator that ends without a word is an
// error. took is the processor's time.
func (m mutant) hunt(ctx context.Context, bin string, o options) (found string, took time.Duration, err error) {
	from := o.from
	if m.from != 0 {
		from = m.from
	}
	play := exec.CommandContext(ctx, bin, "-stop", strings.Join(m.finds, ","), "-seeds", strconv.Itoa(o.within), "-from", strconv.FormatUint(from, 10),
		"-days", strconv.Itoa(o.days), "-workers", "1", "-dir", o.dir)
	play.Env = append(os.Environ(), plantedEnv+"="+m.name)
	b, err := play.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return "", 0, err
	}
	took = spent(play)
	for line := range strings.Lines(string(b)) {
		if strings.HasPrefix(line, foundWord) {
			return strings.TrimSpace(line[len(foundWord):]), took, nil
		}
	}
	if !strings.Contains(string(b), "\nexecutions") {
		return "", took, fmt.Errorf("%s: its simulator ended without a table: %v\n%s", m.name, err, tail(string(b), 2000))
	}
	return "", took, nil
}

// spent is the processor time of a command and of what it started and awaited.
func spent(c *exec.Cmd) time.Duration {
	if c.ProcessState == nil {
		return 0
	}
	return c.ProcessState.UserTime() + c.ProcessState.SystemTime()
}

// foundWord begins the line with which -stop ends.
const foundWord = "stopped: "
