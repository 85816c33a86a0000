package ledger_test

import (
	"context"
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/server/ledger"
	"siteledger/server/store"
	"siteledger/syncproto"
	"siteledger/syncproto/schema"
)

// photo is a photo as a phone of version 2 records it.
func photo(job uuid.UUID, n byte) ledger.Edit {
	sha := [32]byte{n}
	return insert("photo", newID(), map[string]any{"job": job[:], "role": "before", "original": sha[:], "original_size": int64(1000), "original_type": "image/jpeg",
		"taken_at": int64(1), "sharpness": int64(120), "exposure": int64(500), "kept_reason": "光线太暗 too dark"})
}

// stateRow reads a row as the server has it.
func (w *world) stateRow(table string, id uuid.UUID) schema.Row {
	w.Helper()
	var out schema.Row
	err := w.st.UpdateCentre(context.Background(), w.centre, func(tx ledger.Tx) error {
		r, err := tx.Row(context.Background(), table, id)
		if err == nil && r != nil {
			out = r.Row
		}
		return err
	})
	if err != nil {
		w.Fatal(err)
	}
	return out
}

// tally reads one number.
func (w *world) tally(text string, args ...any) (n int) {
	w.Helper()
	if err := w.st.View(context.Background(), func(tx *sql.Tx) error { return tx.QueryRow(text, args...).Scan(&n) }); err != nil {
		w.Fatal(err)
	}
	return n
}

// TestOlderServerKeepsNewColumns: a phone of version 2 meets a server of
// version 1. Its photo stands at once; what the server has no place for takes
// effect with the upgrade, which is written once (promise P9).
func TestOlderServerKeepsNewColumns(t *testing.T) {
	v := openVersioned(t, version(t, 1))
	p := v.phone("李师傅")
	job, _ := v.job(p.dev.Person)
	shot := photo(job, 7)
	p.recordAs(2, shot)
	if a := p.push(); len(a.Outcomes) != 0 {
		t.Fatalf("outcomes %+v", a.Outcomes)
	}
	if rows := p.reads(2); rows[shot.Row].Cols["role"] != "before" || rows[shot.Row].Cols["kept_reason"] != nil {
		t.Fatalf("before the upgrade: %v", rows[shot.Row].Cols)
	}
	before := v.stateRow("photo", shot.Row).Rev

	v.start(version(t, 2))
	p = v.reopened(p)
	if _, ok := v.stateRow("photo", shot.Row).Cols["sharpness"]; ok {
		t.Fatal("the value stood before the entry that says so")
	}
	if !v.upgrade() || v.upgrade() {
		t.Fatal("the upgrade is not written exactly once")
	}
	v.start(version(t, 2))
	p = v.reopened(p)
	if v.upgrade() {
		t.Fatal("a second start writes the upgrade again")
	}
	row := v.stateRow("photo", shot.Row)
	if row.Int("sharpness") != 120 || row.Int("exposure") != 500 || row.Text("kept_reason") != "光线太暗 too dark" || row.Rev <= before {
		t.Fatalf("after the upgrade: rev %d, %v", row.Rev, row.Cols)
	}
	if n := v.tally("SELECT count(*) FROM state_photo WHERE length(extra) > 0"); n != 0 {
		t.Error("values are still kept beside the row")
	}
	if rows := p.reads(2); rows[shot.Row].Cols["kept_reason"] != "光线太暗 too dark" {
		t.Errorf("a reader of version 2 got %v", rows[shot.Row].Cols)
	}
	if rows := p.reads(1); rows[shot.Row].Rev != row.Rev {
		t.Errorf("a reader of version 1 has another rev")
	} else if _, ok := rows[shot.Row].Cols["sharpness"]; ok {
		t.Error("a reader of version 1 got a column of version 2")
	}
	v.sameWhenRebuilt(nil)
}

// TestUpgradeMergesAndFoldsWhatWaited: version 3 is made up. Two phones of it
// write one unknown column without knowing of each other, the later one first;
// one records a row of an unknown table with work behind it; one uses a value
// that the server does not know, one a value that no version knows.
func TestUpgradeMergesAndFoldsWhatWaited(t *testing.T) {
	v := openVersioned(t, version(t, 2))
	b, a := v.phone("陈师傅"), v.phone("李师傅") // the later writer has the lower id
	job, contact := v.job(a.dev.Person)
	v.write(v.clerk, insert("assignment", newID(), map[string]any{"job": job[:], "person": b.dev.Person[:], "active": true}))
	rows := a.reads(2)
	base := rows[contact].Rev

	a.wall = int64(time.Minute/time.Millisecond) * -10
	b.wall = int64(time.Minute/time.Millisecond) * -5
	b.recordAs(3, update("job_contact", contact, base, map[string]any{"wechat": "later", "note": "b"}))
	b.push()
	a.recordAs(3, update("job_contact", contact, base, map[string]any{"wechat": "earlier"}))
	mark, behind, fact := newID(), newID(), newID()
	a.recordAs(3, insert("annotation", mark, map[string]any{"job": job[:], "text": "此处", "picture": make([]byte, 32)}))
	a.recordAs(3, insert("visit", behind, map[string]any{"job": job[:], "person": a.dev.Person[:], "started_at": int64(5)}))
	stain, wrong := newID(), newID()
	a.recordAs(3, insert("defect", stain, map[string]any{"job": job[:], "class": "stain", "text": "台面有一块污渍", "status": "open"}))
	a.recordAs(3, insert("defect", wrong, map[string]any{"job": job[:], "class": "nonsense", "text": "台面有一块污渍", "status": "open"}))
	a.recordAs(3, insert("note", fact, map[string]any{"job": job[:], "kind": "note", "text": "一", "at": int64(1), "topic": "门"}))
	reasons := map[syncproto.Reason]int{}
	for _, o := range a.push().Outcomes {
		reasons[o.Reason]++
	}
	if reasons[syncproto.UnknownTable] != 1 || reasons[syncproto.BadValue] != 2 {
		t.Fatalf("held for %v", reasons)
	}
	if got := v.stateRow("job_contact", contact); got.Text("note") != "b" {
		t.Fatalf("known columns: %v", got.Cols)
	}

	v.start(third(t))
	for _, text := range thirdTables {
		v.spoil(text)
	}
	v.start(third(t))
	a = v.reopened(a)
	v.now = v.now.Add(time.Hour)
	if !v.upgrade() {
		t.Fatal("no upgrade")
	}
	if got := v.stateRow("job_contact", contact); got.Text("wechat") != "later" {
		t.Errorf("wechat is %q", got.Text("wechat"))
	}
	if n := v.tally("SELECT count(*) FROM loser WHERE col = 'wechat' AND value = '\"earlier\"'"); n != 1 {
		t.Errorf("%d losing values kept, want 1", n)
	}
	for table, id := range map[string]uuid.UUID{"annotation": mark, "visit": behind, "defect": stain, "note": fact} {
		if v.stateRow(table, id).Rev == 0 {
			t.Errorf("the %s has not taken effect", table)
		}
	}
	if v.stateRow("note", fact).Text("topic") != "门" {
		t.Error("the note's topic is lost")
	}
	if n := v.tally("SELECT count(*) FROM blob_ref WHERE tbl = 'annotation'"); n != 1 {
		t.Error("the annotation's picture is not asked for")
	}
	if v.stateRow("defect", wrong).Rev != 0 || len(v.cases()["held"]) != 1 {
		t.Errorf("a value that nobody knows: cases %v", v.cases())
	}
	told := 0
	for _, i := range a.pull("", 1000).Instructions {
		if i.Kind == syncproto.KindDecided && i.Args["verdict"] == "accept" {
			told++
		}
	}
	if told == 0 {
		t.Error("the phone is not told that its work has taken effect")
	}
	v.sameWhenRebuilt(func(s *store.Store) {
		for _, text := range thirdTables {
			if err := s.Update(context.Background(), func(tx *sql.Tx) error { _, err := tx.Exec(text); return err }); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestKeptValuesKeepTheirOwnClock: what was kept is merged, at the upgrade and
// by every later write, with the time, the base and the log that it was written
// with: not with those of the upgrade.
func TestKeptValuesKeepTheirOwnClock(t *testing.T) {
	v := openVersioned(t, version(t, 2))
	b, a := v.phone("陈师傅"), v.phone("李师傅")
	c := v.phone("孙师傅")
	type written struct {
		by   *phone
		ago  int // minutes before the phone's contact by its clock
		text string
	}
	play := func(kept, later written) (contact uuid.UUID, after func()) {
		job, contact := v.job(a.dev.Person)
		for _, p := range []*phone{b, c} {
			v.write(v.clerk, insert("assignment", newID(), map[string]any{"job": job[:], "person": p.dev.Person[:], "active": true}))
		}
		base := v.stateRow("job_contact", contact).Rev
		record := func(w written, edits ...ledger.Edit) {
			w.by.wall = -int64(w.ago) * 60_000
			w.by.hlc = 0 // each story has a clock of its own
			w.by.recordAs(3, edits...)
		}
		record(kept, update("job_contact", contact, base, map[string]any{"wechat": kept.text}))
		kept.by.push()
		record(later, update("job_contact", contact, base, map[string]any{"wechat": later.text}))
		return contact, func() { later.by.push() }
	}
	// Both phones wrote before the upgrade; the second one reaches the server
	// behind it.
	before, after1 := play(written{b, 10, "kept"}, written{a, 4, "later"})
	behind, after2 := play(written{b, 4, "kept"}, written{c, 10, "earlier"})
	// One person's next word is never concurrent with his own.
	_, contact := v.job(b.dev.Person)
	b.wall, b.hlc = -10*60_000, 0
	b.recordAs(3, update("job_contact", contact, v.stateRow("job_contact", contact).Rev, map[string]any{"wechat": "one"}))
	b.push()
	rows := b.reads(2)

	v.start(third(t))
	for _, text := range thirdTables {
		v.spoil(text)
	}
	v.start(third(t))
	a, b, c = v.reopened(a), v.reopened(b), v.reopened(c)
	v.now = v.now.Add(time.Minute)
	if !v.upgrade() {
		t.Fatal("no upgrade")
	}
	after1()
	after2()
	b.wall, b.hlc = -12*60_000, 0 // and its clock went back
	b.recordAs(3, update("job_contact", contact, rows[contact].Rev, map[string]any{"wechat": "two"}))
	if out := b.push().Outcomes; len(out) != 0 {
		t.Errorf("his own second word: %+v", out)
	}
	for id, want := range map[uuid.UUID]string{before: "later", behind: "kept", contact: "two"} {
		if got := v.stateRow("job_contact", id).Text("wechat"); got != want {
			t.Errorf("wechat is %q, want %q", got, want)
		}
	}
	// A base that the writer of the kept value had seen counts: what stood then
	// is no rival.
	if n := v.tally("SELECT count(*) FROM loser WHERE row IN ($1, $2, $3)", before[:], behind[:], contact[:]); n != 2 {
		t.Errorf("%d losing values, want 2", n)
	}
	v.sameWhenRebuilt(func(s *store.Store) {
		for _, text := range thirdTables {
			if err := s.Update(context.Background(), func(tx *sql.Tx) error { _, err := tx.Exec(text); return err }); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestReadersOneAndTwoVersionsBehind: each gets the tables, columns and values
// that it knows, with sums that agree, and pushes what it can.
func TestReadersOneAndTwoVersionsBehind(t *testing.T) {
	v := openVersioned(t, version(t, 2))
	for _, text := range thirdTables {
		v.spoil(text)
	}
	v.start(third(t))
	v.upgrade()
	p := v.phone("李师傅")
	job, contact := v.job(p.dev.Person)
	shot, mark, defect := photo(job, 3), newID(), newID()
	p.recordAs(3, shot, insert("annotation", mark, map[string]any{"job": job[:], "text": "此处"}),
		insert("defect", defect, map[string]any{"job": job[:], "class": "stain", "text": "台面有一块污渍", "status": "open"}),
		update("job_contact", contact, 0, map[string]any{"wechat": "wx"}))
	for _, o := range p.push().Outcomes {
		t.Errorf("outcome %+v", o)
	}
	for n, want := range map[int]struct {
		columns int
		class   string
		mark    bool
	}{1: {0, "other", false}, 2: {3, "other", false}, 3: {3, "stain", true}, 9: {3, "stain", true}} {
		rows := p.reads(n)
		has := 0
		for _, c := range []string{"sharpness", "exposure", "kept_reason"} {
			if _, ok := rows[shot.Row].Cols[c]; ok {
				has++
			}
		}
		_, wechat := rows[contact].Cols["wechat"]
		_, marked := rows[mark]
		if has != want.columns || rows[defect].Cols["class"] != want.class || marked != want.mark || wechat != want.mark {
			t.Errorf("a reader of version %d: %d columns, class %v, table %v, wechat %v", n, has, rows[defect].Cols["class"], marked, wechat)
		}
	}

	// What changes behind the cursor agrees too, also where only a row of an
	// unknown table changed.
	p.dev.Schema = 2
	rows, page := p.pullAll("", 3)
	p.recordAs(3, insert("annotation", newID(), map[string]any{"job": job[:], "text": "还有这里"}))
	p.push()
	more, page := p.pullAll(page.Next, 3)
	for id, r := range more {
		rows[id] = r
	}
	p.agrees(rows, page)

	// A cursor is good for the version it was read with.
	p.dev.Schema = 3
	if _, err := v.feed.Pull(context.Background(), p.dev, page.Next, 0); fault.CodeOf(err) != syncproto.CursorInvalid {
		t.Errorf("a cursor of version 2 in a pull of version 3: %v", err)
	}

	// Repair compares what the reader can have.
	p.dev.Schema = 1
	all := p.reads(1)
	have := map[uuid.UUID]*syncproto.Checksum{}
	for _, r := range all {
		if have[r.Root] == nil {
			have[r.Root] = &syncproto.Checksum{Root: r.Root, Sum: schema.SumText(0)}
		}
		var sum uint64
		fmt.Sscanf(have[r.Root].Sum, "%x", &sum)
		have[r.Root].Count, have[r.Root].Sum = have[r.Root].Count+1, schema.SumText(sum+schema.RowSum(r.Table, r.ID, r.Rev))
	}
	var list []syncproto.Checksum
	for _, c := range have {
		list = append(list, *c)
	}
	fix, err := v.feed.Repair(context.Background(), p.dev, list)
	if err != nil || len(fix.Rows) != 0 || len(fix.Removed) != 0 {
		t.Errorf("repair of a phone that has everything: %v, %+v", err, fix)
	}

	// An old phone's insert lacks the column that is required now.
	for n, want := range map[uint64]int{1: 0, 2: 0, 3: 1} {
		p.recordAs(n, insert("note", newID(), map[string]any{"job": job[:], "kind": "note", "text": "旧", "at": int64(1)}))
		if a := p.push(); len(a.Outcomes) != want {
			t.Errorf("an insert of version %d without a column of version 3: %+v", n, a.Outcomes)
		}
	}
}

// TestForgedVersions: a version is a number that a phone claims; it opens
// nothing and breaks nothing.
func TestForgedVersions(t *testing.T) {
	v := openVersioned(t, version(t, 2))
	p := v.phone("李师傅")
	job, contact := v.job(p.dev.Person)
	for _, claimed := range []uint64{0, 1 << 31, 1<<63 - 1, 1 << 63, ^uint64(0)} {
		p.recordAs(claimed, insert("note", newID(), map[string]any{"job": job[:]}))
		if a := p.push(); len(a.Outcomes) != 1 || a.Outcomes[0].Code != syncproto.Held {
			t.Errorf("an insert of version %d without what every version requires: %+v", claimed, a.Outcomes)
		}
	}
	q := v.phone("陈师傅")
	v.write(v.clerk, insert("assignment", newID(), map[string]any{"job": job[:], "person": q.dev.Person[:], "active": true}))
	held := 0
	for i := range 100 {
		q.recordAs(9, update("job_contact", contact, 0, map[string]any{fmt.Sprintf("x%d", i): []byte{1}}))
		for _, o := range q.push().Outcomes {
			if o.Reason == syncproto.UnknownColumn || o.Reason == syncproto.Behind {
				held++
			}
		}
	}
	if held == 0 || held > 99 {
		t.Errorf("%d of 100 unknown columns were held; the row's own share must be bounded", held)
	}
	// The server's own entry is no phone's to write.
	r := v.phone("孙师傅")
	r.recordAs(9, insert("server.upgraded", newID(), map[string]any{"schema": int64(3), "earlier": int64(2)}))
	if a := r.push(); len(a.Outcomes) != 1 || a.Outcomes[0].Reason != syncproto.UnknownTable {
		t.Errorf("a phone's entry: %+v", a.Outcomes)
	}
	v.sameWhenRebuilt(nil)
}

// TestOlderServerRefusesAnUpgradedStream: two servers of different builds on
// one store. The older one must not fold what it does not understand.
func TestOlderServerRefusesAnUpgradedStream(t *testing.T) {
	v := openVersioned(t, version(t, 1))
	p := v.phone("李师傅")
	job, _ := v.job(p.dev.Person)
	v.start(version(t, 2))
	v.upgrade()
	v.start(version(t, 1))
	p = v.reopened(p)
	p.recordAs(1, insert("note", newID(), map[string]any{"job": job[:], "kind": "note", "text": "一", "at": int64(1)}))
	if _, err := v.led.Push(context.Background(), p.dev, p.request(1, 1)); fault.CodeOf(err) != syncproto.Busy {
		t.Errorf("push: %v", err)
	}
	if rows := p.reads(2); len(rows) == 0 {
		t.Error("it may still give rows")
	}
	v.start(version(t, 2))
	p = v.reopened(p)
	p.push()
}

// TestBothRulesInOneLedger: batches that were folded by rules 1, then by rules
// 2, in the case where the two differ; a rebuild folds each by its own.
func TestBothRulesInOneLedger(t *testing.T) {
	v := openVersioned(t, version(t, 1))
	var phones []*phone
	for i := range 3 {
		phones = append(phones, v.phone(fmt.Sprint("师傅", i)))
	}
	play := func() (contact uuid.UUID, note string) {
		job, contact := v.job(phones[0].dev.Person)
		for _, p := range phones[1:] {
			v.write(v.clerk, insert("assignment", newID(), map[string]any{"job": job[:], "person": p.dev.Person[:], "active": true}))
		}
		base := v.stateRow("job_contact", contact).Rev
		for i, text := range []string{"x", "x", "y"} { // written at 1, 3 and 2 minutes
			phones[i].wall = []int64{-3, -1, -2}[i] * 60_000
			phones[i].recordAs(1, update("job_contact", contact, base, map[string]any{"note": text}))
			phones[i].push()
		}
		v.now = v.now.Add(10 * time.Minute)
		return contact, v.stateRow("job_contact", contact).Text("note")
	}
	first, note := play()
	if note != "y" {
		t.Fatalf("rules 1 gave %q", note)
	}
	v.start(version(t, 2))
	for i := range phones {
		phones[i] = v.reopened(phones[i])
	}
	v.upgrade()
	_, note = play()
	if note != "x" {
		t.Errorf("rules 2 gave %q", note)
	}
	if v.stateRow("job_contact", first).Text("note") != "y" {
		t.Error("the upgrade changed an old effect")
	}
	if n := v.tally("SELECT count(DISTINCT rules) FROM ledger WHERE centre = $1", v.centre[:]); n != 2 {
		t.Errorf("%d sets of rules in the ledger", n)
	}
	v.sameWhenRebuilt(nil)
}
