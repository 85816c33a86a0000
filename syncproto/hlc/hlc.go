// Package hlc is the hybrid logical clock of the change log: 48 bits of Unix
// milliseconds and 16 bits of counter in one number.
//
// A phone's clock is a witness, not a judge: the clock here never goes back,
// even when the phone's wall clock does, and the server merges by the claimed
// time clamped to the time of receipt, so that a phone set to the year 2100
// does not win for ever.
package hlc

import "sync"

// Timestamp is milliseconds << 16 | counter.
type Timestamp uint64

// FromWall is the smallest timestamp of a wall time in Unix milliseconds. A
// time before 1970 counts as 1970, one beyond 48 bits as the greatest.
func FromWall(ms int64) Timestamp {
	const max48 = 1<<48 - 1
	if ms < 0 {
		ms = 0
	}
	if ms > max48 {
		ms = max48
	}
	return Timestamp(ms) << 16
}

// Wall is the millisecond part.
func (t Timestamp) Wall() int64 { return int64(t >> 16) }

// Clamp gives the timestamp that merging uses: never later than the receipt.
func (t Timestamp) Clamp(receivedMillis int64) Timestamp {
	return min(t, FromWall(receivedMillis))
}

// Clock issues timestamps that only rise. It is safe for concurrent use.
type Clock struct {
	mu   sync.Mutex
	last Timestamp // highest issued or observed
}

// NewClock continues after a stored timestamp; 0 for a new log.
func NewClock(last Timestamp) *Clock { return &Clock{last: last} }

// Next issues max(last+1, wall<<16).
func (c *Clock) Next(wallMillis int64) Timestamp {
	c.mu.Lock()
	defer c.mu.Unlock()
	next := FromWall(wallMillis)
	if next <= c.last && c.last != ^Timestamp(0) {
		next = c.last + 1
	}
	c.last = max(c.last, next)
	return c.last
}

// Observe takes over a timestamp received from the server.
func (c *Clock) Observe(t Timestamp) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = max(c.last, t)
}

// Last is the highest timestamp issued or observed.
func (c *Clock) Last() Timestamp {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last
}
