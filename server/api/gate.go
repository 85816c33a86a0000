package api

import (
	"context"
	"fmt"
	"sync"
)

// A gate lets a few calls of one key through at once; some more may wait, and
// the rest are told to come back.
type gate struct {
	places, queue int

	mu   sync.Mutex
	keys map[string]*doorway
}

type doorway struct {
	slots chan struct{}
	users int // inside or waiting
}

// gateError is the refusal of a gate.
type gateError struct{ max int }

func (e *gateError) Error() string {
	return fmt.Sprintf("more than %d calls of one device at once", e.max)
}

func newGate(places, queue int) *gate {
	return &gate{places: max(places, 1), queue: queue, keys: map[string]*doorway{}}
}

// enter waits for a place and answers how to leave it.
func (g *gate) enter(ctx context.Context, key string) (leave func(), err error) {
	g.mu.Lock()
	d := g.keys[key]
	if d == nil {
		d = &doorway{slots: make(chan struct{}, g.places)}
		g.keys[key] = d
	}
	if d.users >= g.places+g.queue {
		g.mu.Unlock()
		return nil, &gateError{max: g.places}
	}
	d.users++
	g.mu.Unlock()
	select {
	case d.slots <- struct{}{}:
		return func() { <-d.slots; g.drop(key, d) }, nil
	case <-ctx.Done():
		g.drop(key, d)
		return nil, ctx.Err()
	}
}

func (g *gate) drop(key string, d *doorway) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if d.users--; d.users == 0 {
		delete(g.keys, key)
	}
}
