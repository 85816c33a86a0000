package office

import (
	"context"
	"fmt"
	"slices"

	"siteledger/server/fault"
	"siteledger/server/ledger"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"

	"github.com/google/uuid"
)

// Dispatch says who goes: the whole crew, the first leading. Base is the rev
// of the job that the screen showed.
type Dispatch struct {
	Job    uuid.UUID
	Base   uint64
	Crew   []uuid.UUID
	Shown  []uuid.UUID // the crew that the screen showed, in any order; nil does not look
	Reason string      // why it moves, or why this crew
}

// Dispatch gives a job its crew: who is new is assigned, who is left out is
// taken off with the reason, and a job that nobody was on moves to dispatched.
// A job that is finished, registered or cancelled needs a reason to go out
// again; a closed one does not.
func (o *Office) Dispatch(ctx context.Context, who Who, d Dispatch) error {
	job, err := o.job(ctx, who, d.Job)
	if err != nil {
		return err
	}
	var p problems
	p.when(len(d.Crew) == 0, "office.crew-none")
	p.when(len(d.Crew) > 8, "office.crew-many")
	o.text(&p, "assignment", "reason", d.Reason)
	status := job.Text("status")
	p.when(status == "closed", "office.closed")
	p.when(slices.Contains([]string{"finished", "registered", "cancelled"}, status) && d.Reason == "", "office.again-reason")
	if err := p.fault(); err != nil {
		return err
	}
	for _, person := range d.Crew {
		if err := o.dispatchable(ctx, who.Centre, person); err != nil {
			return err
		}
	}
	now, err := o.reader.StateRows(ctx, who.Centre, "assignment", "job", d.Job)
	if err != nil {
		return err
	}
	if d.Shown != nil && !sameCrew(now, d.Shown) {
		return fault.New(fault.Stale, "office.stale-crew")
	}
	edits := o.crewEdits(now, d)
	guests, err := o.guestEdits(ctx, who.Centre, now, d)
	if err != nil {
		return err
	}
	edits = append(edits, guests...)
	if slices.Contains([]string{"new", "finished", "registered", "cancelled"}, status) {
		cols, was := map[string]any{"status": "dispatched"}, map[string]any{"status": status}
		edits = append(edits, ledger.Edit{Table: "job", Row: d.Job, Op: changelog.Update, Base: d.Base, Cols: cols, Was: was})
	}
	if len(edits) == 0 {
		return nil
	}
	return o.write(ctx, who, "dispatch", edits)
}

// sameCrew says whether the active assignments are those that were shown.
func sameCrew(standing []schema.Row, shown []uuid.UUID) bool {
	n := 0
	for _, a := range standing {
		if !a.Bool("active") {
			continue
		}
		if !slices.Contains(shown, a.UUID("person")) {
			return false
		}
		n++
	}
	return n == len(shown)
}

// crewEdits are the changes from the standing assignments to the wanted crew.
func (o *Office) crewEdits(standing []schema.Row, d Dispatch) []ledger.Edit {
	var edits []ledger.Edit
	seen := map[uuid.UUID]bool{}
	for _, a := range standing {
		person := a.UUID("person")
		at := slices.Index(d.Crew, person)
		want := at >= 0 && !seen[person]
		if want {
			seen[person] = true
		}
		cols, was := map[string]any{}, map[string]any{}
		if a.Bool("active") != want {
			cols["active"], was["active"] = want, a.Bool("active")
			if d.Reason != "" && a.Text("reason") != d.Reason {
				cols["reason"], was["reason"] = d.Reason, a.Cols["reason"]
			}
		}
		if want && a.Bool("lead") != (at == 0) {
			cols["lead"], was["lead"] = at == 0, a.Cols["lead"]
		}
		if len(cols) > 0 {
			edits = append(edits, ledger.Edit{Table: "assignment", Row: a.ID, Op: changelog.Update, Base: a.Rev, Cols: cols, Was: was})
		}
	}
	for i, person := range d.Crew {
		if !seen[person] {
			seen[person] = true
			edits = append(edits, assign(o.newID(), d.Job, person, i == 0, d.Reason))
		}
	}
	return edits
}

// guestEdits take those off a job who see it without an assignment, because
// they recorded it on the spot, and are not on the wanted crew: a place that is
// over from the start ends their membership.
func (o *Office) guestEdits(ctx context.Context, centre uuid.UUID, standing []schema.Row, d Dispatch) ([]ledger.Edit, error) {
	members, err := o.reader.Members(ctx, centre, d.Job)
	if err != nil {
		return nil, err
	}
	var edits []ledger.Edit
	for _, person := range members {
		placed := slices.ContainsFunc(standing, func(a schema.Row) bool { return a.UUID("person") == person && a.Bool("active") })
		if placed || slices.Contains(d.Crew, person) {
			continue
		}
		e := assign(o.newID(), d.Job, person, false, d.Reason)
		e.Cols["active"] = false
		edits = append(edits, e)
	}
	return edits, nil
}

// Slot moves an appointment.
type Slot struct {
	Job        uuid.UUID
	Base       uint64
	From, To   int64 // Unix milliseconds
	AgreedWith string
	Answered   bool
}

// MoveSlot writes a new appointment. An appointment agreed with the customer
// is an answer too (JL-02), where none was noted yet.
func (o *Office) MoveSlot(ctx context.Context, who Who, s Slot) error {
	job, err := o.job(ctx, who, s.Job)
	if err != nil {
		return err
	}
	var p problems
	p.when(s.From == 0 || s.To == 0, "office.slot-half")
	checkSlot(&p, s.From, s.To)
	o.text(&p, "job", "agreed_with", s.AgreedWith)
	p.when(slices.Contains([]string{"registered", "closed", "cancelled"}, job.Text("status")), "office.slot-over")
	if err := p.fault(); err != nil {
		return err
	}
	cols, was := map[string]any{}, map[string]any{}
	for column, v := range map[string]int64{"slot_from": s.From, "slot_to": s.To} {
		if job.Int(column) != v {
			cols[column], was[column] = v, job.Cols[column]
		}
	}
	if s.AgreedWith != "" && job.Text("agreed_with") != s.AgreedWith {
		cols["agreed_with"], was["agreed_with"] = s.AgreedWith, job.Cols["agreed_with"]
	}
	if s.Answered && job.Int("answered_at") == 0 {
		cols["answered_at"], was["answered_at"] = o.now().UnixMilli(), nil
	}
	if len(cols) == 0 {
		return nil
	}
	return o.write(ctx, who, "move slot", []ledger.Edit{{Table: "job", Row: s.Job, Op: changelog.Update, Base: s.Base, Cols: cols, Was: was}})
}

// Contact corrects how a customer is reached. Base is the rev of the job's
// contact row that the screen showed.
type Contact struct {
	Job      uuid.UUID
	Contact  uuid.UUID
	Base     uint64
	Name     string
	Phone    string
	Address  string
	Note     string
	Verified string // how the caller was known to be the customer (PA-05)

	// Point is where the address is; nil leaves it as it is, unless the address
	// changes: then the old one is dropped.
	Point *AddressPoint
}

// CorrectContact changes the job's copy and, in the same transaction, the
// customer's own file where the job has one. A change of telephone or address
// needs to say how the customer was recognised; that is kept as a note.
func (o *Office) CorrectContact(ctx context.Context, who Who, c Contact) error {
	job, err := o.job(ctx, who, c.Job)
	if err != nil {
		return err
	}
	row, ok, err := o.reader.StateRow(ctx, who.Centre, "job_contact", c.Contact)
	if err != nil {
		return err
	}
	if !ok || row.UUID("job") != c.Job {
		return fault.New(syncproto.NotFound, "error.not-found")
	}
	var p problems
	o.text(&p, "job_contact", "name", c.Name)
	o.text(&p, "customer", "phone", c.Phone)
	p.when(c.Phone != "" && !phoneLike(c.Phone), "office.phone")
	o.text(&p, "job_contact", "address", c.Address)
	o.text(&p, "job_contact", "note", c.Note)
	moved := c.Phone != row.Text("phone") || c.Address != row.Text("address")
	p.when(moved && c.Verified == "", "office.verified")
	p.when(len(c.Verified) > 200, "office.long|office.verified-field")
	point, pointed := c.point(row, &p)
	if err := p.fault(); err != nil {
		return err
	}
	want := map[string]string{"name": c.Name, "phone": c.Phone, "address": c.Address, "note": c.Note}
	edit, changed := o.correction(row, c.Base, want)
	if pointed {
		for name, v := range point {
			edit.Cols[name], edit.Was[name] = v, row.Cols[name]
		}
	}
	if !changed && !pointed {
		return nil
	}
	edits := []ledger.Edit{edit}
	if id := job.UUID("customer"); id != uuid.Nil {
		file, ok, err := o.reader.StateRow(ctx, who.Centre, "customer", id)
		if err != nil {
			return err
		}
		delete(want, "note") // the job's note is about this job
		if e, differs := o.correction(file, 0, want); ok && differs {
			edits = append(edits, e)
		}
	}
	if moved {
		edits = append(edits, o.note(who, c.Job, "note", "核实身份 · Identity checked: "+c.Verified))
	}
	return o.write(ctx, who, "correct contact", edits)
}

// Cancel ends a job without a visit, with the reason that everybody sees.
func (o *Office) Cancel(ctx context.Context, who Who, id uuid.UUID, base uint64, reason string) error {
	job, err := o.job(ctx, who, id)
	if err != nil {
		return err
	}
	var p problems
	p.when(reason == "", "office.need|job.cancel_reason")
	o.text(&p, "job", "cancel_reason", reason)
	allowed, may := o.schema.Table("job").Column("status").Step(job.Text("status"), "cancelled", who.Role)
	p.when(!allowed || !may, "office.cancel-late")
	if err := p.fault(); err != nil {
		return err
	}
	return o.write(ctx, who, "cancel", []ledger.Edit{{Table: "job", Row: id, Op: changelog.Update, Base: base,
		Cols: map[string]any{"status": "cancelled", "cancel_reason": reason},
		Was:  map[string]any{"status": job.Text("status"), "cancel_reason": job.Cols["cancel_reason"]}}})
}

// GiveNumber numbers a job that an installer recorded on the spot. One that
// has a number keeps it.
func (o *Office) GiveNumber(ctx context.Context, who Who, id uuid.UUID) (string, error) {
	o.numbering.Lock()
	defer o.numbering.Unlock()
	job, err := o.job(ctx, who, id)
	if err != nil || job.Text("job_no") != "" {
		return job.Text("job_no"), err
	}
	no, err := o.nextJobNo(ctx, who.Centre, job.Text("kind"))
	if err != nil {
		return "", err
	}
	return no, o.write(ctx, who, "number", []ledger.Edit{{Table: "job", Row: id, Op: changelog.Update, Base: job.Rev,
		Cols: map[string]any{"job_no": no}, Was: map[string]any{"job_no": nil}}})
}

// AddNote writes a note, or a question to the technician, on a job.
func (o *Office) AddNote(ctx context.Context, who Who, job uuid.UUID, kind, text string) error {
	if _, err := o.job(ctx, who, job); err != nil {
		return err
	}
	var p problems
	o.text(&p, "note", "text", text)
	p.when(kind != "note" && kind != "question", "office.value|note.kind")
	if err := p.fault(); err != nil {
		return err
	}
	return o.write(ctx, who, "note", []ledger.Edit{o.note(who, job, kind, text)})
}

func (o *Office) note(who Who, job uuid.UUID, kind, text string) ledger.Edit {
	return ledger.Edit{Table: "note", Row: o.newID(), Op: changelog.Insert, Cols: map[string]any{
		"job": job[:], "kind": kind, "text": text, "at": o.now().UnixMilli(), "author": who.Person[:]}}
}

// job finds a job of the person's own centre; any other is NotFound.
func (o *Office) job(ctx context.Context, who Who, id uuid.UUID) (schema.Row, error) {
	if !who.atCentre() {
		return schema.Row{}, fault.New(syncproto.Forbidden, "error.forbidden")
	}
	row, ok, err := o.reader.StateRow(ctx, who.Centre, "job", id)
	if err != nil {
		return schema.Row{}, fmt.Errorf("read job: %w", err)
	}
	if !ok {
		return schema.Row{}, fault.New(syncproto.NotFound, "error.not-found")
	}
	return row, nil
}

func (o *Office) write(ctx context.Context, who Who, what string, edits []ledger.Edit) error {
	if _, err := o.journal.Write(ctx, who.Centre, who.author(), edits); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}
