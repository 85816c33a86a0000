package transport

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strings"

	"siteledger/syncproto"
)

// Events listens to the server's pokes until the stream ends, and calls poke
// for each. open is called once the server has answered. It always returns an
// error: the stream's end is [ErrUnreachable] too, and the caller connects
// again after a while. The server ends it when the token expires.
func (c *Client) Events(ctx context.Context, token string, open, poke func()) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	req, err := c.request(ctx, call{method: http.MethodGet, path: syncproto.PathEvents, token: token, answerType: "text/event-stream"})
	if err != nil {
		return fmt.Errorf("events: %w", err)
	}
	w := watch(nil, cancel, nil)
	defer w.stop()
	res, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("events: %w", w.explain(unreachable(ctx, err)))
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("events: %w", refusal(res, c.now()))
	}
	if mediaType(res.Header) != "text/event-stream" {
		return fmt.Errorf("events: %w: type %q", ErrForeign, res.Header.Get("Content-Type"))
	}
	open()
	w.r = res.Body
	err = readEvents(w, poke)
	return fmt.Errorf("events: %w", w.explain(unreachable(ctx, err)))
}

// maxEventLine bounds one line of the stream in bytes.
const maxEventLine = 16 << 10

// readEvents reads the lines of an event stream (WHATWG HTML, section 9.2). The
// data of a poke says nothing that a pull would not say better, so it is not
// looked at.
func readEvents(w *watched, poke func()) error {
	sc := bufio.NewScanner(w)
	sc.Buffer(make([]byte, 0, 1024), maxEventLine)
	event := ""
	for sc.Scan() {
		line := sc.Text()
		switch {
		case line == "":
			if event == "poke" {
				poke()
			}
			event = ""
		case strings.HasPrefix(line, "event:"):
			event = strings.TrimSpace(strings.TrimPrefix(line, "event:"))
		}
	}
	if err := sc.Err(); err != nil {
		return err
	}
	return fmt.Errorf("the stream ended")
}
