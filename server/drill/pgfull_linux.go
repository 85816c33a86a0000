package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"siteledger/syncproto"
)

// pgFull fills the disk of the database's tables, on a small file system of its
// own, again and again.
func (b *bench) pgFull(ctx context.Context, t *tally, cycles int) error {
	if os.Geteuid() != 0 {
		return errors.New("a small file system is mounted by root alone")
	}
	h, err := b.newHouse(ctx, nil)
	if err != nil {
		return err
	}
	defer h.close()
	small, err := h.smallDisk(64 << 20)
	if err != nil {
		return err
	}
	for _, text := range []string{"CREATE TABLESPACE small LOCATION '" + small + "'", "ALTER DATABASE " + pgDatabase + " SET TABLESPACE small"} {
		if err := h.ask(ctx, h.pg, "postgres", text); err != nil {
			return err
		}
	}
	s, err := h.serve(ctx)
	if err != nil {
		return err
	}
	logs := b.fresh()
	for range cycles {
		if err := h.fullOnce(ctx, s, small, logs, t); err != nil {
			return err
		}
	}
	t.count(logs, nil)
	err = h.check(ctx, logs, t)
	h.verify(ctx, t)
	return err
}

// smallDisk mounts a file system of so many bytes that PostgreSQL may use. It
// ends before the cluster's folder is removed.
func (h *house) smallDisk(size int) (string, error) {
	dir := filepath.Join(h.dir, "small")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", err
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d,mode=0700", size)); err != nil {
		return "", fmt.Errorf("mount a small disk: %w", err)
	}
	h.mu.Lock() // unmounted after the cluster has ended, which comes later in the list
	h.ended = append(h.ended[:1:1], append([]func(){func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) }}, h.ended[1:]...)...)
	h.mu.Unlock()
	info, err := os.Stat(filepath.Join(h.pg.Dir, "data"))
	if err != nil {
		return "", err
	}
	owner := info.Sys().(*syscall.Stat_t)
	return dir, os.Chown(dir, int(owner.Uid), int(owner.Gid))
}

// fill takes all room but a little. Where somebody else took some meanwhile it
// looks anew.
func fill(dir string, leave int64) (name string, err error) {
	name = filepath.Join(dir, "filler")
	f, err := os.Create(name)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	for range 20 {
		var fs syscall.Statfs_t
		if err := syscall.Statfs(dir, &fs); err != nil {
			return "", err
		}
		err = syscall.Fallocate(int(f.Fd()), 0, 0, max(1, int64(fs.Bavail)*fs.Bsize-leave))
		if !errors.Is(err, syscall.ENOSPC) {
			break
		}
	}
	if err != nil {
		return "", fmt.Errorf("fill the small disk: %w", err)
	}
	return name, nil
}

func (h *house) fullOnce(ctx context.Context, s *server, small string, logs []*device, t *tally) error {
	filler, err := fill(small, 256<<10)
	if err != nil {
		return err
	}
	refusals, err := refuseFull(ctx, s, logs[0], t)
	if err != nil {
		return err
	}
	t.errors += refusals
	if status, body, err := call(ctx, http.MethodGet, s.url+syncproto.PathPull, "", nil, logs[1].token); err != nil || status != http.StatusOK {
		t.find("pull on a full disk: %d %v %.200s", status, err, body)
	}
	if err := os.Remove(filler); err != nil {
		return err
	}
	started := time.Now()
	again(ctx, s.url, logs, t)
	t.note("taken %d ms after there was room", time.Since(started).Milliseconds())
	return nil
}

// refuseFull pushes until three pushes were refused, as they must be.
func refuseFull(ctx context.Context, s *server, d *device, t *tally) (refusals int, err error) {
	for range 600 {
		if d.acked == uint64(len(d.log)) {
			if err := d.record(50); err != nil {
				return refusals, err
			}
		}
		_, err := d.push(ctx, s.url, d.acked+1, uint64(len(d.log)))
		if err == nil {
			continue
		}
		var r *refused
		if !errors.As(err, &r) || r.status != http.StatusServiceUnavailable || r.later == "" {
			t.find("a full disk is told as %v, Retry-After %q: %s", err, later(err), s.tail)
			return refusals, nil
		}
		if refusals++; refusals == 3 {
			return refusals, nil
		}
	}
	t.find("the disk never filled up")
	return refusals, nil
}

func later(err error) string {
	var r *refused
	if errors.As(err, &r) {
		return r.later
	}
	return ""
}
