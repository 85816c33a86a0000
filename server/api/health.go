package api

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
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

// readyFor is how long an answer of /readyz stands: any number of load
// balancers asks the parts once a second together.
const readyFor = time.Second

// readiness asks the parts whether they are ready, never twice at once.
type readiness struct {
	checks []Check
	log    *slog.Logger
	now    func() time.Time

	leaving atomic.Bool

	mu   sync.Mutex
	at   time.Time
	last Health
}

func (r *readiness) leave() { r.leaving.Store(true) }

// health is the last answer where it is fresh, else a new one.
func (r *readiness) health(ctx context.Context) Health {
	r.mu.Lock()
	defer r.mu.Unlock()
	if age := r.now().Sub(r.at); r.last.Status != "" && age >= 0 && age < readyFor {
		return r.last
	}
	h := Health{Status: "ok", Checks: map[string]string{}}
	for _, check := range r.checks {
		h.Checks[check.Name] = "ok"
		if err := ask(ctx, check); err != nil {
			h.Checks[check.Name], h.Status = "failing", "failing"
			r.log.LogAttrs(ctx, slog.LevelWarn, "not ready", slog.String("check", check.Name), slog.String("error", err.Error()))
		}
	}
	r.last, r.at = h, r.now()
	return h
}

// ask bounds a check in time; a caller that hangs up does not fail it for the
// others.
func ask(ctx context.Context, check Check) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkTime)
	defer cancel()
	return check.Do(ctx)
}

// readyz serves GET /readyz. What failed is named; why is in the log alone.
func (s *Server) readyz(c echo.Context, _ auth.Grant) error {
	h := s.health.health(c.Request().Context())
	if s.health.leaving.Load() {
		h.Status = "stopping"
	}
	if h.Status != "ok" {
		return c.JSON(http.StatusServiceUnavailable, h)
	}
	return c.JSON(http.StatusOK, h)
}

// openapiPage serves GET /openapi.json.
func (s *Server) openapiPage(c echo.Context, _ auth.Grant) error {
	return c.Blob(http.StatusOK, "application/json", s.openapi)
}
