package office_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/server/ledger"
	"siteledger/server/office"
	"siteledger/server/office/benchtest"
	"siteledger/server/report"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
)

// held gives the open cases of held work of a job, oldest first.
func held(w *benchtest.World, job uuid.UUID) (out []report.Case) {
	for _, c := range w.File(job).Cases {
		if c.Open && (c.Kind == report.CaseHeld || c.Kind == report.CaseHandover) {
			out = append(out, c)
		}
	}
	return out
}

// TestDecidedTogether: one answer decides the cases of one matter, and leaves
// alone what is another, what is money, and what somebody has decided.
func TestDecidedTogether(t *testing.T) {
	w := benchtest.Open(t)
	s := w.Finished()
	ctx := context.Background()
	stranger := w.Phone("陈师傅")
	for _, text := range []string{"一", "二", "三", "四"} {
		stranger.Record(benchtest.Insert("note", benchtest.NewID(), map[string]any{"job": s.Job[:], "kind": "note", "text": text, "at": w.Now.UnixMilli()}))
	}
	stranger.Push()
	all := held(w, s.Job)
	if len(all) != 4 {
		t.Fatalf("%d cases, want one for each note", len(all))
	}
	merged := w.Case(s.Job, report.CaseMerged, "phone")
	if _, err := w.Bench.Decide(ctx, w.Supervisor, office.Ruling{Case: all[1].ID, Verdict: office.VerdictRefuse, Reason: "不是这家"}); err != nil {
		t.Fatal(err)
	}
	ids := []uuid.UUID{all[0].ID, merged.ID, all[1].ID, all[2].ID}
	_, err := w.Bench.AcceptTogether(ctx, w.Stranger, ids, "")
	mustFault(t, err, syncproto.NotFound, "")
	_, err = w.Bench.AcceptTogether(ctx, w.Adjudicator, ids, "")
	mustFault(t, err, syncproto.Forbidden, "")
	_, err = w.Bench.AcceptTogether(ctx, w.Clerk, make([]uuid.UUID, office.MaxTogether+1), "")
	mustFault(t, err, fault.Invalid, "decide.many")
	n, err := w.Bench.AcceptTogether(ctx, w.Clerk, ids, "都是顺路看的")
	if err != nil || n != 2 {
		t.Fatalf("accepted %d, %v", n, err)
	}
	notes := w.File(s.Job).All("note")
	if len(notes) != 2 {
		t.Errorf("%d notes took effect, want 2", len(notes))
	}
	if open := held(w, s.Job); len(open) != 1 || open[0].ID != all[3].ID {
		t.Errorf("still open: %v", open)
	}
	w.Case(s.Job, report.CaseMerged, "phone") // another matter: untouched
	if n, err := w.Bench.AcceptTogether(ctx, w.Clerk, ids, ""); err != nil || n != 0 {
		t.Errorf("once more accepted %d, %v", n, err)
	}
}

// leftCrew is somebody who was on the crew and changed the contact's note after
// he had left it.
func leftCrew(t *testing.T) (*benchtest.World, *benchtest.Story, report.Case) {
	t.Helper()
	w := benchtest.Open(t)
	s := w.Finished()
	other := w.Phone("陈师傅")
	place := benchtest.NewID()
	w.Write(w.Centre, benchtest.Author(w.Clerk), benchtest.Insert("assignment", place, map[string]any{"job": s.Job[:], "person": other.Device.Person[:], "active": true}))
	w.Write(w.Centre, benchtest.Author(w.Clerk), benchtest.Update("assignment", place, 0, map[string]any{"active": false}))
	w.Pass(time.Minute)
	other.Record(ledger.Edit{Table: "job_contact", Row: s.Contact, Op: changelog.Update, Base: w.Row("job_contact", s.Contact).Rev,
		Cols: map[string]any{"note": "门在后院"}, Was: map[string]any{"note": w.Row("job_contact", s.Contact).Cols["note"]}})
	other.Push()
	open := held(w, s.Job)
	if len(open) != 1 || open[0].Kind != report.CaseHandover {
		t.Fatalf("cases %+v", open)
	}
	return w, s, open[0]
}

// TestHeldWorkIsTurnedOver: what was taken in is put back, what was refused is
// written by the office, each by one more entry, as often as people change
// their minds.
func TestHeldWorkIsTurnedOver(t *testing.T) {
	w, s, c := leftCrew(t)
	ctx := context.Background()
	note := func() string { return w.Row("job_contact", s.Contact).Text("note") }
	before := note()
	if _, err := w.Bench.Decide(ctx, w.Clerk, office.Ruling{Case: c.ID, Verdict: office.VerdictAccept}); err != nil {
		t.Fatal(err)
	}
	for i, step := range []struct{ verdict, want string }{{office.VerdictRefuse, before}, {office.VerdictAccept, "门在后院"}, {office.VerdictRefuse, before}} {
		file, err := w.Store.Case(ctx, w.Centre, c.ID)
		if err != nil {
			t.Fatal(err)
		}
		ruled, err := w.Store.Decisions(ctx, w.Centre, c.ID)
		if err != nil || office.Undoing(&file, ruled) != step.verdict {
			t.Fatalf("step %d: an undo would be %q, want %q (%v)", i, office.Undoing(&file, ruled), step.verdict, err)
		}
		if _, err := w.Bench.Revise(ctx, w.Supervisor, office.Ruling{Case: c.ID, Verdict: step.verdict, Reason: "再看一遍"}); err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
		if note() != step.want {
			t.Errorf("step %d: the note is %q, want %q", i, note(), step.want)
		}
		_, err = w.Bench.Revise(ctx, w.Supervisor, office.Ruling{Case: c.ID, Verdict: step.verdict, Reason: "又一次"})
		mustFault(t, err, fault.Invalid, "decide.same")
	}
	ruled, err := w.Store.Decisions(ctx, w.Centre, c.ID)
	if err != nil || len(ruled) != 4 {
		t.Errorf("%d entries tell the story, want 4 (%v)", len(ruled), err)
	}
	_, err = w.Bench.Revise(ctx, w.Stranger, office.Ruling{Case: c.ID, Verdict: office.VerdictAccept, Reason: "x"})
	mustFault(t, err, syncproto.NotFound, "")
	_, err = w.Bench.Revise(ctx, w.Adjudicator, office.Ruling{Case: c.ID, Verdict: office.VerdictAccept, Reason: "x"})
	mustFault(t, err, syncproto.Forbidden, "")
}

// TestUndoOverwritesNobody: who has written since stays, and facts are not
// taken back: they are corrected by new rows.
func TestUndoOverwritesNobody(t *testing.T) {
	w, s, c := leftCrew(t)
	ctx := context.Background()
	if _, err := w.Bench.Decide(ctx, w.Clerk, office.Ruling{Case: c.ID, Verdict: office.VerdictAccept}); err != nil {
		t.Fatal(err)
	}
	w.Write(w.Centre, benchtest.Author(w.Clerk), benchtest.Update("job_contact", s.Contact, w.Row("job_contact", s.Contact).Rev, map[string]any{"note": "门铃坏了"}))
	_, err := w.Bench.Revise(ctx, w.Supervisor, office.Ruling{Case: c.ID, Verdict: office.VerdictRefuse, Reason: "撤销"})
	mustFault(t, err, fault.Stale, "decide.stale-row")
	if got := w.Row("job_contact", s.Contact).Text("note"); got != "门铃坏了" {
		t.Errorf("the note is %q", got)
	}

	stranger := w.Phone("孙师傅")
	id := benchtest.NewID()
	stranger.Record(benchtest.Insert("note", id, map[string]any{"job": s.Job[:], "kind": "note", "text": "顺路看过", "at": w.Now.UnixMilli()}))
	stranger.Push()
	fact := held(w, s.Job)[0]
	if _, err := w.Bench.Decide(ctx, w.Clerk, office.Ruling{Case: fact.ID, Verdict: office.VerdictAccept}); err != nil {
		t.Fatal(err)
	}
	_, err = w.Bench.Revise(ctx, w.Supervisor, office.Ruling{Case: fact.ID, Verdict: office.VerdictRefuse, Reason: "撤销"})
	mustFault(t, err, fault.Invalid, "decide.undo-facts")
	if _, ok := w.File(s.Job).Find("note", id); !ok {
		t.Error("the fact is gone")
	}
}

// TestConflictIsTurnedOver: the office's appointment stood; the technician's is
// taken, and then put back.
func TestConflictIsTurnedOver(t *testing.T) {
	w := benchtest.Open(t)
	s := w.Finished()
	ctx := context.Background()
	base, was := w.Row("job", s.Job).Rev, w.Row("job", s.Job).Cols["slot_from"]
	s.Phone.Record(ledger.Edit{Table: "job", Row: s.Job, Op: changelog.Update, Base: base, Cols: map[string]any{"slot_from": int64(111)}, Was: map[string]any{"slot_from": was}})
	w.Write(w.Centre, benchtest.Author(w.Clerk), benchtest.Update("job", s.Job, base, map[string]any{"slot_from": int64(222)}))
	s.Phone.Push()
	c := w.Case(s.Job, report.CaseConflict, "slot_from")
	slot := func() int64 { return w.Row("job", s.Job).Int("slot_from") }
	if _, err := w.Bench.Decide(ctx, w.Clerk, office.Ruling{Case: c.ID, Verdict: office.VerdictOther}); err != nil || slot() != 111 {
		t.Fatalf("%v, slot %d", err, slot())
	}
	if _, err := w.Bench.Revise(ctx, w.Clerk, office.Ruling{Case: c.ID, Verdict: office.VerdictKeep, Reason: "顾客改口"}); err != nil || slot() != 222 {
		t.Fatalf("%v, slot %d", err, slot())
	}
}

// TestGuestsLeaveAJob: who recorded a job on the spot sees it until the desk
// gives it to others, or until its window has passed.
func TestGuestsLeaveAJob(t *testing.T) {
	w := benchtest.Open(t)
	ctx := context.Background()
	o := desk(t, w)
	guest, crew := w.Phone("陈师傅"), w.Phone("孙师傅")
	found := func() uuid.UUID {
		job := benchtest.NewID()
		guest.Record(benchtest.Insert("job", job, map[string]any{"kind": "repair", "intake_at": w.Now.UnixMilli(), "asked_work": "邻居家的柜门", "warranty": "out", "status": "new"}))
		if out := guest.Push(); len(out) != 0 {
			t.Fatalf("outcomes %+v", out)
		}
		return job
	}
	sees := func(job uuid.UUID) (names string) {
		t.Helper()
		members, err := w.Store.Members(ctx, w.Centre, job)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range members {
			names += w.Row("person", m).Text("name") + " "
		}
		return strings.TrimSpace(names)
	}
	given, kept, closed := found(), found(), found()
	if got := sees(given); got != "陈师傅" {
		t.Fatalf("the new job is seen by %q", got)
	}
	if err := o.Dispatch(ctx, w.Clerk, office.Dispatch{Job: given, Crew: []uuid.UUID{crew.Device.Person}}); err != nil {
		t.Fatal(err)
	}
	if got := sees(given); got != "孙师傅" {
		t.Errorf("the job that went to another is seen by %q", got)
	}
	if err := o.Dispatch(ctx, w.Clerk, office.Dispatch{Job: kept, Crew: []uuid.UUID{guest.Device.Person}}); err != nil {
		t.Fatal(err)
	}
	if got := sees(kept); got != "陈师傅" {
		t.Errorf("the job that he was given is seen by %q", got)
	}
	guest.Record(benchtest.Insert("note", benchtest.NewID(), map[string]any{"job": given[:], "kind": "note", "text": "后来的", "at": w.Now.UnixMilli()}))
	if out := guest.Push(); len(out) != 1 || out[0].Reason != syncproto.RowUnknown || len(held(w, given)) != 1 {
		t.Errorf("his later work there: %+v, cases %v", out, held(w, given))
	}
	w.Write(w.Centre, benchtest.System(), benchtest.Update("job", closed, 0, map[string]any{"status": "cancelled", "cancel_reason": "重复", "closed_at": w.Now.UnixMilli()}))
	if n, err := office.EndWindows(ctx, w.Ledger, w.Store, w.Centre, w.Now); err != nil || n != 0 {
		t.Errorf("inside the window %d ended, %v", n, err)
	}
	later := w.Now.AddDate(0, 0, office.WindowDays+1)
	if n, err := office.EndWindows(ctx, w.Ledger, w.Store, w.Centre, later); err != nil || n != 1 || sees(closed) != "" {
		t.Errorf("%d ended, %v; the cancelled job is seen by %q", n, err, sees(closed))
	}
}
