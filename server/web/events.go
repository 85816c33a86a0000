package web

import (
	"fmt"
	"net/http"
	"time"

	"siteledger/server/fault"
	"siteledger/syncproto"

	"github.com/google/uuid"
)

// beat is how often an idle stream says that it lives, and looks whether the
// session still does.
const beat = 20 * time.Second

// events serves GET /events: an event "poke" each time something changed in
// the person's centre (an adjudicator or administrator: at headquarters).
// The stream carries no data; the page fetches itself again.
func events(c *Context) error {
	if c.site.cfg.Pokes == nil {
		return fault.New(syncproto.NotFound, "error.not-found")
	}
	pokes, cancel := c.site.cfg.Pokes.Subscribe(c.Person.Centre)
	defer cancel()
	rc := http.NewResponseController(c.W)
	if err := rc.SetWriteDeadline(time.Time{}); err != nil {
		c.site.cfg.Log.Debug("events without write deadline", "error", err)
	}
	c.W.Header().Set("Content-Type", "text/event-stream")
	c.W.Header().Set("Cache-Control", "no-store")
	c.W.Header().Set("X-Accel-Buffering", "no")
	say := func(line string) bool {
		if _, err := fmt.Fprint(c.W, line); err != nil {
			return false
		}
		return rc.Flush() == nil
	}
	if !say("retry: 3000\n: hello\n\n") {
		return nil
	}
	tick := time.NewTicker(beat)
	defer tick.Stop()
	for {
		select {
		case <-c.Context().Done():
			return nil
		case _, open := <-pokes:
			if !open || !say("event: poke\ndata:\n\n") {
				return nil
			}
		case <-tick.C:
			c.Person = Person{}
			if err := c.site.session(c); err != nil || c.Person.ID == uuid.Nil {
				return nil
			}
			if !say(": beat\n\n") {
				return nil
			}
		}
	}
}
