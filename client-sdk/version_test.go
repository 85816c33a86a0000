package clientsdk_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/uuid"

	clientsdk "siteledger/client-sdk"
	"siteledger/client-sdk/localdb"
	"siteledger/migrations/client"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

// ofVersion1 makes a phone what an app of schema version 1 is.
func ofVersion1(t testing.TB) func(*clientsdk.Config) {
	d, err := schema.Version(1)
	if err != nil {
		t.Fatal(err)
	}
	return func(cfg *clientsdk.Config) { cfg.Schema = d }
}

// asVersion1Left rewrites a closed phone's file as an app of version 1 left it:
// its two migrations, its tables and columns, the same rows.
func asVersion1Left(t testing.TB, dir string) {
	t.Helper()
	old := fstest.MapFS{}
	for _, name := range []string{"00001_core.sql", "00002_app.sql"} {
		b, err := fs.ReadFile(client.Files, name)
		if err != nil {
			t.Fatal(err)
		}
		old[name] = &fstest.MapFile{Data: b}
	}
	from, to := filepath.Join(dir, "phone.db"), filepath.Join(t.TempDir(), "v1.db")
	db, err := localdb.Open(t.Context(), to, old)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	raw, err := sql.Open("sqlite", "file:"+to)
	if err != nil {
		t.Fatal(err)
	}
	raw.SetMaxOpenConns(1)
	copyAll(t, raw, from)
	if err := raw.Close(); err != nil {
		t.Fatal(err)
	}
	if err := replaceFile(to, from); err != nil {
		t.Fatal(err)
	}
}

// copyAll takes the rows of another file into the tables that are here.
func copyAll(t testing.TB, raw *sql.DB, from string) {
	t.Helper()
	do := func(text string, args ...any) {
		if _, err := raw.Exec(text, args...); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	list := func(text string, args ...any) (out []string) {
		rows, err := raw.Query(text, args...)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var s string
			if err := rows.Scan(&s); err != nil {
				t.Fatal(err)
			}
			out = append(out, s)
		}
		return out
	}
	do("ATTACH $1 AS old", from)
	for _, table := range list("SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'goose_%'") {
		var cols []string
		for _, c := range list("SELECT name FROM pragma_table_info($1, 'main')", table) {
			cols = append(cols, `"`+c+`"`)
		}
		names := strings.Join(cols, ", ")
		do("DELETE FROM main." + table)
		do("INSERT INTO main." + table + " (" + names + ") SELECT " + names + " FROM old." + table)
	}
	do("DETACH old")
}

// outbox gives the bytes of the changes that are not acknowledged.
func outboxOf(t testing.TB, dir string) (out [][]byte) {
	t.Helper()
	raw, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "phone.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	rows, err := raw.Query("SELECT bytes FROM change WHERE state = 'pending' ORDER BY seq")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var b []byte
		if err := rows.Scan(&b); err != nil {
			t.Fatal(err)
		}
		out = append(out, b)
	}
	return out
}

// pulls lists the queries of the pulls from now on.
func (d *desk) pulls() func() []string {
	var seen []string
	d.s.set(func() {
		d.s.hook = func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == syncproto.PathPull {
				seen = append(seen, r.URL.RawQuery)
			}
			return nil, nil
		}
	})
	return func() (out []string) {
		d.s.set(func() { out, seen = seen, nil })
		return out
	}
}

// TestUpgradeInPlace: a phone of version 1 with unsent work gets the app of
// version 2. What it recorded goes out byte for byte as version 1's; it asks
// for all rows once, since those it has lack the new columns (promise P9).
func TestUpgradeInPlace(t *testing.T) {
	d := newDesk(t)
	old, dir, job := d.enrolled(ofVersion1(t))
	photo := newID(t)
	d.s.office("photo", photo, job, map[string]any{"job": job[:], "role": "before", "original": make([]byte, 32), "original_size": int64(1), "original_type": "image/jpeg",
		"taken_at": int64(1), "sharpness": int64(77)})
	d.sync(old)
	d.note(old, job, "unsent1")
	d.note(old, job, "unsent2")
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	asVersion1Left(t, dir)
	before := outboxOf(t, dir)
	if len(before) != 2 {
		t.Fatalf("%d unsent changes", len(before))
	}

	now := d.phone(dir)
	if got := d.texts(now); !strings.Contains(got, "unsent1") || !strings.Contains(got, "unsent2") {
		t.Fatalf("after the upgrade the phone shows %q", got)
	}
	if after := outboxOf(t, dir); len(after) != 2 || !bytes.Equal(after[0], before[0]) || !bytes.Equal(after[1], before[1]) {
		t.Fatal("unsent changes are not what they were")
	}
	seen := d.pulls()
	d.sync(now)
	if q := seen(); len(q) == 0 || strings.Contains(q[0], "cursor") || !strings.Contains(q[0], fmt.Sprintf("schema=%d", schema.MustCurrent().Version)) {
		t.Errorf("the first pull asked %v", q)
	}
	if got := d.serverNotes(); got != "unsent1 unsent2" {
		t.Errorf("the server has %q", got)
	}
	codec, err := changelog.NewCodec()
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range before {
		if ch, err := codec.Decode(b); err != nil || ch.Schema != 1 {
			t.Errorf("schema %v, %v", ch, err)
		}
	}
	if got := d.cell(now, "photo", photo, "sharpness"); got != int64(77) {
		t.Errorf("sharpness of a photo that was here before: %v", got)
	}

	// The next start goes on with its cursor.
	if err := now.Close(); err != nil {
		t.Fatal(err)
	}
	now = d.phone(dir)
	d.sync(now)
	if q := seen(); len(q) == 0 || !strings.Contains(q[0], "cursor") {
		t.Errorf("a later start asked %v", q)
	}
	d.note(now, job, "new")
	if b := outboxOf(t, dir); len(b) != 1 {
		t.Errorf("%d unsent changes", len(b))
	} else if ch, err := codec.Decode(b[0]); err != nil || ch.Schema != uint64(schema.MustCurrent().Version) {
		t.Errorf("a new change has %v, %v", ch, err)
	}
}

// TestPhoneOfVersion1 records with what it knows, and nothing else.
func TestPhoneOfVersion1(t *testing.T) {
	d := newDesk(t)
	seen := d.pulls()
	c, _, job := d.enrolled(ofVersion1(t))
	for _, q := range seen() {
		if !strings.Contains(q, "schema=1") {
			t.Errorf("it asked %q", q)
		}
	}
	err := c.Edit(t.Context(), func(e *clientsdk.Edit) error {
		_, err := e.Insert("photo", map[string]any{"job": job, "role": "before", "sharpness": int64(5)})
		return err
	})
	if err == nil {
		t.Error("it recorded a column of version 2")
	}
	d.note(c, job, "old")
	d.sync(c)
	if got := d.serverNotes(); got != "old" {
		t.Errorf("the server has %q", got)
	}
}

// cell reads one value that the phone shows.
func (d *desk) cell(c *clientsdk.Client, table string, id uuid.UUID, column string) (out any) {
	d.t.Helper()
	err := c.View(context.Background(), func(v *clientsdk.View) error {
		row, _, err := v.Row(table, id)
		out = row.Cols[column]
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return out
}

// replaceFile puts a file in the place of a database and takes away what
// belonged to that.
func replaceFile(from, to string) error {
	for _, end := range []string{"-wal", "-shm"} {
		if err := os.Remove(to + end); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return os.Rename(from, to)
}
