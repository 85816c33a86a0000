package attachment

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// path is where the bytes of a hash are.
func (s *Store) path(sha [32]byte) string {
	name := hex.EncodeToString(sha[:])
	return filepath.Join(s.dir, name[:2], name)
}

// write puts the bytes of r into a temporary file, synced, for [Store.publish].
// It refuses what is longer than most, or does not begin as its type does; then
// nothing of it is left.
func (s *Store) write(ctx context.Context, r io.Reader, mediaType string, most int64) (temp *os.File, sha [32]byte, size int64, err error) {
	f, err := os.CreateTemp(filepath.Join(s.dir, tempFolder), "new-*")
	if err != nil {
		return nil, sha, 0, full(fmt.Errorf("make a file: %w", err))
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close(), os.Remove(f.Name()))
		}
	}()
	h := sha256.New()
	head := &beginning{}
	size, err = io.Copy(io.MultiWriter(f, h, head), &limited{ctx: ctx, r: r, left: most + 1})
	if err != nil {
		return nil, sha, 0, full(fmt.Errorf("write a file: %w", err))
	}
	if size > most {
		return nil, sha, 0, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, most)
	}
	if !looksLike(mediaType, head.bytes) {
		return nil, sha, 0, fmt.Errorf("%w: the bytes are no %s", ErrType, mediaType)
	}
	if err = f.Sync(); err != nil {
		return nil, sha, 0, full(fmt.Errorf("sync a file: %w", err))
	}
	copy(sha[:], h.Sum(nil))
	return f, sha, size, nil
}

// publish gives a written file its name. A file that is there already has the
// same bytes, unless it is damaged: the new one takes its place.
func (s *Store) publish(f *os.File, sha [32]byte) error {
	path := s.path(sha)
	if err := f.Close(); err != nil {
		return full(err)
	}
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return full(fmt.Errorf("make a folder: %w", err))
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return full(fmt.Errorf("name a file: %w", err))
	}
	return full(errors.Join(syncFolder(folder), syncFolder(s.dir)))
}

// syncFolder makes the names in a folder durable. Windows can't, and need not.
func syncFolder(folder string) error {
	d, err := os.Open(folder)
	if err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, os.ErrPermission) || errors.Is(err, errors.ErrUnsupported) {
		err = nil
	}
	return errors.Join(err, d.Close())
}

// full tells a full disk from other failures.
func full(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}

// whole says whether the bytes on the phone are those of their name.
func (s *Store) whole(ctx context.Context, sha [32]byte) (bool, error) {
	f, err := os.Open(s.path(sha))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, &limited{ctx: ctx, r: f, left: 1 << 40}); err != nil {
		return false, err
	}
	return [32]byte(h.Sum(nil)) == sha, nil
}

// beginning keeps the first bytes that are written to it.
type beginning struct{ bytes []byte }

func (b *beginning) Write(p []byte) (int, error) {
	if room := headBytes - len(b.bytes); room > 0 {
		b.bytes = append(b.bytes, p[:min(room, len(p))]...)
	}
	return len(p), nil
}

// limited ends after some bytes, and when its context ends.
type limited struct {
	ctx  context.Context
	r    io.Reader
	left int64
}

func (l *limited) Read(p []byte) (int, error) {
	if err := l.ctx.Err(); err != nil {
		return 0, err
	}
	if l.left <= 0 {
		return 0, io.EOF
	}
	if int64(len(p)) > l.left {
		p = p[:l.left]
	}
	n, err := l.r.Read(p)
	l.left -= int64(n)
	return n, err
}
