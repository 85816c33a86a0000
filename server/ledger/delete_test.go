package ledger_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/server/ledger"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

// No table of the released schemas may be deleted from, but the protocol has
// the operation. These tests play it with a descriptor in which two tables may.

// deletable is the current schema with contacts and visits that may be deleted.
func deletable() *schema.Descriptor {
	d := schema.MustCurrent()
	d.Table("job_contact").Delete, d.Table("visit").Delete = true, true
	return d
}

func remove(table string, id uuid.UUID, base uint64) ledger.Edit {
	return ledger.Edit{Table: table, Row: id, Op: changelog.Delete, Base: base, Cols: map[string]any{}}
}

// tombstones is a server on which a phone has a job, and what it pulled.
type tombstones struct {
	*versioned
	p            *phone
	job, contact uuid.UUID
	rev          uint64 // of the contact
	cursor       string
}

func openTombstones(t *testing.T) *tombstones {
	t.Helper()
	v := openVersioned(t, deletable())
	x := &tombstones{versioned: v, p: v.phone("李师傅")}
	x.job, x.contact = v.job(x.p.dev.Person)
	rows, page := x.p.pullAll("", 500)
	x.rev, x.cursor = rows[x.contact].Rev, page.Next
	return x
}

// gone wants that the row is a tombstone, and stays one in a rebuild.
func (x *tombstones) gone() {
	x.Helper()
	if !x.stateRow("job_contact", x.contact).Deleted {
		x.Error("the row is there")
	}
	x.sameWhenRebuilt(nil)
}

func one(t *testing.T, a *syncproto.PushAnswer, code syncproto.OutcomeCode, reason syncproto.Reason) syncproto.Outcome {
	t.Helper()
	if len(a.Outcomes) != 1 || a.Outcomes[0].Code != code || a.Outcomes[0].Reason != reason {
		t.Fatalf("outcomes %+v, want %s %s", a.Outcomes, code, reason)
	}
	return a.Outcomes[0]
}

// TestDeleteIsForGood: whoever deletes a row takes it from the feed, once; the
// same bytes again, an update and an insert of its id bring nothing back (I8).
func TestDeleteIsForGood(t *testing.T) {
	x := openTombstones(t)
	x.p.record(remove("job_contact", x.contact, x.rev))
	if a := x.p.push(); len(a.Outcomes) != 0 {
		t.Fatalf("outcomes %+v", a.Outcomes)
	}
	x.gone()
	page := x.p.pull(x.cursor, 500)
	if len(page.Removed) != 1 || page.Removed[0].Table != "job_contact" || page.Removed[0].Row == nil || *page.Removed[0].Row != x.contact || page.Removed[0].Why != syncproto.WhyDeleted {
		t.Fatalf("removed %+v", page.Removed)
	}
	for _, r := range page.Rows {
		if r.ID == x.contact {
			t.Errorf("the feed still has %+v", r)
		}
	}
	if again := x.p.pull(page.Next, 500); len(again.Removed) != 0 {
		t.Errorf("removed once more: %+v", again.Removed)
	}

	x.p.acked = 0 // the answer got lost: the same bytes again
	if a := x.p.push(); len(a.Outcomes) != 0 {
		t.Errorf("sent again: %+v", a.Outcomes)
	}
	x.p.record(update("job_contact", x.contact, x.rev, map[string]any{"phone": "13922222222"}))
	one(t, x.p.push(), syncproto.Held, syncproto.RowDeleted)
	x.gone()

	// Another phone of the crew, which knows nothing of it, uses the id.
	b := x.phone("陈师傅")
	x.write(x.clerk, insert("assignment", newID(), map[string]any{"job": x.job[:], "person": b.dev.Person[:], "active": true}))
	b.record(insert("job_contact", x.contact, map[string]any{"job": x.job[:], "name": "王", "phone": "1"}))
	one(t, b.push(), syncproto.Held, syncproto.RowDeleted)
	x.gone()
	if n := len(x.cases()["held"]); n != 2 {
		t.Errorf("%d cases of held changes, want 2", n)
	}

	rows, cold := b.pullAll("", 500)
	if _, ok := rows[x.contact]; ok {
		t.Error("a cold start shows the row")
	}
	if cold.Total == nil || cold.Total.Count != len(rows) {
		t.Errorf("the sums count %+v, the phone was given %d rows", cold.Total, len(rows))
	}
}

// TestAcceptedWorkOnADeletedRow: not even a person's word brings it back: what
// is taken in fails again, under a new case.
func TestAcceptedWorkOnADeletedRow(t *testing.T) {
	x := openTombstones(t)
	x.write(x.clerk, remove("job_contact", x.contact, x.rev))
	x.p.record(update("job_contact", x.contact, x.rev, map[string]any{"phone": "13922222222"}))
	one(t, x.p.push(), syncproto.Held, syncproto.RowDeleted)
	first := x.cases()["held"]
	x.decide(first[0], "accept")
	again := x.cases()["held"]
	if len(again) != 1 || again[0] == first[0] {
		t.Errorf("cases %v, then %v", first, again)
	}
	x.decide(again[0], "refuse")
	if n := len(x.cases()["held"]); n != 0 {
		t.Errorf("%d cases are left", n)
	}
	x.gone()
}

// TestDeleteBesideAnUpdate: a delete wins over an update that it knows nothing
// of, whichever comes first; either way the written value is kept and a person
// is shown it (P5).
func TestDeleteBesideAnUpdate(t *testing.T) {
	for _, byPhone := range []bool{true, false} {
		t.Run(map[bool]string{true: "the phone deletes", false: "the office deletes"}[byPhone], func(t *testing.T) {
			x := openTombstones(t)
			if byPhone {
				x.p.record(remove("job_contact", x.contact, x.rev))
				x.now = x.now.Add(time.Minute)
				x.write(x.clerk, update("job_contact", x.contact, x.rev, map[string]any{"phone": "13711111111", "note": "二楼"}))
				o := one(t, x.p.push(), syncproto.Conflict, "")
				open := x.cases()["conflict"]
				if len(open) != 2 || len(o.Case) != 16 || open[0] != uuid.UUID(o.Case) && open[1] != uuid.UUID(o.Case) {
					t.Fatalf("cases %v, outcome %+v", open, o)
				}
				if got := x.losers("job_contact", x.contact, "phone"); len(got) != 1 || got[0] != `"13711111111"` {
					t.Errorf("kept %v", got)
				}
				if s := x.sides(uuid.UUID(o.Case)); s.Standing == nil || s.Standing.Value != nil || s.Standing.Actor != x.p.dev.Person || s.Other == nil || s.Other.Actor != x.clerk.Person || s.Reason != "row-deleted" {
					t.Errorf("the case shows %+v", s)
				}
				for _, id := range open {
					x.decide(id, "keep")
				}
				if n := len(x.p.told()); n != 1 {
					t.Errorf("the phone is told of %d transactions, want its delete", n)
				}
			} else {
				x.p.record(update("job_contact", x.contact, x.rev, map[string]any{"phone": "13922222222"}))
				x.write(x.clerk, remove("job_contact", x.contact, x.rev))
				one(t, x.p.push(), syncproto.Held, syncproto.RowDeleted)
				if n := len(x.cases()["held"]); n != 1 {
					t.Errorf("%d cases, want one", n)
				}
			}
			x.gone()
		})
	}
}

// TestDeleteOfWhatOneHasSeen: own updates, and those of others that the phone
// had pulled, are no conflict.
func TestDeleteOfWhatOneHasSeen(t *testing.T) {
	x := openTombstones(t)
	x.write(x.clerk, update("job_contact", x.contact, x.rev, map[string]any{"phone": "13711111111"}))
	rows, _ := x.p.pullAll(x.cursor, 500)
	x.p.record(update("job_contact", x.contact, rows[x.contact].Rev, map[string]any{"note": "二楼"}))
	x.p.record(remove("job_contact", x.contact, rows[x.contact].Rev))
	if a := x.p.push(); len(a.Outcomes) != 0 || len(x.cases()) != 0 {
		t.Errorf("outcomes %+v, cases %v", a.Outcomes, x.cases())
	}
	x.gone()
}

// TestDeskDeletesWhatItShows: at a desk, a delete from a screen on which an
// edit was not yet seen is refused, also where the same office log wrote it.
func TestDeskDeletesWhatItShows(t *testing.T) {
	x := openTombstones(t)
	x.write(x.clerk, update("job_contact", x.contact, x.rev, map[string]any{"phone": "13711111111"}))
	_, err := x.led.Write(t.Context(), x.centre, x.clerk, []ledger.Edit{remove("job_contact", x.contact, x.rev)})
	if err == nil || fault.CodeOf(err) != fault.Stale {
		t.Errorf("deleted from an old screen: %v", err)
	}
	if x.stateRow("job_contact", x.contact).Deleted {
		t.Error("the row is gone")
	}
}

// TestDeleteThatIsRefused: where the table has no delete, of a row that is not
// there, and with columns: held, and nothing is deleted.
func TestDeleteThatIsRefused(t *testing.T) {
	x := openTombstones(t)
	note := newID()
	x.p.record(insert("note", note, map[string]any{"job": x.job[:], "kind": "note", "text": "一", "at": int64(1)}))
	x.p.push()
	x.p.record(remove("note", note, 0))
	one(t, x.p.push(), syncproto.Held, syncproto.Rule)
	if x.stateRow("note", note).Deleted {
		t.Error("a note was deleted")
	}
	b := x.phone("陈师傅")
	b.record(remove("job_contact", newID(), 0))
	one(t, b.push(), syncproto.Held, syncproto.RowUnknown)
	c := x.phone("赵师傅")
	c.record(remove("job_contact", x.contact, x.rev)) // not of his crew
	one(t, c.push(), syncproto.Held, syncproto.RowUnknown)
	d := x.phone("周师傅")
	x.write(x.clerk, insert("assignment", newID(), map[string]any{"job": x.job[:], "person": d.dev.Person[:], "active": true}))
	d.record(ledger.Edit{Table: "job_contact", Row: x.contact, Op: changelog.Delete, Base: x.rev, Cols: map[string]any{"phone": "1"}})
	one(t, d.push(), syncproto.Held, syncproto.BadValue)
	if x.stateRow("job_contact", x.contact).Deleted {
		t.Error("the contact was deleted")
	}
	x.sameWhenRebuilt(nil)
}

// TestUnderADeletedRow: what is recorded under a deleted parent is held, and
// a transaction with a delete takes effect whole or not at all.
func TestUnderADeletedRow(t *testing.T) {
	x := openTombstones(t)
	visit := newID()
	x.p.record(insert("visit", visit, map[string]any{"job": x.job[:], "person": x.p.dev.Person[:], "started_at": int64(1)}))
	x.p.push()
	x.p.record(remove("visit", visit, 0), remove("note", newID(), 0))
	if a := x.p.push(); len(a.Outcomes) != 2 || x.stateRow("visit", visit).Deleted {
		t.Fatalf("half a transaction: %+v", a.Outcomes)
	}
	b := x.phone("陈师傅")
	x.write(x.clerk, insert("assignment", newID(), map[string]any{"job": x.job[:], "person": b.dev.Person[:], "active": true}))
	b.record(remove("visit", visit, x.stateRow("visit", visit).Rev))
	b.push()
	b.record(insert("visit_event", newID(), map[string]any{"visit": visit[:], "kind": "arrive", "at": int64(1)}))
	one(t, b.push(), syncproto.Held, syncproto.RowDeleted)
	x.sameWhenRebuilt(nil)
}
