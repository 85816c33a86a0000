package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"syscall"

	"siteledger/server/drill/cutfs"
)

// commanded is a phone on a disk that can fail, told what to do.
type commanded struct {
	*process
	disk *cutfs.Disk
	t    *tally
	said phoneSaid
}

var answerLine = regexp.MustCompile(`^(ok|err) ?(\S*) ?(.*)$`)

// tell gives a command; code is empty where it was done.
func (c *commanded) tell(ctx context.Context, command string) (answer, code string, err error) {
	if _, err := fmt.Fprintln(c.in, command); err != nil {
		return "", "", err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	m, err := c.await(ctx, answerLine)
	if err != nil {
		return "", "", err
	}
	if m[1] == "err" {
		return m[3], m[2], nil
	}
	return m[2], "", nil
}

// syncFailed is how SQLite tells every failure of a sync, a full disk among
// them: it does not say which.
const syncFailed = "disk I/O error (1034)"

// commandedOn runs a phone on a fresh disk.
func (b *bench) commandedOn(ctx context.Context, t *tally, fn func(c *commanded) error) (err error) {
	disk, err := laden(b.phoneData)
	if err != nil {
		return err
	}
	m, err := disk.Mount(b.folder("disk"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.Close(), os.Remove(m.Dir)) }()
	p, err := launch(false, b.self, childWord, "phone-commands", m.Dir)
	if err != nil {
		return err
	}
	defer p.kill()
	c := &commanded{process: p, disk: disk, t: t}
	if !c.said.opened(ctx, p, t) {
		return nil
	}
	if err := fn(c); err != nil {
		return err
	}
	r := b.random(t.name)
	t.acked = len(c.said.edits) + len(c.said.photos)
	return b.inspect(disk.Image(r), func(dir string) error {
		c.said.check(ctx, dir, t)
		return nil
	})
}

// edit records a transaction; what is refused must not be there.
func (c *commanded) edit(ctx context.Context, name string) (said, code string, err error) {
	said, code, err = c.tell(ctx, "edit "+name)
	if err == nil && code == "" {
		c.said.edits = append(c.said.edits, name)
	}
	return said, code, err
}

// absent proves that nothing of a refused transaction is shown.
func (c *commanded) absent(ctx context.Context, name, what string) error {
	n, code, err := c.tell(ctx, "has "+name)
	if err == nil && (code != "" || n != "0") {
		c.t.find("%s: a refused transaction shows %s rows %s", what, n, code)
	}
	return err
}

func (c *commanded) attach(ctx context.Context, size int) (said, code string, err error) {
	said, code, err = c.tell(ctx, fmt.Sprintf("attach %d", size))
	if err == nil && code == "" {
		c.said.photos = append(c.said.photos, said)
	}
	return said, code, err
}

// phoneErrors makes the disk fail under a phone's transaction and photo.
func (b *bench) phoneErrors(ctx context.Context, t *tally, most int) error {
	err := b.commandedOn(ctx, t, func(c *commanded) error {
		n := 0
		err := positions(c.disk, most, func(f *cutfs.Fault) (bool, error) {
			n++
			name := fmt.Sprintf("edit-%d", n)
			c.disk.Fail(f)
			said, code, err := c.edit(ctx, name)
			c.disk.Fail(nil)
			hit := c.disk.Hits(f) > 0
			if hit {
				t.errors++
			}
			if err != nil || code == "" {
				return !hit, err
			}
			if f.Errno == syscall.ENOSPC && code != "storage-full" && !strings.Contains(said, syncFailed) {
				t.find("record, %s: told as %s %s", describe(f), code, said)
			}
			if err := c.absent(ctx, name, describe(f)); err != nil {
				return false, err
			}
			if _, code, err := c.edit(ctx, name+"-again"); err != nil || code != "" {
				t.find("record, %s: refused when the fault was gone: %s", describe(f), code)
				return true, err
			}
			return false, nil
		})
		if err != nil {
			return err
		}
		return positions(c.disk, most, func(f *cutfs.Fault) (bool, error) {
			c.disk.Fail(f)
			said, code, err := c.attach(ctx, 3000+f.At*1000)
			c.disk.Fail(nil)
			hit := c.disk.Hits(f) > 0
			if hit {
				t.errors++
			}
			if err != nil || code == "" {
				return !hit, err
			}
			if f.Errno == syscall.ENOSPC && code != "storage-full" && !strings.Contains(said, syncFailed) {
				t.find("photo, %s: told as %s %s", describe(f), code, said)
			}
			if _, code, err := c.attach(ctx, 3000+f.At*1000); err != nil || code != "" {
				t.find("photo, %s: refused when the fault was gone: %s", describe(f), code)
				return true, err
			}
			return false, nil
		})
	})
	return err
}

// phoneFull fills a phone's disk: it says so before a photo is taken, and
// nothing is half recorded.
func (b *bench) phoneFull(ctx context.Context, t *tally, cycles int) error {
	err := b.commandedOn(ctx, t, func(c *commanded) error {
		want := func(what, said, got, code string) {
			if got != code {
				t.find("%s: %q, want %q", what, got, code)
			}
			if code != "" && !strings.ContainsAny(said, "满空间") {
				t.find("%s: the sentence does not say what is wrong: %s", what, said)
			}
			if code != "" {
				t.errors++
			}
		}
		for cycle := range cycles {
			c.disk.Limit(8 << 20) // under the reserve
			said, code, err := c.tell(ctx, "capture 3000000")
			want("before a photo is taken", said, code, "storage-full")
			if err != nil {
				return err
			}
			before := c.disk.Count().Writes
			said, code, err = c.attach(ctx, 3000000)
			want("photo", said, code, "storage-full")
			if err != nil {
				return err
			}
			if n := c.disk.Count().Writes - before; n > 0 {
				t.find("photo: %d writes on a disk that has no room", n)
			}
			name := fmt.Sprintf("low-%d", cycle)
			if _, code, err := c.edit(ctx, name); err != nil || code != "" {
				t.find("the reserve is not there for records: %s %v", code, err)
			}
			c.disk.Limit(0)
			if err := fillPhone(ctx, c, cycle); err != nil {
				return err
			}
			c.disk.Limit(-1)
			if _, code, err := c.edit(ctx, name+"-room"); err != nil || code != "" {
				t.find("refused when there is room again: %s %v", code, err)
			}
			if _, code, err := c.attach(ctx, 50000); err != nil || code != "" {
				t.find("photo refused when there is room again: %s %v", code, err)
			}
		}
		return nil
	})
	return err
}

// fillPhone records until the disk is full: what is refused is not there.
func fillPhone(ctx context.Context, c *commanded, cycle int) error {
	for i := range 2000 {
		name := fmt.Sprintf("full-%d-%d", cycle, i)
		_, code, err := c.edit(ctx, name)
		if err != nil {
			return err
		}
		if code == "" {
			continue
		}
		c.t.errors++
		if code != "storage-full" {
			c.t.find("a full disk is told as %s", code)
		}
		return c.absent(ctx, name, "full disk")
	}
	c.t.find("the disk never filled up")
	return nil
}
