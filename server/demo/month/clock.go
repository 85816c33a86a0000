package month

import (
	"sync/atomic"
	"time"
)

// Clock is the server's clock while a month is being loaded: it stands at the
// moment of the step in hand, and from [Clock.Release] on it is the real one.
// It never goes back. It is safe for concurrent use.
type Clock struct {
	real  func() time.Time
	stood atomic.Int64 // Unix nanoseconds; 0 once released
}

// NewClock makes a clock that runs on a real one until it is set.
func NewClock(real func() time.Time) *Clock { return &Clock{real: real} }

// Now is the clock's time.
func (c *Clock) Now() time.Time {
	if n := c.stood.Load(); n != 0 {
		return time.Unix(0, n)
	}
	return c.real()
}

// Set moves the clock on to a moment; an earlier one than its own is ignored.
func (c *Clock) Set(at time.Time) {
	for {
		old := c.stood.Load()
		if old >= at.UnixNano() || c.stood.CompareAndSwap(old, at.UnixNano()) {
			return
		}
	}
}

// Release lets the clock run on the real one.
func (c *Clock) Release() { c.stood.Store(0) }
