package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"siteledger/server/store/storetest"
)

// stalled is how long the standby hears nothing before the primary dies: on
// one machine it would otherwise have everything, and an asynchronous standby
// would look as good as a synchronous one.
const stalled = 500 * time.Millisecond

// pgFailover kills the primary while its synchronous standby is stalled, and
// promotes that: nothing acknowledged may be missing there.
func (b *bench) pgFailover(ctx context.Context, t *tally, n int) error {
	var gap time.Duration
	for range n {
		g, err := b.failOver(ctx, t, true)
		if err != nil {
			return err
		}
		gap = max(gap, g)
		if len(t.findings) > 0 {
			break
		}
	}
	t.note("longest time without an acknowledgement %d ms, of which the standby was stalled for %d ms", gap.Milliseconds(), stalled.Milliseconds())
	if gap > 5*time.Second {
		t.find("nothing was acknowledged for %s", gap)
	}
	return nil
}

// pgFailoverControl does the same with an asynchronous standby, which must
// lose: a drill that finds nothing there would find nothing anywhere.
func (b *bench) pgFailoverControl(ctx context.Context, t *tally, n int) error {
	t.control = true
	for range n {
		if _, err := b.failOver(ctx, t, false); err != nil {
			return err
		}
		if t.lost > 0 {
			break // once is enough
		}
	}
	return nil
}

// failOver is one: it gives the longest time without an acknowledgement.
func (b *bench) failOver(ctx context.Context, t *tally, synchronous bool) (gap time.Duration, err error) {
	h, err := b.newHouse(ctx, nil, "wal_level=replica", "max_wal_senders=5", "wal_receiver_timeout=10s")
	if err != nil {
		return 0, err
	}
	defer h.close()
	standby, err := h.standby(ctx, synchronous)
	if err != nil {
		return 0, err
	}
	primary := h.pg
	h.url = fmt.Sprintf("postgres://postgres@/%s?host=%s,%s&target_session_attrs=read-write", pgDatabase, primary.Dir, standby.Dir)
	s, err := h.serve(ctx)
	if err != nil {
		return 0, err
	}
	r := b.random(t.name + fmt.Sprint(t.kills))
	logs := b.fresh()
	c := gather(ctx, logs, r, 20, always(s.url))
	defer c.stop()
	if !c.until(ctx, 20, t) {
		c.end(t)
		return 0, nil
	}
	time.Sleep(between(r, 50*time.Millisecond, 300*time.Millisecond))
	err = h.takeOver(ctx, primary, standby, func() {
		if !synchronous { // its phones would see what it lost: that is looked at below
			c.stop()
			c.all.Wait()
		}
	})
	if err != nil {
		return 0, err
	}
	t.kills++
	h.pg = standby
	if synchronous {
		if !c.until(ctx, 30, t) {
			t.find("the server says: %s", s.tail)
		}
		c.end(t)
		again(ctx, s.url, logs, t)
	}
	t.count(logs, nil)
	if err := h.check(ctx, logs, t); err != nil {
		return 0, err
	}
	if synchronous {
		h.verify(ctx, t)
	}
	return c.gap, nil
}

// standby makes a second cluster that follows the first.
func (h *house) standby(ctx context.Context, synchronous bool) (*storetest.Server, error) {
	dir := filepath.Join(h.dir, "b")
	standby, err := h.describe(dir, "hot_standby=on")
	if err != nil {
		return nil, err
	}
	if err := h.program(ctx, standby, "pg_basebackup", "-h", h.pg.Dir, "-U", "postgres", "-D", filepath.Join(dir, "data"), "-R", "-X", "stream", "-c", "fast", "--no-sync"); err != nil {
		return nil, err
	}
	if err := h.start(ctx, standby); err != nil {
		return nil, err
	}
	state := "async"
	if synchronous {
		state = "sync"
		for _, text := range []string{"ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()"} {
			if err := h.ask(ctx, h.pg, pgDatabase, text); err != nil {
				return nil, err
			}
		}
	}
	return standby, await(ctx, h.pg, true, "SELECT coalesce(bool_or(state = 'streaming' AND sync_state = $1), false) FROM pg_stat_replication", state)
}

// program runs one of PostgreSQL's.
func (h *house) program(ctx context.Context, as *storetest.Server, name string, args ...string) error {
	cmd, err := as.Command(ctx, name, args...)
	if err != nil {
		return err
	}
	_, err = output(cmd)
	var missing *exec.Error
	if errors.As(err, &missing) {
		return fmt.Errorf("%w; Debian's package %s has it", err, storetest.Package)
	}
	return err
}

// takeOver stalls what receives the standby's log, kills the primary, and
// promotes the standby. after runs when the primary is dead.
func (h *house) takeOver(ctx context.Context, primary, standby *storetest.Server, after func()) error {
	receiver, err := look[int](ctx, standby, "SELECT pid FROM pg_stat_wal_receiver")
	if err != nil {
		return fmt.Errorf("the standby's receiver: %w", err)
	}
	pid, err := postmaster(primary)
	if err != nil {
		return err
	}
	if err := syscall.Kill(receiver, syscall.SIGSTOP); err != nil {
		return err
	}
	time.Sleep(stalled / 2)
	// Somebody ends the wait for the standby: PostgreSQL then answers COMMIT.
	if err := h.ask(ctx, primary, "postgres", "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"); err != nil {
		return err
	}
	time.Sleep(stalled / 2)
	err = crash(primary, pid)
	after()
	// The receiver is told to end before it goes on: what still lies in its
	// socket is what the network would not have brought.
	err = errors.Join(err, h.ask(ctx, standby, "postgres", "SELECT pg_promote(false)"))
	time.Sleep(50 * time.Millisecond)
	err = errors.Join(err, syscall.Kill(receiver, syscall.SIGCONT))
	if err != nil {
		return err
	}
	return await(ctx, standby, false, "SELECT pg_is_in_recovery()")
}
