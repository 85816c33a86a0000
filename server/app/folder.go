package app

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// makeFolder makes a folder and those above it, durably: what is synced below
// it later is lost all the same where the folder's own name is.
func makeFolder(dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	parents := []string{filepath.Dir(dir)}
	for at := parents[0]; at != filepath.Dir(at); at = filepath.Dir(at) {
		if _, err := os.Stat(at); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		parents = append(parents, filepath.Dir(at))
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for _, at := range parents {
		if err := syncFolder(at); err != nil && !errors.Is(err, fs.ErrPermission) { // not ours: whoever made it has to know
			return err
		}
	}
	return nil
}

// syncFolder makes the names in a folder durable. Windows can't, and need not.
func syncFolder(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
