package embedded

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
)

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
