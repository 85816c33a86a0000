package archive

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/uuid"
)

// ManifestName is the file that makes a folder a backup. It is written last.
const ManifestName = "manifest.json"

// manifestFormat is the only form that this program reads.
const manifestFormat = 1

// Part is one file of a backup.
type Part struct {
	Name   string `json:"name"` // below the backup's folder, with slashes
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// StreamState is a stream at the moment of the backup. Head is the hash of the
// last batch's log there, so that the state can be compared with any phone's
// signed receipts.
type StreamState struct {
	ID           uuid.UUID `json:"id"`
	Headquarters bool      `json:"headquarters,omitempty"`
	Pos          uint64    `json:"pos"`
	Rev          uint64    `json:"rev"`
	Head         string    `json:"head,omitempty"` // of the batch at Pos, hex
}

// Manifest says what a backup holds.
type Manifest struct {
	Format   int           `json:"format"`
	MadeAt   int64         `json:"made_at"` // Unix milliseconds: when the database's snapshot was begun
	Version  string        `json:"version"` // of the program
	History  uuid.UUID     `json:"history"`
	Streams  []StreamState `json:"streams"`
	Database Part          `json:"database"`
	Keys     []Part        `json:"keys"`
	Photos   Photos        `json:"photos"`
}

// Photos are the blobs that the database says are present.
type Photos struct {
	List  Part  `json:"list"` // one JSON [Copy] a line
	Count int   `json:"count"`
	Bytes int64 `json:"bytes"`
	Held  bool  `json:"held"` // the bytes are in the backup; else in a storage elsewhere
	// Missing are keys that were not, or not whole, in the storage when the
	// backup was made.
	Missing []string `json:"missing,omitempty"`
}

// ErrBackup says that a folder is no backup, or one that does not hold.
var ErrBackup = errors.New("backup refused")

func refused(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrBackup}, args...)...)
}

// ReadManifest reads a backup's manifest and looks that its parts are there
// with their sizes; their hashes are compared when they are read.
func ReadManifest(dir string) (Manifest, error) {
	var m Manifest
	b, err := os.ReadFile(filepath.Join(dir, ManifestName))
	if errors.Is(err, fs.ErrNotExist) {
		return m, refused("%s has no %s: it is no backup, or one that was not finished", dir, ManifestName)
	}
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(b, &m); err != nil {
		return m, refused("%s cannot be read: %v", ManifestName, err)
	}
	if m.Format != manifestFormat {
		return m, refused("%s is of form %d; this program reads %d", ManifestName, m.Format, manifestFormat)
	}
	for _, p := range m.parts() {
		if !filepath.IsLocal(filepath.FromSlash(p.Name)) {
			return m, refused("%s names the file %q outside the backup", ManifestName, p.Name)
		}
		info, err := os.Stat(filepath.Join(dir, filepath.FromSlash(p.Name)))
		if errors.Is(err, fs.ErrNotExist) {
			return m, refused("%s is missing", p.Name)
		}
		if err != nil {
			return m, err
		}
		if info.Size() != p.Size {
			return m, refused("%s has %d bytes, the manifest says %d", p.Name, info.Size(), p.Size)
		}
	}
	return m, nil
}

func (m Manifest) parts() []Part {
	return append([]Part{m.Database, m.Photos.List}, m.Keys...)
}

// writeManifest makes the folder a backup, durably and at once.
func writeManifest(dir string, m Manifest) error {
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	temp := filepath.Join(dir, ManifestName+".new")
	if err := writeFile(temp, append(b, '\n'), 0o600); err != nil {
		return err
	}
	if err := os.Rename(temp, filepath.Join(dir, ManifestName)); err != nil {
		return err
	}
	return syncDir(dir)
}

// writeFile writes a file and syncs it; its name is its folder's to sync.
func writeFile(path string, b []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Sync(), f.Close())
}

// sum reads a file to its end.
func sum(path string) (size int64, sha string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, "", err
	}
	defer f.Close()
	h := sha256.New()
	size, err = io.Copy(h, f)
	return size, hex.EncodeToString(h.Sum(nil)), err
}

// describe makes the part of a file below dir.
func describe(dir, name string) (Part, error) {
	size, sha, err := sum(filepath.Join(dir, filepath.FromSlash(name)))
	return Part{Name: name, Size: size, SHA256: sha}, err
}

// syncDir makes the names in a folder durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, errors.ErrUnsupported) {
		err = nil
	}
	return errors.Join(err, d.Close())
}
