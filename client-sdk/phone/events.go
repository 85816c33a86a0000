package phone

import (
	"fmt"
	"net/http"
	"time"
)

// eventPause keeps a busy sync from making the page read itself many times a
// second.
const eventPause = 700 * time.Millisecond

// events serves GET /events: a line whenever the phone's data or its sync
// changed. The page then reads its live parts again; it never gets data here.
func events(q *ask) error {
	flusher := http.NewResponseController(q.w)
	changed, stop := q.app.client.Watch()
	defer stop()
	q.done = true
	q.w.Header().Set("Content-Type", "text/event-stream")
	q.w.WriteHeader(http.StatusOK)
	alive := time.NewTicker(20 * time.Second)
	defer alive.Stop()
	for {
		if err := flusher.Flush(); err != nil {
			return fmt.Errorf("events: %w", err)
		}
		line := ": here\n\n"
		select {
		case <-q.r.Context().Done():
			return nil
		case <-alive.C:
		case _, ok := <-changed:
			if !ok {
				return nil
			}
			line = "event: change\ndata: 1\n\n"
		}
		if _, err := q.w.Write([]byte(line)); err != nil {
			return fmt.Errorf("events: %w", err)
		}
		if err := flusher.Flush(); err != nil {
			return fmt.Errorf("events: %w", err)
		}
		select {
		case <-q.r.Context().Done():
			return nil
		case <-time.After(eventPause):
		}
	}
}
