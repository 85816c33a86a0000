package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
)

// racing is a run of the race detector: packages in which goroutines share
// something.
type racing struct {
	name     string
	packages []string
	tests    string // those in which they do; empty for all
	engine   string // of the tests that would run on each; empty for each
}

// races leave out, of the packages that sign, hash, render and store much, the
// tests in which only one goroutine works: they say nothing of races and take
// ten times as long as without the detector. On PostgreSQL the database works
// outside of the detector; the store itself runs on both engines.
var races = []racing{
	{
		name: "whole packages",
		packages: []string{"./syncproto/...", "./client-sdk/localdb", "./client-sdk/outbox", "./client-sdk/serverkey", "./client-sdk/transport", "./server/feed/...", "./server/demo/cable/...",
			"./client-sdk/mobile", "./server/reconcile", "./server/archive"},
	},
	{
		name:     "phone",
		packages: []string{"./client-sdk"},
		tests:    "AtOnce|TestEveryCell|Silence|Quiet|Whole|StartARound|Busy",
	},
	{
		name:     "server",
		packages: []string{"./server/ledger", "./server/auth", "./server/api", "./server/blob", "./server/blob/embedded", "./server/office"},
		tests:    "AtOnce|Parallel|Concurrent|SameTime|TestRacesThroughTheFold|LateCommit|TestEveryCell|Hall|Decoding|Bounded|Goodbye|Overload|ShareMemory|SlowBody|Events|Once$",
		engine:   "postgres",
	},
	{
		name:     "store and program",
		packages: []string{"./server/store", "./server/app", "./server/demo/console"},
		tests:    "WritersShare|IsAlone|UnderTheOthers|IsEverybodys|GivesUp|Lease|AsIfAlone|FollowEachOther|Panic|CutConnection|Everywhere|Pokes|RunningServer|GoesOn|NetworkSwitch",
	},
}

// engineVariable is how server/store/storetest is told to use one engine alone.
const engineVariable = "STORETEST_ENGINE"

// unraced keeps the detector out of SQLite, a translation of C with an
// allocator of its own: there it only takes time.
const unraced = "-gcflags=modernc.org/...=-race=false"

func (r racing) run(ctx context.Context, t *task, fig *figures) error {
	args := []string{"test", "-race", "-vet=off", "-ldflags=-w", unraced, atOnce(), "-timeout", "12m"}
	if r.tests != "" {
		args = append(args, "-run", r.tests)
	}
	cmd := exec.CommandContext(ctx, "go", append(args, r.packages...)...)
	cmd.Env = os.Environ()
	if r.engine != "" {
		cmd.Env = append(cmd.Env, engineVariable+"="+r.engine)
	}
	var said bytes.Buffer
	cmd.Stdout = io.MultiWriter(t.out, fig, &said)
	cmd.Stderr = cmd.Stdout
	if err := t.run(cmd); err != nil {
		return err
	}
	if bytes.Contains(said.Bytes(), []byte("no tests to run")) {
		return errors.New("a package has none of these tests")
	}
	return nil
}

// racedSimulator plays a few worlds under the detector. A race ends the process
// that plays at once, which is a finding of that world: the code with which it
// would end much later is nobody's.
func racedSimulator(ctx context.Context, t *task) error {
	cmd := exec.CommandContext(ctx, "go", "run", "-race", unraced, "./server/simulate", "-seeds", "3", "-days", "8")
	cmd.Env = append(os.Environ(), "GORACE=halt_on_error=1")
	return t.run(cmd)
}
