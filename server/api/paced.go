package api

import (
	"errors"
	"io"
	"net/http"
	"time"
)

var errOverRaw = errors.New("body is over the limit")

// pacedBody moves the connection's read deadline on as bytes come in, so that
// a body must arrive at a least rate after a first grace. Deadlines are the
// socket's: they follow the real clock.
type pacedBody struct {
	r      io.ReadCloser
	rc     *http.ResponseController
	limits Limits
	start  time.Time
	n      int64
	left   int64
}

func (p *pacedBody) Read(b []byte) (int, error) {
	if p.left <= 0 {
		return 0, errOverRaw
	}
	if int64(len(b)) > p.left {
		b = b[:p.left]
	}
	p.deadline()
	n, err := p.r.Read(b)
	p.n += int64(n)
	p.left -= int64(n)
	return n, err
}

func (p *pacedBody) deadline() {
	if p.limits.BodyGrace == 0 {
		return
	}
	due := p.limits.BodyGrace + time.Duration(p.n)*time.Second/time.Duration(max(p.limits.BodyRate, 1))
	_ = p.rc.SetReadDeadline(p.start.Add(due)) // a recorder in a test has none
}

// done lifts the deadline: the body is here, the handler may take its time.
// After a refusal it stays, for the rest that the HTTP server reads away.
func (p *pacedBody) done() { _ = p.rc.SetReadDeadline(time.Time{}) }

// drain reads a refused body's rest up to a bound, so that the caller gets to
// see the answer instead of a reset connection.
func (p *pacedBody) drain() {
	p.left = 16 << 20
	_, _ = io.Copy(io.Discard, p)
}
