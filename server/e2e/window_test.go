package e2e

import (
	"context"
	"testing"

	"github.com/google/uuid"

	clientsdk "siteledger/client-sdk"
	"siteledger/server/ledger"
	"siteledger/server/office"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

// TestClosedJobsLeaveThePhone: after the window a closed and complete job is
// gone from the phone, customer's number and all; an open one stays.
func TestClosedJobsLeaveThePhone(t *testing.T) {
	ctx := context.Background()
	a, centre := startServer(t, t.TempDir())
	installer := person(t, a, centre, "李师傅", schema.Installer)
	old, contact := newJob(t, a, centre, installer)
	open, _ := newJob(t, a, centre, installer)
	c := openPhone(t, t.TempDir(), a.URL())
	enrol(t, a, c, installer)
	if _, err := c.Sync(ctx); err != nil {
		t.Fatal(err)
	}
	has := func(table string, id uuid.UUID) (ok bool) {
		t.Helper()
		if err := c.View(ctx, func(v *clientsdk.View) (err error) { _, ok, err = v.Row(table, id); return err }); err != nil {
			t.Fatal(err)
		}
		return ok
	}
	end := func() int {
		t.Helper()
		n, err := office.EndWindows(ctx, a.Ledger, a.Store, centre, a.Now())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Sync(ctx); err != nil {
			t.Fatal(err)
		}
		return n
	}
	write(t, a, centre, ledger.Author{Role: schema.Server}, ledger.Edit{Table: "job", Row: old, Op: changelog.Update,
		Cols: map[string]any{"status": "closed", "closed_at": a.Now().AddDate(0, 0, -office.WindowDays+1).UnixMilli()}})
	if n := end(); n != 0 || !has("job", old) {
		t.Fatalf("inside the window: %d places ended, job there: %v", n, has("job", old))
	}
	write(t, a, centre, ledger.Author{Role: schema.Server}, ledger.Edit{Table: "job", Row: old, Op: changelog.Update,
		Cols: map[string]any{"closed_at": a.Now().AddDate(0, 0, -office.WindowDays-1).UnixMilli()}})
	if n := end(); n != 1 {
		t.Errorf("%d places ended, want 1", n)
	}
	if has("job", old) || has("job_contact", contact) || !has("job", open) {
		t.Errorf("on the phone: old job %v, its contact %v, open job %v", has("job", old), has("job_contact", contact), has("job", open))
	}
}
