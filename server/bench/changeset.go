package main

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"

	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

// session is SQLite's session extension on a database in memory. It is reached
// through the engine's own functions: the driver has no words for it.
type session struct {
	tls *libc.TLS
	db  uintptr
	s   uintptr
}

// changeset does the log's edits in a database of the schema's columns alone
// and gives what SQLite's session extension recorded of them.
func (l *phoneLog) changeset() (set []byte, err error) {
	codec, err := changelog.NewCodec()
	if err != nil {
		return nil, err
	}
	var edits []*changelog.Change
	for _, raw := range l.bytes {
		ch, err := codec.Decode(raw)
		if err != nil {
			return nil, err
		}
		edits = append(edits, ch)
	}
	s := &session{tls: libc.NewTLS()}
	defer s.close()
	if err := s.open(); err != nil {
		return nil, err
	}
	if err := s.exec(tablesOf(edits)); err != nil {
		return nil, err
	}
	if err := s.exec(rowsBefore(edits)); err != nil {
		return nil, err
	}
	if err := s.watch(); err != nil {
		return nil, err
	}
	for _, ch := range edits {
		if err := s.exec(editText(ch)); err != nil {
			return nil, err
		}
	}
	return s.changeset()
}

// tablesOf makes the tables that edits touch, with the schema's columns.
func tablesOf(edits []*changelog.Change) string {
	d := schema.MustCurrent()
	seen := map[string]bool{}
	var b strings.Builder
	for _, ch := range edits {
		if seen[ch.Table] {
			continue
		}
		seen[ch.Table] = true
		fmt.Fprintf(&b, "CREATE TABLE %s (id BLOB PRIMARY KEY", ch.Table)
		for _, c := range d.Table(ch.Table).Columns {
			fmt.Fprintf(&b, ", %q", c.Name)
		}
		b.WriteString(") WITHOUT ROWID;\n")
	}
	return b.String()
}

// rowsBefore makes the rows that were there before the first edit.
func rowsBefore(edits []*changelog.Change) string {
	mine := map[string]bool{}
	var b strings.Builder
	for _, ch := range edits {
		if !mine[ch.Row.String()] && ch.Op == changelog.Update {
			fmt.Fprintf(&b, "INSERT INTO %s (id) VALUES (%s);\n", ch.Table, literal(ch.Row[:]))
			for _, n := range slices.Sorted(maps.Keys(ch.Was)) {
				fmt.Fprintf(&b, "UPDATE %s SET %q = %s WHERE id = %s;\n", ch.Table, n, literal(ch.Was[n]), literal(ch.Row[:]))
			}
		}
		mine[ch.Row.String()] = true
	}
	return b.String()
}

// editText is a change as SQL.
func editText(ch *changelog.Change) string {
	names := slices.Sorted(maps.Keys(ch.Cols))
	var b strings.Builder
	if ch.Op == changelog.Update {
		fmt.Fprintf(&b, "UPDATE %s SET ", ch.Table)
		for i, n := range names {
			if i > 0 {
				b.WriteString(", ")
			}
			fmt.Fprintf(&b, "%q = %s", n, literal(ch.Cols[n]))
		}
		fmt.Fprintf(&b, " WHERE id = %s", literal(ch.Row[:]))
		return b.String()
	}
	fmt.Fprintf(&b, "INSERT INTO %s (id", ch.Table)
	for _, n := range names {
		fmt.Fprintf(&b, ", %q", n)
	}
	fmt.Fprintf(&b, ") VALUES (%s", literal(ch.Row[:]))
	for _, n := range names {
		fmt.Fprintf(&b, ", %s", literal(ch.Cols[n]))
	}
	b.WriteString(")")
	return b.String()
}

// literal writes a value as SQL. The values are this program's own.
func literal(v any) string {
	switch x := cell(v).(type) {
	case nil:
		return "NULL"
	case []byte:
		return "x'" + hex.EncodeToString(x) + "'"
	case string:
		return "'" + strings.ReplaceAll(x, "'", "''") + "'"
	default:
		return fmt.Sprint(x)
	}
}

var errSession = errors.New("SQLite's session extension refused")

func (s *session) check(rc int32, doing string) error {
	if rc == sqlite3.SQLITE_OK {
		return nil
	}
	text := ""
	if s.db != 0 {
		text = libc.GoString(sqlite3.Xsqlite3_errmsg(s.tls, s.db))
	}
	return fmt.Errorf("%w: %s: code %d %s", errSession, doing, rc, text)
}

// word gives fn a C string that lives as long as the call.
func word(text string, fn func(p uintptr) int32) (int32, error) {
	p, err := libc.CString(text)
	if err != nil {
		return 0, err
	}
	defer libc.Xfree(nil, p)
	return fn(p), nil
}

// out gives fn a place for 8 bytes and reads what it put there.
func (s *session) out(fn func(p uintptr) int32) (uintptr, int32) {
	p := s.tls.Alloc(8)
	defer s.tls.Free(8)
	libc.Xmemset(s.tls, p, 0, 8)
	rc := fn(p)
	return uintptr(binary.NativeEndian.Uint64(libc.GoBytes(p, 8))), rc
}

func (s *session) open() error {
	var code int32
	rc, err := word(":memory:", func(name uintptr) int32 {
		s.db, code = s.out(func(p uintptr) int32 {
			return sqlite3.Xsqlite3_open_v2(s.tls, name, p, sqlite3.SQLITE_OPEN_READWRITE|sqlite3.SQLITE_OPEN_CREATE, 0)
		})
		return code
	})
	return errors.Join(err, s.check(rc, "open"))
}

func (s *session) exec(text string) error {
	rc, err := word(text, func(p uintptr) int32 { return sqlite3.Xsqlite3_exec(s.tls, s.db, p, 0, 0, 0) })
	return errors.Join(err, s.check(rc, "exec"))
}

// watch begins to record every table.
func (s *session) watch() error {
	var code int32
	rc, err := word("main", func(name uintptr) int32 {
		s.s, code = s.out(func(p uintptr) int32 { return sqlite3.Xsqlite3session_create(s.tls, s.db, name, p) })
		return code
	})
	if err := errors.Join(err, s.check(rc, "create")); err != nil {
		return err
	}
	return s.check(sqlite3.Xsqlite3session_attach(s.tls, s.s, 0), "attach")
}

// changeset gives what was recorded.
func (s *session) changeset() ([]byte, error) {
	var rc int32
	var at uintptr
	size, _ := s.out(func(n uintptr) int32 {
		at, rc = s.out(func(p uintptr) int32 { return sqlite3.Xsqlite3session_changeset(s.tls, s.s, n, p) })
		return rc
	})
	if err := s.check(rc, "changeset"); err != nil {
		return nil, err
	}
	defer sqlite3.Xsqlite3_free(s.tls, at)
	if size == 0 {
		return nil, fmt.Errorf("%w: it recorded nothing", errSession)
	}
	return slices.Clone(libc.GoBytes(at, int(size))), nil
}

func (s *session) close() {
	if s.s != 0 {
		sqlite3.Xsqlite3session_delete(s.tls, s.s)
	}
	if s.db != 0 {
		sqlite3.Xsqlite3_close_v2(s.tls, s.db)
	}
	s.tls.Close()
}
