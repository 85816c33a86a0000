package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	driver "modernc.org/sqlite"

	"siteledger/server/fault"
	"siteledger/syncproto"
)

// Group commit: writers that wait for the SQLite file share one durable
// transaction. Each runs its function itself, in its own goroutine; the last of
// the group commits for all. A function that fails before it wrote anything, as
// a refusal does, leaves the group as it is. One that fails later ends the
// transaction, and the others run again, for a while each under a savepoint of
// its own: savepoints make SQLite copy every page that it touches, too much to
// pay for what hardly ever happens.
const (
	groupSize = 32                    // functions of one transaction
	groupTime = 50 * time.Millisecond // work of one transaction, after which nobody joins
	groupRuns = 4                     // how often a function is run where another one ends the group
)

// writer is the one connection that writes, and the group that is open on it.
type writer struct {
	*conn
	turn    chan struct{} // held by the one who runs
	waiting atomic.Int64  // how many want the turn
	open    *group        // touched by the holder of the turn alone
	careful int           // how many functions still run under a savepoint; the same
	commits atomic.Int64
	updates atomic.Int64
}

// group is one transaction of several functions.
type group struct {
	tx    *sql.Tx
	begun time.Time
	n     int
	done  chan struct{}
	err   error // of the commit, once done is closed
	lost  bool  // a function's failure rolled back the others' work: they run again
}

// errLost says that the transaction ended under a function that did nothing
// wrong.
var errLost = errors.New("the shared transaction was rolled back")

// update runs fn under a savepoint of the open group, or opens one. It returns
// nil only after the group's commit; a writer that nobody waits behind commits
// at once. fn is run again where another function's failure took the whole
// transaction with it (a full disk, an interrupted statement).
func (w *writer) update(ctx context.Context, fn func(*sql.Tx) error) error {
	for range groupRuns {
		g, err := w.join(ctx, fn)
		if err != nil {
			return explain(err)
		}
		<-g.done
		if !g.lost {
			return explain(g.err)
		}
	}
	return fault.Wrap(syncproto.Busy, "the server could not store this; send it again", errLost)
}

// join waits for the turn, runs fn in the group, and leaves the group to the
// next who waits, or ends it.
func (w *writer) join(ctx context.Context, fn func(*sql.Tx) error) (g *group, err error) {
	if err := w.take(ctx); err != nil {
		return nil, err
	}
	defer func() {
		w.leave()
		<-w.turn
	}()
	if w.open == nil {
		if err := w.begin(ctx); err != nil {
			return nil, err
		}
	}
	g = w.open
	g.n++
	return g, w.under(ctx, g, fn)
}

// take waits for the turn. Who gives up makes sure that a group left open for
// its sake is ended.
func (w *writer) take(ctx context.Context) error {
	w.waiting.Add(1)
	select {
	case w.turn <- struct{}{}:
		w.waiting.Add(-1)
		return nil
	case <-ctx.Done():
		if w.waiting.Add(-1) == 0 {
			go w.settle()
		}
		return ctx.Err()
	}
}

// settle ends the group that is open, if any.
func (w *writer) settle() {
	w.turn <- struct{}{}
	if w.open != nil {
		w.end()
	}
	<-w.turn
}

func (w *writer) begin(ctx context.Context) error {
	tx, err := w.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	w.open = &group{tx: tx, begun: time.Now(), done: make(chan struct{})}
	return nil
}

// under runs fn; what fails, panics or leaves its goroutine takes back its own
// work and no other's.
func (w *writer) under(ctx context.Context, g *group, fn func(*sql.Tx) error) (err error) {
	guarded := g.n > 1 && w.careful > 0
	if guarded {
		w.careful--
		if err := w.say("SAVEPOINT one"); err != nil {
			w.abandon(g)
			return err
		}
	}
	before, err := w.changes()
	if err != nil {
		w.abandon(g)
		return err
	}
	kept := false
	defer func() {
		if kept && guarded {
			err = w.say("RELEASE one")
			kept = err == nil
		}
		if !kept {
			w.undo(g, guarded, err, before)
		}
	}()
	if err = fn(g.tx); err == nil {
		err = ctx.Err()
	}
	kept = err == nil
	return err
}

// undo takes back what the last function did. At some errors SQLite ends the
// whole transaction by itself; the savepoint is gone then, and the group with
// it.
func (w *writer) undo(g *group, guarded bool, cause error, before int64) {
	if guarded {
		if w.say("ROLLBACK TO one") != nil || w.say("RELEASE one") != nil {
			w.abandon(g)
		}
		return
	}
	var own *driver.Error
	if g.n > 1 && cause != nil && !errors.As(cause, &own) {
		if after, err := w.changes(); err == nil && after == before {
			return
		}
	}
	if g.n > 1 {
		w.careful = 2 * groupSize
	}
	w.abandon(g)
}

// changes counts the rows that this connection ever changed.
func (w *writer) changes() (n int64, err error) {
	st, err := w.stmt(context.Background(), "SELECT total_changes()")
	if err != nil {
		return 0, err
	}
	err = st.QueryRow().Scan(&n)
	return n, err
}

func (w *writer) say(text string) error {
	ctx := context.Background()
	st, err := w.stmt(ctx, text)
	if err != nil {
		return err
	}
	if _, err = st.ExecContext(ctx); err != nil {
		return fmt.Errorf("%s: %w", text, err)
	}
	return nil
}

// leave keeps the group open for those who wait, within its bounds.
func (w *writer) leave() {
	g := w.open
	if g == nil || (w.waiting.Load() > 0 && g.n < groupSize && time.Since(g.begun) < groupTime) {
		return
	}
	w.end()
}

// end commits the group and tells its members.
func (w *writer) end() {
	g := w.open
	w.open = nil
	if err := g.tx.Commit(); err != nil {
		g.err = errors.Join(fmt.Errorf("commit: %w", err), ignoreDone(g.tx.Rollback()))
	}
	w.commits.Add(1)
	w.updates.Add(int64(g.n))
	close(g.done)
}

// abandon ends a group whose transaction is gone.
func (w *writer) abandon(g *group) {
	w.open = nil
	_ = g.tx.Rollback()
	g.lost = true
	close(g.done)
}

// close ends the open group and keeps the turn for ever.
func (w *writer) close() {
	w.turn <- struct{}{}
	if w.open != nil {
		w.end()
	}
}

// Load is what a store's writers do.
type Load struct {
	Commits int64 // transactions committed since the start
	Updates int64 // functions that took part in them
	Trips   int64 // questions that sessions sent to a database server
	Waiting int64 // functions that wait for their turn now
}

func (f *file) load() Load {
	w := f.writer
	return Load{Commits: w.commits.Load(), Updates: w.updates.Load(), Waiting: w.waiting.Load()}
}
