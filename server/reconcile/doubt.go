package reconcile

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"siteledger/syncproto/changelog"
	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

// CaseClock is a phone's clock whose times cannot be true.
const CaseClock = "clock"

// maxTouched bounds how many check-ins a clock case lists; all of them are
// stored with their intervals.
const maxTouched = 100

// ClockView is what the server knows of a doubtful clock: one boot of one log.
type ClockView struct {
	Device   uuid.UUID       `json:"device"`
	Epoch    uuid.UUID       `json:"epoch"`
	Boot     uuid.UUID       `json:"boot"`
	From     uint64          `json:"from"` // numbers of the doubtful changes
	To       uint64          `json:"to"`
	Changes  int             `json:"changes"`
	Least    int64           `json:"least"`    // clock error in milliseconds, ahead above 0
	Most     int64           `json:"most"`     //
	Jumped   int64           `json:"jumped"`   // by how much it was set within the boot; 0 for not
	Known    bool            `json:"known"`    // the times are known from the monotonic clock
	Earliest int64           `json:"earliest"` // of all doubtful changes, server time
	Latest   int64           `json:"latest"`
	Touched  []TouchedRecord `json:"touched,omitempty"`
}

// TouchedRecord is a record whose time is doubted: what the phone said, and
// when it must have happened.
type TouchedRecord struct {
	Table    string    `json:"table"`
	Row      uuid.UUID `json:"row"`
	Root     uuid.UUID `json:"root"`
	Column   string    `json:"column"`
	Wall     int64     `json:"wall"`
	Earliest int64     `json:"earliest"`
	Latest   int64     `json:"latest"`
}

// EventTime is the interval in which a record with a doubtful time was made.
// Deadlines count by it while it stands (JL-20).
type EventTime struct {
	TouchedRecord
	Case   uuid.UUID
	Stands bool
}

// TimesTaken says which of both counts for the records of a clock case: the
// interval, or what the phone said.
type TimesTaken struct {
	Case   uuid.UUID
	Stands bool
}

// ClockCase is the id of the one case of a boot.
func ClockCase(log LogID, boot uuid.UUID) uuid.UUID {
	return derivedID("clock", log, 0, boot.String())
}

// clocks measures the wall clock of each change of a phone's batch and opens
// one case per log and boot where it cannot be right. Nothing waits for it:
// what the phone recorded is applied whatever its clock says (P10).
func (f *Fold) clocks(ctx context.Context, b Batch) error {
	if b.Office || b.Sent.Boot == uuid.Nil {
		return nil
	}
	var boots []*doubt
	at := map[uuid.UUID]*doubt{}
	for _, it := range b.Items {
		ch := it.Change
		if ch == nil {
			continue
		}
		d := at[ch.Boot]
		if d == nil {
			d = &doubt{boot: ch.Boot}
			at[ch.Boot], boots = d, append(boots, d)
		}
		d.read(ch, b)
	}
	for _, d := range boots {
		if err := f.doubt(ctx, b, d); err != nil {
			return err
		}
	}
	return nil
}

// doubt collects what the changes of one boot say.
type doubt struct {
	boot   uuid.UUID
	last   fieldwork.Moment
	any    bool
	jumped int64
	all    []doubted
	wrong  []doubted
}

type doubted struct {
	ch  *changelog.Change
	got fieldwork.Reading
}

func (d *doubt) read(ch *changelog.Change, b Batch) {
	m := fieldwork.Moment{Wall: ch.Wall, Boot: ch.Boot, Mono: ch.Mono}
	one := doubted{ch, fieldwork.ReadClock(m, b.Sent, b.Received)}
	if d.any {
		if j := fieldwork.Jump(d.last, m); j != 0 && max(j, -j) > max(d.jumped, -d.jumped) {
			d.jumped = j
		}
	}
	d.last, d.any = m, true
	if one.got.Off != 0 {
		d.wrong = append(d.wrong, one)
	}
	if !one.got.Known {
		d.all = append(d.all, one)
	}
}

// doubt opens the case of a boot, or adds to it while nobody has decided.
func (f *Fold) doubt(ctx context.Context, b Batch, d *doubt) error {
	if d.jumped != 0 && len(d.all) > 0 {
		d.wrong = d.all // which side of the jump is right cannot be told
	}
	if len(d.wrong) == 0 {
		return nil
	}
	id := ClockCase(b.Log, d.boot)
	c, err := f.tx.Case(ctx, id)
	if err != nil {
		return fmt.Errorf("read the case of a clock: %w", err)
	}
	if c == nil {
		c = &Case{ID: id, Kind: CaseClock, Root: b.Person, OpenedAt: b.Received, Rev: f.rev,
			Sides: Sides{Reason: "clock", Proposal: "accept", Clock: &ClockView{Device: b.Log.Device, Epoch: b.Log.Epoch, Boot: d.boot}}}
	}
	stands := !c.Decided || c.Verdict != "keep"
	if c.Sides.Clock == nil {
		return nil
	}
	for _, one := range d.wrong {
		touched, err := f.saysNow(ctx, one)
		if err != nil {
			return err
		}
		for _, t := range touched {
			f.effects.Times = append(f.effects.Times, EventTime{TouchedRecord: t, Case: id, Stands: stands})
		}
		if !c.Decided {
			c.Sides.Clock.add(one, touched, d.jumped)
		}
	}
	if !c.Decided {
		f.effects.Cases = append(f.effects.Cases, *c)
	}
	return nil
}

func (v *ClockView) add(one doubted, touched []TouchedRecord, jumped int64) {
	when, off := one.got.When, one.got.Off
	if v.Changes == 0 {
		v.From, v.Earliest, v.Latest, v.Least, v.Most, v.Known = one.ch.Seq, when.Earliest, when.Latest, off, off, one.got.Known
	}
	v.Changes++
	v.From, v.To = min(v.From, one.ch.Seq), max(v.To, one.ch.Seq)
	v.Earliest, v.Latest = min(v.Earliest, when.Earliest), max(v.Latest, when.Latest)
	v.Least, v.Most = min(v.Least, off), max(v.Most, off)
	v.Known = v.Known && one.got.Known
	if max(jumped, -jumped) > max(v.Jumped, -v.Jumped) {
		v.Jumped = jumped
	}
	for _, t := range touched {
		if len(v.Touched) < maxTouched && shownTime(t) {
			v.Touched = append(v.Touched, t)
		}
	}
}

// shownTime says which records a person is shown: the visit and its steps. The
// photos of a visit follow them.
func shownTime(t TouchedRecord) bool {
	switch t.Table {
	case "visit", "visit_event", "visit_close", "signature", "receipt":
		return true
	}
	return false
}

// saysNow lists the columns of a change that say "now": times that are the
// wall clock of the change itself, within the tolerance. An appointment is
// none.
func (f *Fold) saysNow(ctx context.Context, one doubted) ([]TouchedRecord, error) {
	ch := one.ch
	t := f.e.d.Table(ch.Table)
	if t == nil || ch.Op == changelog.Delete {
		return nil, nil
	}
	var out []TouchedRecord
	for _, name := range sortedNames(ch.Cols) {
		c := t.Column(name)
		v, ok := ch.Cols[name].(int64)
		if c == nil || c.Type != schema.Time || !ok {
			continue
		}
		if d := fieldwork.Bounded(v) - fieldwork.Bounded(ch.Wall); d > fieldwork.ClockTolerance || -d > fieldwork.ClockTolerance {
			continue
		}
		row, err := f.row(ctx, t.Name, ch.Row)
		if err != nil {
			return nil, err
		}
		r := TouchedRecord{Table: t.Name, Row: ch.Row, Column: name, Wall: v, Earliest: one.got.When.Earliest, Latest: one.got.When.Latest}
		if row != nil {
			r.Root = row.Root
		}
		out = append(out, r)
	}
	return out, nil
}
