package attachment

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"siteledger/syncproto"
)

// Errors of the store.
var (
	// ErrFull: no room; nothing was written.
	ErrFull = errors.New("the phone's storage is full")
	// ErrType: the media type is not allowed for the purpose, or the bytes are
	// not what it says.
	ErrType = errors.New("this type of file is not taken")
	// ErrTooLarge: over the protocol's limit for the purpose.
	ErrTooLarge = errors.New("the file is too large")
	// ErrAbsent: the bytes are not on this phone.
	ErrAbsent = errors.New("the file is not on this phone")
	// ErrNamed: a record names the file, so it stays.
	ErrNamed = errors.New("a record names the file")
)

// State is how far a photo has come.
type State string

// The states. See the package's table.
const (
	Stored    State = "stored"
	Queued    State = "queued"
	Uploading State = "uploading"
	Verified  State = "verified"
	Attention State = "attention"
)

// Blob is one stored photo, signature or scan.
type Blob struct {
	SHA256   [32]byte
	Size     int64
	Type     string
	Purpose  string
	State    State
	Reason   string
	Sent     int64
	Attempts int
	NextAt   time.Time // zero where it does not wait
	Local    bool
	Added    time.Time
	Place    int  // in the order of sending, smaller is earlier
	Anyhow   bool // goes over any network
}

// First says whether it was moved up before other originals.
func (b Blob) First() bool { return b.Place == first }

// DB is the phone's database file.
type DB interface {
	View(context.Context, func(*sql.Tx) error) error
	Update(context.Context, func(*sql.Tx) error) error
}

// Config is what a store needs.
type Config struct {
	Dir     string
	DB      DB
	Limits  syncproto.Limits
	Now     func() time.Time
	Free    func(dir string) (int64, error) // room on the disk in bytes; negative where unknown
	Reserve int64                           // must stay free
}

// Store is the photo store. It is safe for concurrent use.
type Store struct {
	dir     string
	db      DB
	limits  syncproto.Limits
	now     func() time.Time
	free    func(string) (int64, error)
	reserve int64
	// names is held while a file and its row come or go together: bytes that are
	// stored again while their older copy is removed must not go with it.
	names sync.Mutex
}

const tempFolder = "tmp"

// Open makes the folders and removes what a crash left half written.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	temp := filepath.Join(cfg.Dir, tempFolder)
	if err := os.RemoveAll(temp); err != nil {
		return nil, fmt.Errorf("photo store: %w", err)
	}
	if err := os.MkdirAll(temp, 0o700); err != nil {
		return nil, full(fmt.Errorf("photo store: %w", err))
	}
	s := &Store{dir: cfg.Dir, db: cfg.DB, limits: cfg.Limits, now: cfg.Now, free: cfg.Free, reserve: cfg.Reserve}
	return s, s.sweep(ctx)
}

// Put stores the bytes of r, synced when it returns. Bytes that are here
// already are not stored twice. It refuses before anything is written where
// there is no room or the type is not allowed; see [Store.CanStore].
func (s *Store) Put(ctx context.Context, r io.Reader, purpose, mediaType string) (Blob, error) {
	if !allowed(purpose, mediaType) {
		return Blob{}, fmt.Errorf("%w: %s as %s", ErrType, mediaType, purpose)
	}
	most := maxBytes(s.limits, purpose)
	if err := s.CanStore(ctx, sizeOf(r)); err != nil {
		return Blob{}, err
	}
	f, sha, size, err := s.write(ctx, r, mediaType, most)
	if err != nil {
		return Blob{}, err
	}
	s.names.Lock()
	defer s.names.Unlock()
	if err := s.publish(f, sha); err != nil {
		return Blob{}, err
	}
	b := Blob{SHA256: sha, Size: size, Type: mediaType, Purpose: purpose, State: Stored, Local: true, Added: s.now()}
	err = s.db.Update(ctx, func(tx *sql.Tx) error {
		// Bytes that were freed are here again; how far they came stays as it is.
		_, err := tx.ExecContext(ctx, `
			INSERT INTO blob (sha256, size, type, purpose, place, state, added_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (sha256) DO UPDATE
			SET local = 1, place = min(place, excluded.place),
				state = CASE WHEN state = 'attention' THEN 'queued' ELSE state END,
				next_at = CASE WHEN state = 'attention' THEN 0 ELSE next_at END`,
			sha[:], size, mediaType, purpose, place(purpose), string(Stored), b.Added.UnixMilli())
		return err
	})
	if err != nil {
		return Blob{}, fmt.Errorf("store a file: %w", err)
	}
	return b, nil
}

// sizeOf asks a reader how long it is, where it can say; else 0.
func sizeOf(r io.Reader) int64 {
	switch r := r.(type) {
	case interface{ Len() int }:
		return int64(r.Len())
	case *os.File:
		if info, err := r.Stat(); err == nil && info.Mode().IsRegular() {
			return info.Size()
		}
	}
	return 0
}

// CanStore says whether size more bytes have room, with the reserve left over.
// Where they have not, photos that the server has for sure make room first, the
// oldest before the others. [ErrFull] if that is not enough.
func (s *Store) CanStore(ctx context.Context, size int64) error {
	short, err := s.short(size)
	if err != nil || short <= 0 {
		return err
	}
	if err := s.makeRoom(ctx, short); err != nil {
		return err
	}
	if short, err = s.short(size); err == nil && short > 0 {
		err = fmt.Errorf("%w: %d bytes are lacking", ErrFull, short)
	}
	return err
}

// short is how many bytes are lacking; 0 or less for none.
func (s *Store) short(size int64) (int64, error) {
	free, err := s.free(s.dir)
	if err != nil {
		return 0, fmt.Errorf("free space: %w", err)
	}
	if free < 0 {
		return 0, nil // the system does not say: the write itself will
	}
	return size + s.reserve - free, nil
}

// FreeBytes is the room on the disk; negative where the system does not say.
func (s *Store) FreeBytes() (int64, error) { return s.free(s.dir) }

// OpenFile opens the bytes of a hash, or [ErrAbsent].
func (s *Store) OpenFile(sha [32]byte) (*os.File, error) {
	f, err := os.Open(s.path(sha))
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w: %x", ErrAbsent, sha)
	}
	return f, err
}

// Named queues a photo for its upload because a row that is being recorded in
// tx names it; role is what the row says that the photo shows, "" for nothing.
// It is false where this phone never stored it, or discards it.
func (s *Store) Named(ctx context.Context, tx *sql.Tx, sha []byte, role string) (bool, error) {
	res, err := tx.ExecContext(ctx, `
		UPDATE blob
		SET state = CASE WHEN state = 'stored' THEN 'queued' ELSE state END, place = min(place, $1)
		WHERE sha256 = $2 AND NOT (state = 'stored' AND local = 0)`, placeOf(role), sha)
	if err != nil {
		return false, fmt.Errorf("queue a file: %w", err)
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

// Urgent sends a photo before other originals, now, over any network: the office
// waits for it. One that was verified is planned again where its bytes are here: the office would
// not ask for what it has.
func (s *Store) Urgent(ctx context.Context, tx *sql.Tx, sha []byte) (bool, error) {
	res, err := tx.ExecContext(ctx, `
		UPDATE blob
		SET place = min(place, $1), next_at = 0, anyhow = 1,
			state = CASE WHEN state = 'stored' OR state = 'verified' AND local = 1 THEN 'queued' ELSE state END
		WHERE sha256 = $2 AND NOT (state = 'stored' AND local = 0)`, first, sha)
	if err != nil {
		return false, fmt.Errorf("send a file first: %w", err)
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

// Retry ends the wait of one photo.
func (s *Store) Retry(ctx context.Context, tx *sql.Tx, sha [32]byte) error {
	if _, err := tx.ExecContext(ctx, `UPDATE blob SET next_at = 0 WHERE sha256 = $1`, sha[:]); err != nil {
		return fmt.Errorf("retry a file: %w", err)
	}
	return nil
}

// HistoryChanged queues every photo again that is still here: the server may
// have forgotten it. Its old receipt proves nothing to the new history.
func (s *Store) HistoryChanged(ctx context.Context, tx *sql.Tx) error {
	if _, err := tx.ExecContext(ctx, `
		UPDATE blob
		SET state = 'queued', sent = 0, attempts = 0, next_at = 0, reason = ''
		WHERE local = 1 AND state IN ('verified', 'uploading', 'attention')`); err != nil {
		return fmt.Errorf("plan kept files again: %w", err)
	}
	return nil
}
