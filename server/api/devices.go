package api

import (
	"fmt"
	"net"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"siteledger/server/auth"
	"siteledger/server/fault"
	"siteledger/syncproto"
	"siteledger/syncproto/schema"
)

// enrol serves POST /v1/devices/enrol.
func (s *Server) enrol(c echo.Context, _ auth.Grant) error {
	var req syncproto.EnrolRequest
	if err := s.bodies.json(c, "", &req); err != nil {
		return err
	}
	ans, err := s.cfg.Auth.Enrol(c.Request().Context(), req, remote(c.Request()))
	if err != nil {
		return fmt.Errorf("enrol: %w", err)
	}
	return c.JSON(http.StatusCreated, ans)
}

// token serves POST /v1/devices/token.
func (s *Server) token(c echo.Context, _ auth.Grant) error {
	var req syncproto.TokenRequest
	if err := s.bodies.json(c, "", &req); err != nil {
		return err
	}
	ans, err := s.cfg.Auth.Refresh(c.Request().Context(), req.RefreshToken)
	if err != nil {
		return fmt.Errorf("renew token: %w", err)
	}
	return c.JSON(http.StatusOK, ans)
}

// receipts serves POST /v1/devices/receipts. It takes no body.
func (s *Server) receipts(c echo.Context, g auth.Grant) error {
	ranges, err := s.cfg.Auth.LeaseReceipts(c.Request().Context(), g.Device)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, syncproto.ReceiptsAnswer{ReceiptRanges: ranges})
}

// schema serves GET /v1/schema.
func (s *Server) schema(c echo.Context, _ auth.Grant) error {
	n := s.cfg.Schema.Version
	if v := c.QueryParam("version"); v != "" {
		var err error
		if n, err = strconv.Atoi(v); err != nil {
			return fault.New(syncproto.NotFound, "没有这个版本 · There is no such version")
		}
	}
	b, err := schema.JSON(n)
	if err != nil {
		return fault.Wrap(syncproto.NotFound, "没有这个版本 · There is no such version", err)
	}
	c.Response().Header().Set("Vary", "Accept-Encoding")
	return s.encoder.send(c, syncproto.TypeJSON, b)
}

// remote is the caller's address for the brakes on guessing. Behind a trusted
// proxy the composition root has already put the real one in place.
func remote(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
