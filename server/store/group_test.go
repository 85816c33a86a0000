package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"siteledger/server/store"
)

func openFile(tb testing.TB) *store.Store {
	tb.Helper()
	st, err := store.Open(context.Background(), store.Config{Path: filepath.Join(tb.TempDir(), "server.db")})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := st.Close(); err != nil {
			tb.Error(err)
		}
	})
	return st
}

func note(tx *sql.Tx, action string) error {
	_, err := tx.Exec("INSERT INTO auth_event (at, actor, action, subject) VALUES (1, x'00', $1, x'00')", action)
	return err
}

func notes(tb testing.TB, st *store.Store, like string) (n int) {
	tb.Helper()
	if err := st.View(context.Background(), func(tx *sql.Tx) error {
		return tx.QueryRow("SELECT count(*) FROM auth_event WHERE action LIKE $1", like).Scan(&n)
	}); err != nil {
		tb.Fatal(err)
	}
	return n
}

// queued runs the functions so that all wait for the one before them, which
// holds the turn until the last of them has asked for it.
func queued(st *store.Store, ctxs []context.Context, fns []func(*sql.Tx) error) []error {
	errs := make([]error, len(fns))
	var wg sync.WaitGroup
	start := func(i int) {
		wg.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					errs[i] = fmt.Errorf("panic: %v", p)
				}
			}()
			ctx := context.Background()
			if ctxs != nil {
				ctx = ctxs[i]
			}
			errs[i] = st.Update(ctx, fns[i])
		})
	}
	once := sync.OnceFunc(func() {
		for i := range fns {
			start(i)
		}
		for st.Load().Waiting < int64(len(fns)) {
			runtime.Gosched()
		}
	})
	first := st.Update(context.Background(), func(*sql.Tx) error { once(); return nil })
	wg.Wait()
	if first != nil {
		errs = append(errs, first)
	}
	return errs
}

// TestWritersShareACommit: twenty who wait are one transaction, and a lone
// writer is one of its own.
func TestWritersShareACommit(t *testing.T) {
	st := openFile(t)
	before := st.Load().Commits
	if err := st.Update(context.Background(), func(tx *sql.Tx) error { return note(tx, "alone") }); err != nil {
		t.Fatal(err)
	}
	alone := st.Load().Commits
	if alone-before != 1 {
		t.Fatalf("a lone writer needed %d commits", alone-before)
	}
	const writers = 20
	fns := make([]func(*sql.Tx) error, writers)
	for i := range fns {
		fns[i] = func(tx *sql.Tx) error { return note(tx, "grouped") }
	}
	for _, err := range queued(st, nil, fns) {
		if err != nil {
			t.Error(err)
		}
	}
	after := st.Load().Commits
	if n := notes(t, st, "grouped"); n != writers || after-alone > 3 {
		t.Errorf("%d of %d writes in %d commits", n, writers, after-alone)
	}
}

// TestOneFailureIsAlone: who fails, panics or gave up is rolled back alone and
// hears of it; the others of the group are stored.
func TestOneFailureIsAlone(t *testing.T) {
	st := openFile(t)
	wrong := errors.New("wrong")
	gone, cancel := context.WithCancel(context.Background())
	ctxs := make([]context.Context, 12)
	fns := make([]func(*sql.Tx) error, 12)
	for i := range fns {
		ctxs[i] = context.Background()
		fns[i] = func(tx *sql.Tx) error { return note(tx, "good") }
	}
	fns[3] = func(tx *sql.Tx) error { return errors.Join(note(tx, "bad"), wrong) }
	fns[5] = func(tx *sql.Tx) error { _ = note(tx, "bad"); panic("of its own") }
	fns[7] = func(tx *sql.Tx) error { _, err := tx.Exec("INSERT INTO no_such_table VALUES (1)"); return err }
	ctxs[9], fns[9] = gone, func(tx *sql.Tx) error { defer cancel(); return note(tx, "bad") }
	errs := queued(st, ctxs, fns)
	for i, err := range errs {
		if bad := i == 3 || i == 5 || i == 7 || i == 9; bad != (err != nil) {
			t.Errorf("function %d: %v", i, err)
		}
	}
	if !errors.Is(errs[3], wrong) || !errors.Is(errs[9], context.Canceled) {
		t.Errorf("got %v and %v", errs[3], errs[9])
	}
	if good, bad := notes(t, st, "good"), notes(t, st, "bad"); good != 8 || bad != 0 {
		t.Errorf("%d good and %d bad writes are stored", good, bad)
	}
}

// TestTransactionThatEndsUnderTheOthers: where one function's failure makes
// SQLite roll back the whole transaction, the others run again.
func TestTransactionThatEndsUnderTheOthers(t *testing.T) {
	st := openFile(t)
	fns := make([]func(*sql.Tx) error, 6)
	for i := range fns {
		fns[i] = func(tx *sql.Tx) error { return note(tx, "good") }
	}
	fns[2] = func(tx *sql.Tx) error {
		_, err := tx.Exec("INSERT OR ROLLBACK INTO history (id, started_at, floor) VALUES (x'00', NULL, 0)")
		return err
	}
	for i, err := range queued(st, nil, fns) {
		if (i == 2) != (err != nil) {
			t.Errorf("function %d: %v", i, err)
		}
	}
	if n := notes(t, st, "good"); n != 5 {
		t.Errorf("%d of 5 are stored", n)
	}
}

// TestCommitThatFailsIsEverybodys: nobody is told that his write is on disk.
func TestCommitThatFailsIsEverybodys(t *testing.T) {
	st := openFile(t)
	fns := make([]func(*sql.Tx) error, 5)
	for i := range fns {
		fns[i] = func(tx *sql.Tx) error { return note(tx, "lost") }
	}
	// A deferred foreign key is looked at by the commit alone.
	fns[4] = func(tx *sql.Tx) error {
		_, err := tx.Exec("CREATE TEMP TABLE child (p INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED); CREATE TEMP TABLE parent (id INTEGER PRIMARY KEY); INSERT INTO child VALUES (1)")
		return err
	}
	failed := 0
	for _, err := range queued(st, nil, fns) {
		if err != nil {
			failed++
		}
	}
	if n := notes(t, st, "lost"); failed == 0 || n != 5-failed && n != 0 {
		t.Errorf("%d failed, %d are stored", failed, n)
	}
	if err := st.Update(context.Background(), func(tx *sql.Tx) error { return note(tx, "after") }); err != nil {
		t.Errorf("after a failed commit: %v", err)
	}
}

// TestWhoGivesUpHoldsNobody: the last who waited gives up, and the group that
// was left open for it is committed all the same.
func TestWhoGivesUpHoldsNobody(t *testing.T) {
	st := openFile(t)
	for range 50 {
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		once := sync.OnceFunc(func() {
			go func() { done <- st.Update(ctx, func(tx *sql.Tx) error { return note(tx, "late") }) }()
			for st.Load().Waiting < 1 {
				runtime.Gosched()
			}
			go cancel()
		})
		err := st.Update(context.Background(), func(tx *sql.Tx) error { once(); return note(tx, "kept") })
		if err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		cancel()
	}
	if n := notes(t, st, "kept"); n != 50 {
		t.Errorf("%d of 50 are stored", n)
	}
}
