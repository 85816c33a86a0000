// Package store keeps everything of a server in SQL: streams, logs, ledger,
// state, feed, and what the screens and sign-in need. One file per noun; each
// satisfies interfaces declared by the package that uses it, so that nobody
// but the composition root imports the store.
//
// On SQLite it runs in WAL mode with synchronous=FULL: what a transaction of
// [Store.Update] committed is on disk when it returns (promise P1). It must
// never be opened with a weaker setting for real data.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"

	"github.com/pressly/goose/v3"
	driver "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"siteledger/migrations/server/sqlite"
	"siteledger/server/fault"
	"siteledger/syncproto"
	"siteledger/syncproto/schema"
)

// Config says where the store is.
type Config struct {
	Path string // the SQLite file
	// Synchronous is FULL unless a durability test wants the control that must
	// lose.
	Synchronous string
}

// Store is an open store. It is safe for concurrent use: one writer at a time,
// readers beside it on their own snapshots.
type Store struct {
	w, r *sql.DB
	d    *schema.Descriptor

	turn    chan struct{} // held by the one who writes
	writer  *conn
	readers chan *conn // idle connections for snapshots

	mu    sync.Mutex
	reads map[string]*sql.Stmt // prepared on the reader pool, by text

	tables map[string]*tableSQL
}

// applicationID marks a SQLite file as a SiteLedger server's ("SLsv").
const applicationID = 0x534c7376

// Open opens the store and brings its tables up to date. A file of another
// program is refused.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	if cfg.Synchronous == "" {
		cfg.Synchronous = "FULL"
	}
	w, err := sql.Open("sqlite", dsn(cfg, true))
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", cfg.Path, err)
	}
	w.SetMaxOpenConns(1)
	if err := prepareFile(ctx, w); err != nil {
		w.Close()
		return nil, fmt.Errorf("open %s: %w", cfg.Path, err)
	}
	r, err := sql.Open("sqlite", dsn(cfg, false))
	if err != nil {
		w.Close()
		return nil, fmt.Errorf("open %s: %w", cfg.Path, err)
	}
	r.SetMaxOpenConns(2 * snapshots)
	r.SetMaxIdleConns(2 * snapshots)
	d := schema.MustCurrent()
	s := &Store{w: w, r: r, d: d, turn: make(chan struct{}, 1), readers: make(chan *conn, snapshots), reads: map[string]*sql.Stmt{}, tables: tableTexts(d)}
	if err := s.connect(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", cfg.Path, err), s.Close())
	}
	return s, nil
}

// snapshots is how many snapshots are read at once.
const snapshots = 4

func (s *Store) connect(ctx context.Context) error {
	c, err := s.w.Conn(ctx)
	if err != nil {
		return err
	}
	s.writer = &conn{Conn: c, stmts: map[string]*sql.Stmt{}}
	for range snapshots {
		c, err := s.r.Conn(ctx)
		if err != nil {
			return err
		}
		s.readers <- &conn{Conn: c, stmts: map[string]*sql.Stmt{}}
	}
	return nil
}

func dsn(cfg Config, writer bool) string {
	q := url.Values{}
	for _, p := range []string{"journal_mode(WAL)", "synchronous(" + cfg.Synchronous + ")", "busy_timeout(10000)", "foreign_keys(1)", "trusted_schema(0)", "cache_size(-32000)", "temp_store(memory)"} {
		q.Add("_pragma", p)
	}
	if writer {
		q.Set("_txlock", "immediate")
	} else {
		q.Add("_pragma", "query_only(1)")
	}
	return "file:" + strings.ReplaceAll(url.PathEscape(cfg.Path), "%2F", "/") + "?" + q.Encode()
}

func prepareFile(ctx context.Context, db *sql.DB) error {
	var id int64
	if err := db.QueryRowContext(ctx, "PRAGMA application_id").Scan(&id); err != nil {
		return err
	}
	var tables int
	if err := db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&tables); err != nil {
		return err
	}
	if id != applicationID && tables > 0 {
		return errors.New("the file is no SiteLedger server database")
	}
	// Marked before there is a table in it: a first start that is cut off must
	// know its own file again.
	if id != applicationID {
		if _, err := db.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d", applicationID)); err != nil {
			return fmt.Errorf("mark the file: %w", err)
		}
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, sqlite.Files)
	if err != nil {
		return err
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

// Close closes the store. Transactions under way end first.
func (s *Store) Close() error {
	s.turn <- struct{}{}
	var errs []error
	for range snapshots {
		select {
		case c := <-s.readers:
			errs = append(errs, c.Conn.Close())
		default:
		}
	}
	if s.writer != nil {
		errs = append(errs, s.writer.Conn.Close())
	}
	return errors.Join(append(errs, s.r.Close(), s.w.Close())...)
}

// conn is one connection with the statements prepared on it: a pool's
// statement would be prepared anew in each transaction.
type conn struct {
	*sql.Conn
	stmts map[string]*sql.Stmt
}

// stmt prepares a text once. Executed on the connection, it is part of the
// transaction that the connection has open.
func (c *conn) stmt(ctx context.Context, text string) (*sql.Stmt, error) {
	if st := c.stmts[text]; st != nil {
		return st, nil
	}
	st, err := c.PrepareContext(context.WithoutCancel(ctx), text)
	if err != nil {
		return nil, fmt.Errorf("prepare %q: %w", text, err)
	}
	c.stmts[text] = st
	return st, nil
}

// View runs fn on one snapshot. fn must not write.
func (s *Store) View(ctx context.Context, fn func(*sql.Tx) error) error {
	return s.view(ctx, func(tx *sql.Tx, _ *conn) error { return fn(tx) })
}

func (s *Store) view(ctx context.Context, fn func(*sql.Tx, *conn) error) error {
	select {
	case c := <-s.readers:
		defer func() { s.readers <- c }()
		return c.inTx(ctx, fn)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Update runs fn in the writer's transaction: durable when Update returns nil,
// rolled back where fn or the commit fails. fn must use the transaction it is
// given and nothing else of the store.
func (s *Store) Update(ctx context.Context, fn func(*sql.Tx) error) error {
	return s.update(ctx, func(tx *sql.Tx, _ *conn) error { return fn(tx) })
}

func (s *Store) update(ctx context.Context, fn func(*sql.Tx, *conn) error) error {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
		return s.writer.inTx(ctx, fn)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// inTx runs fn in a transaction of the connection. The transaction does not
// end by itself when ctx does: a statement after that would commit alone.
func (c *conn) inTx(ctx context.Context, fn func(*sql.Tx, *conn) error) error {
	tx, err := c.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	done := false
	defer func() {
		if !done { // fn panicked
			_ = tx.Rollback()
		}
	}()
	err = fn(tx, c)
	if err == nil {
		err = ctx.Err()
	}
	done = true
	if err != nil {
		return explain(errors.Join(err, ignoreDone(tx.Rollback())))
	}
	if err := tx.Commit(); err != nil {
		return explain(errors.Join(fmt.Errorf("commit: %w", err), ignoreDone(tx.Rollback())))
	}
	return nil
}

// explain tells a full disk from other failures: the caller is asked to come
// again, which works as soon as there is room.
func explain(err error) error {
	var se *driver.Error
	if errors.As(err, &se) && se.Code()&0xff == sqlite3.SQLITE_FULL {
		return fault.Wrap(syncproto.Busy, "the server's disk is full; nothing of this was stored, send it again later", err)
	}
	return err
}

func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}

// Ping says whether the store can be written, for the readiness check.
func (s *Store) Ping(ctx context.Context) error {
	return s.Update(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE stream SET pos = pos WHERE 0")
		return err
	})
}

// read prepares a text once on the reader pool.
func (s *Store) read(ctx context.Context, text string) (*sql.Stmt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if st := s.reads[text]; st != nil {
		return st, nil
	}
	st, err := s.r.PrepareContext(context.WithoutCancel(ctx), text)
	if err != nil {
		return nil, fmt.Errorf("prepare %q: %w", text, err)
	}
	s.reads[text] = st
	return st, nil
}
