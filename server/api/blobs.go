package api

import (
	"encoding/hex"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"siteledger/server/auth"
	"siteledger/server/fault"
	"siteledger/syncproto"
)

// plan serves POST /v1/blobs/plan.
func (s *Server) plan(c echo.Context, g auth.Grant) error {
	var req syncproto.PlanRequest
	if err := s.bodies.json(c, g.Device.ID.String(), &req); err != nil {
		return err
	}
	leave, err := s.halls.blob.enter(c.Request().Context(), g.Device.ID.String())
	if err != nil {
		return err
	}
	defer leave()
	blobs, err := s.cfg.Blobs.Plan(c.Request().Context(), g.Device, req.Blobs)
	s.metrics.plan(blobs, err)
	if err != nil {
		return fmt.Errorf("plan: %w", err)
	}
	if blobs == nil {
		blobs = []syncproto.PlannedBlob{}
	}
	return c.JSON(http.StatusOK, syncproto.PlanAnswer{Blobs: blobs})
}

// commit serves POST /v1/blobs/commit. Committing twice gives the receipt
// again.
func (s *Server) commit(c echo.Context, g auth.Grant) error {
	var req syncproto.CommitRequest
	if err := s.bodies.json(c, g.Device.ID.String(), &req); err != nil {
		return err
	}
	leave, err := s.halls.blob.enter(c.Request().Context(), g.Device.ID.String())
	if err != nil {
		return err
	}
	defer leave()
	start := s.cfg.Now()
	ans, err := s.cfg.Blobs.Commit(c.Request().Context(), g.Device, req)
	s.metrics.commit(ans.Size, s.cfg.Now().Sub(start), err)
	if err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return c.JSON(http.StatusOK, ans)
}

// blob serves GET /v1/blobs/{sha256}: 303 to a presigned URL. The caller must
// not send its bearer token there.
func (s *Server) blob(c echo.Context, g auth.Grant) error {
	name := c.Param("sha256")
	if !hexDigits(name, 64) {
		return fault.New(syncproto.NotFound, "没有此文件 · There is no such blob")
	}
	sha, err := hex.DecodeString(name)
	if err != nil {
		return err
	}
	url, err := s.cfg.Blobs.PresignGet(c.Request().Context(), g.Device, [32]byte(sha))
	if err != nil {
		return fmt.Errorf("blob: %w", err)
	}
	c.Response().Header().Set("Referrer-Policy", "no-referrer")
	return c.Redirect(http.StatusSeeOther, url)
}
