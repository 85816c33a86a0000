package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"syscall"

	"siteledger/server/drill/cutfs"
	"siteledger/syncproto"
)

// kinds are the faults that are tried at each position.
func kinds() []cutfs.Fault {
	return []cutfs.Fault{
		{Errno: syscall.EIO}, {Errno: syscall.EIO, ForEver: true}, {Errno: syscall.ENOSPC}, {Errno: syscall.ENOSPC, ForEver: true},
		{Errno: syscall.EIO, Syncs: true}, {Errno: syscall.EIO, Syncs: true, ForEver: true},
	}
}

func describe(f *cutfs.Fault) string {
	s := fmt.Sprintf("%v at change %d", f.Errno, f.At)
	if f.Syncs {
		s = fmt.Sprintf("%v at sync %d", f.Errno, f.At)
	}
	if f.ForEver {
		s += " and for ever"
	}
	return s
}

// positions tries a fault of each kind at the 1st, 2nd, 3rd … change, until
// try says that its work was done before the fault was reached.
func positions(disk *cutfs.Disk, most int, try func(f *cutfs.Fault) (bool, error)) error {
	for _, kind := range kinds() {
		for at := 1; at <= most; at++ {
			f := kind
			f.At = at
			done, err := try(&f)
			disk.Fail(nil)
			if err != nil {
				return err
			}
			if done {
				break
			}
		}
	}
	return nil
}

// trouble runs the real server on a disk that can fail.
func (b *bench) trouble(ctx context.Context, fn func(disk *cutfs.Disk, s *server) error) (err error) {
	disk, err := laden(b.serverData)
	if err != nil {
		return err
	}
	m, err := disk.Mount(b.folder("disk"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.Close(), os.Remove(m.Dir)) }()
	s, err := b.serve(ctx, m.Dir)
	if err != nil {
		return err
	}
	defer s.kill()
	return fn(disk, s)
}

// serverErrors makes the disk fail under a push and under a photo's way to its
// receipt.
func (b *bench) serverErrors(ctx context.Context, t *tally, most int) error {
	r := b.random(t.name)
	logs, objects := b.fresh(), []*object{}
	err := b.trouble(ctx, func(disk *cutfs.Disk, s *server) error {
		look := func() error {
			return b.inspect(disk.Image(r), func(dir string) error {
				checkObjects(dir, objects, t)
				return checkLedger(ctx, dir, logs, t)
			})
		}
		// attempt does something under a fault, then again without one.
		attempt := func(what string, f *cutfs.Fault, do func() error) (bool, error) {
			disk.Fail(f)
			err := do()
			disk.Fail(nil)
			hit := disk.Hits(f) > 0
			if hit {
				t.errors++
			}
			clear(t, what+", "+describe(f), hit, err)
			if hit && err == nil || t.errors%20 == 1 {
				if err := look(); err != nil {
					return false, err
				}
			}
			if err := do(); err != nil {
				t.find("%s, %s: not taken when the fault was gone: %v", what, describe(f), err)
				return true, nil // each further one would say the same
			}
			return !hit && err == nil, nil
		}
		d := logs[0]
		err := positions(disk, most, func(f *cutfs.Fault) (bool, error) {
			if err := d.record(1 + f.At%3*20); err != nil {
				return false, err
			}
			return attempt("push", f, func() error {
				_, err := d.push(ctx, s.url, min(d.acked+1, uint64(len(d.log))), uint64(len(d.log)))
				return err
			})
		})
		if err != nil {
			return err
		}
		err = positions(disk, most, func(f *cutfs.Fault) (bool, error) {
			o, err := newObject(r)
			if err != nil {
				return false, err
			}
			objects = append(objects, o)
			return attempt("photo", f, func() error {
				err := logs[1].upload(ctx, s.url, o)
				if err == nil && !o.verified {
					err = errors.New("no receipt")
				}
				return err
			})
		})
		return errors.Join(err, look())
	})
	t.count(logs, objects)
	return err
}

// clear wants that a failed operation was refused by the server, in a way that
// a phone understands: later, the same again.
func clear(t *tally, what string, hit bool, err error) {
	var r *refused
	switch {
	case err == nil:
	case !hit:
		t.find("%s: failed without a fault: %v", what, err)
	case !errors.As(err, &r):
		t.find("%s: no answer: %v", what, err)
	case r.status < 500:
		t.find("%s: the server's trouble is told as the phone's: %v", what, err)
	}
}

// serverFull fills the server's disk again and again.
func (b *bench) serverFull(ctx context.Context, t *tally, cycles int) error {
	r := b.random(t.name)
	logs := b.fresh()
	err := b.trouble(ctx, func(disk *cutfs.Disk, s *server) error {
		for cycle := range cycles {
			disk.Limit(int64(cycle) * 40_000)
			if err := fillServer(ctx, s, logs[0], t); err != nil {
				return err
			}
			if status, body, err := call(ctx, http.MethodGet, s.url+syncproto.PathPull, "", nil, logs[1].token); err != nil || status != http.StatusOK {
				t.find("pull on a full disk: %d %v %.200s", status, err, body)
			}
			disk.Limit(-1)
			again(ctx, s.url, logs, t)
			if err := b.inspect(disk.Image(r), func(dir string) error { return checkLedger(ctx, dir, logs, t) }); err != nil {
				return err
			}
		}
		return nil
	})
	t.count(logs, nil)
	return err
}

// fillServer pushes until the disk is full.
func fillServer(ctx context.Context, s *server, d *device, t *tally) error {
	for range 200 {
		if err := d.record(50); err != nil {
			return err
		}
		_, err := d.push(ctx, s.url, d.acked+1, uint64(len(d.log)))
		if err == nil {
			continue
		}
		t.errors++
		var r *refused
		if !errors.As(err, &r) || r.status != http.StatusServiceUnavailable && r.status != http.StatusInsufficientStorage {
			t.find("a full disk is told as %v, not as 503 or 507", err)
		}
		return nil
	}
	t.find("the disk never filled up")
	return nil
}
