package clientsdk

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"siteledger/client-sdk/outbox"
	"siteledger/client-sdk/transport"
	"siteledger/syncproto"
)

// idleTurns bounds the answers in a row that acknowledge nothing new: a gap, a
// search for a fork, a halved batch. A fork in a long log is found in some
// twenty; a server that goes round in circles must not keep the phone awake.
const idleTurns = 64

// push sends the log until the server has all of it.
func (c *Client) push(ctx context.Context, r *Round) error {
	unknownKey := false
	for idle := 0; idle < idleTurns; {
		id, err := c.enrolled()
		if err != nil {
			return err
		}
		var b *outbox.Batch
		if err := c.db.View(ctx, func(tx *sql.Tx) error {
			b, err = c.out.Next(ctx, tx)
			return err
		}); err != nil {
			return err
		}
		if b == nil {
			if unknownKey {
				return c.renew(ctx)
			}
			return nil
		}
		acked, unknown, err := c.pushBatch(ctx, id, b)
		if err != nil {
			return err
		}
		unknownKey = unknownKey || unknown
		r.Pushed += acked
		idle++
		if acked > 0 {
			idle = 0
			c.changed()
		}
	}
	return fmt.Errorf("%w: no progress in %d answers", outbox.ErrAnswer, idleTurns)
}

// pushBatch sends one batch and takes over whatever the answer is.
func (c *Client) pushBatch(ctx context.Context, id *identity, b *outbox.Batch) (acked int, unknownKey bool, err error) {
	var ans *syncproto.PushAnswer
	var times transport.Times
	err = c.authed(ctx, func(token string) error {
		var err error
		ans, times, err = c.send(ctx, token, id, b)
		return err
	})
	if err != nil {
		return 0, false, c.pushRefused(ctx, id, b, err)
	}
	keys, err := c.keys(ctx)
	if err != nil {
		return 0, false, err
	}
	verified, err := outbox.CheckReceipt(keys, id.author(), id.History, b.Epoch, ans)
	if err != nil {
		return 0, false, err
	}
	var eff outbox.Effect
	err = c.db.Update(ctx, func(tx *sql.Tx) error {
		if err := c.out.KeepReceipt(ctx, tx, b.Epoch, id.History, ans.Acked, ans.Receipt, verified); err != nil {
			return err
		}
		if err := c.out.Observe(ctx, tx, ans.HLC); err != nil {
			return err
		}
		if err := c.measured(ctx, tx, times); err != nil {
			return err
		}
		if eff, err = c.out.Accept(ctx, tx, id.author(), c.stamp(), b, ans); err != nil {
			return err
		}
		return c.affect(ctx, tx, eff)
	})
	if err == nil && eff.Forked {
		err = c.loadIdentity(ctx)
	}
	return eff.Acked, !verified, err
}

// send signs a batch and sends it: packed to a server that takes it so, and
// else, or where that is refused unread, as it is.
func (c *Client) send(ctx context.Context, token string, id *identity, b *outbox.Batch) (*syncproto.PushAnswer, transport.Times, error) {
	if c.net.TakesPacked() {
		packed, err := b.Packed(id.author().Key)
		if err != nil {
			c.cfg.Log.Error("a batch goes as it is", "error", err)
		}
		if packed == nil {
			return c.net.Push(ctx, token, b.Request(id.author(), id.History, c.stamp()))
		}
		if ans, times, err := c.net.PushPacked(ctx, token, b.Request(id.author(), id.History, c.stamp()), packed); !errors.Is(err, transport.ErrPacked) {
			return ans, times, err
		}
	}
	return c.net.Push(ctx, token, b.Request(id.author(), id.History, c.stamp()))
}

// pushRefused does what the protocol's table says for a refused push; nil where
// sending again at once is the answer.
func (c *Client) pushRefused(ctx context.Context, id *identity, b *outbox.Batch, refused error) error {
	p, ok := transport.ProblemOf(refused)
	if !ok {
		return refused
	}
	var eff outbox.Effect
	again := true
	err := c.db.Update(ctx, func(tx *sql.Tx) (err error) {
		switch {
		case p.Code == syncproto.LogGap && p.Acked != nil:
			eff, err = c.out.Gap(ctx, tx, id.author(), c.stamp(), b, *p.Acked)
		case p.Code == syncproto.LogForked && p.Common != nil:
			eff, err = c.out.Forked(ctx, tx, id.author(), c.stamp(), b, *p.Common)
		case p.Code == syncproto.BatchTooLarge || p.Code == syncproto.BatchTooLong || p.Status == 413 && p.Code != syncproto.ChangeTooLarge:
			again, err = c.out.TooLarge(ctx, tx, b)
		default:
			again = false
		}
		if err != nil {
			return err
		}
		return c.affect(ctx, tx, eff)
	})
	if err != nil {
		return errors.Join(err, refused)
	}
	if p.Code == syncproto.HistoryChanged {
		return c.historyChanged(ctx, p.History, refused)
	}
	if !again {
		return refused
	}
	if eff.Forked {
		return c.loadIdentity(ctx)
	}
	return nil
}

// historyChanged takes over the server's new history and asks for another turn.
func (c *Client) historyChanged(ctx context.Context, history string, refused error) error {
	id, err := uuid.Parse(history)
	if err != nil {
		return fmt.Errorf("%w: history %q: %w", outbox.ErrAnswer, history, refused)
	}
	known, err := c.enrolled()
	if err != nil {
		return err
	}
	if id == known.History || id == uuid.Nil {
		return fmt.Errorf("%w: the history did not change: %w", outbox.ErrAnswer, refused)
	}
	c.cfg.Log.Warn("the server has a new history", "history", id)
	if err := c.db.Update(ctx, func(tx *sql.Tx) error { return c.newHistory(ctx, tx, id) }); err != nil {
		return err
	}
	if err := c.loadIdentity(ctx); err != nil {
		return err
	}
	return errAgain
}

// affect shows what an answer did to my changes.
func (c *Client) affect(ctx context.Context, tx *sql.Tx, eff outbox.Effect) error {
	if err := c.rep.Lay(ctx, tx, eff.Rows); err != nil {
		return err
	}
	for _, d := range eff.Denied {
		if err := c.notice(ctx, tx, "denied", d.Key, d.Reason, ""); err != nil {
			return err
		}
	}
	if eff.Forked {
		return c.notice(ctx, tx, "fork", outbox.Key{}, "", "")
	}
	return nil
}
