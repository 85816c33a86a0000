package clientsdk

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"siteledger/client-sdk/outbox"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
)

// Enrol trades a one-time code for an identity, and needs the network. After a
// lost answer the same code may be used again within its time. A phone that is
// enrolled already comes back under its own id with its log, as its sessions
// may have ended; the code must be for the same person.
func (c *Client) Enrol(ctx context.Context, code string) error {
	ctx, end, err := c.begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	if err := c.lock(ctx); err != nil {
		return err
	}
	defer c.unlock()
	if err := c.enrol(ctx, strings.TrimSpace(code)); err != nil {
		return explained(err)
	}
	c.news()
	c.changed()
	return nil
}

// lock waits for the round, enrolment or sign-out that runs.
func (c *Client) lock(ctx context.Context) error {
	select {
	case c.syncing <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *Client) unlock() { <-c.syncing }

func (c *Client) enrol(ctx context.Context, code string) error {
	key, err := c.loadKey()
	if err != nil {
		return err
	}
	if key == nil {
		if key, err = c.makeKey(); err != nil {
			return err
		}
	}
	before, _ := c.enrolled()
	var device uuid.UUID
	if before != nil {
		device = before.Device
	}
	public := key.Public().(ed25519.PublicKey)
	req := syncproto.EnrolRequest{
		Code: code, PublicKey: public, Proof: ed25519.Sign(key, changelog.EnrolMessage(device, public, code)),
		Platform: c.cfg.Platform, Model: c.cfg.Model, App: c.cfg.App, Schema: c.schema.Version,
	}
	if before != nil {
		req.Device = &device
	}
	ans, times, err := c.net.Enrol(ctx, req)
	if err != nil {
		return err
	}
	if err := checkEnrolled(ans, before); err != nil {
		return err
	}
	err = c.db.Update(ctx, func(tx *sql.Tx) error {
		if err := c.measured(ctx, tx, times); err != nil {
			return err
		}
		return c.keepIdentity(ctx, tx, ans, before)
	})
	if err != nil {
		return err
	}
	return c.loadIdentity(ctx)
}

func checkEnrolled(ans *syncproto.EnrolAnswer, before *identity) error {
	if ans.Device == uuid.Nil || ans.Person == uuid.Nil || ans.Centre == uuid.Nil || ans.History == uuid.Nil || ans.AccessToken == "" || ans.RefreshToken == "" {
		return fmt.Errorf("%w: an enrolment that lacks something", outbox.ErrAnswer)
	}
	if before != nil && (ans.Device != before.Device || ans.Person != before.Person || ans.Centre != before.Centre) {
		return fmt.Errorf("%w: an enrolment for another device, person or centre", outbox.ErrAnswer)
	}
	return nil
}

func (c *Client) keepIdentity(ctx context.Context, tx *sql.Tx, ans *syncproto.EnrolAnswer, before *identity) error {
	now := c.cfg.Now()
	expires := now.Add(time.Duration(ans.ExpiresIn) * time.Second)
	if _, err := tx.ExecContext(ctx, `
		INSERT INTO identity (id, device, person, centre, history, server, server_schema, access_token, access_expires, refresh_token, enrolled_at)
		VALUES (1, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		ON CONFLICT (id) DO UPDATE
		SET server = excluded.server, server_schema = excluded.server_schema, access_token = excluded.access_token,
			access_expires = excluded.access_expires, refresh_token = excluded.refresh_token`,
		ans.Device[:], ans.Person[:], ans.Centre[:], ans.History[:], c.cfg.Server, ans.Schema,
		ans.AccessToken, expires.UnixMilli(), ans.RefreshToken, now.UnixMilli()); err != nil {
		return fmt.Errorf("keep the identity: %w", err)
	}
	if before != nil && before.History != ans.History {
		if err := c.newHistory(ctx, tx, ans.History); err != nil {
			return err
		}
	}
	if err := c.keepKeys(ctx, tx, ans.ServerKeys); err != nil {
		return err
	}
	if err := c.out.Lease(ctx, tx, ans.ReceiptRanges, now); err != nil {
		return err
	}
	if err := c.out.Start(ctx, tx, ans.Device); err != nil {
		return err
	}
	return c.out.SaveState(ctx, tx, outbox.State{Phase: outbox.Ready})
}

// newHistory takes over that the server was restored: every log proves its end
// again, every kept photo is planned again, the cursor is void.
func (c *Client) newHistory(ctx context.Context, tx *sql.Tx, history uuid.UUID) error {
	if _, err := tx.ExecContext(ctx, `UPDATE identity SET history = $1 WHERE id = 1`, history[:]); err != nil {
		return fmt.Errorf("new history: %w", err)
	}
	if err := c.out.HistoryChanged(ctx, tx); err != nil {
		return err
	}
	if err := c.rep.Void(ctx, tx); err != nil {
		return err
	}
	return c.blobs.HistoryChanged(ctx, tx)
}
