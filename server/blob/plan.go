package blob

import (
	"context"
	"errors"
	"fmt"

	"siteledger/server/fault"
	"siteledger/server/ledger"
	"siteledger/syncproto"
)

// settleBytes bounds what one plan reads back of objects that were uploaded
// but never committed; the rest is found at its own commit.
const settleBytes = 64 << 20

// Plan says for each blob what is left to do: nothing, one PUT, or some parts.
// Asking again at any time is harmless and gives fresh URLs for the same
// upload. One blob that is not allowed refuses the whole plan before anything
// is begun.
func (s *Service) Plan(ctx context.Context, dev ledger.Device, blobs []syncproto.PlanBlob) ([]syncproto.PlannedBlob, error) {
	if len(blobs) > s.cfg.MaxPlan {
		return nil, fault.TooLarge(syncproto.BatchTooLong, "blobs", int64(s.cfg.MaxPlan))
	}
	wants := make([]Upload, len(blobs))
	for i, b := range blobs {
		sha, err := parseSHA(b.SHA256)
		if err != nil {
			return nil, err
		}
		if err := allow(s.cfg.Limits, b); err != nil {
			return nil, fmt.Errorf("plan %s: %w", b.SHA256, err)
		}
		wants[i] = Upload{
			Centre: dev.Centre, Device: dev.ID, Person: dev.Person, SHA256: sha,
			Info: Info{Size: b.Size, Type: b.Type, Purpose: b.Purpose},
			Key:  ObjectKey(dev.Centre, sha, dev.ID), PlannedAt: s.deps.Now(),
		}
	}
	defer s.devices.take(dev.ID.String())()
	p := planner{Service: s, dev: dev, budget: settleBytes, seen: map[[32]byte]syncproto.PlannedBlob{}}
	return p.all(ctx, wants)
}

// planner is one plan in the making.
type planner struct {
	*Service
	dev    ledger.Device
	budget int64 // bytes that may still be read back
	fresh  int   // rows that were not there before
	save   []Upload
	seen   map[[32]byte]syncproto.PlannedBlob
}

func (p *planner) all(ctx context.Context, wants []Upload) ([]syncproto.PlannedBlob, error) {
	out := make([]syncproto.PlannedBlob, 0, len(wants))
	for _, want := range wants {
		answer, ok := p.seen[want.SHA256]
		if !ok {
			var err error
			if answer, err = p.one(ctx, want); err != nil {
				return nil, fmt.Errorf("plan %x: %w", want.SHA256, err)
			}
			p.seen[want.SHA256] = answer
		}
		out = append(out, answer)
	}
	if p.fresh > 0 {
		open, err := p.deps.Uploads.OpenBlobUploads(ctx, p.dev.Centre, p.dev.ID)
		if err != nil {
			return nil, fmt.Errorf("count open uploads: %w", err)
		}
		if open+p.fresh > p.cfg.MaxOpen {
			return nil, fault.New(syncproto.Busy, "this phone has begun too many uploads; finish those first")
		}
	}
	if err := p.deps.Uploads.SaveBlobUploads(ctx, p.save); err != nil {
		return nil, fmt.Errorf("save plan: %w", err)
	}
	return out, nil
}

// one plans one blob.
func (p *planner) one(ctx context.Context, want Upload) (syncproto.PlannedBlob, error) {
	row, known, err := p.deps.Uploads.BlobUpload(ctx, want.Centre, want.Device, want.SHA256)
	if err != nil {
		return syncproto.PlannedBlob{}, fmt.Errorf("look for plan: %w", err)
	}
	if known {
		if have, ok, err := p.have(ctx, row, want); err != nil || ok {
			return have, err
		}
		want.Multipart, want.PartSize = row.Multipart, row.PartSize
		if row.Size != want.Size && row.Multipart != "" {
			if err := p.objects.abort(ctx, row); err != nil {
				return syncproto.PlannedBlob{}, err
			}
			want.Multipart = ""
		}
	} else {
		p.fresh++
	}
	var answer syncproto.PlannedBlob
	if want.Multipart != "" || want.Size >= p.cfg.PartSize {
		answer, err = p.inParts(ctx, &want)
	} else {
		answer, err = p.inOne(ctx, want)
	}
	if err != nil {
		return syncproto.PlannedBlob{}, err
	}
	p.save = append(p.save, want)
	return answer, nil
}

// have answers for a copy that is stored, or that lies there complete because
// only the commit was lost. An object that is not what it should be is removed
// on the way, so that it can be sent again.
func (p *planner) have(ctx context.Context, row, want Upload) (syncproto.PlannedBlob, bool, error) {
	none := syncproto.PlannedBlob{}
	if row.Stored() && row.Size != want.Size {
		return none, false, fault.New(syncproto.BlobMismatch, "the stored file with this hash has another size")
	}
	size, err := p.objects.size(ctx, row.Key)
	if errors.Is(err, errAbsent) {
		if row.Stored() {
			p.deps.Log.Error("a stored blob's object is missing; the phone is asked for it again", "key", row.Key)
		}
		return none, false, nil
	}
	if err != nil {
		return none, false, err
	}
	if row.Stored() && size == row.Size {
		changed, err := p.receipt(&row)
		if changed {
			p.save = append(p.save, row)
		}
		return planned(row, syncproto.StateHave), err == nil, err
	}
	if row.Stored() {
		p.deps.Log.Error("a stored blob's object is cut; the phone is asked for it again", "key", row.Key)
		return none, false, p.objects.remove(ctx, row.Key)
	}
	want.Multipart = "" // the object is whole already
	if p.budget -= size; p.budget < 0 {
		return none, false, nil
	}
	switch stored, err := p.finish(ctx, p.dev, want); {
	case err == nil:
		return planned(stored, syncproto.StateHave), true, nil
	case removed(err):
		return none, false, nil
	default:
		return none, false, err
	}
}

// removed says that finish found other bytes, which are gone now.
func removed(err error) bool {
	code := fault.CodeOf(err)
	return code == syncproto.BlobMismatch || code == syncproto.BlobType || code == syncproto.BlobAbsent
}

func planned(u Upload, state string) syncproto.PlannedBlob {
	return syncproto.PlannedBlob{SHA256: fmt.Sprintf("%x", u.SHA256), State: state, Receipt: u.Receipt}
}

func (p *planner) inOne(ctx context.Context, want Upload) (syncproto.PlannedBlob, error) {
	answer := planned(want, syncproto.StatePut)
	var err error
	answer.URL, answer.Headers, err = p.objects.putURL(ctx, want, p.cfg.PutLife)
	return answer, err
}

// inParts resumes the upload that the row names, or opens one.
func (p *planner) inParts(ctx context.Context, want *Upload) (syncproto.PlannedBlob, error) {
	var there []part
	if want.Multipart != "" {
		var err error
		there, err = p.objects.parts(ctx, *want)
		if errors.Is(err, errNoUpload) {
			want.Multipart = ""
		} else if err != nil {
			return syncproto.PlannedBlob{}, err
		}
	}
	if want.Multipart == "" {
		id, err := p.objects.newUpload(ctx, want.Key)
		if err != nil {
			return syncproto.PlannedBlob{}, err
		}
		want.Multipart, want.PartSize = id, p.cfg.PartSize
	}
	answer := planned(*want, syncproto.StateParts)
	answer.Upload, answer.PartSize = want.Multipart, want.PartSize
	for n := 1; n <= want.parts(); n++ {
		item := syncproto.PlannedPart{Number: n}
		if etag, ok := arrived(there, n, want.partBytes(n)); ok {
			item.Done, item.ETag = true, etag
		} else {
			var err error
			item.URL, item.Headers, err = p.objects.partURL(ctx, *want, n, want.partBytes(n), p.cfg.PutLife)
			if err != nil {
				return syncproto.PlannedBlob{}, err
			}
		}
		answer.Parts = append(answer.Parts, item)
	}
	return answer, nil
}

// parts is how many parts the upload has.
func (u Upload) parts() int { return int((u.Size + u.PartSize - 1) / u.PartSize) }

// partBytes is the size of part n, counted from 1.
func (u Upload) partBytes(n int) int64 { return min(u.PartSize, u.Size-int64(n-1)*u.PartSize) }

// arrived finds a part of the right size.
func arrived(there []part, number int, size int64) (etag string, ok bool) {
	for _, p := range there {
		if p.number == number && p.size == size {
			return p.etag, true
		}
	}
	return "", false
}
