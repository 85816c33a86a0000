package cutfs

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// Mount is a disk that lies under a folder of the machine.
type Mount struct {
	Dir    string
	server *fuse.Server
}

// Able says whether this machine can mount a disk; the error names what is
// missing.
func Able() error {
	f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoFUSE, err)
	}
	return f.Close()
}

// Mount puts the disk under an empty folder. The process that mounts must not
// itself map files below it: it would wait for itself.
func (d *Disk) Mount(dir string) (*Mount, error) {
	if err := Able(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	long := time.Hour
	s, err := fs.Mount(dir, &node{disk: d, inode: d.root}, &fs.Options{
		MountOptions: fuse.MountOptions{DirectMount: true, FsName: "cutfs", Name: "cutfs", DisableXAttrs: true},
		EntryTimeout: &long, AttrTimeout: &long, NullPermissions: true,
		RootStableAttr: &fs.StableAttr{Ino: d.root.id},
	})
	if err != nil {
		return nil, fmt.Errorf("%w: mount %s: %w", ErrNoFUSE, dir, err)
	}
	return &Mount{Dir: dir, server: s}, nil
}

// Close takes the disk away. Programs that have files open must have ended.
func (m *Mount) Close() error {
	err := m.server.Unmount()
	if err != nil {
		err = errors.Join(err, syscall.Unmount(m.Dir, syscall.MNT_DETACH))
	}
	m.server.Wait()
	return err
}
