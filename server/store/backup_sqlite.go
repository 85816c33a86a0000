package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// CopyFile writes a consistent copy of a store's SQLite file as a new file,
// while servers go on writing to it: the copy is what one snapshot shows. It is
// on disk when CopyFile returns. A copy that was cut off is no database; the
// caller removes it.
func CopyFile(ctx context.Context, from, to string) (err error) {
	q := url.Values{}
	for _, p := range []string{"busy_timeout(10000)", "synchronous(FULL)", "cache_size(-8000)", "temp_store(memory)"} {
		q.Add("_pragma", p)
	}
	q.Set("mode", "rw")
	db, err := sql.Open("sqlite", "file:"+strings.ReplaceAll(url.PathEscape(from), "%2F", "/")+"?"+q.Encode())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(ctx, "VACUUM INTO $1", to); err != nil {
		return fmt.Errorf("copy %s: %w", from, explain(err))
	}
	return nil
}

// SettleFile brings everything that belongs to a closed store into its one
// file, so that it can be hashed and moved.
func SettleFile(ctx context.Context, path string) (err error) {
	db, err := sql.Open("sqlite", "file:"+strings.ReplaceAll(url.PathEscape(path), "%2F", "/")+"?mode=rw&_pragma=synchronous(FULL)")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	var mode string
	if err := db.QueryRowContext(ctx, "PRAGMA journal_mode = DELETE").Scan(&mode); err != nil {
		return fmt.Errorf("settle %s: %w", path, err)
	}
	if mode != "delete" {
		return fmt.Errorf("settle %s: it is still open elsewhere", path)
	}
	return nil
}

// Check reads the whole file for damage of the database's own structure, and
// gives the first that SQLite names. PostgreSQL looks after its own files.
func (s *Store) Check(ctx context.Context) error {
	if _, ok := s.engine.(*file); !ok {
		return nil
	}
	return s.View(ctx, func(tx *sql.Tx) error {
		var what string
		if err := tx.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&what); err != nil {
			return fmt.Errorf("integrity check: %w", err)
		}
		if what != "ok" {
			return fmt.Errorf("integrity check: %s", what)
		}
		return nil
	})
}
