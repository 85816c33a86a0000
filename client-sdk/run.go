package clientsdk

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"time"

	"siteledger/client-sdk/outbox"
	"siteledger/client-sdk/transport"
)

// Run does rounds until ctx ends: at once when something was recorded or the
// server pokes, when a timer fires after a failure or for a photo, and every
// [Config].Poll in any case. It returns ctx's error, or [ErrClosed].
//
// Run may be started before enrolment; it then waits for it.
func (c *Client) Run(ctx context.Context) error {
	ctx, end, err := c.begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	var listener sync.WaitGroup
	listener.Go(func() { c.listen(ctx) })
	defer listener.Wait()
	c.dirty.Store(true)
	for {
		wait, enrolled, err := c.nextIn(ctx)
		if err != nil && ctx.Err() == nil {
			c.cfg.Log.Error("sync state can't be read", "err", err)
			wait = c.policy.Max
		}
		if enrolled && wait <= 0 {
			if _, err := c.Sync(ctx); errors.Is(err, ErrClosed) && ctx.Err() == nil {
				return err
			}
		} else if !pause(ctx, c.wake, wait, enrolled) {
			return c.over(ctx)
		}
		if ctx.Err() != nil {
			return c.over(ctx)
		}
	}
}

// over is why Run ends: its caller's wish, or Close.
func (c *Client) over(ctx context.Context) error {
	if c.ctx.Err() != nil {
		return ErrClosed
	}
	return ctx.Err()
}

// pause waits for a timer (if timed) or a wake; false when ctx ends.
func pause(ctx context.Context, wake <-chan struct{}, d time.Duration, timed bool) bool {
	var fires <-chan time.Time
	if timed {
		t := time.NewTimer(d)
		defer t.Stop()
		fires = t.C
	}
	select {
	case <-ctx.Done():
		return false
	case <-wake:
	case <-fires:
	}
	return true
}

// nextIn is how long until the next round. Before enrolment there is none.
func (c *Client) nextIn(ctx context.Context) (wait time.Duration, enrolled bool, err error) {
	if _, err := c.enrolled(); err != nil {
		return 0, false, nil
	}
	now := c.cfg.Now()
	var s outbox.State
	var success int64
	var photo sql.NullInt64
	err = c.db.View(ctx, func(tx *sql.Tx) error {
		var err error
		if s, err = c.out.LoadState(ctx, tx); err != nil {
			return err
		}
		if err := tx.QueryRowContext(ctx, `SELECT last_success FROM sync_state WHERE id = 1`).Scan(&success); err != nil {
			return err
		}
		rule, err := c.blobs.Rule(ctx, tx)
		if err != nil {
			return err
		}
		photo, err = c.blobs.NextAt(ctx, tx, rule.Largest(c.cfg.Metered()))
		return err
	})
	if err != nil {
		return 0, true, err
	}
	if s.Phase != outbox.Ready {
		return s.Wait(now), true, nil
	}
	if c.dirty.Load() {
		return 0, true, nil
	}
	// A clock that was set leaves at most one poll's wait, whichever way it went.
	wait = time.UnixMilli(success).Add(c.cfg.Poll).Sub(now)
	if photo.Valid {
		wait = min(wait, time.UnixMilli(photo.Int64).Sub(now))
	}
	return min(wait, c.cfg.Poll), true, nil
}

// Nudge makes Run try at once, because the network came back or is another one
// (what waited for Wi-Fi may go), or somebody pressed the button. A wait that the server asked for is kept.
func (c *Client) Nudge() {
	ctx, end, err := c.begin(context.Background())
	if err != nil {
		return
	}
	defer end()
	if err := c.nudge(ctx); err != nil {
		c.cfg.Log.Error("nudge", "err", err)
	}
	c.news()
}

func (c *Client) nudge(ctx context.Context) error {
	now := c.cfg.Now()
	return c.db.Update(ctx, func(tx *sql.Tx) error {
		s, err := c.out.LoadState(ctx, tx)
		if err != nil {
			return err
		}
		return c.out.SaveState(ctx, tx, c.policy.Next(s, outbox.Nudged, now, 0, 0))
	})
}

// listen keeps the server's event stream open, so that a poke starts a round.
// It is a hint alone: what it misses, the poll finds.
func (c *Client) listen(ctx context.Context) {
	failures := 0
	for ctx.Err() == nil {
		if c.mayListen(ctx) {
			var opened time.Time
			err := c.authed(ctx, func(token string) error {
				return c.net.Events(ctx, token, func() {
					opened = c.cfg.Now()
					if err := c.nudge(ctx); err == nil { // the network is there
						c.news()
					}
				}, c.news)
			})
			if !opened.IsZero() && c.cfg.Now().Sub(opened) > time.Minute {
				failures = 0 // it worked; one that breaks at once counts as a failure
			}
			if p, ok := transport.ProblemOf(err); ok && p.RetryAfter > 0 && !wait(ctx, p.RetryAfter) {
				return
			}
		}
		failures++
		random, err := c.random()
		if err != nil {
			random = 1
		}
		if !wait(ctx, c.policy.Delay(failures, random)) {
			return
		}
	}
}

// mayListen says whether the stream could be opened: not before enrolment, and
// not while a person has to get a new code.
func (c *Client) mayListen(ctx context.Context) bool {
	if _, err := c.enrolled(); err != nil {
		return false
	}
	var s outbox.State
	err := c.db.View(ctx, func(tx *sql.Tx) error {
		var err error
		s, err = c.out.LoadState(ctx, tx)
		return err
	})
	return err == nil && (s.Phase == outbox.Ready || s.Phase == outbox.Waiting)
}

// wait sleeps; false when ctx ends first.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
