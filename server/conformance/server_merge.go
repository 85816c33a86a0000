package main

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
)

// merges checks the rules of section 5 between two phones of one installer,
// which write without knowing of each other.
func (s *site) merges() []check {
	// Each in logs of its own: what one holds must not hold back another.
	m := func(promise, name string, do func(context.Context) error) check {
		return check{"5", promise, name, func(ctx context.Context) error {
			s.main.start(newID())
			s.second.start(newID())
			return do(ctx)
		}}
	}
	return []check{
		m("P5", "latest: of two concurrent values the higher hlc stands, the loser is `merged`", func(ctx context.Context) error {
			return s.concurrent(ctx, "job_contact", func(j *job) uuid.UUID { return j.contact }, "phone", "13900000001", "13900000002", "13900000002", syncproto.Merged)
		}),
		m("P5", "equal concurrent values are no conflict and cost no rev", s.equalValues),
		m("P5", "review: the value that came first stands, the other is a `conflict` with a case", func(ctx context.Context) error {
			return s.concurrent(ctx, "fee_line", func(j *job) uuid.UUID { return j.fee }, "name", "先到", "后到", "先到", syncproto.Conflict)
		}),
		m("P5", "fact: an update is held `rule`", func(ctx context.Context) error {
			if err := s.needJob(); err != nil {
				return err
			}
			n := note(s.job.id, "原话")
			got, err := s.main.write(ctx, n, update("note", n.row, 0, map[string]any{"text": "改口"}, map[string]any{"text": "原话"}))
			if err != nil {
				return err
			}
			if len(got.Outcomes) != 1 || got.Outcomes[0].Code != syncproto.Held || got.Outcomes[0].Reason != syncproto.Rule {
				return differs("held rule", fmt.Sprintf("%+v", got.Outcomes))
			}
			return nil
		}),
		m("P10", "a phone's clock of the year 2100 does not win for ever: hlc is clamped at receipt", s.clamped),
		m("P7", "a fee over the standard price is held `rule`", func(ctx context.Context) error {
			if err := s.needJob(); err != nil {
				return err
			}
			got, err := s.main.write(ctx, insert("fee_line", map[string]any{"visit": s.job.visit[:], "item": "hinge", "standard_version": "2026", "quantity": int64(1),
				"standard_price": int64(3000), "charged": int64(9000), "currency": "CNY", "basis": "standard"}))
			if err != nil {
				return err
			}
			if len(got.Outcomes) != 1 || got.Outcomes[0].Reason != syncproto.Rule {
				return differs("held rule", fmt.Sprintf("%+v", got.Outcomes))
			}
			return nil
		}),
		m("P7", "another installer writes on a job that is not his: held `row-unknown`", func(ctx context.Context) error {
			if err := s.hasOther(); err != nil {
				return err
			}
			if err := s.needJob(); err != nil {
				return err
			}
			got, err := s.other.write(ctx, note(s.job.id, "不是我的"),
				update("job_contact", s.job.contact, 0, map[string]any{"phone": "110"}, map[string]any{"phone": nil}))
			if err != nil {
				return err
			}
			if len(got.Outcomes) != 2 || got.Outcomes[0].Reason != syncproto.RowUnknown || got.Outcomes[1].Code != syncproto.Held {
				return differs("held row-unknown, held", fmt.Sprintf("%+v", got.Outcomes))
			}
			return nil
		}),
	}
}

// concurrent lets the first phone write a column and then the second one, from
// the rev before the first's, and looks at outcome and standing value.
func (s *site) concurrent(ctx context.Context, table string, row func(*job) uuid.UUID, column, one, two, stands string, want syncproto.OutcomeCode) error {
	if err := s.needJob(); err != nil {
		return err
	}
	id := row(s.job)
	r, err := s.rowNow(ctx, table, id)
	if err != nil {
		return err
	}
	was := map[string]any{column: r.Cols[column]}
	if _, err := s.main.write(ctx, update(table, id, r.Rev, map[string]any{column: one}, was)); err != nil {
		return err
	}
	s.second.hlc = max(s.second.hlc, s.main.hlc)
	got, err := s.second.write(ctx, update(table, id, r.Rev, map[string]any{column: two}, was))
	if err != nil {
		return err
	}
	now, err := s.rowNow(ctx, table, id)
	if err != nil {
		return err
	}
	if now.Cols[column] != stands {
		return differs(fmt.Sprintf("%s stands", stands), now.Cols[column])
	}
	if want == syncproto.Merged { // the later one won: no outcome; an earlier one behind it loses
		if len(got.Outcomes) != 0 {
			return differs("no outcome for the winner", fmt.Sprintf("%+v", got.Outcomes))
		}
		late := update(table, id, r.Rev, map[string]any{column: "0"}, was).with(func(c *changelog.Change) { c.HLC = 1 })
		if got, err = s.main.write(ctx, late); err != nil {
			return err
		}
	}
	if len(got.Outcomes) != 1 || got.Outcomes[0].Code != want || want == syncproto.Conflict && len(got.Outcomes[0].Case) != 16 {
		return differs(want, fmt.Sprintf("%+v", got.Outcomes))
	}
	if now, err = s.rowNow(ctx, table, id); err == nil && now.Cols[column] != stands {
		return differs(fmt.Sprintf("%s stands", stands), now.Cols[column])
	}
	return err
}

func (s *site) equalValues(ctx context.Context) error {
	if err := s.needJob(); err != nil {
		return err
	}
	r, err := s.rowNow(ctx, "fee_line", s.job.fee)
	if err != nil {
		return err
	}
	cols := map[string]any{"name": "铰链"}
	if _, err := s.main.write(ctx, update("fee_line", s.job.fee, r.Rev, cols, map[string]any{"name": r.Cols["name"]})); err != nil {
		return err
	}
	once, err := s.rowNow(ctx, "fee_line", s.job.fee)
	if err != nil {
		return err
	}
	got, err := s.second.write(ctx, update("fee_line", s.job.fee, r.Rev, cols, map[string]any{"name": r.Cols["name"]}))
	if err != nil {
		return err
	}
	if len(got.Outcomes) != 1 || got.Outcomes[0].Code != syncproto.Merged {
		return differs("merged", fmt.Sprintf("%+v", got.Outcomes))
	}
	twice, err := s.rowNow(ctx, "fee_line", s.job.fee)
	if err == nil && twice.Rev != once.Rev {
		err = differs(fmt.Sprintf("rev %d", once.Rev), twice.Rev)
	}
	return err
}

func (s *site) clamped(ctx context.Context) error {
	if err := s.needJob(); err != nil {
		return err
	}
	r, err := s.rowNow(ctx, "job_contact", s.job.contact)
	if err != nil {
		return err
	}
	future := uint64(4102444800000) << 16 // 2100-01-01
	was := map[string]any{"note": r.Cols["note"]}
	if _, err := s.main.write(ctx, update("job_contact", s.job.contact, r.Rev, map[string]any{"note": "未来"}, was).with(func(c *changelog.Change) { c.HLC, c.Wall = future, 4102444800000 })); err != nil {
		return err
	}
	got, err := s.second.write(ctx, update("job_contact", s.job.contact, r.Rev, map[string]any{"note": "后来"}, was).with(func(c *changelog.Change) { c.HLC = future + 1 }))
	if err != nil {
		return err
	}
	if got.HLC >= future {
		return differs("an hlc after the clamp", got.HLC)
	}
	now, err := s.rowNow(ctx, "job_contact", s.job.contact)
	if err == nil && now.Cols["note"] != "后来" {
		err = differs("后来", now.Cols["note"])
	}
	return err
}
