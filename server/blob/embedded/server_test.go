package embedded

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
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

func TestGetWholeRangeAndHead(t *testing.T) {
	s := start(t, t.TempDir())
	ctx := context.Background()
	body := noise(7, 200_000)
	wantStatus(t, s.presign(t, "c/get/d", body, nil), 200, "")
	fi, err := s.client.StatObject(ctx, testBucket, "c/get/d", minio.StatObjectOptions{})
	if err != nil || fi.Size != 200_000 {
		t.Fatalf("stat: %+v %v", fi, err)
	}
	obj, err := s.client.GetObject(ctx, testBucket, "c/get/d", minio.GetObjectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer obj.Close()
	part := make([]byte, 100)
	if _, err := obj.ReadAt(part, 150_000); err != nil || !bytes.Equal(part, body[150_000:150_100]) {
		t.Fatalf("range: %v", err)
	}
	if _, err := obj.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(obj); err != nil || !bytes.Equal(got, body) {
		t.Fatalf("whole: %d bytes, %v", len(got), err)
	}
	u, err := s.client.PresignedGetObject(ctx, testBucket, "c/get/d", time.Minute, url.Values{"response-content-type": {"image/jpeg"}, "response-content-disposition": {"attachment"}})
	if err != nil {
		t.Fatal(err)
	}
	r, _ := http.NewRequest(http.MethodGet, u.String(), nil)
	r.Header.Set("Range", "bytes=-10")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != 206 || !bytes.Equal(got, body[199_990:]) {
		t.Fatalf("suffix range: %d, %d bytes", resp.StatusCode, len(got))
	}
	for name, want := range map[string]string{"Content-Type": "image/jpeg", "Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff", "Content-Range": "bytes 199990-199999/200000"} {
		if resp.Header.Get(name) != want {
			t.Errorf("%s: %q, want %q", name, resp.Header.Get(name), want)
		}
	}
	r.Header.Set("Range", "bytes=200000-")
	wantStatus(t, r, 416, "InvalidRange")
	if _, err := s.client.StatObject(ctx, testBucket, "c/none/d", minio.StatObjectOptions{}); minio.ToErrorResponse(err).Code != minio.NoSuchKey {
		t.Fatalf("stat of nothing: %v", err)
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

func TestKeysCanNotLeaveTheFolder(t *testing.T) {
	dir := t.TempDir()
	s := start(t, filepath.Join(dir, "blobs"))
	outside := filepath.Join(dir, "outside")
	if err := os.WriteFile(outside, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{
		"../outside", "../../outside", "a/../../outside", "a/./b", "..%2foutside", "%2e%2e/outside", "%2e%2e%2foutside",
		"a//b", "/etc/passwd", "a/", "a\\b", "A/b", ".tmp/x", "../.tmp/x", "..", ".", "a%00b", "a\n", "照片", "a/b.", "con:", strings.Repeat("a", 600), strings.Repeat("a/", 20) + "a",
	} {
		path := "/" + testBucket + "/" + strings.NewReplacer("\\", "%5C", "\n", "%0A", "照片", "%E7%85%A7%E7%89%87").Replace(key)
		for _, method := range []string{"PUT", "GET", "DELETE"} {
			status, code, body := do(t, s.signedRequest(t, method, path, nil))
			if status < 400 || bytes.Contains(body, []byte("secret")) {
				t.Errorf("%s %q: %d %s", method, key, status, code)
			}
		}
	}
	if b, err := os.ReadFile(outside); err != nil || string(b) != "secret" {
		t.Fatalf("the file outside was touched: %q %v", b, err)
	}
	if f := s.files(t); len(f) > 0 {
		t.Fatalf("published %v", f)
	}
}

func TestSymbolicLinkInTheFolderIsNotFollowed(t *testing.T) {
	dir := t.TempDir()
	s := start(t, filepath.Join(dir, "blobs"))
	if err := os.WriteFile(filepath.Join(dir, "outside"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(dir, "outside"), filepath.Join(s.dir, testBucket, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(dir, filepath.Join(s.dir, testBucket, "dir")); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"link", "dir/outside"} {
		if status, _, body := do(t, s.signedRequest(t, "GET", "/"+testBucket+"/"+key, nil)); status == 200 || bytes.Contains(body, []byte("secret")) {
			t.Errorf("GET %s: %d", key, status)
		}
	}
	if status, _, _ := do(t, s.signedRequest(t, "PUT", "/"+testBucket+"/dir/new", []byte("x"))); status == 200 {
		t.Error("a write went through a link")
	}
}

func TestHalfUnderstoodRequestsAreNotDone(t *testing.T) {
	s := start(t, t.TempDir())
	for _, tc := range []struct{ method, path string }{
		{"PUT", "/photos/c/x?tagging="}, {"PUT", "/photos/c/x?acl="}, {"DELETE", "/photos"}, {"POST", "/photos?delete="},
		{"GET", "/photos/c/x?versionId=1"}, {"GET", "/photos?versioning="}, {"GET", "/photos"}, {"PUT", "/photos/c/x?partNumber=1"}, {"PATCH", "/photos/c/x"},
	} {
		wantStatus(t, s.signedRequest(t, tc.method, tc.path, nil), 501, "NotImplemented")
	}
	wantStatus(t, s.signedRequest(t, "GET", "/other/c/x", nil), 404, "NoSuchBucket")
	if f := s.files(t); len(f) > 0 {
		t.Fatalf("published %v", f)
	}
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

// The client's own streaming signature, multipart included.
func TestClientPutsAndGets(t *testing.T) {
	s := start(t, t.TempDir())
	ctx := context.Background()
	for name, size := range map[string]int{"small": 10, "chunked": 200_000, "multipart": 17 << 20} {
		body := noise(8, size)
		if _, err := s.client.PutObject(ctx, testBucket, "up/"+name, bytes.NewReader(body), int64(size), minio.PutObjectOptions{PartSize: 6 << 20}); err != nil {
			t.Fatalf("put %s: %v", name, err)
		}
		obj, err := s.client.GetObject(ctx, testBucket, "up/"+name, minio.GetObjectOptions{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(obj)
		if err != nil || !bytes.Equal(got, body) {
			t.Fatalf("get %s: %d bytes, %v", name, len(got), err)
		}
	}
	if ok, err := s.client.BucketExists(ctx, testBucket); err != nil || !ok {
		t.Fatalf("bucket: %v %v", ok, err)
	}
	if err := s.client.RemoveObject(ctx, testBucket, "up/small", minio.RemoveObjectOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := s.client.RemoveObject(ctx, testBucket, "up/small", minio.RemoveObjectOptions{}); err != nil {
		t.Fatalf("deleting twice: %v", err)
	}
	s.wantNoTemps(t)
}

func TestListInKeyOrderAndPages(t *testing.T) {
	s := start(t, t.TempDir())
	ctx := context.Background()
	keys := []string{"a-b/x", "a/1", "a/2/deep", "a/3", "ab", "b/1", "b=c/1"}
	for _, k := range keys {
		wantStatus(t, s.signedRequest(t, "PUT", "/photos/"+strings.ReplaceAll(k, "=", "%3D"), []byte(k)), 200, "")
	}
	slices.Sort(keys)
	list := func(o minio.ListObjectsOptions) []string {
		var got []string
		for it := range s.client.ListObjects(ctx, testBucket, o) {
			if it.Err != nil {
				t.Fatal(it.Err)
			}
			got = append(got, it.Key)
		}
		return got
	}
	for name, tc := range map[string]struct {
		o    minio.ListObjectsOptions
		want []string
	}{
		"all":         {minio.ListObjectsOptions{Recursive: true}, keys},
		"pages":       {minio.ListObjectsOptions{Recursive: true, MaxKeys: 2}, keys},
		"prefix":      {minio.ListObjectsOptions{Recursive: true, Prefix: "a/"}, []string{"a/1", "a/2/deep", "a/3"}},
		"half prefix": {minio.ListObjectsOptions{Recursive: true, Prefix: "a"}, []string{"a-b/x", "a/1", "a/2/deep", "a/3", "ab"}},
		"after":       {minio.ListObjectsOptions{Recursive: true, StartAfter: "a/2/deep"}, []string{"a/3", "ab", "b/1", "b=c/1"}},
		"folders":     {minio.ListObjectsOptions{}, []string{"ab", "a-b/", "a/", "b/", "b=c/"}},
		"in folder":   {minio.ListObjectsOptions{Prefix: "a/"}, []string{"a/1", "a/3", "a/2/"}},
		"none":        {minio.ListObjectsOptions{Recursive: true, Prefix: "zz"}, nil},
	} {
		if got := list(tc.o); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
	var folders []string
	for token := ""; ; {
		page, err := (minio.Core{Client: s.client}).ListObjectsV2(testBucket, "", "", token, "/", 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range page.CommonPrefixes {
			folders = append(folders, p.Prefix)
		}
		for _, o := range page.Contents {
			folders = append(folders, o.Key)
		}
		if token = page.NextContinuationToken; !page.IsTruncated {
			break
		}
	}
	slices.Sort(folders) // a page names its folders apart from its keys
	if want := []string{"a-b/", "a/", "ab", "b/", "b=c/"}; !slices.Equal(folders, want) {
		t.Errorf("paged folders: %q, want %q", folders, want)
	}
}

// parted uploads parts by presigned URL, as a phone does.
type parted struct {
	*site
	core minio.Core
	id   string
}

const partedKey = "c/parts/d"

func (s *site) parted(t *testing.T) parted {
	t.Helper()
	core := minio.Core{Client: s.client}
	id, err := core.NewMultipartUpload(context.Background(), testBucket, partedKey, minio.PutObjectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return parted{s, core, id}
}

func (p parted) request(t *testing.T, key string, n int, body []byte) *http.Request {
	t.Helper()
	h := http.Header{"Content-Length": {fmt.Sprint(len(body))}}
	q := url.Values{"partNumber": {fmt.Sprint(n)}, "uploadId": {p.id}}
	u, err := p.client.PresignHeader(context.Background(), http.MethodPut, testBucket, key, time.Minute, q, h)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequest(http.MethodPut, u.String(), bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (p parted) list(t *testing.T) []minio.CompletePart {
	t.Helper()
	res, err := p.core.ListObjectParts(context.Background(), testBucket, partedKey, p.id, 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	var out []minio.CompletePart
	for _, it := range res.ObjectParts {
		out = append(out, minio.CompletePart{PartNumber: it.PartNumber, ETag: strings.Trim(it.ETag, `"`)})
	}
	return out
}

func (p parted) complete(parts []minio.CompletePart) error {
	_, err := p.core.CompleteMultipartUpload(context.Background(), testBucket, partedKey, p.id, parts, minio.PutObjectOptions{})
	return err
}

func TestMultipartSurvivesARestart(t *testing.T) {
	dir := t.TempDir()
	s := start(t, dir)
	p := s.parted(t)
	body := noise(9, 11<<20)
	wantStatus(t, p.request(t, partedKey, 1, noise(10, 5<<20)), 200, "") // to be replaced
	wantStatus(t, p.request(t, partedKey, 1, body[:5<<20]), 200, "")
	s.stop()

	s = start(t, dir)
	p = parted{s, minio.Core{Client: s.client}, p.id}
	want := md5.Sum(body[:5<<20])
	if got := p.list(t); len(got) != 1 || got[0].ETag != hex.EncodeToString(want[:]) {
		t.Fatalf("parts after restart: %v", got)
	}
	wantStatus(t, p.request(t, partedKey, 2, body[5<<20:10<<20]), 200, "")
	wantStatus(t, p.request(t, partedKey, 3, body[10<<20:]), 200, "")
	if err := p.complete(p.list(t)); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(dir, testBucket, partedKey))
	if err != nil || !bytes.Equal(got, body) {
		t.Fatalf("joined: %d bytes, %v", len(got), err)
	}
	if err := p.complete(nil); err == nil {
		t.Fatal("completed twice")
	}
	if left, _ := os.ReadDir(filepath.Join(dir, uploadsDir)); len(left) > 0 {
		t.Fatalf("upload left behind: %v", left)
	}
	s.wantNoTemps(t)
}

func TestPartsAreChecked(t *testing.T) {
	s := start(t, t.TempDir())
	p := s.parted(t)
	small := noise(11, 1000)
	r := p.request(t, partedKey, 1, small)
	r.Header.Set("Content-Md5", base64.StdEncoding.EncodeToString(make([]byte, 16)))
	wantStatus(t, r, 400, "BadDigest")
	wantStatus(t, p.request(t, "c/other/d", 1, small), 404, "NoSuchUpload")
	wantStatus(t, p.request(t, partedKey, 0, small), 400, "InvalidArgument")
	wantStatus(t, p.request(t, partedKey, 10_001, small), 400, "InvalidArgument")
	short := p.request(t, partedKey, 1, small)
	short.Body, short.ContentLength = io.NopCloser(bytes.NewReader(small[:10])), 10
	wantStatus(t, short, 403, "SignatureDoesNotMatch")
	if got := p.list(t); len(got) != 0 {
		t.Fatalf("parts: %v", got)
	}

	wantStatus(t, p.request(t, partedKey, 1, small), 200, "")
	wantStatus(t, p.request(t, partedKey, 2, small), 200, "")
	parts := p.list(t)
	for name, tc := range map[string]struct {
		parts []minio.CompletePart
		code  string
	}{
		"too small": {parts, "EntityTooSmall"},
		"order":     {[]minio.CompletePart{parts[1], parts[0]}, "InvalidPartOrder"},
		"etag":      {[]minio.CompletePart{{PartNumber: 1, ETag: strings.Repeat("0", 32)}}, "InvalidPart"},
		"absent":    {[]minio.CompletePart{{PartNumber: 3, ETag: parts[0].ETag}}, "InvalidPart"},
		"none":      {nil, "MalformedXML"},
	} {
		if err := p.complete(tc.parts); minio.ToErrorResponse(err).Code != tc.code {
			t.Errorf("%s: %v, want %s", name, err, tc.code)
		}
	}
	if f := s.files(t); len(f) > 0 {
		t.Fatalf("published %v", f)
	}
	if err := p.core.AbortMultipartUpload(context.Background(), testBucket, partedKey, p.id); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, p.request(t, partedKey, 1, small), 404, "NoSuchUpload")
}

func TestPartThatWentBadOnTheDiskIsNotJoined(t *testing.T) {
	s := start(t, t.TempDir())
	p := s.parted(t)
	wantStatus(t, p.request(t, partedKey, 1, noise(12, 1000)), 200, "")
	parts := p.list(t)
	name := filepath.Join(s.dir, uploadsDir, p.id, "00001."+parts[0].ETag)
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	b[500] ^= 1
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := p.complete(parts); minio.ToErrorResponse(err).Code != "InvalidPart" {
		t.Fatalf("complete: %v", err)
	}
	if f := s.files(t); len(f) > 0 {
		t.Fatalf("published %v", f)
	}
	if got := p.list(t); len(got) != 0 {
		t.Fatal("the bad part is still offered")
	}
}

func TestOldLeftoversAreSweptAtStart(t *testing.T) {
	dir := t.TempDir()
	s := start(t, dir)
	p := s.parted(t)
	s.stop()
	old, young := filepath.Join(dir, tempDir, "old"), filepath.Join(dir, tempDir, "young")
	for _, f := range []string{old, young} {
		if err := os.WriteFile(f, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	then := time.Now().Add(-2 * staleTemp)
	if err := os.Chtimes(old, then, then); err != nil {
		t.Fatal(err)
	}
	s = start(t, dir)
	if _, err := os.Stat(old); !errors.Is(err, os.ErrNotExist) {
		t.Error("an old temp file is still there")
	}
	if _, err := os.Stat(young); err != nil {
		t.Error("a young temp file may be another's and must stay")
	}
	p = parted{s, minio.Core{Client: s.client}, p.id}
	p.list(t) // a young upload stays
}

func TestBadConfigIsRefused(t *testing.T) {
	good := Config{Dir: t.TempDir(), AccessKey: testKey, SecretKey: testSecret, Bucket: testBucket}
	for name, change := range map[string]func(c *Config){
		"no access key": func(c *Config) { c.AccessKey = "" },
		"short secret":  func(c *Config) { c.SecretKey = "short" },
		"no bucket":     func(c *Config) { c.Bucket = "" },
		"bucket path":   func(c *Config) { c.Bucket = "../x" },
		"hidden bucket": func(c *Config) { c.Bucket = ".tmp" },
	} {
		c := good
		change(&c)
		if s, err := New(c); err == nil {
			s.Close()
			t.Errorf("%s: accepted", name)
		}
	}
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
