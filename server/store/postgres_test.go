package store_test

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"siteledger/server/auth"
	"siteledger/server/fault"
	"siteledger/server/ledger"
	"siteledger/server/store"
	"siteledger/server/store/storetest"
	"siteledger/syncproto"
)

func makeStream(t *testing.T, st *store.Store) uuid.UUID {
	t.Helper()
	s := ledger.Stream{Centre: uuid.New(), OfficeDevice: uuid.New(), OfficeEpoch: uuid.New()}
	if err := st.CreateStream(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	return s.Centre
}

// raise adds one to a stream's rev.
func raise(ctx context.Context, st *store.Store, centre uuid.UUID) error {
	return st.UpdateCentre(ctx, centre, func(tx ledger.Tx) error {
		s, err := tx.Stream(ctx)
		if err != nil {
			return err
		}
		s.Rev++
		return tx.SaveStream(ctx, s)
	})
}

func revOf(t *testing.T, st *store.Store, centre uuid.UUID) uint64 {
	t.Helper()
	streams, err := st.Streams(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range streams {
		if s.ID == centre {
			return s.Rev
		}
	}
	return 0
}

// TestWritersOfACentreFollowEachOther: no raise is lost.
func TestWritersOfACentreFollowEachOther(t *testing.T) {
	st := storetest.Open(t, storetest.New(t))
	centre := makeStream(t, st)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 10 {
				if err := raise(context.Background(), st, centre); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if rev := revOf(t, st, centre); rev != 80 {
		t.Errorf("rev %d after 80 raises", rev)
	}
}

// TestPlainWritersAreAsIfAlone: reading a row and writing what follows from it
// loses nothing, though no lock is named.
func TestPlainWritersAreAsIfAlone(t *testing.T) {
	st := storetest.Open(t, storetest.New(t))
	f := auth.Family{ID: uuid.New(), Centre: uuid.New(), Device: uuid.New()}
	if err := st.AddFamily(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 5 {
				err := fault.New(syncproto.Busy, "")
				for fault.CodeOf(err) == syncproto.Busy {
					e := st.ChangeFamily(context.Background(), f.ID, func(f *auth.Family) error { f.Gen++; return nil })
					if !errors.As(e, &err) {
						break
					}
				}
			}
		})
	}
	wg.Wait()
	if got, err := st.Family(t.Context(), f.ID); err != nil || got.Gen != 20 {
		t.Errorf("gen %d after 20 changes, %v", got.Gen, err)
	}
}

// TestRolledBackWhereTheCallerIsGone: who left before the commit left nothing.
func TestRolledBackWhereTheCallerIsGone(t *testing.T) {
	st := storetest.Open(t, storetest.New(t))
	centre := makeStream(t, st)
	ctx, cancel := context.WithCancel(t.Context())
	err := st.UpdateCentre(ctx, centre, func(tx ledger.Tx) error {
		s, err := tx.Stream(ctx)
		if err != nil {
			return err
		}
		s.Rev = 99
		defer cancel()
		return tx.SaveStream(ctx, s)
	})
	if !errors.Is(err, context.Canceled) || revOf(t, st, centre) != 0 {
		t.Errorf("%v, rev %d", err, revOf(t, st, centre))
	}
}

// TestPanicReleasesTheCentre: a fold that panics holds up nobody behind it.
func TestPanicReleasesTheCentre(t *testing.T) {
	st := storetest.Open(t, storetest.New(t))
	centre := makeStream(t, st)
	func() {
		defer func() { _ = recover() }()
		_ = st.UpdateCentre(t.Context(), centre, func(tx ledger.Tx) error {
			if _, err := tx.Stream(t.Context()); err != nil {
				return err
			}
			panic("of its own")
		})
	}()
	if err := raise(t.Context(), st, centre); err != nil || revOf(t, st, centre) != 1 {
		t.Errorf("%v, rev %d", err, revOf(t, st, centre))
	}
}

// TestCutConnectionIsBusy: the caller is asked to come again, nothing of it is
// stored, and the store goes on with new connections.
func TestCutConnectionIsBusy(t *testing.T) {
	st := storetest.Open(t, storetest.Postgres(t))
	centre := makeStream(t, st)
	cut := func(tx *sql.Tx) error {
		_, err := tx.Exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
		return err
	}
	err := st.UpdateCentre(t.Context(), centre, func(tx ledger.Tx) error {
		s, err := tx.Stream(t.Context())
		if err != nil {
			return err
		}
		if err := st.View(t.Context(), cut); err != nil {
			t.Error(err)
		}
		s.Rev = 7
		return tx.SaveStream(t.Context(), s)
	})
	if fault.CodeOf(err) != syncproto.Busy {
		t.Errorf("cut: %v", err)
	}
	for try := 0; ; try++ { // idle connections were cut too
		err := raise(t.Context(), st, centre)
		if err == nil {
			break
		}
		if fault.CodeOf(err) != syncproto.Busy || try > 20 {
			t.Fatalf("after the cut: %v", err)
		}
	}
	if rev := revOf(t, st, centre); rev != 1 {
		t.Errorf("rev %d", rev)
	}
}

// TestServerThatDiesLosesNothing: PostgreSQL is killed under writers, comes
// back, and has every raise that was acknowledged. Callers were told to come
// again meanwhile.
func TestServerThatDiesLosesNothing(t *testing.T) {
	if storetest.Turn() != "postgres" {
		return // once is enough
	}
	server, err := storetest.StartServer(t.Context(), storetest.Dir(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	st := storetest.Open(t, store.Config{URL: server.URL("postgres")})
	centre := makeStream(t, st)
	acked, stop := 0, make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
			}
			switch err := raise(context.Background(), st, centre); {
			case err == nil:
				acked++
			case fault.CodeOf(err) != syncproto.Busy:
				t.Errorf("while the database was away: %v", err)
				return
			}
		}
	}()
	waitFor(t, func() bool { return st.Load().Commits > 20 })
	if err := server.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	server.Wait()
	waitFor(t, func() bool { return server.Start(t.Context()) == nil }) // its children end first
	before := st.Load().Commits
	waitFor(t, func() bool { return st.Load().Commits > before+20 })
	close(stop)
	<-done
	// The commit that the kill cut off may have taken place.
	if rev := revOf(t, st, centre); rev < uint64(acked) || rev > uint64(acked)+1 {
		t.Errorf("rev %d after %d acknowledged raises", rev, acked)
	}
}

func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	for late := time.After(60 * time.Second); !ok(); {
		select {
		case <-late:
			t.Fatal("waited in vain")
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// TestFoldSeesOneHeadquarters: where headquarters commits between the rev that
// a batch is stored with and a look at headquarters' people, the batch is
// folded again.
func TestFoldSeesOneHeadquarters(t *testing.T) {
	st := storetest.Open(t, storetest.Postgres(t))
	hq := ledger.Stream{Centre: uuid.New(), Headquarters: true, OfficeDevice: uuid.New(), OfficeEpoch: uuid.New()}
	if err := st.CreateStream(t.Context(), hq); err != nil {
		t.Fatal(err)
	}
	centre, runs := makeStream(t, st), 0
	var rev uint64
	err := st.UpdateCentre(t.Context(), centre, func(tx ledger.Tx) error {
		runs++
		s, err := tx.Stream(t.Context())
		if err != nil {
			return err
		}
		if runs == 1 {
			if err := raise(t.Context(), st, hq.Centre); err != nil {
				return err
			}
		}
		if _, err := tx.Person(t.Context(), uuid.New()); err != nil {
			return err
		}
		if rev, err = tx.HQRev(t.Context()); err != nil {
			return err
		}
		return tx.SaveStream(t.Context(), s)
	})
	if err != nil || runs != 2 || rev != 1 {
		t.Errorf("folded %d times, against rev %d: %v", runs, rev, err)
	}
}
