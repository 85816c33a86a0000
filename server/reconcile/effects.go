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
	case "instruction":
		if ch.Op == changelog.Insert && w.isFork(after) {
			return w.noteFork(ctx, after)
		}
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
// order; refusing it drops it, and what waited behind it is folded. A decision
// that names another decision compensates that one.
func (w *work) decide(ctx context.Context, d *Row) error {
	c, err := w.tx.Case(ctx, d.UUID("case"))
	if err != nil {
		return err
	}
	verdict := d.Text("verdict")
	if c == nil {
		return w.compensate(ctx, d, verdict)
	}
	if c.Decided {
		return &DecidedError{c}
	}
	if verdict == "ask" {
		return nil
	}
	c.Decided, c.Verdict, c.DecidedBy, c.DecidedAt, c.Reason = true, verdict, d.UUID("by"), d.Int("at"), d.Text("reason")
	w.effects.Cases = append(w.effects.Cases, *c)
	w.touchJob(c.Root)
	switch c.Kind {
	case CaseConflict:
		return w.tellWriters(ctx, c, verdict)
	case CaseClock:
		w.effects.Taken = append(w.effects.Taken, TimesTaken{Case: c.ID, Stands: verdict != "keep"})
		return nil
	case CaseHeld, CaseHandover:
	default:
		return nil
	}
	waiting, err := w.tx.HeldOf(ctx, c.ID)
	if err != nil || len(waiting) == 0 {
		return err
	}
	w.effects.Unholds = append(w.effects.Unholds, waiting...)
	failed, err := w.release(ctx, waiting, verdict != "refuse")
	if err != nil {
		return err
	}
	var person uuid.UUID
	if ch, err := w.e.codec.Decode(waiting[0].Body); err == nil {
		person = ch.Actor
	}
	if err := w.tell(ctx, told{c.ID, waiting[0].Log, waiting[0].Seq, person, verdict, ""}); err != nil {
		return err
	}
	// What failed again is told behind the verdict, which would otherwise set
	// it free on the phone.
	for _, t := range failed {
		t.person = person
		if err := w.tell(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// release folds held transactions again, in the order of their log, and gives
// those that failed again. What is held for another reason holds back only what
// comes behind it: were an earlier transaction parked under a later one's case,
// refusing that would drop it.
func (w *work) release(ctx context.Context, waiting []HeldChange, accepted bool) ([]told, error) {
	first := waiting[0].Txn
	log, err := w.tx.Held(ctx, waiting[0].Log)
	if err != nil {
		return nil, err
	}
	roots, rows := w.heldRoot, w.heldRow // of the office's log, which goes on behind the decision
	defer func() { w.heldRoot, w.heldRow = roots, rows }()
	w.heldRoot, w.heldRow = map[uuid.UUID]uuid.UUID{}, map[Key]uuid.UUID{}
	var failed []told
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
			t, err := w.again(ctx, waiting[i:n], accepted && !w.byRules && waiting[i].Txn == first)
			if err != nil {
				return nil, err
			}
			if t.verdict != "" {
				failed = append(failed, t)
			}
		}
		i = n
	}
	return failed, nil
}

// again folds one held transaction at the place of the decision. What fails
// again opens a new case, or is denied; the phone is to be told which.
func (w *work) again(ctx context.Context, held []HeldChange, force bool) (told, error) {
	t := txn{Batch: &Batch{Log: held[0].Log, Received: held[0].Received}, force: force, after: w.current}
	for _, h := range held {
		it := Item{Bytes: h.Body, Seq: h.Seq}
		if ch, err := w.e.codec.Decode(h.Body); err == nil && ch.Seq == h.Seq {
			it.Change = ch
			t.Person = ch.Actor // it was the device's person when it was held
		}
		t.items = append(t.items, it)
	}
	t.failed = &told{log: held[0].Log, seq: held[0].Seq}
	err := w.txn(ctx, t, true)
	return *t.failed, err
}

// compensate takes a decision that names an earlier one in the place of a case:
// the edits beside it put back what the earlier one changed, and the case's
// story shows both. The latest decision of a case alone can be compensated;
// whoever comes second is told.
func (w *work) compensate(ctx context.Context, d *Row, verdict string) error {
	prev, err := w.live(ctx, "decision", d.UUID("case"))
	if err != nil {
		return err
	}
	if prev == nil || prev.ID == d.ID || prev.Text("verdict") == "ask" || verdict == "ask" {
		return &DecidedError{}
	}
	later, err := w.find(ctx, "decision", "case", prev.ID[:])
	if err != nil {
		return err
	}
	c, err := w.caseOf(ctx, prev)
	if err != nil {
		return err
	}
	if len(later) > 1 || c == nil {
		return &DecidedError{c}
	}
	w.touchJob(c.Root)
	if c.Kind == CaseClock {
		w.effects.Taken = append(w.effects.Taken, TimesTaken{Case: c.ID, Stands: verdict != "keep"})
	}
	return nil
}

// maxUndone bounds how often the decisions of one case are turned over.
const maxUndone = 50

// caseOf follows a decision to its case; nil for none.
func (w *work) caseOf(ctx context.Context, d *Row) (*Case, error) {
	for range maxUndone {
		c, err := w.tx.Case(ctx, d.UUID("case"))
		if err != nil || c != nil {
			return c, err
		}
		if d, err = w.live(ctx, "decision", d.UUID("case")); err != nil || d == nil {
			return nil, err
		}
	}
	return nil, nil
}

// noteFork takes the server's entry that a log was found forked.
func (w *work) noteFork(ctx context.Context, entry *Row) error {
	v, err := forkOf(entry)
	if err != nil {
		return err
	}
	c, err := w.tx.Case(ctx, ForkCase(LogID{v.Device, v.Epoch}))
	if err != nil {
		return err
	}
	w.fork(c, entry, v)
	return nil
}

// tellWriters tells the phones that wrote one of the two values.
func (w *work) tellWriters(ctx context.Context, c *Case, verdict string) error {
	for _, s := range []*SideView{c.Sides.Standing, c.Sides.Other} {
		if s == nil || s.Office || s.Actor == uuid.Nil {
			continue
		}
		if err := w.tell(ctx, told{c.ID, LogID{s.Device, s.Epoch}, s.Seq, s.Actor, verdict, ""}); err != nil {
			return err
		}
	}
	return nil
}

// told is what a phone is told of one transaction: the decision on its case,
// or, with the verdict held, that it failed again under the case.
type told struct {
	kase    uuid.UUID
	log     LogID
	seq     uint64
	person  uuid.UUID
	verdict string
	reason  syncproto.Reason
}

// tell leaves the instruction that makes the phone take the mark off the
// screen, or leave it there for another reason.
func (w *work) tell(ctx context.Context, t told) error {
	about := map[string]any{"epoch": t.log.Epoch, "seq": t.seq, "case": t.kase, "verdict": t.verdict}
	if t.reason != "" {
		about["reason"] = t.reason
	}
	args, err := json.Marshal(about)
	if err != nil {
		return err
	}
	log, seq, person := t.log, t.seq, t.person
	name := "decided"
	if t.verdict == "held" {
		name = "held again" // the decision on the case that it is held under now comes later, as one of its own
	}
	rev := w.nextRev()
	r := &Row{Row: schema.Row{Table: "instruction", ID: derivedID(name, log, seq, t.kase.String()), Root: officeRoot(w.centre), Rev: rev,
		Cols: map[string]schema.Value{"person": person[:], "device": log.Device[:], "kind": syncproto.KindDecided, "args": string(args), "at": w.unit.Received}}}
	r.Clock.set(Stamp{Rev: rev, HLC: w.hlc, Log: w.unit.Log, Seq: w.current, Role: schema.Server, Office: true, Received: w.unit.Received}, "person", "device", "kind", "args", "at")
	if old, err := w.row(ctx, r.Table, r.ID); err != nil || old != nil {
		return err
	}
	w.write(r)
	return nil
}
