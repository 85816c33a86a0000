package transport

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"time"

	"siteledger/syncproto"
)

// Errors where no server of ours answered.
var (
	// ErrUnreachable: no connection, a cut one, or a timeout.
	ErrUnreachable = errors.New("the server did not answer")
	// ErrForeign: an answer that our server would never give.
	ErrForeign = errors.New("something else than our server answered")
)

// Problem is a refusal by the server.
type Problem struct {
	syncproto.Problem
	// RetryAfter is how long the server asks to wait; 0 where it does not say.
	RetryAfter time.Duration
}

func (p *Problem) Error() string {
	return fmt.Sprintf("the server answered %d %s: %s", p.Status, p.Code, p.Detail)
}

// ProblemOf finds the server's refusal in err's chain, if there is one.
func ProblemOf(err error) (*Problem, bool) {
	var p *Problem
	ok := errors.As(err, &p)
	return p, ok
}

const (
	maxProblem    = 64 << 10
	maxRetryAfter = 24 * time.Hour // more is a mistake, and a phone must not sleep for a year
)

// refusal makes the error of an answer that is not a success. Without a problem
// document a 5xx is a server (or a proxy before it) that is down for now, and
// all else is foreign: our server says why it refuses.
func refusal(res *http.Response, now time.Time) error {
	wait := retryAfter(res.Header.Get("Retry-After"), now)
	if mediaType(res.Header) == syncproto.TypeProblem {
		body, err := io.ReadAll(io.LimitReader(res.Body, maxProblem+1))
		p := &Problem{RetryAfter: wait}
		if err != nil {
			return fmt.Errorf("%w: read answer: %w", ErrUnreachable, err)
		}
		if len(body) <= maxProblem && json.Unmarshal(body, &p.Problem) == nil && p.Code != "" {
			p.Status = res.StatusCode
			return p
		}
	}
	if res.StatusCode >= 500 || res.StatusCode == http.StatusTooManyRequests {
		return &Problem{Problem: syncproto.Problem{Status: res.StatusCode, Code: syncproto.Busy, Title: http.StatusText(res.StatusCode)}, RetryAfter: wait}
	}
	return fmt.Errorf("%w: status %d, type %q", ErrForeign, res.StatusCode, res.Header.Get("Content-Type"))
}

func mediaType(h http.Header) string {
	t, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return t
}

// retryAfter reads seconds or a date; nonsense counts as nothing.
func retryAfter(v string, now time.Time) time.Duration {
	if v == "" {
		return 0
	}
	if n, err := strconv.ParseInt(v, 10, 32); err == nil && n >= 0 {
		return min(time.Duration(n)*time.Second, maxRetryAfter)
	}
	if at, err := http.ParseTime(v); err == nil && at.After(now) {
		return min(at.Sub(now), maxRetryAfter)
	}
	return 0
}
