package blob

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"github.com/google/uuid"
	"github.com/minio/minio-go/v7"

	"siteledger/server/ledger"
	"siteledger/syncproto"
)

// DeskDevice stands for a centre's desk where a file has no phone: the device
// in the key and the row of what was stored from a screen.
func DeskDevice(centre uuid.UUID) uuid.UUID {
	return uuid.NewSHA1(centre, []byte("siteledger desk"))
}

// Keep stores a file that came in at a desk, such as a drawing, in the same way
// as a phone's: written once under its hash, read back, checked against its
// declared type and size, entered into the server's own log. The same bytes
// again are stored once. r is read twice, from its beginning. If the server
// dies in the middle, keeping it again finds what is there.
func (s *Service) Keep(ctx context.Context, centre, person uuid.UUID, purpose, mediaType string, r io.ReadSeeker) ([32]byte, int64, error) {
	var sha [32]byte
	h := sha256.New()
	size, err := io.Copy(h, r)
	if err != nil {
		return sha, 0, fmt.Errorf("read file: %w", err)
	}
	h.Sum(sha[:0])
	want := syncproto.PlanBlob{Size: size, Type: mediaType, Purpose: purpose}
	if err := allow(s.cfg.Limits, want); err != nil {
		return sha, size, err
	}
	dev := ledger.Device{ID: DeskDevice(centre), Person: person, Centre: centre}
	defer s.devices.take(dev.ID.String() + string(sha[:]))()
	row, known, err := s.deps.Uploads.BlobUpload(ctx, centre, dev.ID, sha)
	if err != nil {
		return sha, size, fmt.Errorf("look for copy: %w", err)
	}
	if !known || !row.Stored() {
		row = Upload{Centre: centre, Device: dev.ID, Person: person, SHA256: sha, Info: Info{Size: size, Type: mediaType, Purpose: purpose},
			Key: ObjectKey(centre, sha, dev.ID), PlannedAt: s.deps.Now()}
	}
	there, err := s.objects.size(ctx, row.Key)
	if err != nil && !errors.Is(err, errAbsent) {
		return sha, size, err
	}
	if row.Stored() && err == nil && there == size {
		return sha, size, nil
	}
	if err != nil {
		if err := s.deps.Uploads.SaveBlobUploads(ctx, []Upload{row}); err != nil {
			return sha, size, fmt.Errorf("save plan: %w", err)
		}
		if _, err := r.Seek(0, io.SeekStart); err != nil {
			return sha, size, fmt.Errorf("read file again: %w", err)
		}
		if err := s.objects.put(ctx, row, r); err != nil {
			return sha, size, err
		}
	}
	if _, err := s.finish(ctx, dev, row); err != nil {
		return sha, size, fmt.Errorf("keep %x: %w", sha[:6], err)
	}
	return sha, size, nil
}

// put writes an object that this server has in its hands.
func (o *objects) put(ctx context.Context, u Upload, r io.Reader) error {
	_, err := o.core.PutObject(ctx, o.bucket, u.Key, r, u.Size, "", fmt.Sprintf("%x", u.SHA256), minio.PutObjectOptions{ContentType: u.Type})
	return translate("put object", err)
}
