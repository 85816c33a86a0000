package blob

import (
	"context"
	"errors"
	"fmt"
)

// verifyPage is how many present blobs are looked up at once.
const verifyPage = 500

// Verify reads every present blob of every centre and reports each whose bytes
// are not what the ledger says, with its key. It stops at the report's first
// error, or where the storage does not answer, which is no verdict.
func (s *Service) Verify(ctx context.Context, report func(f Fault) error) error {
	return s.VerifyProgress(ctx, report, func(Progress) {})
}

// VerifyProgress is Verify that also says after each blob how far it is.
func (s *Service) VerifyProgress(ctx context.Context, report func(f Fault) error, progress func(Progress)) error {
	var (
		after Ref
		p     Progress
	)
	for {
		page, err := s.deps.Catalogue.PresentBlobs(ctx, after, verifyPage)
		if err != nil {
			return fmt.Errorf("list present blobs: %w", err)
		}
		if len(page) == 0 {
			return nil
		}
		for _, ref := range page {
			faults, err := s.inspect(ctx, ref)
			if err != nil {
				return fmt.Errorf("verify %x: %w", ref.SHA256, err)
			}
			for _, f := range faults {
				if err := report(f); err != nil {
					return err
				}
			}
			p.Blobs++
			p.Bytes += ref.Size
			p.Faults += len(faults)
			progress(p)
		}
		after = page[len(page)-1]
	}
}

// inspect reads all copies of one present blob.
func (s *Service) inspect(ctx context.Context, ref Ref) ([]Fault, error) {
	copies, err := s.deps.Catalogue.BlobCopies(ctx, ref.Centre, ref.SHA256)
	if err != nil {
		return nil, err
	}
	if len(copies) == 0 {
		return []Fault{{Centre: ref.Centre, SHA256: ref.SHA256, Kind: FaultMissing, Detail: "no copy is known"}}, nil
	}
	var faults []Fault
	for _, u := range copies {
		_, err := s.objects.read(ctx, u.Key, ref.Size, ref.SHA256)
		switch {
		case err == nil:
		case errors.Is(err, errAbsent):
			faults = append(faults, Fault{ref.Centre, ref.SHA256, u.Key, FaultMissing, "no object under the key"})
		case errors.Is(err, errMismatch):
			faults = append(faults, Fault{ref.Centre, ref.SHA256, u.Key, FaultMismatch, err.Error()})
		default:
			return nil, err
		}
	}
	return faults, nil
}

// Sweep drops uploads that nobody finished within Config.KeepPlans: their
// parts, their unchecked objects and their rows. It returns how many.
func (s *Service) Sweep(ctx context.Context) (int, error) {
	before := s.deps.Now().Add(-s.cfg.KeepPlans)
	for n := 0; ; {
		rows, err := s.deps.Stale.StaleBlobUploads(ctx, before, verifyPage)
		if err != nil {
			return n, fmt.Errorf("list stale uploads: %w", err)
		}
		if len(rows) == 0 {
			return n, nil
		}
		for _, u := range rows {
			if err := s.forget(ctx, u); err != nil {
				return n, fmt.Errorf("sweep %s: %w", u.Key, err)
			}
			n++
		}
	}
}

func (s *Service) forget(ctx context.Context, u Upload) error {
	defer s.devices.take(u.Device.String())()
	now, ok, err := s.deps.Uploads.BlobUpload(ctx, u.Centre, u.Device, u.SHA256)
	if err != nil || !ok || now.Stored() || now.PlannedAt.After(u.PlannedAt) {
		return err // gone on meanwhile
	}
	if u.Multipart != "" {
		if err := s.objects.abort(ctx, u); err != nil {
			return err
		}
	}
	if err := s.objects.remove(ctx, u.Key); err != nil && !errors.Is(err, errAbsent) {
		return err
	}
	return s.deps.Stale.DropBlobUpload(ctx, u)
}
