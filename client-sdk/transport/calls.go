package transport

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"siteledger/syncproto"
)

// Enrol trades a one-time code for an identity. Repeating it with the same code
// and key gives the same device.
func (c *Client) Enrol(ctx context.Context, req syncproto.EnrolRequest) (*syncproto.EnrolAnswer, Times, error) {
	out := &syncproto.EnrolAnswer{}
	t, err := c.json(ctx, syncproto.PathEnrol, "", http.StatusCreated, req, out)
	if err != nil {
		return nil, t, fmt.Errorf("enrol: %w", err)
	}
	return out, t, nil
}

// Token trades a refresh token for an access token. After a lost answer the
// same refresh token may be used again.
func (c *Client) Token(ctx context.Context, refresh string) (*syncproto.TokenAnswer, error) {
	out := &syncproto.TokenAnswer{}
	if _, err := c.json(ctx, syncproto.PathToken, "", http.StatusOK, syncproto.TokenRequest{RefreshToken: refresh}, out); err != nil {
		return nil, fmt.Errorf("token: %w", err)
	}
	return out, nil
}

// Receipts asks for receipt numbers.
func (c *Client) Receipts(ctx context.Context, token string) (*syncproto.ReceiptsAnswer, error) {
	out := &syncproto.ReceiptsAnswer{}
	if _, err := c.json(ctx, syncproto.PathReceipts, token, http.StatusOK, struct{}{}, out); err != nil {
		return nil, fmt.Errorf("receipt numbers: %w", err)
	}
	return out, nil
}

// Push sends a batch of the log.
func (c *Client) Push(ctx context.Context, token string, req *syncproto.PushRequest) (*syncproto.PushAnswer, Times, error) {
	b, err := c.cbor.Marshal(req)
	if err != nil {
		return nil, Times{}, fmt.Errorf("push: write: %w", err)
	}
	ans, t, err := c.push(ctx, token, b, syncproto.TypeCBOR)
	if err == nil {
		c.plain.Store(false)
	}
	return ans, t, err
}

func (c *Client) push(ctx context.Context, token string, body []byte, media string) (*syncproto.PushAnswer, Times, error) {
	answer, t, err := c.do(ctx, call{method: http.MethodPost, path: syncproto.PathPush, token: token, body: body,
		bodyType: media, zstd: true, want: http.StatusOK, answerType: syncproto.TypeCBOR, max: maxPush})
	if err != nil {
		return nil, t, fmt.Errorf("push: %w", err)
	}
	out := &syncproto.PushAnswer{}
	if err := c.dec.Unmarshal(answer, out); err != nil {
		return nil, t, fmt.Errorf("push: %w: %w", ErrForeign, err)
	}
	return out, t, nil
}

// Pull asks for a page of the feed behind a cursor; "" for the first.
func (c *Client) Pull(ctx context.Context, token, cursor string, limit int) (*Pulled, error) {
	q := url.Values{"limit": {strconv.Itoa(limit)}}
	if c.schema != "" {
		q.Set("schema", c.schema)
	}
	if cursor != "" {
		q.Set("cursor", cursor)
	}
	answer, t, err := c.do(ctx, call{method: http.MethodGet, path: syncproto.PathPull, query: q, token: token,
		takesZstd: true, want: http.StatusOK, answerType: syncproto.TypeCBOR, max: maxPage})
	if err != nil {
		return nil, fmt.Errorf("pull: %w", err)
	}
	return &Pulled{Times: t, c: c, body: answer}, nil
}

// Pulled is a page as it came, not read yet.
type Pulled struct {
	Times Times
	c     *Client
	body  []byte
}

// Page reads the page.
func (p *Pulled) Page() (*syncproto.Page, error) {
	page, err := p.c.page(p.body)
	if err != nil {
		return nil, fmt.Errorf("pull: %w: %w", ErrForeign, err)
	}
	return page, nil
}

// Next is the cursor behind the page where more follows, without reading the
// rest of it: in canonical CBOR it comes before the rows. It is "" where it
// stands elsewhere; then [Pulled.Page] says it.
func (p *Pulled) Next() string { return nextOf(p.body) }

// Repair sends the checksums of all roots here and gets what differs.
func (c *Client) Repair(ctx context.Context, token string, roots []syncproto.Checksum) (*syncproto.Page, error) {
	b, err := repairBody(roots)
	if err != nil {
		return nil, fmt.Errorf("repair: write: %w", err)
	}
	var q url.Values
	if c.schema != "" {
		q = url.Values{"schema": {c.schema}}
	}
	answer, _, err := c.do(ctx, call{method: http.MethodPost, path: syncproto.PathRepair, query: q, token: token, body: b,
		bodyType: syncproto.TypeJSON, takesZstd: true, want: http.StatusOK, answerType: syncproto.TypeCBOR, max: maxPage})
	if err != nil {
		return nil, fmt.Errorf("repair: %w", err)
	}
	p, err := c.page(answer)
	if err != nil {
		return nil, fmt.Errorf("repair: %w: %w", ErrForeign, err)
	}
	return p, nil
}

// Plan asks how to upload blobs.
func (c *Client) Plan(ctx context.Context, token string, blobs []syncproto.PlanBlob) ([]syncproto.PlannedBlob, error) {
	out := &syncproto.PlanAnswer{}
	if _, err := c.json(ctx, syncproto.PathBlobPlan, token, http.StatusOK, syncproto.PlanRequest{Blobs: blobs}, out); err != nil {
		return nil, fmt.Errorf("plan uploads: %w", err)
	}
	return out.Blobs, nil
}

// Commit says that a blob was uploaded and gets the server's receipt.
func (c *Client) Commit(ctx context.Context, token string, req syncproto.CommitRequest) (*syncproto.CommitAnswer, error) {
	out := &syncproto.CommitAnswer{}
	if _, err := c.json(ctx, syncproto.PathBlobCommit, token, http.StatusOK, req, out); err != nil {
		return nil, fmt.Errorf("commit upload: %w", err)
	}
	return out, nil
}
