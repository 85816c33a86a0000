package blob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"

	"siteledger/server/fault"
	"siteledger/syncproto"
)

// objects is the object storage as this package uses it: the one S3 client,
// for the embedded endpoint and for any other.
type objects struct {
	core   minio.Core    // as this server reaches it
	public *minio.Client // signs URLs for phones; never sends anything
	bucket string
}

// What the storage answered. Any other error is the storage's or the
// network's, and says nothing about the object.
var (
	errAbsent   = errors.New("no such object")
	errNoUpload = errors.New("no such upload")
	errMismatch = errors.New("other bytes than declared")
)

// silent is the transport of the client that only signs.
type silent struct{}

func (silent) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("the public storage address is only signed for, never called")
}

func openObjects(cfg Config) (*objects, error) {
	in, err := dial(cfg.Endpoint, cfg, cfg.Transport)
	if err != nil {
		return nil, err
	}
	public, err := dial(cfg.PublicEndpoint, cfg, silent{})
	if err != nil {
		return nil, err
	}
	return &objects{core: minio.Core{Client: in}, public: public, bucket: cfg.Bucket}, nil
}

// translate makes errors of this package out of S3's.
func translate(doing string, err error) error {
	if err == nil {
		return nil
	}
	switch minio.ToErrorResponse(err).Code {
	case minio.NoSuchKey:
		return errAbsent
	case minio.NoSuchUpload:
		return errNoUpload
	}
	return fault.Wrap(syncproto.Busy, "the photo storage does not answer; try again later", fmt.Errorf("%s: %w", doing, err))
}

// ready fails where the bucket can't be reached.
func (o *objects) ready(ctx context.Context) error {
	ok, err := o.core.BucketExists(ctx, o.bucket)
	if err != nil {
		return translate("look for bucket", err)
	}
	if !ok {
		return fmt.Errorf("bucket %s is not there", o.bucket)
	}
	return nil
}

// size of an object, or errAbsent.
func (o *objects) size(ctx context.Context, key string) (int64, error) {
	fi, err := o.core.StatObject(ctx, o.bucket, key, minio.StatObjectOptions{})
	if err != nil {
		return 0, translate("look at object", err)
	}
	return fi.Size, nil
}

// read takes the whole object in and gives its first bytes. errMismatch says
// that it was read to its end and is not what it should be; a connection that
// breaks is another error.
func (o *objects) read(ctx context.Context, key string, size int64, sha [32]byte) ([]byte, error) {
	body, fi, _, err := o.core.GetObject(ctx, o.bucket, key, minio.GetObjectOptions{})
	if err != nil {
		return nil, translate("read object", err)
	}
	defer body.Close()
	if fi.Size != size {
		return nil, fmt.Errorf("%w: %d bytes, want %d", errMismatch, fi.Size, size)
	}
	h := sha256.New()
	var head bytes.Buffer
	if _, err := io.CopyN(io.MultiWriter(&head, h), body, min(size, headBytes)); err != nil {
		return nil, translate("read object", err)
	}
	n, err := io.Copy(h, body)
	if err != nil {
		return nil, translate("read object", err)
	}
	if n += int64(head.Len()); n != size {
		return nil, fmt.Errorf("%w: %d bytes, want %d", errMismatch, n, size)
	}
	if !bytes.Equal(h.Sum(nil), sha[:]) {
		return nil, fmt.Errorf("%w: SHA-256 is %x", errMismatch, h.Sum(nil))
	}
	return head.Bytes(), nil
}

// open gives an object for reading here and there.
func (o *objects) open(ctx context.Context, key string) (*minio.Object, error) {
	obj, err := o.core.Client.GetObject(ctx, o.bucket, key, minio.GetObjectOptions{})
	if err != nil {
		return nil, translate("open object", err)
	}
	if _, err := obj.Stat(); err != nil {
		obj.Close()
		return nil, translate("open object", err)
	}
	return obj, nil
}

func (o *objects) remove(ctx context.Context, key string) error {
	return translate("delete object", o.core.RemoveObject(ctx, o.bucket, key, minio.RemoveObjectOptions{}))
}

// putURL signs one PUT that binds hash, length and "not there yet".
func (o *objects) putURL(ctx context.Context, u Upload, life time.Duration) (string, map[string]string, error) {
	headers := map[string]string{
		"x-amz-checksum-sha256": base64.StdEncoding.EncodeToString(u.SHA256[:]),
		"content-length":        strconv.FormatInt(u.Size, 10),
		"if-none-match":         "*",
	}
	link, err := o.public.PresignHeader(ctx, http.MethodPut, o.bucket, u.Key, life, nil, signed(headers))
	if err != nil {
		return "", nil, fmt.Errorf("sign upload: %w", err)
	}
	return link.String(), headers, nil
}

// partURL signs one part's PUT that binds its length; its hash is checked with
// the whole at commit.
func (o *objects) partURL(ctx context.Context, u Upload, number int, size int64, life time.Duration) (string, map[string]string, error) {
	headers := map[string]string{"content-length": strconv.FormatInt(size, 10)}
	q := url.Values{"partNumber": {strconv.Itoa(number)}, "uploadId": {u.Multipart}}
	link, err := o.public.PresignHeader(ctx, http.MethodPut, o.bucket, u.Key, life, q, signed(headers))
	if err != nil {
		return "", nil, fmt.Errorf("sign part: %w", err)
	}
	return link.String(), headers, nil
}

func signed(headers map[string]string) http.Header {
	h := http.Header{}
	for name, value := range headers {
		h.Set(name, value)
	}
	return h
}

// getURL signs a download that no browser will run: attachment, of the type
// that was checked.
func (o *objects) getURL(ctx context.Context, u Upload, life time.Duration) (string, error) {
	link, err := o.public.PresignedGetObject(ctx, o.bucket, u.Key, life, url.Values{
		"response-content-type":        {u.Type},
		"response-content-disposition": {"attachment"},
		"response-cache-control":       {"private, max-age=31536000, immutable"},
	})
	if err != nil {
		return "", fmt.Errorf("sign download: %w", err)
	}
	return link.String(), nil
}

func (o *objects) newUpload(ctx context.Context, key string) (string, error) {
	id, err := o.core.NewMultipartUpload(ctx, o.bucket, key, minio.PutObjectOptions{})
	return id, translate("open upload", err)
}

// part is one part that the storage has.
type part struct {
	number int
	size   int64
	etag   string
}

// parts lists what has arrived, by number.
func (o *objects) parts(ctx context.Context, u Upload) ([]part, error) {
	var all []part
	for marker := 0; ; {
		page, err := o.core.ListObjectParts(ctx, o.bucket, u.Key, u.Multipart, marker, 1000)
		if err != nil {
			return nil, translate("list parts", err)
		}
		for _, p := range page.ObjectParts {
			all = append(all, part{p.PartNumber, p.Size, strings.Trim(p.ETag, `"`)})
		}
		if !page.IsTruncated || page.NextPartNumberMarker <= marker {
			break
		}
		marker = page.NextPartNumberMarker
	}
	slices.SortFunc(all, func(a, b part) int { return a.number - b.number })
	return all, nil
}

func (o *objects) complete(ctx context.Context, u Upload, parts []part) error {
	named := make([]minio.CompletePart, len(parts))
	for i, p := range parts {
		named[i] = minio.CompletePart{PartNumber: p.number, ETag: p.etag}
	}
	_, err := o.core.CompleteMultipartUpload(ctx, o.bucket, u.Key, u.Multipart, named, minio.PutObjectOptions{})
	return translate("complete upload", err)
}

// abort drops an upload; one that is gone is no error.
func (o *objects) abort(ctx context.Context, u Upload) error {
	err := translate("abort upload", o.core.AbortMultipartUpload(ctx, o.bucket, u.Key, u.Multipart))
	if errors.Is(err, errNoUpload) || errors.Is(err, errAbsent) {
		return nil
	}
	return err
}
