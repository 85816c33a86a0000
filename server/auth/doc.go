// Package auth knows who somebody is: people with passwords and sessions for
// the screens, devices with keys and tokens for the phones, and the server's
// own signing key.
//
// It never stores a password, session token, enrolment code or refresh token
// that could be used again: only argon2id hashes, SHA-256 digests, or what the
// key file is needed to recognise. It never tells an unknown name from a wrong
// password, nor a used code from an unknown one. What a person or a device may
// do is looked up at each call, so that a sign-out, a disabled person or a
// revoked device acts on the next call.
//
// People, devices and receipt ranges are rows of the server's log: the package
// writes them through a [Journal] and reads them back from state.
package auth

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/semaphore"

	"siteledger/server/ledger"
)

// Journal appends rows to a centre's log; [ledger.Ledger] is one.
type Journal interface {
	Write(ctx context.Context, centre uuid.UUID, by ledger.Author, edits []ledger.Edit) (ledger.Written, error)
}

// Store is what auth keeps and reads.
type Store interface {
	Accounts
	Sessions
	Codes
	Families
	Devices
	Events
}

// Config is what an [Auth] needs. Zero durations and counts take the defaults.
type Config struct {
	Store   Store
	Journal Journal
	Keys    *Keys
	History uuid.UUID // the server's current history
	Schema  int       // schema version that devices are told

	Now   func() time.Time
	Rand  io.Reader // crypto/rand.Reader outside tests
	NewID func() (uuid.UUID, error)

	SessionIdle     time.Duration // a screen's session without a click
	SessionAbsolute time.Duration // a screen's session in all
	AccessLife      time.Duration // an access token, at most 15 minutes
	RefreshIdle     time.Duration // a refresh family that nobody used
	CodeLife        time.Duration // an enrolment code

	Cost Cost // of a new password hash; zero is DefaultCost, and a test may take less
}

// Defaults of [Config], with the reason for each number.
const (
	DefaultSessionIdle     = 12 * time.Hour      // a desk over one working day
	DefaultSessionAbsolute = 7 * 24 * time.Hour  // a stolen cookie dies within the week
	DefaultAccessLife      = 15 * time.Minute    // the most that the protocol allows
	DefaultRefreshIdle     = 90 * 24 * time.Hour // a phone in a drawer over a long leave
	DefaultCodeLife        = 10 * time.Minute    // PROTOCOL.md, section 8
)

// Auth answers who somebody is. It is safe for concurrent use.
type Auth struct {
	cfg     Config
	tokens  *issuer
	refresh []byte // key of the refresh tokens' codes

	hashing *semaphore.Weighted    // bounds the memory of argon2id
	dummy   func() (string, error) // hash that an unknown name is checked against, made at its first use

	names   *limiter // sign-in tries per name and remote
	remotes *limiter // sign-in tries per remote
	codes   *limiter // wrong enrolment codes per remote
	leases  *limiter // receipt blocks per device

	enrolling sync.Mutex // one enrolment at a time: rare, and its steps must not cross
	leasing   sync.Mutex // one receipt lease at a time
}

// New builds an Auth. It fails where a required part is missing.
func New(cfg Config) (*Auth, error) {
	if cfg.Store == nil || cfg.Journal == nil || cfg.Keys == nil || cfg.Now == nil || cfg.Rand == nil || cfg.NewID == nil {
		return nil, errors.New("auth: a required part is missing")
	}
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&cfg.SessionIdle, DefaultSessionIdle},
		{&cfg.SessionAbsolute, DefaultSessionAbsolute},
		{&cfg.AccessLife, DefaultAccessLife},
		{&cfg.RefreshIdle, DefaultRefreshIdle},
		{&cfg.CodeLife, DefaultCodeLife},
	} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	if cfg.AccessLife > DefaultAccessLife {
		return nil, errors.New("auth: an access token lives at most 15 minutes")
	}
	if cfg.Cost == (Cost{}) {
		cfg.Cost = DefaultCost()
	}
	refresh, err := cfg.Keys.derive("siteledger refresh v1")
	if err != nil {
		return nil, err
	}
	return &Auth{
		cfg:     cfg,
		tokens:  newIssuer(cfg.Keys, cfg.AccessLife, cfg.Now),
		refresh: refresh,
		hashing: semaphore.NewWeighted(hashingAtOnce),
		dummy:   sync.OnceValues(func() (string, error) { return hashPassword(cfg.Rand, cfg.Cost, "nobody has this password") }),
		names:   newLimiter(cfg.Now, 5, 30*time.Second),
		remotes: newLimiter(cfg.Now, 60, 2*time.Second),
		codes:   newLimiter(cfg.Now, 20, 6*time.Second),
		leases:  newLimiter(cfg.Now, 20, 10*time.Minute),
	}, nil
}

// Keys are the server's signing keys.
func (a *Auth) Keys() *Keys { return a.cfg.Keys }

func (a *Auth) random(n int) ([]byte, error) {
	b := make([]byte, n)
	_, err := io.ReadFull(a.cfg.Rand, b)
	return b, err
}
