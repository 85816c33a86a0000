package app_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"siteledger/server/app"
	"siteledger/server/config"
	"siteledger/server/fault"
)

func start(t *testing.T, dir string) *app.App {
	t.Helper()
	cfg := config.Default()
	cfg.Listen, cfg.S3.Listen, cfg.Data = "127.0.0.1:0", "127.0.0.1:0", dir
	cfg.Bootstrap.Centre = "城东客服中心"
	a, err := app.New(context.Background(), cfg, slog.New(slog.DiscardHandler), "test")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
		if err := a.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return a
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	c := &http.Client{Timeout: 10 * time.Second}
	res, err := c.Get(url)
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

func TestServerAnswersEverywhere(t *testing.T) {
	a := start(t, t.TempDir())
	if a.First == nil || a.First.Password == "" {
		t.Fatal("the first start printed no administrator")
	}
	for path, want := range map[string]string{"/healthz": "", "/readyz": "", "/openapi.json": "openapi", "/v1/schema": `"job_contact"`, "/signin": "<form", "/metrics": "go_goroutines"} {
		status, body := get(t, a.URL()+path)
		if status != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: %d, %.80q", path, status, body)
		}
	}
	if status, _ := get(t, a.URL()+"/v1/sync/pull"); status != 401 {
		t.Errorf("pull without a token: %d", status)
	}
}

func TestSecondStartMakesNothingNew(t *testing.T) {
	dir := t.TempDir()
	t.Run("first", func(t *testing.T) { start(t, dir) })
	t.Run("second", func(t *testing.T) {
		if a := start(t, dir); a.First != nil {
			t.Error("a second administrator was made")
		}
	})
}

// TestAnotherServersKey: a data folder whose keys/ is not the one that wrote
// the database is refused before anybody is served, and works with its own.
func TestAnotherServersKey(t *testing.T) {
	dir := t.TempDir()
	cfg := config.Default()
	cfg.Listen, cfg.S3.Listen, cfg.Data = "127.0.0.1:0", "127.0.0.1:0", dir
	open := func() error {
		a, err := app.New(context.Background(), cfg, slog.New(slog.DiscardHandler), "test")
		if err != nil {
			return err
		}
		return a.Close()
	}
	if err := open(); err != nil {
		t.Fatal(err)
	}
	keys, kept := filepath.Join(dir, "keys"), filepath.Join(dir, "kept")
	if err := os.Rename(keys, kept); err != nil {
		t.Fatal(err)
	}
	var f *fault.Error
	if err := open(); !errors.As(err, &f) || f.Hint == "" || !strings.Contains(f.Error(), "keys/") {
		t.Errorf("with a key of its own: %v", err)
	}
	if err := errors.Join(os.RemoveAll(keys), os.Rename(kept, keys)); err != nil {
		t.Fatal(err)
	}
	if err := open(); err != nil {
		t.Errorf("with its own key again: %v", err)
	}
}

// TestStopsBesideASilentConnection: somebody has connected to the photo storage
// and says nothing, as clients do that open one connection too many. The server
// ends without a fault all the same.
func TestStopsBesideASilentConnection(t *testing.T) {
	cfg := config.Default()
	cfg.Listen, cfg.S3.Listen, cfg.Data = "127.0.0.1:0", freePort(t), t.TempDir()
	a, err := app.New(context.Background(), cfg, slog.New(slog.DiscardHandler), "test")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	get(t, a.URL()+"/readyz") // storage and all
	silent, err := net.Dial("tcp", cfg.S3.Listen)
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	cancel()
	if err := <-done; err != nil {
		t.Errorf("run: %v", err)
	}
	if err := a.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
