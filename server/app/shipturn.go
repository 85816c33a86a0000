package app

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"

	"siteledger/server/store"
)

const (
	shipWork = "ship"
	// shipSpan is how long the ledger goes without a copy when the server that
	// ships it dies, beside a round's own time.
	shipSpan = 6 * time.Second
)

// shipTurn lets one of the servers on a database ship the ledger. It fences by
// two things: a holder believes in its turn no longer than the database does,
// measured from before it asked, also when its process was stopped meanwhile;
// and an object that is put by one who was stopped in the very act is written
// once, at a place that follows from the objects before it, so that it holds
// what the other would have put.
type shipTurn struct {
	store  *store.Store
	holder uuid.UUID
	now    func() time.Time

	mu   sync.Mutex
	mine bool
	last time.Time // mine, or not, was asked at
}

// Own satisfies archive.ShipConfig: the turn is for all streams.
func (t *shipTurn) Own(ctx context.Context, _ uuid.UUID) (bool, error) {
	t.mu.Lock()
	mine, age := t.mine, t.now().Sub(t.last)
	t.mu.Unlock()
	switch {
	case mine && age < shipSpan*2/3, !mine && age < shipSpan/6:
		return mine, nil
	}
	return t.ask(ctx)
}

// ask takes the turn, or holds it longer.
func (t *shipTurn) ask(ctx context.Context) (bool, error) {
	asked := t.now()
	mine, err := t.store.Lease(ctx, uuid.Nil, shipWork, t.holder, shipSpan)
	t.mu.Lock()
	defer t.mu.Unlock()
	if asked.Before(t.last) {
		return t.mine, err // another question was asked later
	}
	t.mine, t.last = mine && err == nil, asked
	return t.mine, err
}

// keep holds the turn, or waits for it, until ctx ends; then it is given back.
// got is called when it was taken over.
func (t *shipTurn) keep(ctx context.Context, got func()) {
	tick := time.NewTicker(shipSpan / 3)
	defer tick.Stop()
	for had := false; ; {
		mine, err := t.ask(ctx)
		if mine && !had {
			got()
		}
		had = mine && err == nil
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// giveBack ends the turn before its time, so that another server goes on at
// once. A server that cannot say so any more is waited for.
func (t *shipTurn) giveBack(ctx context.Context) error {
	t.mu.Lock()
	t.mine, t.last = false, t.now()
	t.mu.Unlock()
	return t.store.EndLease(ctx, uuid.Nil, shipWork, t.holder)
}
