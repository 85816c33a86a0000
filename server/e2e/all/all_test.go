package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"siteledger/syncproto/mutate"
)

// TestBesideRunsAlong: a check that waits does not hold the others up, says its
// say at the end, and fails the whole like any other.
func TestBesideRunsAlong(t *testing.T) {
	later := make(chan struct{})
	checks := []check{
		{name: "waits", beside: true, do: func(ctx context.Context, t *task) error {
			select {
			case <-later:
			case <-time.After(time.Minute):
			}
			fmt.Fprintln(t.out, "waited")
			return errors.New("in vain")
		}},
		{name: "works", do: func(ctx context.Context, t *task) error {
			fmt.Fprintln(t.out, "worked")
			t.cpu = 2 * time.Second
			close(later)
			return nil
		}},
	}
	var out bytes.Buffer
	results := all(t.Context(), checks, &out)
	if said := out.String(); strings.Index(said, "worked") > strings.Index(said, "waited") {
		t.Errorf("said %s", said)
	}
	out.Reset()
	if err := summary(&out, results, time.Second); err == nil || !strings.Contains(out.String(), "in vain") || !strings.Contains(out.String(), "2.0") {
		t.Errorf("%v: %s", err, out.String())
	}
}

// TestFigures: lines that come in pieces are whole, and the fuzz targets' log is
// added up apart from the damage.
func TestFigures(t *testing.T) {
	f := &figures{}
	for _, piece := range []string{"ok  \ta\t1", "s\nsome line\nFAIL\tb", "\n--- FAIL: TestX\n"} {
		if _, err := f.Write([]byte(piece)); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Join(f.lines, ";"); got != "ok  \ta\t1s;FAIL\tb;--- FAIL: TestX" {
		t.Errorf("closing lines %q", got)
	}
	err := f.counted(func(log string) error {
		_, name, _ := strings.Cut(log, "=")
		return os.WriteFile(name, []byte("FuzzA 100 5\nFuzzB 50 5\nFuzzA 1 5\n"+mutate.DamagedLogs+" 7 5\n"+mutate.DamagedStores+" 3 5\n"), 0o600)
	})
	var out bytes.Buffer
	f.print(&out)
	for _, want := range []string{"151 executions of 2 targets", "7 corrupted logs offered, none taken; 3 corrupted stores, all found"} {
		if err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("%v, no %q in %s", err, want, out.String())
		}
	}
	if err := f.counted(func(string) error { return nil }); err == nil {
		t.Error("no target ran, and that is well")
	}
}

// TestRacesFindTheirTests: each word of a race's pattern stands for a test of
// its packages, and each package has one.
func TestRacesFindTheirTests(t *testing.T) {
	declared := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	for _, r := range append(slices.Clone(races), overStorage) {
		if r.tests == "" {
			continue
		}
		var names []string
		for _, p := range r.packages {
			files, err := filepath.Glob(filepath.Join("..", "..", "..", filepath.FromSlash(p), "*_test.go"))
			if err != nil || len(files) == 0 {
				t.Fatalf("%s: %d files, %v", p, len(files), err)
			}
			before := len(names)
			for _, f := range files {
				b, err := os.ReadFile(f)
				if err != nil {
					t.Fatal(err)
				}
				for _, m := range declared.FindAllSubmatch(b, -1) {
					if regexp.MustCompile(r.tests).Match(m[1]) {
						names = append(names, string(m[1]))
					}
				}
			}
			if len(names) == before {
				t.Errorf("%s: %s has none of %s", r.name, p, r.tests)
			}
		}
		for _, word := range strings.Split(r.tests, "|") {
			if !regexp.MustCompile("(?m)" + word).MatchString(strings.Join(names, "\n")) {
				t.Errorf("%s: no test is named like %s", r.name, word)
			}
		}
	}
}
