package report

import (
	"context"
	"time"

	"github.com/google/uuid"

	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

// Crew is one person on a job.
type Crew struct {
	Person uuid.UUID
	Name   string
	Lead   bool
}

// JobLine is a job in a list or on the day board. Times are Unix milliseconds,
// 0 for "not".
type JobLine struct {
	ID          uuid.UUID
	Rev         uint64
	JobNo       string
	Kind        string
	Channel     string
	Status      string
	Warranty    string
	AskedWork   string
	ContractNo  string
	Product     string
	IntakeAt    int64
	AnsweredAt  int64
	SlotFrom    int64
	SlotTo      int64
	Registered  int64
	FoundOnSpot bool
	Complete    bool

	Customer, Phone, Address, Community string

	Crew      []Crew // active, the lead first
	OpenCases int
	PhotosOut int // photos named by its rows whose originals are not in
	Clocks    []fieldwork.Clock
}

// Lead is the name of who leads the crew; "" for none.
func (j *JobLine) Lead() string {
	if len(j.Crew) == 0 {
		return ""
	}
	return j.Crew[0].Name
}

// Clock is the deadline that needs the eye most: missed, undecided, then the
// running one that is due first. ok is false where none of these stands.
func (j *JobLine) Clock() (fieldwork.Clock, bool) {
	rank := map[fieldwork.ClockState]int{fieldwork.ClockMissed: 3, fieldwork.ClockUndecided: 2, fieldwork.ClockRunning: 1}
	var best fieldwork.Clock
	for _, c := range j.Clocks {
		r, b := rank[c.State], rank[best.State]
		if r > b || r == b && r > 0 && c.Due.Earliest < best.Due.Earliest {
			best = c
		}
	}
	return best, rank[best.State] > 0
}

// Policy is how the desks' screens reckon deadlines: the trade's, where 24
// hours are the time to arrange a visit, and the visit is arranged once
// somebody was sent (JL-03; the phrase is 安排). A slot agreed for a later day is
// the customer's wish.
func Policy() fieldwork.Policy {
	p := fieldwork.DefaultPolicy()
	p.VisitBy = fieldwork.VisitAssigned
	return p
}

// RiskAhead is how long before a deadline it counts as at risk.
const RiskAhead = 2 * time.Hour

// AtRisk says whether a deadline of the job runs out within [RiskAhead] or has
// run out while the job is still open.
func (j *JobLine) AtRisk(now time.Time) bool {
	if j.Status != "new" && j.Status != "dispatched" && j.Status != "departed" {
		return false
	}
	for _, c := range j.Clocks {
		if c.Kind != fieldwork.ClockAnswer && c.Kind != fieldwork.ClockVisit {
			continue
		}
		switch c.State {
		case fieldwork.ClockMissed, fieldwork.ClockUndecided:
			return true
		case fieldwork.ClockRunning:
			if c.Due.Earliest-now.UnixMilli() < RiskAhead.Milliseconds() {
				return true
			}
		}
	}
	return false
}

// JobFilter narrows a list of jobs; zero fields do not.
type JobFilter struct {
	Statuses   []string
	Kind       string
	From, To   int64 // the slot begins in [From, To); jobs without a slot: taken in then
	SlotFrom   int64 // the slot overlaps [SlotFrom, SlotTo)
	SlotTo     int64
	Person     uuid.UUID // on its crew now
	Customer   uuid.UUID
	IDs        []uuid.UUID // exactly these, where not nil
	Incomplete bool        // finished or later, and not complete
	Unassigned bool        // nobody on its crew
	NoSlot     bool
	Limit      int
	Offset     int
}

// Counts are the figures at the top of the day board.
type Counts struct {
	Silent       int   // phones not heard from for a day
	OldestSilent int64 // Unix milliseconds when the longest silence began
	OnlyCopies   int   // files named by rows whose bytes are not in
	OpenCases    int
	Blocking     int // of them, those that keep a job from being complete
	Unregistered int // finished jobs whose slip is not registered
	Undispatched int // jobs taken in that nobody is on
	Incomplete   int // finished or later, and not complete
}

// Load is one installer's share of the month, for fair dispatch (JL-14).
type Load struct {
	Person uuid.UUID
	Name   string
	Skills string
	Month  int   // jobs of the month on whose crew the person is
	Value  int64 // fees of those jobs, fen
	Open   int   // jobs dispatched and not finished
}

// Community is one of a centre's communities.
type Community struct {
	ID        uuid.UUID
	Name      string
	GateRule  string
	QuietFrom int64 // minutes of the day
	QuietTo   int64
}

// Jobs are the lists of jobs of one centre.
type Jobs interface {
	// Jobs gives a page of jobs, newest slot first, and how many there are in all.
	Jobs(ctx context.Context, centre uuid.UUID, f JobFilter, now time.Time) ([]JobLine, int, error)
	Counts(ctx context.Context, centre uuid.UUID, now time.Time) (Counts, error)
	// Loads gives every active installer's share of [from, to).
	Loads(ctx context.Context, centre uuid.UUID, from, to int64) ([]Load, error)
}

// Desk is what an intake form looks things up in.
type Desk interface {
	// Scripts are headquarters' standard words for a step, by language.
	Scripts(ctx context.Context, step string) (zh, en string, err error)
	Communities(ctx context.Context, centre uuid.UUID) ([]Community, error)
	// StateRows gives the live rows of a table whose uuid column names id.
	StateRows(ctx context.Context, centre uuid.UUID, table, column string, id uuid.UUID) ([]schema.Row, error)
}
