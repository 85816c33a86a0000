package clientsdk

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"siteledger/client-sdk/attachment"
	"siteledger/client-sdk/outbox"
	"siteledger/client-sdk/transport"
	"siteledger/syncproto"
)

// Sync does one whole round now: a token if needed, the log up, the feed down,
// acknowledgements up, then photos, previews first. It tries whatever the timers
// say, and returns what it did together with what went wrong. A part that the
// server refuses does not keep the others back. It waits for a round that runs.
func (c *Client) Sync(ctx context.Context) (Round, error) {
	ctx, end, err := c.begin(ctx)
	if err != nil {
		return Round{}, err
	}
	defer end()
	if err := c.lock(ctx); err != nil {
		return Round{}, err
	}
	defer c.unlock()
	if _, err := c.enrolled(); err != nil {
		return Round{}, err
	}
	c.busy.Store(true)
	c.dirty.Store(false)
	c.changed()
	var r Round
	err = c.round(ctx, &r)
	c.busy.Store(false)
	err = errors.Join(err, c.ended(ctx, err))
	signal(c.wake) // the timers are others now
	c.changed()
	return r, explained(err)
}

// errAgain asks for the log and the feed once more: the server's history is a
// new one.
var errAgain = errors.New("the server has a new history")

// turns bounds how often one round may find a new history.
const turns = 3

func (c *Client) round(ctx context.Context, r *Round) error {
	var failed error
	for turn := 0; ; turn++ {
		err := c.exchange(ctx, r)
		if errors.Is(err, errAgain) && turn < turns {
			continue
		}
		if fatal(err) {
			return err
		}
		failed = err
		break
	}
	for _, step := range []func(context.Context, *Round) error{c.lease, c.uploads, c.housekeep} {
		err := step(ctx, r)
		failed = errors.Join(failed, err)
		if fatal(err) {
			return failed
		}
	}
	return failed
}

// exchange sends the log, takes over the feed, and sends what was recorded in
// answer to it.
func (c *Client) exchange(ctx context.Context, r *Round) error {
	pushed := c.push(ctx, r)
	if fatal(pushed) || errors.Is(pushed, errAgain) {
		return pushed
	}
	answered, pulled := c.pull(ctx, r)
	if pulled == nil && pushed == nil && answered {
		pushed = c.push(ctx, r)
	}
	if errors.Is(pulled, errAgain) {
		return pulled
	}
	return errors.Join(pushed, pulled)
}

// fatal says whether what failed would fail for the rest of the round too.
func fatal(err error) bool {
	if err == nil {
		return false
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	if unauthorized(err) {
		return true
	}
	switch CodeOf(explained(err)) {
	case CodeOffline, CodeNotOurServer, CodeBusy, CodeSignIn, CodeRevoked, CodeClosed, CodeStorageFull, CodeBroken, CodeNotEnrolled:
		return true
	}
	return false
}

// ended writes down where the sync stands after a round.
func (c *Client) ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil // the app ends: the state stays as it was
	}
	now := c.cfg.Now()
	ev, wait := eventOf(err)
	random, rerr := c.random()
	if rerr != nil {
		return rerr
	}
	if err != nil {
		c.cfg.Log.Info("sync round failed", "event", string(ev), "err", err)
	}
	c.failed.Store(nil)
	if id := transport.RequestOf(err); id != "" {
		c.failed.Store(&id)
	}
	return c.db.Update(ctx, func(tx *sql.Tx) error {
		s, err := c.out.LoadState(ctx, tx)
		if err != nil {
			return err
		}
		if err := c.out.SaveState(ctx, tx, c.policy.Next(s, ev, now, wait, random)); err != nil {
			return err
		}
		success := int64(0)
		if ev == outbox.Done {
			success = now.UnixMilli()
		}
		_, err = tx.ExecContext(ctx, `
			UPDATE sync_state
			SET last_attempt = $1, last_success = CASE WHEN $2 > 0 THEN $2 ELSE last_success END
			WHERE id = 1`, now.UnixMilli(), success)
		return err
	})
}

// random is a number in [0, 1) for jitter.
func (c *Client) random() (float64, error) {
	var b [4]byte
	if _, err := c.cfg.Rand.Read(b[:]); err != nil {
		return 0, fmt.Errorf("randomness: %w", err)
	}
	return float64(uint32(b[0])<<24|uint32(b[1])<<16|uint32(b[2])<<8|uint32(b[3])) / (1 << 32), nil
}

// lease asks for receipt numbers when few are left (FP-03). A server that gives
// none now is asked again in the next round.
func (c *Client) lease(ctx context.Context, _ *Round) error {
	var left int
	err := c.db.View(ctx, func(tx *sql.Tx) error {
		var err error
		left, err = c.out.ReceiptsLeft(ctx, tx)
		return err
	})
	if err != nil || left >= ReceiptsLow {
		return err
	}
	var ans *syncproto.ReceiptsAnswer
	err = c.authed(ctx, func(token string) error {
		var err error
		ans, err = c.net.Receipts(ctx, token)
		return err
	})
	if p, ok := transport.ProblemOf(err); ok && (p.Status == 429 || p.Status == 404) {
		c.cfg.Log.Info("no receipt numbers now", "err", err)
		return nil
	}
	if err != nil {
		return err
	}
	return c.db.Update(ctx, func(tx *sql.Tx) error { return c.out.Lease(ctx, tx, ans.ReceiptRanges, c.cfg.Now()) })
}

// uploads sends the photos whose timers are due.
func (c *Client) uploads(ctx context.Context, r *Round) error {
	id, err := c.enrolled()
	if err != nil {
		return err
	}
	u := &attachment.Uploader{
		Store: c.blobs, Remote: remote{c}, Keys: c.keys, Device: id.Device, History: id.History,
		Delay: func(attempts int) time.Duration {
			random, err := c.random()
			if err != nil {
				random = 1
			}
			return c.policy.Delay(attempts, random)
		},
		Largest: c.largest, AtOnce: c.cfg.UploadsAtOnce, Changed: c.changed,
	}
	res, err := u.Round(ctx)
	r.Uploaded, r.Waiting = r.Uploaded+res.Verified, res.Waiting
	if err == nil && res.UnknownKey {
		err = c.renew(ctx)
	}
	return err
}

// renew gets a new access token for the server's keys that come with it.
func (c *Client) renew(ctx context.Context) error {
	var access string
	err := c.db.View(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT access_token FROM identity WHERE id = 1`).Scan(&access)
	})
	if err != nil {
		return fmt.Errorf("access token: %w", err)
	}
	_, err = c.token(ctx, access)
	return err
}

// housekeep removes what the server has had for 35 days and previews that no
// record came to name in that time, and carries out a wipe
// that the office asked for once nothing is unsent.
func (c *Client) housekeep(ctx context.Context, _ *Round) error {
	const keep = KeepDays * 24 * time.Hour
	var server time.Time
	err := c.db.Update(ctx, func(tx *sql.Tx) error {
		var err error
		if server, _, err = c.out.ServerTime(ctx, tx); err != nil {
			return err
		}
		_, err = c.out.Prune(ctx, tx, keep)
		return err
	})
	if err != nil {
		return err
	}
	if !server.IsZero() {
		if err := c.blobs.Release(ctx, server.Add(-keep)); err != nil {
			return err
		}
	}
	if err := c.blobs.Tidy(ctx, c.cfg.Now().Add(-keep)); err != nil {
		return err
	}
	return c.wipeIfAsked(ctx)
}

// notice tells the technician something that happened to his own work.
func (c *Client) notice(ctx context.Context, tx *sql.Tx, kind string, k outbox.Key, reason, text string) error {
	var row []byte
	if k.Row != uuid.Nil {
		row = k.Row[:]
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO notice (at, kind, tbl, row, reason, text) VALUES ($1, $2, $3, $4, $5, $6)`,
		c.cfg.Now().UnixMilli(), kind, k.Table, row, reason, text); err != nil {
		return fmt.Errorf("notice: %w", err)
	}
	return nil
}
