// Package store keeps everything of a server in SQL: streams, logs, ledger,
// state, feed, and what the screens and sign-in need. One file per noun; each
// satisfies interfaces declared by the package that uses it, so that nobody
// but the composition root imports the store.
//
// It stands on an [engine]: a SQLite file, or PostgreSQL. A statement's text
// serves both where it can; where it cannot, both texts stand side by side.
// What a transaction of [Store.Update] or [Store.UpdateCentre] committed is on
// disk when it returns (promise P1): SQLite runs in WAL mode with
// synchronous=FULL, PostgreSQL as its operator set synchronous_commit. Neither
// must ever be weaker for real data.
package store

import (
	"context"
	"database/sql"
	"fmt"
	"sync"

	"github.com/google/uuid"

	"siteledger/syncproto/schema"
)

// Config says where the store is: a SQLite file, or a PostgreSQL database.
type Config struct {
	Path string // the SQLite file, where URL is empty
	// URL is a PostgreSQL database as postgres://user@host/name?setting=value,
	// or as key=value words. Password is added to it where it is not empty.
	URL, Password string
	// Name is what the database shows of the connections; empty is a server's.
	Name string
	// Synchronous is FULL unless a durability test wants the control that must
	// lose. PostgreSQL has a setting of its own for it.
	Synchronous string
	// Driver is the name under which SQLite is registered; empty is the usual
	// one. A test gives one that watches the statements.
	Driver string
	// Schema is the version whose tables are read and written; nil is the
	// newest. The file's own tables are always those of this build.
	Schema *schema.Descriptor
}

// Store is an open store. It is safe for concurrent use: readers are on
// snapshots of their own; writers of one centre follow each other.
type Store struct {
	engine
	dialect
	r *sql.DB // plain reads, each on a snapshot of its own
	d *schema.Descriptor

	mu    sync.Mutex
	reads map[string]*sql.Stmt // prepared on the reader pool, by text

	tables   map[string]*tableSQL
	feedMany string // feedInsert of insertAtOnce rows
}

// engine runs transactions.
type engine interface {
	// view runs fn on one snapshot.
	view(ctx context.Context, fn func(*sql.Tx) error) error
	viewSession(ctx context.Context, fn func(session) error) error
	// update runs fn in a durable transaction, as if it were alone.
	update(ctx context.Context, fn func(*sql.Tx) error) error
	// updateCentre runs fn in a durable transaction in which nobody else writes
	// to the centre.
	updateCentre(ctx context.Context, centre uuid.UUID, fn func(session) error) error
	// updateStreams runs fn in a durable transaction in which nobody else
	// writes to any stream.
	updateStreams(ctx context.Context, fn func(session) error) error
	load() Load
	// damaged is the damage that was found since the opening; nil for none.
	damaged() error
	close() error
}

// session runs statements in one transaction, prepared once. What exec writes
// may be sent later, at the latest with the next query or the commit, so that
// its error may come there.
type session interface {
	exec(ctx context.Context, text string, args ...any) error
	query(ctx context.Context, text string, args ...any) (rows, error)
	queryMany(ctx context.Context, text string, args ...any) (rows, error)
	queryRow(ctx context.Context, text string, args ...any) (scanner, error)
}

// rows is a result under way; the transaction is used for nothing else until
// it is closed.
type rows interface {
	scanner
	Next() bool
	Err() error
	Close() error
}

// Open opens the store and brings its tables up to date. A file or database
// of another program is refused.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	d := cfg.Schema
	if d == nil {
		d = schema.MustCurrent()
	}
	s := &Store{d: d, reads: map[string]*sql.Stmt{}, tables: tableTexts(d), feedMany: feedInsert + tuples(insertAtOnce, 6)}
	if cfg.URL != "" {
		p, err := openPostgres(ctx, cfg)
		if err != nil {
			return nil, fmt.Errorf("open the PostgreSQL database: %w", err)
		}
		s.engine, s.dialect, s.r = p, postgresDialect(), p.db
		return s, nil
	}
	f, err := openFile(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", cfg.Path, err)
	}
	s.engine, s.dialect, s.r = f, sqliteDialect(), f.r
	return s, nil
}

// Servers counts the connections of servers to the same database, while this
// store has another name than they have. On SQLite nobody can tell: 0.
func (s *Store) Servers(ctx context.Context) (int, error) {
	if p, ok := s.engine.(*cluster); ok {
		return p.servers(ctx)
	}
	return 0, nil
}

// Close closes the store. Transactions under way end first.
func (s *Store) Close() error { return s.close() }

// Load says how busy the writers are.
func (s *Store) Load() Load { return s.load() }

// View runs fn on one snapshot. fn must not write.
func (s *Store) View(ctx context.Context, fn func(*sql.Tx) error) error { return s.view(ctx, fn) }

// Update runs fn in a transaction: durable when Update returns nil, rolled
// back where fn or the commit fails. Several functions may share one commit;
// each is rolled back alone. fn must use the transaction it is given and
// nothing else of the store, must not end it, and may be run again after its
// work was rolled back, so that it must set what it hands out anew.
func (s *Store) Update(ctx context.Context, fn func(*sql.Tx) error) error {
	return s.update(ctx, fn)
}

// Ping says whether the store can be written, for the readiness check.
func (s *Store) Ping(ctx context.Context) error {
	return s.Update(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE stream SET pos = pos WHERE 1 = 0")
		return err
	})
}

// statement is a text to be read with, prepared where the driver does not do
// so itself.
type statement struct {
	db   *sql.DB
	text string
	st   *sql.Stmt // nil: the connection remembers the text
	note func(error) error
}

// QueryContext reads rows.
func (s statement) QueryContext(ctx context.Context, args ...any) (*sql.Rows, error) {
	if s.st != nil {
		rows, err := s.st.QueryContext(ctx, args...)
		return rows, s.note(err)
	}
	return s.db.QueryContext(ctx, s.text, args...)
}

// QueryRowContext reads one row.
func (s statement) QueryRowContext(ctx context.Context, args ...any) *sql.Row {
	if s.st != nil {
		row := s.st.QueryRowContext(ctx, args...)
		_ = s.note(row.Err())
		return row
	}
	return s.db.QueryRowContext(ctx, s.text, args...)
}

// read prepares a text once on the reader pool.
func (s *Store) read(ctx context.Context, text string) (statement, error) {
	if s.arrays {
		return statement{db: s.r, text: text}, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if st := s.reads[text]; st != nil {
		return statement{st: st, note: s.noted}, nil
	}
	st, err := s.r.PrepareContext(context.WithoutCancel(ctx), text)
	if err != nil {
		return statement{}, fmt.Errorf("prepare %q: %w", text, err)
	}
	s.reads[text] = st
	return statement{st: st, note: s.noted}, nil
}
