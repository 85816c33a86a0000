package api_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"siteledger/server/api"
	"siteledger/server/auth"
	"siteledger/server/ledger"
	"siteledger/syncproto"
)

func TestPush(t *testing.T) {
	w := newWorld(t)
	p := w.phone(w.installer)
	req := p.batch(p.note(1, "一"), p.note(2, "二"))
	var first, again syncproto.PushAnswer
	p.push(req).cbor(t, &first)
	p.push(req).cbor(t, &again)
	if first.Acked != 2 || again.Acked != 2 || hex.EncodeToString(first.Head) != hex.EncodeToString(req.Head) || first.HLC == 0 || first.ServerTime == 0 {
		t.Errorf("answers %+v and %+v", first, again)
	}
	var receipt syncproto.LogReceipt
	must(t, w.keys.VerifyJWS(first.Receipt, &receipt))
	if receipt.Acked != 2 || receipt.Device != p.answer.Device || receipt.Epoch != p.epoch || receipt.History != w.history {
		t.Errorf("receipt %+v", receipt)
	}
}

func TestPushAnswerHasNoNulls(t *testing.T) {
	w := newWorld(t)
	p := w.phone(w.installer)
	var raw map[int]any
	p.push(p.batch(p.note(1, "x"))).cbor(t, &raw)
	for key := 1; key <= 7; key++ {
		if raw[key] == nil {
			t.Errorf("key %d is null or absent", key)
		}
	}
}

func TestPushRefusals(t *testing.T) {
	w := newWorld(t)
	p := w.phone(w.installer)
	good := p.note(1, "x")
	push := func(body []byte) answer {
		return w.call("POST", syncproto.PathPush, p.answer.AccessToken, body)
	}
	many := make([][]byte, 1001)
	for i := range many {
		many[i] = p.note(uint64(i+1), "x")
	}
	pr := push(p.cbor(p.batch(many...))).want(t, 413, syncproto.BatchTooLong)
	if pr.Limit != "batch_changes" || pr.Max != 1000 {
		t.Errorf("limit %q %d", pr.Limit, pr.Max)
	}
	pr = push(p.cbor(p.batch(make([]byte, 64<<10+1)))).want(t, 413, syncproto.ChangeTooLarge)
	if pr.Limit != "change_bytes" || pr.Max != 64<<10 {
		t.Errorf("limit %q %d", pr.Limit, pr.Max)
	}
	big := make([][]byte, 70)
	for i := range big {
		big[i] = make([]byte, 60<<10)
	}
	pr = push(p.cbor(p.batch(big...))).want(t, 413, syncproto.BatchTooLarge)
	if pr.Limit != "batch_bytes" || pr.Max != 4<<20 {
		t.Errorf("limit %q %d", pr.Limit, pr.Max)
	}
	other := w.phone(w.stranger)
	push(other.cbor(other.batch(other.note(1, "x")))).want(t, 403, syncproto.WrongDevice)
	push(other.cbor(other.batch(make([]byte, 64<<10+1)))).want(t, 403, syncproto.WrongDevice) // the device comes before the limits
	for name, body := range map[string][]byte{
		"empty": {}, "noise": []byte("noise"), "an array": {0x80}, "indefinite": {0xbf, 0xff}, "nested": []byte(strings.Repeat("\x81", 10000)),
		"a huge array": {0xa1, 0x05, 0x9b, 0, 0, 0, 1, 0, 0, 0, 0}, "no device": p.cbor(map[int]any{5: [][]byte{good}}), "trailing": append(p.cbor(p.batch(good)), 0),
		"twice": {0xa2, 0x03, 0x01, 0x03, 0x01}, "tagged": append([]byte{0xc1}, p.cbor(p.batch(good))...),
	} {
		res := push(body)
		if name == "a huge array" {
			res.want(t, 413, syncproto.BatchTooLong)
			continue
		}
		res.want(t, 422, syncproto.EnvelopeInvalid)
		if t.Failed() {
			t.Fatal(name)
		}
	}
	tampered := p.batch(good)
	tampered.Wall++
	push(p.cbor(tampered)).want(t, 422, syncproto.SignatureInvalid)
	push(p.cbor(p.batch())).want(t, 422, syncproto.EnvelopeInvalid)
	var ans syncproto.PushAnswer
	push(p.cbor(p.batch(good))).cbor(t, &ans)
	if ans.Acked != 1 {
		t.Errorf("after all that: acked %d", ans.Acked)
	}
}

func TestConflictsSayWhereTheServerStands(t *testing.T) {
	w := newWorld(t)
	p := w.phone(w.installer)
	first := p.batch(p.note(1, "x"))
	var ans syncproto.PushAnswer
	p.push(first).cbor(t, &ans)

	gap := *p
	gap.seq = 7
	pr := gap.push(gap.batch(gap.note(8, "y"))).want(t, 409, syncproto.LogGap)
	if pr.Acked == nil || *pr.Acked != 1 || pr.Head != hex.EncodeToString(ans.Head) || pr.History != w.history.String() {
		t.Errorf("gap: %+v", pr)
	}
	pr = p.push(p.batch(p.note(1, "another"))).want(t, 409, syncproto.LogForked)
	if pr.Common == nil || *pr.Common != 0 || pr.Acked == nil {
		t.Errorf("fork: %+v", pr)
	}
	old := p.batch(p.note(1, "x"))
	id := newID(t)
	old.History = id[:]
	pr = p.push(old).want(t, 409, syncproto.HistoryChanged)
	if pr.History != w.history.String() {
		t.Errorf("history: %+v", pr)
	}
}

func TestRevokedDevicesBytesAreKept(t *testing.T) {
	w := newWorld(t)
	p := w.phone(w.installer)
	must(t, w.auth.RevokeDevice(context.Background(), auth.Operator(), p.answer.Device))
	p.push(p.batch(p.note(1, "x"))).want(t, 403, syncproto.DeviceRevoked)
	w.call("POST", syncproto.PathToken, "", []byte(`{"refresh_token":"`+p.answer.RefreshToken+`"}`)).want(t, 401, syncproto.TokenInvalid)
}

// slowPusher holds every push until it is let go.
type slowPusher struct {
	inside chan struct{}
	letGo  chan struct{}
}

func (s slowPusher) Push(ctx context.Context, dev ledger.Device, _ *syncproto.PushRequest) (*syncproto.PushAnswer, error) {
	s.inside <- struct{}{}
	<-s.letGo
	return &syncproto.PushAnswer{Acked: 1, Head: make([]byte, 32)}, nil
}

func TestPushesOfOneDeviceAreBounded(t *testing.T) {
	slow := slowPusher{inside: make(chan struct{}), letGo: make(chan struct{})}
	w := newWorld(t, func(c *api.Config, _ *auth.Config) {
		c.Pusher = slow
		c.Limits.PushesPerDevice = 1
	})
	p, other := w.phone(w.installer), w.phone(w.installer)
	body := p.cbor(p.batch(p.note(1, "x")))
	results := make(chan answer, 20)
	for range 20 {
		go func() { results <- w.call("POST", syncproto.PathPush, p.answer.AccessToken, body) }()
	}
	<-slow.inside
	for range 18 { // one inside, one waits
		res := <-results
		res.want(t, 429, syncproto.Busy)
		if res.header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	}
	go func() {
		results <- w.call("POST", syncproto.PathPush, other.answer.AccessToken, other.cbor(other.batch(other.note(1, "x"))))
	}()
	<-slow.inside // another device is not in the queue
	close(slow.letGo)
	<-slow.inside
	for range 3 {
		if res := <-results; res.status != 200 {
			t.Errorf("got %d", res.status)
		}
	}
}

func TestParallelPushesOfTheSameBytes(t *testing.T) {
	w := newWorld(t)
	p := w.phone(w.installer)
	body := p.cbor(p.batch(p.note(1, "x"), p.note(2, "y")))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			var ans syncproto.PushAnswer
			w.call("POST", syncproto.PathPush, p.answer.AccessToken, body).cbor(t, &ans)
			if ans.Acked != 2 {
				t.Errorf("acked %d", ans.Acked)
			}
		})
	}
	wg.Wait()
}

type panicPusher struct{}

func (panicPusher) Push(context.Context, ledger.Device, *syncproto.PushRequest) (*syncproto.PushAnswer, error) {
	panic("secret contents")
}

// traceID is a request id of a phone.
const traceID = "0192f0c1-7c3e-4d5a-9b1e-0123456789ab"

func TestPanicsAreInternalErrors(t *testing.T) {
	w := newWorld(t, func(c *api.Config, _ *auth.Config) { c.Pusher = panicPusher{} })
	p := w.phone(w.installer)
	res := w.call("POST", syncproto.PathPush, p.answer.AccessToken, p.cbor(p.batch(p.note(1, "x"))), "X-Request-Id", traceID)
	pr := res.want(t, 500, syncproto.Internal)
	if pr.Request != traceID || strings.Contains(string(res.body), "secret") {
		t.Errorf("answer %s", res.body)
	}
	if log := w.log.String(); !strings.Contains(log, "secret contents") || !strings.Contains(log, traceID) {
		t.Error("the panic is not in the log")
	}
}

func TestMetrics(t *testing.T) {
	w := newWorld(t)
	p := w.phone(w.installer)
	p.push(p.batch(p.note(1, "x"), p.note(2, "y")))
	w.call("GET", "/v1/never/"+strings.Repeat("x", 50), "", nil)
	w.call("BREW", "/healthz", "", nil)
	page := string(w.call("GET", "/metrics", "", nil).body)
	for _, want := range []string{
		`siteledger_pushes_total{code="ok"} 1`, `siteledger_changes_total 2`, `siteledger_event_streams 0`, `siteledger_push_bytes_total{form="plain"}`, `siteledger_push_changes_count 1`,
		`siteledger_request_seconds_count{method="POST",route="/v1/sync/push",status="200"} 1`, `route="none",status="404"`, `method="other"`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s in\n%s", want, page)
		}
	}
	for _, never := range []string{"never", p.answer.Device.String(), "BREW"} {
		if strings.Contains(page, never) {
			t.Errorf("%s is a label", never)
		}
	}
}

func (a answer) want503(tb testing.TB) {
	tb.Helper()
	if a.status != 503 {
		tb.Errorf("%d %s", a.status, a.body)
	}
}

func TestReadiness(t *testing.T) {
	failing := fmt.Errorf("dial secret-host:9000: refused")
	asked, now := 0, time.Now()
	w := newWorld(t, func(c *api.Config, _ *auth.Config) {
		c.Now = func() time.Time { return now }
		c.Checks = []api.Check{
			{Name: "database", Do: func(context.Context) error { asked++; return nil }},
			{Name: "storage", Do: func(context.Context) error { return failing }},
		}
	})
	res := w.call("GET", "/readyz", "", nil)
	if body := string(res.body); res.status != 503 || !strings.Contains(body, `"storage":"failing"`) || !strings.Contains(body, `"database":"ok"`) || strings.Contains(body, "secret") {
		t.Errorf("%d %s", res.status, res.body)
	}
	failing = nil
	for range 20 {
		w.call("GET", "/readyz", "", nil).want503(t)
	}
	if asked != 1 {
		t.Errorf("the parts were asked %d times within a second", asked)
	}
	now = now.Add(time.Second)
	if res := w.call("GET", "/readyz", "", nil); res.status != 200 {
		t.Errorf("%d %s", res.status, res.body)
	}
	must(t, w.api.Close())
	if res := w.call("GET", "/readyz", "", nil); res.status != 503 {
		t.Errorf("while stopping: %d", res.status)
	}
	if res := w.call("GET", "/healthz", "", nil); res.status != 200 {
		t.Errorf("healthz: %d", res.status)
	}
}
