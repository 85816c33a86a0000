package office_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"siteledger/server/office"
	"siteledger/server/office/benchtest"
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
