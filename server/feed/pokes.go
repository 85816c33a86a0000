package feed

import (
	"sync"

	"github.com/google/uuid"
)

// pokes fans "something is new" out to waiting streams.
type pokes struct {
	mu   sync.Mutex
	subs map[uuid.UUID]map[chan struct{}]struct{}
}

func newPokes() *pokes { return &pokes{subs: map[uuid.UUID]map[chan struct{}]struct{}{}} }

func (p *pokes) add(centre uuid.UUID) (<-chan struct{}, func()) {
	ch := make(chan struct{}, 1)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.subs[centre] == nil {
		p.subs[centre] = map[chan struct{}]struct{}{}
	}
	p.subs[centre][ch] = struct{}{}
	return ch, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.subs[centre], ch)
		if len(p.subs[centre]) == 0 {
			delete(p.subs, centre)
		}
	}
}

func (p *pokes) poke(stream uuid.UUID, all bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for centre, subs := range p.subs {
		if !all && centre != stream {
			continue
		}
		for ch := range subs {
			select {
			case ch <- struct{}{}:
			default: // one unread poke is enough
			}
		}
	}
}
