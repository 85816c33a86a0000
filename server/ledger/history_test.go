package ledger_test

import (
	"context"
	"testing"

	"siteledger/server/ledger"
)

// TestANewHistory: revs go on behind the floor, the office's log in a new
// epoch, a base between the two counts as the last rev before the cut, and a
// rebuild gives all of it again.
func TestANewHistory(t *testing.T) {
	w := openWorld(t)
	ctx := context.Background()
	a := w.phone("李师傅")
	job, contact := w.job(a.dev.Person)
	rows, _ := a.pullAll("", 500)
	end := func() ledger.Stream {
		ends, err := w.st.Ends(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range ends {
			if e.Centre == w.centre {
				return e
			}
		}
		t.Fatal("no stream")
		return ledger.Stream{}
	}
	before := end()
	lost := before.Rev + 7 // somebody was given it, and the backup does not know
	floor := before.Rev + 1<<40
	epoch := newID()
	if err := w.led.BeginHistory(ctx, w.centre, epoch, floor); err != nil {
		t.Fatal(err)
	}
	if after := end(); after.Rev != floor || after.OfficeEpoch != epoch || after.Pos != before.Pos+1 || len(after.Cuts) != 1 || after.Cuts[0].Last != before.Rev {
		t.Errorf("stream %+v", after)
	}
	if err := w.led.BeginHistory(ctx, w.centre, newID(), floor); err == nil {
		t.Error("revs may go back")
	}
	written := w.write(w.clerk, update("job", job, rows[job].Rev, map[string]any{"slot_from": int64(9)}))
	if written.Rev <= floor || written.Seq != 2 {
		t.Errorf("written at rev %d, seq %d", written.Rev, written.Seq)
	}
	a.record(update("job_contact", contact, lost, map[string]any{"note": "二楼"})) // nobody wrote it since: not concurrent
	a.record(update("job", job, lost, map[string]any{"slot_from": int64(7)}))    // the office wrote it behind the cut
	answer := a.push()
	if len(answer.Outcomes) != 1 || answer.Outcomes[0].Seq != 2 {
		t.Errorf("outcomes %+v, want one, of the second change", answer.Outcomes)
	}
	w.write(w.clerk, update("job", job, 0, map[string]any{"asked_work": "门板"}))
	for _, d := range w.rebuilt() {
		t.Errorf("rebuild: %s", d)
	}
}
