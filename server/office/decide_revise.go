package office

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/server/ledger"
	"siteledger/server/report"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
)

// isHeld says that a case holds transactions back.
func isHeld(c *report.Case) bool {
	return c.Kind == report.CaseHeld || c.Kind == report.CaseHandover
}

// maxRest bounds the transactions that one answer takes in.
const maxRest = 500

// takeRest accepts the hand-over cases of the same job and person, which the
// first answer let come up. Each is a transaction of its own: where one fails,
// the others stay taken in and it stays open.
func (b *Bench) takeRest(ctx context.Context, who Who, c *report.Case, reason string) (int, error) {
	tried := map[uuid.UUID]bool{c.ID: true}
	taken := 0
	for len(tried) < maxRest {
		f, err := b.files.JobFile(ctx, who.Centre, c.Root)
		if err != nil {
			return taken, err
		}
		k := sameHandover(&f, c, tried)
		if k == nil {
			return taken, nil
		}
		tried[k.ID] = true
		_, err = b.journal.Write(ctx, who.Centre, who.author(), []ledger.Edit{b.decision(b.newID(), who, k.ID, VerdictAccept, reason)})
		if fault.CodeOf(err) == fault.Stale {
			continue // somebody else was faster
		}
		if err != nil {
			return taken, fmt.Errorf("take in case %s: %w", k.ID, err)
		}
		taken++
	}
	return taken, nil
}

// sameHandover finds the oldest open hand-over of the same person that was not
// tried yet.
func sameHandover(f *report.JobFile, c *report.Case, tried map[uuid.UUID]bool) *report.Case {
	for i := range f.Cases {
		k := &f.Cases[i]
		if k.Open && k.Kind == report.CaseHandover && !tried[k.ID] && len(k.Sides.Changes) > 0 && len(c.Sides.Changes) > 0 &&
			k.Sides.Changes[0].Actor == c.Sides.Changes[0].Actor {
			return k
		}
	}
	return nil
}

// Revise corrects or undoes a decision that was taken: the row takes another of
// the two values, or a third one; a clock's times count the other way; refused
// work is written after all, or what was taken in is put back. It is a decision
// of its own that names the one it compensates, in one transaction with the
// edits, and a note of the job says so. What was decided stays decided and
// readable. Revising to the standing value undoes a decision that changed it. A
// row that changed since the decision for another reason, and a decision that
// somebody else has compensated first, are Stale.
func (b *Bench) Revise(ctx context.Context, who Who, r Ruling) (Decided, error) {
	if !who.atCentre() {
		return Decided{}, fault.New(syncproto.Forbidden, "decide.centre-only")
	}
	c, err := b.files.Case(ctx, who.Centre, r.Case)
	if err != nil {
		return Decided{}, err
	}
	if c.Open {
		return Decided{}, fault.New(fault.Invalid, "decide.open")
	}
	ruled, err := b.files.Decisions(ctx, who.Centre, r.Case)
	if err != nil {
		return Decided{}, err
	}
	last := standing(ruled)
	if last.ID == uuid.Nil {
		return Decided{}, fault.New(fault.Invalid, "decide.same")
	}
	edits, done, err := b.revision(ctx, who, &c, last, r)
	if err != nil {
		return Decided{}, err
	}
	if _, ok, err := b.files.StateRow(ctx, who.Centre, "job", c.Root); err != nil {
		return Decided{}, err
	} else if ok {
		text := "更正裁决 · decision revised: " + c.Table
		if c.Column != "" {
			text += "." + c.Column
		}
		if r.Reason != "" {
			text += " — " + r.Reason
		}
		edits = append(edits, b.note(who, c.Root, "note", text))
	}
	done.Decision = b.newID()
	edits = append(edits, b.decision(done.Decision, who, last.ID, r.Verdict, r.Reason))
	w, err := b.journal.Write(ctx, who.Centre, who.author(), edits)
	if err != nil {
		return Decided{}, fmt.Errorf("revise case %s: %w", r.Case, err)
	}
	done.Rev = w.Rev
	return done, nil
}

// revision are the edits of a compensating decision.
func (b *Bench) revision(ctx context.Context, who Who, c *report.Case, last report.Ruled, r Ruling) ([]ledger.Edit, Decided, error) {
	switch {
	case len(r.Reason) > 1000:
		return nil, Decided{}, fault.New(fault.Invalid, "decide.reason-long")
	case c.Kind == report.CaseClock:
		if r.Verdict == last.Verdict || r.Verdict != VerdictKeep && r.Verdict != VerdictAccept {
			return nil, Decided{}, fault.New(fault.Invalid, "decide.same")
		}
		return nil, Decided{}, nil
	case isHeld(c):
		edits, err := b.turned(ctx, who, c, last, r.Verdict)
		return edits, Decided{Changed: true}, err
	}
	switch r.Verdict {
	case VerdictKeep, VerdictOther, VerdictEdit:
	default:
		return nil, Decided{}, fault.New(fault.Invalid, "decide.verdict")
	}
	if err := checkRuling(c, r); err != nil {
		return nil, Decided{}, err
	}
	edits, done, err := b.effects(ctx, who, c, r, last.ID)
	if err == nil && len(edits) == 0 {
		err = fault.New(fault.Invalid, "decide.same")
	}
	return edits, done, err
}

// Waive answers a technician's request to waive or reduce a fee (FP-04): he
// may only ask, the centre decides. Base is the rev that the screen showed.
func (b *Bench) Waive(ctx context.Context, who Who, waiver uuid.UUID, base uint64, approve bool) error {
	if !who.atCentre() {
		return fault.New(syncproto.Forbidden, "decide.centre-only")
	}
	row, ok, err := b.files.StateRow(ctx, who.Centre, "waiver", waiver)
	if err != nil {
		return err
	}
	if !ok {
		return fault.New(syncproto.NotFound, "error.not-found")
	}
	if base != 0 && row.Rev != base || row.Text("status") != "pending" {
		return fault.New(fault.Stale, "decide.stale-row")
	}
	status := "refused"
	if approve {
		status = "approved"
	}
	edit := ledger.Edit{Table: "waiver", Row: waiver, Op: changelog.Update, Base: row.Rev,
		Cols: map[string]any{"status": status, "decided_by": who.Person[:]},
		Was:  map[string]any{"status": "pending", "decided_by": row.Cols["decided_by"]}}
	if _, err := b.journal.Write(ctx, who.Centre, who.author(), []ledger.Edit{edit}); err != nil {
		return fmt.Errorf("answer waiver %s: %w", waiver, err)
	}
	return nil
}
