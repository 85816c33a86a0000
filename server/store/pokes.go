package store

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Several servers on one database tell each other which centres have
// something new. A notice says only where to look, and may be lost: who missed
// one hears of it with the next, or looks by itself after a while.
//
// The notice is sent after the commit, by one connection that gathers what
// came meanwhile: PostgreSQL lets transactions that notify commit only one
// after the other, those of all centres.
const (
	noticeChannel = "siteledger"
	noticesAtOnce = 200 // a payload has at most 8,000 bytes
	noticePause   = time.Second
)

// alarm stands in a notice for damage that its sender met: no stream has this
// id. Who hears it writes no more either.
var alarm = uuid.Max

// Announce tells the other servers of the database, if there are any, that a
// stream has something new. It does not wait.
func (s *Store) Announce(stream uuid.UUID) {
	if p, ok := s.engine.(*cluster); ok {
		p.herald.announce(stream)
	}
}

// Listen hands the streams that other servers announce to heard until ctx
// ends; uuid.Nil stands for all of them, after each time that the connection
// was made anew and notices may have been lost. On SQLite there is nobody to
// hear: it waits for the end of ctx.
func (s *Store) Listen(ctx context.Context, heard func(stream uuid.UUID)) {
	p, ok := s.engine.(*cluster)
	for ctx.Err() == nil {
		if ok {
			_ = p.herald.listen(ctx, heard) // connected again below, whatever it was
		}
		pause := time.After(noticePause)
		if !ok {
			pause = nil
		}
		select {
		case <-ctx.Done():
		case <-pause:
		}
	}
}

// herald sends and hears notices over connections of its own.
type herald struct {
	cfg     *pgx.ConnConfig
	alarmed func()
	self    atomic.Uint32 // the sender's process at the database: what it says we know
	mu      sync.Mutex
	pending map[uuid.UUID]struct{}
	wake    chan struct{}
	stop    context.CancelFunc
	done    chan struct{}
}

// newHerald sends notices; alarmed is called for another server's alarm.
func newHerald(cfg *pgx.ConnConfig, alarmed func()) *herald {
	ctx, stop := context.WithCancel(context.Background())
	h := &herald{cfg: cfg, alarmed: alarmed, pending: map[uuid.UUID]struct{}{}, wake: make(chan struct{}, 1), stop: stop, done: make(chan struct{})}
	go h.send(ctx)
	return h
}

func (h *herald) announce(stream uuid.UUID) {
	h.mu.Lock()
	h.pending[stream] = struct{}{}
	h.mu.Unlock()
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// close sends what is left and ends the sender.
func (h *herald) close() {
	h.stop()
	<-h.done
}

func (h *herald) send(ctx context.Context) {
	defer close(h.done)
	var c *pgx.Conn
	for last := false; !last; {
		select {
		case <-h.wake:
		case <-ctx.Done():
			last = true
		}
		err := h.flush(&c)
		if err != nil && !last {
			select { // what could not be sent stays pending
			case <-time.After(noticePause):
				h.poke()
			case <-ctx.Done():
			}
		}
	}
	if c != nil {
		within, cancel := context.WithTimeout(context.Background(), noticePause)
		defer cancel()
		_ = c.Close(within)
	}
}

func (h *herald) poke() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// flush sends all that is pending.
func (h *herald) flush(c **pgx.Conn) (err error) {
	within, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	for err == nil {
		some := h.take()
		if len(some) == 0 {
			return nil
		}
		if err = h.notify(within, c, some); err != nil {
			h.putBack(some)
		}
	}
	return err
}

func (h *herald) notify(ctx context.Context, c **pgx.Conn, streams []uuid.UUID) error {
	if *c == nil || (*c).IsClosed() {
		fresh, err := pgx.ConnectConfig(ctx, h.cfg.Copy())
		if err != nil {
			return err
		}
		*c = fresh
		h.self.Store(fresh.PgConn().PID())
	}
	words := make([]string, len(streams))
	for i, s := range streams {
		words[i] = s.String()
	}
	_, err := (*c).Exec(ctx, "SELECT pg_notify($1, $2)", noticeChannel, strings.Join(words, " "))
	return err
}

func (h *herald) take() []uuid.UUID {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []uuid.UUID
	for s := range h.pending {
		if len(out) == noticesAtOnce {
			break
		}
		out = append(out, s)
		delete(h.pending, s)
	}
	return out
}

func (h *herald) putBack(streams []uuid.UUID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range streams {
		h.pending[s] = struct{}{}
	}
}

// listen hears notices until the connection breaks or ctx ends.
func (h *herald) listen(ctx context.Context, heard func(uuid.UUID)) error {
	c, err := pgx.ConnectConfig(ctx, h.cfg.Copy())
	if err != nil {
		return err
	}
	defer c.Close(context.WithoutCancel(ctx))
	if _, err := c.Exec(ctx, "LISTEN "+noticeChannel); err != nil {
		return err
	}
	heard(uuid.Nil)
	for {
		n, err := c.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		if n.PID == h.self.Load() {
			continue
		}
		for _, word := range strings.Fields(n.Payload) {
			switch id, err := uuid.Parse(word); {
			case err != nil || id == uuid.Nil:
			case id == alarm:
				h.alarmed()
			default:
				heard(id)
			}
		}
	}
}
