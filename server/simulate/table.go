package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"time"
)

// table is the sum of a run.
type table struct {
	Days     int            `json:"device_days"`
	Faults   int            `json:"faults"`
	Kinds    int            `json:"kinds"`
	Planted  planted        `json:"planted"`
	Findings int            `json:"violations"`
	Drained  bool           `json:"drained"`
	Seeds    [2]uint64      `json:"seeds"`
	Kills    int            `json:"kills"`
	Cuts     int            `json:"cuts"`
	Played   int            `json:"executions"` // worlds; those that were played twice count once
	ByKind   map[string]int `json:"by_kind"`

	// What a run that goes on later needs besides.
	Next   uint64         `json:"next"`
	Calm   int            `json:"without_faults"`
	Worst  int            `json:"most_rounds"`
	PerDay int            `json:"days_of_a_seed"`
	Took   float64        `json:"seconds"`
	Did    map[string]int `json:"did"`

	began time.Time
}

type planted struct {
	Total int `json:"total"`
	Found int `json:"found"`
}

func newTable(o options) *table {
	return &table{ByKind: map[string]int{}, Did: map[string]int{}, Drained: true, Seeds: [2]uint64{o.from, o.from}, Next: o.from, PerDay: o.days, began: time.Now()}
}

// load goes on with an earlier run's sum, where there is one.
func (t *table) load(path string, days int) error {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, t); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if t.PerDay != days {
		return fmt.Errorf("%s is of a run with seeds of %d days, this one's have %d: name another file with -state, or remove it", path, t.PerDay, days)
	}
	t.began = time.Now().Add(-time.Duration(t.Took * float64(time.Second)))
	return nil
}

func (t *table) save(path string) error {
	t.sum()
	b, err := json.Marshal(t)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", b, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// sum works out what follows from the rest.
func (t *table) sum() {
	t.Faults, t.Kinds, t.Took = 0, 0, time.Since(t.began).Seconds()
	for _, k := range allKinds() {
		t.Faults += t.ByKind[k]
		if t.ByKind[k] > 0 {
			t.Kinds++
		}
	}
	t.Kills = t.ByKind[phoneKilled] + t.ByKind[crashBefore] + t.ByKind[crashAfter]
	t.Cuts = t.ByKind[phonePower] + t.ByKind[serverPower]
}

func (t *table) add(r result) {
	t.Days += r.Days
	for k, n := range r.Faults {
		t.ByKind[k] += n
	}
	for k, n := range r.Did {
		t.Did[k] += n
	}
	if r.Kinds == 0 {
		t.Calm++
	}
	t.Played++
	t.Worst = max(t.Worst, r.Rounds)
	t.Findings += len(r.Found)
	t.Drained = t.Drained && r.Drained
	t.Seeds[1] = max(t.Seeds[1], r.Seed)
}

// show prints a seed's findings with the story that led to them.
func (t *table) show(out io.Writer, r result, o options) {
	if o.seed != 0 || len(r.Found) > 0 {
		lines := r.Last
		if o.seed == 0 {
			lines = lines[max(0, len(lines)-40):]
		}
		for _, line := range lines {
			fmt.Fprintln(out, line)
		}
	}
	for _, f := range r.Found {
		fmt.Fprintf(out, "seed %d: %s: %s\n", r.Seed, f.Invariant, f.Text)
	}
	if len(r.Found) > 0 {
		fmt.Fprintf(out, "replay: go run ./server/simulate -seed %d -days %d\n\n", r.Seed, o.days)
	} else if o.verbose {
		fmt.Fprintf(out, "seed %d: %d device-days, %d kinds, %d rounds to drain, story %s\n", r.Seed, r.Days, len(r.Faults), r.Rounds, r.Trace)
	}
}

// print prints the table and gives the exit code.
func (t *table) print(out io.Writer, o options) int {
	t.sum()
	var rare []string
	for _, k := range allKinds() {
		fmt.Fprintf(out, "%-38s %8d\n", k, t.ByKind[k])
		if n := t.ByKind[k]; n < o.least || n == 0 {
			rare = append(rare, fmt.Sprintf("%s: %d", k, n))
		}
	}
	for _, what := range sorted(t.Did) {
		fmt.Fprintf(out, "%-38s %8d\n", "did: "+what, t.Did[what])
	}
	for _, line := range []struct {
		name string
		text string
	}{
		{"faults", fmt.Sprintf("%8d of %d kinds", t.Faults, t.Kinds)},
		{"device-days", fmt.Sprintf("%8d in %.1fs, %.0f a second", t.Days, t.Took, float64(t.Days)/max(t.Took, 0.001))},
		{"kills", fmt.Sprintf("%8d", t.Kills)},
		{"power cuts", fmt.Sprintf("%8d", t.Cuts)},
		{"executions (worlds)", fmt.Sprintf("%8d, %d of them without a fault; seeds %d to %d", t.Played, t.Calm, t.Seeds[0], t.Seeds[1])},
		{"most rounds to drain", fmt.Sprintf("%8d", t.Worst)},
		{"findings", fmt.Sprintf("%8d", t.Findings)},
	} {
		fmt.Fprintf(out, "%-38s %s\n", line.name, line.text)
	}
	code := 0
	if t.Findings > 0 {
		code = 1
	}
	if (o.seeds >= 100 || o.least > 0) && len(rare) > 0 {
		fmt.Fprintf(out, "too rare: %s\n", strings.Join(rare, ", "))
		code = 1
	}
	if o.ci && t.Faults < ciFaults {
		fmt.Fprintf(out, "too few faults: %d\n", t.Faults)
		code = 1
	}
	return code
}

func (t *table) printJSON(out io.Writer) error {
	t.sum()
	b, err := json.Marshal(t)
	if err == nil {
		_, err = fmt.Fprintf(out, "%s\n", b)
	}
	return err
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}

func ordinal(n int) string {
	switch {
	case n%10 == 1 && n%100 != 11:
		return fmt.Sprintf("%dst", n)
	case n%10 == 2 && n%100 != 12:
		return fmt.Sprintf("%dnd", n)
	case n%10 == 3 && n%100 != 13:
		return fmt.Sprintf("%drd", n)
	}
	return fmt.Sprintf("%dth", n)
}
