package app

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/google/uuid"

	"siteledger/server/archive"
	"siteledger/server/auth"
	"siteledger/server/config"
	"siteledger/server/feed"
	"siteledger/server/ledger"
	"siteledger/server/metrics"
	"siteledger/server/store"
	"siteledger/syncproto/schema"
)

// Core is what works without a network. It is safe for concurrent use.
type Core struct {
	Config  config.Config
	Log     *slog.Logger
	Store   *store.Store
	Keys    *auth.Keys
	History uuid.UUID
	Schema  *schema.Descriptor
	Ledger  *ledger.Ledger
	Feed    *feed.Feed
	Auth    *auth.Auth
	Now     func() time.Time
	Metrics *metrics.Metrics
	nature  Nature

	mu   sync.Mutex
	hq   uuid.UUID        // headquarters' stream, once known
	ship *archive.Shipper // told of each commit; nil for none
	turn *shipTurn        // to ship; nil where there is one server alone
}

func newID() (uuid.UUID, error) { return uuid.NewV7() }

// mustID is newID where randomness that fails leaves nothing to do.
func mustID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

// DatabaseName is the SQLite file within the data folder.
const DatabaseName = "server.db"

// OpenCore opens the data folder, making it where it is missing. Several
// processes may have the same folder open: commands work beside a running
// server.
func OpenCore(ctx context.Context, cfg config.Config, log *slog.Logger) (*Core, error) {
	return OpenCoreAt(ctx, cfg, log, time.Now)
}

// OpenCoreAt is OpenCore on a clock of the caller's, such as sample data that
// is written as if it were some weeks ago. It must never go back.
func OpenCoreAt(ctx context.Context, cfg config.Config, log *slog.Logger, now func() time.Time) (*Core, error) {
	return OpenCoreIn(ctx, cfg, log, Nature{Now: now})
}

// Nature is what a server cannot make by itself: the time, randomness, ids, and
// what its build knows. What is not given is the machine's and today's.
type Nature struct {
	Now   func() time.Time // must never go back
	Rand  io.Reader
	NewID func() (uuid.UUID, error) // UUIDv7, rising
	// Schema is an earlier version, as of a build that knew no later one. A folder
	// that is opened with a later one must be upgraded ([Core.Upgrade]), and never
	// goes back.
	Schema *schema.Descriptor
}

func (n Nature) complete() Nature {
	if n.Now == nil {
		n.Now = time.Now
	}
	if n.Rand == nil {
		n.Rand = rand.Reader
	}
	if n.NewID == nil {
		n.NewID = newID
	}
	if n.Schema == nil {
		n.Schema = schema.MustCurrent()
	}
	return n
}

// OpenCoreIn is OpenCore in a nature of the caller's: a machine that plays the
// same days again gives the same, and has servers of earlier builds.
func OpenCoreIn(ctx context.Context, cfg config.Config, log *slog.Logger, n Nature) (*Core, error) {
	return openCore(ctx, cfg, log, n, "FULL")
}

// OpenToFill is OpenCoreAt for filling an empty folder with sample data, which
// does not wait for the disk: after a power cut the folder is thrown away and
// filled again. Nothing that a phone or a person wrote may ever go this way.
func OpenToFill(ctx context.Context, cfg config.Config, log *slog.Logger, now func() time.Time) (*Core, error) {
	return openCore(ctx, cfg, log, Nature{Now: now}, "OFF")
}

func openCore(ctx context.Context, cfg config.Config, log *slog.Logger, n Nature, synchronous string) (*Core, error) {
	n = n.complete()
	if err := makeFolder(cfg.Data); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	if archive.Unfinished(cfg.Data) {
		return nil, fmt.Errorf("data folder %s: a restore into it was not finished; run restore again, or empty it", cfg.Data)
	}
	c := &Core{Config: cfg, Log: log, Now: n.Now, Schema: n.Schema, nature: n}
	var err error
	if c.Metrics, err = metrics.New(n.Now); err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	if c.Keys, err = auth.OpenKeys(cfg.Data, n.Rand); err != nil {
		return nil, fmt.Errorf("server keys: %w", err)
	}
	if c.Store, err = openStoreAs(ctx, cfg, synchronous, "", n.Schema); err != nil {
		return nil, err
	}
	if err := c.join(ctx); err != nil {
		return nil, errors.Join(err, c.Store.Close())
	}
	return c, nil
}

// openStoreAs opens the database that the configuration names, else the file in
// the data folder. name is what a database server shows of the connections;
// empty for a server's. d is the version of the schema; nil for the newest.
func openStoreAs(ctx context.Context, cfg config.Config, synchronous, name string, d *schema.Descriptor) (*store.Store, error) {
	if !cfg.Database.External() {
		return store.Open(ctx, store.Config{Path: filepath.Join(cfg.Data, DatabaseName), Synchronous: synchronous, Schema: d})
	}
	if synchronous != "FULL" {
		return nil, errors.New("sample data is written to a folder, never to a database server")
	}
	c := store.Config{URL: cfg.Database.URL, Name: name, Schema: d}
	if cfg.Database.PasswordFile != "" {
		var err error
		if c.Password, err = config.ReadSecret(cfg.Database.PasswordFile); err != nil {
			return nil, err
		}
	}
	return store.Open(ctx, c)
}

func (c *Core) join(ctx context.Context) error {
	var err error
	if c.History, err = c.Store.History(ctx, c.mustID(), c.Now().UnixMilli()); err != nil {
		return fmt.Errorf("history: %w", err)
	}
	// Ed25519 signatures are deterministic: the secret is the same at each start.
	secret := sha256.Sum256(c.Keys.Sign([]byte("siteledger cursor v1")))
	c.Feed = feed.New(feed.Config{View: c.Store.ViewCentre, History: c.History, Schema: c.Schema, Secret: secret[:], Limits: c.Config.Limits.Limits, Now: c.Now})
	c.Ledger, err = ledger.New(ledger.Config{
		Update: c.update, Create: c.Store.CreateStream, History: c.History, Schema: c.Schema, Signer: c.Keys,
		Limits: c.Config.Limits.Limits, Now: c.Now, NewID: c.mustID, Salt: c.salt,
		Poke: c.poke,
	})
	if err != nil {
		return err
	}
	s := c.Config.Session
	c.Auth, err = auth.New(auth.Config{
		Store: c.Store, Journal: c.Ledger, Keys: c.Keys, History: c.History, Schema: c.Schema.Version,
		Now: c.Now, Rand: c.nature.Rand, NewID: c.nature.NewID,
		SessionIdle: s.Idle, SessionAbsolute: s.Absolute, AccessLife: s.Access, RefreshIdle: s.Refresh, CodeLife: s.Code,
	})
	return err
}

func (c *Core) mustID() uuid.UUID { return uuid.Must(c.nature.NewID()) }

func (c *Core) salt() (b [16]byte) {
	if _, err := io.ReadFull(c.nature.Rand, b[:]); err != nil {
		panic(fmt.Sprintf("randomness: %v", err)) // as the runtime does for its own
	}
	return b
}

func salt() (b [16]byte) {
	_, _ = rand.Read(b[:]) // never fails: the runtime ends the process instead
	return b
}

// poke tells the streams that wait, here and at the other servers of the
// database.
func (c *Core) poke(stream uuid.UUID) {
	c.wakeShipper()
	c.Store.Announce(stream)
	c.pokeHere(stream)
}

// Headquarters is headquarters' stream; uuid.Nil before the first start made
// it.
func (c *Core) Headquarters(ctx context.Context) (uuid.UUID, error) {
	streams, err := c.Store.Streams(ctx)
	if err != nil {
		return uuid.Nil, err
	}
	for _, s := range streams {
		if s.Headquarters {
			c.mu.Lock()
			c.hq = s.ID
			c.mu.Unlock()
			return s.ID, nil
		}
	}
	return uuid.Nil, nil
}

// Close closes the store.
func (c *Core) Close() error { return c.Store.Close() }
