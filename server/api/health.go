package api

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"siteledger/server/auth"
)

// checkTime is how long one condition of readiness may take.
const checkTime = 3 * time.Second

// healthz serves GET /healthz: the process answers.
func (s *Server) healthz(c echo.Context, _ auth.Grant) error {
	return c.JSON(http.StatusOK, Health{Status: "ok"})
}

// readyz serves GET /readyz. What failed is named; why is in the log alone.
func (s *Server) readyz(c echo.Context, _ auth.Grant) error {
	h := Health{Status: "ok", Checks: map[string]string{}}
	status := http.StatusOK
	for _, check := range s.cfg.Checks {
		h.Checks[check.Name] = "ok"
		if err := s.ready(c.Request().Context(), check); err != nil {
			h.Checks[check.Name], h.Status, status = "failing", "failing", http.StatusServiceUnavailable
			s.cfg.Log.LogAttrs(c.Request().Context(), slog.LevelWarn, "not ready", slog.String("check", check.Name), slog.String("error", err.Error()))
		}
	}
	if s.stopping.Err() != nil {
		h.Status, status = "stopping", http.StatusServiceUnavailable
	}
	return c.JSON(status, h)
}

func (s *Server) ready(ctx context.Context, check Check) error {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	return check.Do(ctx)
}

// openapiPage serves GET /openapi.json.
func (s *Server) openapiPage(c echo.Context, _ auth.Grant) error {
	return c.Blob(http.StatusOK, "application/json", s.openapi)
}
