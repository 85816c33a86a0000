package archive

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// errOther says that a file has other bytes than its name promises.
var errOther = errors.New("other bytes than expected")

// copyChecked copies a file that must have a size and hash, beside its target
// first, so that a file under its own name is always whole. A target that is
// there with the right size is taken as copied; deep reads it again.
func copyChecked(from, to string, size int64, sha string, mode fs.FileMode, deep bool) (copied bool, err error) {
	if info, err := os.Stat(to); err == nil && info.Size() == size {
		if !deep {
			return false, nil
		}
		if _, have, err := sum(to); err == nil && have == sha {
			return false, nil
		}
	}
	in, err := os.Open(from)
	if err != nil {
		return false, err
	}
	defer in.Close()
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return false, err
	}
	temp := to + ".new"
	out, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return false, err
	}
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(out, h), in)
	if err == nil && (n != size || hex.EncodeToString(h.Sum(nil)) != sha) {
		err = fmt.Errorf("%w: %d bytes with SHA-256 %x, want %d with %s", errOther, n, h.Sum(nil), size, sha)
	}
	if err := errors.Join(err, out.Sync(), out.Close()); err != nil {
		return false, errors.Join(err, os.Remove(temp))
	}
	return true, os.Rename(temp, to)
}

// Progress is told how far a long copy is.
type Progress func(files int, bytes int64)

// folders remembers which folders have new names, to be synced at the end.
type folders map[string]bool

// add notes a file's folder and those above it up to top.
func (f folders) add(path, top string) {
	for dir := filepath.Dir(path); len(dir) >= len(top); dir = filepath.Dir(dir) {
		f[dir] = true
		if dir == top || dir == filepath.Dir(dir) {
			return
		}
	}
}

func (f folders) sync(ctx context.Context) error {
	for dir := range f {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := syncDir(dir); err != nil {
			return err
		}
	}
	return nil
}
