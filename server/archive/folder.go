package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Folder is the folder of a server's own storage, read without a server: to
// restore from what a lost server has left. It takes no objects.
type Folder string

// Put refuses.
func (f Folder) Put(context.Context, string, []byte) error {
	return errors.New("a left folder is only read")
}

// Get satisfies Bucket.
func (f Folder) Get(_ context.Context, key string, limit int64) ([]byte, error) {
	if !filepath.IsLocal(filepath.FromSlash(key)) {
		return nil, ErrAbsent
	}
	file, err := os.Open(filepath.Join(string(f), filepath.FromSlash(key)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrAbsent
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	b, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("%s is larger than %d bytes", key, limit)
	}
	return b, err
}

// List satisfies Bucket. Folders are read in the order of their names, which is
// the keys' order where no name goes on with a sign before the slash.
func (f Folder) List(ctx context.Context, prefix, after string, fn func(key string, size int64) error) error {
	top := filepath.Join(string(f), filepath.FromSlash(prefix))
	err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		rel, err := filepath.Rel(string(f), path)
		if err != nil {
			return err
		}
		key := filepath.ToSlash(rel)
		if d.IsDir() {
			if after > key+"/" && !strings.HasPrefix(after, key+"/") {
				return fs.SkipDir // all of it lies before
			}
			return nil
		}
		if key <= after {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		return fn(key, info.Size())
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// CarryShipped copies the shipped batches of a left folder into another
// server's own storage, where they go on being what a later restore can read.
// What is there already stays.
func CarryShipped(ctx context.Context, from Folder, objects string) (n int, err error) {
	changed := folders{}
	err = from.List(ctx, ledgerPrefix, "", func(key string, size int64) error {
		to := filepath.Join(objects, filepath.FromSlash(key))
		path := filepath.Join(string(from), filepath.FromSlash(key))
		_, sha, err := sum(path)
		if err != nil {
			return err
		}
		copied, err := copyChecked(path, to, size, sha, 0o600, false)
		if copied {
			n++
			changed.add(to, objects)
		}
		return err
	})
	if err != nil {
		return n, err
	}
	return n, changed.sync(ctx)
}
