package fieldwork

import "siteledger/syncproto/schema"

// Kinds of deadlines.
const (
	ClockAnswer = "answer" // JL-02: 3 h to an answer and an agreed appointment
	ClockVisit  = "visit"  // JL-03: 24 h to a visit
	ClockSolve  = "solve"  // JL-04: 24 h to a solution or a promise
	ClockCard   = "card"   // OR-12: the supervision card on the same day
	ClockCall   = "call"   // FC-04, FC-02: the call within 3 days
)

// ClockState says how a deadline stands.
type ClockState string

// The states (JL-20). Undecided: it happened, or must have, in a time that lies
// on both sides of the deadline.
const (
	ClockMet       ClockState = "met"
	ClockMissed    ClockState = "missed"
	ClockRunning   ClockState = "running"
	ClockUndecided ClockState = "undecided"
)

// Event is something that happened: in which interval, and when the server came
// to know it (Unix milliseconds, 0 when at once).
type Event struct {
	When     Interval
	Received int64
}

// Events are what is known of a job beyond its row; nil for what is not known
// to have happened.
type Events struct {
	Answered  *Event // the customer was answered; else the job's answered_at
	Appointed *Event // a slot was agreed; else, where the job has one, the answer
	Assigned  *Event
	Departed  *Event
	Arrived   *Event
	Solved    *Event
	Promised  *Event // a solution was promised, with text, date and owner
	Finished  *Event // the visit's end; starts the card and the call
	CardBack  *Event // the supervision card came back; else the registration
	Called    *Event // the follow-up call was made
}

// VisitBy says which step ends the visit's clock (JL-03).
type VisitBy string

// The three positions of the switch.
const (
	VisitAssigned VisitBy = "assigned"
	VisitDeparted VisitBy = "departed"
	VisitArrived  VisitBy = "arrived"
)

// Policy holds the lengths of the deadlines in milliseconds of natural time,
// night included, the zone of "same day" in seconds east of UTC, and the visit
// clock's switch.
type Policy struct {
	Answer  int64
	Visit   int64
	Solve   int64
	Call    int64
	Zone    int64
	VisitBy VisitBy
}

const hour = 3600_000

// DefaultPolicy is the trade's: 3 h, 24 h, 24 h, 3 days, China's time, arrival.
func DefaultPolicy() Policy {
	return Policy{Answer: 3 * hour, Visit: 24 * hour, Solve: 24 * hour, Call: 72 * hour, Zone: 8 * 3600, VisitBy: VisitArrived}
}

// Clock is one deadline of a job. Start and Due are intervals where the event
// that starts it is one. Done is nil while nothing is known to have met it.
//
// Provisional: it is called missed only because nothing is known; a phone that
// was offline may still bring an event that met it. Late: it was met, and the
// proof came after the deadline, so that it had been called missed before: both
// facts are kept (JL-20).
type Clock struct {
	Kind        string
	Start       Interval
	Due         Interval
	Done        *Interval
	State       ClockState
	Provisional bool
	Late        bool
}

// Clocks gives the deadlines of a job at a time now (server time, Unix
// milliseconds), in a fixed order, only those that its kind has. A cancelled
// job has only those that were answered before.
func Clocks(job schema.Row, ev Events, now int64, p Policy) []Clock {
	intake := At(job.Int("intake_at"))
	kind, onSite := job.Text("kind"), job.Text("channel") == "site"
	repair := kind == "aftersale" || kind == "repair" || kind == "maintain"
	var out []Clock
	add := func(kind string, start, due Interval, done *Event) {
		c := judge(Clock{Kind: kind, Start: start, Due: due}, done, now)
		if job.Text("status") != "cancelled" || c.Done != nil {
			out = append(out, c)
		}
	}
	if repair && !onSite {
		add(ClockAnswer, intake, intake.Shift(p.Answer), answeredAndAppointed(job, ev))
		add(ClockVisit, intake, intake.Shift(p.Visit), visited(ev, p.VisitBy))
	}
	if job.Text("channel") == "phone" && kind != "install" && kind != "inspect" {
		add(ClockSolve, intake, intake.Shift(p.Solve), either(ev.Solved, ev.Promised))
	}
	if ev.Finished == nil {
		return out
	}
	end := ev.Finished.When
	card := ev.CardBack
	if at := job.Int("registered_at"); card == nil && at > 0 {
		card = &Event{When: At(at), Received: at}
	}
	add(ClockCard, end, Interval{endOfDay(end.Earliest, p.Zone), endOfDay(end.Latest, p.Zone)}, card)
	if repair || kind == "install" {
		add(ClockCall, end, end.Shift(p.Call), ev.Called)
	}
	return out
}

// judge decides a clock. A deadline that is itself an interval is met only
// before its earliest end and missed only after its latest.
func judge(c Clock, done *Event, now int64) Clock {
	if done == nil {
		switch {
		case now <= c.Due.Earliest:
			c.State = ClockRunning
		case now > c.Due.Latest:
			c.State, c.Provisional = ClockMissed, true
		default:
			c.State = ClockUndecided
		}
		return c
	}
	when := done.When
	c.Done = &when
	switch {
	case when.Latest <= c.Due.Earliest:
		c.State, c.Late = ClockMet, done.Received > c.Due.Latest
	case when.Earliest > c.Due.Latest:
		c.State = ClockMissed
	default:
		c.State = ClockUndecided
	}
	return c
}

// answeredAndAppointed is the later of answer and appointment; nil while one of
// them is missing (JL-02). The office writes both on one form, so a slot without
// an event of its own was agreed with the answer.
func answeredAndAppointed(job schema.Row, ev Events) *Event {
	answered := ev.Answered
	if at := job.Int("answered_at"); answered == nil && at > 0 {
		answered = &Event{When: At(at), Received: at}
	}
	appointed := ev.Appointed
	if appointed == nil && job.Int("slot_from") > 0 {
		appointed = answered
	}
	if answered == nil || appointed == nil {
		return nil
	}
	return &Event{Both(answered.When, appointed.When), max(answered.Received, appointed.Received)}
}

// visited is the step of the switch; a later step proves an earlier one.
func visited(ev Events, by VisitBy) *Event {
	e := ev.Arrived
	if by == VisitArrived {
		return e
	}
	e = either(e, ev.Departed)
	if by == VisitDeparted {
		return e
	}
	return either(e, ev.Assigned)
}

// either is the earlier of two events, or the one that there is.
func either(a, b *Event) *Event {
	if a == nil {
		return b
	}
	if b == nil {
		return a
	}
	return &Event{Either(a.When, b.When), min(a.Received, b.Received)}
}

// endOfDay is 24:00 of the day in which a time lies.
func endOfDay(ms, zone int64) int64 {
	const day = 24 * hour
	local := ms + zone*1000
	start := local - ((local%day)+day)%day
	return start + day - zone*1000
}
