// Package api is the HTTP interface of phones and integrators: the routes of
// the sync protocol, health, metrics and their own description.
//
// It decodes within limits, calls one method, encodes the answer, and turns
// each fault into a problem answer, once. It decides nothing about a change, a
// row or a person, and never reads a body before it knows who sends it
// (enrolment and token renewal aside, whose bodies are small). It knows
// neither SQL nor the screens; those have a mux of their own.
package api

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"siteledger/server/auth"
	"siteledger/server/ledger"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

// Auth says who calls; [auth.Auth] is one.
type Auth interface {
	Enrol(ctx context.Context, req syncproto.EnrolRequest, remote string) (syncproto.EnrolAnswer, error)
	Refresh(ctx context.Context, token string) (syncproto.TokenAnswer, error)
	Grant(ctx context.Context, bearer string) (auth.Grant, error)
	LeaseReceipts(ctx context.Context, dev ledger.Device) ([]syncproto.ReceiptRange, error)
}

// Pusher takes batches; [ledger.Ledger] is one. A revoked device's batch is
// quarantined and refused.
type Pusher interface {
	Push(ctx context.Context, dev ledger.Device, req *syncproto.PushRequest) (*syncproto.PushAnswer, error)
}

// Puller hands out rows.
type Puller interface {
	Pull(ctx context.Context, dev ledger.Device, cursor string, limit int) (*syncproto.Page, error)
	Repair(ctx context.Context, dev ledger.Device, roots []syncproto.Checksum) (*syncproto.Page, error)
	Subscribe(centre uuid.UUID) (pokes <-chan struct{}, cancel func())
}

// Blobs is the way of photos.
type Blobs interface {
	Plan(ctx context.Context, dev ledger.Device, blobs []syncproto.PlanBlob) ([]syncproto.PlannedBlob, error)
	Commit(ctx context.Context, dev ledger.Device, req syncproto.CommitRequest) (syncproto.CommitAnswer, error)
	PresignGet(ctx context.Context, dev ledger.Device, sha [32]byte) (string, error)
}

// Check is one condition of readiness. Its error is logged, not shown.
type Check struct {
	Name string
	Do   func(ctx context.Context) error
}

// Limits bound one caller. Zero values take the defaults.
type Limits struct {
	syncproto.Limits
	MaxJSONBytes     int
	BodyGrace        time.Duration // before the least rate of a body counts
	BodyRate         int           // least bytes a second
	WriteTimeout     time.Duration // to take an answer
	PushesPerDevice  int           // at once; as many again wait
	StreamsPerDevice int
	Heartbeat        time.Duration // comment on an event stream

	// What all callers share. More wait; where too many wait, or one waits
	// longer than Patience, the answer is 503 with Retry-After.
	BodyMemory int64         // bytes of request bodies
	Pushes     int           // being committed at once
	Pulls      int           // pages being read at once
	Commits    int           // photos being planned or checked at once
	Waiting    int           // of each kind
	Patience   time.Duration // of one that waits
}

// DefaultLimits are the protocol's and, for the rest, those of package config.
func DefaultLimits() Limits {
	return Limits{
		Limits:           syncproto.DefaultLimits(),
		MaxJSONBytes:     1 << 20,
		BodyGrace:        20 * time.Second,
		BodyRate:         256,
		WriteTimeout:     2 * time.Minute,
		PushesPerDevice:  4,
		StreamsPerDevice: 3,
		Heartbeat:        20 * time.Second,
		BodyMemory:       64 << 20,
		Pushes:           64,
		Pulls:            16,
		Commits:          16,
		Waiting:          4096,
		Patience:         30 * time.Second,
	}
}

// fill sets what all callers share where it was left at 0.
func (l *Limits) fill() {
	d := DefaultLimits()
	l.BodyMemory, l.Patience = cmp.Or(l.BodyMemory, d.BodyMemory), cmp.Or(l.Patience, d.Patience)
	l.Pushes, l.Pulls, l.Commits, l.Waiting = cmp.Or(l.Pushes, d.Pushes), cmp.Or(l.Pulls, d.Pulls), cmp.Or(l.Commits, d.Commits), cmp.Or(l.Waiting, d.Waiting)
}

// Config is what a [Server] is built of.
type Config struct {
	Auth    Auth
	Pusher  Pusher
	Puller  Puller
	Blobs   Blobs
	History uuid.UUID
	Schema  *schema.Descriptor
	Version string // of the build, for /openapi.json
	Checks  []Check
	Metrics *prometheus.Registry // the API's metrics are registered here
	// MayReadMetrics says who may read /metrics; nil: everybody.
	MayReadMetrics func(r *http.Request) bool
	// Jitter gives numbers from 0 up to 1 that spread Retry-After, so that
	// callers told to come back do not all come at once; nil: no spread.
	Jitter func() float64
	Limits Limits
	Now    func() time.Time
	NewID  func() (uuid.UUID, error)
	Log    *slog.Logger
}

// Server serves the API. It is safe for concurrent use.
type Server struct {
	cfg     Config
	echo    *echo.Echo
	codec   *changelog.Codec
	buffers *buffers
	batches batchDecoder
	bodies  *bodyReader
	encoder *encoder
	metrics *metrics
	pushes  *gate
	pulls   *gate
	streams *gate
	halls   halls
	health  *readiness
	openapi []byte

	stop     context.CancelFunc // ends the event streams
	stopping context.Context
	closing  sync.Once
	open     sync.WaitGroup // event streams, which the HTTP server does not know of
	opening  sync.Mutex     // none is added once Close waits
}

// New builds the server's routes. It fails where a part is missing.
func New(cfg Config) (*Server, error) {
	if cfg.Auth == nil || cfg.Pusher == nil || cfg.Puller == nil || cfg.Blobs == nil || cfg.Schema == nil ||
		cfg.Metrics == nil || cfg.Now == nil || cfg.NewID == nil || cfg.Log == nil {
		return nil, errors.New("api: a required part is missing")
	}
	if cfg.Limits == (Limits{}) {
		cfg.Limits = DefaultLimits()
	}
	cfg.Limits.fill()
	codec, err := changelog.NewCodec()
	if err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, codec: codec, buffers: &buffers{}, pushes: newGate(cfg.Limits.PushesPerDevice, cfg.Limits.PushesPerDevice), pulls: newGate(pullsPerDevice, pullsPerDevice), streams: newGate(cfg.Limits.StreamsPerDevice, 0)}
	if s.batches, err = newBatchDecoder(cfg.Limits.Limits); err != nil {
		return nil, err
	}
	if s.encoder, err = newEncoder(s.buffers); err != nil {
		return nil, err
	}
	s.bodies = newBodyReader(cfg.Limits)
	s.halls = newHalls(cfg.Limits)
	s.health = &readiness{checks: cfg.Checks, log: cfg.Log, now: cfg.Now}
	if s.metrics, err = newMetrics(cfg.Metrics, s.halls, s.bodies.budget); err != nil {
		return nil, err
	}
	s.stopping, s.stop = context.WithCancel(context.Background())
	if err := s.build(); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Server) build() error {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.Logger.SetOutput(io.Discard) // nothing of echo's own; see observe
	e.HTTPErrorHandler = func(err error, c echo.Context) { s.problem(c, err) }
	e.Use(s.observe)
	for _, r := range s.Routes() {
		e.Add(r.Method, r.pattern(), s.enter(r))
	}
	s.echo = e
	var err error
	s.openapi, err = describe(s.Routes(), s.cfg.Version)
	return err
}

// ServeHTTP serves one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.echo.ServeHTTP(w, r) }

// Leave makes /readyz answer 503 from now on, so that a load balancer sends
// new callers elsewhere while this server still serves those who come.
func (s *Server) Leave() { s.health.leave() }

// Close ends the event streams with a comment, so that phones connect again,
// elsewhere, and the HTTP server can drain. Other requests under way go on.
func (s *Server) Close() error {
	s.Leave()
	s.opening.Lock()
	s.closing.Do(s.stop)
	s.opening.Unlock()
	s.open.Wait() // each writes its last word within a deadline
	return nil
}
