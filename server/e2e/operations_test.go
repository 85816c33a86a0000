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
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	clientsdk "siteledger/client-sdk"
	"siteledger/server/app"
	"siteledger/server/config"
	"siteledger/server/logline"
	"siteledger/server/store/storetest"
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

// onTurn lets a server keep its records in the engine whose turn it is. Servers
// on one folder share a database.
func onTurn(t *testing.T, cfg *config.Config) {
	t.Helper()
	if storetest.Turn() != "postgres" {
		return
	}
	name := filepath.Join(cfg.Data, "database-of-the-test")
	url, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		url = []byte(storetest.Postgres(t).URL)
		err = errors.Join(os.MkdirAll(cfg.Data, 0o700), os.WriteFile(name, url, 0o600))
	}
	if err != nil {
		t.Fatal(err)
	}
	cfg.Database.URL = string(url)
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
	onTurn(t, &cfg)
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
