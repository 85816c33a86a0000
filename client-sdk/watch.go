package clientsdk

import "sync"

// watchers tell subscribers that something changed; what, they read themselves.
type watchers struct {
	mu  sync.Mutex
	all map[chan struct{}]bool
}

// Watch tells that rows, uploads or the status changed. Changes that come while
// nobody reads are told once. The function ends the watching; it may be called
// more than once.
func (c *Client) Watch() (<-chan struct{}, func()) {
	ch := make(chan struct{}, 1)
	c.watch.mu.Lock()
	defer c.watch.mu.Unlock()
	if c.watch.all == nil {
		c.watch.all = map[chan struct{}]bool{}
	}
	c.watch.all[ch] = true
	return ch, func() {
		c.watch.mu.Lock()
		defer c.watch.mu.Unlock()
		delete(c.watch.all, ch)
	}
}

func (c *Client) changed() {
	c.watch.mu.Lock()
	defer c.watch.mu.Unlock()
	for ch := range c.watch.all {
		signal(ch)
	}
}

// signal leaves a token that is not there yet.
func signal(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
