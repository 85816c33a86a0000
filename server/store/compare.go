package store

import (
	"context"
	"database/sql"
	"fmt"
	"reflect"
	"strings"

	"github.com/google/uuid"

	"siteledger/server/ledger"
)

// Difference is one row that two stores do not agree on.
type Difference struct {
	Table string `json:"table"`
	Row   string `json:"row"` // its key, in words
	What  string `json:"what"`
}

func (d Difference) String() string { return d.Table + " " + d.Row + ": " + d.What }

// folded are the tables that the fold writes, besides state: everything that a
// rebuild must give again.
var folded = []string{"outcome", "held", "case_file", "loser", "feed", "root", "root_later", "membership", "blob_ref", "blob_present", "event_time", "ledger", "ledger_root", "stream"}

// CopyStreams makes the streams of another store here, with the same office
// logs and nothing in them.
func (s *Store) CopyStreams(ctx context.Context, from *Store) error {
	streams, err := from.Streams(ctx)
	if err != nil {
		return err
	}
	for _, i := range streams {
		var st ledger.Stream
		if err := from.viewSession(ctx, func(tx session) error {
			st, err = (&centreTx{s: from, session: tx, centre: i.ID}).Stream(ctx)
			return err
		}); err != nil {
			return err
		}
		if err := s.CreateStream(ctx, st); err != nil {
			return err
		}
	}
	return nil
}

// Compare reads both stores' folded tables side by side, row by row, and hands
// each difference to report; an error from report ends it. It gives the number
// of rows compared.
func Compare(ctx context.Context, a, b *Store, report func(Difference) error) (int, error) {
	tables := append([]string(nil), folded...)
	for _, t := range a.d.Tables {
		tables = append(tables, "state_"+t.Name)
	}
	rows := 0
	for _, t := range tables {
		n, err := compareTable(ctx, a, b, t, report)
		rows += n
		if err != nil {
			return rows, fmt.Errorf("compare %s: %w", t, err)
		}
	}
	return rows, nil
}

func compareTable(ctx context.Context, a, b *Store, table string, report func(Difference) error) (int, error) {
	names, keys, err := columnsOf(ctx, a, table)
	if err != nil {
		return 0, err
	}
	text := "SELECT " + strings.Join(names, ", ") + " FROM " + table + " ORDER BY " + strings.Join(names[:keys], ", ")
	x, err := openCursor(ctx, a, text, len(names))
	if err != nil {
		return 0, err
	}
	defer x.rows.Close()
	y, err := openCursor(ctx, b, text, len(names))
	if err != nil {
		return 0, err
	}
	defer y.rows.Close()
	n := 0
	for ; x.ok || y.ok; n++ {
		if what := differ(x, y, names, keys); what != "" {
			if err := report(Difference{Table: table, Row: x.key(keys, y), What: what}); err != nil {
				return n, err
			}
			return n, nil // one difference shifts all that follow
		}
		x.next()
		y.next()
	}
	if x.err != nil {
		return n, x.err
	}
	return n, y.err
}

// columnsOf lists a table's columns, those of the key first, the rest by name:
// the same order on both engines.
func columnsOf(ctx context.Context, s *Store, table string) (names []string, keys int, err error) {
	return columnsIn(ctx, s.r, s.columns, table)
}

// asker is a pool or a transaction.
type asker interface {
	QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error)
}

func columnsIn(ctx context.Context, db asker, text, table string) (names []string, keys int, err error) {
	rows, err := db.QueryContext(ctx, text, table)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var pk int
		if err := rows.Scan(&name, &pk); err != nil {
			return nil, 0, err
		}
		names = append(names, `"`+name+`"`)
		if pk > 0 {
			keys++
		}
	}
	return names, keys, rows.Err()
}

// cursor reads one side of a comparison.
type cursor struct {
	rows  *sql.Rows
	cells []any
	dest  []any
	ok    bool
	err   error
}

func openCursor(ctx context.Context, s *Store, text string, n int) (*cursor, error) {
	rows, err := s.r.QueryContext(ctx, text)
	if err != nil {
		return nil, err
	}
	c := &cursor{rows: rows, cells: make([]any, n), dest: make([]any, n)}
	for i := range c.cells {
		c.dest[i] = &c.cells[i]
	}
	c.next()
	return c, nil
}

func (c *cursor) next() {
	c.ok = c.rows.Next()
	if c.ok {
		c.err = c.rows.Scan(c.dest...)
		c.ok = c.err == nil
		return
	}
	c.err = c.rows.Err()
}

func (c *cursor) key(keys int, other *cursor) string {
	if !c.ok {
		c = other
	}
	var parts []string
	for _, v := range c.cells[:keys] {
		parts = append(parts, word(v))
	}
	return strings.Join(parts, "/")
}

func word(v any) string {
	if b, ok := v.([]byte); ok {
		if id, err := uuid.FromBytes(b); err == nil {
			return id.String()
		}
		return fmt.Sprintf("%x", b)
	}
	return fmt.Sprint(v)
}

func differ(x, y *cursor, names []string, keys int) string {
	switch {
	case !y.ok:
		return "is not in the second"
	case !x.ok:
		return "is only in the second"
	case !reflect.DeepEqual(x.cells[:keys], y.cells[:keys]):
		return "stands where the second has " + y.key(keys, y)
	}
	for i := range names {
		if !reflect.DeepEqual(x.cells[i], y.cells[i]) {
			return fmt.Sprintf("%s is %s, in the second %s", names[i], word(x.cells[i]), word(y.cells[i]))
		}
	}
	return ""
}
