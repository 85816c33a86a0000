package fieldwork

// What a phone's wall clock may be off before its times are doubted. A phone
// that is set by its network is right within seconds; two minutes is also what
// the transit of a batch and the rounding of a check-in come to, and no
// deadline of the trade (hours and days) hangs on it.
const (
	ClockTolerance = 2 * 60 * 1000 // milliseconds
	// Transit is how long a batch may have been under way before the server
	// wrote down its time: the longest a push is waited for.
	Transit = 60 * 1000
	// drift is the part by which a monotonic clock may run wrong: 100 parts per
	// million, ten times what a phone's crystal does.
	drift = 10_000
)

// Reading is what the server makes of the wall clock of one change.
type Reading struct {
	When  Interval // in server time
	Known bool     // the boot lasted until sending, so that the age is known
	// Off is by how much the wall clock lies outside the interval, beyond the
	// tolerance: above 0 ahead, below 0 behind, 0 where it may be right.
	Off int64
}

// ReadClock measures the wall clock of a change against the time at which it
// must have happened. Neither order nor acceptance depends on the answer (P10):
// it says whether a person should look.
func ReadClock(event, sending Moment, received int64) Reading {
	r := Reading{When: EventInterval(event, sending, received, Transit, 0)}
	wall, slack := Bounded(event.Wall), int64(ClockTolerance)
	if event.Boot == sending.Boot && event.Mono <= sending.Mono && r.When.Earliest > 0 {
		r.Known = true
		slack += int64((sending.Mono - event.Mono) / drift)
	}
	switch {
	case wall > r.When.Latest+slack:
		r.Off = wall - r.When.Latest
	case wall < r.When.Earliest-slack:
		r.Off = wall - r.When.Latest // the transit is short as a rule
	}
	return r
}

// Jump says by how much the wall clock was set between two events of one boot:
// what it moved more, or less, than the monotonic clock; 0 within the
// tolerance.
func Jump(a, b Moment) int64 {
	moved := Bounded(b.Wall) - Bounded(a.Wall)
	ran := Bounded(int64(min(b.Mono, 1<<62))) - Bounded(int64(min(a.Mono, 1<<62)))
	d := moved - ran
	slack := int64(ClockTolerance) + max(ran, -ran)/drift
	if d > slack || -d > slack {
		return d
	}
	return 0
}

// Bounded keeps a time that anybody may have written within what can be added
// up.
func Bounded(ms int64) int64 {
	const most = 1 << 53
	return min(max(ms, -most), most)
}
