package main

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/server/ledger"
	"siteledger/server/office"
	"siteledger/server/report"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

func insert(table string, row uuid.UUID, cols map[string]any) ledger.Edit {
	return ledger.Edit{Table: table, Row: row, Op: changelog.Insert, Cols: cols}
}

func update(table string, row uuid.UUID, base uint64, cols map[string]any) ledger.Edit {
	return ledger.Edit{Table: table, Row: row, Op: changelog.Update, Base: base, Cols: cols}
}

// write is one transaction of a centre's office. What the rules of the trade
// refuse is part of the story.
func (w *world) write(ctx context.Context, s *site, what string, edits ...ledger.Edit) error {
	out, err := w.node.core.Ledger.Write(ctx, s.id, s.clerk, edits)
	code := "ok"
	if err != nil {
		code = string(fault.CodeOf(err))
		if fault.CodeOf(err) != fault.Stale && fault.CodeOf(err) != fault.Invalid {
			return fmt.Errorf("office %s: %w", what, err)
		}
	}
	w.tell("office %s %s: %s", s.name, what, code)
	if err == nil {
		w.did["office "+what]++
		return w.oracle.wrote(ctx, s, edits, out)
	}
	return nil
}

// intake makes a job and sends somebody.
func (w *world) intake(ctx context.Context, s *site) error {
	job, contact := w.node.newID(), w.node.newID()
	who := s.installers[w.rng.IntN(len(s.installers))]
	s.jobs = append(s.jobs, job)
	s.contact[job] = contact
	return w.write(ctx, s, "intake",
		insert("job", job, map[string]any{"kind": "aftersale", "intake_at": w.at.UnixMilli(), "asked_work": s.canary, "warranty": "out", "status": "new"}),
		insert("job_contact", contact, map[string]any{"job": job[:], "name": s.canary, "phone": "13800000000"}),
		insert("assignment", w.node.newID(), map[string]any{"job": job[:], "person": who[:], "active": true}),
		update("job", job, 0, map[string]any{"status": "dispatched"}))
}

// officeStep is one thing that an office does.
func (w *world) officeStep(ctx context.Context) error {
	s := w.sites[w.rng.IntN(len(w.sites))]
	if len(s.jobs) < 3 || (len(s.jobs) < maxJobs-2 && w.rng.IntN(8) == 0) {
		return w.intake(ctx, s)
	}
	job := s.jobs[w.rng.IntN(len(s.jobs))]
	row, ok, err := w.node.core.Store.StateRow(ctx, s.id, "job", job)
	if err != nil || !ok {
		return err
	}
	base := row.Rev * uint64(w.rng.IntN(2))
	switch w.rng.IntN(11) {
	case 0, 1:
		at := w.at.Truncate(time.Hour).Add(time.Duration(w.rng.IntN(72)) * time.Hour).UnixMilli()
		return w.write(ctx, s, "slot", update("job", job, base, map[string]any{"slot_from": at, "slot_to": at + 7200_000}))
	case 2, 3:
		return w.write(ctx, s, "contact", update("job_contact", s.contact[job], 0, map[string]any{"phone": fmt.Sprintf("office %s %d", s.canary, w.step)}))
	case 4:
		return w.officeFee(ctx, s, job)
	case 5:
		return w.reassign(ctx, s, job)
	case 6:
		if st := row.Text("status"); (st == "dispatched" || st == "departed" || st == "arrived") && w.rng.IntN(2) == 0 {
			return w.write(ctx, s, "cancel", update("job", job, row.Rev, map[string]any{"status": "cancelled", "cancel_reason": s.canary}))
		}
		if st := row.Text("status"); st == "finished" || st == "cancelled" {
			return w.write(ctx, s, "again", update("job", job, row.Rev, map[string]any{"status": "dispatched"}))
		}
		return w.intake(ctx, s)
	case 7:
		return w.officeVisit(ctx, s, job)
	case 8:
		return w.remit(ctx, s)
	}
	return w.decideSome(ctx, s, 2)
}

func (w *world) officeFee(ctx context.Context, s *site, job uuid.UUID) error {
	visits, err := w.node.core.Store.StateRows(ctx, s.id, "visit", "job", job)
	if err != nil || len(visits) == 0 {
		return err
	}
	fees, err := w.node.core.Store.StateRows(ctx, s.id, "fee_line", "visit", visits[0].ID)
	if err != nil || len(fees) == 0 {
		return err
	}
	return w.write(ctx, s, "fee", update("fee_line", fees[0].ID, 0, map[string]any{"charged": int64(100 + w.rng.IntN(4000))}))
}

func (w *world) officeVisit(ctx context.Context, s *site, job uuid.UUID) error {
	visits, err := w.node.core.Store.StateRows(ctx, s.id, "visit", "job", job)
	if err != nil || len(visits) == 0 {
		return err
	}
	return w.write(ctx, s, "visit", update("visit", visits[0].ID, 0, map[string]any{"note": fmt.Sprintf("office %s %d", s.canary, w.step), "outcome": "judge"}))
}

// reassign gives a job to another installer of the centre.
func (w *world) reassign(ctx context.Context, s *site, job uuid.UUID) error {
	rows, err := w.node.core.Store.StateRows(ctx, s.id, "assignment", "job", job)
	if err != nil {
		return err
	}
	var edits []ledger.Edit
	var now uuid.UUID
	for _, a := range rows {
		if a.Bool("active") {
			now = a.UUID("person")
			edits = append(edits, update("assignment", a.ID, a.Rev, map[string]any{"active": false, "reason": s.canary}))
		}
	}
	for i, p := range s.installers {
		if p == now {
			next := s.installers[(i+1)%len(s.installers)]
			edits = append(edits, insert("assignment", w.node.newID(), map[string]any{"job": job[:], "person": next[:], "active": true}))
			return w.write(ctx, s, "reassign", edits...)
		}
	}
	return nil
}

// openCases lists the open cases of a centre in the order of the ledger.
func (w *world) openCases(ctx context.Context, s *site) ([]uuid.UUID, error) {
	var out []uuid.UUID
	err := w.node.core.Store.View(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, `
			SELECT id
			FROM case_file
			WHERE centre = $1 AND state = 'open'
			ORDER BY opened_rev, opened_at, kind, (SELECT min(h.seq) FROM held h WHERE h.centre = case_file.centre AND h.case_id = case_file.id), tbl, row, col, id`, s.id[:])
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id uuid.UUID
			if err := rows.Scan(&id); err != nil {
				return err
			}
			out = append(out, id)
		}
		return rows.Err()
	})
	return out, err
}

// decideSome settles up to n open cases.
func (w *world) decideSome(ctx context.Context, s *site, n int) error {
	cases, err := w.openCases(ctx, s)
	if err != nil {
		return err
	}
	who := office.Who{Person: s.clerk.Person, Centre: s.id, Role: schema.Supervisor}
	for i, id := range cases {
		if i == n {
			break
		}
		c, err := w.node.core.Store.Case(ctx, s.id, id)
		if err != nil {
			return err
		}
		held := c.Kind == "held" || c.Kind == "handover"
		ruling := w.ruling(&c, held)
		_, err = w.node.bench.Decide(ctx, who, ruling)
		w.tell("office %s decides %s %s %s: %s", s.name, c.Kind, c.Sides.Reason, ruling.Verdict, faultWord(err))
		if err == nil {
			w.did["office decides "+ruling.Verdict]++
		}
		w.oracle.forget(s, c.Root)
		if err != nil && held {
			// what cannot be taken in as it is, is refused
			_, err = w.node.bench.Decide(ctx, who, office.Ruling{Case: id, Verdict: office.VerdictRefuse, Reason: s.canary})
		}
		if err != nil && !known2(err) {
			return fmt.Errorf("decide %s: %w", c.Kind, err)
		}
	}
	return nil
}

// ruling is what a clerk thinks of a case.
func (w *world) ruling(c *report.Case, held bool) office.Ruling {
	r := office.Ruling{Case: c.ID, Verdict: office.VerdictAccept, Reason: "looked into"}
	switch n := w.rng.IntN(6); {
	case held && n < 2:
		r.Verdict = office.VerdictRefuse
	case held:
	case office.HasValues(c) && n < 2:
		r.Verdict = office.VerdictKeep
	case office.HasValues(c) && n == 2 && c.Sides.Other != nil:
		r.Verdict = office.VerdictOther
	case office.HasValues(c) && n == 3:
		if t := w.node.core.Schema.Table(c.Table); t != nil && t.Column(c.Column) != nil && t.Column(c.Column).Type == schema.Text && t.Column(c.Column).Values == nil {
			r.Verdict, r.Value = office.VerdictEdit, fmt.Sprintf("edited %d", w.step)
		}
	}
	return r
}

func known2(err error) bool {
	code := fault.CodeOf(err)
	return code == fault.Stale || code == fault.Invalid
}

func faultWord(err error) string {
	if err == nil {
		return "ok"
	}
	return string(fault.CodeOf(err))
}

// revoke shuts a phone out; its installer gets a new one.
func (w *world) revoke(ctx context.Context, p *phone) error {
	id, ok := p.client.Identity()
	if !ok {
		return nil
	}
	err := w.node.core.Auth.RevokeDevice(ctx, operator(), id.Device)
	if fault.CodeOf(err) == syncproto.NotFound {
		return nil // enrolled with a server that was since put back from a backup
	}
	if err != nil {
		return err
	}
	w.hit(deviceRevoked)
	p.other = true
	st, err := p.client.Status(ctx)
	if err != nil {
		return err
	}
	if _, err := p.sync(ctx); err != nil {
		return err
	}
	w.tell("%s was revoked with %d unsent", p.name, st.Pending)
	for _, q := range w.phone {
		if other, ok := q.client.Identity(); ok && other.Device == id.Device {
			q.gone = true
		}
	}
	w.shutOut(ctx, p)
	return w.newPhone(ctx, p.site, p.person)
}
