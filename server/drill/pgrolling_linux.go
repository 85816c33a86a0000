package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	clientsdk "siteledger/client-sdk"
	"siteledger/syncproto"
)

// balancer is a load balancer of the plainest kind: each request to the next
// server of those whose /readyz said 200 when it was last asked. It tries
// nothing twice.
type balancer struct {
	listener net.Listener
	server   *http.Server
	stop     context.CancelFunc

	mu    sync.Mutex
	urls  []string
	ready []string
	turn  int
}

// looksEvery is how often the balancer asks; servers leave for longer.
const looksEvery = 40 * time.Millisecond

const leaveFor = 10 * looksEvery

func newBalancer(ctx context.Context) (*balancer, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	b := &balancer{listener: l, stop: stop}
	proxy := &httputil.ReverseProxy{FlushInterval: -1, Rewrite: func(r *httputil.ProxyRequest) {
		to, err := url.Parse(b.next())
		if err == nil {
			r.SetURL(to)
			r.SetXForwarded()
		}
	}, Transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 8}, ErrorLog: log.New(io.Discard, "", 0), ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
		http.Error(w, err.Error(), http.StatusBadGateway)
	}}
	b.server = &http.Server{Handler: proxy, ReadHeaderTimeout: patience}
	go func() { _ = b.server.Serve(l) }()
	go b.watch(ctx)
	return b, nil
}

func (b *balancer) close() {
	b.stop()
	_ = b.server.Close()
}

func (b *balancer) url() string { return "http://" + b.listener.Addr().String() }

func (b *balancer) next() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.ready) == 0 {
		return ""
	}
	b.turn++
	return b.ready[b.turn%len(b.ready)]
}

func (b *balancer) watch(ctx context.Context) {
	for ctx.Err() == nil {
		b.look(ctx)
		select {
		case <-ctx.Done():
		case <-time.After(looksEvery):
		}
	}
}

func (b *balancer) look(ctx context.Context) {
	b.mu.Lock()
	urls := slices.Clone(b.urls)
	b.mu.Unlock()
	well := make([]bool, len(urls))
	var asked sync.WaitGroup
	for i, u := range urls {
		asked.Go(func() {
			status, _, err := call(ctx, http.MethodGet, u+"/readyz", "", nil, "")
			well[i] = err == nil && status == http.StatusOK
		})
	}
	asked.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ready = nil
	for i, u := range urls {
		if well[i] {
			b.ready = append(b.ready, u)
		}
	}
}

func (b *balancer) set(urls ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.urls = urls
}

// watcher counts what a phone sees of the servers.
type watcher struct {
	next http.RoundTripper

	mu     sync.Mutex
	calls  int
	later  int
	faults []string
}

// RoundTrip implements [http.RoundTripper].
func (w *watcher) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := w.next.RoundTrip(r)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls++
	switch {
	case r.Context().Err() != nil:
	case err != nil:
		w.faults = append(w.faults, fmt.Sprintf("%s: %v", r.URL.Path, err))
	case res.StatusCode == http.StatusServiceUnavailable && res.Header.Get("Retry-After") != "":
		w.later++
	case res.StatusCode >= 400:
		w.faults = append(w.faults, fmt.Sprintf("%s: %d", r.URL.Path, res.StatusCode))
	}
	return res, err
}

// pgRolling restarts three servers on one database in turn, while real phones
// and bare devices work through a load balancer: none may see an error.
func (b *bench) pgRolling(ctx context.Context, t *tally, rounds int) error {
	r := b.random(t.name)
	h, err := b.newHouse(ctx, nil)
	if err != nil {
		return err
	}
	defer h.close()
	proxy, err := newBalancer(ctx)
	if err != nil {
		return err
	}
	defer proxy.close()
	setting := "SITELEDGER_LIMITS_DRAIN_WAIT=" + leaveFor.String()
	var servers []*server
	for range 3 {
		s, err := h.serve(ctx, setting)
		if err != nil {
			return err
		}
		servers = append(servers, s)
	}
	proxy.set(urlsOf(servers)...)
	proxy.look(ctx)
	seen := &watcher{next: &route{next: &http.Transport{MaxIdleConnsPerHost: 8}, host: func() (string, error) { return hostOf(proxy.url()), nil }}}
	crew, err := h.crew(ctx, seen, 3)
	if err != nil {
		return err
	}
	logs := b.fresh()
	c := gather(ctx, logs, r, 6, always(proxy.url()))
	defer c.stop()
	for at := range 3 * rounds {
		if !c.until(ctx, 20, t) {
			break
		}
		if err := servers[at%3].terminate(); err != nil {
			t.find("a server did not end well: %v", err)
		}
		t.kills++
		s, err := h.serve(ctx, setting)
		if err != nil {
			t.find("restart: %v", err)
			break
		}
		t.restarted(s.ready)
		servers[at%3] = s
		proxy.set(urlsOf(servers)...)
	}
	c.until(ctx, 20, t)
	c.end(t)
	names := crew.end(ctx, t)
	if c.broken > 0 {
		t.find("%d pushes had no answer", c.broken)
	}
	for _, f := range seen.faults {
		t.find("a phone saw %s", f)
	}
	t.note("%d calls of phones and %d pushes of devices without an error; %d told to come back; longest time without an acknowledgement %d ms", seen.calls, c.acks, seen.later+c.later, c.gap.Milliseconds())
	t.count(logs, nil)
	t.acked += rowsOfEdit * len(names)
	h.expect(ctx, names, t)
	if err := h.pokes(ctx, servers, logs, t); err != nil {
		return err
	}
	err = h.check(ctx, logs, t)
	h.verify(ctx, t)
	return err
}

func urlsOf(servers []*server) []string {
	var out []string
	for _, s := range servers {
		out = append(out, s.url)
	}
	return out
}

// crew is real phones that record and sync by themselves.
type crew struct {
	phones []*clientsdk.Client
	stop   context.CancelFunc
	all    sync.WaitGroup

	mu    sync.Mutex
	names []string
	errs  []error
}

func (h *house) crew(ctx context.Context, net http.RoundTripper, n int) (*crew, error) {
	c := &crew{}
	for range n {
		p, err := h.phone(ctx, net)
		if err != nil {
			return nil, err
		}
		c.phones = append(c.phones, p)
	}
	ctx, c.stop = context.WithCancel(ctx)
	for _, p := range c.phones {
		c.all.Go(func() { _ = p.Run(ctx) }) // ends with ctx
		c.all.Go(func() { c.record(ctx, p) })
	}
	return c, nil
}

func (c *crew) record(ctx context.Context, p *clientsdk.Client) {
	for ctx.Err() == nil {
		name := uuid.NewString()
		err := edit(context.WithoutCancel(ctx), p, name)
		c.mu.Lock()
		if err != nil {
			c.errs = append(c.errs, err)
		} else {
			c.names = append(c.names, name)
		}
		c.mu.Unlock()
		select {
		case <-ctx.Done():
		case <-time.After(30 * time.Millisecond):
		}
	}
}

// end stops the phones, lets each bring in what it has, and gives the names of
// all that they recorded.
func (c *crew) end(ctx context.Context, t *tally) []string {
	c.stop()
	c.all.Wait()
	for _, p := range c.phones {
		if err := errors.Join(drained(ctx, p), p.Check(ctx)); err != nil {
			t.find("a phone: %v", err)
		}
	}
	for _, err := range c.errs {
		t.find("a phone: %v", err)
	}
	return c.names
}

// pokes measures how soon a phone at one server hears of a push at another,
// also after the connection that hears it was cut.
func (h *house) pokes(ctx context.Context, servers []*server, logs []*device, t *tally) error {
	ctx, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	heard, err := subscribe(ctx, servers[1].url, logs[1].token)
	if err != nil {
		return err
	}
	var took []time.Duration
	for range 20 {
		d, ok, err := pokeOnce(ctx, servers[0].url, logs[0], heard, 2*time.Second)
		if err != nil {
			return err
		}
		if !ok {
			t.find("no poke came within 2 s")
			return nil
		}
		took = append(took, d)
	}
	slices.Sort(took)
	t.note("a push at one server is heard of at another within %d ms of its answer (median), %d ms (at most)", took[len(took)/2].Milliseconds(), took[len(took)-1].Milliseconds())
	cut, err := look[int](ctx, h.pg, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE 'LISTEN %'")
	if err != nil {
		return err
	}
	t.links += cut
	if cut < len(servers) {
		t.find("%d of %d servers listen", cut, len(servers))
	}
	started := time.Now()
	if _, ok, err := pokeOnce(ctx, servers[0].url, logs[0], heard, 5*time.Second); err != nil {
		return err
	} else if !ok {
		t.find("no poke came within 5 s after the listening connections were cut")
	}
	t.note("after the listening connections were cut, within %d ms", time.Since(started).Milliseconds())
	return nil
}

// pokeOnce pushes and waits for a poke.
func pokeOnce(ctx context.Context, url string, d *device, heard <-chan time.Time, most time.Duration) (time.Duration, bool, error) {
	for len(heard) > 0 {
		<-heard
	}
	if err := d.record(1); err != nil {
		return 0, false, err
	}
	if _, err := d.push(ctx, url, d.acked+1, uint64(len(d.log))); err != nil {
		return 0, false, err
	}
	started := time.Now()
	select {
	case at := <-heard:
		return max(0, at.Sub(started)), true, nil
	case <-time.After(most):
		return 0, false, nil
	}
}

// subscribe opens an event stream and says when pokes come.
func subscribe(ctx context.Context, url, token string) (<-chan time.Time, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+syncproto.PathEvents, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		res.Body.Close()
		return nil, fmt.Errorf("events: %d", res.StatusCode)
	}
	heard, first := make(chan time.Time, 64), make(chan struct{})
	go func() {
		defer res.Body.Close()
		once := sync.OnceFunc(func() { close(first) })
		defer once()
		for s := bufio.NewScanner(res.Body); s.Scan(); {
			once()
			if strings.HasPrefix(s.Text(), "event: poke") {
				select {
				case heard <- time.Now():
				default:
				}
			}
		}
	}()
	<-first
	return heard, nil
}
