package fieldwork

// PhotoSlack is how far a photo's time may lie outside its visit, in
// milliseconds: the file's time has whole seconds, and a last photo of the door
// is taken while one is leaving.
const PhotoSlack = 10 * 60 * 1000

// VisitSpan is the time of a visit by its steps: from the first to the closing
// one. The zero value is a visit of which nothing is known.
type VisitSpan struct {
	from, to   int64
	begun, end bool
}

// Begin takes in a step; the earliest counts.
func (s *VisitSpan) Begin(i Interval) {
	if !s.begun || i.Earliest < s.from {
		s.from, s.begun = i.Earliest, true
	}
}

// End takes in a closing step; the latest counts.
func (s *VisitSpan) End(i Interval) {
	if !s.end || i.Latest > s.to {
		s.to, s.end = i.Latest, true
	}
}

// Outside says by how many milliseconds a photo was taken before the visit
// (below 0) or after it (above 0); 0 within it and the slack, and where the
// visit's time is not known or not over. It is a doubt for a person: neither
// phone nor server refuses a photo for it.
func (s VisitSpan) Outside(taken int64) int64 {
	taken = Bounded(taken)
	switch {
	case s.begun && taken < Bounded(s.from)-PhotoSlack:
		return taken - Bounded(s.from)
	case s.end && taken > Bounded(s.to)+PhotoSlack:
		return taken - Bounded(s.to)
	}
	return 0
}
