// Package localdb is the phone's SQLite file: opened, checked, migrated, and
// used through View (a read snapshot) and Update (a durable transaction).
//
// It never touches a file that is not a SiteLedger phone file, never repairs
// and never deletes one: a broken file is reported, so that what is in it can
// still be rescued. When Update returns nil the transaction is on the disk,
// synced (WAL with synchronous=FULL); when it returns an error, or the process
// dies in it, nothing of it happened.
package localdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// ApplicationID marks whose file it is ("SLPH" in the file's header).
const ApplicationID = 0x534C5048

// Errors of opening and using the file.
var (
	// ErrClosed: the file was closed before.
	ErrClosed = errors.New("the phone's database file is closed")
	// ErrForeign: the file is not a SiteLedger phone file.
	ErrForeign = errors.New("this is not a SiteLedger phone file")
	// ErrNewer: a newer app has migrated the file.
	ErrNewer = errors.New("the phone's database file was made by a newer app")
	// ErrBroken: the file's content is damaged.
	ErrBroken = errors.New("the phone's database file is damaged")
	// ErrFull: the disk is full; nothing of the transaction was written.
	ErrFull = errors.New("the phone's storage is full")
)

// DB is the open file: one connection that writes, some that read. It is safe
// for concurrent use.
type DB struct {
	path  string
	write *sql.DB
	read  *sql.DB
}

// Open opens the file, or makes it where there is none, checks that it is ours
// and whole, and migrates it.
func Open(ctx context.Context, path string, migrations fs.FS) (*DB, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	if err := checkOurs(ctx, path); err != nil {
		return nil, err
	}
	if err := private(path); err != nil {
		return nil, err
	}
	w, err := connect(path, "_txlock=immediate&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=wal_autocheckpoint("+checkpointPages+")")
	if err != nil {
		return nil, err
	}
	w.SetMaxOpenConns(1)
	db := &DB{path: path, write: w}
	if err := db.prepare(ctx, migrations); err != nil {
		return nil, errors.Join(explain(err), w.Close())
	}
	r, err := connect(path, "_pragma=query_only(1)")
	if err != nil {
		return nil, errors.Join(err, w.Close())
	}
	r.SetMaxOpenConns(4)
	db.read = r
	return db, nil
}

// private makes the file readable by its owner alone before anything is in it;
// SQLite gives its other files the same mode.
func private(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	return f.Close()
}

// checkpointPages is how long the WAL grows before it is written back: 8 MiB.
const checkpointPages = "2048"

func connect(path, options string) (*sql.DB, error) {
	// The path is escaped, so that no folder's name can become an option.
	dsn := "file:" + strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(filepath.ToSlash(path)) +
		"?_pragma=busy_timeout(10000)&_pragma=foreign_keys(1)&_pragma=trusted_schema(0)&_pragma=cell_size_check(1)&" + options
	db, err := open(dsn)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return db, nil
}

// checkOurs looks at an existing file without changing a byte of it: not even
// its journal mode. A crash while the file was made leaves an empty one, which
// is taken over.
func checkOurs(ctx context.Context, path string) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Mode().IsRegular() && info.Size() == 0 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look at %s: %w", path, err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%w: %s is no file", ErrForeign, path)
	}
	if err := checkHeader(path); err != nil {
		return err
	}
	db, err := connect(path, "_pragma=query_only(1)")
	if err != nil {
		return err
	}
	defer db.Close()
	var id, tables int
	if err := db.QueryRowContext(ctx, `PRAGMA application_id`).Scan(&id); err != nil {
		return explain(fmt.Errorf("read %s: %w", path, err))
	}
	if id == ApplicationID {
		return nil
	}
	if err := db.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_master`).Scan(&tables); err != nil {
		return explain(fmt.Errorf("read %s: %w", path, err))
	}
	if id != 0 || tables > 0 {
		return fmt.Errorf("%w: %s has application id %#x", ErrForeign, path, id)
	}
	return nil
}

func checkHeader(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	defer f.Close()
	head := make([]byte, 16)
	if _, err := io.ReadFull(f, head); err != nil || string(head) != "SQLite format 3\x00" {
		return fmt.Errorf("%w: %s", ErrForeign, path)
	}
	return nil
}

func (db *DB) prepare(ctx context.Context, migrations fs.FS) error {
	var id int
	if err := db.write.QueryRowContext(ctx, `PRAGMA application_id`).Scan(&id); err != nil {
		return fmt.Errorf("read the file's mark: %w", err)
	}
	if id != ApplicationID {
		if _, err := db.write.ExecContext(ctx, fmt.Sprintf(`PRAGMA application_id = %d`, ApplicationID)); err != nil {
			return fmt.Errorf("mark the file: %w", err)
		}
	}
	if err := quickCheck(ctx, db.write); err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db.write, migrations, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	at, target, err := p.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read the file's version: %w", err)
	}
	if at > target {
		return fmt.Errorf("%w: version %d, this app knows %d", ErrNewer, at, target)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

func quickCheck(ctx context.Context, db *sql.DB) error {
	var result string
	if err := db.QueryRowContext(ctx, `PRAGMA quick_check(1)`).Scan(&result); err != nil {
		return fmt.Errorf("check: %w", err)
	}
	if result != "ok" {
		return fmt.Errorf("%w: %s", ErrBroken, result)
	}
	return nil
}

// Check reads the whole file and compares tables with their indexes.
func (db *DB) Check(ctx context.Context) error {
	var result string
	if err := db.read.QueryRowContext(ctx, `PRAGMA integrity_check(1)`).Scan(&result); err != nil {
		return explain(fmt.Errorf("check: %w", err))
	}
	if result != "ok" {
		return fmt.Errorf("%w: %s", ErrBroken, result)
	}
	return nil
}

// CopyTo writes a compact copy of the file to a path where there is none yet.
func (db *DB) CopyTo(ctx context.Context, path string) error {
	if _, err := db.write.ExecContext(ctx, `VACUUM INTO $1`, path); err != nil {
		return explain(fmt.Errorf("copy the database file: %w", err))
	}
	return nil
}

// Compact rewrites the file without the bytes of deleted rows, and empties the
// write-ahead log.
func (db *DB) Compact(ctx context.Context) error {
	for _, q := range []string{`VACUUM`, `PRAGMA wal_checkpoint(TRUNCATE)`} {
		if _, err := db.write.ExecContext(ctx, q); err != nil {
			return explain(fmt.Errorf("compact the database file: %w", err))
		}
	}
	return nil
}

// View runs fn on one read snapshot. fn must not keep the transaction.
func (db *DB) View(ctx context.Context, fn func(*sql.Tx) error) error {
	return inTx(ctx, db.read, fn)
}

// Update runs fn as one transaction that waits for its turn, and makes it
// durable. An error of fn, or a panic, undoes all of it.
func (db *DB) Update(ctx context.Context, fn func(*sql.Tx) error) error {
	return inTx(ctx, db.write, fn)
}

func inTx(ctx context.Context, db *sql.DB, fn func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return explain(fmt.Errorf("begin: %w", err))
	}
	defer tx.Rollback() // no effect after a commit
	if err := fn(tx); err != nil {
		return explain(err)
	}
	if err := tx.Commit(); err != nil {
		return explain(fmt.Errorf("commit: %w", err))
	}
	return nil
}

// Close folds the write-ahead log into the file and closes it. Later use gives
// [ErrClosed].
func (db *DB) Close() error {
	return errors.Join(db.read.Close(), db.write.Close())
}

// explain adds the sentinel that a caller can tell the technician about.
func explain(err error) error {
	if errors.Is(err, sql.ErrConnDone) || strings.Contains(err.Error(), "sql: database is closed") {
		return fmt.Errorf("%w: %w", ErrClosed, err)
	}
	var se *sqlite.Error
	if !errors.As(err, &se) {
		return err
	}
	switch se.Code() & 0xff {
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("%w: %w", ErrBroken, err)
	case sqlite3.SQLITE_FULL:
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}
