package report

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"siteledger/server/ledger"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

// Fact is one change of a job as the ledger holds it: what was written, what
// the writer's clock said, and when the server knew.
type Fact struct {
	Device   uuid.UUID
	Seq      uint64
	Txn      uint64
	Table    string
	Row      uuid.UUID
	Op       changelog.Op
	Cols     map[string]any
	Was      map[string]any
	Actor    uuid.UUID
	Wall     int64 // the writer's clock, Unix milliseconds
	Received int64 // the server's clock, Unix milliseconds
}

// Moment is one entry of a job's timeline: one transaction's changes of one
// table. From and Other are 0 to 1000 along the two rulers.
type Moment struct {
	Fact
	Count   int      // changes that this moment stands for
	Columns []string // columns written, in the table's order
	Phone   int      // place on the ruler of what the writer's clock said
	Server  int      // place on the ruler of when the server knew
	Late    bool     // known more than ten minutes after it was written
}

// Timeline is a job's history on two rulers: what the phone says, and when
// the server knew. Both rulers have the same scale, so that the slope between
// them is the time without a network.
type Timeline struct {
	Moments []Moment
	From    int64 // Unix milliseconds of place 0
	To      int64 // of place 1000
}

// lateMillis is when a change counts as having been recorded offline.
const lateMillis = 10 * 60 * 1000

// NewTimeline orders the facts of a job by what the writers' clocks said and
// draws changes of one table in one transaction together. Server entries about
// stored files are left out: they are shown at the photos.
func NewTimeline(d *schema.Descriptor, facts []Fact) Timeline {
	facts = slices.Clone(facts)
	slices.SortStableFunc(facts, func(a, b Fact) int { return cmp.Compare(a.Wall, b.Wall) })
	var t Timeline
	for _, f := range facts {
		if n := len(t.Moments); n > 0 && together(&t.Moments[n-1].Fact, &f) {
			t.Moments[n-1].Count++
			continue
		}
		t.Moments = append(t.Moments, Moment{Fact: f, Count: 1, Columns: columns(d, &f), Late: f.Received-f.Wall > lateMillis})
	}
	t.scale()
	return t
}

// together says that two changes are one thing to a reader.
func together(a, b *Fact) bool {
	return a.Device == b.Device && a.Table == b.Table && a.Op == b.Op && a.Received == b.Received &&
		b.Wall-a.Wall < 60*1000 && (a.Txn == b.Txn || a.Table == "photo") && a.Op == changelog.Insert
}

func columns(d *schema.Descriptor, f *Fact) []string {
	t := d.Table(f.Table)
	if t == nil {
		return nil
	}
	var out []string
	for _, c := range t.Columns {
		if _, ok := f.Cols[c.Name]; ok {
			out = append(out, c.Name)
		}
	}
	return out
}

// scale lays the moments along the rulers.
func (t *Timeline) scale() {
	if len(t.Moments) == 0 {
		return
	}
	t.From, t.To = t.Moments[0].Wall, t.Moments[0].Wall
	for _, m := range t.Moments {
		t.From = min(t.From, m.Wall, m.Received)
		t.To = max(t.To, m.Wall, m.Received)
	}
	span := max(t.To-t.From, 1)
	for i := range t.Moments {
		t.Moments[i].Phone = int((t.Moments[i].Wall - t.From) * 1000 / span)
		t.Moments[i].Server = int((t.Moments[i].Received - t.From) * 1000 / span)
	}
}

// JobHistory reads a job's own changes out of the ledger: the one place that
// still knows what a writer's clock said and when the server knew, of values
// that were overwritten long ago too.
type JobHistory struct {
	Ledger  *ledger.Ledger
	Mention ledger.Mention
}

// JobFacts gives every change of a job's rows, in the order of the stream.
func (h JobHistory) JobFacts(ctx context.Context, centre, job uuid.UUID) ([]Fact, error) {
	entries, err := h.Ledger.JobChanges(ctx, h.Mention, centre, job)
	if err != nil {
		return nil, fmt.Errorf("history of job %s: %w", job, err)
	}
	out := make([]Fact, len(entries))
	for i, e := range entries {
		ch := e.Change
		out[i] = Fact{Device: e.Device, Seq: ch.Seq, Txn: ch.Txn, Table: ch.Table, Row: ch.Row, Op: ch.Op,
			Cols: ch.Cols, Was: ch.Was, Actor: ch.Actor, Wall: ch.Wall, Received: e.ReceivedAt}
	}
	return out, nil
}
