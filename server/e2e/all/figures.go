package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"siteledger/syncproto/mutate"
)

// figures are the closing lines of go test and the numbers of the checks that
// count something. They are printed before the summary.
type figures struct {
	lines []string // with which go test closed each package
	part  string   // of a line that is not whole yet

	mu      sync.Mutex // of what the drill adds from beside
	numbers []string
	raw     []string // what the drill and the simulator said as JSON
}

// number adds a line, and what it was read from.
func (f *figures) number(raw, format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.numbers = append(f.numbers, fmt.Sprintf(format, args...))
	if raw != "" {
		f.raw = append(f.raw, raw)
	}
}

// Write keeps the closing lines of what go test prints.
func (f *figures) Write(p []byte) (int, error) {
	lines := strings.Split(f.part+string(p), "\n")
	f.part = lines[len(lines)-1]
	for _, l := range lines[:len(lines)-1] {
		if slices.ContainsFunc([]string{"ok ", "ok\t", "FAIL", "--- FAIL", "panic:"}, func(p string) bool { return strings.HasPrefix(l, p) }) {
			f.lines = append(f.lines, l)
		}
	}
	return len(p), nil
}

func (f *figures) print(out io.Writer) {
	for _, part := range []struct {
		name  string
		lines []string
	}{{"how go test closed", f.lines}, {"figures", append(f.numbers, f.raw...)}} {
		if len(part.lines) > 0 {
			fmt.Fprintf(out, "\n=== %s\n%s\n", part.name, strings.Join(part.lines, "\n"))
		}
	}
}

// counted runs the tests and adds how many executions their fuzz targets made
// in all, and how many damaged logs were offered.
func (f *figures) counted(tests func(log string) error) error {
	dir, err := os.MkdirTemp("", "siteledger-fuzz-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	name := filepath.Join(dir, "log")
	failed := tests(mutate.LogVariable + "=" + name)
	return errors.Join(failed, f.fuzzed(name, failed == nil))
}

// fuzzed adds up the log that the runs of mutate wrote. Where all tests passed,
// no damage went unnoticed.
func (f *figures) fuzzed(name string, passed bool) error {
	log, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("no fuzz target ran: %w", err)
	}
	defer log.Close()
	targets, runs, millis := map[string]bool{}, 0, 0
	damaged := map[string]int{mutate.DamagedLogs: 0, mutate.DamagedStores: 0}
	for s := bufio.NewScanner(log); s.Scan(); {
		var target string
		var n, ms int
		if _, err := fmt.Sscan(s.Text(), &target, &n, &ms); err != nil {
			return fmt.Errorf("fuzz log: %w", err)
		}
		if _, ok := damaged[target]; ok {
			damaged[target] += n
			continue
		}
		targets[target] = true
		runs, millis = runs+n, millis+ms
	}
	f.number("", "fuzz:      %d executions of %d targets in %s", runs, len(targets), (time.Duration(millis) * time.Millisecond).Round(time.Second))
	taken, found := "none taken", "all found"
	if !passed {
		taken, found = "see the tests that failed", "the same"
	}
	f.number("", "damage:    %d corrupted logs offered, %s; %d corrupted stores, %s", damaged[mutate.DamagedLogs], taken, damaged[mutate.DamagedStores], found)
	return nil
}

// What the drill must show each time, with nothing lost that was acknowledged.
const (
	leastKills = 300
	leastCuts  = 120
	noFUSE     = "SITELEDGER_NO_FUSE" // leaves the power cuts out
)

// drilled runs the drill, and of its tests the one of the report alone: the
// others are what the drill does, less often.
func (f *figures) drilled(ctx context.Context, t *task) error {
	if err := t.run(exec.CommandContext(ctx, "go", "test", "-vet=off", "-ldflags=-w", "-run", "Report", drilled)); err != nil {
		return err
	}
	var said struct {
		Kills, Cuts, Errors, Acknowledged, Lost int
		Links                                   int `json:"connections_cut"`
		ControlCuts                             int `json:"control_cuts"`
		ControlLost                             int `json:"control_lost"`
		Passed                                  bool
	}
	raw, failed := jsonOf(ctx, t, &said, "go", "run", drilled, "-kills", "270", "-cuts", "90", "-json")
	f.number(raw, "drill:     %d kills, %d power cuts, %d connections cut and %d failing disks or storages of real processes: %d acknowledged, %d lost; the control lost %d in %d cuts",
		said.Kills, said.Cuts, said.Links, said.Errors, said.Acknowledged, said.Lost, said.ControlLost, said.ControlCuts)
	cuts := os.Getenv(noFUSE) != "1"
	if said.Kills < leastKills || said.Lost > 0 || !said.Passed || cuts && (said.Cuts < leastCuts || said.ControlLost == 0) {
		return errors.Join(failed, fmt.Errorf("the drill must show %d kills and %d power cuts, nothing lost, and a control that loses", leastKills, leastCuts))
	}
	return failed
}

// simulated plays the simulator's run of the continuous integration.
func (f *figures) simulated(ctx context.Context, t *task) error {
	var said struct {
		Days       int `json:"device_days"`
		Violations int
		Faults     int
		Kinds      int
		Kills      int
		Cuts       int
		Drained    bool
		Planted    struct{ Total, Found int }
	}
	raw, failed := jsonOf(ctx, t, &said, "go", "run", "./server/simulate", "-ci", "-json")
	f.number(raw, "simulator: %d device-days, %d faults of %d kinds (%d kills, %d power cuts), %d findings; %d of %d planted bugs found",
		said.Days, said.Faults, said.Kinds, said.Kills, said.Cuts, said.Violations, said.Planted.Found, said.Planted.Total)
	return failed
}

// jsonOf runs a program, reads the JSON object of its last line, and gives that
// line.
func jsonOf(ctx context.Context, t *task, into any, name string, args ...string) (string, error) {
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdout = io.MultiWriter(t.out, &out)
	failed := t.run(cmd)
	text := strings.TrimSpace(out.String())
	last := text[strings.LastIndex(text, "\n")+1:]
	if err := json.Unmarshal([]byte(last), into); err != nil {
		return "", errors.Join(failed, fmt.Errorf("%s: no JSON in its last line: %w", strings.Join(args, " "), err))
	}
	return last, failed
}
