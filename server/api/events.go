package api

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"siteledger/server/auth"
)

// events serves GET /v1/sync/events: a poke when there is something to pull, a
// comment now and then so that a dead connection is noticed. The stream ends
// when the token does, when the device is revoked, and when the server stops.
func (s *Server) events(c echo.Context, g auth.Grant) error {
	leave, err := s.streams.enter(c.Request().Context(), g.Device.ID.String())
	if err != nil {
		return err
	}
	defer leave()
	pokes, cancel := s.cfg.Puller.Subscribe(g.Device.Centre)
	defer cancel()
	s.metrics.streams.Inc()
	defer s.metrics.streams.Dec()

	left := g.Expires.Sub(s.cfg.Now())
	expired := time.NewTimer(left)
	defer expired.Stop()
	beat := time.NewTicker(s.cfg.Limits.Heartbeat)
	defer beat.Stop()

	h := c.Response().Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // a proxy must not hold pokes back
	c.Response().WriteHeader(http.StatusOK)
	text := ": hello\n\n"
	for {
		if err := s.event(c, text); err != nil {
			return nil // the phone is gone
		}
		select {
		case <-c.Request().Context().Done():
			return nil
		case <-s.stopping.Done():
			return nil
		case <-expired.C:
			return nil
		case _, ok := <-pokes:
			if !ok {
				return nil
			}
			text = "event: poke\ndata: {}\n\n"
		case <-beat.C:
			if again, err := s.grant(c); err != nil || again.Device.Revoked {
				return nil
			}
			text = ": beat\n\n"
		}
	}
}

// event writes and flushes within a deadline, so that a stalled reader does
// not keep a stream for ever.
func (s *Server) event(c echo.Context, text string) error {
	rc := http.NewResponseController(c.Response())
	_ = rc.SetWriteDeadline(time.Now().Add(s.cfg.Limits.Heartbeat)) // a recorder in a test has none
	if _, err := c.Response().Write([]byte(text)); err != nil {
		return err
	}
	return rc.Flush()
}
