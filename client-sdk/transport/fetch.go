package transport

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"siteledger/syncproto"
)

// Get opens the bytes of a blob that a visible row names. The server's answer
// points to the photo store, which is asked without the access token. The
// caller checks the hash, and closes the reader.
func (c *Client) Get(ctx context.Context, token, sha string) (io.ReadCloser, error) {
	address, err := c.where(ctx, token, sha)
	if err != nil {
		return nil, fmt.Errorf("find blob: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("%w: address of a blob: %w", ErrForeign, err)
	}
	res, err := c.http.Do(req)
	if err != nil {
		cause := unreachable(ctx, err)
		cancel()
		return nil, fmt.Errorf("get blob: %w", cause)
	}
	if res.StatusCode != http.StatusOK {
		err := refusal(res, c.now())
		res.Body.Close()
		cancel()
		return nil, fmt.Errorf("get blob: %w", err)
	}
	w := watch(res.Body, cancel, nil)
	return &fetched{watched: w, body: res.Body, cancel: cancel}, nil
}

// where asks the server for the presigned address.
func (c *Client) where(ctx context.Context, token, sha string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	req, err := c.request(ctx, call{method: http.MethodGet, path: syncproto.PathBlobs + url.PathEscape(sha), token: token, answerType: "*/*"})
	if err != nil {
		return "", err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return "", unreachable(ctx, err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusSeeOther {
		return "", refusal(res, c.now())
	}
	u, err := res.Location()
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Scheme == "http" && c.base.Scheme == "https" {
		return "", fmt.Errorf("%w: address of a blob", ErrForeign)
	}
	return u.String(), nil
}

type fetched struct {
	*watched
	body   io.Closer
	cancel context.CancelFunc
}

func (f *fetched) Close() error {
	f.stop()
	f.cancel()
	return f.body.Close()
}
