package api

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"siteledger/server/auth"
	"siteledger/server/fault"
	"siteledger/syncproto"
)

// events serves GET /v1/sync/events: a poke when there is something to pull, a
// comment now and then so that a dead connection is noticed. The stream ends
// when the token does, when the device is revoked, and when the server stops.
//
// Most of a fleet waits here most of the day. Over HTTP/1.1 a stream takes its
// connection over from the HTTP server, whose buffers and stacks are given
// back; over HTTP/2 it stays a request.
func (s *Server) events(c echo.Context, g auth.Grant) error {
	leave, err := s.streams.enter(c.Request().Context(), g.Device.ID.String())
	if err != nil {
		return err
	}
	if !s.join() {
		leave()
		return fault.New(syncproto.Busy, "服务器正在停止 · The server is stopping")
	}
	pokes, cancel := s.cfg.Puller.Subscribe(g.Device.Centre)
	token, _ := bearer(c.Request())
	st := &stream{s: s, pokes: pokes, token: token, left: g.Expires.Sub(s.cfg.Now())}
	s.metrics.streams.Inc()
	end := func() {
		cancel()
		leave()
		s.metrics.streams.Dec()
		s.open.Done()
	}
	h := c.Response().Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // a proxy must not hold pokes back
	if conn, ok := takeOver(c); ok {
		st.write = func(text string) error { return writeBy(conn, s.cfg.Limits.Heartbeat, text) }
		gone := hangup(conn)
		go func() {
			defer end()
			defer conn.Close()
			st.run(gone)
		}()
		return nil
	}
	defer end()
	c.Response().WriteHeader(http.StatusOK)
	st.write = func(text string) error { return s.flush(c, text) }
	st.run(c.Request().Context().Done())
	return nil
}

// join counts a stream in; false once the server stops.
func (s *Server) join() bool {
	s.opening.Lock()
	defer s.opening.Unlock()
	if s.stopping.Err() != nil {
		return false
	}
	s.open.Add(1)
	return true
}

// stream is one open event stream.
type stream struct {
	s     *Server
	write func(text string) error
	pokes <-chan struct{}
	token string
	left  time.Duration // until the token expires
}

// run writes until the phone is gone or the stream must end. gone is closed
// when the phone hangs up.
func (st *stream) run(gone <-chan struct{}) {
	expired := time.NewTimer(st.left)
	defer expired.Stop()
	beat := time.NewTicker(st.s.cfg.Limits.Heartbeat)
	defer beat.Stop()
	text := ": hello\n\n"
	for {
		if err := st.write(text); err != nil {
			return // the phone is gone
		}
		select {
		case <-gone:
			return
		case <-st.s.stopping.Done():
			_ = st.write(": closing, connect again\nretry: 1000\n\n") // the phone may be gone
			return
		case <-expired.C:
			return
		case _, ok := <-st.pokes:
			if !ok {
				return
			}
			text = "event: poke\ndata: {}\n\n"
		case <-beat.C:
			if !st.allowed() {
				return
			}
			text = ": beat\n\n"
		}
	}
}

// allowed asks whether the token still opens the stream. It asks on a stack of
// its own: a question to the database makes a stack grow, and this one lives
// for hours.
func (st *stream) allowed() bool {
	answer := make(chan bool, 1)
	go func() {
		ctx, cancel := context.WithTimeout(st.s.stopping, st.s.cfg.Limits.Heartbeat)
		defer cancel()
		g, err := st.s.cfg.Auth.Grant(ctx, st.token)
		answer <- err == nil && !g.Device.Revoked
	}()
	return <-answer
}

// takeOver answers the request's head and takes the connection from the HTTP
// server; false where it cannot be had, as over HTTP/2. The body then ends with
// the connection.
func takeOver(c echo.Context) (net.Conn, bool) {
	if c.Request().ProtoMajor != 1 {
		return nil, false
	}
	conn, _, err := http.NewResponseController(c.Response().Writer).Hijack()
	if err != nil {
		return nil, false
	}
	c.Response().Committed, c.Response().Status = true, http.StatusOK
	h := c.Response().Header()
	h.Set("Connection", "close")
	h.Set("Cache-Control", "no-store")
	h.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	var head bytes.Buffer
	fmt.Fprint(&head, "HTTP/1.1 200 OK\r\n")
	_ = h.Write(&head) // to memory
	head.WriteString("\r\n")
	if err := writeBy(conn, time.Minute, head.String()); err != nil {
		_ = conn.Close() // hangup and the first word notice it
	}
	return conn, true
}

// hangup notices that the phone closed the connection; whatever it sends on it
// is no part of the protocol and ends the stream too.
func hangup(conn net.Conn) <-chan struct{} {
	gone := make(chan struct{})
	_ = conn.SetReadDeadline(time.Time{})
	go func() {
		defer close(gone)
		var b [1]byte
		_, _ = conn.Read(b[:])
	}()
	return gone
}

// writeBy writes within a deadline, so that a stalled reader does not keep a
// stream for ever.
func writeBy(conn net.Conn, within time.Duration, text string) error {
	if err := conn.SetWriteDeadline(time.Now().Add(within)); err != nil {
		return err
	}
	_, err := conn.Write([]byte(text))
	return err
}

// flush is writeBy for a stream that is still a request.
func (s *Server) flush(c echo.Context, text string) error {
	rc := http.NewResponseController(c.Response())
	_ = rc.SetWriteDeadline(time.Now().Add(s.cfg.Limits.Heartbeat)) // a recorder in a test has none
	if _, err := c.Response().Write([]byte(text)); err != nil {
		return err
	}
	return rc.Flush()
}
