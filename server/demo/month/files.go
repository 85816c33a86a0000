package month

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"siteledger/server/demo/scene"
	"siteledger/server/ledger"
	"siteledger/syncproto"
)

// file is a blob's bytes once they are drawn.
type file struct {
	ready chan struct{}
	bytes []byte
	sha   [32]byte
	size  int64
	sent  bool // by the loader
}

// upload is a phone's files on their way to the object storage.
type upload struct {
	device ledger.Device
	blobs  []*Blob
}

// uploaders is how many files travel at once: they mostly wait for the disk.
const uploaders = 8

// draw starts drawing every file of the month, in the order of its time, and
// uploading those that were handed over.
func (l *loader) draw(ctx context.Context, group *errgroup.Group) {
	var all []*Blob
	for _, s := range l.m.Steps {
		if s.Push == nil {
			continue
		}
		for _, r := range s.Push.Records {
			all = append(all, r.Blobs...)
		}
	}
	all = slices.DeleteFunc(all, func(b *Blob) bool {
		if l.files[b] != nil {
			return true
		}
		l.files[b] = &file{ready: make(chan struct{})}
		return false
	})
	l.uploads = make(chan upload, len(all))
	if l.Blobs == nil {
		l.pretend(all)
		return
	}
	studio := scene.NewStudio()
	todo := make(chan *Blob)
	group.Go(func() error {
		defer close(todo)
		for _, b := range all {
			select {
			case todo <- b:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	for range runtime.NumCPU() {
		group.Go(func() error {
			for b := range todo {
				if err := l.files[b].fill(b, studio); err != nil {
					return err
				}
			}
			return nil
		})
	}
	for range uploaders {
		group.Go(func() error {
			for u := range l.uploads {
				if err := l.upload(ctx, u); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

func (f *file) fill(b *Blob, studio *scene.Studio) error {
	var err error
	if f.bytes, err = b.Draw(studio); err != nil {
		return err
	}
	f.sha, f.size = sha256.Sum256(f.bytes), int64(len(f.bytes))
	close(f.ready)
	return nil
}

func (l *loader) await(ctx context.Context, b *Blob) error {
	select {
	case <-l.files[b].ready:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// sendFiles hands a push's files over; previews come first, as phones send
// them.
func (l *loader) sendFiles(ctx context.Context, dev ledger.Device, blobs []*Blob) error {
	if len(blobs) == 0 {
		return nil
	}
	blobs = slices.DeleteFunc(slices.Clone(blobs), func(b *Blob) bool {
		sent := l.files[b].sent
		l.files[b].sent = true
		return sent
	})
	for _, b := range blobs {
		l.loaded.Files++
		l.loaded.Bytes += l.files[b].size
	}
	if len(blobs) == 0 {
		return nil
	}
	if l.Blobs == nil {
		return l.announce(ctx, dev, blobs)
	}
	select {
	case l.uploads <- upload{dev, blobs}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// upload plans, puts and commits, as a phone does.
func (l *loader) upload(ctx context.Context, u upload) error {
	bySHA := make(map[string]*Blob, len(u.blobs))
	asked := make([]syncproto.PlanBlob, len(u.blobs))
	for i, b := range u.blobs {
		f := l.files[b]
		sha := hex.EncodeToString(f.sha[:])
		bySHA[sha] = b
		asked[i] = syncproto.PlanBlob{SHA256: sha, Size: f.size, Type: b.Type, Purpose: b.Purpose}
	}
	steady := context.WithoutCancel(ctx) // see play
	planned, err := l.Blobs.Plan(steady, u.device, asked)
	if err != nil {
		return fmt.Errorf("plan files: %w", err)
	}
	for _, p := range planned {
		b := bySHA[p.SHA256]
		if err := l.put(ctx, p, l.files[b].bytes); err != nil {
			return err
		}
		if p.State == syncproto.StateHave {
			continue
		}
		req := syncproto.CommitRequest{SHA256: p.SHA256, Upload: p.Upload}
		if _, err := l.Blobs.Commit(steady, u.device, req); err != nil {
			return fmt.Errorf("commit file: %w", err)
		}
		l.files[b].bytes = nil // let the memory go
	}
	return nil
}

func (l *loader) put(ctx context.Context, p syncproto.PlannedBlob, body []byte) error {
	switch p.State {
	case syncproto.StateHave:
		return nil
	case syncproto.StatePut:
	default:
		return fmt.Errorf("file of %d bytes: plan says %q", len(body), p.State)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, p.URL, bytes.NewReader(body))
	if err != nil {
		return err
	}
	for k, v := range p.Headers {
		req.Header.Set(k, v)
	}
	req.ContentLength = int64(len(body))
	res, err := l.HTTP.Do(req)
	if err != nil {
		return fmt.Errorf("put file: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode/100 != 2 {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 500))
		return fmt.Errorf("put file: %s: %s", res.Status, text)
	}
	_, err = io.Copy(io.Discard, res.Body)
	return err
}
