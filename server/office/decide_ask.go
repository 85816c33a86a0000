package office

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/server/ledger"
	"siteledger/server/report"
	"siteledger/syncproto"
)

// ask puts a question to the technician where his phone shows it: into the job,
// where he answers it, or, for a matter without a job and for the work of one
// who is not on the job's crew, to himself. Then the question has the id of the
// decision that asked it, and the answer that of the question: see [AnswerTable].
// It is kept beside the case, which stays open.
func (b *Bench) ask(ctx context.Context, who Who, c *report.Case, r Ruling) (Decided, error) {
	done := Decided{Decision: b.newID()}
	edits := []ledger.Edit{b.decision(done.Decision, who, c.ID, VerdictAsk, r.Reason)}
	job, err := b.jobOf(ctx, who.Centre, c)
	if err != nil {
		return Decided{}, err
	}
	person, device, err := b.phoneOf(ctx, who.Centre, c)
	if err != nil {
		return Decided{}, err
	}
	if job != uuid.Nil && isHeld(c) && person != uuid.Nil {
		on, err := b.onCrew(ctx, who.Centre, job, person)
		if err != nil {
			return Decided{}, err
		}
		if !on {
			job = uuid.Nil // he does not see the job any more, and could not answer in it
		}
	}
	switch {
	case job != uuid.Nil:
		edits = append(edits, b.note(who, job, "question", r.Reason))
	case person != uuid.Nil:
		e := b.instruction(person, syncproto.KindMessage, map[string]string{"text": r.Reason, "case": c.ID.String()})
		e.Row = done.Decision
		if device != uuid.Nil {
			e.Cols["device"] = device[:]
		}
		edits = append(edits, e)
	default:
		return Decided{}, fault.New(fault.Invalid, "decide.no-job")
	}
	w, err := b.journal.Write(ctx, who.Centre, who.author(), edits)
	if err != nil {
		return Decided{}, fmt.Errorf("ask about case %s: %w", r.Case, err)
	}
	done.Rev = w.Rev
	return done, nil
}

// AnswerTable and AnswerColumn are where a phone puts the answer to a question
// that belongs to no job: a row of the technician's own, under the question's id.
const (
	AnswerTable  = "day_summary"
	AnswerColumn = "text"
)

// jobOf is the job that a question about a case belongs to: its own, or, of a
// doubtful clock, that of the first record that it touches.
func (b *Bench) jobOf(ctx context.Context, centre uuid.UUID, c *report.Case) (uuid.UUID, error) {
	roots := []uuid.UUID{c.Root}
	if c.Sides.Clock != nil {
		for _, t := range c.Sides.Clock.Touched {
			roots = append(roots, t.Root)
		}
	}
	for _, root := range roots {
		_, ok, err := b.files.StateRow(ctx, centre, "job", root)
		if err != nil {
			return uuid.Nil, err
		}
		if ok {
			return root, nil
		}
	}
	return uuid.Nil, nil
}

// onCrew says whether a person is on a job's crew now.
func (b *Bench) onCrew(ctx context.Context, centre, job, person uuid.UUID) (bool, error) {
	crew, err := b.files.StateRows(ctx, centre, "assignment", "job", job)
	if err != nil {
		return false, err
	}
	for _, a := range crew {
		if a.Bool("active") && a.UUID("person") == person {
			return true, nil
		}
	}
	return false, nil
}

// phoneOf is whom a case is about, and which of his phones, where it is about
// one. What can't be read is of the phone that sent it.
func (b *Bench) phoneOf(ctx context.Context, centre uuid.UUID, c *report.Case) (person, device uuid.UUID, err error) {
	switch {
	case c.Sides.Fork != nil:
		return c.Root, c.Sides.Fork.Device, nil
	case c.Sides.Clock != nil:
		return c.Root, c.Sides.Clock.Device, nil
	case !isHeld(c):
		return uuid.Nil, uuid.Nil, nil
	case len(c.Sides.Changes) > 0 && c.Sides.Changes[0].Actor != uuid.Nil:
		return c.Sides.Changes[0].Actor, uuid.Nil, nil
	}
	if device, err = b.files.HeldDevice(ctx, centre, c.ID); err != nil || device == uuid.Nil {
		return uuid.Nil, uuid.Nil, err
	}
	row, ok, err := b.files.StateRow(ctx, centre, "device", device)
	if err != nil || !ok {
		return uuid.Nil, uuid.Nil, err
	}
	return row.UUID("person"), device, nil
}
