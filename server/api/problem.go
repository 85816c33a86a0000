package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"siteledger/server/fault"
	"siteledger/syncproto"
)

// titles say what a code means; the detail says what was wrong this time.
func title(code syncproto.Code) string {
	switch code {
	case syncproto.TokenExpired:
		return "The access token has expired"
	case syncproto.TokenInvalid:
		return "Not signed in"
	case syncproto.Internal:
		return "Something went wrong on the server"
	case syncproto.Busy:
		return "The server is busy; try again later"
	}
	return http.StatusText(syncproto.Status(code))
}

// Seconds after which a caller may try again.
const (
	retryBusy    = 5
	retryTooMany = 30
	retryGate    = 2
)

// problem writes an error as an RFC 9457 answer. It is the one place where a
// code becomes a status.
func (s *Server) problem(c echo.Context, err error) {
	if c.Response().Committed {
		return // an answer under way can only be cut
	}
	p, retry := s.toProblem(err)
	p.Request = c.Response().Header().Get(echo.HeaderXRequestID)
	c.Set(codeKey, string(p.Code))
	h := c.Response().Header()
	switch p.Status {
	case http.StatusUnauthorized:
		challenge := `Bearer realm="siteledger"`
		if c.Request().Header.Get("Authorization") != "" {
			challenge += `, error="invalid_token"`
		}
		h.Set("WWW-Authenticate", challenge)
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		h.Set("Retry-After", strconv.Itoa(s.spread(retry)))
	}
	h.Set("Content-Type", syncproto.TypeProblem)
	h.Set("Cache-Control", "no-store")
	body, err := json.Marshal(p)
	if err != nil {
		body = []byte(`{"status":500,"code":"internal"}`)
	}
	c.Response().WriteHeader(p.Status)
	if c.Request().Method != http.MethodHead {
		_, _ = c.Response().Write(body) // the caller may be gone
	}
}

// spread lengthens a wait by up to as much again, so that callers who were
// told to come back do not all come in the same second.
func (s *Server) spread(seconds int) int {
	if s.cfg.Jitter == nil {
		return seconds
	}
	return seconds + int(s.cfg.Jitter()*float64(seconds+1))
}

func (s *Server) toProblem(err error) (syncproto.Problem, int) {
	var he *echo.HTTPError
	if errors.As(err, &he) && fault.CodeOf(err) == syncproto.Internal {
		return routeProblem(he.Code), retryBusy
	}
	f, retry := fault.Of(err), retryBusy
	code, status := f.Code, fault.Status(f.Code)
	var g *gateError
	var full *hallError
	switch {
	case errors.As(err, &full):
		code, status, retry = syncproto.Busy, http.StatusServiceUnavailable, retryBusy
	case errors.As(err, &g):
		code, status, retry = syncproto.Busy, http.StatusTooManyRequests, retryGate
	case code == fault.TooMany:
		code, retry = syncproto.Busy, retryTooMany
	case code == fault.Invalid:
		code, status = syncproto.BodyInvalid, http.StatusBadRequest
	case code == fault.Stale, code == fault.SignedOut:
		code, status = syncproto.Internal, http.StatusInternalServerError
	case code == syncproto.Internal && errors.Is(err, context.DeadlineExceeded):
		code, status = syncproto.Busy, http.StatusServiceUnavailable
	}
	p := syncproto.Problem{
		Type: "urn:siteledger:problem:" + string(code), Title: title(code), Status: status, Code: code,
		Detail: f.Message, Hint: f.Hint, Acked: f.Acked, Head: f.Head, Common: f.Common, Limit: f.Limit, Max: f.Max,
	}
	if status == http.StatusConflict {
		p.History = s.cfg.History.String()
	}
	return p, retry
}

// routeProblem is the answer of the router itself.
func routeProblem(status int) syncproto.Problem {
	code := syncproto.NotFound
	if status != http.StatusNotFound && status != http.StatusMethodNotAllowed {
		code, status = syncproto.Internal, http.StatusInternalServerError
	}
	return syncproto.Problem{
		Type: "urn:siteledger:problem:" + string(code), Title: http.StatusText(status), Status: status, Code: code,
		Detail: "没有这个接口 · There is no such call; see /openapi.json",
	}
}
