package e2e

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// front is what stands before the storage: it passes everything on unchanged,
// counts, and can be ill.
type front struct {
	url  string
	next http.Handler
	ill  atomic.Pointer[illness]

	mu    sync.Mutex
	parts map[string]int // parts and objects that were written, by key and number
	sent  int64          // bytes of uploads that came in, whole or not
	watch func(part string, body io.ReadCloser) io.ReadCloser
}

// illness answers instead of the storage behind it.
type illness func(next http.Handler, w http.ResponseWriter, r *http.Request)

func newFront(t *testing.T, target string) *front {
	t.Helper()
	to, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	f := &front{parts: map[string]int{}}
	f.next = &httputil.ReverseProxy{
		Rewrite:  func(r *httputil.ProxyRequest) { r.SetURL(to); r.Out.Host = r.In.Host }, // the signature covers the host
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), FlushInterval: -1,
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	web := httptest.NewUnstartedServer(f)
	web.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	web.Start()
	t.Cleanup(web.Close)
	f.url = web.URL
	return f
}

// upload says whether a request is a phone's: a PUT by a presigned URL.
func upload(r *http.Request) bool {
	return r.Method == http.MethodPut && r.URL.Query().Has("X-Amz-Signature")
}

// ServeHTTP implements [http.Handler].
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	part := strings.SplitN(strings.TrimPrefix(r.URL.Path, "/"), "/", 2)[1]
	if n := r.URL.Query().Get("partNumber"); n != "" {
		part += "#" + n
	}
	if upload(r) {
		f.mu.Lock()
		watch := f.watch
		f.mu.Unlock()
		r.Body = &counted{r.Body, f}
		if watch != nil {
			r.Body = watch(part, r.Body)
		}
		said := &answered{ResponseWriter: w}
		defer func() {
			if said.status == http.StatusOK && f.ill.Load() == nil {
				f.mu.Lock()
				f.parts[part]++
				f.mu.Unlock()
			}
		}()
		w = said
	}
	if ill := f.ill.Load(); ill != nil {
		(*ill)(f.next, w, r)
		return
	}
	f.next.ServeHTTP(w, r)
}

func (f *front) stored() map[string]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := map[string]int{}
	for k, n := range f.parts {
		out[k] = n
	}
	return out
}

func (f *front) came() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.sent
}

type counted struct {
	io.ReadCloser
	f *front
}

// Read implements [io.Reader].
func (c *counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.f.mu.Lock()
	c.f.sent += int64(n)
	c.f.mu.Unlock()
	return n, err
}

type answered struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements [http.ResponseWriter].
func (a *answered) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

// Unwrap lets the proxy flush.
func (a *answered) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// meter counts what a phone sends, on all of its connections, headers and all,
// and can break them.
type meter struct {
	sent  atomic.Int64
	mu    sync.Mutex
	drops int
	after func() int64 // bytes after which a new connection breaks; nil for never
}

func (m *meter) transport() *http.Transport {
	return &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		c := &meteredConn{Conn: conn, m: m, left: -1}
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.after != nil {
			c.left = m.after()
		}
		return c, nil
	}}
}

type meteredConn struct {
	net.Conn
	m    *meter
	left int64 // -1: never breaks
}

// Write implements [net.Conn].
func (c *meteredConn) Write(p []byte) (int, error) {
	if c.left >= 0 && int64(len(p)) > c.left {
		n, _ := c.Conn.Write(p[:c.left])
		c.m.sent.Add(int64(n))
		c.left = 0
		c.m.mu.Lock()
		c.m.drops++
		c.m.mu.Unlock()
		if tcp, ok := c.Conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = c.Conn.Close()
		return n, net.ErrClosed
	}
	n, err := c.Conn.Write(p)
	c.m.sent.Add(int64(n))
	if c.left >= 0 {
		c.left -= int64(n)
	}
	return n, err
}
