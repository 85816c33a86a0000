package embedded

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// folder is the durable folder: objects by their keys, temp files, unfinished
// uploads. All paths go through an os.Root, which no name and no symbolic link
// can leave.
type folder struct {
	root   *os.Root
	bucket string
	now    func() time.Time

	keys keyLocks

	mu    sync.Mutex
	stamp time.Time // last modification time given to a file
}

const (
	tempDir    = ".tmp"
	uploadsDir = ".uploads"
)

// segment is one part of a key. No upper case, so that file systems which fold
// it can't make two keys one; no leading dot, so that no key meets our own
// folders, "." or "..".
var segment = regexp.MustCompile(`^[a-z0-9]([a-z0-9._=-]{0,126}[a-z0-9_=-])?$`)

func validKey(key string) bool {
	parts := strings.Split(key, "/")
	if len(parts) > 10 || len(key) > 512 || !filepath.IsLocal(filepath.FromSlash(key)) {
		return false
	}
	for _, p := range parts {
		if !segment.MatchString(p) {
			return false
		}
	}
	return true
}

func openFolder(dir, bucket string, now func() time.Time) (*folder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	f := &folder{root: root, bucket: bucket, now: now}
	for _, d := range []string{bucket, tempDir, uploadsDir} {
		if err := root.Mkdir(d, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			root.Close()
			return nil, err
		}
	}
	if err := f.syncUp("."); err != nil {
		root.Close()
		return nil, err
	}
	return f, nil
}

func (f *folder) close() error { return f.root.Close() }

// path is where an object lies.
func (f *folder) path(key string) string { return f.bucket + "/" + key }

// stat gives an object's file, or NoSuchKey.
func (f *folder) stat(key string) (fs.FileInfo, error) {
	fi, err := f.root.Lstat(f.path(key))
	switch {
	case absent(err) || (err == nil && !fi.Mode().IsRegular()):
		return nil, noSuchKey()
	case err != nil:
		return nil, fmt.Errorf("look at object: %w", err)
	}
	return fi, nil
}

// absent also takes "a file stands where the path wants a folder".
func absent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// create makes a new temp file, open for writing.
func (f *folder) create() (name string, file *os.File, err error) {
	name = tempDir + "/" + strings.ToLower(rand.Text())
	file, err = f.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	return name, file, err
}

// seal makes a temp file's bytes durable and closes it. Its modification time
// is the server's, and never the same twice: the ETag hangs from it.
func (f *folder) seal(name string, file *os.File) error {
	t := f.nextStamp()
	if err := f.root.Chtimes(name, t, t); err != nil {
		file.Close()
		return fmt.Errorf("stamp: %w", err)
	}
	if err := file.Sync(); err != nil {
		file.Close()
		return fmt.Errorf("sync: %w", err)
	}
	return file.Close()
}

func (f *folder) nextStamp() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	t := f.now().Truncate(time.Microsecond)
	if !t.After(f.stamp) {
		t = f.stamp.Add(time.Microsecond)
	}
	f.stamp = t
	return t
}

// discard removes a temp file; it is gone already where it was published.
func (f *folder) discard(name string) { _ = f.root.Remove(name) }

// publish gives a sealed temp file its key: at once, whole, durably. With
// exclusive an object that is already there stands and the answer is
// PreconditionFailed, however many try at the same time.
func (f *folder) publish(temp, key string, exclusive bool) error {
	target := f.path(key)
	unlock := f.keys.lock(key)
	defer unlock()
	if err := f.root.MkdirAll(path.Dir(target), 0o700); err != nil {
		if errors.Is(err, syscall.ENOTDIR) {
			return badRequest("InvalidArgument", "An object stands where the key wants a folder.")
		}
		return fmt.Errorf("make folder: %w", err)
	}
	if err := f.place(temp, target, exclusive); err != nil {
		return err
	}
	return f.syncUp(path.Dir(target))
}

func (f *folder) place(temp, target string, exclusive bool) error {
	if fi, err := f.root.Lstat(target); err == nil && fi.IsDir() {
		return badRequest("InvalidArgument", "A folder of other objects stands at this key.")
	}
	if exclusive {
		// A hard link fails where the name is taken, whoever took it.
		switch err := f.root.Link(temp, target); {
		case err == nil:
			f.discard(temp)
			return nil
		case errors.Is(err, fs.ErrExist):
			return preconditionFailed()
		}
		// No hard links on this file system: the key's lock has to do.
		if _, err := f.root.Lstat(target); err == nil {
			return preconditionFailed()
		}
	}
	if err := f.root.Rename(temp, target); err != nil {
		return fmt.Errorf("rename: %w", err)
	}
	return nil
}

// delete removes an object durably; one that is not there is no error.
func (f *folder) delete(key string) error {
	if _, err := f.stat(key); err != nil {
		return nil
	}
	unlock := f.keys.lock(key)
	defer unlock()
	if err := f.root.Remove(f.path(key)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete: %w", err)
	}
	return f.syncUp(path.Dir(f.path(key)))
}

// syncUp makes a folder and all above it durable. Those above are synced each
// time: another request may have made them a moment ago and not be done.
func (f *folder) syncUp(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // folders can't be synced there; the file system journals them
	}
	for {
		d, err := f.root.Open(dir)
		if err != nil {
			return fmt.Errorf("sync folder: %w", err)
		}
		err = d.Sync()
		d.Close()
		if err != nil {
			return fmt.Errorf("sync folder: %w", err)
		}
		if dir == "." {
			return nil
		}
		dir = path.Dir(dir)
	}
}

// sweep removes temp files and uploads that nobody has touched for long.
func (f *folder) sweep(temps, uploads time.Duration) error {
	for dir, age := range map[string]time.Duration{tempDir: temps, uploadsDir: uploads} {
		entries, err := fs.ReadDir(f.root.FS(), dir)
		if err != nil {
			return err
		}
		for _, e := range entries {
			fi, err := e.Info()
			if err != nil || f.now().Sub(fi.ModTime()) < age {
				continue
			}
			if err := f.root.RemoveAll(dir + "/" + e.Name()); err != nil {
				return err
			}
		}
	}
	return nil
}

// etag changes with every write of a key: size and modification time. An
// object is never written in place, so the two can't stand for other bytes.
func etag(fi fs.FileInfo) string {
	return fmt.Sprintf("%x-%x", fi.Size(), fi.ModTime().UnixNano())
}

// keyLocks lets one request at a time publish or delete a key.
type keyLocks struct {
	mu   sync.Mutex
	held map[string]*keyLock
}

type keyLock struct {
	sync.Mutex
	users int // under keyLocks.mu
}

func (l *keyLocks) lock(key string) (unlock func()) {
	l.mu.Lock()
	if l.held == nil {
		l.held = map[string]*keyLock{}
	}
	k := l.held[key]
	if k == nil {
		k = &keyLock{}
		l.held[key] = k
	}
	k.users++
	l.mu.Unlock()
	k.Lock()
	return func() {
		k.Unlock()
		l.mu.Lock()
		if k.users--; k.users == 0 {
			delete(l.held, key)
		}
		l.mu.Unlock()
	}
}
