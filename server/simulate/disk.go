package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// disks stands between SQLite and its files, for all of this process, and
// remembers the writes that no sync has made durable yet. A power cut takes
// some of them away.
type disks struct {
	mu    sync.Mutex
	files map[string]*diskFile  // by path
	open  map[uintptr]*diskFile // by SQLite's handle

	tls     *libc.TLS
	unix    uintptr // SQLite's own file system
	ours    uintptr
	name    uintptr
	methods map[uintptr]uintptr // a copy, with our functions, of each table of methods
	inner   map[uintptr]sqlite3.Tsqlite3_io_methods
	of      map[uintptr]uintptr // handle: its own table of methods

	// What SQLite calls; kept here, since it keeps only addresses.
	xOpen     func(tls *libc.TLS, vfs, name, file uintptr, flags int32, out uintptr) int32
	xClose    func(tls *libc.TLS, file uintptr) int32
	xWrite    func(tls *libc.TLS, file, buf uintptr, n int32, at int64) int32
	xTruncate func(tls *libc.TLS, file uintptr, size int64) int32
	xSync     func(tls *libc.TLS, file uintptr, flags int32) int32
}

// diskFile is a file that SQLite has open.
type diskFile struct {
	path    string
	handles int
	size    int64
	loose   []looseWrite // since the last sync, in order
}

// looseWrite is a write that a power cut may take away. A nil after is a
// truncation to at.
type looseWrite struct {
	at, size      int64 // size: of the file before
	before, after []byte
}

// at reads memory of SQLite's as a T.
func at[T any](p uintptr) *T { return (*T)(*(*unsafe.Pointer)(unsafe.Pointer(&p))) }

// callable makes a function of SQLite's from its address.
func callable[F any](p uintptr) F { return *(*F)(unsafe.Pointer(&struct{ p uintptr }{p})) }

// address makes an address for SQLite from a function of ours.
func address[F any](f F) uintptr { return *(*uintptr)(unsafe.Pointer(&struct{ f F }{f})) }

// newDisks becomes the file system of every SQLite file that is opened from
// now on, until close.
func newDisks() (*disks, error) {
	d := &disks{files: map[string]*diskFile{}, open: map[uintptr]*diskFile{}, tls: libc.NewTLS(),
		methods: map[uintptr]uintptr{}, inner: map[uintptr]sqlite3.Tsqlite3_io_methods{}, of: map[uintptr]uintptr{}}
	d.xOpen, d.xClose, d.xWrite, d.xTruncate, d.xSync = d.opened, d.closed, d.write, d.truncate, d.sync
	unix, err := libc.CString("unix")
	if err != nil {
		return nil, err
	}
	defer libc.Xfree(d.tls, unix)
	if d.unix = sqlite3.Xsqlite3_vfs_find(d.tls, unix); d.unix == 0 {
		return nil, errors.New("SQLite has no file system called unix here")
	}
	if d.name, err = libc.CString(fmt.Sprintf("simulated-%p", d)); err != nil {
		return nil, err
	}
	d.ours = libc.Xmalloc(d.tls, libc.Tsize_t(unsafe.Sizeof(sqlite3.Tsqlite3_vfs{})))
	v := at[sqlite3.Tsqlite3_vfs](d.ours)
	*v = *at[sqlite3.Tsqlite3_vfs](d.unix)
	v.FpNext, v.FzName, v.FxOpen = 0, d.name, address(d.xOpen)
	if rc := sqlite3.Xsqlite3_vfs_register(d.tls, d.ours, 1); rc != sqlite3.SQLITE_OK {
		return nil, fmt.Errorf("register the simulated disks: %d", rc)
	}
	return d, nil
}

// close gives SQLite its own file system back. All files are closed by then.
func (d *disks) close() {
	sqlite3.Xsqlite3_vfs_unregister(d.tls, d.ours)
	for _, p := range d.methods {
		libc.Xfree(d.tls, p)
	}
	libc.Xfree(d.tls, d.ours)
	libc.Xfree(d.tls, d.name)
	d.tls.Close()
}

func (d *disks) opened(tls *libc.TLS, _, name, file uintptr, flags int32, out uintptr) int32 {
	open := callable[func(*libc.TLS, uintptr, uintptr, uintptr, int32, uintptr) int32](at[sqlite3.Tsqlite3_vfs](d.unix).FxOpen)
	rc := open(tls, d.unix, name, file, flags, out)
	if rc != sqlite3.SQLITE_OK || name == 0 || flags&(sqlite3.SQLITE_OPEN_MAIN_DB|sqlite3.SQLITE_OPEN_WAL) == 0 {
		return rc
	}
	path := libc.GoString(name)
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.files[path]
	if f == nil {
		f = &diskFile{path: path}
		d.files[path] = f
		if info, err := os.Stat(path); err == nil {
			f.size = info.Size()
		}
	}
	f.handles++
	d.open[file] = f
	table := at[sqlite3.Tsqlite3_file](file)
	d.of[file] = table.FpMethods
	table.FpMethods = d.table(table.FpMethods)
	return rc
}

// table makes our copy of a table of methods.
func (d *disks) table(own uintptr) uintptr {
	if p := d.methods[own]; p != 0 {
		return p
	}
	p := libc.Xmalloc(d.tls, libc.Tsize_t(unsafe.Sizeof(sqlite3.Tsqlite3_io_methods{})))
	m := at[sqlite3.Tsqlite3_io_methods](p)
	*m = *at[sqlite3.Tsqlite3_io_methods](own)
	m.FxClose, m.FxWrite, m.FxTruncate, m.FxSync = address(d.xClose), address(d.xWrite), address(d.xTruncate), address(d.xSync)
	d.methods[own], d.inner[own] = p, *at[sqlite3.Tsqlite3_io_methods](own)
	return p
}

// file finds a handle's file and its own methods.
func (d *disks) file(handle uintptr) (*diskFile, sqlite3.Tsqlite3_io_methods) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.open[handle], d.inner[d.of[handle]]
}

func (d *disks) closed(tls *libc.TLS, file uintptr) int32 {
	d.mu.Lock()
	f, m := d.open[file], d.inner[d.of[file]]
	delete(d.open, file)
	delete(d.of, file)
	if f.handles--; f.handles == 0 {
		delete(d.files, f.path)
	}
	d.mu.Unlock()
	return callable[func(*libc.TLS, uintptr) int32](m.FxClose)(tls, file)
}

func (d *disks) write(tls *libc.TLS, file, buf uintptr, n int32, off int64) int32 {
	f, m := d.file(file)
	w := looseWrite{at: off, size: f.size, after: make([]byte, n)}
	copy(w.after, unsafe.Slice(at[byte](buf), n))
	w.before = readOld(tls, m, file, off, min(off+int64(n), f.size)-off)
	rc := callable[func(*libc.TLS, uintptr, uintptr, int32, int64) int32](m.FxWrite)(tls, file, buf, n, off)
	if rc == sqlite3.SQLITE_OK {
		d.mu.Lock()
		f.loose, f.size = append(f.loose, w), max(f.size, off+int64(n))
		d.mu.Unlock()
	}
	return rc
}

// readOld reads what a write is about to replace.
func readOld(tls *libc.TLS, m sqlite3.Tsqlite3_io_methods, file uintptr, off, n int64) []byte {
	if n <= 0 {
		return nil
	}
	b := make([]byte, n)
	callable[func(*libc.TLS, uintptr, uintptr, int32, int64) int32](m.FxRead)(tls, file, uintptr(unsafe.Pointer(&b[0])), int32(n), off)
	runtime.KeepAlive(b)
	return b
}

func (d *disks) truncate(tls *libc.TLS, file uintptr, size int64) int32 {
	f, m := d.file(file)
	w := looseWrite{at: size, size: f.size, before: readOld(tls, m, file, size, f.size-size)}
	rc := callable[func(*libc.TLS, uintptr, int64) int32](m.FxTruncate)(tls, file, size)
	if rc == sqlite3.SQLITE_OK {
		d.mu.Lock()
		f.loose, f.size = append(f.loose, w), size
		d.mu.Unlock()
	}
	return rc
}

func (d *disks) sync(tls *libc.TLS, file uintptr, flags int32) int32 {
	f, m := d.file(file)
	rc := callable[func(*libc.TLS, uintptr, int32) int32](m.FxSync)(tls, file, flags)
	if rc == sqlite3.SQLITE_OK {
		d.mu.Lock()
		f.loose = nil
		d.mu.Unlock()
	}
	return rc
}

// cut makes of a copied folder what a power cut leaves of the one that it was
// copied from: of the writes that no sync followed, none, the first few, or
// just some.
func (d *disks) cut(from, to string, rng *rand.Rand) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for path, f := range d.files {
		rel, inside := strings.CutPrefix(path, from+string(filepath.Separator))
		if !inside || len(f.loose) == 0 {
			continue
		}
		if err := f.cut(filepath.Join(to, rel), rng); err != nil {
			return err
		}
	}
	return nil
}

func (f *diskFile) cut(path string, rng *rand.Rand) error {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	for i := len(f.loose) - 1; i >= 0; i-- {
		w := f.loose[i]
		if _, err := file.WriteAt(w.before, w.at); err != nil {
			return err
		}
		if err := file.Truncate(w.size); err != nil {
			return err
		}
	}
	first, some := 0, false
	switch rng.IntN(3) {
	case 1:
		first = rng.IntN(len(f.loose) + 1)
	case 2:
		some = true
	}
	for i, w := range f.loose {
		if i >= first && !(some && rng.IntN(2) == 0) {
			continue
		}
		if w.after == nil {
			err = file.Truncate(w.at)
		} else {
			_, err = file.WriteAt(w.after, w.at)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
