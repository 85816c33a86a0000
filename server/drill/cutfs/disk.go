// Package cutfs is a disk in memory whose power can be cut: it knows what was
// synced and what was not, and after a cut keeps all of the first and a random
// part of the second. Mounted by FUSE it lies under real processes.
//
// The rules are those that POSIX promises and no better. A file's bytes are
// sure after fsync of the file; a name, a rename, a removal are sure after
// fsync of the folder. What is not sure is lost, kept, or torn at sectors of
// 512 bytes, write by write, in any combination. It must never keep less than
// what was synced: a loss that a drill finds is then the program's own.
//
// The disk can also fail: the n-th write, sync or name with EIO or ENOSPC, once
// or for ever, and it can be full.
package cutfs

import (
	"bytes"
	"errors"
	"slices"
	"sync"
	"syscall"
	"time"
)

// sector is what a disk writes whole or not at all.
const sector = 512

// ErrNoFUSE says that this machine cannot mount a disk, and what that takes.
var ErrNoFUSE = errors.New("power cuts need FUSE on Linux: /dev/fuse must be there and this user must be allowed to mount (root)")

// Disk is one disk. It is safe for concurrent use.
type Disk struct {
	mu     sync.Mutex
	root   *inode
	nextID uint64
	dead   bool
	names  []nameOp // not synced yet, in order
	fault  *Fault
	limit  int64 // bytes; 0 for none
	used   int64
	count  Count
}

// Count says what was asked of the disk.
type Count struct {
	Writes, Syncs, Names int
}

// Fault makes the At-th change from now on fail, counted from 1: writes,
// truncations, syncs and changes of names alike.
type Fault struct {
	At      int
	Errno   syscall.Errno
	ForEver bool // every one behind it fails too
	Syncs   bool // only syncs count, and only they fail
	// Strike is called when the first one fails, before the program hears of it.
	// It must not ask the disk anything.
	Strike func()
	Hit    int // how many failed
	seen   int
}

// inode is a file or a folder.
type inode struct {
	id    uint64
	dir   bool
	mode  uint32
	mtime time.Time
	links int

	entries map[string]*inode // of a folder, as programs see it
	sure    map[string]*inode // of a folder, as synced

	data     []byte // of a file, as programs see it
	sureSize int64
	old      map[int64][]byte // synced bytes of the sectors written since
	pending  []write
}

// write is one change of a file's content that is not synced.
type write struct {
	off  int64
	data []byte
	size int64 // of a truncation, with data nil
}

// nameOp is one change of names that is not synced: a rename takes and gives.
type nameOp struct {
	dirs  []*inode
	names []string
	to    []*inode // nil where the name goes
}

// New makes an empty disk.
func New() *Disk {
	d := &Disk{}
	d.root = d.newInode(true, 0o755)
	return d
}

func (d *Disk) newInode(dir bool, mode uint32) *inode {
	d.nextID++
	n := &inode{id: d.nextID + 1, dir: dir, mode: mode, mtime: time.Unix(1, 0)}
	if dir {
		n.entries, n.sure = map[string]*inode{}, map[string]*inode{}
	} else {
		n.old = map[int64][]byte{}
	}
	return n
}

// Fail arms a fault; nil ends it.
func (d *Disk) Fail(f *Fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fault = f
}

// Limit makes the disk so large that free bytes are left; negative ends it.
func (d *Disk) Limit(free int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.limit = d.used + free; free < 0 {
		d.limit = 0
	}
}

// Hits is how often the armed fault has struck.
func (d *Disk) Hits(f *Fault) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return f.Hit
}

// Count says what was asked of the disk so far.
func (d *Disk) Count() Count {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.count
}

// change is asked before each one; it says whether the change fails.
func (d *Disk) change(counter *int) syscall.Errno {
	if d.dead {
		return syscall.EIO
	}
	*counter++
	f := d.fault
	if f == nil || f.Syncs && counter != &d.count.Syncs {
		return 0
	}
	f.seen++
	if f.seen == f.At || f.ForEver && f.seen > f.At {
		if f.Hit++; f.Hit == 1 && f.Strike != nil {
			f.Strike()
		}
		return f.Errno
	}
	return 0
}

// grow books more bytes, or says that the disk is full.
func (d *Disk) grow(n int64) syscall.Errno {
	if n > 0 && d.limit > 0 && d.used+n > d.limit {
		return syscall.ENOSPC
	}
	d.used += n
	return 0
}

// keep remembers the synced bytes of the sectors in [from, to) before they
// change.
func (n *inode) keep(from, to int64) {
	to = min(to, n.sureSize)
	for s := from / sector; s*sector < to; s++ {
		if _, ok := n.old[s]; ok || s*sector >= int64(len(n.data)) {
			continue
		}
		n.old[s] = bytes.Clone(n.data[s*sector : min((s+1)*sector, int64(len(n.data)))])
	}
}

func (d *Disk) write(n *inode, data []byte, off int64) syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	if e := d.change(&d.count.Writes); e != 0 {
		return e
	}
	end := off + int64(len(data))
	if e := d.grow(max(0, end-int64(len(n.data)))); e != 0 {
		return e
	}
	n.keep(off, end)
	n.resize(end, false)
	copy(n.data[off:], data)
	n.pending = append(n.pending, write{off: off, data: bytes.Clone(data)})
	n.mtime = time.Now()
	return 0
}

func (d *Disk) truncate(n *inode, size int64) syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	if size == int64(len(n.data)) {
		return 0
	}
	if e := d.change(&d.count.Writes); e != 0 {
		return e
	}
	if e := d.grow(size - int64(len(n.data))); e != 0 {
		return e
	}
	n.keep(size, n.sureSize)
	n.resize(size, true)
	n.pending = append(n.pending, write{size: size})
	n.mtime = time.Now()
	return 0
}

// resize grows a file with zeros; with cut it also shrinks it.
func (n *inode) resize(size int64, cut bool) {
	have := int64(len(n.data))
	switch {
	case size > have:
		n.data = append(n.data, make([]byte, size-have)...)
	case cut:
		n.data = n.data[:size:size]
	}
}

// sync makes a file's content, or a folder's names, sure.
func (d *Disk) sync(n *inode) syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	if e := d.change(&d.count.Syncs); e != 0 {
		return e
	}
	if !n.dir {
		n.sureSize, n.pending = int64(len(n.data)), nil
		clear(n.old)
		return 0
	}
	// A rename between two folders is sure when either is synced, as a journal
	// writes it at once.
	d.names = slices.DeleteFunc(d.names, func(op nameOp) bool {
		if !slices.Contains(op.dirs, n) {
			return false
		}
		op.apply()
		return true
	})
	return 0
}

// apply writes a change of names to the synced image.
func (op nameOp) apply() {
	for i, dir := range op.dirs {
		if op.to[i] == nil {
			delete(dir.sure, op.names[i])
		} else {
			dir.sure[op.names[i]] = op.to[i]
		}
	}
}

// rename changes names at once: each of them gets its inode, or none.
func (d *Disk) rename(op nameOp) syscall.Errno {
	if e := d.change(&d.count.Names); e != 0 {
		return e
	}
	for i, dir := range op.dirs {
		before := dir.entries[op.names[i]]
		if op.to[i] == nil {
			delete(dir.entries, op.names[i])
		} else {
			dir.entries[op.names[i]] = op.to[i]
			op.to[i].links++
		}
		if before != nil {
			if before.links--; before.links == 0 && !before.dir {
				d.used -= int64(len(before.data))
			}
		}
		dir.mtime = time.Now()
	}
	d.names = append(d.names, op)
	return 0
}
