package e2e

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/knadh/koanf/parsers/yaml"
	"github.com/prometheus/client_golang/prometheus"

	clientsdk "siteledger/client-sdk"
	"siteledger/server/app"
	"siteledger/server/config"
	"siteledger/server/logline"
	"siteledger/syncproto"
	"siteledger/syncproto/schema"
)

// logbook keeps what a server logs.
type logbook struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// runServer runs a server on a folder until stop is called; set changes its
// settings.
func runServer(t *testing.T, dir string, log io.Writer, set func(*config.Config)) (a *app.App, stop func()) {
	t.Helper()
	cfg := config.Default()
	cfg.Listen, cfg.S3.Listen, cfg.Data = "127.0.0.1:0", "127.0.0.1:0", dir
	cfg.Bootstrap.Centre = "城东客服中心"
	if set != nil {
		set(&cfg)
	}
	a, err := app.New(context.Background(), cfg, logline.New(log, "json", slog.LevelDebug), "test")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := errors.Join(<-done, a.Close()); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	t.Cleanup(stop)
	return a, stop
}

func centreOf(t *testing.T, a *app.App) uuid.UUID {
	t.Helper()
	streams, err := a.Store.Streams(context.Background())
	if err != nil || len(streams) < 2 {
		t.Fatalf("streams: %v, %v", streams, err)
	}
	return streams[1].ID
}

// fetch gets a page and its body.
func fetch(t *testing.T, c *http.Client, address string, headers ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequest("GET", address, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

// balancer sends each request to a server that says it is ready, as a load
// balancer does.
type balancer struct {
	next  http.RoundTripper
	mu    sync.Mutex
	hosts []string // ready ones, the first is used
}

func (b *balancer) use(hosts ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hosts = hosts
}

func (b *balancer) RoundTrip(r *http.Request) (*http.Response, error) {
	b.mu.Lock()
	host := b.hosts[0]
	b.mu.Unlock()
	if r.Host != "" && r.URL.Host != "balancer.test" {
		return b.next.RoundTrip(r) // the photo storage
	}
	r = r.Clone(r.Context())
	r.URL.Host = host
	return b.next.RoundTrip(r)
}

// TestRollingRestart: servers on one store are restarted in turn while phones
// work: /readyz turns away first, no phone sees an error, nothing is lost, and
// event streams come back by themselves.
func TestRollingRestart(t *testing.T) {
	dir := t.TempDir()
	slow := func(c *config.Config) { c.Limits.DrainWait = 300 * time.Millisecond }
	old, stopOld := runServer(t, dir, io.Discard, slow)
	centre := centreOf(t, old)
	b := &balancer{next: http.DefaultTransport.(*http.Transport).Clone()}
	b.use(old.Addr())
	var phones []*clientsdk.Client
	for i := range 4 {
		c, err := clientsdk.Open(clientsdk.Config{Dir: t.TempDir(), Server: "http://balancer.test", HTTP: &http.Client{Transport: b}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		enrol(t, old, c, person(t, old, centre, fmt.Sprintf("李师傅%d", i), schema.Installer))
		phones = append(phones, c)
	}
	working, rest := context.WithCancel(context.Background())
	var rounds, failures atomic.Int64
	var hands sync.WaitGroup
	for i, c := range phones {
		hands.Go(func() {
			for n := 0; working.Err() == nil; n++ {
				if err := note(c, fmt.Sprintf("%d-%d", i, n)); err != nil {
					t.Error(err)
					return
				}
				if _, err := c.Sync(context.Background()); err != nil {
					failures.Add(1)
					t.Errorf("phone %d, round %d: %v", i, n, err)
				}
				rounds.Add(1)
			}
		})
	}
	until := func(n int64) {
		for deadline := time.Now().Add(30 * time.Second); rounds.Load() < n && time.Now().Before(deadline); {
			time.Sleep(5 * time.Millisecond)
		}
	}
	until(8)
	for range 2 {
		fresh, stopFresh := runServer(t, dir, io.Discard, slow)
		gone := make(chan struct{})
		go func() { defer close(gone); stopOld() }()
		waitFor(t, func() bool { code, _ := fetch(t, http.DefaultClient, old.URL()+"/readyz"); return code == 503 })
		b.use(fresh.Addr())
		<-gone
		until(rounds.Load() + 8)
		old, stopOld = fresh, stopFresh
	}
	rest()
	hands.Wait()
	if failures.Load() > 0 || rounds.Load() < 24 {
		t.Errorf("%d of %d rounds failed", failures.Load(), rounds.Load())
	}
	for i, c := range phones {
		if st, err := c.Status(context.Background()); err != nil || st.Pending != 0 {
			t.Errorf("phone %d: %d changes wait, %v", i, st.Pending, err)
		}
	}
}

// note records one thing that needs no job.
func note(c *clientsdk.Client, text string) error {
	return c.Edit(context.Background(), func(e *clientsdk.Edit) error {
		_, err := e.Insert("day_summary", map[string]any{"day": "2026-11-22", "text": text})
		return err
	})
}

func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain")
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// TestBacklogsDrain: far more phones than the server has places for come back
// at once, each with a backlog; some are told to come back, and all of it
// arrives.
func TestBacklogsDrain(t *testing.T) {
	a, _ := runServer(t, t.TempDir(), io.Discard, func(c *config.Config) {
		c.Limits.Pushes, c.Limits.Pulls, c.Limits.Waiting, c.Limits.Patience = 1, 1, 2, 100*time.Millisecond
	})
	centre := centreOf(t, a)
	const count, backlog = 12, 20
	var phones []*clientsdk.Client
	for i := range count {
		c := openPhone(t, t.TempDir(), a.URL())
		enrol(t, a, c, person(t, a, centre, fmt.Sprintf("师傅%d", i), schema.Installer))
		for n := range backlog {
			if err := note(c, strings.Repeat("记", n)); err != nil {
				t.Fatal(err)
			}
		}
		phones = append(phones, c)
	}
	start := make(chan struct{})
	var all sync.WaitGroup
	var told atomic.Int64
	for i, c := range phones {
		all.Go(func() {
			<-start
			for range 200 {
				_, err := c.Sync(context.Background())
				if err == nil {
					return
				}
				if clientsdk.CodeOf(err) != clientsdk.CodeBusy {
					t.Errorf("phone %d: %v", i, err)
					return
				}
				told.Add(1)
			}
			t.Errorf("phone %d did not get its backlog through", i)
		})
	}
	close(start)
	all.Wait()
	for i, c := range phones {
		if st, err := c.Status(context.Background()); err != nil || st.Pending != 0 {
			t.Errorf("phone %d: %d wait, %v", i, st.Pending, err)
		}
	}
	t.Logf("%d phones, %d told to come back", count, told.Load())
}

// TestLogsHoldNoSecrets tells the server tokens, passwords and a customer's
// number in every way it can be told, and reads its whole log.
func TestLogsHoldNoSecrets(t *testing.T) {
	log := &logbook{}
	a, _ := runServer(t, t.TempDir(), log, nil)
	centre := centreOf(t, a)
	installer := person(t, a, centre, "金丝雀师傅", schema.Installer)
	job, contact := newJob(t, a, centre, installer)
	code, _, err := a.Auth.OperatorCode(context.Background(), installer)
	if err != nil {
		t.Fatal(err)
	}
	secrets := &eavesdropper{next: http.DefaultTransport}
	c, err := clientsdk.Open(clientsdk.Config{Dir: t.TempDir(), Server: a.URL(), HTTP: &http.Client{Transport: secrets}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.Enrol(context.Background(), code); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Sync(context.Background()); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Attach(context.Background(), bytes.NewReader(photo(t, 7, 300)), syncproto.PurposePhoto, "image/jpeg"); err != nil {
		t.Fatal(err)
	}
	err = c.Edit(context.Background(), func(e *clientsdk.Edit) error {
		return e.Update("job_contact", contact, map[string]any{"phone": "13912345678"})
	})
	if err == nil {
		_, _ = c.Sync(context.Background()) // held or taken, it must not be logged
	}
	for _, path := range []string{"/v1/sync/pull?cursor=13912345678", "/signin?password=canary-password", "/centre/jobs/" + job.String() + "?q=13912345678", "/centre/13912345678"} {
		fetch(t, http.DefaultClient, a.URL()+path, "Authorization", "Bearer canary-token.eyJhbGciOiJFZERTQSJ9", "Cookie", "siteledger-session=canary-cookie", "User-Agent", "13912345678")
	}
	res, err := http.PostForm(a.URL()+"/signin", url.Values{"login": {"13912345678"}, "password": {"canary-password"}})
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	res, err = http.Post(a.URL()+syncproto.PathEnrol, syncproto.TypeJSON, strings.NewReader(`{"code":"canary-code","model":"13912345678\r\nlevel=ERROR"`))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	text := log.String()
	if strings.Count(text, "\n") < 6 {
		t.Fatalf("the log is too short to say anything:\n%s", text)
	}
	for _, never := range append(secrets.tokens(), code, "13800000000", "13912345678", "canary", "金丝雀", "张𠮷", "X-Amz-Signature", "eyJ", "\x1b") {
		if i := strings.Index(text, never); i >= 0 {
			t.Errorf("the log holds %.12q…: %.300s", never, text[max(0, i-150):])
		}
	}
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		if !strings.HasPrefix(line, `{"time":`) || strings.Count(line, `"level":`) != 1 {
			t.Errorf("log line %q", line)
		}
	}
}

// eavesdropper notes the bearer tokens that pass by.
type eavesdropper struct {
	next http.RoundTripper
	mu   sync.Mutex
	seen map[string]bool
}

func (e *eavesdropper) RoundTrip(r *http.Request) (*http.Response, error) {
	if _, token, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok {
		e.mu.Lock()
		if e.seen == nil {
			e.seen = map[string]bool{}
		}
		e.seen[token] = true
		e.mu.Unlock()
	}
	return e.next.RoundTrip(r)
}

func (e *eavesdropper) tokens() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []string
	for t := range e.seen {
		out = append(out, t, t[strings.LastIndexByte(t, '.')+1:])
	}
	return out
}

// TestRequestIDs: what the phone shows of a failed call is found in the
// server's log.
func TestRequestIDs(t *testing.T) {
	log := &logbook{}
	a, _ := runServer(t, t.TempDir(), log, func(c *config.Config) { c.Limits.MaxJSONBytes = 64 << 10 })
	centre := centreOf(t, a)
	c := openPhone(t, t.TempDir(), a.URL())
	enrol(t, a, c, person(t, a, centre, "李师傅", schema.Installer))
	if err := c.Enrol(context.Background(), "no-such-code"); err == nil {
		t.Fatal("a wrong code was taken")
	} else {
		var e *clientsdk.Error
		if !errors.As(err, &e) || len(e.Request) != 36 || !strings.Contains(log.String(), `"request":"`+e.Request+`"`) {
			t.Errorf("%#v is not in the log", e)
		}
	}
}

// TestTLS: with a certificate of its own the server speaks HTTP/2.
func TestTLS(t *testing.T) {
	cert, key := certFiles(t)
	a, _ := runServer(t, t.TempDir(), io.Discard, func(c *config.Config) { c.TLS.Cert, c.TLS.Key = cert, key })
	text, err := os.ReadFile(cert)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: "localhost"}, ForceAttemptHTTP2: true}}
	res, err := client.Get(a.URL() + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.Proto != "HTTP/2.0" || res.StatusCode != 200 || !strings.HasPrefix(a.URL(), "https://") {
		t.Errorf("%s %d at %s", res.Proto, res.StatusCode, a.URL())
	}
}

// certFiles makes a certificate of its own for localhost.
func certFiles(t *testing.T) (cert, key string) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, about, about, public, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// TestMetricsDoors: with a listener of their own the numbers are there and
// nowhere else; with a token they want it.
func TestMetricsDoors(t *testing.T) {
	a, _ := runServer(t, t.TempDir(), io.Discard, func(c *config.Config) { c.MetricsListen = "127.0.0.1:0" })
	if code, _ := fetch(t, http.DefaultClient, a.URL()+"/metrics"); code != 404 {
		t.Errorf("/metrics beside a listener of its own: %d", code)
	}
	if code, body := fetch(t, http.DefaultClient, "http://"+a.MetricsAddr()+"/metrics"); code != 200 || !strings.Contains(body, "siteledger_disk_free_bytes") {
		t.Errorf("its own listener: %d %.200s", code, body)
	}
	if code, _ := fetch(t, http.DefaultClient, "http://"+a.MetricsAddr()+"/v1/schema"); code != 404 {
		t.Errorf("the metrics' listener serves more: %d", code)
	}
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("0123456789abcdef0123\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	a, _ = runServer(t, t.TempDir(), io.Discard, func(c *config.Config) { c.Metrics, c.MetricsToken = "token", file })
	for header, want := range map[string]int{"": 404, "Bearer wrong": 404, "Basic 0123456789abcdef0123": 404, "Bearer 0123456789abcdef0123": 200} {
		if code, _ := fetch(t, http.DefaultClient, a.URL()+"/metrics", "Authorization", header); code != want {
			t.Errorf("%q: %d, want %d", header, code, want)
		}
	}
}

// TestAlerts: every metric that a rule names is there, every rule has its
// lines in the runbook, and there are few enough to be read.
func TestAlerts(t *testing.T) {
	a, _ := startServer(t, t.TempDir())
	names := describeAll(a.Metrics.Registry)
	docs := filepath.Join("..", "docs")
	text, err := os.ReadFile(filepath.Join(docs, "alerts.yml"))
	if err != nil {
		t.Fatal(err)
	}
	runbook, err := os.ReadFile(filepath.Join(docs, "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := yaml.Parser().Unmarshal(text)
	if err != nil {
		t.Fatal(err)
	}
	rules := 0
	for _, g := range parsed["groups"].([]any) {
		for _, r := range g.(map[string]any)["rules"].([]any) {
			rules++
			rule := r.(map[string]any)
			name, expr := rule["alert"].(string), rule["expr"].(string)
			for _, m := range regexp.MustCompile(`\b(siteledger|go|process)_[a-z_]+`).FindAllString(expr, -1) {
				if !names[m] && !names[regexp.MustCompile(`_(bucket|count|sum)$`).ReplaceAllString(m, "")] {
					t.Errorf("%s: no metric %s", name, m)
				}
			}
			notes, _ := rule["annotations"].(map[string]any)
			if s, _ := notes["summary"].(string); s == "" || notes["runbook"] != "operations.md#"+strings.ToLower(name) {
				t.Errorf("%s: summary or runbook is missing", name)
			}
			if !strings.Contains(string(runbook), "### "+name+"\n") {
				t.Errorf("operations.md does not say what to do about %s", name)
			}
		}
	}
	if rules < 6 || rules > 10 {
		t.Errorf("%d alerts", rules)
	}
	for m := range names {
		if strings.HasPrefix(m, "siteledger_") && !strings.Contains(string(runbook), "`"+m+"`") {
			t.Errorf("operations.md does not explain %s", m)
		}
	}
}

// describeAll gives the names of all metrics of a registry, also of those that
// nothing was counted for yet.
func describeAll(reg *prometheus.Registry) map[string]bool {
	out := map[string]bool{}
	descs := make(chan *prometheus.Desc)
	go func() { reg.Describe(descs); close(descs) }()
	name := regexp.MustCompile(`fqName: "([^"]+)"`)
	for d := range descs {
		out[name.FindStringSubmatch(d.String())[1]] = true
	}
	return out
}

// TestMetricsNameNobody: no label holds an id, and every label has few values.
func TestMetricsNameNobody(t *testing.T) {
	a, centre := startServer(t, t.TempDir())
	installer := person(t, a, centre, "李师傅", schema.Installer)
	newJob(t, a, centre, installer)
	c := openPhone(t, t.TempDir(), a.URL())
	enrol(t, a, c, installer)
	if err := note(c, "x"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Sync(context.Background()); err != nil {
		t.Fatal(err)
	}
	families, err := a.Metrics.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	id := regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}|[^\x20-\x7e]|\d{7}`)
	for _, f := range families {
		if len(f.Metric) > 200 {
			t.Errorf("%s has %d series", f.GetName(), len(f.Metric))
		}
		for _, m := range f.Metric {
			for _, l := range m.Label {
				if id.MatchString(l.GetValue()) {
					t.Errorf("%s{%s=%q}", f.GetName(), l.GetName(), l.GetValue())
				}
			}
		}
	}
}
