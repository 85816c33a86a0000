package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"siteledger/server/app"
)

func TestAddresses(t *testing.T) {
	for listen, want := range map[string][2]string{
		"127.0.0.1:0":    {"127.0.0.1:0", "127.0.0.1:0"},
		"127.0.0.1:7000": {"127.0.0.1:7000", "127.0.0.1:7003"},
		"[::1]:7000":     {"[::1]:7000", "[::1]:7003"},
	} {
		o := options{listen: listen}
		if got := [2]string{o.address(0), o.address(3)}; got != want {
			t.Errorf("%s: %v, want %v", listen, got, want)
		}
	}
}

func TestBadCalls(t *testing.T) {
	for _, args := range [][]string{{"-listen", "nowhere"}, {"-seed", "x"}, {"stray"}, {"-nonsense"}} {
		if err := run(context.Background(), args, io.Discard, io.Discard); err == nil {
			t.Errorf("%v was accepted", args)
		}
	}
}

// A folder with somebody's real data is never written to.
func TestForeignDataIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, app.DatabaseName)
	if err := os.WriteFile(path, []byte("real data"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := run(context.Background(), []string{"-data", dir}, io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "not the demo's") {
		t.Fatalf("got %v", err)
	}
	if b, err := os.ReadFile(path); err != nil || !bytes.Equal(b, []byte("real data")) {
		t.Errorf("the file was changed: %q, %v", b, err)
	}
}
