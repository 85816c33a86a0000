package app

import (
	"context"
	"time"

	"github.com/google/uuid"

	"siteledger/server/likeness"
)

const (
	// compareEvery is how long a verified photo waits before it is compared with
	// the others.
	compareEvery = 30 * time.Second
	// lookSpan is how long a server that dies keeps the others from looking.
	lookSpan = 3 * time.Minute
	// lookPart is how many photos are looked at before the turn is asked for
	// again.
	lookPart = 20
)

// lookAtPhotos compares what was uploaded with what was there, beside
// everything else, until ctx ends.
func (a *App) lookAtPhotos(ctx context.Context) {
	holder := mustID()
	t := time.NewTicker(compareEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		if _, err := a.look(ctx, holder); err != nil && ctx.Err() == nil {
			a.Log.Error("look at photos", "error", err)
		}
	}
}

// LookAtPhotos looks at all photos that wait, now; for a test and for filling
// a database after a restore. It gives how many.
func (a *App) LookAtPhotos(ctx context.Context) (int, error) { return a.look(ctx, mustID()) }

// look is done by one server of those on a database at a time.
func (a *App) look(ctx context.Context, holder uuid.UUID) (int, error) {
	keeper := likeness.NewKeeper(a.Store, a.Blobs, a.Now, a.Log)
	for n := 0; ; {
		mine, err := a.Store.Lease(ctx, uuid.Nil, "look", holder, lookSpan)
		if err != nil || !mine {
			return n, err
		}
		got, err := keeper.Pass(ctx, lookPart)
		n += got
		if err != nil || got < lookPart {
			return n, err
		}
	}
}
