package main

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
)

// job is a job that the first installer recorded, with its file.
type job struct {
	id, contact, visit, fee uuid.UUID
}

// single is one change whose outcome is known.
type single struct {
	name   string
	edit   func() edit
	code   syncproto.OutcomeCode
	reason syncproto.Reason
}

func (s *site) outcomes() []check {
	m := func(promise, name string, do func(context.Context) error) check { return check{"5", promise, name, do} }
	var list []check
	for _, c := range s.singles() {
		list = append(list, m("P4", fmt.Sprintf("%s: %s %s", c.name, c.code, c.reason), func(ctx context.Context) error {
			e := c.edit()
			s.main.start(newID()) // what is held holds back what follows on its root, in its own log
			got, err := s.main.write(ctx, e)
			if err != nil {
				return err
			}
			if len(got.Outcomes) != 1 || got.Outcomes[0].Seq != s.main.seq || got.Outcomes[0].Code != c.code || got.Outcomes[0].Reason != c.reason {
				return differs(fmt.Sprintf("%d: %s %s", s.main.seq, c.code, c.reason), fmt.Sprintf("%+v", got.Outcomes))
			}
			if c.code == syncproto.Held && len(got.Outcomes[0].Case) != 16 {
				return differs("a case", fmt.Sprintf("%+v", got.Outcomes[0]))
			}
			return nil
		}))
	}
	return append(list,
		m("P3", "one held change holds its whole transaction", s.heldTogether),
		m("P2", "outcomes are given again, with the same cases, on every re-send", func(ctx context.Context) error {
			d := s.main
			from := uint64(1)
			var before []syncproto.Outcome
			for i := range 2 {
				got, a, err := d.push(ctx, d.batch(from, d.heads[from-1], d.log[from-1:]...))
				if err != nil {
					return err
				}
				if a.status != 200 || len(got.Outcomes) == 0 {
					return differs("200 with outcomes", a)
				}
				if i > 0 {
					return sameOutcomes(before, got.Outcomes)
				}
				before = got.Outcomes
			}
			return nil
		}),
		m("P4", "an installer's new job with contact, visit and fee line applies plainly", s.newJob),
		m("P4", "a held change holds back later ones of its own root alone, but no new fact", s.behind),
	)
}

func (s *site) singles() []single {
	return []single{
		{"an unknown table", func() edit { return insert("nonsense", map[string]any{"x": "y"}) }, syncproto.Held, syncproto.UnknownTable},
		{"an unknown column", func() edit { return insert("day_summary", map[string]any{"day": "2026-11-20", "nonsense": "x"}) }, syncproto.Held, syncproto.UnknownColumn},
		{"a number in a text column", func() edit { return insert("day_summary", map[string]any{"day": int64(7)}) }, syncproto.Held, syncproto.BadValue},
		{"null in a required column", func() edit { return insert("day_summary", map[string]any{"day": nil}) }, syncproto.Held, syncproto.BadValue},
		{"a required column left out", func() edit { return insert("day_summary", map[string]any{"text": "x"}) }, syncproto.Held, syncproto.BadValue},
		{"a text over its length", func() edit { return insert("day_summary", map[string]any{"day": "2026-11-20 10:00"}) }, syncproto.Held, syncproto.BadValue},
		{"a table of the office", func() edit { return insert("customer", map[string]any{"name": "某人", "phone": "1"}) }, syncproto.Denied, syncproto.NotWriter},
		{"another person's change", func() edit {
			return day("借名").with(func(c *changelog.Change) { c.Actor = newID() })
		}, syncproto.Denied, syncproto.NotActor},
		{"another person's change in an unknown table", func() edit {
			return insert("nonsense", nil).with(func(c *changelog.Change) { c.Actor = newID() })
		}, syncproto.Denied, syncproto.NotActor},
		{"an update of a row that is not there", func() edit {
			return update("day_summary", newID(), 0, map[string]any{"text": "x"}, map[string]any{"text": nil})
		}, syncproto.Held, syncproto.RowUnknown},
		{"a note for a job that is not there", func() edit { return note(newID(), "x") }, syncproto.Held, syncproto.RowUnknown},
		{"a row id that is there already", func() edit {
			e := day("二次")
			e.row = s.summary
			return e
		}, syncproto.Held, syncproto.RowExists},
		{"a delete where the table has none", func() edit {
			return edit{table: "day_summary", row: s.summary, op: changelog.Delete}
		}, syncproto.Held, syncproto.Rule},
	}
}

func note(job uuid.UUID, text string) edit {
	return insert("note", map[string]any{"job": job[:], "kind": "note", "text": text, "at": time.Now().UnixMilli()})
}

func (s *site) heldTogether(ctx context.Context) error {
	d := s.main
	d.start(newID())
	c, err := d.txn(d.seq+1, day("好"), insert("day_summary", map[string]any{"day": int64(1)}), day("也好"))
	if err != nil {
		return err
	}
	got, err := d.sound(ctx, c...)
	if err != nil {
		return err
	}
	want := []syncproto.Reason{syncproto.Transaction, syncproto.BadValue, syncproto.Transaction}
	if len(got.Outcomes) != len(want) {
		return differs("three outcomes", fmt.Sprintf("%+v", got.Outcomes))
	}
	for i, o := range got.Outcomes {
		if o.Code != syncproto.Held || o.Reason != want[i] {
			return differs(fmt.Sprintf("held %v", want), fmt.Sprintf("%+v", got.Outcomes))
		}
	}
	return nil
}

// newJob records a job as an installer finds one on the spot.
func (s *site) newJob(ctx context.Context) error {
	d := s.main
	d.start(newID())
	j := &job{newID(), newID(), newID(), newID()}
	at := time.Now().UnixMilli()
	in := func(table string, id uuid.UUID, cols map[string]any) edit {
		return edit{table: table, row: id, op: changelog.Insert, cols: cols}
	}
	c, err := d.txn(d.seq+1,
		in("job", j.id, map[string]any{"kind": "aftersale", "intake_at": at, "asked_work": "门板色差", "warranty": "out", "status": "new", "found_on_spot": true}),
		in("job_contact", j.contact, map[string]any{"job": j.id[:], "name": "张𠮷", "phone": "13800000000"}),
		insert("assignment", map[string]any{"job": j.id[:], "person": d.answer.Person[:], "active": true}),
		in("visit", j.visit, map[string]any{"job": j.id[:], "person": d.answer.Person[:], "started_at": at}),
		in("fee_line", j.fee, map[string]any{"visit": j.visit[:], "item": "hinge", "standard_version": "2026", "quantity": int64(1), "standard_price": int64(3000),
			"charged": int64(3000), "currency": "CNY", "basis": "standard"}))
	if err != nil {
		return err
	}
	if _, err = d.soundPlain(ctx, c...); err == nil {
		s.job = j
	}
	return err
}

// needJob is why a check behind newJob can't be made.
func (s *site) needJob() error {
	if s.job == nil {
		return absent("needs the job that an earlier check records")
	}
	return nil
}

func (s *site) behind(ctx context.Context) error {
	if err := s.needJob(); err != nil {
		return err
	}
	d := s.second
	j := newID()
	got, err := d.write(ctx,
		edit{table: "job", row: j, op: changelog.Insert, cols: map[string]any{"kind": "repair", "intake_at": int64(1), "asked_work": "x", "warranty": "out", "status": "new"}},
		update("job", j, 0, map[string]any{"status": "closed"}, map[string]any{"status": "new"}), // no such step
		update("job", j, 0, map[string]any{"product": "橱柜"}, map[string]any{"product": nil}),
		note(j, "仍然写上"),
		day("别处照常"))
	if err != nil {
		return err
	}
	from := d.seq - 4
	if len(got.Outcomes) != 2 || got.Outcomes[0].Seq != from+1 || got.Outcomes[1].Seq != from+2 || got.Outcomes[1].Code != syncproto.Held || got.Outcomes[1].Reason != syncproto.Behind {
		return differs("the second held or denied, the third held behind, no more", fmt.Sprintf("%+v", got.Outcomes))
	}
	return nil
}
