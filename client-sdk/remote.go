package clientsdk

import (
	"context"
	"io"

	"siteledger/syncproto"
)

// remote is the photo store's way to the server: with the access token to the
// server itself, without it to the store.
type remote struct{ c *Client }

// Plan implements attachment.Remote.
func (r remote) Plan(ctx context.Context, blobs []syncproto.PlanBlob) (plan []syncproto.PlannedBlob, err error) {
	err = r.c.authed(ctx, func(token string) error {
		plan, err = r.c.net.Plan(ctx, token, blobs)
		return err
	})
	return plan, err
}

// Put implements attachment.Remote.
func (r remote) Put(ctx context.Context, address string, headers map[string]string, body io.Reader, size int64, sent func(int64)) (string, error) {
	return r.c.net.Put(ctx, address, headers, body, size, sent)
}

// Commit implements attachment.Remote.
func (r remote) Commit(ctx context.Context, req syncproto.CommitRequest) (ans *syncproto.CommitAnswer, err error) {
	err = r.c.authed(ctx, func(token string) error {
		ans, err = r.c.net.Commit(ctx, token, req)
		return err
	})
	return ans, err
}
