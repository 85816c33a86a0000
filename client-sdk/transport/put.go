package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"siteledger/syncproto"
)

// ErrRefusedUpload is wrapped when the photo store itself refuses a PUT: an
// expired address, wrong bytes. The way out is a new plan.
var ErrRefusedUpload = errors.New("the photo store refused the upload")

// Put uploads size bytes of r to a presigned address with exactly the given
// headers and no access token. It gives the ETag of the answer. A store that
// has the object already (412) is a success: the commit that follows decides.
//
// Success here proves nothing, a sign-in page may have answered 200: only the
// server's receipt does. sent is called with the bytes that left the phone.
func (c *Client) Put(ctx context.Context, address string, headers map[string]string, r io.Reader, size int64, sent func(n int64)) (etag string, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	body := watch(r, cancel, sent)
	defer body.stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, address, io.NopCloser(body))
	if err != nil {
		return "", fmt.Errorf("%w: address: %w", ErrRefusedUpload, err)
	}
	req.ContentLength = size
	if size == 0 {
		req.Body = http.NoBody
	}
	for name, value := range headers {
		switch strings.ToLower(name) {
		case "content-length": // set above; the same number is part of the signature
		case "host":
			req.Host = value
		case "authorization", "cookie": // a plan never needs them
		default:
			req.Header.Set(name, value)
		}
	}
	res, err := c.http.Do(req)
	if err != nil {
		return "", body.explain(unreachable(ctx, err))
	}
	defer res.Body.Close()
	// The answer of a store is short; what is longer is not from one.
	text, err := io.ReadAll(io.LimitReader(res.Body, maxProblem))
	if err != nil {
		return "", body.explain(unreachable(ctx, err))
	}
	switch t := mediaType(res.Header); {
	case res.StatusCode == http.StatusPreconditionFailed:
		return "", nil
	case res.StatusCode == http.StatusTooManyRequests || res.StatusCode >= 500:
		return "", &Problem{Problem: syncproto.Problem{Status: res.StatusCode, Code: syncproto.Busy}, RetryAfter: retryAfter(res.Header.Get("Retry-After"), c.now())}
	case t == "text/html" || res.StatusCode/100 == 3:
		return "", fmt.Errorf("%w: status %d, type %q", ErrForeign, res.StatusCode, t)
	case res.StatusCode != http.StatusOK && res.StatusCode != http.StatusNoContent && res.StatusCode != http.StatusCreated:
		return "", fmt.Errorf("%w: status %d: %.200s", ErrRefusedUpload, res.StatusCode, text)
	}
	return res.Header.Get("ETag"), nil
}

// watched is a body that ends its request when nothing moves for a while: a
// slow network finishes, a dead one does not hang.
type watched struct {
	r    io.Reader
	sent func(int64)

	mu      sync.Mutex
	total   int64
	stalled bool
	timer   *time.Timer
}

func watch(r io.Reader, cancel context.CancelFunc, sent func(int64)) *watched {
	w := &watched{r: r, sent: sent}
	w.timer = time.AfterFunc(stallTimeout, func() {
		w.mu.Lock()
		w.stalled = true
		w.mu.Unlock()
		cancel()
	})
	return w
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	w.mu.Lock()
	w.total += int64(n)
	total := w.total
	w.timer.Reset(stallTimeout)
	w.mu.Unlock()
	if w.sent != nil && n > 0 {
		w.sent(total)
	}
	return n, err
}

func (w *watched) stop() { w.timer.Stop() }

// explain turns the cancelling by the watch back into what it was.
func (w *watched) explain(err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stalled {
		return fmt.Errorf("%w: nothing moved for %s", ErrUnreachable, stallTimeout)
	}
	return err
}
