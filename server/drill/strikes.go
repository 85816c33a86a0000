package main

import (
	"context"
	"errors"
	"os"
	"syscall"

	"siteledger/server/drill/cutfs"
)

// strikes kills the real server, or cuts its power, exactly at the 1st, 2nd,
// 3rd … change that a push, or a photo's way to its receipt, makes on the disk.
func (b *bench) strikes(ctx context.Context, t *tally, most int) error {
	disk, err := laden(b.serverData)
	if err != nil {
		return err
	}
	r := b.random(t.name)
	logs, objects := b.fresh(), []*object{}
	for at := 1; at <= most && t.lost == 0 && ctx.Err() == nil; at++ {
		for _, photo := range []bool{false, true} {
			o, err := newObject(r)
			if err != nil {
				return err
			}
			do := func(s *server) {
				_, _ = logs[0].push(ctx, s.url, min(logs[0].acked+1, uint64(len(logs[0].log))), uint64(len(logs[0].log)))
			}
			if photo {
				objects = append(objects, o)
				do = func(s *server) { _ = logs[1].upload(ctx, s.url, o) } // what it was told stands in o
			} else if err := logs[0].record(1 + at%4); err != nil {
				return err
			}
			cut := (at%2 == 0) != photo
			if err := b.strike(ctx, disk, at, cut, logs, do, t); err != nil {
				return err
			}
			if cut {
				disk = disk.Cut(r)
			}
		}
		if at%5 == 0 || at == most {
			if err := b.inspect(disk.Image(r), func(dir string) error {
				checkObjects(dir, objects, t)
				return checkLedger(ctx, dir, logs, t)
			}); err != nil {
				return err
			}
		}
	}
	t.count(logs, objects)
	return ctx.Err()
}

// strike starts the server on the disk, lets it work, and kills it at one
// change of the disk. From that change on the disk takes nothing more.
func (b *bench) strike(ctx context.Context, disk *cutfs.Disk, at int, cut bool, logs []*device, do func(*server), t *tally) (err error) {
	m, err := disk.Mount(b.folder("disk"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.Close(), os.Remove(m.Dir)) }()
	s, err := b.serve(ctx, m.Dir)
	if err != nil {
		t.find("restart: %v", err)
		return ctx.Err()
	}
	defer func() {
		s.kill()
		disk.Fail(nil)
	}()
	t.restarted(s.ready)
	again(ctx, s.url, logs, t)
	disk.Fail(&cutfs.Fault{At: at, Errno: syscall.EIO, ForEver: true, Strike: func() { _ = s.cmd.Process.Kill() }})
	do(s)
	if cut {
		t.cuts++
	} else {
		t.kills++
	}
	return nil
}
