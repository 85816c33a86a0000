package api_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"siteledger/server/api"
	"siteledger/server/auth"
	"siteledger/syncproto"
)

// listen opens an event stream and waits for its first words.
func listen(tb testing.TB, url, token string) (*http.Response, *bufio.Reader) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	tb.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, "GET", url+syncproto.PathEvents, nil)
	must(tb, err)
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(req)
	must(tb, err)
	tb.Cleanup(func() { res.Body.Close() })
	r := bufio.NewReader(res.Body)
	if res.StatusCode == 200 {
		line, err := r.ReadString('\n')
		must(tb, err)
		if !strings.HasPrefix(line, ":") || res.Header.Get("Content-Type") != "text/event-stream" {
			tb.Fatalf("begins with %q", line)
		}
	}
	return res, r
}

func serve(tb testing.TB, w *world) string {
	tb.Helper()
	srv := httptest.NewServer(w.api)
	tb.Cleanup(srv.Close)
	return srv.URL
}

func TestEventsPoke(t *testing.T) {
	w := newWorld(t)
	p, mate := w.phone(w.installer), w.phone(w.supervisor)
	_, events := listen(t, serve(t, w), mate.answer.AccessToken)
	p.push(p.batch(p.note(1, "x")))
	for {
		line, err := events.ReadString('\n')
		must(t, err)
		if line == "event: poke\n" {
			return
		}
	}
}

// TestEventsEndWithTheToken: the stream is closed when the token expires, with
// no word from the phone.
func TestEventsEndWithTheToken(t *testing.T) {
	w := newWorld(t, func(_ *api.Config, a *auth.Config) { a.AccessLife = 2 * time.Second })
	p := w.phone(w.installer)
	start := time.Now()
	_, events := listen(t, serve(t, w), p.answer.AccessToken)
	_, err := io.ReadAll(events)
	must(t, err)
	if took := time.Since(start); took > 4*time.Second {
		t.Errorf("ended after %s", took)
	}
}

func TestEventsEndWhenTheDeviceIsRevoked(t *testing.T) {
	w := newWorld(t, func(c *api.Config, _ *auth.Config) { c.Limits.Heartbeat = 30 * time.Millisecond })
	p := w.phone(w.installer)
	_, events := listen(t, serve(t, w), p.answer.AccessToken)
	beat, err := events.ReadString('\n')
	must(t, err)
	for beat != ": beat\n" {
		beat, err = events.ReadString('\n')
		must(t, err)
	}
	must(t, w.auth.RevokeDevice(context.Background(), auth.Operator(), p.answer.Device))
	_, err = io.ReadAll(events)
	must(t, err)
}

func TestEventsEndWhenTheServerStops(t *testing.T) {
	w := newWorld(t)
	p := w.phone(w.installer)
	_, events := listen(t, serve(t, w), p.answer.AccessToken)
	must(t, w.api.Close())
	_, err := io.ReadAll(events)
	must(t, err)
}

func TestEventStreamsAreBounded(t *testing.T) {
	w := newWorld(t)
	p := w.phone(w.installer)
	url := serve(t, w)
	for range 3 {
		if res, _ := listen(t, url, p.answer.AccessToken); res.StatusCode != 200 {
			t.Fatalf("got %d", res.StatusCode)
		}
	}
	res, _ := listen(t, url, p.answer.AccessToken)
	if res.StatusCode != http.StatusTooManyRequests || res.Header.Get("Retry-After") == "" {
		t.Errorf("a fourth: %d", res.StatusCode)
	}
}
