package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"siteledger/syncproto"
)

// Errors of the simulated network.
var (
	errCut     = errors.New("simulated: the connection was cut")
	errTimeout = errors.New("simulated: nothing moved for too long")
)

// lateCall is a request that the network will bring once more, days later.
type lateCall struct {
	due   time.Time
	phone *phone
	req   *http.Request
	body  []byte
}

// call is one request of a phone on its way.
type call struct {
	w    *world
	p    *phone
	req  *http.Request
	body []byte
}

// toServer is a phone's network.
func (w *world) toServer(p *phone, r *http.Request) (*http.Response, error) {
	body, err := readAll(r)
	if err != nil {
		return nil, err
	}
	if p.dead {
		return nil, errCut // killed earlier in this round
	}
	c := &call{w: w, p: p, req: r, body: body}
	if r.URL.Host == "storage.sim" {
		return c.storage()
	}
	if auth := r.Header.Get("Authorization"); auth != "" {
		p.token = auth
	}
	var kind string
	if !w.calm && w.rng.Float64() < faultRate(r.URL.Path) {
		kind = w.pick(callKinds(), r.URL.Path)
	}
	w.at = w.at.Add(time.Duration(200+w.rng.IntN(2000)) * time.Millisecond)
	return c.send(kind)
}

// faultRate is how likely a fault is: the steps of a photo's way are few.
func faultRate(path string) float64 {
	if path == pathPlan || path == pathCommit {
		return 0.45
	}
	return 0.34
}

func readAll(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	defer r.Body.Close()
	return io.ReadAll(r.Body)
}

// pick chooses one of the kinds that exist here and fit.
func (w *world) pick(kinds []string, path string) string {
	var can []string
	for _, k := range kinds {
		for range often(k) {
			if w.kinds[k] && fits(k, path) {
				can = append(can, k)
			}
		}
	}
	if len(can) == 0 {
		return ""
	}
	return can[w.rng.IntN(len(can))]
}

// send brings the request to the server and the answer back, or what the kind
// of fault makes of it.
func (c *call) send(kind string) (*http.Response, error) {
	w := c.w
	switch kind {
	case requestLost:
		w.hit(kind)
		return nil, errCut
	case busy:
		w.hit(kind)
		return problem(c.req, 503, "busy", "7"), nil
	case recordFirst:
		w.hit(kind)
		return nil, errCut
	case pushRefused:
		w.hit(kind)
		return problem(c.req, 422, "envelope-invalid", ""), nil
	case captivePortal:
		w.hit(kind)
		return page(c.req, 200, "text/html", "<html>sign in to the Wi-Fi</html>"), nil
	case staleAnswer:
		if c.p.stale == nil {
			break // nothing to answer with yet
		}
		w.hit(kind)
		c.p.lied = true
		res := page(c.req, 200, "application/cbor", string(c.p.stale))
		res.Header.Set("Content-Encoding", c.p.staleForm)
		return res, nil
	case tornRequest:
		if len(c.body) < 2 {
			break
		}
		w.hit(kind)
		c.deliver(c.body[:1+w.rng.IntN(len(c.body)-1)], nil)
		return nil, errCut
	case flippedBit:
		if len(c.body) == 0 {
			break
		}
		w.hit(kind)
		b := bytes.Clone(c.body)
		b[w.rng.IntN(len(b))] ^= 1 << w.rng.IntN(8)
		return c.deliver(b, nil), nil
	case crashBefore, diskFull:
		return c.unserved(kind)
	case phoneKilled:
		w.hit(kind)
		if w.rng.IntN(2) == 0 {
			c.deliver(c.body, nil)
		}
		return nil, c.p.kill()
	case tokenExpired:
		if c.p.aged == w.step {
			break // not twice in a round: no request takes half an hour
		}
		c.p.aged = w.step
		w.hit(kind)
		w.at = w.at.Add(20 * time.Minute)
	case feedMoves:
		w.hit(kind)
		if err := w.officeStep(context.Background()); err != nil {
			w.oracle.fail(err)
		}
	}
	return c.served(kind)
}

// served is a request that reaches the server whole.
func (c *call) served(kind string) (*http.Response, error) {
	w := c.w
	res := c.deliver(c.body, nil)
	switch kind {
	case answerLost, refreshLost:
		w.hit(kind)
		return nil, errCut
	case timeout:
		w.hit(kind)
		w.at = w.at.Add(2 * time.Minute)
		return nil, errTimeout
	case slowAnswer:
		w.hit(kind)
		w.at = w.at.Add(90 * time.Second)
	case duplicateNow:
		w.hit(kind)
		return c.deliver(c.body, nil), nil
	case duplicateLater:
		w.late = append(w.late, lateCall{due: w.at.Add(time.Duration(6+w.rng.IntN(60)) * time.Hour), phone: c.p, req: c.req, body: c.body})
	case tornAnswer:
		w.hit(kind)
		b, err := io.ReadAll(res.Body)
		if err != nil {
			return nil, err
		}
		res.Body = io.NopCloser(io.MultiReader(bytes.NewReader(b[:len(b)/2]), broke{}))
	case crashAfter, serverPower:
		w.hit(kind)
		if err := w.crash(context.Background(), kind == serverPower); err != nil {
			return nil, err
		}
		return nil, errCut
	}
	return res, nil
}

// broke is a body whose connection breaks.
type broke struct{}

func (broke) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// unserved is a request in whose middle the server dies, or has no disk.
func (c *call) unserved(kind string) (*http.Response, error) {
	w, ctx := c.w, context.Background()
	w.hit(kind)
	if kind == diskFull {
		if err := w.node.full(ctx, true); err != nil {
			return nil, err
		}
		res := c.deliver(c.body, nil)
		if err := w.node.full(ctx, false); err != nil {
			return nil, err
		}
		if err := w.oracle.stored(ctx); err != nil {
			return nil, broken("I13", "with a full disk the server went on: %v", err)
		}
		return res, nil
	}
	d := &dying{Context: ctx}
	if c.req.URL.Path == pathCommit {
		d.left = int64(w.rng.IntN(3))
	}
	w.dying = d
	c.deliver(c.body, d)
	w.dying = nil
	if err := w.crash(ctx, w.rng.IntN(3) == 0); err != nil {
		return nil, err
	}
	return nil, errCut
}

// dying is the context of a server that dies in the middle of a request, after
// some calls to its storage: a transaction that is open then, or that would
// begin, never commits.
type dying struct {
	context.Context
	left int64
}

func (d *dying) called() { atomic.AddInt64(&d.left, -1) }

// Err says whether it is dead by now.
func (d *dying) Err() error {
	if atomic.LoadInt64(&d.left) <= 0 {
		return context.Canceled
	}
	return nil
}

// crash ends the server, with its electricity or without, and looks at once
// whether it kept its word.
func (w *world) crash(ctx context.Context, power bool) error {
	var cut func(from, to string) error
	if power {
		cut = w.cutPower
	}
	if err := w.node.crash(ctx, cut); err != nil {
		return err
	}
	w.oracle.fail(w.oracle.stored(ctx))
	return nil
}

// deliver calls the server's handler; the oracle hears both sides.
func (c *call) deliver(body []byte, ctx context.Context) *http.Response {
	if ctx == nil {
		ctx = context.Background()
	}
	r := c.req.Clone(ctx)
	r.Body, r.ContentLength = http.NoBody, 0
	if len(body) > 0 {
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	}
	if c.w.node.beforePacking() && strings.HasPrefix(r.Header.Get("Content-Type"), syncproto.TypePacked) {
		r.Header.Set("Content-Type", "application/vnd.unknown") // which is what it is to that build
		c.w.did["phone push, packed, to an old build"]++
	}
	if c.req.URL.Path == pathPull && c.p.pages > 0 {
		q := r.URL.Query()
		q.Set("limit", c.p.pageText())
		r.URL.RawQuery = q.Encode()
	}
	res := c.w.node.serveAPI(r)
	if c.w.node.beforePacking() {
		res.Header.Del(syncproto.HeaderAcceptPush)
	}
	out, err := io.ReadAll(res.Body)
	if err != nil {
		c.w.oracle.fail(err)
	}
	res.Body = io.NopCloser(bytes.NewReader(out))
	c.w.oracle.heard(c.p, r, body, res, out)
	if c.req.URL.Path == pathPush && res.StatusCode == 200 {
		c.p.stale, c.p.staleForm = out, res.Header.Get("Content-Encoding")
	}
	c.w.tell("  %s %s %s -> %d %s", c.p.name, r.Method, strings.TrimPrefix(c.req.URL.Path, "/v1/"), res.StatusCode, codeOf(res, out))
	return res
}

// storage brings a phone's upload or download to the photo storage.
func (c *call) storage() (*http.Response, error) {
	w := c.w
	kind := ""
	if !w.calm && w.rng.Float64() < 0.3 {
		kind = w.pick(storageKinds(), "")
	}
	if kind != "" {
		w.hit(kind)
	}
	deliver := func(body []byte) *http.Response {
		r := c.req.Clone(context.Background())
		r.Body, r.ContentLength = http.NoBody, 0
		if len(body) > 0 {
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		}
		return w.node.serveStorage(r)
	}
	switch kind {
	case storageDown:
		return nil, errCut
	case storageFails:
		return page(c.req, 500, "application/xml", "<Error><Code>InternalError</Code></Error>"), nil
	case storageWrong:
		if w.rng.IntN(2) == 0 && len(c.body) > 0 {
			res := deliver(c.body)
			return res, w.rot(c.req.URL.Path)
		}
		b := bytes.Clone(c.body)
		if len(b) > 0 {
			b[w.rng.IntN(len(b))] ^= 0x10
		}
		return deliver(b), nil
	case storageLost:
		deliver(c.body)
		return nil, errCut
	}
	res := deliver(c.body)
	w.tell("  %s %s storage -> %d", c.p.name, c.req.Method, res.StatusCode)
	return res, nil
}

// rot changes a byte of an object that is stored, as a bad disk does.
func (w *world) rot(path string) error {
	name := filepath.Join(w.dir, "storage", filepath.FromSlash(path))
	b, err := os.ReadFile(name)
	if err != nil || len(b) == 0 {
		return nil // not stored: the storage had refused it
	}
	b[len(b)/2] ^= 0x20
	return os.WriteFile(name, b, 0o600)
}

// serverToStorage is the server's own way to the photo storage.
func (w *world) serverToStorage(r *http.Request, serve func(*http.Request) *http.Response) (*http.Response, error) {
	kind := ""
	if !w.calm && w.rng.Float64() < 0.15 {
		kind = w.pick(storageKinds(), "")
	}
	if w.dying != nil {
		defer w.dying.called()
	}
	switch kind {
	case "":
		return serve(r), nil
	case storageDown:
		w.hit(kind)
		return nil, errCut
	case storageFails:
		w.hit(kind)
		return page(r, 501, "application/xml", `<?xml version="1.0"?><Error><Code>NotImplemented</Code></Error>`), nil
	case storageLost:
		w.hit(kind)
		serve(r)
		return nil, errCut
	}
	res := serve(r)
	if r.Method != http.MethodGet || res.StatusCode != 200 {
		return res, nil
	}
	w.hit(kind)
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	if len(b) > 0 {
		b[w.rng.IntN(len(b))] ^= 0x04
	}
	res.Body = io.NopCloser(bytes.NewReader(b))
	return res, nil
}

func page(r *http.Request, status int, mediaType, body string) *http.Response {
	return &http.Response{StatusCode: status, Status: http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {mediaType}}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: r}
}

func problem(r *http.Request, status int, code, retry string) *http.Response {
	res := page(r, status, "application/problem+json", `{"title":"simulated","status":`+itoa(status)+`,"code":"`+code+`"}`)
	if retry != "" {
		res.Header.Set("Retry-After", retry)
	}
	return res
}

// bringLate delivers what the network kept for days.
func (w *world) bringLate() {
	var rest []lateCall
	for _, l := range w.late {
		if l.due.After(w.at) && !w.calm {
			rest = append(rest, l)
			continue
		}
		w.hit(duplicateLater)
		req := l.req.Clone(context.Background())
		req.Header.Set("Authorization", l.phone.token)
		(&call{w: w, p: l.phone, req: req}).deliver(l.body, nil)
	}
	w.late = rest
}
