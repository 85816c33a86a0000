package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"
	"time"
)

// start runs the program until stop is called and gives its first line.
func start(t *testing.T, args ...string) (line map[string]string, stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := run(ctx, append(args, "-json"), w, io.Discard)
		_ = w.CloseWithError(io.EOF)
		done <- err
	}()
	t.Cleanup(cancel)
	b, err := bufio.NewReader(r).ReadBytes('\n')
	if err != nil {
		t.Fatalf("no first line: %v, %v", err, <-done)
	}
	if err := json.Unmarshal(b, &line); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	return line, func() error {
		cancel()
		select {
		case err := <-done:
			return err
		case <-time.After(20 * time.Second):
			t.Fatal("does not stop")
			return nil
		}
	}
}

func TestRunsWithoutNetworkAndStopsCleanly(t *testing.T) {
	dir := t.TempDir()
	const nowhere = "http://127.0.0.1:9" // the discard port: nobody answers
	line, stop := start(t, "-data", dir, "-server", nowhere)
	if !strings.HasPrefix(line["url"], "http://127.0.0.1:") || !strings.Contains(line["url"], "/?t=") || line["data"] != dir {
		t.Fatalf("first line %v", line)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	web := &http.Client{Jar: jar, Timeout: 10 * time.Second}
	res, err := web.Get(line["url"])
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err != nil || res.StatusCode != http.StatusOK || !strings.Contains(string(body), "登记这台手机") || !strings.Contains(string(body), nowhere) {
		t.Fatalf("status %d, %v\n%s", res.StatusCode, err, body)
	}
	if err := stop(); err != nil {
		t.Fatalf("stop: %v", err)
	}
	first := line["url"]
	line, stop = start(t, "-data", dir, "-lang", "en") // the server is remembered
	if line["url"] == first {
		t.Error("two launches have one token")
	}
	if err := stop(); err != nil {
		t.Fatalf("stop: %v", err)
	}
}

func TestRefusedFlags(t *testing.T) {
	for name, args := range map[string][]string{
		"no server":       {"-data", t.TempDir()},
		"open to all":     {"-data", t.TempDir(), "-server", "http://127.0.0.1:9", "-listen", "0.0.0.0:0"},
		"all by no name":  {"-data", t.TempDir(), "-server", "http://127.0.0.1:9", "-listen", ":8080"},
		"unknown tongue":  {"-data", t.TempDir(), "-server", "http://127.0.0.1:9", "-lang", "de"},
		"stray word":      {"-data", t.TempDir(), "-server", "http://127.0.0.1:9", "now"},
		"no server's URL": {"-data", t.TempDir(), "-server", "not a url"},
		"code, no server": {"-data", t.TempDir(), "-server", "http://127.0.0.1:9", "-code", "ABC"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			defer cancel()
			if err := run(ctx, args, io.Discard, io.Discard); err == nil {
				t.Fatal("it ran")
			}
		})
	}
}
