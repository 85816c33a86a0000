package ledger_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/server/ledger"
	"siteledger/server/reconcile"
	"siteledger/syncproto"
)

// sides reads what a case says.
func (w *world) sides(id uuid.UUID) reconcile.Sides {
	w.Helper()
	var text string
	var out reconcile.Sides
	err := w.st.View(context.Background(), func(tx *sql.Tx) error {
		return tx.QueryRow("SELECT sides FROM case_file WHERE id = $1", id[:]).Scan(&text)
	})
	if err == nil {
		err = json.Unmarshal([]byte(text), &out)
	}
	if err != nil {
		w.Fatal(err)
	}
	return out
}

// checkIn is a visit with its arrival, at the phone's own time.
func (p *phone) checkIn(job uuid.UUID) (visit uuid.UUID) {
	visit = newID()
	at := p.now.UnixMilli() + p.wall
	p.record(insert("visit", visit, map[string]any{"job": job[:], "person": p.dev.Person[:], "started_at": at}),
		insert("visit_event", newID(), map[string]any{"visit": visit[:], "kind": "arrive", "at": at}))
	return visit
}

// TestOneCasePerDoubtfulClock: a clock two hours ahead is noticed, measured and
// shown once for the boot, holds nothing back, and grows with later batches
// until somebody decides (P10).
func TestOneCasePerDoubtfulClock(t *testing.T) {
	w := openWorld(t)
	p := w.phone("李师傅")
	job, _ := w.job(p.dev.Person)
	p.wall = 2 * 3600_000
	p.checkIn(job)
	recorded := w.now.UnixMilli()
	w.now = w.now.Add(40 * time.Minute)
	if a := p.push(); len(a.Outcomes) != 0 {
		t.Fatalf("a wrong clock held something back: %+v", a.Outcomes)
	}
	p.record(insert("day_summary", newID(), map[string]any{"day": "2026-09-21"}))
	p.push()
	open := w.cases()["clock"]
	if len(open) != 1 {
		t.Fatalf("cases %v, want one clock", w.cases())
	}
	c := w.sides(open[0]).Clock
	if c == nil || c.From != 1 || c.To != 3 || c.Changes != 3 || c.Boot != p.boot || len(c.Touched) != 2 || !c.Known {
		t.Fatalf("clock %+v", c)
	}
	if off := c.Most; off < 2*3600_000-1000 || off > 2*3600_000+1000 {
		t.Errorf("measured %d ms, want two hours", off)
	}
	if v := c.Touched[0]; v.Latest != recorded || v.Earliest != recorded-60_000 || v.Root != job || v.Wall != recorded+2*3600_000 {
		t.Errorf("interval %+v, recorded at %d", v, recorded)
	}
	if n := w.count("SELECT count(*) FROM event_time WHERE stands = 1"); n != 2 {
		t.Errorf("%d intervals stand, want 2", n)
	}
	w.decide(open[0], "keep")
	if n := w.count("SELECT count(*) FROM event_time WHERE stands = 0"); n != 2 {
		t.Errorf("%d intervals were given up, want 2", n)
	}
	p.checkIn(job)
	p.push()
	if open := w.cases()["clock"]; len(open) != 0 {
		t.Errorf("a decided clock opened again: %v", open)
	}
	if got := w.rebuilt(); len(got) != 0 {
		t.Errorf("the rebuilt state differs: %v", got)
	}
}

// TestHonestClocksAreNotDoubted: days offline, a clock a minute off, and a
// reboot before sending are no reason for a case.
func TestHonestClocksAreNotDoubted(t *testing.T) {
	w := openWorld(t)
	p := w.phone("李师傅")
	job, _ := w.job(p.dev.Person)
	p.wall = 60_000
	p.checkIn(job)
	w.now = w.now.Add(4 * 24 * time.Hour)
	p.push()
	p.checkIn(job)
	w.now = w.now.Add(time.Hour)
	p.boot = newID()
	p.push()
	if len(w.cases()) != 0 {
		t.Errorf("cases %v", w.cases())
	}
}

// TestClockSetWithinABoot: after a reboot the age is unknown, but a wall clock
// that moves without the monotonic one was set by hand.
func TestClockSetWithinABoot(t *testing.T) {
	w := openWorld(t)
	p := w.phone("李师傅")
	job, _ := w.job(p.dev.Person)
	p.wall = -5 * 3600_000
	p.checkIn(job)
	w.now = w.now.Add(10 * time.Minute)
	p.wall = 0
	p.checkIn(job)
	p.boot = newID()
	w.now = w.now.Add(10 * time.Minute)
	p.push()
	open := w.cases()["clock"]
	if len(open) != 1 {
		t.Fatalf("cases %v", w.cases())
	}
	if c := w.sides(open[0]).Clock; c.Known || c.Jumped != 5*3600_000 || c.Changes != 4 {
		t.Errorf("clock %+v", c)
	}
	if got := w.rebuilt(); len(got) != 0 {
		t.Errorf("the rebuilt state differs: %v", got)
	}
}

// TestForkIsOneCase: a copied phone's other past is set aside, people see one
// case, and a rebuild sees it too.
func TestForkIsOneCase(t *testing.T) {
	w := openWorld(t)
	p := w.phone("李师傅")
	for _, text := range []string{"一", "二", "三"} {
		p.record(insert("day_summary", newID(), map[string]any{"day": "2026-09-21", "text": text}))
	}
	p.push()
	twin := *p
	twin.log, twin.heads = append([][]byte(nil), p.log[:1]...), p.heads[:2:2]
	twin.record(insert("day_summary", newID(), map[string]any{"day": "2026-09-22", "text": "别的"}))
	for _, from := range []uint64{2, 2, 1} {
		if _, err := w.led.Push(context.Background(), twin.dev, twin.request(from, 2)); fault.CodeOf(err) != syncproto.LogForked {
			t.Fatalf("push from %d: %v", from, err)
		}
	}
	open := w.cases()["fork"]
	if len(open) != 1 {
		t.Fatalf("cases %v, want one fork", w.cases())
	}
	f := w.sides(open[0]).Fork
	if f == nil || f.Common != 1 || f.Acked != 3 || f.First != 2 || f.Device != p.dev.ID || f.Epoch != p.epoch || f.Entries != 1 {
		t.Fatalf("fork %+v", f)
	}
	if page := p.pull("", 500); len(page.Instructions) != 0 {
		t.Errorf("the server's entry was given to the phone: %+v", page.Instructions)
	}
	if got := w.rebuilt(); len(got) != 0 {
		t.Errorf("the rebuilt state differs: %v", got)
	}
	// Nobody at a desk can make such an entry.
	cols, err := reconcile.ForkEntry(p.dev.Person, reconcile.ForkView{Device: p.dev.ID, Epoch: newID()})
	if err != nil {
		t.Fatal(err)
	}
	w.write(w.clerk, insert("instruction", newID(), cols))
	if open := w.cases()["fork"]; len(open) != 1 {
		t.Errorf("a clerk opened a fork: %v", open)
	}
}

// TestOnePoisonedTransactionIsHeld: what the tables cannot hold must not stop
// the log, nor take the rest of the batch with it (P4).
func TestOnePoisonedTransactionIsHeld(t *testing.T) {
	w := openWorld(t)
	p := w.phone("李师傅")
	job, _ := w.job(p.dev.Person)
	w.spoil(`CREATE UNIQUE INDEX poison ON state_note ("text")`)
	note := func(text string) uuid.UUID {
		id := newID()
		p.record(insert("note", id, map[string]any{"job": job[:], "kind": "note", "text": text, "at": int64(1)}))
		return id
	}
	good, bad, behind := note("一"), note("一"), note("二")
	a := p.push()
	if a.Acked != 3 || len(a.Outcomes) != 1 || a.Outcomes[0].Seq != 2 || a.Outcomes[0].Reason != syncproto.InternalFault {
		t.Fatalf("answer %+v", a)
	}
	rows, _ := p.pullAll("", 500)
	if rows[good].Table == "" || rows[bad].Table != "" || rows[behind].Table == "" {
		t.Errorf("good %v, bad %v, behind %v", rows[good].Table, rows[bad].Table, rows[behind].Table)
	}
	if len(w.cases()["held"]) != 1 {
		t.Errorf("cases %v", w.cases())
	}
	w.spoil(`DROP INDEX poison`)
	w.decide(w.cases()["held"][0], "accept")
	if rows, _ := p.pullAll("", 500); rows[bad].Table == "" {
		t.Error("mended and accepted, and still not there")
	}
}

// TestSecondFailureIsTold: held work that is accepted and fails once more stays
// marked on the phone, under its new case.
func TestSecondFailureIsTold(t *testing.T) {
	w := openWorld(t)
	p := w.phone("李师傅")
	job, _ := w.job(p.dev.Person)
	rows, _ := p.pullAll("", 500)
	w.write(w.clerk, update("job", job, 0, map[string]any{"status": "cancelled", "cancel_reason": "顾客取消"}))
	p.record(update("job", job, rows[job].Rev, map[string]any{"status": "departed"}))
	p.push()
	first := w.cases()["held"][0]
	w.decide(first, "accept") // the job is still cancelled: it cannot depart
	second := w.cases()["held"]
	if len(second) != 1 || second[0] == first {
		t.Fatalf("cases %v", w.cases())
	}
	got := p.pull("", 500).Instructions
	if len(got) != 2 || got[0].Args["verdict"] != "accept" || got[1].Args["verdict"] != "held" || got[1].Args["case"] != second[0].String() || got[1].Args["reason"] != "transition" {
		t.Fatalf("instructions %+v", got)
	}
	if got := w.rebuilt(); len(got) != 0 {
		t.Errorf("the rebuilt state differs: %v", got)
	}
}

// TestADecisionIsCompensatedOnce: an undo names the decision; two tabs that
// undo the same one do not both succeed.
func TestADecisionIsCompensatedOnce(t *testing.T) {
	w := openWorld(t)
	p := w.phone("李师傅")
	job, _ := w.job(p.dev.Person)
	rows, _ := p.pullAll("", 500)
	p.record(update("job", job, rows[job].Rev, map[string]any{"slot_from": int64(111)}))
	w.write(w.clerk, update("job", job, rows[job].Rev, map[string]any{"slot_from": int64(222)}))
	p.push()
	k := w.cases()["conflict"][0]
	by, first := w.clerk.Person, newID()
	ruling := func(id, of uuid.UUID, verdict string) ledger.Edit {
		return insert("decision", id, map[string]any{"case": of[:], "verdict": verdict, "at": w.now.UnixMilli(), "by": by[:]})
	}
	w.write(w.clerk, update("job", job, 0, map[string]any{"slot_from": int64(111)}), ruling(first, k, "other"))
	w.write(w.clerk, update("job", job, 0, map[string]any{"slot_from": int64(222)}), ruling(newID(), first, "keep"))
	for _, of := range []uuid.UUID{first, k, newID()} {
		if _, err := w.led.Write(context.Background(), w.centre, w.clerk, []ledger.Edit{ruling(newID(), of, "keep")}); fault.CodeOf(err) != fault.Stale {
			t.Errorf("a second decision on %s: %v", of, err)
		}
	}
	ruled, err := w.st.Decisions(context.Background(), w.centre, k)
	if err != nil || len(ruled) != 2 || ruled[0].Of == ruled[1].Of {
		t.Errorf("the story of the case: %+v, %v", ruled, err)
	}
}
