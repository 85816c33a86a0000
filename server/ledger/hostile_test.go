package ledger_test

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/server/ledger"
	"siteledger/server/reconcile"
	"siteledger/server/store"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

// change encodes one whole transaction as a phone would, for a test to alter
// first.
func (p *phone) change(e ledger.Edit, alter func(*changelog.Change)) []byte {
	p.Helper()
	seq := uint64(len(p.log)) + 1
	ch := changelog.Change{Seq: seq, HLC: uint64(p.now.UnixMilli()) << 16, Wall: p.now.UnixMilli(), Txn: seq, Last: true, Table: e.Table, Row: e.Row, Op: e.Op,
		Base: e.Base, Cols: e.Cols, Was: e.Was, Actor: p.dev.Person, Schema: 1, Boot: p.boot, Mono: p.mono(), Salt: newID()}
	alter(&ch)
	b, err := p.codec.Encode(&ch)
	if err != nil {
		p.Fatal(err)
	}
	return b
}

// TestJobUnderAForeignRoot: whoever records a job joins its root, so a job must
// not take the id of the office's files, of the centre or of another person
// (P7).
func TestJobUnderAForeignRoot(t *testing.T) {
	w := openWorld(t)
	p, other := w.phone("李师傅"), w.phone("陈师傅")
	secret := newID()
	w.write(w.clerk, insert("customer", secret, map[string]any{"name": "张𠮷", "phone": "13800000000"}))
	summary := newID()
	other.record(insert("day_summary", summary, map[string]any{"day": "2026-09-21", "text": "私事"}))
	other.push()
	for _, id := range []uuid.UUID{reconcile.OfficeRoot(w.centre), w.centre, other.dev.Person, uuid.Nil} {
		p.record(insert("job", id, map[string]any{"kind": "repair", "intake_at": int64(1), "asked_work": "x", "warranty": "out", "status": "new"}))
	}
	a := p.push()
	if len(a.Outcomes) != 4 {
		t.Fatalf("outcomes %+v", a.Outcomes)
	}
	for _, o := range a.Outcomes {
		if o.Code != syncproto.Held || o.Reason != syncproto.RowExists {
			t.Errorf("outcome %+v", o)
		}
	}
	for _, id := range w.cases()["held"] {
		w.decide(id, "accept")
	}
	rows, _ := p.pullAll("", 500)
	if _, ok := rows[secret]; ok {
		t.Error("the phone sees the customer files")
	}
	if _, ok := rows[summary]; ok {
		t.Error("the phone sees another person's rows")
	}
	if w.count("SELECT count(*) FROM membership") != 0 {
		t.Error("the phone joined a root")
	}
}

// TestNestedValueIsHeld: what CBOR can say and JSON cannot must not stop the
// log (P4).
func TestNestedValueIsHeld(t *testing.T) {
	w := openWorld(t)
	p := w.phone("李师傅")
	_, contact := w.job(p.dev.Person)
	rows, _ := p.pullAll("", 500)
	base := rows[contact].Rev
	nested := map[any]any{int64(1): []any{[]byte{1}, "a"}}
	w.write(w.clerk, update("job_contact", contact, base, map[string]any{"note": "三楼"}))
	e := update("job_contact", contact, base, map[string]any{"note": "二楼"})
	e.Was = map[string]any{"note": nested}
	p.record(e)
	p.record(update("job_contact", contact, base, map[string]any{"phone": nested}))
	p.record(insert("day_summary", newID(), map[string]any{"day": "2026-09-21", "text": "好"}))
	a := p.push()
	if a.Acked != 3 || len(a.Outcomes) != 2 && len(a.Outcomes) != 1 {
		t.Fatalf("acked %d, outcomes %+v", a.Acked, a.Outcomes)
	}
	if last := a.Outcomes[len(a.Outcomes)-1]; last.Seq != 2 || last.Code != syncproto.Held || last.Reason != syncproto.BadValue {
		t.Errorf("outcome %+v", last)
	}
}

// TestNobodyBorrowsAnActor: a transaction that is held before its actor was
// looked at must not be folded with another person's rights once accepted.
func TestNobodyBorrowsAnActor(t *testing.T) {
	w := openWorld(t)
	boss := w.person("赵主管", schema.Supervisor)
	p := w.phone("李师傅")
	job, _ := w.job(p.dev.Person)
	cancel := update("job", job, 0, map[string]any{"cancel_reason": "借名"})
	// Cut off: it never ends.
	p.raw(p.change(cancel, func(ch *changelog.Change) { ch.Actor, ch.Last = boss, false }))
	// Its own number is another one.
	p.raw(p.change(cancel, func(ch *changelog.Change) { ch.Actor, ch.Seq = boss, 99 }))
	// In a table of a later version.
	p.raw(p.change(ledger.Edit{Table: "later", Row: newID(), Op: changelog.Insert}, func(ch *changelog.Change) { ch.Actor = boss }))
	a := p.push()
	if len(a.Outcomes) != 3 {
		t.Fatalf("outcomes %+v", a.Outcomes)
	}
	for i, want := range []syncproto.Reason{syncproto.NotActor, syncproto.Undecodable, syncproto.NotActor} {
		if a.Outcomes[i].Reason != want {
			t.Errorf("outcome %+v, want %s", a.Outcomes[i], want)
		}
	}
	for _, id := range w.cases()["held"] {
		w.decide(id, "accept")
	}
	rows, _ := p.pullAll("", 500)
	if got := rows[job].Cols["cancel_reason"]; got != nil {
		t.Errorf("written in another's name: %v", got)
	}
}

// TestRowsOfTwoTablesShareAnID: the feed gives both.
func TestRowsOfTwoTablesShareAnID(t *testing.T) {
	w := openWorld(t)
	p := w.phone("李师傅")
	job, _ := w.job(p.dev.Person)
	id := newID()
	p.record(
		insert("visit", id, map[string]any{"job": job[:], "person": p.dev.Person[:], "started_at": int64(1)}),
		insert("note", id, map[string]any{"job": job[:], "kind": "note", "text": "一", "at": int64(1)}))
	p.push()
	seen := map[string]int{}
	for _, r := range p.pull("", 500).Rows {
		if r.ID == id {
			seen[r.Table]++
		}
	}
	if seen["visit"] != 1 || seen["note"] != 1 {
		t.Errorf("given: %v", seen)
	}
}

// TestAssignmentHandedToAnother: the person who was on it leaves (P7).
func TestAssignmentHandedToAnother(t *testing.T) {
	w := openWorld(t)
	a, b := w.phone("李师傅"), w.phone("陈师傅")
	job, _ := w.job(a.dev.Person)
	rows, page := a.pullAll("", 500)
	for _, r := range rows {
		if r.Table == "assignment" {
			w.write(w.clerk, update("assignment", r.ID, r.Rev, map[string]any{"person": b.dev.Person[:]}))
		}
	}
	next := a.pull(page.Next, 500)
	if len(next.Removed) != 1 || next.Removed[0].Root == nil || *next.Removed[0].Root != job {
		t.Errorf("removed %+v", next.Removed)
	}
	if rows, _ := b.pullAll("", 500); rows[job].Rev == 0 {
		t.Error("the other does not see the job")
	}
}

// TestBaseThatNobodyWasGiven cannot win silently over the office (P5).
func TestBaseThatNobodyWasGiven(t *testing.T) {
	w := openWorld(t)
	p := w.phone("李师傅")
	job, _ := w.job(p.dev.Person)
	w.write(w.clerk, update("job", job, 0, map[string]any{"slot_from": int64(222)}))
	p.record(update("job", job, 1<<62, map[string]any{"slot_from": int64(111)}))
	a := p.push()
	if len(a.Outcomes) != 1 || a.Outcomes[0].Code != syncproto.Conflict {
		t.Errorf("outcomes %+v", a.Outcomes)
	}
}

// TestAnotherAcknowledgesMyInstruction: it stays until I do.
func TestAnotherAcknowledgesMyInstruction(t *testing.T) {
	w := openWorld(t)
	p, other := w.phone("李师傅"), w.phone("陈师傅")
	id := newID()
	w.write(w.clerk, insert("instruction", id, map[string]any{"person": p.dev.Person[:], "kind": "message", "at": int64(1)}))
	other.record(insert("instruction_ack", newID(), map[string]any{"instruction": id[:], "state": "done"}))
	other.push()
	if got := p.pull("", 500).Instructions; len(got) != 1 {
		t.Errorf("after another's acknowledgement: %+v", got)
	}
	p.record(insert("instruction_ack", newID(), map[string]any{"instruction": id[:], "state": "done"}))
	p.push()
	if got := p.pull("", 500).Instructions; len(got) != 0 {
		t.Errorf("after mine: %+v", got)
	}
}

// TestPhoneNamedLikeTheOffice cannot write on in the office's log.
func TestPhoneNamedLikeTheOffice(t *testing.T) {
	w := openWorld(t)
	p := w.phone("李师傅")
	err := w.st.UpdateCentre(context.Background(), w.centre, func(tx ledger.Tx) error {
		s, err := tx.Stream(context.Background())
		p.dev.ID = s.OfficeDevice
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	p.heads = []changelog.Hash{changelog.Genesis(p.dev.ID, p.epoch)}
	p.record(insert("day_summary", newID(), map[string]any{"day": "2026-09-21"}))
	if _, err := w.led.Push(context.Background(), p.dev, p.request(1, 1)); fault.CodeOf(err) != syncproto.WrongDevice {
		t.Errorf("push: %v", err)
	}
}

// TestOverlapReadsNoFurther: a small old batch again does not read the log's
// rest.
func TestOverlapReadsNoFurther(t *testing.T) {
	w := openWorld(t)
	p := w.phone("李师傅")
	for range 5 {
		p.record(insert("day_summary", newID(), map[string]any{"day": "2026-09-21"}))
		p.push()
	}
	err := w.st.UpdateCentre(context.Background(), w.centre, func(tx ledger.Tx) error {
		got, err := tx.Overlap(context.Background(), p.dev.ID, p.epoch, 2, 3)
		if err == nil && (len(got) != 2 || got[0].First != 2 || got[1].First != 3) {
			t.Errorf("overlap of 2 to 3: %d batches", len(got))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if a, err := w.led.Push(context.Background(), p.dev, p.request(2, 3)); err != nil || a.Acked != 5 {
		t.Errorf("again: %+v, %v", a, err)
	}
}

// TestRebuildKeepsHeadquartersInStep: what headquarters wrote between the work
// of two centres was not known to either of them.
func TestRebuildKeepsHeadquartersInStep(t *testing.T) {
	w := openWorld(t)
	ctx := context.Background()
	north := newID()
	if err := w.led.CreateStream(ctx, north, false); err != nil {
		t.Fatal(err)
	}
	judge := newID()
	at := func(centre uuid.UUID, by ledger.Author, edits ...ledger.Edit) {
		t.Helper()
		if _, err := w.led.Write(ctx, centre, by, edits); err != nil {
			t.Fatal(err)
		}
	}
	row := newID()
	at(w.hq, system, insert("person", judge, map[string]any{"name": "周工", "role": string(schema.Adjudicator), "active": true}))
	at(north, ledger.Author{Person: judge}, insert("instruction", row, map[string]any{"person": judge[:], "kind": "message", "at": int64(1)}))
	at(w.hq, system, update("person", judge, 0, map[string]any{"role": string(schema.Installer)}))
	w.write(w.clerk, insert("community", newID(), map[string]any{"name": "翠湖"}))
	second, err := store.Open(ctx, store.Config{Path: filepath.Join(t.TempDir(), "second.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if err := second.CopyStreams(ctx, w.st); err != nil {
		t.Fatal(err)
	}
	l, err := ledger.New(ledger.Config{Update: second.UpdateCentre, Create: second.CreateStream, History: w.history, Schema: schema.MustCurrent(), Signer: w.key,
		Limits: syncproto.DefaultLimits(), Now: func() time.Time { return time.UnixMilli(1) }, NewID: newID, Salt: func() [16]byte { return newID() }})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Rebuild(ctx, w.st, w.hq, []uuid.UUID{w.centre, north}, func(int) {}); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Compare(ctx, w.st, second, func(d store.Difference) error { t.Errorf("%+v", d); return nil }); err != nil {
		t.Fatal(err)
	}
}

// TestVerifyMissesNoWholeLog: a log of which nothing is left is damage too
// (P8).
func TestVerifyMissesNoWholeLog(t *testing.T) {
	w := openWorld(t)
	p := w.phone("李师傅")
	p.record(insert("day_summary", newID(), map[string]any{"day": "2026-09-21"}))
	p.push()
	damage := func() (out []ledger.Damage) {
		t.Helper()
		keys := []ed25519.PublicKey{w.key.priv.Public().(ed25519.PublicKey)}
		_, err := ledger.Verify(context.Background(), w.st, w.centre, keys, func(d ledger.Damage) error { out = append(out, d); return nil })
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	if got := damage(); len(got) != 0 {
		t.Fatalf("whole: %v", got)
	}
	w.spoil("DELETE FROM ledger WHERE device = $1", p.dev.ID[:])
	if got := damage(); len(got) != 1 || got[0].Device != p.dev.ID || got[0].Seq != 1 {
		t.Errorf("after its batches were dropped: %v", got)
	}
}

// TestLaterCaseParksNothingEarlier: a transaction that waited behind one case
// is not parked under the case of a later one, whose refusal would drop it (P1,
// P4).
func TestLaterCaseParksNothingEarlier(t *testing.T) {
	w := openWorld(t)
	p := w.phone("李师傅")
	job, contact := w.job(p.dev.Person)
	rows, _ := p.pullAll("", 500)
	base := rows[contact].Rev
	p.record(update("job", job, rows[job].Rev, map[string]any{"status": "finished"})) // no such step
	p.record(update("job_contact", contact, base, map[string]any{"note": "二楼"}))      // waits behind it
	p.record(update("job_contact", contact, base, map[string]any{"phone": int64(1)})) // for itself
	p.record(update("job_contact", contact, base, map[string]any{"gate_rule": "登记"})) // behind both
	p.push()
	held := w.cases()["held"]
	if len(held) != 2 {
		t.Fatalf("cases %v", held)
	}
	first := func() (id uuid.UUID) {
		t.Helper()
		err := w.st.View(context.Background(), func(tx *sql.Tx) error {
			var b []byte
			err := tx.QueryRow("SELECT case_id FROM held ORDER BY seq LIMIT 1").Scan(&b)
			copy(id[:], b)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	w.decide(first(), "refuse")
	rows, _ = p.pullAll("", 500)
	if rows[contact].Cols["note"] != "二楼" || rows[contact].Cols["gate_rule"] != nil {
		t.Errorf("after the first: note %v, gate %v", rows[contact].Cols["note"], rows[contact].Cols["gate_rule"])
	}
	w.decide(first(), "refuse")
	rows, _ = p.pullAll("", 500)
	if rows[contact].Cols["note"] != "二楼" || rows[contact].Cols["gate_rule"] != "登记" || rows[contact].Cols["phone"] != "13800000000" {
		t.Errorf("after both: %v", rows[contact].Cols)
	}
	if len(w.cases()["held"]) != 0 || w.count("SELECT count(*) FROM held") != 0 {
		t.Errorf("left: %v", w.cases())
	}
	if d := w.rebuilt(); len(d) > 0 {
		t.Errorf("rebuilt: %v", d)
	}
}

// TestHeldWorkReachesTheDesk: a push that only opens a case is told to the
// screens, which list it.
func TestHeldWorkReachesTheDesk(t *testing.T) {
	w := openWorld(t)
	p := w.phone("李师傅")
	job, _ := w.job(p.dev.Person)
	pokes := 0
	w.led.Poke = func(uuid.UUID) { pokes++ }
	p.record(update("job", job, 0, map[string]any{"status": "finished"}))
	if a := p.push(); len(a.Hint) != 0 || len(w.cases()["held"]) != 1 {
		t.Fatalf("hint %v, cases %v", a.Hint, w.cases())
	}
	if pokes != 1 {
		t.Errorf("%d pokes", pokes)
	}
	if p.acked = 0; p.push().Acked != 1 || pokes != 1 {
		t.Errorf("again: %d pokes", pokes)
	}
}
