package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/pressly/goose/v3"
	driver "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"siteledger/migrations/server/sqlite"
	"siteledger/server/fault"
	"siteledger/syncproto"
)

// file is the engine over a SQLite file: one writer at a time, readers beside
// it on their own snapshots.
type file struct {
	w, r   *sql.DB
	writer *writer
	idle   chan *conn // connections for snapshots
	damage damage
}

// applicationID marks a SQLite file as a SiteLedger server's ("SLsv").
const applicationID = 0x534c7376

// openFile opens a SQLite file. A file of another program is refused.
func openFile(ctx context.Context, cfg Config) (*file, error) {
	if cfg.Synchronous == "" {
		cfg.Synchronous = "FULL"
	}
	if cfg.Driver == "" {
		cfg.Driver = "sqlite"
	}
	w, err := sql.Open(cfg.Driver, dsn(cfg, true))
	if err != nil {
		return nil, err
	}
	w.SetMaxOpenConns(1)
	if err := prepareFile(ctx, w); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	r, err := sql.Open(cfg.Driver, dsn(cfg, false))
	if err != nil {
		return nil, errors.Join(err, w.Close())
	}
	r.SetMaxOpenConns(2 * snapshots)
	r.SetMaxIdleConns(2 * snapshots)
	f := &file{w: w, r: r, writer: &writer{turn: make(chan struct{}, 1)}, idle: make(chan *conn, snapshots)}
	if err := f.connect(ctx); err != nil {
		return nil, errors.Join(err, f.close())
	}
	return f, nil
}

// snapshots is how many snapshots are read at once.
const snapshots = 4

func (f *file) connect(ctx context.Context) error {
	c, err := f.w.Conn(ctx)
	if err != nil {
		return err
	}
	f.writer.conn = newConn(c)
	for range snapshots {
		c, err := f.r.Conn(ctx)
		if err != nil {
			return err
		}
		f.idle <- newConn(c)
	}
	return nil
}

// cacheSize is what one connection keeps of the file, in KiB and negative as
// SQLite takes it: enough for the inner pages of a large index. The rest is in
// the system's own cache.
func cacheSize(writer bool) string {
	if writer {
		return "-12000"
	}
	return "-4000"
}

// checkpointPages is how long the WAL grows before it is written back: 16 MiB.
// The writer does that after a commit; less often, a page that changes in each
// commit is written back once for many of them.
const checkpointPages = 4096

func dsn(cfg Config, writer bool) string {
	q := url.Values{}
	for _, p := range []string{"journal_mode(WAL)", "synchronous(" + cfg.Synchronous + ")", "busy_timeout(10000)", "foreign_keys(1)", "trusted_schema(0)", "cache_size(" + cacheSize(writer) + ")", "temp_store(memory)", "wal_autocheckpoint(" + strconv.Itoa(checkpointPages) + ")"} {
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
	if err := assume(ctx, db); err != nil {
		return fmt.Errorf("statistics: %w", err)
	}
	return nil
}

func (f *file) close() error {
	f.writer.close()
	var errs []error
	for range snapshots {
		select {
		case c := <-f.idle:
			errs = append(errs, c.close())
		default:
		}
	}
	if f.writer.conn != nil {
		errs = append(errs, f.writer.conn.close())
	}
	return errors.Join(append(errs, f.r.Close(), f.w.Close())...)
}

func (f *file) damaged() error { return f.damage.met() }

func (f *file) view(ctx context.Context, fn func(*sql.Tx) error) error {
	return f.snapshot(ctx, func(tx *sql.Tx, _ *conn) error { return fn(tx) })
}

func (f *file) viewSession(ctx context.Context, fn func(session) error) error {
	return f.snapshot(ctx, func(_ *sql.Tx, c *conn) error { return fn(c) })
}

func (f *file) snapshot(ctx context.Context, fn func(*sql.Tx, *conn) error) error {
	select {
	case c := <-f.idle:
		defer func() { f.idle <- c }()
		return f.damage.note(c.inTx(ctx, fn))
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (f *file) update(ctx context.Context, fn func(*sql.Tx) error) error {
	if err := f.damage.met(); err != nil {
		return err
	}
	return f.damage.note(f.writer.update(ctx, fn))
}

// updateCentre needs no lock of the centre: there is one writer.
func (f *file) updateCentre(ctx context.Context, _ uuid.UUID, fn func(session) error) error {
	return f.update(ctx, func(*sql.Tx) error { return fn(f.writer.conn) })
}

func (f *file) updateStreams(ctx context.Context, fn func(session) error) error {
	return f.updateCentre(ctx, uuid.Nil, fn)
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

// explain tells a full disk and a damaged file from other failures: the caller
// is asked to come again, which works as soon as there is room, or the file is
// put right.
func explain(err error) error {
	var se *driver.Error
	if !errors.As(err, &se) {
		return err
	}
	switch {
	case se.Code()&0xff == sqlite3.SQLITE_FULL:
		return fault.Wrap(syncproto.Busy, "the server's disk is full; nothing of this was stored, send it again later", err)
	case corrupt(err):
		return damaged(err)
	}
	return err
}

func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}
