package pack

// ids are the ids of a batch: in the order in which they came first, and the
// last ones used, the latest first.
type ids struct {
	list   [][16]byte
	recent []int32
}

// add numbers a new id.
func (s *ids) add(id [16]byte) {
	if len(s.list) >= maxIDs {
		return
	}
	s.list = append(s.list, id)
	if len(s.recent) < maxRecent {
		s.recent = append(s.recent, 0)
	}
	copy(s.recent[1:], s.recent)
	s.recent[0] = int32(len(s.list) - 1)
}

// again moves the id with that number to the front.
func (s *ids) again(n int32) {
	at := s.rank(n)
	if at < 0 {
		at = len(s.recent) - 1
	}
	copy(s.recent[1:at+1], s.recent[:at])
	s.recent[0] = n
}

// rank is how many ids were used since that one; -1 where it is long ago.
func (s *ids) rank(n int32) int {
	for i, r := range s.recent {
		if r == n {
			return i
		}
	}
	return -1
}

// near says whether the time in an id is so close to the change's wall that
// the difference is shorter.
func near(id *[16]byte, wall uint64) (delta uint64, ok bool) {
	var ms uint64
	for _, b := range id[:6] {
		ms = ms<<8 | uint64(b)
	}
	delta = ms - wall
	return delta, delta+1<<27 < 1<<28
}
