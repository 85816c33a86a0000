package e2e

import (
	"context"
	"testing"

	clientsdk "siteledger/client-sdk"
	"siteledger/server/ledger"
	"siteledger/server/office"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"

	"github.com/google/uuid"
)

// TestDecidedConflictLeavesTheScreen: the phone marks a value that the office
// has to look at, until somebody has.
func TestDecidedConflictLeavesTheScreen(t *testing.T) {
	ctx := context.Background()
	a, centre := startServer(t, t.TempDir())
	installer := person(t, a, centre, "李师傅", schema.Installer)
	clerk := office.Who{Person: person(t, a, centre, "王芳", schema.Supervisor), Role: schema.Supervisor, Centre: centre}
	job, _ := newJob(t, a, centre, installer)
	c := openPhone(t, t.TempDir(), a.URL())
	enrol(t, a, c, installer)
	sync := func() {
		t.Helper()
		for range 2 {
			if _, err := c.Sync(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	marked := func() bool {
		t.Helper()
		var m clientsdk.Marks
		if err := c.View(ctx, func(v *clientsdk.View) (err error) { m, err = v.Marks("job", job); return err }); err != nil {
			t.Fatal(err)
		}
		return m.Conflict
	}
	sync()
	write(t, a, centre, ledger.Author{Person: clerk.Person, Role: schema.Supervisor},
		ledger.Edit{Table: "job", Row: job, Op: changelog.Update, Cols: map[string]any{"slot_from": int64(2000)}})
	if err := c.Edit(ctx, func(e *clientsdk.Edit) error {
		return e.Update("job", job, map[string]any{"slot_from": int64(1000)})
	}); err != nil {
		t.Fatal(err)
	}
	sync()
	if !marked() {
		t.Fatal("the phone does not show that the office has to look at it")
	}
	queue, _, err := a.Store.Queue(ctx, centre, a.Now())
	if err != nil || len(queue) != 1 {
		t.Fatalf("queue %v, %v", queue, err)
	}
	bench := office.NewBench(a.Ledger, a.Store, a.Schema, a.Now, func() uuid.UUID { return uuid.Must(uuid.NewV7()) })
	if _, err := bench.Decide(ctx, clerk, office.Ruling{Case: queue[0].ID, Verdict: "keep", Reason: "已与顾客确认"}); err != nil {
		t.Fatal(err)
	}
	sync()
	if marked() {
		t.Error("the mark stays after the decision")
	}
}
