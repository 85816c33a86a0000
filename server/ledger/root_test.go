package ledger_test

import (
	"testing"

	"siteledger/server/ledger"
	"siteledger/syncproto"
)

// heldFor gives the reasons of the outcomes by number.
func heldFor(a *syncproto.PushAnswer) map[uint64]syncproto.Reason {
	out := map[uint64]syncproto.Reason{}
	for _, o := range a.Outcomes {
		out[o.Seq] = o.Reason
	}
	return out
}

// TestHeldUnderAPersonHoldsBackThePerson: a bad value in a row under the
// writer's person holds back, as behind, what he changes there later, and
// nothing in his jobs; one decision lets all of it take effect. By rules 1 the
// row stood under no root.
func TestHeldUnderAPersonHoldsBackThePerson(t *testing.T) {
	v := openVersioned(t, version(t, 1))
	p, q := v.phone("李师傅"), v.phone("陈师傅")
	job, _ := v.job(p.dev.Person)
	day := func(cols map[string]any) ledger.Edit { return insert("day_summary", newID(), cols) }
	good, note := map[string]any{"day": "2026-11-20", "text": "好"}, map[string]any{"job": job[:], "kind": "note", "text": "一", "at": int64(1)}

	old := day(good)
	p.recordAs(1, day(map[string]any{"day": int64(7)}))
	p.recordAs(1, old)
	if got := heldFor(p.push()); len(got) != 1 || v.stateRow("day_summary", old.Row).Rev == 0 {
		t.Fatalf("rules 1: %v", got)
	}

	v.start(version(t, 2))
	p, q = v.reopened(p), v.reopened(q)
	v.upgrade()
	bad, behind, free := day(map[string]any{"day": "2026-11-20 10:00"}), day(good), insert("note", newID(), note)
	q.recordAs(2, bad)
	q.recordAs(2, behind)
	q.recordAs(2, insert("instruction_ack", newID(), map[string]any{"instruction": make([]byte, 16), "state": "done"}))
	p.recordAs(2, day(good)) // what rules 1 held stays where it is
	p.recordAs(2, free)
	got := heldFor(q.push())
	if len(got) != 2 || got[1] != syncproto.BadValue || got[2] != syncproto.Behind {
		t.Fatalf("rules 2: %v, want the second to wait and the fact not to", got)
	}
	if got := heldFor(p.push()); len(got) != 0 {
		t.Errorf("behind what rules 1 held: %v", got)
	}
	if v.stateRow("note", free.Row).Rev == 0 {
		t.Error("a job waits for a row that is not its own")
	}
	if n := v.tally("SELECT count(*) FROM held WHERE root = $1", q.dev.Person[:]); n != 2 {
		t.Errorf("%d changes are held under the person, want 2", n)
	}
	for _, id := range v.cases()["held"] {
		if v.tally("SELECT count(*) FROM held WHERE case_id = $1 AND root = $2", id[:], q.dev.Person[:]) == 2 {
			v.decide(id, "refuse")
		}
	}
	if v.stateRow("day_summary", behind.Row).Rev == 0 {
		t.Error("what waited has not taken effect with the decision")
	}
	v.sameWhenRebuilt(nil)
}

// TestHeldUnderAHeldParent: a row with a bad value, under a row that is held
// itself, is held under the root of that.
func TestHeldUnderAHeldParent(t *testing.T) {
	v := openVersioned(t, version(t, 2))
	p := v.phone("李师傅")
	job, _ := v.job(p.dev.Person)
	visit := newID()
	p.recordAs(2, insert("visit", visit, map[string]any{"job": job[:], "person": p.dev.Person[:], "started_at": "today"}))
	p.recordAs(2, insert("fee_line", newID(), map[string]any{"visit": visit[:], "item": int64(1)}))
	if got := heldFor(p.push()); len(got) != 2 {
		t.Fatalf("held: %v", got)
	}
	if n := v.tally("SELECT count(*) FROM held WHERE root = $1", job[:]); n != 2 {
		t.Errorf("%d of 2 changes are held under the job", n)
	}
	v.sameWhenRebuilt(nil)
}
