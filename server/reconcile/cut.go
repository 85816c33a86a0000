package reconcile

// Cut is where a stream was restored from a backup: revs behind Last were
// given to rows that the restored server never saw, and its own go on from
// Floor, so that no rev is ever used twice (promise P11).
type Cut struct {
	Last  uint64 `json:"last"`
	Floor uint64 `json:"floor"`
}

// sinceCuts reads a base as what it is worth now: one between a cut's two ends
// is of a past that the server has lost, and counts as the last rev before it.
func sinceCuts(cuts []Cut, base uint64) uint64 {
	for _, c := range cuts {
		if base > c.Last && base <= c.Floor {
			return c.Last
		}
	}
	return base
}
