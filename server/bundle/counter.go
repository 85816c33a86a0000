package bundle

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"

	"siteledger/server/auth"
	"siteledger/server/fault"
	"siteledger/syncproto"
)

// Events keeps who took which bundle; the store does.
type Events interface {
	AddEvent(ctx context.Context, e auth.Event) error
}

// Actions of the events that a counter leaves, with the job or defect as their
// subject.
const (
	ActionTaken  = "evidence-taken"
	ActionFailed = "evidence-failed"
)

// Counter hands bundles to browsers: one at a time for each person, and a note
// of each. It is safe for concurrent use.
type Counter struct {
	maker  *Maker
	events Events
	log    *slog.Logger

	mu   sync.Mutex
	busy map[uuid.UUID]bool
}

// NewCounter makes a counter.
func NewCounter(maker *Maker, events Events, log *slog.Logger) *Counter {
	return &Counter{maker: maker, events: events, log: log, busy: map[uuid.UUID]bool{}}
}

// stall is how long a browser may take for a piece of a bundle.
const stall = 2 * time.Minute

// Send streams a bundle as a download. The caller has checked that the person
// may see the subject. An error means that nothing was written. What fails
// later ends the connection, so that no browser takes a part for the whole.
func (c *Counter) Send(w http.ResponseWriter, r *http.Request, s Subject, by Person) error {
	if !c.enter(by.ID) {
		return fault.New(fault.TooMany, "您的上一个证据包还在制作 · your last evidence bundle is still being made")
	}
	defer c.leave(by.ID)
	b, err := c.maker.Prepare(r.Context(), s, by)
	if err != nil {
		return err
	}
	subject := s.Job
	if s.Defect != uuid.Nil {
		subject = s.Defect
	}
	if err := c.note(r.Context(), by, ActionTaken, subject); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/zip")
	h.Set("Content-Disposition", "attachment; filename="+strconv.Quote(b.Name()))
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	out := &patient{w: w, rc: http.NewResponseController(w)}
	err = b.Write(r.Context(), out)
	if err == nil {
		return nil
	}
	c.log.Warn("evidence bundle was not finished", "person", by.ID, "error", err)
	err = errors.Join(err, c.note(context.WithoutCancel(r.Context()), by, ActionFailed, subject))
	if out.n == 0 {
		h.Del("Content-Disposition")
		return err
	}
	panic(http.ErrAbortHandler)
}

func (c *Counter) note(ctx context.Context, by Person, action string, subject uuid.UUID) error {
	return c.events.AddEvent(ctx, auth.Event{At: c.maker.Now().UnixMilli(), By: by.ID, Action: action, Subject: subject})
}

func (c *Counter) enter(person uuid.UUID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.busy[person] {
		return false
	}
	c.busy[person] = true
	return true
}

func (c *Counter) leave(person uuid.UUID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.busy, person)
}

// patient writes to a browser that may be slow but not still.
type patient struct {
	w  io.Writer
	rc *http.ResponseController
	n  int64
}

func (p *patient) Write(b []byte) (int, error) {
	// Deadlines are the socket's: they follow the real clock. One that cannot be
	// set leaves the server's own.
	_ = p.rc.SetWriteDeadline(time.Now().Add(stall))
	n, err := p.w.Write(b)
	p.n += int64(n)
	return n, err
}

// Key gives the server's key, for a page that shows its fingerprint.
func (c *Counter) Key() syncproto.ServerKey { return c.maker.Signer.Public()[0] }
