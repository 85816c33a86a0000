package embedded

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
)

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
