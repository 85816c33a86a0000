package office

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/server/ledger"
	"siteledger/server/report"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

// The verdicts of a decision, as the schema has them.
const (
	VerdictAccept = "accept" // the proposal
	VerdictKeep   = "keep"   // the standing value
	VerdictOther  = "other"  // the other value
	VerdictEdit   = "edit"   // a third value
	VerdictRefuse = "refuse" // a held transaction stays without effect
	VerdictAsk    = "ask"    // the technician; the case stays open
)

// Files reads what a decision is taken on.
type Files interface {
	// Case gives one case of a centre; a NotFound fault for any other.
	Case(ctx context.Context, centre, id uuid.UUID) (report.Case, error)
	// Decisions gives what was decided on a case, and what compensates that.
	Decisions(ctx context.Context, centre, id uuid.UUID) ([]report.Ruled, error)
	// JobFile gives everything about one job of a centre; a NotFound fault for
	// a job of another centre.
	JobFile(ctx context.Context, centre, job uuid.UUID) (report.JobFile, error)
	// StateRow gives one live row of a centre; false where there is none.
	StateRow(ctx context.Context, centre uuid.UUID, table string, id uuid.UUID) (schema.Row, bool, error)
	// StateRows gives the live rows of a table whose uuid column names id,
	// oldest first.
	StateRows(ctx context.Context, centre uuid.UUID, table, column string, id uuid.UUID) ([]schema.Row, error)
	// HeldDevice gives the device whose work a case holds; uuid.Nil for none.
	HeldDevice(ctx context.Context, centre, id uuid.UUID) (uuid.UUID, error)
	// BlobRows gives the rows of a centre that name a file.
	BlobRows(ctx context.Context, centre uuid.UUID, sha [32]byte) ([]report.BlobRow, error)
}

// Bench is where people settle what no rule can settle alone: a case of the
// fold, a slip to register, a defect to judge. Each decision is one
// transaction of the centre's office log, so that it can be audited, undone by
// a compensating one, and replayed. It is safe for concurrent use.
type Bench struct {
	journal Journal
	files   Files
	schema  *schema.Descriptor
	now     func() time.Time
	newID   func() uuid.UUID

	mu    sync.Mutex
	taken map[uuid.UUID]bool // cases being decided at this moment
}

// NewBench builds a bench.
func NewBench(journal Journal, files Files, descriptor *schema.Descriptor, now func() time.Time, newID func() uuid.UUID) *Bench {
	return &Bench{journal: journal, files: files, schema: descriptor, now: now, newID: newID, taken: map[uuid.UUID]bool{}}
}

// Ruling is what a person decides about a case.
type Ruling struct {
	Case    uuid.UUID
	Verdict string
	Value   schema.Value // of an edit: a value that fits the column
	Reason  string
	Base    uint64 // rev of the row that the screen showed; 0 does not look
	// Rest takes in what the same person recorded behind a hand-over too: each
	// of his transactions is held for itself, and one answer is enough.
	Rest bool
}

// Decided says what a ruling did.
type Decided struct {
	Decision uuid.UUID // the decision's row; uuid.Nil for a correction
	Changed  bool      // the row itself took another value
	File     bool      // the customer's file was brought into line
	Rest     int       // further cases that were taken in with it
	Rev      uint64
}

// Decide settles a case of the clerk's own centre. The decision and what it
// changes are written as one transaction: all of it or nothing. A case that
// somebody else has settled meanwhile is Stale, one of another centre is
// NotFound; a reason is required wherever money is at stake or a third value
// is put in. Asking the technician leaves the case open.
func (b *Bench) Decide(ctx context.Context, who Who, r Ruling) (Decided, error) {
	if !who.atCentre() {
		return Decided{}, fault.New(syncproto.Forbidden, "decide.centre-only")
	}
	if !b.take(r.Case) {
		return Decided{}, fault.New(fault.Stale, "decide.stale-busy")
	}
	defer b.release(r.Case)
	c, err := b.files.Case(ctx, who.Centre, r.Case)
	if err != nil {
		return Decided{}, err
	}
	if !c.Open {
		return Decided{}, fault.New(fault.Stale, "decide.stale-decided")
	}
	if err := checkRuling(&c, r); err != nil {
		return Decided{}, err
	}
	if r.Verdict == VerdictAsk {
		return b.ask(ctx, who, &c, r)
	}
	edits, done, err := b.effects(ctx, who, &c, r, uuid.Nil)
	if err != nil {
		return Decided{}, err
	}
	done.Decision = b.newID()
	edits = append(edits, b.decision(done.Decision, who, r.Case, r.Verdict, r.Reason))
	w, err := b.journal.Write(ctx, who.Centre, who.author(), edits)
	if err != nil {
		return Decided{}, fmt.Errorf("decide case %s: %w", r.Case, err)
	}
	done.Rev = w.Rev
	if r.Rest && r.Verdict == VerdictAccept && isHeld(&c) {
		done.Rest, err = b.takeRest(ctx, who, &c, r.Reason)
	}
	return done, err
}

func (b *Bench) take(id uuid.UUID) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.taken[id] {
		return false
	}
	b.taken[id] = true
	return true
}

func (b *Bench) release(id uuid.UUID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.taken, id)
}

// checkRuling refuses a verdict that the kind of case does not know, and one
// that lacks its reason.
func checkRuling(c *report.Case, r Ruling) error {
	if len(r.Reason) > 1000 {
		return fault.New(fault.Invalid, "decide.reason-long")
	}
	switch r.Verdict {
	case VerdictAccept, VerdictAsk:
	case VerdictRefuse:
		if !isHeld(c) {
			return fault.New(fault.Invalid, "decide.not-held")
		}
	case VerdictKeep, VerdictOther, VerdictEdit:
		if c.Kind == report.CaseClock && r.Verdict == VerdictKeep {
			break // the phone's own times stand
		}
		if !HasValues(c) {
			return fault.New(fault.Invalid, "decide.no-values")
		}
		if r.Verdict == VerdictOther && c.Sides.Other == nil {
			return fault.New(fault.Invalid, "decide.no-values")
		}
	default:
		return fault.New(fault.Invalid, "decide.verdict")
	}
	if r.Reason == "" && NeedsReason(c, r.Verdict) {
		return fault.New(fault.Invalid, "decide.reason")
	}
	return nil
}

// HasValues says whether a case is a choice between values. A receipt number
// used twice is none: both receipts stand, and one of them is reversed.
func HasValues(c *report.Case) bool {
	return (c.Kind == report.CaseConflict || c.Kind == report.CaseMerged) && c.Column != "" && c.Sides.Standing != nil
}

// NeedsReason says whether a verdict must be explained: a third value, a
// refusal, a question, and whatever concerns money.
func NeedsReason(c *report.Case, verdict string) bool {
	switch verdict {
	case VerdictEdit, VerdictRefuse, VerdictAsk:
		return true
	}
	return c.Sides.Rule == schema.Review || c.Kind == report.CaseClock && verdict == VerdictKeep
}

// effects are the edits that a verdict brings besides the decision itself. What
// the case shows is of the day it was opened: a value that somebody has written
// since, or since the decision that is revised (uuid.Nil for none), is never
// overwritten by one of the two sides (P5). A row that was deleted takes no
// value any more: a verdict that wants one written is refused, not settled
// without effect.
func (b *Bench) effects(ctx context.Context, who Who, c *report.Case, r Ruling, revised uuid.UUID) ([]ledger.Edit, Decided, error) {
	if !HasValues(c) {
		return nil, Decided{}, nil
	}
	table := b.schema.Table(c.Table)
	if table == nil || table.Column(c.Column) == nil {
		return nil, Decided{}, nil
	}
	col := table.Column(c.Column)
	row, ok, err := b.files.StateRow(ctx, who.Centre, c.Table, c.Row)
	if err != nil {
		return nil, Decided{}, fmt.Errorf("read the row of case %s: %w", c.ID, err)
	}
	if !ok {
		if revised == uuid.Nil && keeps(c, r) {
			return nil, Decided{}, nil // taken note of: the row is gone, what was written is kept beside it
		}
		return nil, Decided{}, fault.New(fault.Invalid, "decide.deleted")
	}
	value, err := chosen(col, c, r)
	if err != nil {
		return nil, Decided{}, err
	}
	var edits []ledger.Edit
	var done Decided
	moved, err := b.movedOn(ctx, who, c, col, row, revised)
	if err != nil {
		return nil, Decided{}, err
	}
	if moved && r.Verdict != VerdictEdit {
		if revised == uuid.Nil && keeps(c, r) {
			return nil, Decided{}, nil // taken note of: what was written since stays
		}
		return nil, Decided{}, fault.New(fault.Stale, "decide.moved-on")
	}
	if !schema.Equal(row.Cols[col.Name], value) {
		if r.Base != 0 && row.Rev != r.Base {
			return nil, Decided{}, fault.New(fault.Stale, "decide.stale-row")
		}
		if !table.MayWrite(col, who.Role) {
			return nil, Decided{}, fault.New(syncproto.Forbidden, "decide.role").
				WithHint("decide.role.hint")
		}
		done.Changed = true
		edits = append(edits, ledger.Edit{Table: c.Table, Row: c.Row, Op: changelog.Update, Base: row.Rev,
			Cols: map[string]any{col.Name: value}, Was: map[string]any{col.Name: row.Cols[col.Name]}})
	}
	file, err := b.customerFile(ctx, who.Centre, c, value)
	if err != nil {
		return nil, Decided{}, err
	}
	done.File = len(file) > 0
	return append(edits, file...), done, nil
}

// keeps says that a verdict wants nothing to be written.
func keeps(c *report.Case, r Ruling) bool {
	return r.Verdict == VerdictKeep || r.Verdict == VerdictAccept && c.Proposed() == c.Sides.Standing
}

// movedOn says whether the row holds neither of a case's two values any more.
func (b *Bench) movedOn(ctx context.Context, who Who, c *report.Case, col *schema.Column, row schema.Row, revised uuid.UUID) (bool, error) {
	if revised != uuid.Nil {
		if later, err := b.writtenSince(ctx, who, row, revised); err != nil || !later {
			return false, err
		}
	}
	for _, side := range []*report.Side{c.Sides.Standing, c.Sides.Other} {
		if side == nil {
			continue
		}
		v, err := report.CellValue(col, side.Value)
		if err != nil {
			return false, fmt.Errorf("value of case %s: %w", c.ID, err)
		}
		if schema.Equal(row.Cols[col.Name], v) {
			return false, nil
		}
	}
	return true, nil
}

// writtenSince says whether a row was written after a decision.
func (b *Bench) writtenSince(ctx context.Context, who Who, row schema.Row, decision uuid.UUID) (bool, error) {
	d, ok, err := b.files.StateRow(ctx, who.Centre, "decision", decision)
	if err != nil {
		return false, fmt.Errorf("read decision %s: %w", decision, err)
	}
	return !ok || row.Rev > d.Rev, nil
}

// chosen is the value that a verdict puts in place.
func chosen(col *schema.Column, c *report.Case, r Ruling) (schema.Value, error) {
	side := c.Sides.Standing
	switch r.Verdict {
	case VerdictEdit:
		v := col.Normal(r.Value)
		if !col.Fits(v) {
			return nil, fault.New(fault.Invalid, "decide.value")
		}
		return v, nil
	case VerdictAccept:
		side = c.Proposed()
	case VerdictOther:
		side = c.Sides.Other
	}
	v, err := report.CellValue(col, side.Value)
	if err != nil {
		return nil, fmt.Errorf("value of case %s: %w", c.ID, err)
	}
	return v, nil
}

// customerFile brings the customer's own file into line with a decided
// contact: what a job needs of it was copied at intake, and an accepted
// correction belongs in the file too.
func (b *Bench) customerFile(ctx context.Context, centre uuid.UUID, c *report.Case, value schema.Value) ([]ledger.Edit, error) {
	if c.Table != "job_contact" || (c.Column != "phone" && c.Column != "name" && c.Column != "address") {
		return nil, nil
	}
	job, ok, err := b.files.StateRow(ctx, centre, "job", c.Root)
	if err != nil || !ok || job.UUID("customer") == uuid.Nil {
		return nil, err
	}
	file, ok, err := b.files.StateRow(ctx, centre, "customer", job.UUID("customer"))
	if err != nil || !ok || schema.Equal(file.Cols[c.Column], value) {
		return nil, err
	}
	if !b.schema.Table("customer").Column(c.Column).Fits(value) {
		return nil, nil // an emptied phone stays in the file
	}
	return []ledger.Edit{{Table: "customer", Row: file.ID, Op: changelog.Update, Base: file.Rev,
		Cols: map[string]any{c.Column: value}, Was: map[string]any{c.Column: file.Cols[c.Column]}}}, nil
}

func (b *Bench) note(who Who, job uuid.UUID, kind, text string) ledger.Edit {
	return ledger.Edit{Table: "note", Row: b.newID(), Op: changelog.Insert, Cols: map[string]any{
		"job": job[:], "kind": kind, "text": text, "at": b.now().UnixMilli(), "author": who.Person[:],
	}}
}

func (b *Bench) decision(id uuid.UUID, who Who, of uuid.UUID, verdict, reason string) ledger.Edit {
	cols := map[string]any{"case": of[:], "verdict": verdict, "at": b.now().UnixMilli(), "by": who.Person[:]}
	if reason != "" {
		cols["reason"] = reason
	}
	return ledger.Edit{Table: "decision", Row: id, Op: changelog.Insert, Cols: cols}
}
