package clientsdk

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"siteledger/client-sdk/attachment"
	"siteledger/client-sdk/localdb"
	"siteledger/client-sdk/outbox"
	"siteledger/client-sdk/replica"
	"siteledger/client-sdk/transport"
	"siteledger/migrations/client"
	"siteledger/syncproto"
	"siteledger/syncproto/schema"
)

// Files below [Config].Dir.
const (
	databaseFile = "phone.db"
	photoFolder  = "photos"
)

// Client is one phone. It is safe for concurrent use.
type Client struct {
	cfg    Config
	schema *schema.Descriptor
	db     *localdb.DB
	out    *outbox.Outbox
	rep    *replica.Replica
	blobs  *attachment.Store
	net    *transport.Client
	policy outbox.Policy

	watch watchers
	wake  chan struct{} // Run looks again at what to do and when
	dirty atomic.Bool   // there is news to send or to fetch

	syncing chan struct{}          // held by the one round, enrolment or sign-out that runs
	busy    atomic.Bool            // for the screen
	failed  atomic.Pointer[string] // id of the call that the last round failed with
	tokens  chan struct{}          // held while the access token is looked at or renewed

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	runs   sync.WaitGroup

	mu     sync.Mutex // guards the next two
	id     *identity  // nil before enrolment
	closed bool
}

// identity is who this phone is, with its key.
type identity struct {
	Identity
	key ed25519.PrivateKey
}

func (id *identity) author() outbox.Author {
	return outbox.Author{Device: id.Device, Person: id.Person, Key: id.key}
}

// Open opens the phone's files, or makes them where there are none. It never
// waits for the network. A file that is not ours, that is damaged, or that a
// newer app wrote is refused and left as it is.
func Open(cfg Config) (*Client, error) {
	cfg, err := cfg.complete()
	if err != nil {
		return nil, explained(err)
	}
	c := &Client{
		cfg: cfg, schema: cfg.Schema,
		policy: outbox.Policy{Min: cfg.Backoff.Min, Max: cfg.Backoff.Max, Slow: time.Hour},
		wake:   make(chan struct{}, 1), syncing: make(chan struct{}, 1), tokens: make(chan struct{}, 1),
	}
	if c.net, err = transport.New(cfg.Server, cfg.HTTP, cfg.Now, cfg.Rand); err != nil {
		return nil, &Error{Code: CodeInternal, ZH: "服务器地址不对。", EN: "The server's address is wrong.", Err: err}
	}
	c.net.Reads(c.schema.Version)
	if c.out, err = outbox.New(syncproto.DefaultLimits(), cfg.NewID); err != nil {
		return nil, explained(err)
	}
	if c.rep, err = replica.New(c.schema, c.out); err != nil {
		return nil, explained(err)
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	if err := c.openFiles(c.ctx); err != nil {
		c.cancel()
		return nil, explained(err)
	}
	return c, nil
}

func (c *Client) openFiles(ctx context.Context) (err error) {
	if c.db, err = localdb.Open(ctx, filepath.Join(c.cfg.Dir, databaseFile), client.Files); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.db.Close())
		}
	}()
	c.blobs, err = attachment.Open(ctx, attachment.Config{
		Dir: filepath.Join(c.cfg.Dir, photoFolder), DB: c.db, Limits: syncproto.DefaultLimits(),
		Now: c.cfg.Now, Free: c.cfg.FreeBytes, Reserve: c.cfg.Reserve,
	})
	if err != nil {
		return err
	}
	if err := c.finishWipe(ctx); err != nil {
		return err
	}
	if err := c.db.Update(ctx, func(tx *sql.Tx) error { return c.rep.Adopt(ctx, tx) }); err != nil {
		return err
	}
	return c.loadIdentity(ctx)
}

// loadIdentity reads who this phone is into memory.
func (c *Client) loadIdentity(ctx context.Context) error {
	id := &identity{}
	err := c.db.View(ctx, func(tx *sql.Tx) error {
		var err error
		if err = tx.QueryRowContext(ctx, `SELECT device, person, centre, history FROM identity WHERE id = 1`).
			Scan(&id.Device, &id.Person, &id.Centre, &id.History); err != nil {
			return err
		}
		id.Epoch, err = c.out.Epoch(ctx, tx)
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		id = nil
	} else if err != nil {
		return fmt.Errorf("identity: %w", err)
	}
	if id != nil {
		if id.key, err = c.loadKey(); err != nil {
			return err
		}
		if id.key == nil {
			return &Error{Code: CodeBroken, ZH: "本机的设备密钥不见了,无法签名。请联系服务中心取回未上传的记录。", EN: "The device's key is missing, so nothing can be signed. The service centre can rescue what was not sent."}
		}
	}
	c.mu.Lock()
	c.id = id
	c.mu.Unlock()
	return nil
}

// Close ends what runs, waits for it, and closes the files. What was recorded
// stays; a sync that was under way is gone on with at the next Open.
func (c *Client) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil
	}
	c.closed = true
	c.mu.Unlock()
	c.cancel()
	c.runs.Wait()
	return explained(c.db.Close())
}

// begin registers a piece of work that Close waits for; its context ends with
// the client.
func (c *Client) begin(ctx context.Context) (context.Context, func(), error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, nil, ErrClosed
	}
	c.runs.Add(1)
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(c.ctx, cancel)
	return ctx, func() {
		stop()
		cancel()
		c.runs.Done()
	}, nil
}

// Identity is who this phone is; false before enrolment and after a sign-out.
func (c *Client) Identity() (Identity, bool) {
	id, err := c.enrolled()
	if err != nil {
		return Identity{}, false
	}
	return id.Identity, true
}

func (c *Client) enrolled() (*identity, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.id == nil {
		return nil, ErrNotEnrolled
	}
	id := *c.id
	return &id, nil
}

// stamp is the phone's time now, as three facts.
func (c *Client) stamp() outbox.Stamp {
	boot, mono := c.cfg.Mono()
	return outbox.Stamp{Wall: c.cfg.Now().UnixMilli(), Boot: boot, Mono: mono}
}

// newID makes a UUIDv7.
func (c *Client) newID() (uuid.UUID, error) {
	id, err := c.cfg.NewID()
	if err != nil {
		return uuid.Nil, fmt.Errorf("new id: %w", err)
	}
	return id, nil
}

// Check reads the whole of the phone's files and proves them: the database
// file, the log's chain and signatures, the photos' table. It takes some time.
func (c *Client) Check(ctx context.Context) error {
	ctx, end, err := c.begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	if err := c.db.Check(ctx); err != nil {
		return explained(err)
	}
	id, err := c.enrolled()
	if err != nil {
		return nil // nothing recorded yet
	}
	return explained(c.db.View(ctx, func(tx *sql.Tx) error {
		return c.out.Check(ctx, tx, id.Device, id.key.Public().(ed25519.PublicKey))
	}))
}
