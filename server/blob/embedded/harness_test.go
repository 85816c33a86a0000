package embedded

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/signer"
)

const (
	testKey    = "sitekey"
	testSecret = "a secret of the test run"
	testBucket = "photos"
)

// site is a running endpoint over a folder, with a client.
type site struct {
	dir    string
	url    string
	now    *atomic.Int64 // offset to the machine's clock, nanoseconds
	client *minio.Client
	stop   func()
}

func start(t *testing.T, dir string) *site {
	t.Helper()
	offset := &atomic.Int64{}
	s, err := New(Config{
		Dir: dir, AccessKey: testKey, SecretKey: testSecret, Bucket: testBucket, MaxObjectBytes: 64 << 20,
		Now: func() time.Time { return time.Now().Add(time.Duration(offset.Load())) },
	})
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(s)
	c, err := minio.New(strings.TrimPrefix(h.URL, "http://"), &minio.Options{
		Creds: credentials.NewStaticV4(testKey, testSecret, ""), Region: DefaultRegion, MaxRetries: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	stop := sync.OnceFunc(func() { h.Close(); s.Close() })
	t.Cleanup(stop)
	return &site{dir: dir, url: h.URL, now: offset, client: c, stop: stop}
}

func noise(seed uint64, n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), 1})
	_, _ = r.Read(b)
	return b
}

func sum64(b []byte) string {
	s := sha256.Sum256(b)
	return base64.StdEncoding.EncodeToString(s[:])
}

// presign makes an upload URL as the server does for phones.
func (s *site) presign(t *testing.T, key string, body []byte, more http.Header) *http.Request {
	t.Helper()
	h := http.Header{"X-Amz-Checksum-Sha256": {sum64(body)}, "Content-Length": {fmt.Sprint(len(body))}, "If-None-Match": {"*"}}
	for k, v := range more {
		h[k] = v
	}
	u, err := s.client.PresignHeader(context.Background(), http.MethodPut, testBucket, key, 15*time.Minute, nil, h)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequest(http.MethodPut, u.String(), bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = h.Clone()
	r.Header.Del("Content-Length")
	return r
}

// do sends a request and gives status, S3's code and the body.
func do(t *testing.T, r *http.Request) (int, string, []byte) {
	t.Helper()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatalf("%s: %v", r.Method, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var e struct{ Code string }
	_ = xml.Unmarshal(b, &e)
	return resp.StatusCode, e.Code, b
}

func wantStatus(t *testing.T, r *http.Request, status int, code string) {
	t.Helper()
	if got, c, b := do(t, r); got != status || c != code {
		t.Fatalf("%s %s: %d %s, want %d %s\n%s", r.Method, r.URL.Path, got, c, status, code, b)
	}
}

// files are the objects on the disk, and wantNoTemps that nothing else is.
func (s *site) files(t *testing.T) []string {
	t.Helper()
	var names []string
	root := filepath.Join(s.dir, testBucket)
	err := filepath.WalkDir(root, func(p string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			rel, _ := filepath.Rel(root, p)
			names = append(names, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func (s *site) wantNoTemps(t *testing.T) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(s.dir, tempDir))
	if err != nil || len(entries) > 0 {
		t.Fatalf("temp files left: %v %v", entries, err)
	}
}

// signedRequest signs any path by header, even one that no client would send.
func (s *site) signedRequest(t *testing.T, method, path string, body []byte) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, s.url+"/", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if u, err := url.Parse(s.url + path); err == nil {
		r.URL = u
	} else {
		t.Fatal(err)
	}
	sum := sha256.Sum256(body)
	r.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(sum[:]))
	return signer.SignV4(*r, testKey, testSecret, "", DefaultRegion)
}
