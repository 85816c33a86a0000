package localdb_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"siteledger/client-sdk/localdb"
	"siteledger/migrations/client"
)

func open(t *testing.T, path string) *localdb.DB {
	t.Helper()
	db, err := localdb.Open(t.Context(), path, client.Files)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func pragma(t *testing.T, db *localdb.DB, name string) string {
	t.Helper()
	var v string
	if err := db.Update(t.Context(), func(tx *sql.Tx) error { return tx.QueryRowContext(t.Context(), "PRAGMA "+name).Scan(&v) }); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestDurableSettings(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b?%#", "phone.db")
	db := open(t, path)
	for name, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "10000", "trusted_schema": "0"} {
		if got := pragma(t, db, name); got != want {
			t.Errorf("%s = %s, want %s", name, got, want)
		}
	}
	for _, name := range []string{path, path + "-wal"} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: want a file of mode 0600 where it was asked for: %v %v", name, info, err)
		}
	}
	if err := db.View(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.ExecContext(t.Context(), `UPDATE clock SET hlc = 1`)
		return err
	}); err == nil {
		t.Error("a view could write")
	}
	if err := db.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := db.View(t.Context(), func(*sql.Tx) error { return nil }); !errors.Is(err, localdb.ErrClosed) {
		t.Errorf("view after close: %v", err)
	}
	if err := db.Update(t.Context(), func(*sql.Tx) error { return nil }); !errors.Is(err, localdb.ErrClosed) {
		t.Errorf("update after close: %v", err)
	}
	if err := open(t, path).Close(); err != nil { // a second open migrates nothing
		t.Fatal(err)
	}
}

func TestForeignAndBrokenFilesAreLeftAlone(t *testing.T) {
	foreign := func(t *testing.T, path string) {
		db, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := db.Exec(`CREATE TABLE theirs (x)`); err != nil {
			t.Fatal(err)
		}
	}
	text := func(t *testing.T, path string) {
		if err := os.WriteFile(path, []byte("a shopping list, long enough to be mistaken"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	folder := func(t *testing.T, path string) {
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	broken := func(t *testing.T, path string) {
		if err := open(t, path).Close(); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i := 4096; i < len(b); i++ {
			b[i] ^= 0x5a
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, tc := range map[string]struct {
		make func(*testing.T, string)
		want error
	}{
		"another app's": {foreign, localdb.ErrForeign},
		"text":          {text, localdb.ErrForeign},
		"a folder":      {folder, localdb.ErrForeign},
		"broken":        {broken, localdb.ErrBroken},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "phone.db")
			tc.make(t, path)
			before, _ := os.ReadFile(path)
			_, err := localdb.Open(t.Context(), path, client.Files)
			if !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
			if after, _ := os.ReadFile(path); string(after) != string(before) {
				t.Error("the file was changed")
			}
		})
	}
}

func TestNewerFileIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "phone.db")
	if err := open(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	old := fstest.MapFS{"00001_core.sql": {Data: []byte("-- +goose Up\nCREATE TABLE x (y);\n")}}
	if _, err := localdb.Open(t.Context(), path, old); !errors.Is(err, localdb.ErrNewer) {
		t.Errorf("got %v", err)
	}
}

func TestUpdateIsWholeOrNothing(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "phone.db"))
	defer db.Close()
	boom := errors.New("boom")
	write := func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE clock SET hlc = hlc + 1`)
		return err
	}
	err := db.Update(t.Context(), func(tx *sql.Tx) error { return errors.Join(write(t.Context(), tx), boom) })
	if !errors.Is(err, boom) {
		t.Fatal(err)
	}
	func() {
		defer func() { _ = recover() }()
		_ = db.Update(t.Context(), func(tx *sql.Tx) error {
			_ = write(t.Context(), tx)
			panic("boom")
		})
	}()
	var n int
	if err := db.Update(t.Context(), func(tx *sql.Tx) error {
		return tx.QueryRowContext(t.Context(), `SELECT hlc FROM clock`).Scan(&n)
	}); err != nil || n != 0 {
		t.Errorf("hlc %d, %v", n, err)
	}
}
