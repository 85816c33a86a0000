// Package blobtest judges an object storage: what the server relies on when it
// hands presigned URLs to phones, as tests that run against any S3. The
// embedded endpoint is judged by them always, another one where the test
// environment names it. It is imported by tests alone and reaches the storage
// only as a client, by minio-go and by plain HTTP.
package blobtest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// Storage is a running storage with an existing bucket.
type Storage struct {
	Endpoint             string // http://host:port
	AccessKey, SecretKey string
	Region, Bucket       string
	// Restart stops the storage and starts it again over the same data, under
	// the same address; nil where the test can't.
	Restart func()
}

// External names a storage by the environment, for judging a real S3:
// SITELEDGER_TEST_S3=http://key:secret@host:port/bucket?region=us-east-1.
func External(t *testing.T) (Storage, bool) {
	t.Helper()
	raw := os.Getenv("SITELEDGER_TEST_S3")
	if raw == "" {
		return Storage{}, false
	}
	u, err := url.Parse(raw)
	if err != nil || u.User == nil {
		t.Fatal("SITELEDGER_TEST_S3 must be http://key:secret@host:port/bucket?region=…")
	}
	secret, _ := u.User.Password()
	region := u.Query().Get("region")
	if region == "" {
		region = "us-east-1"
	}
	return Storage{
		Endpoint: u.Scheme + "://" + u.Host, AccessKey: u.User.Username(), SecretKey: secret,
		Region: region, Bucket: strings.Trim(u.Path, "/"),
	}, true
}

// Client makes a client of the storage.
func (s Storage) Client(t *testing.T) minio.Core {
	t.Helper()
	u, err := url.Parse(s.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	c, err := minio.New(u.Host, &minio.Options{
		Creds: credentials.NewStaticV4(s.AccessKey, s.SecretKey, ""), Region: s.Region, Secure: u.Scheme == "https", MaxRetries: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	return minio.Core{Client: c}
}

// RunStorage runs all of the tests. open gives a storage for one test; its
// keys never meet those of another test.
func RunStorage(t *testing.T, open func(t *testing.T) Storage) {
	for name, test := range map[string]func(*bench){
		"PutAndRead":        putAndRead,
		"WrongSignature":    wrongSignature,
		"ExpiredURL":        expiredURL,
		"ChangedHeader":     changedHeader,
		"WrongBody":         wrongBody,
		"WrongLength":       wrongLength,
		"SecondWrite":       secondWrite,
		"ConcurrentWrites":  concurrentWrites,
		"CutConnection":     cutConnection,
		"RangeRead":         rangeRead,
		"KeyTraversal":      keyTraversal,
		"Multipart":         multipart,
		"MultipartFaults":   multipartFaults,
		"PartCut":           partCut,
		"DeleteAndPutAgain": deleteAndPutAgain,
		"List":              list,
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			b := &bench{T: t, s: s, core: s.Client(t), prefix: uuid.NewString()}
			b.Cleanup(b.clean)
			test(b)
		})
	}
}

// bench is one test at work.
type bench struct {
	*testing.T
	s      Storage
	core   minio.Core
	prefix string // of this test's keys
}

func (b *bench) key(name string) string { return b.prefix + "/" + name + "/device" }

func (b *bench) clean() {
	for o := range b.core.Client.ListObjects(context.Background(), b.s.Bucket, minio.ListObjectsOptions{Prefix: b.prefix, Recursive: true}) {
		if o.Err == nil {
			_ = b.core.RemoveObject(context.Background(), b.s.Bucket, o.Key, minio.RemoveObjectOptions{})
		}
	}
}

// Noise makes bytes that no compression or repetition can help.
func Noise(seed uint64, n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16)}).Read(b)
	return b
}

// put is an upload as a phone makes it: the three headers signed, by a URL.
func (b *bench) put(key string, body []byte) *http.Request {
	b.Helper()
	sum := sha256.Sum256(body)
	return b.request(http.MethodPut, key, nil, body, map[string]string{
		"x-amz-checksum-sha256": base64.StdEncoding.EncodeToString(sum[:]), "if-none-match": "*",
	}, time.Now())
}

// request signs a request for 15 minutes from a time on.
func (b *bench) request(method, key string, query url.Values, body []byte, headers map[string]string, from time.Time) *http.Request {
	b.Helper()
	r, err := http.NewRequest(method, b.s.Endpoint+"/"+b.s.Bucket+"/"+key, bytes.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	presign(r, b.s, query, from)
	return r
}

// send gives the status; a connection that the storage closed on purpose while
// the body was on its way counts as refused (0).
func (b *bench) send(r *http.Request) int {
	b.Helper()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

func (b *bench) want(r *http.Request, status int) {
	b.Helper()
	if got := b.send(r); got != status {
		b.Fatalf("%s %s: %d, want %d", r.Method, r.URL.Path, got, status)
	}
}

func (b *bench) wantRefused(what string, r *http.Request) {
	b.Helper()
	if got := b.send(r); got >= 200 && got < 400 {
		b.Errorf("%s: answered %d", what, got)
	}
}

func (b *bench) wantAbsent(key string) {
	b.Helper()
	if _, err := b.core.StatObject(context.Background(), b.s.Bucket, key, minio.StatObjectOptions{}); minio.ToErrorResponse(err).Code != minio.NoSuchKey {
		b.Fatalf("%s is there, or can't be looked at: %v", key, err)
	}
}

func (b *bench) wantStored(key string, body []byte) {
	b.Helper()
	obj, err := b.core.Client.GetObject(context.Background(), b.s.Bucket, key, minio.GetObjectOptions{})
	if err != nil {
		b.Fatal(err)
	}
	defer obj.Close()
	if got, err := io.ReadAll(obj); err != nil || !bytes.Equal(got, body) {
		b.Fatalf("%s: %d bytes, %v; want the %d that were sent", key, len(got), err, len(body))
	}
}

func putAndRead(b *bench) {
	for name, size := range map[string]int{"one": 1, "small": 30_000, "photo": 3 << 20} {
		body := Noise(uint64(size), size)
		b.want(b.put(b.key(name), body), 200)
		b.wantStored(b.key(name), body)
	}
}

func wrongSignature(b *bench) {
	body, key := Noise(1, 2000), b.key("x")
	r := b.put(key, body)
	q := r.URL.Query()
	q.Set("X-Amz-Signature", strings.Repeat("0", 64))
	r.URL.RawQuery = q.Encode()
	b.wantRefused("signature of zeros", r)

	other := b.s
	other.SecretKey += "x"
	r = b.put(key, body)
	r.URL.RawQuery = ""
	presign(r, other, nil, time.Now())
	b.wantRefused("signature by another secret", r)

	r = b.put(key, body)
	r.URL.RawQuery = ""
	r.Header.Del("X-Amz-Checksum-Sha256")
	b.wantRefused("no signature", r)

	r = b.put(key, body)
	r.URL.Path = "/" + b.s.Bucket + "/" + b.key("y")
	b.wantRefused("signature of another key", r)

	get := b.put(key, body)
	get.Method = http.MethodGet
	b.wantRefused("signature of another method", get)
	b.wantAbsent(key)
	b.wantAbsent(b.key("y"))
}

func expiredURL(b *bench) {
	key := b.key("x")
	b.wantRefused("expired", b.request(http.MethodPut, key, nil, Noise(1, 2000), nil, time.Now().Add(-16*time.Minute)))
	b.wantAbsent(key)
	b.want(b.request(http.MethodPut, key, nil, Noise(1, 2000), nil, time.Now().Add(-14*time.Minute)), 200)
}

func changedHeader(b *bench) {
	body, key := Noise(1, 2000), b.key("x")
	for name, change := range map[string]func(h http.Header){
		"hash of other bytes": func(h http.Header) {
			h.Set("X-Amz-Checksum-Sha256", base64.StdEncoding.EncodeToString(make([]byte, 32)))
		},
		"hash left out":      func(h http.Header) { h.Del("X-Amz-Checksum-Sha256") },
		"condition left out": func(h http.Header) { h.Del("If-None-Match") },
	} {
		r := b.put(key, body)
		change(r.Header)
		b.wantRefused(name, r)
		b.wantAbsent(key)
	}
}

func wrongBody(b *bench) {
	body, key := Noise(1, 200_000), b.key("x")
	r := b.put(key, body)
	wrong := bytes.Clone(body)
	wrong[len(wrong)-1] ^= 1
	r.Body = io.NopCloser(bytes.NewReader(wrong))
	b.wantRefused("one bit changed", r)
	b.wantAbsent(key)
	b.want(b.put(key, body), 200)
}

func wrongLength(b *bench) {
	body, key := Noise(1, 200_000), b.key("x")
	for name, sent := range map[string][]byte{"shorter": body[:198_000], "longer": append(bytes.Clone(body), 0)} {
		r := b.put(key, body)
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(sent)), int64(len(sent))
		b.wantRefused(name, r)
		b.wantAbsent(key)
	}
}

func secondWrite(b *bench) {
	first, key := Noise(1, 60_000), b.key("x")
	b.want(b.put(key, first), 200)
	b.want(b.put(key, first), 412)
	b.want(b.put(key, Noise(2, 60_000)), 412)
	b.wantStored(key, first)
}

func concurrentWrites(b *bench) {
	bodies := make([][]byte, 8)
	key := b.key("x")
	var won, winner atomic.Int32
	var wg sync.WaitGroup
	for i := range bodies {
		bodies[i] = Noise(uint64(i), 60_000)
		r := b.put(key, bodies[i])
		wg.Go(func() {
			if b.send(r) == 200 {
				won.Add(1)
				winner.Store(int32(i))
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		b.Fatalf("%d of %d concurrent writes were told 200, want 1", won.Load(), len(bodies))
	}
	b.wantStored(key, bodies[winner.Load()])
}

func cutConnection(b *bench) {
	body, key := Noise(1, 400_000), b.key("x")
	for _, sent := range []int{1, 200_000, 399_999} {
		r := b.put(key, body)
		conn, err := net.Dial("tcp", r.URL.Host)
		if err != nil {
			b.Fatal(err)
		}
		fmt.Fprintf(conn, "PUT %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\nX-Amz-Checksum-Sha256: %s\r\nIf-None-Match: *\r\n\r\n",
			r.URL.RequestURI(), r.URL.Host, len(body), r.Header.Get("X-Amz-Checksum-Sha256"))
		_, _ = conn.Write(body[:sent])
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.CloseWrite()
		}
		_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		_, _ = io.Copy(io.Discard, conn)
		conn.Close()
		b.wantAbsent(key)
	}
	b.want(b.put(key, body), 200)
	b.wantStored(key, body)
}

func rangeRead(b *bench) {
	body, key := Noise(1, 300_000), b.key("x")
	b.want(b.put(key, body), 200)
	for spec, want := range map[string][]byte{
		"bytes=0-9": body[:10], "bytes=150000-150099": body[150_000:150_100], "bytes=299990-": body[299_990:], "bytes=-10": body[299_990:],
	} {
		r := b.request(http.MethodGet, key, nil, nil, nil, time.Now())
		r.Header.Set("Range", spec)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			b.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != 206 || err != nil || !bytes.Equal(got, want) {
			b.Errorf("%s: %d, %d bytes, %v", spec, resp.StatusCode, len(got), err)
		}
	}
	r := b.request(http.MethodGet, key, nil, nil, nil, time.Now())
	r.Header.Set("Range", "bytes=300000-")
	b.want(r, 416)
}

func keyTraversal(b *bench) {
	body := Noise(1, 1000)
	for _, key := range []string{"../x", "../../x", "%2e%2e/x", "..%2fx", b.prefix + "/../../../x", b.prefix + "/%2e%2e/%2e%2e/%2e%2e/x"} {
		r := b.put("k", body)
		u, err := url.Parse(b.s.Endpoint + "/" + b.s.Bucket + "/" + key)
		if err != nil {
			b.Fatal(err)
		}
		r.URL = u
		presign(r, b.s, nil, time.Now())
		if got := b.send(r); got == 200 {
			get, err := http.NewRequest(http.MethodGet, u.String(), nil)
			if err != nil {
				b.Fatal(err)
			}
			presign(get, b.s, nil, time.Now())
			b.Errorf("PUT %s was stored; reading it answers %d", key, b.send(get))
		}
	}
}

func deleteAndPutAgain(b *bench) {
	body, key := Noise(1, 5000), b.key("x")
	ctx := context.Background()
	for range 2 {
		b.want(b.put(key, body), 200)
		if err := b.core.RemoveObject(ctx, b.s.Bucket, key, minio.RemoveObjectOptions{}); err != nil {
			b.Fatal(err)
		}
		b.wantAbsent(key)
	}
	if err := b.core.RemoveObject(ctx, b.s.Bucket, key, minio.RemoveObjectOptions{}); err != nil {
		b.Fatalf("deleting what is not there: %v", err)
	}
}

func list(b *bench) {
	want := []string{"a-b", "a/1", "a/2", "ab"}
	for _, k := range want {
		b.want(b.put(b.prefix+"/"+k, []byte(k)), 200)
	}
	var got []string
	for o := range b.core.Client.ListObjects(context.Background(), b.s.Bucket, minio.ListObjectsOptions{Prefix: b.prefix + "/", Recursive: true, MaxKeys: 3}) {
		if o.Err != nil {
			b.Fatal(o.Err)
		}
		got = append(got, strings.TrimPrefix(o.Key, b.prefix+"/"))
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		b.Fatalf("listed %q, want %q", got, want)
	}
}
