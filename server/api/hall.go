package api

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// A hall bounds one kind of work for all callers together: so many at once, so
// many waiting, none longer than a while. A place that gets free goes to the
// devices in turn, not to whoever asked most: one device cannot keep the
// others out.
type hall struct {
	name     string
	places   int
	room     int           // callers that may wait
	patience time.Duration // of one that waits

	mu      sync.Mutex
	inside  int
	waiting int
	lines   map[string][]*guest // by device
	turns   []string            // devices with somebody waiting, the next first
	refused func(name string)   // told of each refusal; may be nil
}

type guest struct{ called chan struct{} }

// hallError is the refusal of a hall: there is more work than the server takes.
type hallError struct{ name string }

func (e *hallError) Error() string { return fmt.Sprintf("too many calls of kind %s wait", e.name) }

func newHall(name string, places, room int, patience time.Duration) *hall {
	return &hall{name: name, places: max(places, 1), room: room, patience: patience, lines: map[string][]*guest{}}
}

// enter waits for a place and answers how to leave it. A caller that is gone
// gets ctx's error, one that waited in vain a hallError.
func (h *hall) enter(ctx context.Context, key string) (leave func(), err error) {
	h.mu.Lock()
	if h.inside < h.places {
		h.inside++
		h.mu.Unlock()
		return sync.OnceFunc(h.leave), nil
	}
	if h.waiting >= h.room {
		h.mu.Unlock()
		return nil, h.refuse()
	}
	g := &guest{called: make(chan struct{})}
	if len(h.lines[key]) == 0 {
		h.turns = append(h.turns, key)
	}
	h.lines[key] = append(h.lines[key], g)
	h.waiting++
	h.mu.Unlock()

	bounded, cancel := context.WithTimeout(ctx, h.patience)
	defer cancel()
	select {
	case <-g.called:
		return sync.OnceFunc(h.leave), nil
	case <-bounded.Done():
	}
	if !h.giveUp(key, g) { // called in the same moment
		h.leave()
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return nil, h.refuse()
}

func (h *hall) refuse() error {
	if h.refused != nil {
		h.refused(h.name)
	}
	return &hallError{name: h.name}
}

// giveUp takes a guest out of its line; false where it was called already.
func (h *hall) giveUp(key string, g *guest) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	line := h.lines[key]
	at := slices.Index(line, g)
	if at < 0 {
		return false
	}
	h.waiting--
	h.setLine(key, slices.Delete(line, at, at+1))
	return true
}

// setLine keeps lines and turns in step.
func (h *hall) setLine(key string, line []*guest) {
	if len(line) > 0 {
		h.lines[key] = line
		return
	}
	delete(h.lines, key)
	if at := slices.Index(h.turns, key); at >= 0 {
		h.turns = slices.Delete(h.turns, at, at+1)
	}
}

// leave hands the place to the next device's first caller.
func (h *hall) leave() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.turns) == 0 {
		h.inside--
		return
	}
	key := h.turns[0]
	h.turns = h.turns[1:]
	line := h.lines[key]
	g := line[0]
	if len(line) > 1 {
		h.lines[key] = line[1:]
		h.turns = append(h.turns, key)
	} else {
		delete(h.lines, key)
	}
	h.waiting--
	close(g.called)
}

// load is how many are inside and how many wait.
func (h *hall) load() (inside, waiting int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.inside, h.waiting
}

// halls are the kinds of work that all callers share.
type halls struct{ push, pull, blob *hall }

func newHalls(l Limits) halls {
	return halls{
		push: newHall("push", l.Pushes, l.Waiting, l.Patience),
		pull: newHall("pull", l.Pulls, l.Waiting, l.Patience),
		blob: newHall("blob", l.Commits, l.Waiting, l.Patience),
	}
}

func (h halls) all() []*hall { return []*hall{h.push, h.pull, h.blob} }
