package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/fxamacker/cbor/v2"

	"siteledger/server/drill/cutfs"
)

// serverCuts cuts the power under the whole real server: ledger, photos, keys.
func (b *bench) serverCuts(ctx context.Context, t *tally, n int) error {
	r := b.random(t.name)
	var disk *cutfs.Disk
	var logs []*device
	var objects []*object
	var err error
	for t.cuts < n && t.lost == 0 && ctx.Err() == nil {
		if t.cuts%generation == 0 {
			t.count(logs, objects)
			logs, objects = b.fresh(), nil
			if disk, err = laden(b.serverData); err != nil {
				return err
			}
		}
		disk, err = b.powered(disk, r, func(dir string) (func(), error) {
			s, err := b.serve(ctx, dir)
			if err != nil {
				t.find("restart after a cut: %v", err)
				return nil, ctx.Err()
			}
			t.restarted(s.ready)
			again(ctx, s.url, logs, t)
			cut := disk
			busy(ctx, s.url, logs, r, &objects, t, between(r, 5*time.Millisecond, 120*time.Millisecond), func() { cut.Cut(r); s.kill() })
			return nil, nil
		})
		if err != nil {
			return err
		}
		t.cuts++
		if err := b.inspect(disk, func(dir string) error {
			checkObjects(dir, objects, t)
			return checkLedger(ctx, dir, logs, t)
		}); err != nil {
			return err
		}
	}
	t.count(logs, objects)
	return ctx.Err()
}

// checkObjects looks for every photo that the object storage answered 200 for,
// and proves that no object is half there.
func checkObjects(data string, objects []*object, t *tally) {
	folder := filepath.Join(data, "blobs")
	for _, o := range objects {
		if !o.put {
			continue
		}
		b, err := os.ReadFile(filepath.Join(folder, filepath.FromSlash(o.key)))
		if err != nil || sha256.Sum256(b) != o.sha {
			t.lose("photo %x was answered 200: %d bytes, %v", o.sha, len(b), err)
			o.put = false // once is enough
		}
	}
	err := filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case e.IsDir() && strings.HasPrefix(e.Name(), "."): // temporary files and unfinished uploads
			return filepath.SkipDir
		case e.IsDir():
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		switch name := filepath.ToSlash(path); {
		case strings.Contains(name, "/siteledger/ledger/"): // a shipped batch: named by its place, whole or not there
			if err := cbor.Wellformed(b); err != nil {
				t.find("shipped object %s is torn: %v", path, err)
			}
		case !strings.Contains(name, fmt.Sprintf("%x", sha256.Sum256(b))):
			t.find("object %s has other bytes than its name says", path)
		}
		return nil
	})
	if err != nil {
		t.find("objects: %v", err)
	}
}

// firstStartCuts cuts the power in the middle of a first start: the next one
// must finish the work.
func (b *bench) firstStartCuts(ctx context.Context, t *tally, n int) error {
	r := b.random(t.name)
	syncs, err := b.syncsOfStart(ctx)
	if err != nil {
		return err
	}
	order := r.Perm(syncs) // a transaction ends with a sync: between any two of them
	for tried := 0; t.cuts < n && ctx.Err() == nil; {
		disk := cutfs.New()
		for range 1 + r.IntN(2) {
			tried++
			disk, err = b.powered(disk, r, func(dir string) (func(), error) {
				return b.struckStart(ctx, disk, filepath.Join(dir, "data"), 1+order[tried%syncs])
			})
			if err != nil {
				return err
			}
			t.cuts++
		}
		started := false
		disk, err = b.powered(disk, r, func(dir string) (func(), error) {
			s, err := b.serve(ctx, filepath.Join(dir, "data"))
			if err != nil {
				t.find("start after a cut first start: %v", err)
				return nil, ctx.Err()
			}
			started = true
			t.restarted(s.ready)
			return func() { s.kill() }, nil
		})
		if err != nil {
			return err
		}
		t.cuts++
		if err := b.inspect(disk, func(dir string) error { return settled(ctx, filepath.Join(dir, "data"), started, t) }); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// syncsOfStart counts the syncs of a whole first start.
func (b *bench) syncsOfStart(ctx context.Context) (int, error) {
	disk := cutfs.New()
	m, err := disk.Mount(b.folder("disk"))
	if err != nil {
		return 0, err
	}
	s, err := b.serve(ctx, filepath.Join(m.Dir, "data"))
	if err == nil {
		s.kill()
	}
	return disk.Count().Syncs, errors.Join(err, m.Close(), os.Remove(m.Dir))
}

// struckStart starts the server and kills it at one sync of the disk, or
// soon after its start is done.
func (b *bench) struckStart(ctx context.Context, disk *cutfs.Disk, data string, at int) (end func(), err error) {
	struck := make(chan struct{})
	disk.Fail(&cutfs.Fault{At: at, Syncs: true, Errno: syscall.EIO, ForEver: true, Strike: func() { close(struck) }})
	started := time.Now()
	p, err := b.startServer(data)
	if err != nil {
		return nil, err
	}
	ready := make(chan struct{})
	go func() {
		defer close(ready)
		_, _ = waitReady(ctx, p, started) // one that was struck is never ready
	}()
	select {
	case <-struck:
	case <-ready:
	}
	_ = p.cmd.Process.Kill()
	<-ready
	return func() { p.kill() }, nil
}

// settled proves that what a ready server has shown, its administrator's
// password among it, is there to stay.
func settled(ctx context.Context, data string, started bool, t *tally) (err error) {
	if !started {
		return nil
	}
	t.acked++
	if _, err := os.Stat(data); err != nil {
		t.lost++
		t.find("the server was ready, its data folder is gone: %v", err)
		return nil
	}
	o, err := open(ctx, data)
	if err != nil {
		t.lost++
		t.find("the server was ready, its store does not open: %v", err)
		return nil
	}
	defer func() { err = errors.Join(err, o.Close()) }()
	if streams, err := o.Streams(ctx); err != nil || len(streams) != 2 {
		t.lost++
		t.find("the server was ready, %d streams are left, %v", len(streams), err)
	}
	return nil
}

// phoneDisk holds an enrolled phone, on demand one whose photo store has to be
// made anew.
func (b *bench) phoneDisk(noPhotos bool) (*cutfs.Disk, error) {
	if !noPhotos {
		return laden(b.phoneData)
	}
	dir, err := b.copyOf(b.phoneData, "no-photos")
	if err != nil {
		return nil, err
	}
	if err := os.RemoveAll(filepath.Join(dir, "photos")); err != nil {
		return nil, err
	}
	return laden(dir)
}

// phoneCuts cuts the power under a phone's database and photo store.
func (b *bench) phoneCuts(ctx context.Context, t *tally, n int) error {
	r := b.random(t.name)
	var disk *cutfs.Disk
	said := &phoneSaid{}
	var err error
	for t.cuts < n && ctx.Err() == nil {
		if t.cuts%generation == 0 {
			t.acked += len(said.edits) + len(said.photos)
			said = &phoneSaid{}
			if disk, err = b.phoneDisk(t.cuts/generation%2 == 0); err != nil {
				return err
			}
		}
		disk, err = b.powered(disk, r, func(dir string) (func(), error) {
			p, err := launch(false, b.self, childWord, "phone", dir)
			if err != nil {
				return nil, err
			}
			return func() { said.hear(p.kill()) }, b.whileRunning(ctx, p, r, t)
		})
		if err != nil {
			return err
		}
		t.cuts++
		if err := b.inspect(disk, func(dir string) error {
			said.check(ctx, dir, t)
			return nil
		}); err != nil {
			return err
		}
	}
	t.acked += len(said.edits) + len(said.photos)
	return ctx.Err()
}
