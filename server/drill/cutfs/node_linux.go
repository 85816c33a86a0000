package cutfs

import (
	"context"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// node is an inode as FUSE sees it.
type node struct {
	fs.Inode
	disk  *Disk
	inode *inode
}

var (
	_ fs.NodeLookuper  = (*node)(nil)
	_ fs.NodeGetattrer = (*node)(nil)
	_ fs.NodeSetattrer = (*node)(nil)
	_ fs.NodeOpener    = (*node)(nil)
	_ fs.NodeReader    = (*node)(nil)
	_ fs.NodeWriter    = (*node)(nil)
	_ fs.NodeFsyncer   = (*node)(nil)
	_ fs.NodeCreater   = (*node)(nil)
	_ fs.NodeMkdirer   = (*node)(nil)
	_ fs.NodeUnlinker  = (*node)(nil)
	_ fs.NodeRmdirer   = (*node)(nil)
	_ fs.NodeRenamer   = (*node)(nil)
	_ fs.NodeLinker    = (*node)(nil)
	_ fs.NodeReaddirer = (*node)(nil)
	_ fs.NodeStatfser  = (*node)(nil)
)

func (n *inode) attr(out *fuse.Attr) {
	out.Ino, out.Size, out.Blksize = n.id, uint64(len(n.data)), 4096
	out.Blocks = (out.Size + sector - 1) / sector
	out.Mode, out.Nlink = n.mode, uint32(max(1, n.links))
	out.Mode |= n.kind()
	out.SetTimes(&n.mtime, &n.mtime, &n.mtime)
}

func (n *inode) kind() uint32 {
	if n.dir {
		return syscall.S_IFDIR
	}
	return syscall.S_IFREG
}

// child makes the FUSE side of an inode; one inode has one, whatever its name.
func (n *node) child(ctx context.Context, c *inode, out *fuse.EntryOut) *fs.Inode {
	c.attr(&out.Attr)
	return n.NewInode(ctx, &node{disk: n.disk, inode: c}, fs.StableAttr{Mode: c.kind(), Ino: c.id})
}

// Lookup implements fs.NodeLookuper.
func (n *node) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	c := n.inode.entries[name]
	if c == nil {
		return nil, syscall.ENOENT
	}
	return n.child(ctx, c, out), 0
}

// Getattr implements fs.NodeGetattrer.
func (n *node) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	n.inode.attr(&out.Attr)
	return 0
}

// Setattr implements fs.NodeSetattrer. Modes and times are sure at once: no
// program here depends on them.
func (n *node) Setattr(ctx context.Context, f fs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	if size, ok := in.GetSize(); ok {
		if e := n.disk.truncate(n.inode, int64(size)); e != 0 {
			return e
		}
	}
	n.disk.mu.Lock()
	if mode, ok := in.GetMode(); ok {
		n.inode.mode = mode & 0o7777
	}
	if t, ok := in.GetMTime(); ok {
		n.inode.mtime = t
	}
	n.disk.mu.Unlock()
	return n.Getattr(ctx, f, out)
}

// Open implements fs.NodeOpener.
func (n *node) Open(context.Context, uint32) (fs.FileHandle, uint32, syscall.Errno) {
	return nil, fuse.FOPEN_KEEP_CACHE, 0
}

// Read implements fs.NodeReader.
func (n *node) Read(_ context.Context, _ fs.FileHandle, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	if n.disk.dead {
		return nil, syscall.EIO
	}
	if off >= int64(len(n.inode.data)) {
		return fuse.ReadResultData(nil), 0
	}
	return fuse.ReadResultData(dest[:copy(dest, n.inode.data[off:])]), 0
}

// Write implements fs.NodeWriter.
func (n *node) Write(_ context.Context, _ fs.FileHandle, data []byte, off int64) (uint32, syscall.Errno) {
	if e := n.disk.write(n.inode, data, off); e != 0 {
		return 0, e
	}
	return uint32(len(data)), 0
}

// Fsync implements fs.NodeFsyncer, for files and folders.
func (n *node) Fsync(context.Context, fs.FileHandle, uint32) syscall.Errno {
	return n.disk.sync(n.inode)
}

// Create implements fs.NodeCreater.
func (n *node) Create(ctx context.Context, name string, _, mode uint32, out *fuse.EntryOut) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	c, e := n.make(ctx, name, false, mode, out)
	return c, nil, fuse.FOPEN_KEEP_CACHE, e
}

// Mkdir implements fs.NodeMkdirer.
func (n *node) Mkdir(ctx context.Context, name string, mode uint32, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	return n.make(ctx, name, true, mode, out)
}

func (n *node) make(ctx context.Context, name string, dir bool, mode uint32, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	if n.inode.entries[name] != nil {
		return nil, syscall.EEXIST
	}
	c := n.disk.newInode(dir, mode&0o7777)
	c.mtime = time.Now()
	if e := n.disk.rename(nameOp{[]*inode{n.inode}, []string{name}, []*inode{c}}); e != 0 {
		return nil, e
	}
	return n.child(ctx, c, out), 0
}

// Unlink implements fs.NodeUnlinker.
func (n *node) Unlink(_ context.Context, name string) syscall.Errno {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	return n.disk.rename(nameOp{[]*inode{n.inode}, []string{name}, []*inode{nil}})
}

// Rmdir implements fs.NodeRmdirer.
func (n *node) Rmdir(_ context.Context, name string) syscall.Errno {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	if c := n.inode.entries[name]; c != nil && len(c.entries) > 0 {
		return syscall.ENOTEMPTY
	}
	return n.disk.rename(nameOp{[]*inode{n.inode}, []string{name}, []*inode{nil}})
}

// Rename implements fs.NodeRenamer.
func (n *node) Rename(_ context.Context, name string, to fs.InodeEmbedder, newName string, flags uint32) syscall.Errno {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	target, ok := to.(*node)
	c := n.inode.entries[name]
	switch {
	case !ok || flags&^unixNoReplace != 0:
		return syscall.EINVAL
	case c == nil:
		return syscall.ENOENT
	case flags&unixNoReplace != 0 && target.inode.entries[newName] != nil:
		return syscall.EEXIST
	}
	return n.disk.rename(nameOp{[]*inode{target.inode, n.inode}, []string{newName, name}, []*inode{c, nil}})
}

const unixNoReplace = 1 // RENAME_NOREPLACE

// Link implements fs.NodeLinker.
func (n *node) Link(ctx context.Context, target fs.InodeEmbedder, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	t, ok := target.(*node)
	if !ok {
		return nil, syscall.EINVAL
	}
	if n.inode.entries[name] != nil {
		return nil, syscall.EEXIST
	}
	if e := n.disk.rename(nameOp{[]*inode{n.inode}, []string{name}, []*inode{t.inode}}); e != 0 {
		return nil, e
	}
	return n.child(ctx, t.inode, out), 0
}

// Readdir implements fs.NodeReaddirer.
func (n *node) Readdir(context.Context) (fs.DirStream, syscall.Errno) {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	var list []fuse.DirEntry
	for name, c := range n.inode.entries {
		list = append(list, fuse.DirEntry{Name: name, Mode: c.kind(), Ino: c.id})
	}
	return fs.NewListDirStream(list), 0
}

// Statfs implements fs.NodeStatfser.
func (n *node) Statfs(_ context.Context, out *fuse.StatfsOut) syscall.Errno {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	free := int64(1) << 36
	if n.disk.limit > 0 {
		free = max(0, n.disk.limit-n.disk.used)
	}
	out.Bsize, out.Frsize, out.NameLen = sector, sector, 255
	out.Bfree = uint64(free) / sector
	out.Bavail, out.Blocks = out.Bfree, out.Bfree+uint64(n.disk.used)/sector
	return 0
}
