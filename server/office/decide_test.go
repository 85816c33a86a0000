package office_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/server/office"
	"siteledger/server/office/benchtest"
	"siteledger/server/report"
	"siteledger/syncproto"
)

func mustFault(t *testing.T, err error, code syncproto.Code, message string) {
	t.Helper()
	if fault.CodeOf(err) != code {
		t.Fatalf("got %v, want a fault %s", err, code)
	}
	if message != "" && !strings.Contains(fault.Of(err).Message, message) {
		t.Fatalf("message %q does not say %q", fault.Of(err).Message, message)
	}
}

// phoneCase is the case of the customer's number, corrected by the clerk and,
// later and without a network, by the technician.
func phoneCase(t *testing.T) (*benchtest.World, *benchtest.Story, report.Case) {
	t.Helper()
	w := benchtest.Open(t)
	s := w.Finished()
	return w, s, w.Case(s.Job, report.CaseMerged, "phone")
}

func TestDecideSaysBothSides(t *testing.T) {
	w, s, c := phoneCase(t)
	if c.Sides.Standing.Value != benchtest.ByPhone || c.Sides.Other.Value != benchtest.ByClerk {
		t.Fatalf("standing %v, other %v: the later correction stands, the clerk's is kept", c.Sides.Standing.Value, c.Sides.Other.Value)
	}
	if c.Sides.Other.Actor != w.Clerk.Person || !c.Sides.Other.Office || c.Sides.Standing.Actor != s.Phone.Device.Person {
		t.Fatalf("who wrote what is wrong: %+v %+v", c.Sides.Standing, c.Sides.Other)
	}
	if lag := c.Sides.Standing.Received - c.Sides.Standing.Wall; lag != 3*3600*1000 {
		t.Fatalf("the server knew %d ms later, want three hours", lag)
	}
}

func TestAcceptedContactReachesTheCustomersFile(t *testing.T) {
	w, s, c := phoneCase(t)
	done, err := w.Bench.Decide(context.Background(), w.Clerk, office.Ruling{Case: c.ID, Verdict: office.VerdictAccept})
	if err != nil {
		t.Fatal(err)
	}
	if done.Changed || !done.File {
		t.Fatalf("accepting what stands changes the file alone, got %+v", done)
	}
	if got := w.Row("customer", s.Customer).Text("phone"); got != benchtest.ByPhone {
		t.Fatalf("the customer's file has %s", got)
	}
	after, err := w.Store.Case(context.Background(), w.Centre, c.ID)
	if err != nil {
		t.Fatal(err)
	}
	if after.Open || after.DecidedBy != w.Clerk.Person || after.Verdict != office.VerdictAccept {
		t.Fatalf("case after the decision: %+v", after)
	}
}

func TestDecideTakesTheOtherValueAndUndoes(t *testing.T) {
	w, s, c := phoneCase(t)
	ctx := context.Background()
	done, err := w.Bench.Decide(ctx, w.Clerk, office.Ruling{Case: c.ID, Verdict: office.VerdictOther, Base: w.Row("job_contact", s.Contact).Rev})
	if err != nil || !done.Changed {
		t.Fatalf("%+v %v", done, err)
	}
	if got := w.Row("job_contact", s.Contact).Text("phone"); got != benchtest.ByClerk {
		t.Fatalf("the job has %s", got)
	}
	if _, err := w.Bench.Revise(ctx, w.Supervisor, office.Ruling{Case: c.ID, Verdict: office.VerdictKeep, Reason: "撤销"}); err != nil {
		t.Fatal(err)
	}
	if a, b := w.Row("job_contact", s.Contact).Text("phone"), w.Row("customer", s.Customer).Text("phone"); a != benchtest.ByPhone || b != benchtest.ByPhone {
		t.Fatalf("after the undo the job has %s, the file %s", a, b)
	}
	notes := w.File(s.Job).All("note")
	if len(notes) != 1 || !strings.Contains(notes[0].Text("text"), "撤销") {
		t.Fatalf("the compensating entry left no note: %v", notes)
	}
	_, err = w.Bench.Revise(ctx, w.Supervisor, office.Ruling{Case: c.ID, Verdict: office.VerdictKeep, Reason: "again"})
	mustFault(t, err, fault.Invalid, "decide.same")
}

func TestDecideEditNeedsReasonAndAFittingValue(t *testing.T) {
	w, s, c := phoneCase(t)
	ctx := context.Background()
	_, err := w.Bench.Decide(ctx, w.Clerk, office.Ruling{Case: c.ID, Verdict: office.VerdictEdit, Value: "13700001111"})
	mustFault(t, err, fault.Invalid, "decide.reason")
	_, err = w.Bench.Decide(ctx, w.Clerk, office.Ruling{Case: c.ID, Verdict: office.VerdictEdit, Value: strings.Repeat("1", 41), Reason: "回拨核实"})
	mustFault(t, err, fault.Invalid, "decide.value")
	if _, err := w.Bench.Decide(ctx, w.Clerk, office.Ruling{Case: c.ID, Verdict: office.VerdictEdit, Value: "13700001111", Reason: "回拨核实"}); err != nil {
		t.Fatal(err)
	}
	if got := w.Row("job_contact", s.Contact).Text("phone"); got != "13700001111" {
		t.Fatalf("the job has %s", got)
	}
}

func TestDecideStaleAndForeign(t *testing.T) {
	w, s, c := phoneCase(t)
	ctx := context.Background()
	_, err := w.Bench.Decide(ctx, w.Stranger, office.Ruling{Case: c.ID, Verdict: office.VerdictAccept})
	mustFault(t, err, syncproto.NotFound, "")
	_, err = w.Bench.Decide(ctx, w.Adjudicator, office.Ruling{Case: c.ID, Verdict: office.VerdictAccept})
	mustFault(t, err, syncproto.Forbidden, "")
	_, err = w.Bench.Decide(ctx, w.Clerk, office.Ruling{Case: benchtest.NewID(), Verdict: office.VerdictAccept})
	mustFault(t, err, syncproto.NotFound, "")

	base := w.Row("job_contact", s.Contact).Rev
	w.Write(w.Centre, benchtest.Author(w.Supervisor), benchtest.Update("job_contact", s.Contact, base, map[string]any{"phone": "13000000000"}))
	_, err = w.Bench.Decide(ctx, w.Clerk, office.Ruling{Case: c.ID, Verdict: office.VerdictOther, Base: base})
	mustFault(t, err, fault.Stale, "decide.moved-on")

	_, err = w.Bench.Decide(ctx, w.Clerk, office.Ruling{Case: c.ID, Verdict: office.VerdictOther})
	mustFault(t, err, fault.Stale, "decide.moved-on")
	if _, err := w.Bench.Decide(ctx, w.Clerk, office.Ruling{Case: c.ID, Verdict: office.VerdictKeep}); err != nil {
		t.Fatal(err)
	}
	_, err = w.Bench.Decide(ctx, w.Supervisor, office.Ruling{Case: c.ID, Verdict: office.VerdictKeep})
	mustFault(t, err, fault.Stale, "decide.stale-decided")
}

func TestAskKeepsTheCaseOpen(t *testing.T) {
	w, s, c := phoneCase(t)
	if _, err := w.Bench.Decide(context.Background(), w.Clerk, office.Ruling{Case: c.ID, Verdict: office.VerdictAsk, Reason: "哪个号码是客户现在用的?"}); err != nil {
		t.Fatal(err)
	}
	w.Case(s.Job, report.CaseMerged, "phone") // still open
	notes := w.File(s.Job).All("note")
	if len(notes) != 1 || notes[0].Text("kind") != "question" {
		t.Fatalf("the phone would show no question: %v", notes)
	}
	ruled, err := w.Store.Decisions(context.Background(), w.Centre, c.ID)
	if err != nil || len(ruled) != 1 || ruled[0].By != w.Clerk.Person {
		t.Fatalf("%v %v", ruled, err)
	}
}

func TestHeldWorkIsTakenInOrRefused(t *testing.T) {
	for verdict, want := range map[string]int{office.VerdictAccept: 1, office.VerdictRefuse: 0} {
		t.Run(verdict, func(t *testing.T) {
			w := benchtest.Open(t)
			s := w.Finished()
			stranger := w.Phone("陈师傅")
			w.Pass(time.Minute)
			stranger.Record(benchtest.Insert("note", benchtest.NewID(), map[string]any{"job": s.Job[:], "kind": "note", "text": "顺路看过", "at": w.Now.UnixMilli()}))
			stranger.Push()
			var c report.Case
			for _, k := range w.File(s.Job).Cases {
				if k.Kind == report.CaseHeld || k.Kind == report.CaseHandover {
					c = k
				}
			}
			if c.ID == uuid.Nil {
				t.Fatal("work of somebody who is not on the job opened no case")
			}
			if len(c.Sides.Changes) != 1 || c.Sides.Changes[0].Table != "note" {
				t.Fatalf("the case does not show what is held: %+v", c.Sides)
			}
			if _, err := w.Bench.Decide(context.Background(), w.Clerk, office.Ruling{Case: c.ID, Verdict: verdict, Reason: "已问过"}); err != nil {
				t.Fatal(err)
			}
			if got := len(w.File(s.Job).All("note")); got != want {
				t.Fatalf("there are %d notes, want %d", got, want)
			}
		})
	}
}

func TestWaiverIsTheCentresToAnswer(t *testing.T) {
	w := benchtest.Open(t)
	s := w.Finished()
	ctx := context.Background()
	s.Phone.Record(benchtest.Insert("waiver", s.Waiver, map[string]any{"visit": s.Visit[:], "amount": int64(2000), "currency": "CNY", "reason": "客户嫌贵", "status": "pending"}))
	s.Phone.Push()
	rev := w.Row("waiver", s.Waiver).Rev
	mustFault(t, w.Bench.Waive(ctx, w.Stranger, s.Waiver, rev, true), syncproto.NotFound, "")
	if err := w.Bench.Waive(ctx, w.Clerk, s.Waiver, rev, false); err != nil {
		t.Fatal(err)
	}
	if got := w.Row("waiver", s.Waiver); got.Text("status") != "refused" || got.UUID("decided_by") != w.Clerk.Person {
		t.Fatalf("%v", got.Cols)
	}
	mustFault(t, w.Bench.Waive(ctx, w.Supervisor, s.Waiver, rev, true), fault.Stale, "")
}

// Work of somebody who has left the crew waits behind one case, the changes of
// held rows too, and one answer takes all of it in.
func TestHeldVisitIsOneCaseAndComesInWhole(t *testing.T) {
	w := benchtest.Open(t)
	s := w.Finished()
	other := w.Phone("陈师傅")
	assignment := benchtest.NewID()
	w.Write(w.Centre, benchtest.Author(w.Clerk), benchtest.Insert("assignment", assignment, map[string]any{"job": s.Job[:], "person": other.Device.Person[:], "active": true}))
	w.Write(w.Centre, benchtest.Author(w.Clerk), benchtest.Update("assignment", assignment, 0, map[string]any{"active": false}))
	visit := benchtest.NewID()
	other.Record(benchtest.Insert("visit", visit, map[string]any{"job": s.Job[:], "person": other.Device.Person[:], "started_at": w.Now.UnixMilli()}))
	change := benchtest.Update("visit", visit, 0, map[string]any{"outcome": "solved"})
	change.Was = map[string]any{"outcome": nil}
	other.Record(change)
	other.Push()
	var open []report.Case
	for _, k := range w.File(s.Job).Cases {
		if k.Open && k.Kind == report.CaseHandover || k.Kind == report.CaseHeld {
			open = append(open, k)
		}
	}
	if len(open) != 1 {
		t.Fatalf("%d cases for one visit of somebody who left the crew: %+v", len(open), open)
	}
	if _, err := w.Bench.Decide(context.Background(), w.Clerk, office.Ruling{Case: open[0].ID, Verdict: office.VerdictAccept, Rest: true}); err != nil {
		t.Fatal(err)
	}
	if v, ok := w.File(s.Job).Find("visit", visit); !ok || v.Text("outcome") != "solved" {
		t.Fatalf("visit after the decision: %v %v", ok, v.Cols)
	}
}
