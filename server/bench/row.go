package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
)

// row is one line of the result. Ours and Floor are medians over the runs.
type row struct {
	Name   string  `json:"name"`
	Ours   float64 `json:"ours"`
	Floor  float64 `json:"floor"`
	Unit   string  `json:"unit"`
	Ratio  float64 `json:"ratio"`  // ours over floor; 0 where there is no floor
	Spread float64 `json:"spread"` // of ours: least to greatest, in percent of the median

	FloorSpread float64            `json:"floor_spread,omitempty"`
	Runs        int                `json:"runs"`
	Targets     []target           `json:"targets,omitempty"`
	Figures     map[string]float64 `json:"figures,omitempty"` // what was measured beside it, its unit in the name
	Notes       []string           `json:"notes,omitempty"`
	Failed      string             `json:"failed,omitempty"` // why the row could not run
}

// target is a figure to reach, and whether this run did.
type target struct {
	Text  string  `json:"text"`
	Value float64 `json:"value"`
	Met   bool    `json:"met"`
}

func (r *row) atLeast(what string, value, least float64) {
	r.Targets = append(r.Targets, target{fmt.Sprintf("%s ≥ %s", what, number(least)), value, value >= least})
}

func (r *row) atMost(what string, value, most float64) {
	r.Targets = append(r.Targets, target{fmt.Sprintf("%s ≤ %s", what, number(most)), value, value <= most})
}

func (r *row) note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

func (r *row) figure(name string, v float64) {
	if r.Figures == nil {
		r.Figures = map[string]float64{}
	}
	r.Figures[name] = v
}

// series are the samples of one figure, one of each run.
type series []float64

func (s series) median() float64 {
	if len(s) == 0 {
		return 0
	}
	v := slices.Sorted(slices.Values(s))
	if len(v)%2 == 1 {
		return v[len(v)/2]
	}
	return (v[len(v)/2-1] + v[len(v)/2]) / 2
}

func (s series) max() float64 {
	if len(s) == 0 {
		return 0
	}
	return slices.Max(s)
}

// spread is from least to greatest in percent of the median.
func (s series) spread() float64 {
	if m := s.median(); m != 0 {
		return (slices.Max(s) - slices.Min(s)) / m * 100
	}
	return 0
}

// percentile gives the value that p of all are not above.
func (s series) percentile(p float64) float64 {
	if len(s) == 0 {
		return 0
	}
	v := slices.Sorted(slices.Values(s))
	return v[min(len(v)-1, int(p*float64(len(v))))]
}

// compare makes a row of two series.
func compare(name, unit string, ours, floor series) *row {
	r := &row{Name: name, Unit: unit, Ours: ours.median(), Floor: floor.median(), Spread: ours.spread(), FloorSpread: floor.spread(), Runs: len(ours)}
	if r.Floor != 0 {
		r.Ratio = r.Ours / r.Floor
	}
	return r
}

// number prints a figure with three digits that count.
func number(v float64) string {
	switch a := max(v, -v); {
	case a == 0:
		return "0"
	case a >= 1000:
		s := fmt.Sprintf("%.0f", v)
		for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
			s = s[:i] + "," + s[i:]
		}
		return s
	case a >= 100:
		return fmt.Sprintf("%.0f", v)
	case a >= 10:
		return fmt.Sprintf("%.1f", v)
	case a >= 0.01:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.2g", v)
}

// result is what -json writes.
type result struct {
	Machine machine `json:"machine"`
	Rows    []*row  `json:"rows"`
}

func (r result) write(path string) error {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o600)
}

func (r result) print(out io.Writer) error {
	fmt.Fprintf(out, "\n%s\n\n", r.Machine)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "row\tours\tfloor\tunit\tratio\tspread\ttargets")
	for _, x := range r.Rows {
		if x.Failed != "" {
			fmt.Fprintf(w, "%s\tdid not run: %s\n", x.Name, firstLine(x.Failed))
			continue
		}
		floor, ratio := "-", "-"
		if x.Floor != 0 {
			floor, ratio = number(x.Floor), number(x.Ratio)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%.0f%%\t%s\n", x.Name, number(x.Ours), floor, x.Unit, ratio, x.Spread, x.targets())
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(out)
	for _, x := range r.Rows {
		x.more(out)
	}
	return nil
}

// markdown writes the table as server/docs/benchmarks.md has it.
func (r result) markdown(path string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %d runs.\n\n| row | ours | floor | unit | ratio | spread | targets | beside it |\n|---|---|---|---|---|---|---|---|\n", r.Machine, r.runs())
	for _, x := range r.Rows {
		if x.Failed != "" {
			fmt.Fprintf(&b, "| `%s` | | | | | | did not run | %s |\n", x.Name, firstLine(x.Failed))
			continue
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %.0f %% | %s | %s |\n", x.Name, number(x.Ours), number(x.Floor), x.Unit, number(x.Ratio), x.Spread, x.targets(), x.beside())
	}
	return os.WriteFile(path, []byte(b.String()), 0o600)
}

func (r result) runs() (n int) {
	for _, x := range r.Rows {
		n = max(n, x.Runs)
	}
	return n
}

// beside are the further figures in one line.
func (r *row) beside() string {
	var parts []string
	for _, n := range slices.Sorted(maps.Keys(r.Figures)) {
		parts = append(parts, n+" "+number(r.Figures[n]))
	}
	return strings.Join(parts, ", ")
}

func (r *row) targets() string {
	var out []string
	for _, t := range r.Targets {
		mark := "✗"
		if t.Met {
			mark = "✓"
		}
		out = append(out, fmt.Sprintf("%s %s (%s)", mark, t.Text, number(t.Value)))
	}
	return strings.Join(out, " · ")
}

// more prints what was measured beside the row.
func (r *row) more(out io.Writer) {
	if text := r.beside(); text != "" {
		fmt.Fprintf(out, "%s: %s\n", r.Name, text)
	}
	for _, n := range r.Notes {
		fmt.Fprintf(out, "%s: %s\n", r.Name, n)
	}
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
