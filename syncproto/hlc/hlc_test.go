package hlc_test

import (
	"math"
	"sync"
	"testing"

	"siteledger/syncproto/hlc"
)

func TestFromWall(t *testing.T) {
	for wall, want := range map[int64]hlc.Timestamp{
		0: 0, 1: 1 << 16, -1: 0, math.MinInt64: 0, 1795312800000: 1795312800000 << 16,
		1<<48 - 1: (1<<48 - 1) << 16, 1 << 48: (1<<48 - 1) << 16, math.MaxInt64: (1<<48 - 1) << 16,
	} {
		if got := hlc.FromWall(wall); got != want {
			t.Errorf("FromWall(%d) = %d, want %d", wall, got, want)
		}
	}
	if got := hlc.FromWall(1795312800000).Wall(); got != 1795312800000 {
		t.Errorf("wall %d", got)
	}
}

func TestClamp(t *testing.T) {
	for _, tc := range []struct {
		claimed  hlc.Timestamp
		received int64
		want     hlc.Timestamp
	}{
		{hlc.FromWall(100) + 7, 200, hlc.FromWall(100) + 7},   // the past stands
		{hlc.FromWall(200) + 7, 200, hlc.FromWall(200)},       // its counter is future too
		{hlc.FromWall(4102444800000), 200, hlc.FromWall(200)}, // a phone in the year 2100
		{math.MaxUint64, 1795312800000, hlc.FromWall(1795312800000)},
	} {
		if got := tc.claimed.Clamp(tc.received); got != tc.want {
			t.Errorf("clamp %d at %d: %d, want %d", tc.claimed, tc.received, got, tc.want)
		}
	}
}

func TestNextNeverGoesBack(t *testing.T) {
	c := hlc.NewClock(0)
	last := hlc.Timestamp(0)
	for _, wall := range []int64{1000, 1000, 999, -5, 1001, 1, 2000} {
		n := c.Next(wall)
		if n <= last {
			t.Errorf("at wall %d: %d is not above %d", wall, n, last)
		}
		if n < hlc.FromWall(wall) {
			t.Errorf("at wall %d: %d is behind the wall", wall, n)
		}
		last = n
	}
	if last != hlc.FromWall(2000) {
		t.Errorf("after an honest wall: %d", last)
	}
}

func TestNextCountsWithinAMillisecond(t *testing.T) {
	c := hlc.NewClock(0)
	if a, b := c.Next(5), c.Next(5); a != 5<<16 || b != a+1 {
		t.Errorf("got %d, %d", a, b)
	}
	c = hlc.NewClock(hlc.FromWall(5) + math.MaxUint16)
	if got := c.Next(5); got != hlc.FromWall(6) {
		t.Errorf("a full counter goes to the next millisecond, got %d", got)
	}
}

func TestObserve(t *testing.T) {
	c := hlc.NewClock(10)
	c.Observe(5)
	if got := c.Last(); got != 10 {
		t.Errorf("an older one set it back to %d", got)
	}
	c.Observe(hlc.FromWall(9000))
	if got := c.Next(1); got != hlc.FromWall(9000)+1 {
		t.Errorf("after a received one: %d", got)
	}
}

func TestClockContinuesAStoredOne(t *testing.T) {
	if got := hlc.NewClock(hlc.FromWall(500)).Next(1); got != hlc.FromWall(500)+1 {
		t.Errorf("got %d", got)
	}
}

func TestTheHighestIsNotPassed(t *testing.T) {
	c := hlc.NewClock(math.MaxUint64)
	if got := c.Next(5); got != math.MaxUint64 {
		t.Errorf("wrapped around to %d", got)
	}
}

func TestNextIsUniqueAmongManyUsers(t *testing.T) {
	c := hlc.NewClock(0)
	const users, each = 8, 500
	all := make(chan hlc.Timestamp, users*each)
	var wg sync.WaitGroup
	for range users {
		wg.Go(func() {
			for range each {
				all <- c.Next(1000)
			}
		})
	}
	wg.Wait()
	close(all)
	seen := map[hlc.Timestamp]bool{}
	for n := range all {
		if seen[n] {
			t.Fatalf("%d was issued twice", n)
		}
		seen[n] = true
	}
}
