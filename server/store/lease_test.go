package store_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"siteledger/server/store/storetest"
)

// TestOneServerHasTheLease: of many who ask at once one gets it; he may hold it
// longer, and who comes after its end or its return gets it.
func TestOneServerHasTheLease(t *testing.T) {
	ctx, st := t.Context(), storetest.Open(t, storetest.New(t))
	var won atomic.Int64
	var winner atomic.Pointer[uuid.UUID]
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			me := uuid.New()
			mine, err := st.Lease(ctx, uuid.Nil, "upkeep", me, time.Hour)
			if err != nil {
				t.Error(err)
			}
			if mine {
				won.Add(1)
				winner.Store(&me)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Fatalf("%d servers have the lease", won.Load())
	}
	ask := func(who uuid.UUID, span time.Duration, want bool) {
		t.Helper()
		if mine, err := st.Lease(ctx, uuid.Nil, "upkeep", who, span); err != nil || mine != want {
			t.Errorf("got %v, %v", mine, err)
		}
	}
	holder, other := *winner.Load(), uuid.New()
	ask(other, time.Hour, false)
	ask(holder, time.Hour, true)
	if err := st.EndLease(ctx, uuid.Nil, "upkeep", other); err != nil { // not his to end
		t.Error(err)
	}
	ask(other, time.Hour, false)
	ask(holder, 0, true) // runs out at once
	ask(other, time.Hour, true)
	if err := st.EndLease(ctx, uuid.Nil, "upkeep", other); err != nil {
		t.Error(err)
	}
	ask(holder, time.Hour, true)
}
