package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// crowd is devices that push without end. Each stays with a server while that
// answers, and turns to the next one when it does not, as phones behind a load
// balancer do. It watches how long nobody got an acknowledgement.
type crowd struct {
	urls func() []string
	most int // changes of one transaction, at most

	mu     sync.Mutex
	since  time.Time     // of the last acknowledgement, or the start
	gap    time.Duration // the longest without one
	acks   int
	later  int // answers 429 and 503 with Retry-After
	broken int // no answer at all
	errs   []error

	stop context.CancelFunc
	all  sync.WaitGroup
}

// gather sets the devices to work until end is called.
func gather(ctx context.Context, logs []*device, r *rand.Rand, most int, urls func() []string) *crowd {
	ctx, stop := context.WithCancel(ctx)
	c := &crowd{urls: urls, most: most, since: time.Now(), stop: stop}
	for i, d := range logs {
		own := rand.New(rand.NewPCG(r.Uint64(), r.Uint64()))
		c.all.Go(func() { c.work(ctx, d, own, i) })
	}
	return c
}

// always is one address for everybody.
func always(url string) func() []string { return func() []string { return []string{url} } }

func (c *crowd) work(ctx context.Context, d *device, r *rand.Rand, at int) {
	for ctx.Err() == nil {
		if d.acked == uint64(len(d.log)) {
			if err := d.record(1 + r.IntN(c.most)); err != nil {
				c.fail(err)
				return
			}
		}
		urls := c.urls()
		_, err := d.push(ctx, urls[at%len(urls)], d.acked+1, uint64(len(d.log)))
		if err == nil {
			c.acknowledged()
			continue
		}
		at++
		if !c.refused(ctx, err) {
			return
		}
		select { // a phone would wait for seconds; the drill wants more tries
		case <-ctx.Done():
		case <-time.After(between(r, 5*time.Millisecond, 20*time.Millisecond)):
		}
	}
}

func (c *crowd) acknowledged() {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	c.gap, c.since = max(c.gap, now.Sub(c.since)), now
	c.acks++
}

// refused books a push that was not acknowledged, and says whether to go on.
func (c *crowd) refused(ctx context.Context, err error) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	var r *refused
	switch {
	case ctx.Err() != nil:
		return false
	case errors.As(err, &r) && (r.status == http.StatusServiceUnavailable || r.status == http.StatusTooManyRequests) && r.later != "":
		c.later++
		return true
	case errors.As(err, &r), errors.Is(err, errAnswer):
		c.errs = append(c.errs, err)
		return false
	}
	c.broken++
	return true
}

func (c *crowd) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.errs = append(c.errs, err)
}

func (c *crowd) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.acks
}

// until waits for so many acknowledgements more.
func (c *crowd) until(ctx context.Context, more int, t *tally) bool {
	want := c.count() + more
	for deadline := time.Now().Add(patience); c.count() < want; time.Sleep(2 * time.Millisecond) {
		if ctx.Err() != nil || time.Now().After(deadline) {
			t.find("nothing is acknowledged any more: %d of %d pushes, %v", c.count(), want, errors.Join(c.errors()...))
			return false
		}
		if len(c.errors()) > 0 {
			return false
		}
	}
	return true
}

func (c *crowd) errors() []error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]error(nil), c.errs...)
}

// end stops the devices and books what went wrong.
func (c *crowd) end(t *tally) {
	c.stop()
	c.all.Wait()
	for _, err := range c.errs {
		t.find("at work: %v", err)
	}
}
