package attachment

import (
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"sync"
	"time"

	"siteledger/client-sdk/transport"
	"siteledger/syncproto"
)

var (
	errDamaged = errors.New("the file on the phone is damaged")
	errReceipt = errors.New("the receipt is not for this file")
)

// send follows a plan to the receipt.
func (u *Uploader) send(ctx context.Context, b *Blob, plan syncproto.PlannedBlob) error {
	if plan.State == syncproto.StateHave && plan.Receipt != "" {
		return u.accept(ctx, *b, plan.Receipt)
	}
	req := syncproto.CommitRequest{SHA256: plan.SHA256, Upload: plan.Upload}
	if plan.State != syncproto.StateHave {
		if err := u.may(ctx, *b); err != nil {
			return err
		}
		if b.State != Attention {
			b.State = Uploading
			if err := u.Store.mark(ctx, *b); err != nil {
				return err
			}
			u.Changed()
		}
		var err error
		if req.Parts, err = u.put(ctx, b, plan); err != nil {
			return u.blame(ctx, *b, err)
		}
	}
	answer, err := u.Remote.Commit(ctx, req)
	if err != nil {
		return u.blame(ctx, *b, err)
	}
	if answer.SHA256 != plan.SHA256 {
		return fmt.Errorf("%w: commit names %s", errReceipt, answer.SHA256)
	}
	return u.accept(ctx, *b, answer.Receipt)
}

// may fails with [errWaits] where the rule keeps a photo off the present network.
func (u *Uploader) may(ctx context.Context, b Blob) error {
	largest, err := u.Largest(ctx)
	if err == nil && !b.MayGo(largest) {
		err = errWaits
	}
	return err
}

// blame looks at the phone's own bytes when the other side found them wrong:
// a damaged file is sent in vain for ever, and a person should know.
func (u *Uploader) blame(ctx context.Context, b Blob, err error) error {
	p, ok := transport.ProblemOf(err)
	if !errors.Is(err, transport.ErrRefusedUpload) && !(ok && p.Code == syncproto.BlobMismatch) {
		return err
	}
	whole, check := u.Store.whole(ctx, b.SHA256)
	if check == nil && !whole {
		return fmt.Errorf("%w: %w", errDamaged, err)
	}
	return err
}

// accept checks the receipt and marks the photo verified. Nothing else does.
func (u *Uploader) accept(ctx context.Context, b Blob, receipt string) error {
	keys, err := u.Keys(ctx)
	if err != nil {
		return err
	}
	var r syncproto.BlobReceipt
	if err := keys.Open(receipt, &r); err != nil {
		return fmt.Errorf("%w: %w", errReceipt, err)
	}
	if r.SHA256 != hex.EncodeToString(b.SHA256[:]) || r.Size != b.Size || r.Device != u.Device || r.History != u.History {
		return fmt.Errorf("%w: it names %s of %d bytes", errReceipt, r.SHA256, r.Size)
	}
	return u.Store.verified(ctx, b, u.History, r.At, receipt)
}

// put sends the bytes: in one request, or the parts that are not there yet.
func (u *Uploader) put(ctx context.Context, b *Blob, plan syncproto.PlannedBlob) ([]syncproto.CommitPart, error) {
	f, err := u.Store.OpenFile(b.SHA256)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.Size() != b.Size {
		return nil, fmt.Errorf("%w: %w", errDamaged, errors.Join(err, fmt.Errorf("size is not %d", b.Size)))
	}
	if plan.State == syncproto.StatePut {
		_, err := u.putOne(ctx, *b, 0, plan.URL, plan.Headers, f, b.Size)
		return nil, err
	}
	if plan.State != syncproto.StateParts || plan.PartSize <= 0 || int64(len(plan.Parts)) != (b.Size+plan.PartSize-1)/plan.PartSize {
		return nil, fmt.Errorf("%w: a plan that does not fit the file", transport.ErrForeign)
	}
	done := make([]syncproto.CommitPart, 0, len(plan.Parts))
	for i, part := range plan.Parts {
		if part.Number != i+1 {
			return nil, fmt.Errorf("%w: part %d where %d belongs", transport.ErrForeign, part.Number, i+1)
		}
		at := int64(i) * plan.PartSize
		size := min(plan.PartSize, b.Size-at)
		etag := part.ETag
		if !part.Done {
			if err := u.may(ctx, *b); err != nil { // the network may be another by now
				return nil, err
			}
			bytes := io.NewSectionReader(f, at, size)
			headers, err := digested(part.Headers, bytes)
			if err != nil {
				return nil, err
			}
			if etag, err = u.putOne(ctx, *b, at, part.URL, headers, bytes, size); err != nil {
				return nil, err
			}
		}
		b.Sent = at + size
		done = append(done, syncproto.CommitPart{Number: part.Number, ETag: etag})
	}
	return done, nil
}

// digested adds the digest by which a storage refuses a part of which it has half,
// or other bytes: the plan can't sign one, since it knows the whole's hash alone.
// It is against accidents; the whole is checked by its SHA-256.
func digested(headers map[string]string, r io.ReadSeeker) (map[string]string, error) {
	h := md5.New()
	if _, err := io.Copy(h, r); err != nil {
		return nil, fmt.Errorf("read a part: %w", err)
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("read a part: %w", err)
	}
	out := maps.Clone(headers)
	if out == nil {
		out = map[string]string{}
	}
	out["Content-MD5"] = base64.StdEncoding.EncodeToString(h.Sum(nil))
	return out, nil
}

func (u *Uploader) putOne(ctx context.Context, b Blob, at int64, address string, headers map[string]string, r io.Reader, size int64) (string, error) {
	note, stop := u.progress(ctx, b, at)
	defer stop()
	return u.Remote.Put(ctx, address, headers, r, size, note)
}

// progress notes the bytes sent, for the screen: at most once a second, and
// not after stop. The network may go on reading for a moment after it failed.
func (u *Uploader) progress(ctx context.Context, b Blob, before int64) (note func(int64), stop func()) {
	var mu sync.Mutex
	var last time.Time
	stopped := false
	note = func(n int64) {
		mu.Lock()
		defer mu.Unlock()
		now := u.Store.now()
		if stopped || now.Sub(last) < time.Second {
			return
		}
		last, b.Sent = now, before+n
		if u.Store.mark(ctx, b) == nil {
			u.Changed()
		}
	}
	stop = func() {
		mu.Lock()
		stopped = true
		mu.Unlock()
	}
	return note, stop
}
