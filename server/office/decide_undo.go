package office

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/server/ledger"
	"siteledger/server/report"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

// standing is the latest decision of a case: the one that an undo names and
// that nothing has compensated yet. uuid.Nil where only questions were asked.
func standing(ruled []report.Ruled) report.Ruled {
	undone := map[uuid.UUID]bool{}
	for _, r := range ruled {
		undone[r.Of] = true
	}
	for _, r := range slices.Backward(ruled) {
		if r.Verdict != VerdictAsk && !undone[r.ID] {
			return r
		}
	}
	return report.Ruled{}
}

// Undoing says what an undo of a case's standing decision would decide; "" for
// a case whose decision changed nothing that could be put back.
func Undoing(c *report.Case, ruled []report.Ruled) string {
	last := standing(ruled)
	switch {
	case last.ID == uuid.Nil || c.Open:
		return ""
	case HasValues(c):
		return VerdictKeep
	case c.Kind == report.CaseClock && last.Verdict == VerdictKeep, isHeld(c) && last.Verdict == VerdictRefuse:
		return VerdictAccept
	case c.Kind == report.CaseClock:
		return VerdictKeep
	case isHeld(c):
		return VerdictRefuse
	}
	return ""
}

// turned are the edits by which a decision on held work is turned over: what
// was refused is written by the office in its writer's words; of what was taken
// in, the columns go back to what they were. Facts stay: they are corrected by
// new rows.
func (b *Bench) turned(ctx context.Context, who Who, c *report.Case, last report.Ruled, verdict string) ([]ledger.Edit, error) {
	if last.Verdict == verdict || verdict != VerdictAccept && verdict != VerdictRefuse {
		return nil, fault.New(fault.Invalid, "decide.same")
	}
	if len(c.Sides.Changes) == 0 {
		return nil, fault.New(fault.Invalid, "decide.undo-facts")
	}
	var edits []ledger.Edit
	for _, ch := range c.Sides.Changes {
		t := b.schema.Table(ch.Table)
		if t == nil {
			return nil, fault.New(fault.Invalid, "decide.undo-facts")
		}
		row, ok, err := b.files.StateRow(ctx, who.Centre, ch.Table, ch.Row)
		if err != nil {
			return nil, err
		}
		var e ledger.Edit
		later := false
		if verdict == VerdictAccept {
			if ok {
				if later, err = b.writtenSince(ctx, who, row, last.ID); err != nil {
					return nil, err
				}
			}
			e, err = redo(t, ch, row, ok, later)
		} else {
			e, err = undo(t, ch, row, ok)
		}
		if err != nil {
			return nil, err
		}
		edits = append(edits, e)
	}
	if verdict == VerdictRefuse {
		slices.Reverse(edits)
	}
	return edits, nil
}

// redo writes a refused change as the office's own. Where the row was written
// after the refusal (later), a column that is no longer as its writer saw it is
// not overwritten.
func redo(t *schema.Table, ch report.HeldChange, row schema.Row, known, later bool) (ledger.Edit, error) {
	cols, err := cellsOf(t, ch.Cols)
	if err != nil {
		return ledger.Edit{}, err
	}
	e := ledger.Edit{Table: t.Name, Row: ch.Row, Op: changelog.Op(ch.Op), Cols: cols}
	if e.Op == changelog.Insert {
		if known {
			return e, fault.New(fault.Stale, "decide.stale-row")
		}
		return e, nil
	}
	if !known {
		return e, fault.New(fault.Stale, "decide.stale-row")
	}
	e.Base = row.Rev
	if e.Op == changelog.Update {
		was, err := cellsOf(t, ch.Was)
		if err != nil {
			return e, err
		}
		e.Was = map[string]any{}
		for name, v := range cols {
			if later && !schema.Equal(row.Cols[name], v) && !schema.Equal(row.Cols[name], was[name]) {
				return e, fault.New(fault.Stale, "decide.stale-row")
			}
			e.Was[name] = row.Cols[name]
		}
	}
	return e, nil
}

// undo puts back what an accepted change replaced. Somebody who has written
// since is not overwritten.
func undo(t *schema.Table, ch report.HeldChange, row schema.Row, known bool) (ledger.Edit, error) {
	if !known {
		return ledger.Edit{}, fault.New(fault.Stale, "decide.stale-row")
	}
	e := ledger.Edit{Table: t.Name, Row: ch.Row, Op: changelog.Update, Base: row.Rev, Cols: map[string]any{}, Was: map[string]any{}}
	switch changelog.Op(ch.Op) {
	case changelog.Insert:
		if !t.Delete {
			return e, fault.New(fault.Invalid, "decide.undo-facts")
		}
		e.Op, e.Was = changelog.Delete, nil
		return e, nil
	case changelog.Update:
	default:
		return e, fault.New(fault.Invalid, "decide.undo-facts")
	}
	put, err := cellsOf(t, ch.Cols)
	if err != nil {
		return e, err
	}
	was, err := cellsOf(t, ch.Was)
	if err != nil {
		return e, err
	}
	for name, v := range put {
		before, told := was[name]
		if !told {
			return e, fault.New(fault.Invalid, "decide.undo-facts")
		}
		if !schema.Equal(row.Cols[name], v) {
			return e, fault.New(fault.Stale, "decide.stale-row")
		}
		e.Cols[name], e.Was[name] = before, v
	}
	return e, nil
}

// cellsOf reads the columns of a held change, as its case holds them.
func cellsOf(t *schema.Table, in map[string]any) (map[string]any, error) {
	out := make(map[string]any, len(in))
	for name, v := range in {
		c := t.Column(name)
		if c == nil {
			return nil, fault.New(fault.Invalid, "decide.undo-facts")
		}
		cell, err := report.CellValue(c, v)
		if err != nil || !c.Fits(cell) {
			return nil, fault.Wrap(fault.Invalid, "decide.undo-facts", fmt.Errorf("column %s: %w", name, err))
		}
		out[name] = cell
	}
	return out, nil
}
