package api_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/klauspost/compress/zstd"

	"siteledger/server/api"
	"siteledger/server/auth"
	"siteledger/syncproto"
)

func pack(tb testing.TB, b []byte) []byte {
	tb.Helper()
	z, err := zstd.NewWriter(nil)
	must(tb, err)
	return z.EncodeAll(b, nil)
}

// stream packs without writing the length into the frame.
func stream(tb testing.TB, zeros int) []byte {
	tb.Helper()
	var b bytes.Buffer
	z, err := zstd.NewWriter(&b, zstd.WithWindowSize(1<<20))
	must(tb, err)
	block := make([]byte, 1<<20)
	for n := 0; n < zeros; n += len(block) {
		_, err := z.Write(block)
		must(tb, err)
	}
	must(tb, z.Close())
	return b.Bytes()
}

func TestBombs(t *testing.T) {
	w := newWorld(t)
	p := w.phone(w.installer)
	known := pack(t, make([]byte, 64<<20))
	unknown := stream(t, 256<<20)
	var wide bytes.Buffer
	z, err := zstd.NewWriter(&wide, zstd.WithWindowSize(64<<20))
	must(t, err)
	_, err = z.Write(bytes.Repeat([]byte("0123456789abcdef"), 5<<20))
	must(t, err)
	must(t, z.Close())
	for name, bomb := range map[string][]byte{"with its length": known, "without its length": unknown, "with a wide window": wide.Bytes()} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		res := w.call("POST", syncproto.PathPush, p.answer.AccessToken, bomb, "Content-Encoding", "zstd")
		runtime.ReadMemStats(&after)
		pr := res.want(t, 413, syncproto.BatchTooLarge)
		if pr.Limit != "batch_bytes" || pr.Max != 4<<20 {
			t.Errorf("%s: limit %q, max %d", name, pr.Limit, pr.Max)
		}
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 48<<20 {
			t.Errorf("%s: %d MiB were allocated", name, grown>>20)
		}
		w.call("POST", syncproto.PathBlobPlan, p.answer.AccessToken, bomb, "Content-Encoding", "zstd").want(t, 413, syncproto.BatchTooLarge)
	}
	var gz bytes.Buffer
	g := gzip.NewWriter(&gz)
	_, err = g.Write(make([]byte, 256<<20))
	must(t, err)
	must(t, g.Close())
	w.call("POST", syncproto.PathPush, p.answer.AccessToken, gz.Bytes(), "Content-Encoding", "gzip").want(t, 415, syncproto.EncodingUnsupported)
}

func TestEncodingsAndTypes(t *testing.T) {
	w := newWorld(t)
	p := w.phone(w.installer)
	body := p.cbor(p.batch(p.note(1, "x")))
	for _, enc := range []string{"br", "deflate", "zstd, zstd", "gzip, zstd", "x"} {
		w.call("POST", syncproto.PathPush, p.answer.AccessToken, body, "Content-Encoding", enc).want(t, 415, syncproto.EncodingUnsupported)
	}
	for _, typ := range []string{"", "application/json", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ";;"} {
		w.call("POST", syncproto.PathPush, p.answer.AccessToken, body, "Content-Type", typ).want(t, 415, syncproto.TypeUnsupported)
	}
	for _, path := range []string{syncproto.PathEnrol, syncproto.PathToken, syncproto.PathRepair, syncproto.PathBlobPlan, syncproto.PathBlobCommit} {
		w.call("POST", path, p.answer.AccessToken, []byte("{}"), "Content-Type", "text/plain").want(t, 415, syncproto.TypeUnsupported)
	}
	w.call("POST", syncproto.PathPush, p.answer.AccessToken, []byte("no zstd"), "Content-Encoding", "zstd").want(t, 400, syncproto.BodyInvalid)
	packed := pack(t, body)
	w.call("POST", syncproto.PathPush, p.answer.AccessToken, packed[:len(packed)-3], "Content-Encoding", "zstd").want(t, 400, syncproto.BodyInvalid)
	res := w.call("POST", syncproto.PathPush, p.answer.AccessToken, packed, "Content-Encoding", "zstd", "Content-Type", "application/cbor; charset=binary")
	var ans syncproto.PushAnswer
	res.cbor(t, &ans)
	if ans.Acked != 1 {
		t.Errorf("acked %d", ans.Acked)
	}
}

func TestJSONBodies(t *testing.T) {
	w := newWorld(t)
	p := w.phone(w.installer)
	for _, bad := range []string{"", "[]", "{", `{"blobs":1}`, `{"blobs":[]} {}`, `{"blobs":[]}x`, "null x", "\xff"} {
		w.call("POST", syncproto.PathBlobPlan, p.answer.AccessToken, []byte(bad)).want(t, 400, syncproto.BodyInvalid)
	}
	for _, bad := range []string{`{"code":1}`, `{"device":"x"}`, `{"public_key":"not base64"}`, `{"schema":"x"}`} {
		w.call("POST", syncproto.PathEnrol, "", []byte(bad)).want(t, 400, syncproto.BodyInvalid)
	}
	if res := w.call("POST", syncproto.PathBlobPlan, p.answer.AccessToken, []byte(`{"blobs":[],"later":{"x":[1]}}`)); res.status != 200 {
		t.Errorf("an unknown member: %d", res.status)
	}
	pad := func(n int) []byte {
		return []byte(`{"blobs":[],"x":"` + strings.Repeat("a", n-len(`{"blobs":[],"x":""}`)) + `"}`)
	}
	if res := w.call("POST", syncproto.PathBlobPlan, p.answer.AccessToken, pad(1<<20)); res.status != 200 {
		t.Errorf("a megabyte: %d %s", res.status, res.body)
	}
	pr := w.call("POST", syncproto.PathBlobPlan, p.answer.AccessToken, pad(1<<20+1)).want(t, 413, syncproto.BatchTooLarge)
	if pr.Limit != "json_bytes" || pr.Max != 1<<20 {
		t.Errorf("limit %q %d", pr.Limit, pr.Max)
	}
}

// TestSlowBody: a body that trickles is cut after the grace, and an answer
// says why.
func TestSlowBody(t *testing.T) {
	w := newWorld(t, func(c *api.Config, _ *auth.Config) { c.Limits.BodyGrace = 200 * time.Millisecond })
	p := w.phone(w.installer)
	srv := httptest.NewServer(w.api)
	defer srv.Close()
	for token, want := range map[string]string{p.answer.AccessToken: "HTTP/1.1 400", "wrong": "HTTP/1.1 401"} {
		got := trickle(t, srv.Listener.Addr().String(), token)
		if !strings.HasPrefix(got, want) || want == "HTTP/1.1 400" && !strings.Contains(got, "too slowly") {
			t.Errorf("got %q, want %s", got, want)
		}
	}
}

// trickle sends the beginning of a body and reads until the server hangs up.
func trickle(t *testing.T, addr, token string) string {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	must(t, err)
	defer conn.Close()
	_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/cbor\r\nContent-Length: 100000\r\n\r\nabc", syncproto.PathPush, token)
	must(t, err)
	must(t, conn.SetReadDeadline(time.Now().Add(10*time.Second)))
	got, err := io.ReadAll(bufio.NewReader(conn))
	must(t, err)
	return string(got)
}

// TestRefusedBodyGetsItsAnswer: the caller of a large body sees the refusal,
// not a reset connection.
func TestRefusedBodyGetsItsAnswer(t *testing.T) {
	w := newWorld(t)
	p := w.phone(w.installer)
	srv := httptest.NewServer(w.api)
	defer srv.Close()
	for range 3 {
		conn, err := net.Dial("tcp", srv.Listener.Addr().String())
		must(t, err)
		body := bytes.Repeat([]byte{1}, 15<<20)
		_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/cbor\r\nContent-Length: %d\r\n\r\n", syncproto.PathPush, p.answer.AccessToken, len(body))
		must(t, err)
		_, err = conn.Write(body)
		must(t, err)
		line, err := bufio.NewReader(conn).ReadString('\n')
		must(t, err)
		if !strings.HasPrefix(line, "HTTP/1.1 413") {
			t.Errorf("got %q", line)
		}
		must(t, conn.Close())
	}
}

// pipes is a listener of one connection within this process, so that the test
// owns its time.
type pipes struct {
	conn chan net.Conn
	done chan struct{}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conn:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p pipes) Close() error   { close(p.done); return nil }
func (p pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// TestSteadyBodyMayTakeItsTime: a body that comes at the least rate is taken
// though it takes far longer than the grace; one that stalls is cut.
func TestSteadyBodyMayTakeItsTime(t *testing.T) {
	for name, c := range map[string]struct {
		pause time.Duration
		want  string
	}{"steady": {time.Second, "HTTP/1.1 422"}, "too slow": {5 * time.Second, "HTTP/1.1 400"}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, func(c *api.Config, _ *auth.Config) { c.Limits.BodyGrace, c.Limits.BodyRate = 2*time.Second, 100 })
				p := w.phone(w.installer)
				l := pipes{make(chan net.Conn), make(chan struct{})}
				srv := &http.Server{Handler: w.api}
				go func() { _ = srv.Serve(l) }()
				near, far := net.Pipe()
				l.conn <- far
				var writer sync.WaitGroup
				writer.Go(func() {
					fmt.Fprintf(near, "POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/cbor\r\nContent-Length: 20000\r\n\r\n", syncproto.PathPush, p.answer.AccessToken)
					for range 100 { // 200 bytes a second, or 40
						if _, err := near.Write(make([]byte, 200)); err != nil {
							return
						}
						time.Sleep(c.pause)
					}
				})
				line, err := bufio.NewReader(near).ReadString('\n')
				must(t, err)
				if !strings.HasPrefix(line, c.want) {
					t.Errorf("got %q, want %s", line, c.want)
				}
				must(t, near.Close())
				must(t, srv.Close())
				writer.Wait()
			})
		})
	}
}

func TestRequestIDs(t *testing.T) {
	w := newWorld(t)
	for id, kept := range map[string]bool{
		"0192f0c1-7c3e-4d5a-9b1e-0123456789ab": true, "phone-7": false, strings.Repeat("a", 36): false, strings.Repeat("a", 1<<12): false, "{0192f0c1-7c3e-4d5a-9b1e-0123456789}": false, "a b": false, "a\x1b[31m": false, `{"level":"ERROR"}`: false, "中": false, "": false,
	} {
		res := w.call("GET", "/healthz", "", nil, "X-Request-Id", id)
		if got := res.header.Get("X-Request-Id"); (got == id) != kept || got == "" {
			t.Errorf("%q became %q", id, got)
		}
	}
	for _, line := range strings.Split(strings.TrimSpace(w.log.String()), "\n") {
		if !json.Valid([]byte(line)) {
			t.Errorf("log line %q", line)
		}
	}
}
