package reconcile

import (
	"context"

	"github.com/google/uuid"

	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

// remove leaves a tombstone, whose id is never used again. A delete wins over
// concurrent updates, whose values become losers and cases: a person looks at
// what was written while somebody else threw the row away (promise P5).
func (w *work) remove(ctx context.Context, t *schema.Table, ch *changelog.Change, row *Row) (*finding, error) {
	switch {
	case row == nil:
		return held(syncproto.RowUnknown, uuid.Nil), nil
	case !t.Delete:
		return held(syncproto.Rule, row.Root), nil
	case row.Deleted:
		return nil, nil
	}
	s, err := w.stamp(ctx, ch, row.Root)
	if err != nil {
		return nil, err
	}
	var first []byte
	for _, c := range t.Columns {
		old, ok := row.Clock.Stamp(c.Name)
		if !ok {
			continue
		}
		if w.unit.Strict && ch.Base > 0 && old.Rev > ch.Base {
			return &finding{code: syncproto.Held, reason: syncproto.Behind, root: row.Root, stale: true}, nil
		}
		if old.Rev > w.shown(ch) && old.Log != s.Log {
			if id := w.buried(t, ch, row, c, old, s); first == nil {
				first = id[:]
			}
		}
	}
	if first != nil {
		w.outs = append(w.outs, Outcome{Log: w.unit.Log, Outcome: syncproto.Outcome{Seq: ch.Seq, Code: syncproto.Conflict, Case: first}})
	}
	n := row.clone()
	n.Rev, n.Deleted = w.nextRev(), true
	w.write(n)
	return nil, nil
}

// buried keeps a value that a delete, of stamp s, takes with it, and opens its
// case.
func (w *work) buried(t *schema.Table, ch *changelog.Change, row *Row, c *schema.Column, old, s Stamp) uuid.UUID {
	value, rule := row.Cols[c.Name], t.RuleOf(c)
	w.effects.Losers = append(w.effects.Losers, Loser{Table: t.Name, Row: row.ID, Column: c.Name, Rev: w.rev, Rule: rule, Value: value, Stamp: old})
	id := derivedID("case", s.Log, ch.Seq, c.Name)
	w.effects.Cases = append(w.effects.Cases, Case{ID: id, Kind: CaseConflict, Root: row.Root, Table: t.Name, Row: row.ID, Column: c.Name, Blocking: true,
		OpenedAt: w.unit.Received, Rev: w.rev, Sides: Sides{Rule: rule, Column: c.Name, Reason: string(syncproto.RowDeleted),
			Standing: view(c, nil, s), Other: view(c, value, old), Proposal: "standing"}})
	return id
}
