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
	"time"
)

// mutantFolder holds the planted bugs, from the root of the module.
const mutantFolder = "testdata/mutants"

// mutant is one deliberate bug: texts that are replaced in source files while
// the simulator is built. Nothing in the shipped code knows of it.
type mutant struct {
	name  string
	what  string
	edits []edit
}

type edit struct{ file, before, after string }

// readMutant reads a file of the form
//
//	what: a sentence
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
	if m.what == "" || len(m.edits) == 0 {
		return m, fmt.Errorf("%s: a mutant needs what and at least one file", path)
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
func gate(ctx context.Context, o options, out io.Writer) (int, error) {
	root, err := moduleRoot(ctx)
	if err != nil {
		return 1, err
	}
	files, err := filepath.Glob(filepath.Join(root, mutantFolder, "*.txt"))
	if err != nil {
		return 1, err
	}
	t := newTable(o)
	code := 0
	for _, f := range files {
		m, err := readMutant(f)
		if err != nil {
			return 1, err
		}
		if !strings.Contains(m.name, o.only) {
			continue
		}
		t.Planted.Total++
		began := time.Now()
		found, err := m.hunt(ctx, root, o)
		if err != nil {
			return 1, err
		}
		verdict := found
		if found == "" {
			verdict, code = "NOT FOUND", 1
		} else {
			t.Planted.Found++
		}
		fmt.Fprintf(out, "%-28s %-38s %5.1fs  %s\n", m.name, verdict, time.Since(began).Seconds(), m.what)
	}
	fmt.Fprintf(out, "planted bugs found: %d of %d\n", t.Planted.Found, t.Planted.Total)
	if o.json {
		b, err := json.Marshal(t)
		if err != nil {
			return 1, err
		}
		fmt.Fprintf(out, "%s\n", b)
	}
	return code, nil
}

// hunt builds the simulator with the bug and plays seeds until it is found; ""
// where it is not.
func (m mutant) hunt(ctx context.Context, root string, o options) (string, error) {
	dir, err := os.MkdirTemp("", "simulate-mutant-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	list, err := m.overlay(root, dir)
	if err != nil {
		return "", err
	}
	bin := filepath.Join(dir, "simulate")
	build := exec.CommandContext(ctx, "go", "build", "-overlay", list, "-o", bin, "./server/simulate")
	build.Dir = root
	if b, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", m.name, err, b)
	}
	b, err := exec.CommandContext(ctx, bin, "-stop", "-seeds", strconv.Itoa(o.within), "-from", strconv.FormatUint(o.from, 10), "-workers", strconv.Itoa(o.workers)).Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return "", err
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	if last := lines[len(lines)-1]; strings.Contains(last, " found by seed ") {
		return last, nil
	}
	return "", nil
}
