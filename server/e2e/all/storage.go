package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"
)

// The second object storage: somebody else's S3 server, which the product must
// work with as with its own endpoint. It is built from its Go module, once, into
// the user's cache, and is no part of this module.
const (
	gatewayModule  = "github.com/versity/versitygw/cmd/versitygw"
	gatewayVersion = "v1.8.0"
)

// storageVariable names a storage to the tests (blobtest.External).
const storageVariable = "SITELEDGER_TEST_S3"

// overStorage are the tests that run over whichever storage is named: what the
// product relies on, the way of a photo on the server, and real phones with
// their faults.
var overStorage = racing{
	packages: []string{"./server/blob/blobtest", "./server/blob", "./server/e2e"},
	tests:    "ExternalStorage|IllStorage|SlowStorage|KilledAtEachPart|TwoPhonesWithOne|BacklogOverABadLine|PreviewIsThere|FormatsAndSizes",
}

// secondStorage runs the tests of photos over the second storage.
func secondStorage(ctx context.Context, t *task, fig *figures) error {
	exe, err := gateway(ctx, t)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "siteledger-s3-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	address, stop, err := startGateway(ctx, exe, dir)
	if err != nil {
		return err
	}
	defer stop()
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, "go", append([]string{"test", "-vet=off", "-ldflags=-w", "-count=1", "-timeout", "10m", "-run", overStorage.tests}, overStorage.packages...)...)
	cmd.Env = append(os.Environ(), storageVariable+"=http://"+gatewayKey+":"+gatewaySecret+"@"+address+"/"+gatewayBucket)
	cmd.Stdout = io.MultiWriter(t.out, fig, &said)
	cmd.Stderr = cmd.Stdout
	if err := t.run(cmd); err != nil {
		return err
	}
	if bytes.Contains(said.Bytes(), []byte("no tests to run")) {
		return errors.New("a package has none of these tests")
	}
	return nil
}

// gateway gives the second storage's program; the first time it is built, which
// takes a few minutes and the Go module proxy.
func gateway(ctx context.Context, t *task) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no folder for the second S3 server: %w", err)
	}
	dir := filepath.Join(cache, "siteledger", "versitygw-"+gatewayVersion)
	exe := filepath.Join(dir, "versitygw")
	if runtime.GOOS == "windows" {
		exe += ".exe"
	}
	if _, err := os.Stat(exe); err == nil {
		return exe, nil
	}
	fmt.Fprintf(t.out, "building %s@%s into %s, once\n", gatewayModule, gatewayVersion, dir)
	cmd := exec.CommandContext(ctx, "go", "install", "-ldflags=-s -w", gatewayModule+"@"+gatewayVersion)
	cmd.Env = append(os.Environ(), "GOBIN="+dir, "CGO_ENABLED=0", "GOFLAGS=")
	if err := t.run(cmd); err != nil {
		return "", fmt.Errorf("the second S3 server can't be installed (%w); it takes the Go module proxy, once:\n\tGOBIN=%s go install %s@%s", err, dir, gatewayModule, gatewayVersion)
	}
	return exe, nil
}

const gatewayKey, gatewaySecret, gatewayBucket = "sitekey", "secret-of-the-test-run", "photos"

// startGateway runs the program over a folder and waits until it answers.
func startGateway(ctx context.Context, exe, dir string) (address string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	address = l.Addr().String()
	objects, facts := filepath.Join(dir, "objects"), filepath.Join(dir, "facts") // no file system has to know attributes
	if err := errors.Join(l.Close(), os.MkdirAll(filepath.Join(objects, gatewayBucket), 0o755), os.Mkdir(facts, 0o755)); err != nil {
		return "", nil, err
	}
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, exe, "--port", address, "--quiet", "--keep-alive", "posix", "--sidecar", facts, objects)
	cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY_ID="+gatewayKey, "ROOT_SECRET_ACCESS_KEY="+gatewaySecret)
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		return "", nil, fmt.Errorf("the second S3 server: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	stop = func() {
		_ = cmd.Process.Kill()
		<-ended
	}
	for deadline := time.Now().Add(20 * time.Second); ; {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			return address, stop, conn.Close()
		}
		select {
		case err := <-ended:
			return "", nil, fmt.Errorf("the second S3 server ended: %w: %s", err, said.Bytes())
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			stop()
			return "", nil, fmt.Errorf("the second S3 server does not answer: %w", err)
		}
	}
}
