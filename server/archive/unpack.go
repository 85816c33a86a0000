package archive

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// restoringFolder is where a restore works below the data folder until all of
// it holds. A server does not start beside it.
const restoringFolder = "restoring"

// Unfinished says whether a data folder holds a restore that was cut off.
func Unfinished(data string) bool {
	_, err := os.Stat(filepath.Join(data, restoringFolder))
	return err == nil
}

// UnpackConfig says where a backup goes.
type UnpackConfig struct {
	From string // the backup
	Data string // data folder: empty, or with a restore that was cut off
	// Objects is the folder of the server's own storage, with the bucket's
	// name; empty where the photos lie in a storage elsewhere.
	Objects string
	// Second is another folder of objects to take photos from that the backup
	// does not have, such as the lost server's; empty for none.
	Second   string
	Database string // name of the database file
	Progress Progress
}

// Unpack copies a backup's parts into a data folder and compares every byte
// with the manifest; [ErrBackup] with what does not hold. The database is left
// beside its place, at the path that it gives, until [Finish]: a folder whose
// restore was cut off is not taken for a server's.
func Unpack(ctx context.Context, cfg UnpackConfig) (m Manifest, database string, err error) {
	if m, err = ReadManifest(cfg.From); err != nil {
		return m, "", err
	}
	if m.Photos.Held != (cfg.Objects != "") {
		if m.Photos.Held {
			return m, "", refused("its photos are in it, and the settings name a storage elsewhere: put the folder %s into the bucket and restore from a copy without it, or leave s3.endpoint empty", blobsFolder)
		}
		return m, "", refused("its photos are in a storage elsewhere: set s3.endpoint and the rest as the lost server had them")
	}
	if err := claim(cfg.Data); err != nil {
		return m, "", err
	}
	for _, k := range m.Keys {
		if err := cfg.part(k, filepath.Join("keys", filepath.Base(k.Name))); err != nil {
			return m, "", err
		}
	}
	name := filepath.Join(restoringFolder, cfg.Database)
	database = filepath.Join(cfg.Data, name)
	if err := removeDatabase(database); err != nil {
		return m, "", err
	}
	if err := cfg.part(m.Database, name); err != nil {
		return m, "", err
	}
	if err := cfg.part(m.Photos.List, filepath.Join(restoringFolder, "photos.jsonl")); err != nil {
		return m, "", err
	}
	return m, database, syncDir(cfg.Data)
}

// claim takes an empty folder for a restore, or one that an earlier restore
// has claimed.
func claim(data string) error {
	if err := os.MkdirAll(data, 0o700); err != nil {
		return err
	}
	if !Unfinished(data) {
		entries, err := os.ReadDir(data)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if e.Name() != "lost+found" {
				return fmt.Errorf("the data folder %s is not empty (%s): a restore needs a folder of its own", data, e.Name())
			}
		}
	}
	if err := os.MkdirAll(filepath.Join(data, restoringFolder), 0o700); err != nil {
		return err
	}
	return errors.Join(os.MkdirAll(filepath.Join(data, "keys"), 0o700), syncDir(data))
}

func (cfg UnpackConfig) part(p Part, to string) error {
	_, err := copyChecked(filepath.Join(cfg.From, filepath.FromSlash(p.Name)), filepath.Join(cfg.Data, to), p.Size, p.SHA256, 0o600, true)
	if errors.Is(err, errOther) {
		return refused("%s is not what the manifest says: %v", p.Name, err)
	}
	if err != nil {
		return err
	}
	return syncDir(filepath.Dir(filepath.Join(cfg.Data, to)))
}

// UnpackPhotos copies the photos that a database says are present into the
// storage's folder, from the backup or from the second folder, and compares
// each with its hash. One that neither has refuses the backup, unless it was
// missing when the backup was made.
func UnpackPhotos(ctx context.Context, cfg UnpackConfig, m Manifest, snap Snapshot) (n int, err error) {
	changed := folders{}
	var size int64
	err = snap.Copies(ctx, func(c Copy) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !filepath.IsLocal(filepath.FromSlash(c.Key)) {
			return refused("the database names the photo %q", c.Key)
		}
		to := filepath.Join(cfg.Objects, filepath.FromSlash(c.Key))
		err := cfg.photo(c, to)
		if err != nil && slices.Contains(m.Photos.Missing, c.Key) {
			return nil // it was lost before
		}
		if err != nil {
			return err
		}
		changed.add(to, cfg.Data)
		size += c.Size
		if n++; cfg.Progress != nil {
			cfg.Progress(n, size)
		}
		return nil
	})
	if err != nil {
		return n, err
	}
	return n, changed.sync(ctx)
}

func (cfg UnpackConfig) photo(c Copy, to string) error {
	var why error
	for _, from := range []string{filepath.Join(cfg.From, blobsFolder), cfg.Second} {
		if from == "" {
			continue
		}
		_, err := copyChecked(filepath.Join(from, filepath.FromSlash(c.Key)), to, c.Size, c.SHA256, 0o600, true)
		if err == nil {
			return nil
		}
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errOther) {
			return err
		}
		why = errors.Join(why, err)
	}
	return refused("photo %s: %v", c.Key, why)
}

// FindPhotos looks that a storage elsewhere has the photos that a database says
// are present, with their sizes. Their bytes are verify's to read.
func FindPhotos(ctx context.Context, bucket Bucket, snap Snapshot) (n int, err error) {
	var want map[string]int64
	var centre string
	look := func() error {
		if len(want) == 0 {
			return nil
		}
		if err := bucket.List(ctx, centre+"/", "", func(key string, size int64) error {
			if have, ok := want[key]; ok && have == size {
				delete(want, key)
			}
			return nil
		}); err != nil {
			return fmt.Errorf("list the storage: %w", err)
		}
		for key := range want {
			return refused("photo %s is not in the storage, or not whole, and %d more", key, len(want)-1)
		}
		return nil
	}
	err = snap.Copies(ctx, func(c Copy) error {
		if id := c.Centre.String(); id != centre {
			if err := look(); err != nil {
				return err
			}
			centre, want = id, map[string]int64{}
		}
		want[c.Key] = c.Size
		n++
		return nil
	})
	if err != nil {
		return n, err
	}
	return n, look()
}

// Compare wants a snapshot to be at the places that a manifest says.
func (m Manifest) Compare(ctx context.Context, snap Snapshot) error {
	histories, err := snap.Histories(ctx)
	if err != nil {
		return err
	}
	if len(histories) == 0 || histories[0].ID != m.History {
		return refused("the database is of another history than the manifest says, %s", m.History)
	}
	have, err := states(ctx, snap)
	if err != nil {
		return refused("%v", err)
	}
	if !slices.Equal(have, m.Streams) {
		return refused("the database's streams are not at the places that the manifest says")
	}
	return nil
}

// Finish puts the restored database in its place: from here on a server may
// start on the folder.
func Finish(data, database string) error {
	if err := syncFile(database); err != nil {
		return err
	}
	for _, end := range []string{"-wal", "-shm"} {
		if _, err := os.Stat(database + end); err == nil {
			return fmt.Errorf("%s is still open", database)
		}
	}
	if err := os.Rename(database, filepath.Join(data, filepath.Base(database))); err != nil {
		return err
	}
	if err := syncDir(data); err != nil {
		return err
	}
	if err := os.RemoveAll(filepath.Join(data, restoringFolder)); err != nil {
		return err
	}
	return syncDir(data)
}
