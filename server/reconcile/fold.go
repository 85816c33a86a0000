package reconcile

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/hlc"
	"siteledger/syncproto/merge"
	"siteledger/syncproto/schema"
)

// Engine folds by one version of the schema and one set of merge rules. It is
// immutable.
type Engine struct {
	d     *schema.Descriptor
	rules merge.RuleSet
	codec *changelog.Codec
}

// New builds an engine.
func New(d *schema.Descriptor, rules merge.RuleSet, codec *changelog.Codec) *Engine {
	return &Engine{d: d, rules: rules, codec: codec}
}

// Refusal is why a strict batch was not taken: one of its changes would have
// been held or denied.
type Refusal struct {
	Code   syncproto.OutcomeCode
	Reason syncproto.Reason
	Index  int    // of the change in the batch
	ZH, EN string // the broken rule in words, where there is one
	Stale  bool   // somebody else was faster
}

func (r *Refusal) Error() string {
	return fmt.Sprintf("change %d would be %s: %s %s", r.Index, r.Code, r.Reason, r.EN)
}

// Fold is the overlay of one batch over a stream's state. It is not safe for
// concurrent use.
type Fold struct {
	e      *Engine
	tx     Tx
	centre uuid.UUID
	hq     bool

	rev  uint64
	hlc  uint64
	cuts []Cut // of the batch in hand

	rows     map[Key]*Row // nil: known to be absent
	inStore  map[Key]bool
	byTable  map[string][]Key // keys of the overlay, in order of first use
	touched  []Key            // rows written, in order
	written  map[Key]bool
	members  map[memberKey]Member
	crews    map[uuid.UUID]bool
	people   map[uuid.UUID]*Row
	heldRoot map[uuid.UUID]uuid.UUID // root → case, of the batch's log
	heldRow  map[Key]uuid.UUID       // row of a held insert → root
	jobs     []uuid.UUID             // roots whose completeness may have changed
	jobSeen  map[uuid.UUID]bool
	roots    []uuid.UUID
	rootSeen map[uuid.UUID]bool
	undo     []undone
	effects  Effects
}

type memberKey struct{ person, job uuid.UUID }

// Start opens a fold over a stream whose last rev and highest hybrid time are
// given.
func (e *Engine) Start(tx Tx, centre uuid.UUID, headquarters bool, rev, high uint64) *Fold {
	return &Fold{
		e: e, tx: tx, centre: centre, hq: headquarters, rev: rev, hlc: high,
		rows: map[Key]*Row{}, inStore: map[Key]bool{}, byTable: map[string][]Key{}, written: map[Key]bool{},
		members: map[memberKey]Member{}, crews: map[uuid.UUID]bool{}, people: map[uuid.UUID]*Row{}, jobSeen: map[uuid.UUID]bool{}, rootSeen: map[uuid.UUID]bool{},
	}
}

// Rev is the last rev given.
func (f *Fold) Rev() uint64 { return f.rev }

// HLC is the highest hybrid time seen, after the clamp.
func (f *Fold) HLC() uint64 { return f.hlc }

// Outcomes are those of the batch so far.
func (f *Fold) Outcomes() []Outcome { return f.effects.Outcomes }

// Batch folds a batch. A change that cannot be applied is held or denied with
// its whole transaction; the batch goes on behind it. A panic inside one
// transaction holds that transaction (internal) and no other.
func (f *Fold) Batch(ctx context.Context, b Batch) error {
	f.cuts = b.Cuts
	f.heldRoot, f.heldRow = map[uuid.UUID]uuid.UUID{}, map[Key]uuid.UUID{}
	held, err := f.tx.Held(ctx, b.Log)
	if err != nil {
		return fmt.Errorf("read held changes: %w", err)
	}
	for _, h := range held {
		f.noteHeld(h)
	}
	if err := f.load(ctx, b.Items); err != nil {
		return err
	}
	f.touched, f.undo = slices.Grow(f.touched, len(b.Items)), slices.Grow(f.undo, len(b.Items))
	for start := 0; start < len(b.Items); {
		end, whole := transaction(b.Items, start)
		t := txn{Batch: &b, items: b.Items[start:end], first: start}
		if err := f.one(ctx, t, whole); err != nil {
			return err
		}
		start = end
	}
	return f.clocks(ctx, b)
}

func (f *Fold) noteHeld(h HeldChange) {
	if _, ok := f.heldRoot[h.Root]; !ok {
		f.heldRoot[h.Root] = h.Case
	}
	if ch, err := f.e.codec.Decode(h.Body); err == nil && ch.Op == changelog.Insert {
		f.heldRow[Key{ch.Table, ch.Row}] = h.Root
	}
}

// transaction finds the end of the transaction that starts at i. whole is
// false where it lacks its last change. An undecodable change, or one whose
// txn does not fit its place, is a transaction of its own.
func transaction(items []Item, i int) (end int, whole bool) {
	first := items[i].Change
	if first == nil || first.Txn != items[i].Seq {
		return i + 1, true
	}
	for n := i; n < len(items); n++ {
		ch := items[n].Change
		if ch == nil || ch.Txn != first.Txn {
			return n, false
		}
		if ch.Last {
			return n + 1, true
		}
	}
	return len(items), false
}

// txn is one transaction of a batch.
type txn struct {
	*Batch
	items []Item
	first int // index in the batch
	force bool
	after uint64 // seq of the decision that folds it; 0 at arrival

	failed *told // set where it fails again after a decision; nil at arrival
}

// stranger finds a change of a phone's log whose actor is not the phone's
// person. It comes before everything that could hold the transaction: once held
// and accepted, its changes are folded with the rights of their actor.
func (t txn) stranger() (index int, ok bool) {
	if t.Office {
		return 0, false
	}
	for i, it := range t.items {
		if it.Change != nil && it.Change.Actor != t.Person {
			return i, true
		}
	}
	return 0, false
}

// finding says that a change is held or denied.
type finding struct {
	code   syncproto.OutcomeCode
	reason syncproto.Reason
	root   uuid.UUID
	kind   string // of the case, held where empty
	zh, en string
	stale  bool
	index  int
}

func (f *Fold) txn(ctx context.Context, t txn, whole bool) error {
	mark, snapshot := len(f.undo), f.snapshot()
	found, outs, err := f.try(ctx, t, whole)
	if err != nil {
		return err
	}
	if found == nil {
		f.effects.Outcomes = append(f.effects.Outcomes, outs...)
		return nil
	}
	f.rollback(mark, snapshot)
	if t.Strict {
		return &Refusal{Code: found.code, Reason: found.reason, Index: t.first + found.index, ZH: found.zh, EN: found.en, Stale: found.stale}
	}
	return f.fail(ctx, t, found)
}

// try applies a transaction to the overlay; the caller rolls it back where a
// finding comes out.
func (f *Fold) try(ctx context.Context, t txn, whole bool) (found *finding, outs []Outcome, err error) {
	defer func() {
		if p := recover(); p != nil {
			found = &finding{code: syncproto.Held, reason: syncproto.InternalFault, en: fmt.Sprint(p)}
			err = nil
		}
	}()
	if i, ok := t.stranger(); ok {
		return &finding{code: syncproto.Denied, reason: syncproto.NotActor, index: i}, nil, nil
	}
	if !whole {
		return &finding{code: syncproto.Held, reason: syncproto.Transaction}, nil, nil
	}
	w := work{Fold: f, unit: t}
	for i, it := range t.items {
		if it.Change == nil || it.Change.Txn != t.items[0].Seq {
			return &finding{code: syncproto.Held, reason: syncproto.Undecodable, index: i}, nil, nil
		}
		fd, err := w.change(ctx, it)
		if err != nil {
			return nil, nil, err
		}
		if fd != nil {
			fd.index = i
			return fd, nil, nil
		}
	}
	fd, err := w.guard(ctx)
	if err != nil || fd != nil {
		return fd, nil, err
	}
	return nil, w.outs, nil
}

// fail stores a transaction that had no effect: denied and listed, or held
// with a case.
func (f *Fold) fail(ctx context.Context, t txn, fd *finding) error {
	out := func(i int, caseID []byte) {
		if t.after != 0 {
			return // outcomes never change
		}
		reason := syncproto.Transaction
		if i == fd.index {
			reason = fd.reason
		}
		f.effects.Outcomes = append(f.effects.Outcomes, Outcome{Log: t.Log,
			Outcome: syncproto.Outcome{Seq: t.items[i].Seq, Code: fd.code, Reason: reason, Case: caseID}})
	}
	if fd.code == syncproto.Denied {
		t.again("refuse", uuid.Nil, fd.reason)
		for i := range t.items {
			out(i, nil)
		}
		return nil
	}
	root := fd.root
	if root == uuid.Nil {
		root = f.guessRoot(ctx, t, t.items[fd.index])
	}
	id, known := f.heldRoot[root]
	if !known || fd.reason != syncproto.Behind {
		id = derivedID("case", t.Log, t.items[0].Seq, fmt.Sprint("held ", t.after))
		f.effects.Cases = append(f.effects.Cases, f.heldCase(id, root, t, fd))
	}
	t.again("held", id, fd.reason)
	for i, it := range t.items {
		out(i, id[:])
		h := HeldChange{Log: t.Log, Seq: it.Seq, Txn: t.items[0].Seq, Root: root, Case: id, Body: it.Bytes, Received: t.Received}
		f.effects.Holds = append(f.effects.Holds, h)
		f.noteHeld(h)
	}
	f.touchJob(root)
	return nil
}

// again notes what the phone is to be told of a transaction that a decision
// folded and that failed once more.
func (t txn) again(verdict string, of uuid.UUID, reason syncproto.Reason) {
	if t.failed != nil {
		t.failed.verdict, t.failed.kase, t.failed.reason = verdict, of, reason
	}
}

func (f *Fold) heldCase(id, root uuid.UUID, t txn, fd *finding) Case {
	kind := fd.kind
	if kind == "" {
		kind = CaseHeld
	}
	c := Case{ID: id, Kind: kind, Root: root, Blocking: true, OpenedAt: t.Received, Rev: f.rev,
		Sides: Sides{Reason: string(fd.reason), Detail: fd.zh + "\n" + fd.en, Proposal: "accept"}}
	for i, it := range t.items {
		v := ChangeView{Seq: it.Seq, Reason: string(syncproto.Transaction)}
		if i == fd.index {
			v.Reason = string(fd.reason)
		}
		if ch := it.Change; ch != nil {
			tab := f.e.d.Table(ch.Table)
			v.Table, v.Row, v.Op, v.Actor, v.Wall = ch.Table, ch.Row, uint8(ch.Op), ch.Actor, ch.Wall
			v.Cols, v.Was = jsonCols(tab, ch.Cols), jsonCols(tab, ch.Was)
			if i == fd.index {
				c.Table, c.Row = ch.Table, ch.Row
			}
		}
		c.Sides.Changes = append(c.Sides.Changes, v)
	}
	return c
}

// guessRoot finds the root that a failed change belongs to as well as can be
// told; the row itself for an unknown table.
func (f *Fold) guessRoot(ctx context.Context, t txn, it Item) uuid.UUID {
	if it.Change == nil {
		return f.centre
	}
	tab := f.e.d.Table(it.Change.Table)
	if tab == nil {
		return it.Change.Row
	}
	if r, err := f.row(ctx, tab.Name, it.Change.Row); err == nil && r != nil {
		return r.Root
	}
	if root, ok := f.heldRow[Key{tab.Name, it.Change.Row}]; ok {
		return root
	}
	person := t.Person
	if !f.e.rules.OwnRoot {
		person = uuid.Nil
	}
	root, fd, err := f.rootOf(ctx, tab, it.Change, person)
	switch {
	case err == nil && fd == nil:
		return root
	case err == nil && f.e.rules.OwnRoot && fd.root != uuid.Nil:
		return fd.root
	}
	return it.Change.Row
}

// clamp is the hybrid time that merging uses.
func (f *Fold) clamp(claimed uint64, received int64) uint64 {
	c := uint64(hlc.Timestamp(claimed).Clamp(received))
	f.hlc = max(f.hlc, c)
	return c
}
