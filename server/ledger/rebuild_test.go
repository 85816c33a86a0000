package ledger_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"siteledger/server/ledger"
	"siteledger/server/store"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

// rebuilt folds the whole ledger again and gives the first differences.
func (w *world) rebuilt() []store.Difference {
	w.Helper()
	ctx := context.Background()
	second, err := store.Open(ctx, store.Config{Path: filepath.Join(w.TempDir(), "second.db")})
	if err != nil {
		w.Fatal(err)
	}
	defer second.Close()
	if err := second.CopyStreams(ctx, w.st); err != nil {
		w.Fatal(err)
	}
	l, err := ledger.New(ledger.Config{Update: second.UpdateCentre, Create: second.CreateStream, History: w.history, Schema: schema.MustCurrent(), Signer: w.key,
		Limits: syncproto.DefaultLimits(), Now: func() time.Time { return time.UnixMilli(1) }, NewID: newID, Salt: func() [16]byte { return newID() }})
	if err != nil {
		w.Fatal(err)
	}
	if err := l.Rebuild(ctx, w.st, w.hq, []uuid.UUID{w.centre}, func(int) {}); err != nil {
		w.Fatal(err)
	}
	var out []store.Difference
	if _, err := store.Compare(ctx, w.st, second, func(d store.Difference) error { out = append(out, d); return nil }); err != nil {
		w.Fatal(err)
	}
	return out
}

// TestRebuildGivesTheSameState runs conflicts, held work, decisions and a
// hand-over, then folds the ledger again.
func TestRebuildGivesTheSameState(t *testing.T) {
	w := openWorld(t)
	a, b := w.phone("李师傅"), w.phone("陈师傅")
	job, contact := w.job(a.dev.Person)
	rows, _ := a.pullAll("", 500)
	a.record(update("job", job, rows[job].Rev, map[string]any{"slot_from": int64(7), "status": "finished"}))
	a.record(update("job_contact", contact, rows[contact].Rev, map[string]any{"phone": "1", "note": "二楼"}))
	a.record(insert("note", newID(), map[string]any{"job": job[:], "kind": "note", "text": "一", "at": int64(1)}))
	w.write(w.clerk, update("job_contact", contact, rows[contact].Rev, map[string]any{"phone": "2"}))
	a.push()
	for _, r := range rows {
		if r.Table == "assignment" {
			w.write(w.clerk, update("assignment", r.ID, 0, map[string]any{"active": false}),
				insert("assignment", newID(), map[string]any{"job": job[:], "person": b.dev.Person[:], "active": true}))
		}
	}
	a.record(insert("note", newID(), map[string]any{"job": job[:], "kind": "note", "text": "二", "at": int64(2)}))
	a.raw([]byte{1})
	a.push()
	for kind, ids := range w.cases() {
		for _, id := range ids {
			w.now = w.now.Add(time.Second)
			w.decide(id, map[string]string{"held": "refuse", "handover": "accept", "merged": "keep"}[kind])
		}
	}
	if got := w.rebuilt(); len(got) != 0 {
		t.Fatalf("the rebuilt state differs: %v", got)
	}
	w.write(system, ledger.Edit{Table: "job", Row: job, Op: changelog.Update, Cols: map[string]any{"product": "橱柜"}})
	w.spoil("UPDATE state_job SET product = '衣柜' WHERE id = $1", job[:])
	if got := w.rebuilt(); len(got) != 1 || got[0].Table != "state_job" {
		t.Errorf("an altered state row: %v", got)
	}
}
