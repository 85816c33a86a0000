package blob

import (
	"context"
	"errors"
	"fmt"

	"siteledger/server/fault"
	"siteledger/server/ledger"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"

	"github.com/google/uuid"
)

// Commit is told that a blob's bytes were uploaded, reads them back and, if
// they are what was planned, marks the blob present and gives the receipt.
// Committing again gives the same receipt. If the server dies in the middle,
// the phone commits or plans again and nothing is missing: the object is
// there, and the journal is looked at before it is written.
func (s *Service) Commit(ctx context.Context, dev ledger.Device, req syncproto.CommitRequest) (syncproto.CommitAnswer, error) {
	sha, err := parseSHA(req.SHA256)
	if err != nil {
		return syncproto.CommitAnswer{}, err
	}
	defer s.devices.take(dev.ID.String())()
	row, known, err := s.deps.Uploads.BlobUpload(ctx, dev.Centre, dev.ID, sha)
	if err != nil {
		return syncproto.CommitAnswer{}, fmt.Errorf("look for plan: %w", err)
	}
	if !known {
		return syncproto.CommitAnswer{}, fault.New(syncproto.BlobAbsent, "this file was never planned by this phone").
			WithHint("plan it first")
	}
	if row.Stored() {
		return s.again(ctx, row)
	}
	if row.Multipart != "" {
		if err := s.assemble(ctx, row, req); err != nil {
			return syncproto.CommitAnswer{}, fmt.Errorf("commit %s: %w", req.SHA256, err)
		}
	}
	stored, err := s.finish(ctx, dev, row)
	if err != nil {
		return syncproto.CommitAnswer{}, fmt.Errorf("commit %s: %w", req.SHA256, err)
	}
	return answer(stored), nil
}

func answer(u Upload) syncproto.CommitAnswer {
	return syncproto.CommitAnswer{SHA256: fmt.Sprintf("%x", u.SHA256), Size: u.Size, Receipt: u.Receipt}
}

// again repeats the receipt of a stored copy that is still there.
func (s *Service) again(ctx context.Context, row Upload) (syncproto.CommitAnswer, error) {
	size, err := s.objects.size(ctx, row.Key)
	if err != nil && !errors.Is(err, errAbsent) {
		return syncproto.CommitAnswer{}, err
	}
	if err != nil || size != row.Size {
		s.deps.Log.Error("a stored blob's object is missing or cut", "key", row.Key)
		return syncproto.CommitAnswer{}, absent()
	}
	changed, err := s.receipt(&row)
	if err != nil {
		return syncproto.CommitAnswer{}, err
	}
	if changed {
		if err := s.deps.Uploads.SaveBlobUploads(ctx, []Upload{row}); err != nil {
			return syncproto.CommitAnswer{}, fmt.Errorf("save receipt: %w", err)
		}
	}
	return answer(row), nil
}

func absent() error {
	return fault.New(syncproto.BlobAbsent, "the storage does not have this file").WithHint("plan it again and upload it")
}

// assemble completes a multipart upload from what the storage itself says has
// arrived; the phone's list only has to agree with it. An upload that is gone
// was completed before, which finish will see.
func (s *Service) assemble(ctx context.Context, row Upload, req syncproto.CommitRequest) error {
	incomplete := func(message string) error {
		return fault.New(syncproto.UploadIncomplete, message).WithHint("plan it again and upload what is not done")
	}
	if req.Upload != "" && req.Upload != row.Multipart {
		return incomplete("this upload is not the one that was planned last")
	}
	there, err := s.objects.parts(ctx, row)
	if errors.Is(err, errNoUpload) {
		if _, err := s.objects.size(ctx, row.Key); errors.Is(err, errAbsent) {
			return incomplete("the upload is gone")
		}
		return nil
	}
	if err != nil {
		return err
	}
	chosen := make([]part, 0, row.parts())
	for n := 1; n <= row.parts(); n++ {
		etag, ok := arrived(there, n, row.partBytes(n))
		if !ok {
			return incomplete(fmt.Sprintf("part %d of %d has not arrived", n, row.parts()))
		}
		chosen = append(chosen, part{number: n, etag: etag})
	}
	return s.objects.complete(ctx, row, chosen)
}

// finish reads a copy back, and marks it present and signed if it is right. A
// never-present object that is not right is deleted, so that nothing wrong is
// ever kept under a key and the phone can send it again.
func (s *Service) finish(ctx context.Context, dev ledger.Device, row Upload) (Upload, error) {
	head, err := s.objects.read(ctx, row.Key, row.Size, row.SHA256)
	switch {
	case errors.Is(err, errAbsent):
		return Upload{}, absent()
	case errors.Is(err, errMismatch):
		err = fault.Wrap(syncproto.BlobMismatch, "the uploaded bytes are not those that were planned", err).
			WithHint("plan it again and upload it")
	case err == nil:
		err = judge(row.Type, head)
	default:
		return Upload{}, err
	}
	if err != nil {
		return Upload{}, errors.Join(err, s.reject(ctx, row))
	}
	row.Multipart, row.PartSize = "", 0
	row.StoredAt = s.deps.Now()
	if err := s.announce(ctx, dev, row); err != nil {
		return Upload{}, err
	}
	if _, err := s.receipt(&row); err != nil {
		return Upload{}, err
	}
	if err := s.deps.Uploads.SaveBlobUploads(ctx, []Upload{row}); err != nil {
		return Upload{}, fmt.Errorf("save stored blob: %w", err)
	}
	return row, nil
}

// reject deletes a never-present object and starts its row afresh.
func (s *Service) reject(ctx context.Context, row Upload) error {
	if err := s.objects.remove(ctx, row.Key); err != nil {
		return fmt.Errorf("delete refused object: %w", err)
	}
	row.Multipart, row.PartSize = "", 0
	if err := s.deps.Uploads.SaveBlobUploads(ctx, []Upload{row}); err != nil {
		return fmt.Errorf("save refused upload: %w", err)
	}
	return nil
}

// announce writes into the server's own log that the centre has the blob, once.
func (s *Service) announce(ctx context.Context, dev ledger.Device, row Upload) error {
	defer s.blobs.take(row.Centre.String() + string(row.SHA256[:]))()
	there, err := s.deps.Catalogue.BlobPresent(ctx, row.Centre, row.SHA256)
	if err != nil {
		return fmt.Errorf("look for present blob: %w", err)
	}
	if there {
		return nil
	}
	id, err := s.deps.NewID()
	if err != nil {
		return fmt.Errorf("make id: %w", err)
	}
	_, err = s.deps.Journal.Write(ctx, row.Centre, ledger.Author{Person: uuid.Nil, Role: schema.Server}, []ledger.Edit{{
		Table: "stored_blob",
		Row:   id,
		Op:    changelog.Insert,
		Cols: map[string]any{
			"sha256":  row.SHA256[:],
			"size":    row.Size,
			"type":    row.Type,
			"purpose": row.Purpose,
			"device":  dev.ID[:],
			"at":      row.StoredAt.UnixMilli(),
		},
	}})
	if err != nil {
		return fmt.Errorf("write that the blob is present: %w", err)
	}
	return nil
}
