package clientsdk

import (
	"context"
	"database/sql"

	"siteledger/client-sdk/attachment"
)

// UploadRule is which originals may go over a network that costs money
// ([Config].Metered). Previews, signatures and receipts always go.
type UploadRule string

// The rules.
const (
	UploadAny   UploadRule = "any"   // 都传
	UploadLarge UploadRule = "large" // 大图等 Wi-Fi: originals over [LargeOriginal] wait; the default
	UploadWiFi  UploadRule = "wifi"  // 仅 Wi-Fi: all originals wait
)

// LargeOriginal is the size in bytes above which [UploadLarge] makes an original
// wait.
const LargeOriginal = attachment.LargeOriginal

// SetUploadRule chooses the rule; it holds at once, for what is under way from
// its next part on, and until the person signs out. [CodeBadValue] for none of
// the three.
func (c *Client) SetUploadRule(ctx context.Context, r UploadRule) error {
	return c.nudgeUpload(ctx, func(ctx context.Context, tx *sql.Tx) error {
		return c.blobs.SetRule(ctx, tx, attachment.Rule(r))
	})
}

// largest is the size of the largest original that may go now.
func (c *Client) largest(ctx context.Context) (int64, error) {
	rule := attachment.DefaultRule
	err := c.db.View(ctx, func(tx *sql.Tx) (err error) {
		rule, err = c.blobs.Rule(ctx, tx)
		return err
	})
	return rule.Largest(c.cfg.Metered()), err
}

// RetryUpload ends the wait of a photo that waits or needs attention.
func (c *Client) RetryUpload(ctx context.Context, sha [32]byte) error {
	return c.nudgeUpload(ctx, func(ctx context.Context, tx *sql.Tx) error { return c.blobs.Retry(ctx, tx, sha) })
}

// UploadFirst moves photos up before other originals, all or none; those that
// are sent already, or are not here, are left as they are. With anyhow they also
// go over any network, whatever the rule says.
func (c *Client) UploadFirst(ctx context.Context, anyhow bool, shas ...[32]byte) error {
	return c.nudgeUpload(ctx, func(ctx context.Context, tx *sql.Tx) error {
		for _, sha := range shas {
			if _, err := c.blobs.First(ctx, tx, sha[:], anyhow); err != nil {
				return err
			}
		}
		return nil
	})
}

// nudgeUpload changes what is to be sent, and lets Run look again.
func (c *Client) nudgeUpload(ctx context.Context, fn func(context.Context, *sql.Tx) error) error {
	ctx, end, err := c.begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	if err := c.db.Update(ctx, func(tx *sql.Tx) error { return fn(ctx, tx) }); err != nil {
		return explained(err)
	}
	c.news()
	c.changed()
	return nil
}

// upload makes the app's view of a stored photo, where the present network takes
// originals up to a size.
func upload(b attachment.Blob, largest int64) Upload {
	u := Upload{SHA256: b.SHA256, Purpose: b.Purpose, Type: b.Type, Size: b.Size, State: UploadState(b.State),
		Reason: b.Reason, Sent: b.Sent, Local: b.Local, Added: b.Added, NextTry: b.NextAt, First: b.First()}
	if (u.State == Queued || u.State == Uploading) && !b.MayGo(largest) {
		u.State, u.Waits = Queued, true
	}
	return u
}
