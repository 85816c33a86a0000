package blobtest

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/minio/minio-go/v7"
)

const partBytes = 5 << 20

// upload is an unfinished multipart upload of one key.
type upload struct {
	*bench
	k, id string
}

func (b *bench) open(key string) upload {
	b.Helper()
	id, err := b.core.NewMultipartUpload(context.Background(), b.s.Bucket, key, minio.PutObjectOptions{})
	if err != nil {
		b.Fatal(err)
	}
	return upload{b, key, id}
}

func (u upload) part(n int, body []byte) *http.Request {
	u.Helper()
	q := url.Values{"partNumber": {strconv.Itoa(n)}, "uploadId": {u.id}}
	return u.request(http.MethodPut, u.k, q, body, nil, time.Now())
}

func (u upload) parts() []minio.CompletePart {
	u.Helper()
	res, err := u.core.ListObjectParts(context.Background(), u.s.Bucket, u.k, u.id, 0, 1000)
	if err != nil {
		u.Fatal(err)
	}
	var out []minio.CompletePart
	for _, p := range res.ObjectParts {
		out = append(out, minio.CompletePart{PartNumber: p.PartNumber, ETag: p.ETag})
	}
	return out
}

func (u upload) complete(parts []minio.CompletePart) error {
	_, err := u.core.CompleteMultipartUpload(context.Background(), u.s.Bucket, u.k, u.id, parts, minio.PutObjectOptions{})
	return err
}

// multipart is resumed from what the storage lists, over a restart where the
// test can make one; sending a part again replaces it.
func multipart(b *bench) {
	body := Noise(1, 2*partBytes+1000)
	u := b.open(b.key("x"))
	b.want(u.part(1, Noise(2, partBytes)), 200)
	b.want(u.part(1, body[:partBytes]), 200)
	b.want(u.part(3, body[2*partBytes:]), 200)
	if b.s.Restart != nil {
		b.s.Restart()
	}
	if got := u.parts(); len(got) != 2 || got[0].PartNumber != 1 || got[1].PartNumber != 3 {
		b.Fatalf("parts: %v", got)
	}
	b.want(u.part(2, body[partBytes:2*partBytes]), 200)
	b.wantAbsent(u.k)
	if err := u.complete(u.parts()); err != nil {
		b.Fatal(err)
	}
	b.wantStored(u.k, body)
}

func multipartFaults(b *bench) {
	u := b.open(b.key("x"))
	r := u.part(1, Noise(1, 1000))
	r.ContentLength, r.Body = 999, http.NoBody
	b.wantRefused("part of another length", r)
	r = u.part(1, Noise(1, 1000))
	q := r.URL.Query()
	q.Set("partNumber", "2")
	r.URL.RawQuery = q.Encode()
	b.wantRefused("signature of another part", r)
	b.want(u.part(1, Noise(1, 1000)), 200)
	if err := u.complete([]minio.CompletePart{{PartNumber: 1, ETag: "00000000000000000000000000000000"}}); err == nil {
		b.Error("completed with a part that is not there")
	}
	if err := u.complete([]minio.CompletePart{{PartNumber: 2, ETag: u.parts()[0].ETag}}); err == nil {
		b.Error("completed with a number that is not there")
	}
	b.wantAbsent(u.k)
	if err := b.core.AbortMultipartUpload(context.Background(), b.s.Bucket, u.k, u.id); err != nil {
		b.Fatal(err)
	}
	b.wantRefused("part of an aborted upload", u.part(1, Noise(1, 1000)))
	if _, err := b.core.ListObjectParts(context.Background(), b.s.Bucket, u.k, u.id, 0, 10); minio.ToErrorResponse(err).Code != minio.NoSuchUpload {
		b.Errorf("listing an aborted upload: %v", err)
	}
}

// partCut: a part of which half arrived, or other bytes, is none. A phone sends
// each part's MD5 with it, unsigned: a plan can't know it. Without that one S3
// server keeps what arrived of a broken connection, filled up to the length.
func partCut(b *bench) {
	body := Noise(1, partBytes)
	sum := md5.Sum(body)
	digest := base64.StdEncoding.EncodeToString(sum[:])
	u := b.open(b.key("x"))
	for _, sent := range []int{1, partBytes / 2, partBytes - 1} {
		r := u.part(1, body)
		conn, err := net.Dial("tcp", r.URL.Host)
		if err != nil {
			b.Fatal(err)
		}
		fmt.Fprintf(conn, "PUT %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\nContent-MD5: %s\r\n\r\n", r.URL.RequestURI(), r.URL.Host, len(body), digest)
		_, _ = conn.Write(body[:sent])
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.CloseWrite()
		}
		_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		_, _ = io.Copy(io.Discard, conn)
		conn.Close()
		if got := u.parts(); len(got) != 0 {
			b.Fatalf("%d of %d bytes were sent, and the part is listed", sent, len(body))
		}
	}
	wrong := bytes.Clone(body)
	wrong[partBytes/2] ^= 1
	r := u.part(1, wrong)
	r.Header.Set("Content-MD5", digest)
	b.wantRefused("one bit of a part changed", r)
	if got := u.parts(); len(got) != 0 {
		b.Fatal("a part with other bytes is listed")
	}
	r = u.part(1, body)
	r.Header.Set("Content-MD5", digest)
	b.want(r, 200)
	if err := u.complete(u.parts()); err != nil {
		b.Fatal(err)
	}
	b.wantStored(u.k, body)
}
