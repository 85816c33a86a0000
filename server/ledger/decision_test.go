package ledger_test

import (
	"context"
	"testing"

	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/server/ledger"
	"siteledger/syncproto"
)

// ruled writes a decision under its own id; it may be refused.
func (w *world) ruled(id, of uuid.UUID, verdict string, more ...ledger.Edit) error {
	w.Helper()
	by := w.clerk.Person
	_, err := w.led.Write(context.Background(), w.centre, w.clerk,
		append(more, insert("decision", id, map[string]any{"case": of[:], "verdict": verdict, "at": w.now.UnixMilli(), "by": by[:]})))
	return err
}

// stale wants that a decision is refused because somebody else was first, or
// because there is nothing to decide.
func (w *world) stale(what string, id, of uuid.UUID, verdict string) {
	w.Helper()
	if err := w.ruled(id, of, verdict); fault.CodeOf(err) != fault.Stale {
		w.Errorf("%s: %v", what, err)
	}
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// heldBy is how many changes wait under a case.
func (w *world) heldBy(id uuid.UUID) int {
	return w.count("SELECT count(*) FROM held WHERE case_id = $1", id[:])
}

// told are the verdicts that a phone is told, by the number of the transaction.
func (p *phone) told() map[uint64][]string {
	p.Helper()
	_, page := p.pullAll("", 500)
	out := map[uint64][]string{}
	for _, in := range page.Instructions {
		seq, _ := in.Args["seq"].(float64)
		verdict, _ := in.Args["verdict"].(string)
		out[uint64(seq)] = append(out[uint64(seq)], verdict)
	}
	return out
}

// TestDecisionsThatDecideNothing: a question leaves all as it is, a case that
// is none can't be decided, and a decided one not again.
func TestDecisionsThatDecideNothing(t *testing.T) {
	w := openWorld(t)
	p := w.phone("李师傅")
	job, _ := w.job(p.dev.Person)
	rows, _ := p.pullAll("", 500)
	p.record(update("job", job, rows[job].Rev, map[string]any{"status": "finished"}))
	p.push()
	held := w.cases()["held"][0]
	ask := newID()
	w.must(w.ruled(ask, held, "ask"))
	if w.heldBy(held) != 1 || len(w.cases()["held"]) != 1 || len(p.told()) != 0 {
		t.Error("a question decided the case")
	}
	w.stale("a case that nobody opened", newID(), newID(), "accept")
	w.stale("compensating a question", newID(), ask, "refuse")
	self := newID()
	w.stale("a decision on itself", self, self, "accept")
	first := newID()
	w.must(w.ruled(first, held, "refuse"))
	if got := p.told()[1]; w.heldBy(held) != 0 || len(got) != 1 || got[0] != "refuse" {
		t.Errorf("after the refusal: %d held, told %v", w.heldBy(held), got)
	}
	for _, verdict := range []string{"accept", "refuse", "ask"} {
		w.stale(verdict+" on a decided case", newID(), held, verdict)
	}
	if d := w.rebuilt(); len(d) != 0 {
		t.Errorf("a rebuild differs: %+v", d)
	}
}

// TestCompensatedOnceEach: a decision is compensated by one that names it, once;
// that one may be compensated too, and so on. A question compensates nothing.
func TestCompensatedOnceEach(t *testing.T) {
	w := openWorld(t)
	p := w.phone("李师傅")
	job, _ := w.job(p.dev.Person)
	rows, _ := p.pullAll("", 500)
	w.write(w.clerk, update("job", job, 0, map[string]any{"slot_from": int64(2)}))
	p.record(update("job", job, rows[job].Rev, map[string]any{"slot_from": int64(1)}))
	p.push()
	chain := []uuid.UUID{newID(), newID(), newID()}
	w.must(w.ruled(chain[0], w.cases()["conflict"][0], "other", update("job", job, 0, map[string]any{"slot_from": int64(1)})))
	w.stale("a question as compensation", newID(), chain[0], "ask")
	w.must(w.ruled(chain[1], chain[0], "keep", update("job", job, 0, map[string]any{"slot_from": int64(2)})))
	w.stale("compensated a second time", newID(), chain[0], "other")
	w.must(w.ruled(chain[2], chain[1], "other", update("job", job, 0, map[string]any{"slot_from": int64(1)})))
	w.stale("the one in the middle", newID(), chain[1], "keep")
	if rows, _ = p.pullAll("", 500); rows[job].Cols["slot_from"] != int64(1) || len(w.cases()) != 0 {
		t.Errorf("stands %v, open %v", rows[job].Cols["slot_from"], w.cases())
	}
	if got := p.told()[1]; len(got) != 1 || got[0] != "other" {
		t.Errorf("told %v: the rows say the rest", got)
	}
	if d := w.rebuilt(); len(d) != 0 {
		t.Errorf("a rebuild differs: %+v", d)
	}
}

// TestMergedCaseIsSeen: what a rule has settled is looked at, and nobody is told.
func TestMergedCaseIsSeen(t *testing.T) {
	w := openWorld(t)
	p := w.phone("李师傅")
	_, contact := w.job(p.dev.Person)
	rows, _ := p.pullAll("", 500)
	p.record(update("job_contact", contact, rows[contact].Rev, map[string]any{"phone": "1"}))
	w.now = w.now.Add(1e9)
	w.write(w.clerk, update("job_contact", contact, rows[contact].Rev, map[string]any{"phone": "2"}))
	p.push()
	w.must(w.ruled(newID(), w.cases()["merged"][0], "accept"))
	if len(w.cases()) != 0 || len(p.told()) != 0 {
		t.Errorf("open %v, told %v", w.cases(), p.told())
	}
}

// TestOneHeldBehindTwo: a transaction touches two jobs on which something waits.
// Accepting the first lets it go only as far as the second; the phone is told so.
func TestOneHeldBehindTwo(t *testing.T) {
	for _, verdict := range []string{"accept", "refuse"} {
		w := openWorld(t)
		p := w.phone("李师傅")
		one, _ := w.job(p.dev.Person)
		two, _ := w.job(p.dev.Person)
		rows, _ := p.pullAll("", 500)
		for _, job := range []uuid.UUID{one, two} {
			w.write(w.clerk, update("job", job, 0, map[string]any{"status": "cancelled", "cancel_reason": "顾客取消"}))
		}
		p.record(update("job", one, rows[one].Rev, map[string]any{"status": "departed"}))
		p.record(update("job", two, rows[two].Rev, map[string]any{"status": "departed"}))
		p.record(update("job", two, rows[two].Rev, map[string]any{"slot_to": int64(22)}), update("job", one, rows[one].Rev, map[string]any{"slot_to": int64(11)}))
		out := p.push().Outcomes
		if len(out) != 4 || out[2].Reason != syncproto.Behind {
			t.Fatalf("outcomes %+v", out)
		}
		first, second := uuid.UUID(out[0].Case), uuid.UUID(out[1].Case)
		if uuid.UUID(out[2].Case) != second || w.heldBy(first) != 1 || w.heldBy(second) != 3 {
			t.Fatalf("held by the first %d, by the second %d", w.heldBy(first), w.heldBy(second))
		}
		for _, job := range []uuid.UUID{one, two} {
			w.write(w.clerk, update("job", job, 0, map[string]any{"status": "dispatched"}))
		}
		w.must(w.ruled(newID(), second, "accept"))
		if w.heldBy(first) != 3 || w.heldBy(second) != 0 {
			t.Errorf("held by the first %d, by the second %d", w.heldBy(first), w.heldBy(second))
		}
		if told := p.told(); len(told[2]) != 1 || told[2][0] != "accept" || len(told[3]) != 1 || told[3][0] != "held" {
			t.Errorf("told %v", told)
		}
		w.must(w.ruled(newID(), first, verdict))
		if w.count("SELECT count(*) FROM held") != 0 || len(w.cases()["held"]) != 0 {
			t.Errorf("%s: held %d, open %v", verdict, w.count("SELECT count(*) FROM held"), w.cases())
		}
		rows, _ = p.pullAll("", 500)
		want := map[string]string{"accept": "departed", "refuse": "dispatched"}[verdict]
		if rows[one].Cols["status"] != want || rows[two].Cols["status"] != "departed" || rows[one].Cols["slot_to"] != int64(11) || rows[two].Cols["slot_to"] != int64(22) {
			t.Errorf("%s: one %v %v, two %v %v", verdict, rows[one].Cols["status"], rows[one].Cols["slot_to"], rows[two].Cols["status"], rows[two].Cols["slot_to"])
		}
		if d := w.rebuilt(); len(d) != 0 {
			t.Errorf("%s: a rebuild differs: %+v", verdict, d)
		}
	}
}
