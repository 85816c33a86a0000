package app

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"siteledger/server/config"
	"siteledger/server/ledger"
	"siteledger/server/metrics"
	"siteledger/syncproto/merge"
)

// update is the store's durable update, measured.
func (c *Core) update(ctx context.Context, centre uuid.UUID, fn func(ledger.Tx) error) error {
	return c.Metrics.Update(func(run func(func() error) error) error {
		return c.Store.UpdateCentre(ctx, centre, func(tx ledger.Tx) error {
			return run(func() error { return fn(tx) })
		})
	})
}

// watch registers everything that an operator can see of this server.
func (a *App) watch() error {
	m := a.Metrics
	return errors.Join(
		m.Build(a.version, a.Schema.Version, merge.Rules),
		m.WatchStore(a.Store),
		m.WatchWriter(func() metrics.WriterLoad {
			l := a.Store.Load()
			return metrics.WriterLoad{Commits: l.Commits, Updates: l.Updates, Waiting: l.Waiting}
		}),
		m.WatchPool(a.Store),
		m.WatchDamage(a.Store.Damaged),
		m.WatchDisk(
			func() float64 { free, _ := metrics.Disk(a.Config.Data); return free },
			func() float64 { _, size := metrics.Disk(a.Config.Data); return size }),
		m.WatchShipping(a.shipping()),
	)
}

// metricsDoor says who may read /metrics.
type metricsDoor struct {
	who   string
	token [sha256.Size]byte // of "token"
}

// leastToken is the shortest token that counts as one.
const leastToken = 16

func newMetricsDoor(cfg config.Config) (metricsDoor, error) {
	d := metricsDoor{who: cfg.Metrics}
	if d.who != "token" {
		return d, nil
	}
	token, err := config.ReadSecret(cfg.MetricsToken)
	if err != nil {
		return d, fmt.Errorf("metrics token: %w", err)
	}
	if len(token) < leastToken {
		return d, fmt.Errorf("metrics token: shorter than %d characters", leastToken)
	}
	d.token = sha256.Sum256([]byte(token))
	return d, nil
}

// admits says whether a request may read the numbers. With "local", one that a
// proxy passed on is not of this machine.
func (d metricsDoor) admits(r *http.Request) bool {
	switch d.who {
	case "all":
		return true
	case "token":
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		sum := sha256.Sum256([]byte(token))
		return strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare(sum[:], d.token[:]) == 1
	case "local":
		at, err := netip.ParseAddrPort(r.RemoteAddr)
		return err == nil && at.Addr().Unmap().IsLoopback() && r.Header.Get("X-Forwarded-For") == "" && r.Header.Get("Forwarded") == ""
	}
	return false
}

// openMetrics listens for readers of the numbers alone, where the operator
// wants that. "local" needs no look at the caller there: the address says who
// can come.
func (a *App) openMetrics() error {
	if a.Config.MetricsListen == "" {
		return nil
	}
	l, err := net.Listen("tcp", a.Config.MetricsListen)
	if err != nil {
		return fmt.Errorf("listen for metrics: %w", err)
	}
	page := promhttp.HandlerFor(a.Metrics.Registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 10 * time.Second})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		if a.door.who != "local" && !a.door.admits(r) {
			http.NotFound(w, r)
			return
		}
		page.ServeHTTP(w, r)
	})
	a.metricsListener = l
	a.metricsServer = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(a.Log.Handler(), slog.LevelDebug)}
	return nil
}

// MetricsAddr is where the numbers have a listener of their own; empty for
// none.
func (a *App) MetricsAddr() string {
	if a.metricsListener == nil {
		return ""
	}
	return a.metricsListener.Addr().String()
}

func (a *App) serveMetrics() {
	if a.metricsServer == nil {
		return
	}
	go func() {
		if err := a.metricsServer.Serve(a.metricsListener); !errors.Is(err, http.ErrServerClosed) {
			a.Log.Error("metrics stopped", "error", err)
		}
	}()
}

// closeMetrics comes last: how the server drained can still be read.
func (a *App) closeMetrics() error {
	if a.metricsServer == nil {
		return nil
	}
	return errors.Join(a.metricsServer.Close(), ignoreClosed(a.metricsListener.Close()))
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
