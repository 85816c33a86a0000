package attachment

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"time"
)

// makeRoom frees originals that the server has for sure until enough is free.
func (s *Store) makeRoom(ctx context.Context, bytes int64) error {
	return s.release(ctx, math.MaxInt64, bytes)
}

// Release frees the photos that the server has for sure since before limit, by
// the server's own time.
func (s *Store) Release(ctx context.Context, limit time.Time) error {
	return s.release(ctx, limit.UnixMilli(), math.MaxInt64)
}

// release frees files with a receipt of the present history, the oldest first,
// until enough bytes are free. The row says first that the bytes are gone: a
// crash in between leaves a file, which the next Open removes. Previews stay:
// they are small, and the screens show them.
func (s *Store) release(ctx context.Context, before, bytes int64) error {
	s.names.Lock()
	defer s.names.Unlock()
	var gone []Blob
	err := s.db.Update(ctx, func(tx *sql.Tx) error {
		blobs, err := list(ctx, tx, `
			SELECT `+blobColumns+`
			FROM blob
			WHERE local = 1 AND state = 'verified' AND receipt <> '' AND purpose <> 'preview'
				AND receipt_history = (SELECT history FROM identity) AND verified_at < $1
			ORDER BY added_at`, before)
		if err != nil {
			return err
		}
		for _, b := range blobs {
			if bytes <= 0 {
				return nil
			}
			if _, err := tx.ExecContext(ctx, `UPDATE blob SET local = 0 WHERE sha256 = $1`, b.SHA256[:]); err != nil {
				return fmt.Errorf("free a file: %w", err)
			}
			gone, bytes = append(gone, b), bytes-b.Size
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.remove(gone)
}

func (s *Store) remove(gone []Blob) error {
	for _, b := range gone {
		if err := os.Remove(s.path(b.SHA256)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("free a file: %w", err)
		}
	}
	return nil
}

// sweep removes the files whose rows say that they were freed or discarded.
func (s *Store) sweep(ctx context.Context) error {
	var gone []Blob
	err := s.db.View(ctx, func(tx *sql.Tx) error {
		var err error
		gone, err = list(ctx, tx, `SELECT `+blobColumns+` FROM blob WHERE local = 0 AND state IN ('verified', 'stored')`)
		return err
	})
	if err != nil {
		return err
	}
	if err := s.remove(gone); err != nil {
		return err
	}
	return s.forget(ctx)
}

// CopyUnsent copies the photos of which this phone has the only sure copy into
// another folder, under the same names.
func (s *Store) CopyUnsent(ctx context.Context, folder string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return full(fmt.Errorf("put photos aside: %w", err))
	}
	var blobs []Blob
	err := s.db.View(ctx, func(tx *sql.Tx) error {
		var err error
		blobs, err = s.Unsent(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	for _, b := range blobs {
		if err := s.copyTo(b.SHA256, folder); err != nil && !errors.Is(err, ErrAbsent) {
			return full(fmt.Errorf("put photos aside: %w", err))
		}
	}
	return syncFolder(folder)
}

func (s *Store) copyTo(sha [32]byte, folder string) error {
	from, err := s.OpenFile(sha)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.OpenFile(filepath.Join(folder, hex.EncodeToString(sha[:])), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	return errors.Join(err, to.Sync(), to.Close())
}

// Wipe removes all files. Only a sign-out calls it.
func (s *Store) Wipe() error {
	if err := os.RemoveAll(s.dir); err != nil {
		return fmt.Errorf("remove the photos: %w", err)
	}
	return os.MkdirAll(filepath.Join(s.dir, tempFolder), 0o700)
}
