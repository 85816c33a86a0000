package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"siteledger/server/drill/cutfs"
)

// TestMain lets the test's own binary be the victim.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == childWord {
		os.Exit(program(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	dir, err := os.MkdirTemp("", "siteledger-drill-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	common.dir = dir
	code := m.Run()
	if common.bench != nil {
		common.close()
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// common is the bench that all tests start from, made when the first asks.
var common struct {
	once sync.Once
	dir  string
	*bench
	err error
}

func theBench(t *testing.T) *bench {
	t.Helper()
	common.once.Do(func() { common.bench, common.err = newBench(context.Background(), common.dir, 1) })
	if common.err != nil {
		t.Fatal(common.err)
	}
	return common.bench
}

// passes wants that a part found nothing and did something.
func passes(t *testing.T, run func(context.Context, *tally, int) error, times int) {
	t.Helper()
	got := &tally{name: t.Name()}
	if err := run(t.Context(), got, times); err != nil {
		t.Fatal(err)
	}
	t.Logf("%s: %d kills, %d cuts, %d connections, %d errors, %d acknowledged, %d lost, restart at most %s", got.name, got.kills, got.cuts, got.links, got.errors, got.acked, got.lost, got.restart)
	for _, f := range got.findings {
		if !got.control {
			t.Error(f)
		}
	}
	if !got.passed() {
		t.Errorf("lost %d of %d", got.lost, got.acked)
	}
	if got.acked == 0 || got.kills+got.cuts+got.links+got.errors == 0 {
		t.Error("the drill did nothing")
	}
}

// leftOut says whether the environment leaves out what needs FUSE. Without it
// a machine that cannot mount fails the test.
func leftOut(t *testing.T) bool {
	t.Helper()
	if os.Getenv(noFUSE) == "1" {
		t.Log("left out: " + noFUSE + "=1")
		return true
	}
	if err := cutfs.Able(); err != nil {
		t.Fatalf("%v; %s=1 leaves this out", err, noFUSE)
	}
	return false
}

func TestKilledServerLosesNothing(t *testing.T) {
	passes(t, theBench(t).serverKills, 14)
}

func TestKilledPhoneLosesNothing(t *testing.T) {
	passes(t, theBench(t).phoneKills, 8)
}

func TestPowerCuts(t *testing.T) {
	if leftOut(t) {
		return
	}
	b := theBench(t)
	t.Run("server's store", func(t *testing.T) { passes(t, b.ledgerCuts, 10) })
	t.Run("whole server", func(t *testing.T) { passes(t, b.serverCuts, 4) })
	t.Run("at each change", func(t *testing.T) { passes(t, b.strikes, 4) })
	t.Run("first start", func(t *testing.T) { passes(t, b.firstStartCuts, 6) })
	t.Run("phone", func(t *testing.T) { passes(t, b.phoneCuts, 6) })
}

// TestControlLoses: a store that does not sync each commit must lose, or the
// power cuts prove nothing.
func TestControlLoses(t *testing.T) {
	if leftOut(t) {
		return
	}
	passes(t, theBench(t).controlCuts, controlCuts)
}

func TestFailingDisks(t *testing.T) {
	if leftOut(t) {
		return
	}
	b := theBench(t)
	t.Run("server errors", func(t *testing.T) { passes(t, b.serverErrors, 5) })
	t.Run("server full", func(t *testing.T) { passes(t, b.serverFull, 3) })
	t.Run("phone errors", func(t *testing.T) { passes(t, b.phoneErrors, 12) })
	t.Run("phone full", func(t *testing.T) { passes(t, b.phoneFull, 3) })
}

// TestReportTellsLossFromControl: a loss fails the drill, and so does a control
// that loses nothing.
func TestReportTellsLossFromControl(t *testing.T) {
	for _, c := range []struct {
		name string
		part tally
		pass bool
	}{
		{"nothing lost", tally{acked: 9}, true},
		{"lost", tally{acked: 9, lost: 1}, false},
		{"finding", tally{acked: 9, findings: []string{"x"}}, false},
		{"control lost", tally{lost: 1, findings: []string{"x"}, control: true}, true},
		{"control kept all", tally{control: true}, false},
	} {
		r := &report{Passed: true}
		r.add(&c.part)
		var out bytes.Buffer
		if err := r.print(&out, true); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		var got struct{ Passed bool }
		if err := json.Unmarshal([]byte(lines[len(lines)-1]), &got); err != nil || got.Passed != c.pass {
			t.Errorf("%s: passed %v, %v", c.name, got.Passed, err)
		}
	}
}
