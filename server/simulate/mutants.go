package main

import (
	"bytes"
	"context"
	"encoding/json"
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

// mutantFolder holds the planted bugs, from the root of the module.
const mutantFolder = "testdata/mutants"

// mutant is one deliberate bug: texts that are replaced in source files while
// the simulator is built. Nothing in the shipped code knows of it.
type mutant struct {
	name  string
	what  string
	finds []string // promises whose breach is this bug's doing; any other finding does not count
	from  uint64   // the first of the seeds within which it must be found; 0 for the run's own
	edits []edit
}

type edit struct{ file, before, after string }

// readMutant reads a file of the form
//
//	what: a sentence
//	finds: I1 I2
//	seed: 17
//	file: server/ledger/push.go
//	--- before
//	text that stands there exactly once
//	--- after
//	text that replaces it
//
// with further file, before and after parts behind.
func readMutant(path string) (mutant, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return mutant{}, err
	}
	m := mutant{name: strings.TrimSuffix(filepath.Base(path), ".txt")}
	part := ""
	for _, line := range strings.SplitAfter(string(b), "\n") {
		switch text := strings.TrimSuffix(line, "\n"); {
		case strings.HasPrefix(text, "what: "):
			m.what = text[6:]
		case strings.HasPrefix(text, "finds: "):
			m.finds = strings.Fields(text[7:])
		case strings.HasPrefix(text, "seed: "):
			if m.from, err = strconv.ParseUint(text[6:], 10, 64); err != nil {
				return m, fmt.Errorf("%s: %w", path, err)
			}
		case strings.HasPrefix(text, "file: "):
			m.edits, part = append(m.edits, edit{file: text[6:]}), ""
		case text == "--- before", text == "--- after":
			part = text[4:]
		case part == "before" && len(m.edits) > 0:
			m.edits[len(m.edits)-1].before += line
		case part == "after" && len(m.edits) > 0:
			m.edits[len(m.edits)-1].after += line
		}
	}
	if m.what == "" || len(m.edits) == 0 || len(m.finds) == 0 {
		return m, fmt.Errorf("%s: a mutant needs what, finds and at least one file", path)
	}
	return m, nil
}

// overlay writes the changed files and the list that go build takes.
func (m mutant) overlay(root, dir string) (string, error) {
	replace := map[string]string{}
	for _, e := range m.edits {
		source := filepath.Join(root, filepath.FromSlash(e.file))
		from := source
		if changed, ok := replace[source]; ok {
			from = changed
		}
		b, err := os.ReadFile(from)
		if err != nil {
			return "", err
		}
		if n := bytes.Count(b, []byte(e.before)); n != 1 || e.before == "" {
			return "", fmt.Errorf("%s: its text stands %d times in %s, not once; write the mutant anew", m.name, n, e.file)
		}
		to := filepath.Join(dir, strconv.Itoa(len(replace))+"-"+filepath.Base(e.file))
		if err := os.WriteFile(to, bytes.Replace(b, []byte(e.before), []byte(e.after), 1), 0o600); err != nil {
			return "", err
		}
		replace[source] = to
	}
	b, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	list := filepath.Join(dir, "overlay.json")
	return list, os.WriteFile(list, b, 0o600)
}

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

// gate plants each bug alone and looks that the checks find it. One that is
// not found fails the gate: the checks are then at fault.
func gate(ctx context.Context, o options, out io.Writer, t *table) (all bool, err error) {
	root, err := moduleRoot(ctx)
	if err != nil {
		return false, err
	}
	files, err := filepath.Glob(filepath.Join(root, mutantFolder, "*.txt"))
	if err != nil {
		return false, err
	}
	var chosen []mutant
	for _, f := range files {
		m, err := readMutant(f)
		if err != nil {
			return false, err
		}
		if strings.Contains(m.name, o.only) {
			chosen = append(chosen, m)
		}
	}
	var mu sync.Mutex // of what is printed and counted
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, o.workers))
	for _, m := range chosen {
		group.Go(func() error {
			began := time.Now()
			found, err := m.hunt(ctx, root, o)
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
			_, err = fmt.Fprintf(out, "%-30s %5.1fs  %s\n%s%s\n", m.name, time.Since(began).Seconds(), m.what, strings.Repeat(" ", 39), found)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return false, err
	}
	fmt.Fprintf(out, "%-38s %8d of %d\n", "planted bugs found", t.Planted.Found, t.Planted.Total)
	return t.Planted.Found == t.Planted.Total, nil
}

// hunt builds the simulator with the bug and plays seeds until a promise that
// fits is broken; "" where that does not happen. A simulator that does not
// build, or that ends without a word, is an error.
func (m mutant) hunt(ctx context.Context, root string, o options) (string, error) {
	dir, err := os.MkdirTemp(o.dir, "mutant-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	list, err := m.overlay(root, dir)
	if err != nil {
		return "", err
	}
	bin := filepath.Join(dir, "simulate")
	build := exec.CommandContext(ctx, "go", "build", "-ldflags", "-s -w", "-overlay", list, "-o", bin, "./server/simulate")
	build.Dir = root
	if b, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", m.name, err, b)
	}
	from := o.from
	if m.from != 0 {
		from = m.from
	}
	play := exec.CommandContext(ctx, bin, "-stop", strings.Join(m.finds, ","), "-seeds", strconv.Itoa(o.within), "-from", strconv.FormatUint(from, 10),
		"-days", strconv.Itoa(o.days), "-workers", "1", "-dir", dir)
	b, err := play.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return "", err
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	for _, line := range lines {
		if strings.HasPrefix(line, foundWord) {
			return line[len(foundWord):], nil
		}
	}
	if !strings.Contains(string(b), "\nexecutions") {
		return "", fmt.Errorf("%s: its simulator ended without a table: %v\n%s", m.name, err, tail(string(b), 2000))
	}
	return "", nil
}

// foundWord begins the line with which -stop ends.
const foundWord = "stopped: "
