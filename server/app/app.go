package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"siteledger/server/api"
	"siteledger/server/blob"
	"siteledger/server/config"
	"siteledger/server/web"
)

// App is a whole server, listening.
type App struct {
	*Core
	Blobs *blob.Service
	First *FirstAccount // of a first start, else nil

	storage  *storage
	api      *api.Server
	site     *web.Site
	listener net.Listener
	server   *http.Server
	version  string
	stopping context.Context // ends when the server drains
	stop     context.CancelFunc
	leaving  atomic.Bool // callers are asked to connect anew

	door            metricsDoor
	metricsListener net.Listener // nil where the numbers have none of their own
	metricsServer   *http.Server
}

// New opens the data folder, makes what a first start needs, and listens; Run
// serves. version is the build's.
func New(ctx context.Context, cfg config.Config, log *slog.Logger, version string) (*App, error) {
	core, err := OpenCore(ctx, cfg, log)
	if err != nil {
		return nil, err
	}
	a := &App{Core: core, version: version}
	a.stopping, a.stop = context.WithCancel(context.Background())
	if err := a.open(ctx); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	debug.FreeOSMemory() // migrations and templates are read with large buffers, once
	return a, nil
}

func (a *App) open(ctx context.Context) error {
	hq, err := a.Headquarters(ctx)
	if err == nil && hq != uuid.Nil {
		err = a.Ledger.CheckKey(ctx, hq)
	}
	if err != nil {
		return err
	}
	if a.First, err = a.Bootstrap(ctx); err != nil {
		return err
	}
	if a.storage, err = a.openStorage(a.Config.S3); err != nil {
		return err
	}
	if a.Blobs, err = a.newBlobs(a.storage.config); err != nil {
		return err
	}
	if err := a.openShipping(); err != nil {
		return err
	}
	if a.listener, err = net.Listen("tcp", a.Config.Listen); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	if a.Config.PublicURL == "" {
		a.Config.PublicURL = a.scheme() + a.listener.Addr().String()
	}
	if err := errors.Join(a.watch(), a.openMetrics()); err != nil {
		return err
	}
	if err := a.openAPI(); err != nil {
		return err
	}
	if a.site, err = a.openSite(); err != nil {
		return err
	}
	l := a.Config.Limits
	a.server = &http.Server{Handler: behindProxies(a.Config.TrustedProxies, a.routes()), ReadHeaderTimeout: l.HeaderTimeout, MaxHeaderBytes: l.MaxHeaderBytes, IdleTimeout: 2 * time.Minute,
		ErrorLog: slog.NewLogLogger(a.Log.Handler(), slog.LevelDebug)}
	if a.Config.TLS.On() {
		cert, err := openCertificate(a.Config.TLS, a.Now)
		if err != nil {
			return err
		}
		a.server.TLSConfig = cert.tlsConfig()
	}
	return nil
}

func (a *App) scheme() string {
	if a.Config.TLS.On() {
		return "https://"
	}
	return "http://"
}

func (a *App) openAPI() error {
	l := a.Config.Limits
	limits := api.DefaultLimits()
	limits.Limits = l.Limits
	limits.MaxJSONBytes, limits.BodyGrace, limits.BodyRate, limits.WriteTimeout = l.MaxJSONBytes, l.BodyGrace, l.BodyRate, l.WriteTimeout
	limits.PushesPerDevice, limits.StreamsPerDevice = l.PushesPerDevice, l.StreamsPer
	limits.BodyMemory, limits.Patience, limits.Waiting = l.BodyMemory, l.Patience, l.Waiting
	limits.Pushes, limits.Pulls, limits.Commits = l.Pushes, l.Pulls, l.Commits
	var err error
	if a.door, err = newMetricsDoor(a.Config); err != nil {
		return err
	}
	a.api, err = api.New(api.Config{
		Auth: a.Auth, Pusher: a.Ledger, Puller: a.Feed, Blobs: a.Blobs, History: a.History, Schema: a.Schema, Version: a.version,
		Checks:  []api.Check{{Name: "database", Do: a.Store.Ready}, {Name: "storage", Do: a.Blobs.Ready}},
		Metrics: a.Metrics.Registry, MayReadMetrics: a.mayReadMetrics, Jitter: rand.Float64, Limits: limits, Now: a.Now, NewID: newID, Log: a.Log,
	})
	return err
}

// mayReadMetrics lets nobody read the numbers here where they have a listener
// of their own.
func (a *App) mayReadMetrics(r *http.Request) bool {
	return a.Config.MetricsListen == "" && a.door.admits(r)
}

// routes keeps the browsers' and the phones' muxes apart.
func (a *App) routes() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.leaving.Load() {
			w.Header().Set("Connection", "close")
		}
		switch p := r.URL.Path; {
		case strings.HasPrefix(p, "/v1/"), p == "/healthz", p == "/readyz", p == "/metrics", p == "/openapi.json":
			a.api.ServeHTTP(w, r)
		case p == "/events": // lives as long as the page, but not longer than the server
			ctx, cancel := context.WithCancel(r.Context())
			defer cancel()
			defer context.AfterFunc(a.stopping, cancel)()
			a.site.ServeHTTP(w, r.WithContext(ctx))
		default:
			a.bound(w, r)
			a.site.ServeHTTP(w, r)
		}
	})
}

// deskTimeout is how long a browser may take to send a form or a file, and as
// long again to take the page: enough for a large import on a slow line. The
// API has finer limits of its own.
const deskTimeout = 5 * time.Minute

// bound keeps a stalled browser from holding a connection for ever. Deadlines
// are the socket's: they follow the real clock.
func (a *App) bound(w http.ResponseWriter, r *http.Request) {
	rc := http.NewResponseController(w)
	err := rc.SetWriteDeadline(time.Now().Add(2 * deskTimeout))
	if r.ContentLength != 0 {
		err = errors.Join(err, rc.SetReadDeadline(time.Now().Add(deskTimeout)))
	}
	if err != nil {
		a.Log.Debug("connection has no deadlines", "error", err)
	}
}

// Screens is the route table of the screens of both doors.
func (a *App) Screens() []web.Route { return a.site.Routes() }

// URL is how browsers and phones reach the server.
func (a *App) URL() string { return strings.TrimSuffix(a.Config.PublicURL, "/") }

// Addr is where the server listens.
func (a *App) Addr() string { return a.listener.Addr().String() }

// StorageAddr is where the embedded storage listens; empty for an external
// one.
func (a *App) StorageAddr() string {
	if a.storage == nil || a.storage.listener == nil {
		return ""
	}
	return a.storage.listener.Addr().String()
}
