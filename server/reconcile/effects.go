package reconcile

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

// effectsOf does what a change to certain tables means beyond its own row:
// who sees the job, which blobs are named or present, which case is decided.
func (w *work) effectsOf(ctx context.Context, t *schema.Table, ch *changelog.Change, before, after *Row) error {
	for _, c := range t.Columns {
		b, ok := ch.Cols[c.Name].([]byte)
		if c.Type != schema.Blob || !ok || len(b) != 32 || t.Name == "stored_blob" {
			continue
		}
		w.effects.Refs = append(w.effects.Refs, BlobRef{SHA256: [32]byte(b), Root: after.Root, Table: t.Name, Row: after.ID, Column: c.Name, Purpose: c.Purpose})
	}
	switch t.Name {
	case "assignment":
		if before != nil && before.UUID("person") != after.UUID("person") {
			if err := w.leave(ctx, before.UUID("person"), after.Root); err != nil {
				return err
			}
		}
		return w.crew(ctx, after)
	case "job":
		if ch.Op == changelog.Insert && !w.unit.Office {
			return w.join(ctx, w.unit.Person, after.Root)
		}
	case "stored_blob":
		if ch.Op == changelog.Insert {
			return w.present(ctx, after)
		}
	case "decision":
		return w.decide(ctx, after)
	case "receipt":
		if ch.Op == changelog.Insert {
			return w.receipt(ctx, after)
		}
	case "person":
		delete(w.people, after.ID)
	}
	return nil
}

// crew keeps the memberships up with an assignment row: a person is on the
// crew while any of his assignments to the job is active.
func (w *work) crew(ctx context.Context, a *Row) error {
	delete(w.crews, a.Root)
	if a.Bool("active") && !a.Deleted {
		return w.join(ctx, a.UUID("person"), a.Root)
	}
	return w.leave(ctx, a.UUID("person"), a.Root)
}

// leave takes a person off the crew where no active assignment is left.
func (w *work) leave(ctx context.Context, person, job uuid.UUID) error {
	rows, err := w.find(ctx, "assignment", "job", job[:])
	if err != nil {
		return err
	}
	for _, r := range rows {
		if r.UUID("person") == person && r.Bool("active") {
			return nil
		}
	}
	m, ok, err := w.member(ctx, person, job)
	if err != nil || !ok || !m.Active() {
		return err
	}
	m.Left = w.rev
	w.setMember(m)
	return nil
}

func (w *work) join(ctx context.Context, person, job uuid.UUID) error {
	m, ok, err := w.member(ctx, person, job)
	if err != nil || (ok && m.Active()) {
		return err
	}
	w.setMember(Member{Person: person, Job: job, Joined: w.nextRev(), Left: m.Left})
	return nil
}

// present marks a blob as read back and checked, and settles the jobs whose
// rows name it.
func (w *work) present(ctx context.Context, r *Row) error {
	b := r.Bytes("sha256")
	if len(b) != 32 {
		return fmt.Errorf("stored_blob %s names no hash", r.ID)
	}
	sha := [32]byte(b)
	w.effects.Present = append(w.effects.Present, BlobPresent{SHA256: sha, Size: r.Int("size"), Rev: r.Rev})
	roots, err := w.tx.BlobRoots(ctx, sha)
	if err != nil {
		return fmt.Errorf("roots that name the blob: %w", err)
	}
	for _, root := range roots {
		w.touchJob(root)
	}
	return nil
}

// DecidedError says that somebody else decided the case first. Case is nil for
// a case that does not exist.
type DecidedError struct{ Case *Case }

func (e *DecidedError) Error() string { return "case is unknown or decided already" }

// decide closes a case. Accepting held work folds it at this place of the
// order; refusing it drops it, and what waited behind it is folded.
func (w *work) decide(ctx context.Context, d *Row) error {
	c, err := w.tx.Case(ctx, d.UUID("case"))
	if err != nil {
		return err
	}
	verdict := d.Text("verdict")
	if c == nil || c.Decided {
		return &DecidedError{c}
	}
	if verdict == "ask" {
		return nil
	}
	c.Decided, c.Verdict, c.DecidedBy, c.DecidedAt, c.Reason = true, verdict, d.UUID("by"), d.Int("at"), d.Text("reason")
	w.effects.Cases = append(w.effects.Cases, *c)
	w.touchJob(c.Root)
	if c.Kind == CaseConflict {
		return w.tellWriters(ctx, c, verdict)
	}
	if c.Kind != CaseHeld && c.Kind != CaseHandover {
		return nil
	}
	waiting, err := w.tx.HeldOf(ctx, c.ID)
	if err != nil || len(waiting) == 0 {
		return err
	}
	w.effects.Unholds = append(w.effects.Unholds, waiting...)
	if err := w.release(ctx, waiting, verdict != "refuse"); err != nil {
		return err
	}
	var person uuid.UUID
	if ch, err := w.e.codec.Decode(waiting[0].Body); err == nil {
		person = ch.Actor
	}
	return w.tell(ctx, c, waiting[0].Log, waiting[0].Seq, person, verdict)
}

// release folds held transactions again, in the order of their log. What is
// held for another reason holds back only what comes behind it: were an earlier
// transaction parked under a later one's case, refusing that would drop it.
func (w *work) release(ctx context.Context, waiting []HeldChange, accepted bool) error {
	first := waiting[0].Txn
	log, err := w.tx.Held(ctx, waiting[0].Log)
	if err != nil {
		return err
	}
	roots, rows := w.heldRoot, w.heldRow // of the office's log, which goes on behind the decision
	defer func() { w.heldRoot, w.heldRow = roots, rows }()
	w.heldRoot, w.heldRow = map[uuid.UUID]uuid.UUID{}, map[Key]uuid.UUID{}
	for i := 0; i < len(waiting); {
		for len(log) > 0 && log[0].Seq < waiting[i].Seq {
			if log[0].Case != waiting[0].Case {
				w.noteHeld(log[0])
			}
			log = log[1:]
		}
		n := i
		for n < len(waiting) && waiting[n].Txn == waiting[i].Txn {
			n++
		}
		if accepted || waiting[i].Txn != first {
			if err := w.again(ctx, waiting[i:n], accepted && waiting[i].Txn == first); err != nil {
				return err
			}
		}
		i = n
	}
	return nil
}

// again folds one held transaction at the place of the decision. What fails
// again opens a new case.
func (w *work) again(ctx context.Context, held []HeldChange, force bool) error {
	t := txn{Batch: Batch{Log: held[0].Log, Received: held[0].Received}, force: force, after: w.current}
	for _, h := range held {
		it := Item{Bytes: h.Body, Seq: h.Seq}
		if ch, err := w.e.codec.Decode(h.Body); err == nil && ch.Seq == h.Seq {
			it.Change = ch
			t.Person = ch.Actor // it was the device's person when it was held
		}
		t.items = append(t.items, it)
	}
	return w.txn(ctx, t, true)
}

// tellWriters tells the phones that wrote one of the two values.
func (w *work) tellWriters(ctx context.Context, c *Case, verdict string) error {
	for _, s := range []*SideView{c.Sides.Standing, c.Sides.Other} {
		if s == nil || s.Office || s.Actor == uuid.Nil {
			continue
		}
		if err := w.tell(ctx, c, LogID{s.Device, s.Epoch}, s.Seq, s.Actor, verdict); err != nil {
			return err
		}
	}
	return nil
}

// tell leaves the instruction that makes the phone take the mark off the
// screen.
func (w *work) tell(ctx context.Context, c *Case, log LogID, seq uint64, person uuid.UUID, verdict string) error {
	args, err := json.Marshal(map[string]any{"epoch": log.Epoch, "seq": seq, "case": c.ID, "verdict": verdict})
	if err != nil {
		return err
	}
	rev := w.nextRev()
	r := &Row{Row: schema.Row{Table: "instruction", ID: derivedID("decided", log, seq, c.ID.String()), Root: officeRoot(w.centre), Rev: rev,
		Cols: map[string]schema.Value{"person": person[:], "device": log.Device[:], "kind": syncproto.KindDecided, "args": string(args), "at": w.unit.Received}}}
	r.Clock.set(Stamp{Rev: rev, HLC: w.hlc, Log: w.unit.Log, Seq: w.current, Role: schema.Server, Office: true, Received: w.unit.Received}, "person", "device", "kind", "args", "at")
	if old, err := w.row(ctx, r.Table, r.ID); err != nil || old != nil {
		return err
	}
	w.write(r)
	return nil
}
