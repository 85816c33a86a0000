package api_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"siteledger/server/api"
	"siteledger/server/auth"
	"siteledger/server/ledger"
	"siteledger/syncproto"
)

// stuckPusher holds pushes until it is let go.
type stuckPusher struct{ open chan struct{} }

func (p stuckPusher) Push(ctx context.Context, _ ledger.Device, _ *syncproto.PushRequest) (*syncproto.PushAnswer, error) {
	select {
	case <-p.open:
		return &syncproto.PushAnswer{}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// TestOverloadIsTold: where the hall is full the answer is 503 with a
// Retry-After that is spread, within the patience, and nothing is counted as
// taken.
func TestOverloadIsTold(t *testing.T) {
	stuck := stuckPusher{make(chan struct{})}
	jitter := 0.0
	w := newWorld(t, func(c *api.Config, _ *auth.Config) {
		c.Pusher = stuck
		c.Limits.Pushes, c.Limits.Waiting, c.Limits.Patience = 1, 1, 50*time.Millisecond
		c.Jitter = func() float64 { return jitter }
	})
	p, q := w.phone(w.installer), w.phone(w.supervisor)
	var held sync.WaitGroup
	held.Go(func() { p.push(p.batch(p.note(1, "x"))) })
	for { // until the first is inside
		if strings.Contains(string(w.call("GET", "/metrics", "", nil).body), `siteledger_work_running{work="push"} 1`) {
			break
		}
		runtime.Gosched()
	}
	seen := map[int]bool{}
	for _, jitter = range []float64{0, .5, .99} {
		res := q.push(q.batch(q.note(1, "y")))
		res.want(t, 503, syncproto.Busy)
		n, err := strconv.Atoi(res.header.Get("Retry-After"))
		must(t, err)
		seen[n] = true
	}
	if len(seen) != 3 {
		t.Errorf("Retry-After of three calls: %v", seen)
	}
	close(stuck.open)
	held.Wait()
	if page := string(w.call("GET", "/metrics", "", nil).body); !strings.Contains(page, `siteledger_refused_total{work="push"} 3`) || !strings.Contains(page, `siteledger_body_bytes 0`) {
		t.Errorf("metrics:\n%s", page)
	}
}

// TestBodiesShareMemory: many large bodies that stall hold no more memory than
// the budget; who finds none left is told to come back, while the bodies of
// others, and everything without a body, go on.
func TestBodiesShareMemory(t *testing.T) {
	w := newWorld(t, func(c *api.Config, _ *auth.Config) { c.Limits.BodyMemory = 16 << 20 })
	srv := httptest.NewServer(w.api)
	defer srv.Close()
	good := w.phone(w.supervisor)
	// Each device may hold 4 MiB and a little of the 8 MiB of arriving bodies.
	var phones []*phone
	for range 3 {
		phones = append(phones, w.phone(w.installer))
	}
	part := make([]byte, 3<<20)
	busy := 0
	for _, p := range phones {
		for range 2 {
			conn, err := net.Dial("tcp", srv.Listener.Addr().String())
			must(t, err)
			defer conn.Close()
			_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/cbor\r\nContent-Length: %d\r\n\r\n", syncproto.PathPush, p.answer.AccessToken, 4<<20)
			must(t, err)
			_, _ = conn.Write(part) // the server may hang up in between
			must(t, conn.SetReadDeadline(time.Now().Add(200*time.Millisecond)))
			head := make([]byte, 32)
			if n, _ := conn.Read(head); bytes.HasPrefix(head[:n], []byte("HTTP/1.1 503")) {
				busy++
			}
		}
	}
	if busy < 3 {
		t.Errorf("%d of 6 bodies of 3 MiB were refused, with 8 MiB for all", busy)
	}
	var ans syncproto.PushAnswer
	req, err := http.NewRequest("POST", srv.URL+syncproto.PathPush, bytes.NewReader(good.cbor(good.batch(good.note(1, "small")))))
	must(t, err)
	req.Header.Set("Authorization", "Bearer "+good.answer.AccessToken)
	req.Header.Set("Content-Type", syncproto.TypeCBOR)
	res, err := http.DefaultClient.Do(req)
	must(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	must(t, err)
	answer{status: res.StatusCode, header: res.Header, body: body}.cbor(t, &ans)
	if ans.Acked != 1 {
		t.Errorf("a small body beside the large ones: acked %d", ans.Acked)
	}
}

// TestBatchIsHeldOnce: taking a full batch costs about its own size over what
// the ledger itself needs: it is not copied from reader to reader.
func TestBatchIsHeldOnce(t *testing.T) {
	nobody := stuckPusher{make(chan struct{})}
	close(nobody.open)
	w := newWorld(t, func(c *api.Config, _ *auth.Config) { c.Pusher = nobody })
	p := w.phone(w.installer)
	var notes [][]byte
	size := 0
	for i := range uint64(60) {
		notes = append(notes, p.note(i+1, strings.Repeat("长", 20_000)))
		size += len(notes[i])
	}
	body := pack(t, p.cbor(p.batch(notes...)))
	push := func() {
		if res := w.call("POST", syncproto.PathPush, p.answer.AccessToken, body, "Content-Encoding", "zstd"); res.status != 200 {
			t.Fatalf("%d %s", res.status, res.body)
		}
	}
	push() // decoders are made once
	var before, after runtime.MemStats
	const rounds = 10
	runtime.ReadMemStats(&before)
	for range rounds {
		push()
	}
	runtime.ReadMemStats(&after)
	if each := int(after.TotalAlloc-before.TotalAlloc) / rounds; each > size*5/4 {
		t.Errorf("a batch of %d bytes cost %d", size, each)
	}
}

// TestStreamsSayGoodbye: a server that stops ends its event streams with a
// comment and a short wait, and is not ready any more before that.
func TestStreamsSayGoodbye(t *testing.T) {
	w := newWorld(t)
	p := w.phone(w.installer)
	srv := httptest.NewServer(w.api)
	defer srv.Close()
	req, err := http.NewRequest("GET", srv.URL+syncproto.PathEvents, nil)
	must(t, err)
	req.Header.Set("Authorization", "Bearer "+p.answer.AccessToken)
	res, err := http.DefaultClient.Do(req)
	must(t, err)
	defer res.Body.Close()
	first := make([]byte, 9)
	_, err = io.ReadFull(res.Body, first)
	must(t, err)
	w.api.Leave()
	w.call("GET", "/readyz", "", nil).want503(t)
	if got := p.push(p.batch(p.note(1, "still served"))); got.status != 200 {
		t.Errorf("a push while leaving: %d %s", got.status, got.body)
	}
	must(t, w.api.Close())
	rest, err := io.ReadAll(res.Body)
	must(t, err)
	if !strings.Contains(string(rest), ": closing") || !strings.Contains(string(rest), "retry: 1000") {
		t.Errorf("the stream ended with %q", rest)
	}
}
