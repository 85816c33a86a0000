package reconcile

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

// Upgrade is what a stream's entry "upgraded" does, at its place in the office
// log: the fold is by the new schema, earlier is the version before. Values
// that newer phones wrote into columns unknown until now are merged by the
// rules, each with the time and the base that it had; transactions that were
// held for what the earlier version did not know are folded. What the new
// version does not know either stays where it is (promise P9).
func (f *Fold) Upgrade(ctx context.Context, entry Batch, earlier int) error {
	f.cuts = entry.Cuts
	f.heldRoot, f.heldRow = map[uuid.UUID]uuid.UUID{}, map[Key]uuid.UUID{}
	w := &work{Fold: f, unit: txn{Batch: &entry, items: entry.Items}, roleOf: schema.Server, current: entry.Items[0].Seq, byRules: true}
	keys, err := f.tx.Kept(ctx)
	if err != nil {
		return fmt.Errorf("rows with columns of a newer schema: %w", err)
	}
	for _, k := range keys {
		if err := w.adoptRow(ctx, k); err != nil {
			return fmt.Errorf("%s %s: %w", k.Table, k.ID, err)
		}
	}
	return w.adoptHeld(ctx, uint64(earlier))
}

// adoptRow merges the kept values of one row whose columns are known now.
func (w *work) adoptRow(ctx context.Context, k Key) error {
	t := w.e.d.Table(k.Table)
	row, err := w.live(ctx, k.Table, k.ID)
	if t == nil || err != nil || row == nil {
		return err
	}
	var known, rest []Kept
	for _, kept := range row.Extra {
		if t.Column(kept.Column) != nil {
			known = append(known, kept)
		} else {
			rest = append(rest, kept)
		}
	}
	for len(known) > 0 {
		first := known[0].Stamp
		n := 1
		for n < len(known) && known[n].Stamp.Log == first.Log && known[n].Stamp.Seq == first.Seq {
			n++
		}
		if err := w.adoptChange(ctx, t, k, known[:n], slices.Concat(rest, known[n:])); err != nil {
			return err
		}
		known = known[n:]
	}
	return nil
}

// adoptChange merges what one change wrote, as if it came now with the base and
// the hybrid time that it had.
func (w *work) adoptChange(ctx context.Context, t *schema.Table, k Key, kept, rest []Kept) error {
	row, err := w.row(ctx, k.Table, k.ID)
	if err != nil {
		return err
	}
	crew, err := w.hasCrew(ctx, row.Root)
	if err != nil {
		return err
	}
	stamp := kept[0].Stamp
	then := *w
	then.roleOf = stamp.Role
	m := mergeRow{work: &then, t: t, ch: &changelog.Change{Seq: stamp.Seq, Table: t.Name, Row: k.ID, Base: kept[0].Base}, row: row, next: row.clone(), stamp: stamp, crew: crew, dirty: true}
	m.next.Extra = rest
	for _, kv := range kept {
		c := t.Column(kv.Column)
		if !c.Fits(kv.Value) || !t.MayWrite(c, stamp.Role) {
			m.refuse(c, kv.Value)
			continue
		}
		if fd := m.column(c, c.Normal(kv.Value)); fd != nil {
			m.refuse(c, kv.Value)
			continue
		}
		if b, ok := kv.Value.([]byte); ok && c.Type == schema.Blob {
			w.effects.Refs = append(w.effects.Refs, BlobRef{SHA256: [32]byte(b), Root: row.Root, Table: t.Name, Row: row.ID, Column: c.Name, Purpose: c.Purpose})
		}
	}
	m.finish()
	return nil
}

// refuse keeps a value that cannot stand in the column as a losing one, with a
// case that a person may look at: nothing is lost silently (promise P5).
func (m *mergeRow) refuse(c *schema.Column, v schema.Value) {
	old, _ := m.row.Clock.Stamp(c.Name)
	m.effects.Losers = append(m.effects.Losers, Loser{Table: m.t.Name, Row: m.row.ID, Column: c.Name, Rev: m.rev, Rule: m.t.RuleOf(c), Value: v, Stamp: m.stamp})
	m.effects.Cases = append(m.effects.Cases, Case{ID: derivedID("case", m.stamp.Log, m.ch.Seq, c.Name), Kind: CaseMerged, Root: m.row.Root, Table: m.t.Name, Row: m.row.ID,
		Column: c.Name, OpenedAt: m.unit.Received, Rev: m.rev, Sides: Sides{Rule: m.t.RuleOf(c), Column: c.Name, Reason: string(syncproto.BadValue),
			Standing: view(c, m.row.Cols[c.Name], old), Other: view(c, v, m.stamp), Proposal: "standing"}})
}

// adoptHeld folds what was held because it was written with a schema that the
// stream did not have. What fails again opens a new case.
func (w *work) adoptHeld(ctx context.Context, earlier uint64) error {
	cases, err := w.tx.HeldCases(ctx)
	if err != nil {
		return fmt.Errorf("held cases: %w", err)
	}
	for _, c := range cases {
		waiting, err := w.tx.HeldOf(ctx, c.ID)
		if err != nil {
			return fmt.Errorf("held changes: %w", err)
		}
		if !w.forUpgrade(c, waiting, earlier) {
			continue
		}
		if err := w.adoptCase(ctx, c, waiting); err != nil {
			return fmt.Errorf("case %s: %w", c.ID, err)
		}
		// The next case may be of the same log, and looks into the store for what
		// is held before it.
		if err := w.apply(ctx); err != nil {
			return err
		}
	}
	return nil
}

// forUpgrade says whether a held transaction waits for a newer schema: for a
// table, a column or a value that its writer knew and the stream did not.
func (w *work) forUpgrade(c *Case, waiting []HeldChange, earlier uint64) bool {
	switch syncproto.Reason(c.Sides.Reason) {
	case syncproto.UnknownTable, syncproto.UnknownColumn, syncproto.BadValue, syncproto.Transition:
	default:
		return false
	}
	return slices.ContainsFunc(waiting, func(h HeldChange) bool {
		ch, err := w.e.codec.Decode(h.Body)
		return err == nil && h.Txn == waiting[0].Txn && ch.Schema > earlier
	})
}

func (w *work) adoptCase(ctx context.Context, c *Case, waiting []HeldChange) error {
	c.Decided, c.Verdict, c.DecidedAt, c.Reason = true, "accept", w.unit.Received, "upgraded"
	w.effects.Cases = append(w.effects.Cases, *c)
	w.effects.Unholds = append(w.effects.Unholds, waiting...)
	w.touchJob(c.Root)
	failed, err := w.release(ctx, waiting, true)
	if err != nil {
		return err
	}
	var person uuid.UUID
	if ch, err := w.e.codec.Decode(waiting[0].Body); err == nil {
		person = ch.Actor
	}
	tells := append([]told{{kase: c.ID, log: waiting[0].Log, seq: waiting[0].Seq, verdict: c.Verdict}}, failed...)
	for _, t := range tells {
		t.person = person
		if err := w.tell(ctx, t); err != nil {
			return err
		}
	}
	return nil
}
