package blob

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/minio/minio-go/v7"

	"siteledger/server/archive"
)

// Bucket is the object storage by itself, for what is no photo: the shipped
// ledger. It satisfies [archive.Bucket].
type Bucket struct{ objects *objects }

// OpenBucket makes a bucket; nothing is sent to the storage yet.
func OpenBucket(cfg Config) (*Bucket, error) {
	if err := cfg.fill(); err != nil {
		return nil, fmt.Errorf("bucket: %w", err)
	}
	o, err := openObjects(cfg)
	if err != nil {
		return nil, fmt.Errorf("bucket: %w", err)
	}
	return &Bucket{o}, nil
}

// Put writes a new object; archive.ErrExists where there is one under the key.
func (b *Bucket) Put(ctx context.Context, key string, body []byte) error {
	opts := minio.PutObjectOptions{ContentType: "application/octet-stream", DisableMultipart: true}
	opts.SetMatchETagExcept("*")
	_, err := b.objects.core.Client.PutObject(ctx, b.objects.bucket, key, bytes.NewReader(body), int64(len(body)), opts)
	if minio.ToErrorResponse(err).Code == minio.PreconditionFailed {
		return archive.ErrExists
	}
	return translate("put object", err)
}

// Get reads an object of at most limit bytes; archive.ErrAbsent for none.
func (b *Bucket) Get(ctx context.Context, key string, limit int64) ([]byte, error) {
	body, _, _, err := b.objects.core.GetObject(ctx, b.objects.bucket, key, minio.GetObjectOptions{})
	if err != nil {
		if err = translate("read object", err); errors.Is(err, errAbsent) {
			return nil, archive.ErrAbsent
		}
		return nil, err
	}
	defer body.Close()
	out, err := io.ReadAll(io.LimitReader(body, limit+1))
	if err != nil {
		return nil, translate("read object", err)
	}
	if int64(len(out)) > limit {
		return nil, fmt.Errorf("object %s is larger than %d bytes", key, limit)
	}
	return out, nil
}

// List hands the objects under a prefix to fn, in the order of their keys,
// those after a key alone. An error of fn ends it.
func (b *Bucket) List(ctx context.Context, prefix, after string, fn func(key string, size int64) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the listing where fn has enough
	for o := range b.objects.core.Client.ListObjects(ctx, b.objects.bucket, minio.ListObjectsOptions{Prefix: prefix, StartAfter: after, Recursive: true}) {
		if o.Err != nil {
			return translate("list objects", o.Err)
		}
		if err := fn(o.Key, o.Size); err != nil {
			return err
		}
	}
	return nil
}
