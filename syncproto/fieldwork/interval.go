package fieldwork

import "github.com/google/uuid"

// Moment is what a phone knows about an instant: its own clock, unmodified, and
// a monotonic clock that counts sleep since the boot with this id.
type Moment struct {
	Wall int64 // Unix milliseconds; a witness, never used to decide
	Boot uuid.UUID
	Mono uint64 // milliseconds
}

// Interval is the time in which an event happened, in server time, Unix
// milliseconds, both ends inclusive.
type Interval struct {
	Earliest int64
	Latest   int64
}

// At is the interval of an event whose time the server itself knows.
func At(ms int64) Interval { return Interval{ms, ms} }

// EventInterval bounds when a change was recorded, in server time (JL-20,
// PROTOCOL.md section 3). event is the change's own moment, sending the moment
// in the push that carried it first, received the server's time of that push.
//
//   - In one boot the monotonic clock tells the age at sending: latest is
//     received minus that age, earliest is transit milliseconds before it,
//     because the batch may have been that long under way.
//   - After another boot the age is unknown: from floor to received.
//
// floor is a time before which it cannot have happened (0 when there is none);
// a floor that contradicts the monotonic clock is ignored. The phone's wall
// clock is never used: it can be set to anything. The drift of the monotonic
// clock (some ten parts per million) is not allowed for.
func EventInterval(event, sending Moment, received, transit, floor int64) Interval {
	floor = min(max(floor, 0), received)
	if event.Boot == uuid.Nil || event.Boot != sending.Boot || event.Mono > sending.Mono {
		return Interval{floor, received}
	}
	age := sending.Mono - event.Mono
	if age > uint64(max(received, 0)) { // before 1970: the clock lies
		return Interval{floor, received}
	}
	latest := received - int64(age)
	earliest := max(latest-max(transit, 0), 0)
	if floor <= latest {
		earliest = max(earliest, floor)
	}
	return Interval{earliest, latest}
}

// ClockError is how far the phone's wall clock was ahead of the server's at
// sending, in milliseconds, too small by at most the transit time (P10).
func ClockError(sending Moment, received int64) int64 { return sending.Wall - received }

// Both is the interval of the later of two events.
func Both(a, b Interval) Interval {
	return Interval{max(a.Earliest, b.Earliest), max(a.Latest, b.Latest)}
}

// Either is the interval of the earlier of two events.
func Either(a, b Interval) Interval {
	return Interval{min(a.Earliest, b.Earliest), min(a.Latest, b.Latest)}
}

// Shift moves both ends by some milliseconds.
func (i Interval) Shift(ms int64) Interval { return Interval{i.Earliest + ms, i.Latest + ms} }
