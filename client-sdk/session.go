package clientsdk

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"fmt"
	"time"

	"siteledger/client-sdk/outbox"
	"siteledger/client-sdk/serverkey"
	"siteledger/client-sdk/transport"
	"siteledger/syncproto"
)

// tokenMargin is how long before its end an access token is renewed, so that it
// does not expire on the way.
const tokenMargin = 30 * time.Second

// renewals is how often one request gets a new access token before the phone
// waits: on a slow network, or where the server's clock was set, one may be too
// old when it arrives.
const renewals = 3

// authed runs a request with the access token, and again with a new one where
// the server refuses it. Only a refused refresh token ends the session
// ([ErrSignIn]); a server that refuses every token it gives is waited for.
func (c *Client) authed(ctx context.Context, call func(token string) error) error {
	token := ""
	for n := 0; ; n++ {
		var err error
		if token, err = c.token(ctx, token); err != nil {
			return err
		}
		err = call(token)
		if !unauthorized(err) || n == renewals {
			return err
		}
	}
}

// unauthorized says whether the server refused the access token.
func unauthorized(err error) bool {
	p, ok := transport.ProblemOf(err)
	return ok && p.Status == 401
}

// token gives the access token. One that is about to expire, or that was
// refused, is renewed first. [ErrSignIn] where the server ended the session.
func (c *Client) token(ctx context.Context, refused string) (string, error) {
	select {
	case c.tokens <- struct{}{}:
		defer func() { <-c.tokens }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	var access, refresh string
	var expires int64
	err := c.db.View(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT access_token, access_expires, refresh_token FROM identity WHERE id = 1`).Scan(&access, &expires, &refresh)
	})
	if err == sql.ErrNoRows {
		return "", ErrNotEnrolled
	}
	if err != nil {
		return "", fmt.Errorf("access token: %w", err)
	}
	if access != "" && access != refused && c.cfg.Now().Add(tokenMargin).UnixMilli() < expires {
		return access, nil
	}
	ans, err := c.net.Token(ctx, refresh)
	if p, ok := transport.ProblemOf(err); ok && p.Status >= 400 && p.Status < 500 && p.Status != 429 {
		if p.Code == syncproto.DeviceRevoked {
			return "", err
		}
		return "", with(ErrSignIn, err)
	}
	if err != nil {
		return "", err
	}
	// The new refresh token is stored before the access token is used: until
	// then the old one still works.
	return ans.AccessToken, c.db.Update(ctx, func(tx *sql.Tx) error { return c.keepToken(ctx, tx, ans) })
}

func (c *Client) keepToken(ctx context.Context, tx *sql.Tx, ans *syncproto.TokenAnswer) error {
	if ans.AccessToken == "" || ans.RefreshToken == "" {
		return fmt.Errorf("%w: an answer without tokens", transport.ErrForeign)
	}
	expires := c.cfg.Now().Add(time.Duration(ans.ExpiresIn) * time.Second)
	if _, err := tx.ExecContext(ctx, `UPDATE identity SET access_token = $1, access_expires = $2, refresh_token = $3 WHERE id = 1`,
		ans.AccessToken, expires.UnixMilli(), ans.RefreshToken); err != nil {
		return fmt.Errorf("keep the access token: %w", err)
	}
	if err := c.keepKeys(ctx, tx, ans.ServerKeys); err != nil {
		return err
	}
	keys, err := readKeys(ctx, tx)
	if err != nil {
		return err
	}
	_, err = c.out.VerifyKept(ctx, tx, keys)
	return err
}

// keepKeys adds the server's keys. A known id never gets another key.
func (c *Client) keepKeys(ctx context.Context, tx *sql.Tx, keys []syncproto.ServerKey) error {
	for _, k := range keys {
		if k.KID == "" || len(k.PublicKey) != ed25519.PublicKeySize {
			continue
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO server_key (kid, public_key, added_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
			k.KID, k.PublicKey, c.cfg.Now().UnixMilli()); err != nil {
			return fmt.Errorf("keep the server's keys: %w", err)
		}
	}
	return nil
}

func readKeys(ctx context.Context, tx *sql.Tx) (serverkey.Keys, error) {
	rows, err := tx.QueryContext(ctx, `SELECT kid, public_key FROM server_key`)
	if err != nil {
		return nil, fmt.Errorf("the server's keys: %w", err)
	}
	defer rows.Close()
	keys := serverkey.Keys{}
	for rows.Next() {
		var kid string
		var key []byte
		if err := rows.Scan(&kid, &key); err != nil {
			return nil, fmt.Errorf("the server's keys: %w", err)
		}
		keys[kid] = key
	}
	return keys, rows.Err()
}

func (c *Client) keys(ctx context.Context) (keys serverkey.Keys, err error) {
	err = c.db.View(ctx, func(tx *sql.Tx) error {
		keys, err = readKeys(ctx, tx)
		return err
	})
	return keys, err
}

// measured keeps what an exchange told of the server's time.
func (c *Client) measured(ctx context.Context, tx *sql.Tx, t transport.Times) error {
	offset, ok := t.Offset()
	if !ok {
		return nil
	}
	return c.out.Measured(ctx, tx, t.Server, offset)
}

// eventOf classifies how a round ended, for the table of states.
func eventOf(err error) (outbox.Event, time.Duration) {
	if err == nil {
		return outbox.Done, 0
	}
	p, ok := transport.ProblemOf(err)
	wait := time.Duration(0)
	if ok {
		wait = p.RetryAfter
	}
	switch CodeOf(explained(err)) {
	case CodeSignIn:
		return outbox.TokenRefused, 0
	case CodeRevoked:
		return outbox.RevokedEvent, 0
	case CodeOffline:
		return outbox.NoAnswer, 0
	case CodeNotOurServer:
		return outbox.Foreign, 0
	case CodeBusy:
		return outbox.Busy, wait
	}
	return outbox.Failed, wait
}
