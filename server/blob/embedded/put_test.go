package embedded

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestPresignedPutIsStoredAsAPlainFile(t *testing.T) {
	s := start(t, t.TempDir())
	body := noise(1, 300_000)
	wantStatus(t, s.presign(t, "centre/abc/device", body, nil), 200, "")
	got, err := os.ReadFile(filepath.Join(s.dir, testBucket, "centre", "abc", "device"))
	if err != nil || !bytes.Equal(got, body) {
		t.Fatalf("file on disk: %d bytes, %v", len(got), err)
	}
	s.wantNoTemps(t)
}

func TestWrongUploadsPublishNothing(t *testing.T) {
	body := noise(2, 100_000)
	other := slices.Clone(body)
	other[99_999] ^= 1
	replace := func(b []byte) func(*http.Request) {
		return func(r *http.Request) { r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b)) }
	}
	s := start(t, t.TempDir())
	for _, tc := range []struct {
		name   string
		change func(r *http.Request)
		status int
		code   string
	}{
		{"other bytes", replace(other), 400, "BadDigest"},
		{"shorter", replace(body[:99_999]), 403, "SignatureDoesNotMatch"},
		{"longer", replace(append(slices.Clone(body), 0)), 403, "SignatureDoesNotMatch"},
		{"other hash", func(r *http.Request) { r.Header.Set("X-Amz-Checksum-Sha256", sum64(other)) }, 403, "SignatureDoesNotMatch"},
		{"no hash", func(r *http.Request) { r.Header.Del("X-Amz-Checksum-Sha256") }, 403, "SignatureDoesNotMatch"},
		{"no condition", func(r *http.Request) { r.Header.Del("If-None-Match") }, 403, "SignatureDoesNotMatch"},
		{"metadata added", func(r *http.Request) { r.Header.Set("X-Amz-Meta-A", "b") }, 403, "AccessDenied"},
		{"wrong MD5 added", func(r *http.Request) {
			r.Header.Set("Content-Md5", base64.StdEncoding.EncodeToString(make([]byte, 16)))
		}, 400, "BadDigest"},
		{"no length", func(r *http.Request) { r.ContentLength = -1 }, 403, "SignatureDoesNotMatch"},
		{"other key", func(r *http.Request) { r.URL.Path += "x" }, 403, "SignatureDoesNotMatch"},
		{"signature off by one", func(r *http.Request) {
			q := r.URL.Query()
			sig := []byte(q.Get("X-Amz-Signature"))
			sig[0] ^= 1
			q.Set("X-Amz-Signature", string(sig))
			r.URL.RawQuery = q.Encode()
		}, 403, "SignatureDoesNotMatch"},
		{"signature dropped", func(r *http.Request) { r.URL.RawQuery = ""; r.Header.Del("X-Amz-Checksum-Sha256") }, 403, "AccessDenied"},
	} {
		r := s.presign(t, "c/wrong/d", body, nil)
		tc.change(r)
		status, code, _ := do(t, r)
		if status != tc.status || code != tc.code {
			t.Errorf("%s: %d %s, want %d %s", tc.name, status, code, tc.status, tc.code)
		}
		if f := s.files(t); len(f) > 0 {
			t.Fatalf("%s: published %v", tc.name, f)
		}
	}
	s.wantNoTemps(t)
}

func TestExpiredURLIsRefused(t *testing.T) {
	s := start(t, t.TempDir())
	body := noise(3, 1000)
	s.now.Store(int64(15*time.Minute - 5*time.Second))
	wantStatus(t, s.presign(t, "c/in-time/d", body, nil), 200, "")
	late := s.presign(t, "c/late/d", body, nil)
	s.now.Store(int64(15*time.Minute + 5*time.Second))
	wantStatus(t, late, 403, "AccessDenied")
}

func TestSecondWriteIsRefusedAndTheFirstStands(t *testing.T) {
	s := start(t, t.TempDir())
	first := noise(4, 50_000)
	wantStatus(t, s.presign(t, "c/once/d", first, nil), 200, "")
	wantStatus(t, s.presign(t, "c/once/d", first, nil), 412, "PreconditionFailed")
	wantStatus(t, s.presign(t, "c/once/d", noise(5, 50_000), nil), 412, "PreconditionFailed")
	got, err := os.ReadFile(filepath.Join(s.dir, testBucket, "c/once/d"))
	if err != nil || !bytes.Equal(got, first) {
		t.Fatal("the first write did not stand")
	}
}

func TestOnlyOneOfManyConcurrentWritesWins(t *testing.T) {
	s := start(t, t.TempDir())
	var won atomic.Int32
	var wg sync.WaitGroup
	for i := range 16 {
		r := s.presign(t, "c/race/d", noise(uint64(i), 60_000), nil)
		wg.Go(func() {
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				return // refused before its body was read
			}
			resp.Body.Close()
			if resp.StatusCode == 200 {
				won.Add(1)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Fatalf("%d writers were told 200, want 1", won.Load())
	}
	s.wantNoTemps(t)
}

func TestConnectionCutInMidPutPublishesNothing(t *testing.T) {
	s := start(t, t.TempDir())
	body := noise(6, 400_000)
	for _, sent := range []int{0, 1, 200_000, 399_999} {
		r := s.presign(t, "c/cut/d", body, nil)
		conn, err := net.Dial("tcp", r.URL.Host)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "PUT %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\nX-Amz-Checksum-Sha256: %s\r\nIf-None-Match: *\r\n\r\n",
			r.URL.RequestURI(), r.URL.Host, len(body), sum64(body))
		_, _ = conn.Write(body[:sent])
		conn.(*net.TCPConn).CloseWrite()
		_, _ = io.Copy(io.Discard, conn) // the server has given up when this ends
		conn.Close()
		if f := s.files(t); len(f) > 0 {
			t.Fatalf("cut after %d bytes: published %v", sent, f)
		}
	}
	s.wantNoTemps(t)
	wantStatus(t, s.presign(t, "c/cut/d", body, nil), 200, "")
}

func TestHeaderSignedBodyMustMatch(t *testing.T) {
	s := start(t, t.TempDir())
	r := s.signedRequest(t, "PUT", "/photos/c/x", []byte("hello"))
	r.Body = io.NopCloser(strings.NewReader("hallo"))
	wantStatus(t, r, 400, "XAmzContentSHA256Mismatch")
	if f := s.files(t); len(f) > 0 {
		t.Fatalf("published %v", f)
	}
	wantStatus(t, s.signedRequest(t, "PUT", "/photos/c/x", []byte("hello")), 200, "")
}

func TestTooLargeIsRefusedBeforeItIsRead(t *testing.T) {
	s := start(t, t.TempDir())
	r := s.signedRequest(t, "PUT", "/photos/c/x", nil)
	conn, err := net.Dial("tcp", r.URL.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "PUT /photos/c/x HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\nExpect: 100-continue\r\nAuthorization: %s\r\nX-Amz-Date: %s\r\nX-Amz-Content-Sha256: %s\r\n\r\n",
		r.URL.Host, 65<<20, r.Header.Get("Authorization"), r.Header.Get("X-Amz-Date"), r.Header.Get("X-Amz-Content-Sha256"))
	line := make([]byte, 12)
	if _, err := io.ReadFull(conn, line); err != nil || string(line) != "HTTP/1.1 413" {
		t.Fatalf("%q %v", line, err)
	}
}
