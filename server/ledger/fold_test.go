package ledger_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/server/ledger"
	"siteledger/syncproto"
	"siteledger/syncproto/schema"
)

// open lists the open cases by kind.
func (w *world) cases() map[string][]uuid.UUID {
	w.Helper()
	out := map[string][]uuid.UUID{}
	err := w.st.View(context.Background(), func(tx *sql.Tx) error {
		rows, err := tx.Query("SELECT kind, id FROM case_file WHERE centre = $1 AND state = 'open' ORDER BY opened_at, id", w.centre[:])
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var kind string
			var id []byte
			if err := rows.Scan(&kind, &id); err != nil {
				return err
			}
			out[kind] = append(out[kind], uuid.UUID(id))
		}
		return rows.Err()
	})
	if err != nil {
		w.Fatal(err)
	}
	return out
}

func (w *world) count(text string, args ...any) int {
	w.Helper()
	var n int
	if err := w.st.View(context.Background(), func(tx *sql.Tx) error { return tx.QueryRow(text, args...).Scan(&n) }); err != nil {
		w.Fatal(err)
	}
	return n
}

func (w *world) decide(id uuid.UUID, verdict string, more ...ledger.Edit) {
	w.Helper()
	by := w.clerk.Person
	w.write(w.clerk, append(more, insert("decision", newID(), map[string]any{"case": id[:], "verdict": verdict, "at": w.now.UnixMilli(), "by": by[:]}))...)
}

func TestBothCorrectThePhoneNumber(t *testing.T) {
	for _, late := range []bool{true, false} {
		w := openWorld(t)
		p := w.phone("李师傅")
		_, contact := w.job(p.dev.Person)
		rows, _ := p.pullAll("", 500)
		base := rows[contact].Rev
		if late {
			w.write(w.clerk, update("job_contact", contact, base, map[string]any{"phone": "13711111111"}))
			w.now = w.now.Add(time.Minute)
			p.record(update("job_contact", contact, base, map[string]any{"phone": "13922222222"}))
		} else {
			p.record(update("job_contact", contact, base, map[string]any{"phone": "13922222222"}))
			w.now = w.now.Add(time.Minute)
			w.write(w.clerk, update("job_contact", contact, base, map[string]any{"phone": "13711111111"}))
		}
		a := p.push()
		rows, _ = p.pullAll("", 500)
		want, outcomes := "13711111111", 1
		if late {
			want, outcomes = "13922222222", 0
		}
		if got := rows[contact].Cols["phone"]; got != want {
			t.Errorf("late %v: stands %v, want %s", late, got, want)
		}
		if len(a.Outcomes) != outcomes || (outcomes == 1 && a.Outcomes[0].Code != syncproto.Merged) {
			t.Errorf("late %v: outcomes %+v", late, a.Outcomes)
		}
		if len(w.cases()["merged"]) != 1 || w.count("SELECT count(*) FROM loser") != 1 {
			t.Errorf("late %v: cases %v, losers %d", late, w.cases(), w.count("SELECT count(*) FROM loser"))
		}
	}
}

func TestMovedAppointmentIsAConflict(t *testing.T) {
	w := openWorld(t)
	p := w.phone("李师傅")
	job, _ := w.job(p.dev.Person)
	rows, _ := p.pullAll("", 500)
	p.record(update("job", job, rows[job].Rev, map[string]any{"slot_from": int64(111)}))
	w.write(w.clerk, update("job", job, rows[job].Rev, map[string]any{"slot_from": int64(222)}))
	a := p.push()
	if len(a.Outcomes) != 1 || a.Outcomes[0].Code != syncproto.Conflict {
		t.Fatalf("outcomes %+v", a.Outcomes)
	}
	rows, _ = p.pullAll("", 500)
	if rows[job].Cols["slot_from"] != int64(222) {
		t.Errorf("stands %v", rows[job].Cols["slot_from"])
	}
	open := w.cases()["conflict"]
	if len(open) != 1 {
		t.Fatalf("cases %v", w.cases())
	}
	w.decide(open[0], "other", update("job", job, rows[job].Rev, map[string]any{"slot_from": int64(111)}))
	if len(w.cases()) != 0 {
		t.Errorf("still open: %v", w.cases())
	}
	if _, page := p.pullAll("", 500); len(page.Instructions) != 1 || page.Instructions[0].Kind != syncproto.KindDecided || page.Instructions[0].Args["seq"] != float64(1) {
		t.Errorf("the phone is not told: %+v", page.Instructions)
	}
	by := w.clerk.Person
	_, err := w.led.Write(context.Background(), w.centre, w.clerk, []ledger.Edit{insert("decision", newID(), map[string]any{"case": open[0][:], "verdict": "keep", "at": int64(1), "by": by[:]})})
	if fault.CodeOf(err) != fault.Stale {
		t.Errorf("second decision: %v", err)
	}
}

func TestHeldParksItsOwnJobOnly(t *testing.T) {
	w := openWorld(t)
	p := w.phone("李师傅")
	one, _ := w.job(p.dev.Person)
	two, _ := w.job(p.dev.Person)
	rows, _ := p.pullAll("", 500)
	w.write(w.clerk, update("job", one, 0, map[string]any{"status": "cancelled", "cancel_reason": "顾客取消"}))
	note, visit := newID(), newID()
	p.record(update("job", one, rows[one].Rev, map[string]any{"status": "departed"})) // held: transition
	p.record(update("job", one, rows[one].Rev, map[string]any{"slot_from": int64(5)}))
	p.record(insert("note", note, map[string]any{"job": one[:], "kind": "note", "text": "已到门口", "at": int64(1)}))
	p.record(update("job", two, rows[two].Rev, map[string]any{"status": "departed"}))
	p.record(insert("visit", visit, map[string]any{"job": one[:], "person": p.dev.Person[:], "started_at": int64(1)}))
	a := p.push()
	got := map[uint64]syncproto.Reason{}
	for _, o := range a.Outcomes {
		got[o.Seq] = o.Reason
	}
	if len(got) != 3 || got[1] != syncproto.Transition || got[2] != syncproto.Behind || got[5] != syncproto.Behind {
		t.Fatalf("outcomes %v", got)
	}
	rows, _ = p.pullAll("", 500)
	if rows[note].Table == "" || rows[two].Cols["status"] != "departed" || rows[visit].Table != "" {
		t.Errorf("note %v, second job %v, visit %v", rows[note].Table, rows[two].Cols["status"], rows[visit].Table)
	}
	open := w.cases()["held"]
	if len(open) != 1 {
		t.Fatalf("cases %v", w.cases())
	}
	w.write(w.clerk, update("job", one, 0, map[string]any{"status": "dispatched"}))
	w.decide(open[0], "accept")
	rows, page := p.pullAll("", 500)
	if rows[one].Cols["status"] != "departed" || rows[visit].Table != "visit" {
		t.Errorf("after accepting: %v, visit %v", rows[one].Cols["status"], rows[visit].Table)
	}
	if len(page.Instructions) != 1 || page.Instructions[0].Kind != syncproto.KindDecided || page.Instructions[0].Args["verdict"] != "accept" {
		t.Errorf("instructions %+v", page.Instructions)
	}
	if w.count("SELECT count(*) FROM held") != 0 {
		t.Error("something is still held")
	}
	if again, err := w.led.Push(context.Background(), p.dev, p.request(1, 5)); err != nil || len(again.Outcomes) != 3 {
		t.Errorf("outcomes changed: %v, %v", again, err)
	}
}

func TestRefusedHeldWorkIsDropped(t *testing.T) {
	w := openWorld(t)
	p := w.phone("李师傅")
	job, _ := w.job(p.dev.Person)
	rows, _ := p.pullAll("", 500)
	p.record(update("job", job, rows[job].Rev, map[string]any{"status": "finished"}))
	p.record(update("job", job, rows[job].Rev, map[string]any{"status": "departed"}))
	p.push()
	w.decide(w.cases()["held"][0], "refuse")
	rows, _ = p.pullAll("", 500)
	if rows[job].Cols["status"] != "departed" {
		t.Errorf("what waited behind was not folded: %v", rows[job].Cols["status"])
	}
}

func TestWorkAfterHandOverBecomesACase(t *testing.T) {
	w := openWorld(t)
	a, b := w.phone("李师傅"), w.phone("陈师傅")
	job, _ := w.job(a.dev.Person)
	rows, page := a.pullAll("", 500)
	var assignment uuid.UUID
	for id, r := range rows {
		if r.Table == "assignment" {
			assignment = id
		}
	}
	w.write(w.clerk, update("assignment", assignment, 0, map[string]any{"active": false}),
		insert("assignment", newID(), map[string]any{"job": job[:], "person": b.dev.Person[:], "active": true}))
	note := newID()
	a.record(insert("note", note, map[string]any{"job": job[:], "kind": "note", "text": "已量尺寸", "at": int64(1)}))
	out := a.push()
	if len(out.Outcomes) != 1 || out.Outcomes[0].Reason != syncproto.RowUnknown {
		t.Fatalf("outcomes %+v", out.Outcomes)
	}
	_, page = a.pullAll(page.Next, 500)
	if len(page.Removed) != 1 || page.Removed[0].Root == nil || *page.Removed[0].Root != job {
		t.Errorf("removed %+v", page.Removed)
	}
	if rows, _ := b.pullAll("", 500); rows[job].Table != "job" {
		t.Error("the new installer does not see the job")
	}
	w.decide(w.cases()["handover"][0], "accept")
	if rows, _ := b.pullAll("", 500); rows[note].Table != "note" {
		t.Error("the first installer's work is lost")
	}
}

func TestStrangersSeeNothing(t *testing.T) {
	w := openWorld(t)
	a, b := w.phone("李师傅"), w.phone("陈师傅")
	job, _ := w.job(a.dev.Person)
	rows, _ := b.pullAll("", 500)
	if rows[job].Table != "" {
		t.Fatal("a stranger sees the job")
	}
	b.record(insert("note", newID(), map[string]any{"job": job[:], "kind": "note", "text": "x", "at": int64(1)}))
	if a := b.push(); len(a.Outcomes) != 1 || a.Outcomes[0].Reason != syncproto.RowUnknown {
		t.Errorf("outcomes %+v", a.Outcomes)
	}
	if len(w.cases()["handover"]) != 0 {
		t.Error("a stranger's write is no hand-over")
	}
}

func TestDenied(t *testing.T) {
	w := openWorld(t)
	p := w.phone("李师傅")
	job, _ := w.job(p.dev.Person)
	rows, _ := p.pullAll("", 500)
	p.record(update("job", job, rows[job].Rev, map[string]any{"registered_at": int64(1)}))
	p.record(insert("fee_standard", newID(), map[string]any{"version": "1"}))
	id := newID()
	p.record(insert("note", id, map[string]any{"job": job[:], "kind": "note", "text": "behind", "at": int64(1)}))
	a := p.push()
	if len(a.Outcomes) != 2 || a.Outcomes[0].Code != syncproto.Denied || a.Outcomes[1].Reason != syncproto.NotWriter {
		t.Fatalf("outcomes %+v", a.Outcomes)
	}
	if rows, _ := p.pullAll("", 500); rows[id].Table == "" {
		t.Error("a denied change parked the log")
	}
}

func TestCompleteNeedsEveryBlob(t *testing.T) {
	w := openWorld(t)
	p := w.phone("李师傅")
	job, _ := w.job(p.dev.Person)
	rows, _ := p.pullAll("", 500)
	visit, photo := newID(), newID()
	sha := make([]byte, 32)
	sha[0] = 7
	status := func(s string) ledger.Edit {
		return update("job", job, rows[job].Rev, map[string]any{"status": s})
	}
	p.record(status("departed"))
	p.record(status("arrived"), insert("visit", visit, map[string]any{"job": job[:], "person": p.dev.Person[:], "started_at": int64(1)}))
	p.record(insert("photo", photo, map[string]any{"job": job[:], "visit": visit[:], "role": "after", "original": sha, "original_size": int64(5), "original_type": "image/jpeg", "taken_at": int64(1)}))
	p.record(insert("visit_close", newID(), map[string]any{"visit": visit[:], "at": int64(2), "rows": int64(3), "photos": int64(1)}), status("finished"))
	if a := p.push(); len(a.Outcomes) != 0 {
		t.Fatalf("outcomes %+v", a.Outcomes)
	}
	complete := func() any {
		rows, _ := p.pullAll("", 500)
		return rows[job].Cols["complete"]
	}
	if complete() == true {
		t.Fatal("complete without the photo's bytes")
	}
	w.write(system, insert("stored_blob", newID(), map[string]any{"sha256": sha, "size": int64(5), "type": "image/jpeg", "purpose": "photo", "device": p.dev.ID[:], "at": int64(3)}))
	if complete() != true {
		t.Fatal("not complete with everything in")
	}
	w.write(w.clerk, update("job", job, 0, map[string]any{"slot_from": int64(9)}))
	p.record(update("job", job, rows[job].Rev, map[string]any{"slot_from": int64(8)}))
	p.push()
	if complete() == true {
		t.Error("complete with an open conflict")
	}
}

func TestChecksumsAndRepair(t *testing.T) {
	w := openWorld(t)
	p := w.phone("李师傅")
	job, _ := w.job(p.dev.Person)
	rows, page := p.pullAll("", 3)
	sums := map[uuid.UUID]uint64{}
	counts := map[uuid.UUID]int{}
	var total uint64
	for id, r := range rows {
		s := schema.RowSum(r.Table, id, r.Rev)
		sums[r.Root] += s
		counts[r.Root]++
		total += s
	}
	if page.Total.Sum != schema.SumText(total) || page.Total.Count != len(rows) {
		t.Fatalf("total %+v, have %d rows %s", page.Total, len(rows), schema.SumText(total))
	}
	for _, c := range page.Checksums {
		if c.Sum != schema.SumText(sums[c.Root]) || c.Count != counts[c.Root] {
			t.Errorf("root %s: %+v", c.Root, c)
		}
	}
	have := []syncproto.Checksum{}
	for root := range sums {
		c := syncproto.Checksum{Root: root, Count: counts[root], Sum: schema.SumText(sums[root])}
		if root == job {
			c.Sum = "0000000000000000"
		}
		have = append(have, c)
	}
	fix, err := w.feed.Repair(context.Background(), p.dev, have)
	if err != nil {
		t.Fatal(err)
	}
	if len(fix.Removed) != 1 || *fix.Removed[0].Root != job || len(fix.Rows) != counts[job] {
		t.Errorf("repair: removed %v, %d rows of %d", fix.Removed, len(fix.Rows), counts[job])
	}
}

func TestFarFutureClockDoesNotWinForEver(t *testing.T) {
	w := openWorld(t)
	a, b := w.phone("李师傅"), w.phone("陈师傅")
	job, contact := w.job(a.dev.Person)
	w.write(w.clerk, insert("assignment", newID(), map[string]any{"job": job[:], "person": b.dev.Person[:], "active": true}))
	rows, _ := a.pullAll("", 500)
	a.wall = 50 * 365 * 24 * 3600 * 1000
	a.record(update("job_contact", contact, rows[contact].Rev, map[string]any{"phone": "111"}))
	a.push()
	w.now = w.now.Add(time.Minute)
	b.record(update("job_contact", contact, rows[contact].Rev, map[string]any{"phone": "222"}))
	b.push()
	if rows, _ := a.pullAll("", 500); rows[contact].Cols["phone"] != "222" {
		t.Errorf("stands %v", rows[contact].Cols["phone"])
	}
}

func TestCursorOfAnotherIsRefused(t *testing.T) {
	w := openWorld(t)
	a, b := w.phone("李师傅"), w.phone("陈师傅")
	_, page := a.pullAll("", 500)
	for _, cursor := range []string{"x", page.Next + "A", page.Next[:len(page.Next)-2] + "AA"} {
		if _, err := w.feed.Pull(context.Background(), a.dev, cursor, 0); fault.CodeOf(err) != syncproto.CursorInvalid {
			t.Errorf("cursor %q: %v", cursor, err)
		}
	}
	if _, err := w.feed.Pull(context.Background(), b.dev, page.Next, 0); fault.CodeOf(err) != syncproto.CursorInvalid {
		t.Errorf("another person's cursor: %v", err)
	}
	if _, err := w.feed.Pull(context.Background(), a.dev, "", 1001); fault.CodeOf(err) != syncproto.LimitInvalid {
		t.Errorf("limit: %v", err)
	}
}

func TestReceiptNumberTwiceBecomesACase(t *testing.T) {
	w := openWorld(t)
	p := w.phone("李师傅")
	job, _ := w.job(p.dev.Person)
	w.write(system, insert("receipt_range", newID(), map[string]any{"device": p.dev.ID[:], "prefix": "CD01", "first": int64(1), "last": int64(100), "at": int64(1)}))
	visit := newID()
	p.record(insert("visit", visit, map[string]any{"job": job[:], "person": p.dev.Person[:], "started_at": int64(1)}))
	receipt := func(no string) ledger.Edit {
		return insert("receipt", newID(), map[string]any{"visit": visit[:], "no": no, "amount": int64(12000), "currency": "CNY", "way": "cash", "issued_at": int64(2)})
	}
	p.record(receipt("CD01-000001"))
	p.push()
	if open := w.cases(); len(open) != 0 {
		t.Fatalf("a good receipt: %v", open)
	}
	p.record(receipt("CD01-000001"))
	p.record(receipt("CD01-000999"))
	p.push()
	if open := w.cases()["receipt"]; len(open) != 2 {
		t.Errorf("cases %v", w.cases())
	}
	if n := w.count("SELECT count(*) FROM state_receipt"); n != 3 {
		t.Errorf("%d receipts are kept, want all 3", n)
	}
}
