package archive

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"siteledger/server/ledger"
)

// Places keeps how far each stream was shipped in a history, at least.
type Places interface {
	Shipped(ctx context.Context, history uuid.UUID) (map[uuid.UUID]uint64, error)
	SaveShipped(ctx context.Context, history, centre uuid.UUID, pos uint64) error
	Histories(ctx context.Context) ([]History, error)
}

// ShipConfig is what a shipper needs.
type ShipConfig struct {
	Streams Streams
	Places  Places
	Bucket  Bucket
	Signer  Signer
	Keys    []ed25519.PublicKey // the server's, to read back what was shipped
	History uuid.UUID
	// Own says whether this server is the one of many that ships a stream now;
	// nil where there is one server alone.
	Own func(ctx context.Context, centre uuid.UUID) (bool, error)
	Now func() time.Time
	Log *slog.Logger

	// Gather is how long a commit waits for others to share an object with, a
	// second where 0.
	Gather time.Duration
	// Look is how often streams are looked at that nobody woke the shipper for,
	// 15 s where 0: commits of other processes on the same folder.
	Look time.Duration
	// MaxWait bounds the back-off while the bucket is away, a minute where 0.
	MaxWait time.Duration
}

// What one object holds at most: enough to share the cost of a request, small
// enough to be read back in one piece.
const (
	objectBatches = 256
	objectBytes   = 1 << 20
	readBatches   = 32
)

// requestTime bounds one object's way: a bucket that hangs is one that is away.
const requestTime = time.Minute

// saveEvery is how often the place reached is written down: losing it costs a
// listing, a write for each object would cost a commit beside the phones'.
const saveEvery = time.Minute

// Shipper puts the ledger's batches into the bucket. It is safe for concurrent
// use; one round runs at a time.
type Shipper struct {
	cfg  ShipConfig
	wake chan struct{}

	round sync.Mutex
	own   lineage
	begun bool
	at    map[uuid.UUID]*place

	mu  sync.Mutex // guards lag
	lag Lag
}

// place is how far a stream lies in the bucket.
type place struct {
	pos     uint64
	listed  bool // the bucket was asked for what lies behind pos
	saved   uint64
	savedAt time.Time
}

// NewShipper makes a shipper; [Shipper.Run] works until it is stopped.
func NewShipper(cfg ShipConfig) *Shipper {
	if cfg.Gather == 0 {
		cfg.Gather = time.Second
	}
	if cfg.Look == 0 {
		cfg.Look = 15 * time.Second
	}
	if cfg.MaxWait == 0 {
		cfg.MaxWait = time.Minute
	}
	return &Shipper{cfg: cfg, wake: make(chan struct{}, 1), at: map[uuid.UUID]*place{}, lag: Lag{Whole: cfg.Now().UnixMilli()}}
}

// Wake says that something was committed. It never waits.
func (s *Shipper) Wake() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Run ships until ctx ends, then once more what waits, for at most a few
// seconds. While the bucket is away it tries again ever more slowly; nothing is
// skipped.
func (s *Shipper) Run(ctx context.Context) {
	wait := time.Duration(0)
	for {
		err := s.Round(ctx)
		if ctx.Err() != nil {
			break
		}
		if err != nil {
			wait = min(max(2*wait, s.cfg.Gather), s.cfg.MaxWait)
			s.cfg.Log.Warn("ledger not shipped, trying again", "error", err, "wait", wait, "behind", s.Lag().Batches)
			if !sleep(ctx, wait) {
				break
			}
			continue
		}
		wait = 0
		look := time.NewTimer(s.cfg.Look)
		select {
		case <-s.wake:
			look.Stop()
			sleep(ctx, s.cfg.Gather)
		case <-look.C:
		case <-ctx.Done():
			look.Stop()
		}
		if ctx.Err() != nil {
			break
		}
	}
	s.finish()
}

// finish ships what was committed last.
func (s *Shipper) finish() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := errors.Join(s.Round(ctx), s.save(ctx)); err != nil {
		s.cfg.Log.Warn("ledger not shipped to its end before the stop; the next start goes on", "error", err, "behind", s.Lag().Batches)
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Round ships everything that waits and gives the first failure; the streams
// behind a failed one are shipped all the same.
func (s *Shipper) Round(ctx context.Context) error {
	s.round.Lock()
	defer s.round.Unlock()
	began := s.cfg.Now().UnixMilli()
	if err := s.begin(ctx); err != nil {
		s.failed(err)
		return err
	}
	streams, err := s.cfg.Streams.Ends(ctx)
	if err != nil {
		s.failed(err)
		return fmt.Errorf("streams to ship: %w", err)
	}
	var failed error
	var lag Lag
	for _, st := range streams {
		if s.cfg.Own != nil {
			mine, err := s.cfg.Own(ctx, st.Centre)
			if err != nil {
				failed = errors.Join(failed, fmt.Errorf("whose stream %s is: %w", st.Centre, err))
				continue
			}
			if !mine {
				delete(s.at, st.Centre) // another server moves it on
				continue
			}
		}
		if err := s.stream(ctx, st); err != nil {
			failed = errors.Join(failed, fmt.Errorf("ship stream %s: %w", st.Centre, err))
		}
		if err := lag.add(ctx, s.cfg.Streams, st, s.at[st.Centre]); err != nil {
			failed = errors.Join(failed, err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	lag.Err = failed
	s.mu.Lock()
	if lag.Whole = s.lag.Whole; failed == nil && ctx.Err() == nil {
		lag.Whole = began
	}
	s.lag = lag
	s.mu.Unlock()
	return failed
}

func (s *Shipper) failed(err error) {
	s.mu.Lock()
	s.lag.Err = err
	s.mu.Unlock()
}

// begin reads the server's histories once.
func (s *Shipper) begin(ctx context.Context) error {
	if s.begun {
		return nil
	}
	all, err := s.cfg.Places.Histories(ctx)
	if err != nil {
		return fmt.Errorf("histories: %w", err)
	}
	for i, h := range all {
		if h.ID != s.cfg.History {
			continue
		}
		s.own = lineage{id: h.ID, began: h.StartedAt}
		if i+1 < len(all) {
			s.own.previous = all[i+1].ID
		}
		s.begun = true
		return nil
	}
	return fmt.Errorf("the store does not know the history %s", s.cfg.History)
}

// stream ships one stream to its end.
func (s *Shipper) stream(ctx context.Context, st ledger.Stream) error {
	p, err := s.find(ctx, st.Centre)
	if err != nil {
		return err
	}
	for p.pos < st.Pos {
		run, err := s.gather(ctx, st.Centre, p.pos)
		if err != nil {
			return err
		}
		if len(run) == 0 {
			return fmt.Errorf("batch %d is not in the ledger, which ends at %d", p.pos+1, st.Pos)
		}
		if err := s.put(ctx, st, p, run); err != nil {
			return err
		}
		if s.cfg.Now().Sub(p.savedAt) >= saveEvery {
			if err := s.savePlace(ctx, st.Centre, p); err != nil {
				return err
			}
		}
	}
	return nil
}

// find learns how far a stream lies in the bucket: what was written down, and
// the objects behind that.
func (s *Shipper) find(ctx context.Context, centre uuid.UUID) (*place, error) {
	p := s.at[centre]
	if p == nil {
		known, err := s.cfg.Places.Shipped(ctx, s.own.id)
		if err != nil {
			return nil, fmt.Errorf("where shipping stands: %w", err)
		}
		p = &place{pos: known[centre], saved: known[centre], savedAt: s.cfg.Now()}
		s.at[centre] = p
	}
	if p.listed {
		return p, nil
	}
	last := ""
	err := s.cfg.Bucket.List(ctx, streamPrefix(s.own.id, centre), objectKey(s.own.id, centre, p.pos), func(key string, _ int64) error {
		if _, _, from, ok := parseKey(key); ok && from > p.pos {
			last = key
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list what was shipped: %w", err)
	}
	if last != "" {
		o, err := s.read(ctx, last)
		if err != nil {
			return nil, err
		}
		if err := s.agree(ctx, centre, o); err != nil {
			return nil, err
		}
		p.pos = max(p.pos, o.to)
	}
	p.listed = true
	return p, nil
}

// gather reads batches for one object.
func (s *Shipper) gather(ctx context.Context, centre uuid.UUID, after uint64) ([]ledger.Batch, error) {
	var run []ledger.Batch
	for size := 0; len(run) < objectBatches && size < objectBytes; {
		page, err := s.cfg.Streams.Batches(ctx, centre, after, readBatches)
		if err != nil {
			return nil, fmt.Errorf("read ledger: %w", err)
		}
		for _, b := range page {
			if b.Pos != after+1 {
				return nil, fmt.Errorf("batch %d is not in the ledger", after+1)
			}
			if len(run) > 0 && (size+len(b.Body) > objectBytes || len(run) == objectBatches) {
				return run, nil
			}
			run, size, after = append(run, b), size+len(b.Body), b.Pos
		}
		if len(page) < readBatches {
			break
		}
	}
	return run, nil
}

// put writes one object. Where it is there already, from a round whose end was
// not written down or from another server, what it holds is compared instead.
func (s *Shipper) put(ctx context.Context, st ledger.Stream, p *place, run []ledger.Batch) error {
	raw, err := seal(s.own, st, run, s.cfg.Signer)
	if err != nil {
		return err
	}
	key := objectKey(s.own.id, st.Centre, run[0].Pos)
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	err = s.cfg.Bucket.Put(ctx, key, raw)
	if err == nil {
		p.pos = run[len(run)-1].Pos
		return nil
	}
	if !errors.Is(err, ErrExists) {
		return fmt.Errorf("put %s: %w", key, err)
	}
	o, err := s.read(ctx, key)
	if err != nil {
		return err
	}
	if err := s.agree(ctx, st.Centre, o); err != nil {
		return err
	}
	p.pos = o.to
	return nil
}

func (s *Shipper) read(ctx context.Context, key string) (*shipped, error) {
	raw, err := s.cfg.Bucket.Get(ctx, key, maxObject)
	if err != nil {
		return nil, fmt.Errorf("read back %s: %w", key, err)
	}
	return open(key, raw, s.cfg.Keys)
}

// agree wants an object to hold what the ledger holds. Another content under
// this history means that two servers run from copies of one folder.
func (s *Shipper) agree(ctx context.Context, centre uuid.UUID, o *shipped) error {
	mine, err := s.cfg.Streams.Batches(ctx, centre, o.from-1, len(o.batches))
	if err != nil {
		return fmt.Errorf("read ledger: %w", err)
	}
	if len(mine) != len(o.batches) {
		return fmt.Errorf("the bucket holds batches up to %d of this history, the ledger does not: was this folder put back by hand? use restore", o.to)
	}
	for i := range mine {
		if !same(mine[i], o.batches[i]) {
			return fmt.Errorf("the bucket holds another batch %d of this history than the ledger: two servers run from copies of one folder", mine[i].Pos)
		}
	}
	return nil
}

// save writes down every place that moved.
func (s *Shipper) save(ctx context.Context) error {
	s.round.Lock()
	defer s.round.Unlock()
	for centre, p := range s.at {
		if err := s.savePlace(ctx, centre, p); err != nil {
			return err
		}
	}
	return nil
}

func (s *Shipper) savePlace(ctx context.Context, centre uuid.UUID, p *place) error {
	p.savedAt = s.cfg.Now()
	if p.pos == p.saved {
		return nil
	}
	if err := s.cfg.Places.SaveShipped(ctx, s.own.id, centre, p.pos); err != nil {
		return fmt.Errorf("write down where shipping stands: %w", err)
	}
	p.saved = p.pos
	return nil
}
