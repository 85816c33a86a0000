package archive

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// BackupConfig says what is backed up, and where to.
type BackupConfig struct {
	To string // folder; an older backup in it is replaced, its photos are kept
	// Copy writes a consistent copy of the live database as a new file, while
	// others go on writing to it.
	Copy func(ctx context.Context, path string) error
	// Open opens a copy.
	Open func(ctx context.Context, path string) (Snapshot, error)
	Data string   // data folder
	Keys []string // files below it, with slashes, that only the owner may read
	// Objects is the folder of the server's own storage, with the bucket's
	// name; empty where the photos lie in a storage elsewhere and are listed
	// only.
	Objects  string
	Version  string
	Now      func() time.Time
	Progress Progress // nil for nobody
}

// Backed is what a backup did.
type Backed struct {
	Manifest
	Copied      int // photos that were not in the backup yet
	CopiedBytes int64
}

const (
	blobsFolder = "blobs"
)

// Backup makes a backup of a server, also while it runs. The database is copied
// first, then what it names: photos are written once and stay, so that both
// agree. A backup that was cut off leaves the older one of the same folder as
// it was; the next goes on with the photos that are there.
func Backup(ctx context.Context, cfg BackupConfig) (Backed, error) {
	if err := prepareTarget(cfg.To); err != nil {
		return Backed{}, err
	}
	tag := cfg.Now().UTC().Format("20060102T150405.000")
	out := Backed{Manifest: Manifest{Format: manifestFormat, MadeAt: cfg.Now().UnixMilli(), Version: cfg.Version}}
	database := "server-" + tag + ".db"
	path := filepath.Join(cfg.To, database)
	if err := cfg.Copy(ctx, path); err != nil {
		return out, errors.Join(fmt.Errorf("copy the database: %w", err), removeDatabase(path))
	}
	list := "photos-" + tag + ".jsonl"
	if err := out.describe(ctx, cfg, path, list); err != nil {
		return out, errors.Join(err, removeDatabase(path), ignoreAbsent(os.Remove(filepath.Join(cfg.To, list))))
	}
	var err error
	if out.Database, err = describe(cfg.To, database); err != nil {
		return out, err
	}
	if out.Photos.List, err = describe(cfg.To, list); err != nil {
		return out, err
	}
	if err := out.copyKeys(cfg, tag); err != nil {
		return out, fmt.Errorf("copy the keys: %w", err)
	}
	if cfg.Objects != "" {
		if err := out.copyPhotos(ctx, cfg, list); err != nil {
			return out, fmt.Errorf("copy the photos: %w", err)
		}
	}
	if err := syncDir(cfg.To); err != nil {
		return out, err
	}
	if err := writeManifest(cfg.To, out.Manifest); err != nil {
		return out, fmt.Errorf("write the manifest: %w", err)
	}
	return out, sweepOlder(cfg.To, out.Manifest)
}

// prepareTarget wants an empty folder or one that holds a backup.
func prepareTarget(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !ours(e.Name()) {
			return fmt.Errorf("%s holds %s, which is not of a backup: name a folder of its own", dir, e.Name())
		}
	}
	return nil
}

func ours(name string) bool {
	return name == ManifestName || name == ManifestName+".new" || name == blobsFolder || name == "lost+found" ||
		strings.HasPrefix(name, "server-") || strings.HasPrefix(name, "photos-") || strings.HasPrefix(name, "keys-")
}

// describe reads the copy: histories, streams, photos. Opening it may settle
// its file, so it is hashed afterwards.
func (b *Backed) describe(ctx context.Context, cfg BackupConfig, path, list string) (err error) {
	snap, err := cfg.Open(ctx, path)
	if err != nil {
		return fmt.Errorf("open the copy: %w", err)
	}
	defer func() { err = errors.Join(err, snap.Close(), syncFile(path)) }()
	if err := snap.Check(ctx); err != nil {
		return fmt.Errorf("the database is damaged: %w", err)
	}
	histories, err := snap.Histories(ctx)
	if err != nil {
		return err
	}
	if len(histories) == 0 {
		return errors.New("the database has no history: a server never ran on it")
	}
	b.History = histories[0].ID
	if b.Streams, err = states(ctx, snap); err != nil {
		return err
	}
	return b.listPhotos(ctx, snap, filepath.Join(cfg.To, list))
}

// states are the streams as the manifest has them.
func states(ctx context.Context, src Streams) ([]StreamState, error) {
	ends, err := src.Ends(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]StreamState, len(ends))
	for i, e := range ends {
		out[i] = StreamState{ID: e.Centre, Headquarters: e.Headquarters, Pos: e.Pos, Rev: e.Rev}
		if e.Pos == 0 {
			continue
		}
		last, err := src.Batches(ctx, e.Centre, e.Pos-1, 1)
		if err != nil {
			return nil, err
		}
		if len(last) != 1 {
			return nil, fmt.Errorf("stream %s ends at %d, which is not in its ledger", e.Centre, e.Pos)
		}
		out[i].Head = hex.EncodeToString(last[0].Head[:])
	}
	return out, nil
}

func (b *Backed) listPhotos(ctx context.Context, snap Snapshot, path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<16)
	enc := json.NewEncoder(w)
	err = snap.Copies(ctx, func(c Copy) error {
		b.Photos.Count++
		b.Photos.Bytes += c.Size
		return enc.Encode(c)
	})
	return errors.Join(err, w.Flush(), f.Sync(), f.Close())
}

func (b *Backed) copyKeys(cfg BackupConfig, tag string) error {
	dir := filepath.Join(cfg.To, "keys-"+tag)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for _, name := range cfg.Keys {
		from := filepath.Join(cfg.Data, filepath.FromSlash(name))
		raw, err := os.ReadFile(from)
		if errors.Is(err, fs.ErrNotExist) {
			continue // an external storage has no secret here
		}
		if err != nil {
			return err
		}
		part := "keys-" + tag + "/" + filepath.Base(name)
		if err := writeFile(filepath.Join(cfg.To, filepath.FromSlash(part)), raw, 0o600); err != nil {
			return err
		}
		p, err := describe(cfg.To, part)
		if err != nil {
			return err
		}
		b.Keys = append(b.Keys, p)
	}
	return syncDir(dir)
}

// copyPhotos copies what is not in the backup yet and reads each file's bytes
// while it does. What the storage has lost is counted and left out.
func (b *Backed) copyPhotos(ctx context.Context, cfg BackupConfig, list string) error {
	b.Photos.Held = true
	changed, done := folders{}, 0
	err := eachCopy(ctx, filepath.Join(cfg.To, list), func(c Copy) error {
		to := filepath.Join(cfg.To, blobsFolder, filepath.FromSlash(c.Key))
		copied, err := copyChecked(filepath.Join(cfg.Objects, filepath.FromSlash(c.Key)), to, c.Size, c.SHA256, 0o600, false)
		switch {
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, errOther):
			b.Photos.Missing = append(b.Photos.Missing, c.Key)
		case err != nil:
			return fmt.Errorf("%s: %w", c.Key, err)
		case copied:
			b.Copied++
			b.CopiedBytes += c.Size
			changed.add(to, cfg.To)
		}
		if done++; cfg.Progress != nil {
			cfg.Progress(done, b.CopiedBytes)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return changed.sync(ctx)
}

// eachCopy reads a list of photos.
func eachCopy(ctx context.Context, path string, fn func(Copy) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<16)
	for s.Scan() {
		if err := ctx.Err(); err != nil {
			return err
		}
		var c Copy
		if err := json.Unmarshal(s.Bytes(), &c); err != nil {
			return refused("the list of photos cannot be read: %v", err)
		}
		if !filepath.IsLocal(filepath.FromSlash(c.Key)) || len(c.SHA256) != 64 || c.Size < 0 {
			return refused("the list of photos names %q", c.Key)
		}
		if err := fn(c); err != nil {
			return err
		}
	}
	return s.Err()
}

// sweepOlder removes the parts of earlier backups in the folder; photos stay.
func sweepOlder(dir string, m Manifest) error {
	keep := map[string]bool{ManifestName: true, blobsFolder: true, "lost+found": true}
	for _, p := range m.parts() {
		top, _, _ := strings.Cut(p.Name, "/")
		keep[top] = true
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if ours(e.Name()) && !keep[e.Name()] {
			if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

func removeDatabase(path string) error {
	var errs []error
	for _, end := range []string{"", "-wal", "-shm", "-journal"} {
		errs = append(errs, ignoreAbsent(os.Remove(path+end)))
	}
	return errors.Join(errs...)
}

func ignoreAbsent(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
