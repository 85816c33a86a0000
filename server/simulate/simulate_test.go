package main

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
)

// TestSeeds plays a few worlds to their end; the large run is a command.
func TestSeeds(t *testing.T) {
	minio.DefaultRetryUnit, minio.DefaultRetryCap = time.Microsecond, time.Microsecond
	ctx := context.Background()
	template, err := makeTemplate(ctx, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = template.close() })
	kinds := map[string]bool{}
	for seed := uint64(1); seed <= 4; seed++ {
		r := play(ctx, seed, 3, template)
		for _, f := range r.Found {
			t.Errorf("seed %d: %s", seed, f.Text)
		}
		if !r.Drained {
			t.Errorf("seed %d did not drain", seed)
		}
		for k := range r.Faults {
			kinds[k] = true
		}
	}
	if len(kinds) < 10 {
		t.Errorf("only %d kinds of faults happened", len(kinds))
	}
}

// TestSameStory: a seed tells the same story each time, and another seed
// another one.
func TestSameStory(t *testing.T) {
	ctx := context.Background()
	template, err := makeTemplate(ctx, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = template.close() })
	a, b, other := play(ctx, 5, 2, template), play(ctx, 5, 2, template), play(ctx, 6, 2, template)
	if a.Trace == "" || a.Trace != b.Trace {
		t.Errorf("seed 5 told %s, then %s", a.Trace, b.Trace)
	}
	if a.Trace == other.Trace {
		t.Error("two seeds told one story")
	}
}

// TestMutantsFit: each planted bug still fits the source that it changes.
func TestMutantsFit(t *testing.T) {
	root := filepath.Join("..", "..")
	files, err := filepath.Glob(filepath.Join(root, mutantFolder, "*.txt"))
	if err != nil || len(files) < 15 {
		t.Fatalf("%d planted bugs: %v", len(files), err)
	}
	var all []mutant
	for _, f := range files {
		m, err := readMutant(f)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := plant(root, t.TempDir(), []mutant{m}); err != nil {
			t.Error(err)
		}
		all = append(all, m)
	}
	if _, err := plant(root, t.TempDir(), all); err != nil {
		t.Error(err)
	}
}

// TestTableNamesWhatIsMissing: a run that never reached a kind fails.
func TestTableNamesWhatIsMissing(t *testing.T) {
	o := options{seeds: 100, from: 1, json: true}
	var out bytes.Buffer
	table := newTable(o)
	code := table.print(&out, o)
	err := table.printJSON(&out)
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if err != nil || code == 0 || !strings.Contains(out.String(), "too rare") || !strings.HasPrefix(lines[len(lines)-1], `{"device_days":0,`) {
		t.Errorf("code %d, %v: %s", code, err, out.String())
	}
}
