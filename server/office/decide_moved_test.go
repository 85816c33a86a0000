package office_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/server/office"
	"siteledger/server/office/benchtest"
	"siteledger/syncproto/schema"
)

// TestAcceptedTogetherOverwritesNothing: between the merge and the clerk's answer
// somebody who saw what stood corrected it once more. Taking note of the merge
// does not put the older value back (P5).
func TestAcceptedTogetherOverwritesNothing(t *testing.T) {
	w, s, c := phoneCase(t)
	w.Pass(time.Hour)
	w.Write(w.Centre, benchtest.Author(w.Supervisor), benchtest.Update("job_contact", s.Contact, w.Row("job_contact", s.Contact).Rev, map[string]any{"phone": "13000000000"}))
	if _, err := w.Bench.AcceptTogether(context.Background(), w.Clerk, []uuid.UUID{c.ID}, ""); err != nil {
		t.Fatal(err)
	}
	if got := w.Row("job_contact", s.Contact).Text("phone"); got != "13000000000" {
		t.Errorf("the later correction was overwritten with %s", got)
	}
}

// TestAcceptOnAFreshScreenOverwritesNothing: the same with one case and a screen
// that was opened after the correction.
func TestAcceptOnAFreshScreenOverwritesNothing(t *testing.T) {
	w, s, c := phoneCase(t)
	w.Pass(time.Hour)
	w.Write(w.Centre, benchtest.Author(w.Supervisor), benchtest.Update("job_contact", s.Contact, w.Row("job_contact", s.Contact).Rev, map[string]any{"phone": "13000000000"}))
	_, err := w.Bench.Decide(context.Background(), w.Clerk, office.Ruling{Case: c.ID, Verdict: office.VerdictKeep, Base: w.Row("job_contact", s.Contact).Rev})
	if got := w.Row("job_contact", s.Contact).Text("phone"); got != "13000000000" {
		t.Errorf("keeping what stands put back %s (%v)", got, err)
	}
}

// TestTurnedOverOverwritesNothing: what was refused is taken in after all; what
// somebody has written since is not overwritten without a word, as it is not when
// an accepted change is put back.
func TestTurnedOverOverwritesNothing(t *testing.T) {
	w, s, c := leftCrew(t)
	ctx := context.Background()
	if _, err := w.Bench.Decide(ctx, w.Clerk, office.Ruling{Case: c.ID, Verdict: office.VerdictRefuse, Reason: "不是这家"}); err != nil {
		t.Fatal(err)
	}
	w.Pass(time.Hour)
	w.Write(w.Centre, benchtest.Author(w.Supervisor), benchtest.Update("job_contact", s.Contact, w.Row("job_contact", s.Contact).Rev, map[string]any{"note": "三楼"}))
	_, err := w.Bench.Revise(ctx, w.Supervisor, office.Ruling{Case: c.ID, Verdict: office.VerdictAccept, Reason: "还是收下"})
	if got := w.Row("job_contact", s.Contact).Text("note"); got != "三楼" {
		t.Errorf("a later note was overwritten with %q (%v)", got, err)
	}
}

// without is a store in which a table's rows were deleted.
type without struct {
	office.Files
	table string
}

func (f without) StateRow(ctx context.Context, centre uuid.UUID, table string, id uuid.UUID) (schema.Row, bool, error) {
	if table == f.table {
		return schema.Row{}, false, nil
	}
	return f.Files.StateRow(ctx, centre, table, id)
}

// TestNothingIsWrittenIntoADeletedRow: a verdict that wants a value in a row
// that was deleted is refused with its reason, and the case stays open; that it
// is gone can be taken note of.
func TestNothingIsWrittenIntoADeletedRow(t *testing.T) {
	w, _, c := phoneCase(t)
	ctx := context.Background()
	bench := office.NewBench(w.Ledger, without{w.Store, "job_contact"}, w.Schema, func() time.Time { return w.Now }, benchtest.NewID)
	for _, r := range []office.Ruling{{Verdict: office.VerdictOther}, {Verdict: office.VerdictEdit, Value: "13000000000"}} {
		r.Case, r.Reason = c.ID, "还要用"
		_, err := bench.Decide(ctx, w.Clerk, r)
		mustFault(t, err, fault.Invalid, "decide.deleted")
	}
	if after, err := w.Store.Case(ctx, w.Centre, c.ID); err != nil || !after.Open {
		t.Fatalf("a verdict without effect closed the case: %v", err)
	}
	if _, err := bench.Decide(ctx, w.Clerk, office.Ruling{Case: c.ID, Verdict: office.VerdictKeep}); err != nil {
		t.Fatal(err)
	}
	for _, r := range []office.Ruling{{Verdict: office.VerdictOther}, {Verdict: office.VerdictKeep}} {
		r.Case, r.Reason = c.ID, "改回来"
		_, err := bench.Revise(ctx, w.Clerk, r)
		mustFault(t, err, fault.Invalid, "decide.deleted")
	}
}
