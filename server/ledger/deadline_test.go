package ledger_test

import (
	"context"
	"testing"
	"time"

	"siteledger/server/report"
	"siteledger/syncproto/fieldwork"
)

// TestDeadlinesGoByTheInterval: a phone whose clock is twenty hours slow writes
// that the matter was solved in time. The server knows from the monotonic clock that it
// was too late, until a person says that the phone's time is right (JL-20).
func TestDeadlinesGoByTheInterval(t *testing.T) {
	w := openWorld(t)
	ctx := context.Background()
	p := w.phone("李师傅")
	job, _ := w.job(p.dev.Person)
	w.write(w.clerk, update("job", job, 0, map[string]any{"channel": "phone"}))
	solved := func() fieldwork.Clock {
		t.Helper()
		lines, _, err := w.st.Jobs(ctx, w.centre, report.JobFilter{}, w.now)
		if err != nil || len(lines) != 1 {
			t.Fatalf("%d jobs, %v", len(lines), err)
		}
		for _, c := range lines[0].Clocks {
			if c.Kind == fieldwork.ClockSolve {
				return c
			}
		}
		t.Fatal("no deadline of the solution")
		return fieldwork.Clock{}
	}
	if c := solved(); c.State != fieldwork.ClockRunning {
		t.Fatalf("at intake it is %s", c.State)
	}
	w.now = w.now.Add(30 * time.Hour)
	if c := solved(); c.State != fieldwork.ClockMissed || !c.Provisional {
		t.Fatalf("with nothing known it is %+v", c)
	}
	p.wall = -20 * time.Hour.Milliseconds()
	says := w.now.UnixMilli() + p.wall
	id := newID()
	p.record(insert("visit", id, map[string]any{"job": job[:], "person": p.dev.Person[:], "started_at": says, "outcome": "solved"}),
		insert("visit_close", newID(), map[string]any{"visit": id[:], "at": says, "rows": int64(1), "photos": int64(0)}))
	p.push()
	if c := solved(); c.State != fieldwork.ClockMissed || c.Provisional || c.Done == nil || c.Done.Earliest < says+19*time.Hour.Milliseconds() {
		t.Errorf("by the interval it is %+v", c)
	}
	open := w.cases()["clock"]
	if len(open) != 1 {
		t.Fatalf("cases %v", w.cases())
	}
	w.decide(open[0], "keep")
	if c := solved(); c.State == fieldwork.ClockMissed {
		t.Errorf("a person said that the phone's time is right, and it is %+v", c)
	}
}
