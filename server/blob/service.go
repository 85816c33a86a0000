package blob

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"sync"

	"siteledger/server/fault"
	"siteledger/server/ledger"
	"siteledger/syncproto"

	"github.com/google/uuid"
)

// Service plans, checks and hands out blobs. It is safe for concurrent use.
type Service struct {
	cfg     Config
	deps    Deps
	objects *objects

	devices locks // one plan or commit of a device at a time
	blobs   locks // one journal entry of a blob at a time
}

// New makes the service; nothing is sent to the storage yet, so that a server
// starts while its storage is away. See Ready.
func New(cfg Config, deps Deps) (*Service, error) {
	if err := cfg.fill(); err != nil {
		return nil, fmt.Errorf("blob: %w", err)
	}
	o, err := openObjects(cfg)
	if err != nil {
		return nil, fmt.Errorf("blob: %w", err)
	}
	return &Service{cfg: cfg, deps: deps, objects: o}, nil
}

// Ready says whether the storage answers and has the bucket.
func (s *Service) Ready(ctx context.Context) error { return s.objects.ready(ctx) }

// PresignGet gives a short-lived download URL where a row that the device's
// person may see names the blob and it is present; else 404, for an unknown
// hash as for a hidden one.
func (s *Service) PresignGet(ctx context.Context, dev ledger.Device, sha [32]byte) (string, error) {
	ok, err := s.deps.Audience.BlobVisible(ctx, dev.Centre, dev.Person, sha)
	if err != nil {
		return "", fmt.Errorf("look for rows that name the blob: %w", err)
	}
	if !ok {
		return "", notFound()
	}
	copies, err := s.deps.Catalogue.BlobCopies(ctx, dev.Centre, sha)
	if err != nil {
		return "", fmt.Errorf("look for copies: %w", err)
	}
	for _, u := range copies {
		switch size, err := s.objects.size(ctx, u.Key); {
		case err == nil && size == u.Size:
			return s.objects.getURL(ctx, u, s.cfg.GetLife)
		case err != nil && !errors.Is(err, errAbsent):
			return "", err
		}
		s.deps.Log.Error("a present blob's object is missing or cut", "key", u.Key)
	}
	return "", notFound()
}

// Open gives a present blob of the centre for a screen. The caller has checked
// that the reader may see the centre. The bytes are as stored; Verify is what
// compares them with the hash.
func (s *Service) Open(ctx context.Context, centre uuid.UUID, sha [32]byte) (io.ReadSeekCloser, Info, error) {
	copies, err := s.deps.Catalogue.BlobCopies(ctx, centre, sha)
	if err != nil {
		return nil, Info{}, fmt.Errorf("look for copies: %w", err)
	}
	for _, u := range copies {
		obj, err := s.objects.open(ctx, u.Key)
		if err == nil {
			return obj, u.Info, nil
		}
		if !errors.Is(err, errAbsent) {
			return nil, Info{}, err
		}
		s.deps.Log.Error("a present blob's object is missing", "key", u.Key)
	}
	return nil, Info{}, notFound()
}

func notFound() error {
	return fault.New(syncproto.NotFound, "there is no such file, or not for you")
}

// receipt signs the server's word that a copy was read back and checked. The
// same copy gets the same receipt as long as the server's history lasts.
func (s *Service) receipt(u *Upload) (changed bool, err error) {
	if u.Receipt != "" && u.History == s.deps.History {
		return false, nil
	}
	u.History = s.deps.History
	u.Receipt, err = s.deps.Signer.SignJWS(syncproto.BlobReceipt{
		History: u.History,
		SHA256:  hex.EncodeToString(u.SHA256[:]),
		Size:    u.Size,
		At:      u.StoredAt.UnixMilli(),
		Device:  u.Device,
	})
	if err != nil {
		return false, fmt.Errorf("sign receipt: %w", err)
	}
	return true, nil
}

// parseSHA reads 64 lower-case hex digits.
func parseSHA(s string) (sha [32]byte, err error) {
	raw, err := hex.DecodeString(s)
	if err != nil || len(raw) != len(sha) || hex.EncodeToString(raw) != s {
		return sha, fault.New(syncproto.BodyInvalid, "sha256 must be 64 lower-case hex digits")
	}
	return [32]byte(raw), nil
}

// locks let one caller at a time work on a name.
type locks struct {
	mu   sync.Mutex
	held map[string]*lock
}

type lock struct {
	sync.Mutex
	users int // under locks.mu
}

func (l *locks) take(name string) (release func()) {
	l.mu.Lock()
	if l.held == nil {
		l.held = map[string]*lock{}
	}
	k := l.held[name]
	if k == nil {
		k = &lock{}
		l.held[name] = k
	}
	k.users++
	l.mu.Unlock()
	k.Lock()
	return func() {
		k.Unlock()
		l.mu.Lock()
		if k.users--; k.users == 0 {
			delete(l.held, name)
		}
		l.mu.Unlock()
	}
}
