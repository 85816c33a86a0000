package api

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"siteledger/server/fault"
	"siteledger/server/ledger"
	"siteledger/syncproto"
)

// Keys of what a handler leaves for the log line.
const (
	deviceKey = "siteledger.device"
	codeKey   = "siteledger.code"
)

// observe gives each request its id, catches panics, and writes one log line
// and the metrics. Bodies, queries and tokens are never logged.
func (s *Server) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		start := s.cfg.Now()
		c.Response().Header().Set(echo.HeaderXRequestID, s.requestID(c.Request()))
		c.Response().Header().Set("X-Content-Type-Options", "nosniff")
		if s.cfg.Limits.WriteTimeout > 0 {
			// counted anew once the body was read; a recorder in a test has none
			c.Response().Before(func() { s.writeBy(c) })
		}
		if c.Request().ContentLength != 0 && s.cfg.Limits.BodyGrace > 0 {
			// also where no handler reads the body; see pacedBody
			_ = http.NewResponseController(c.Response()).SetReadDeadline(time.Now().Add(s.cfg.Limits.BodyGrace))
		}
		err := guard(next, c)
		if err != nil {
			s.problem(c, err)
		}
		s.record(c, err, s.cfg.Now().Sub(start))
		return nil
	}
}

func (s *Server) writeBy(c echo.Context) {
	_ = http.NewResponseController(c.Response()).SetWriteDeadline(time.Now().Add(s.cfg.Limits.WriteTimeout))
}

// guard turns a panic into an internal error. A handler that aborts its
// connection on purpose still does.
func guard(next echo.HandlerFunc, c echo.Context) (err error) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if e, ok := p.(error); ok && errors.Is(e, http.ErrAbortHandler) {
			panic(p)
		}
		err = fault.Wrap(syncproto.Internal, "something went wrong on the server; nothing was lost", fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
	}()
	return next(c)
}

func (s *Server) record(c echo.Context, err error, took time.Duration) {
	status := c.Response().Status
	route := c.Path()
	if route == "" || status == http.StatusNotFound && fault.CodeOf(err) != syncproto.NotFound {
		route = "none"
	}
	code, _ := c.Get(codeKey).(string)
	s.metrics.request(c.Request().Method, route, status, took)
	level := slog.LevelInfo
	attrs := []slog.Attr{
		slog.String("request", c.Response().Header().Get(echo.HeaderXRequestID)),
		slog.String("method", c.Request().Method),
		slog.String("route", route),
		slog.Int("status", status),
		slog.Int64("bytes", c.Response().Size),
		slog.Duration("took", took),
	}
	if d, ok := c.Get(deviceKey).(string); ok {
		attrs = append(attrs, slog.String("device", d))
	}
	if code != "" {
		attrs = append(attrs, slog.String("code", code))
	}
	if err != nil && status >= 500 && c.Request().Context().Err() == nil {
		level = slog.LevelError
		attrs = append(attrs, slog.String("error", err.Error()))
	} else if errors.Is(err, ledger.ErrNotKept) {
		level = slog.LevelWarn
		attrs = append(attrs, slog.String("error", ledger.ErrNotKept.Error()))
	} else if route == "/healthz" || route == "/readyz" || route == "/metrics" {
		level = slog.LevelDebug
	}
	s.cfg.Log.LogAttrs(c.Request().Context(), level, "request", attrs...)
}

// requestID takes over the caller's id where it is a UUID; anything else gets
// one of our own.
func (s *Server) requestID(r *http.Request) string {
	if id := r.Header.Get(echo.HeaderXRequestID); len(id) == 36 {
		if u, err := uuid.Parse(id); err == nil {
			return u.String()
		}
	}
	fresh, err := s.cfg.NewID()
	if err != nil {
		return "unknown"
	}
	return fresh.String()
}
