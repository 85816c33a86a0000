package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the engine of both sides
)

// put is one table: its words, the statement that puts a row, and the rows.
type put struct {
	ddl, text string
	names     []string
	rows      [][]any
}

// puts are what the server put for some changes, read from its database
// before a clock starts: per batch a row of the ledger, per changed row its
// state and its index entry. The tables are made by the server's own words,
// without its further indexes.
type puts struct {
	ddl    []string
	ledger put
	rows   []statePut // in the order of their revs
}

// statePut is a changed row: how it is put into its table and into the index.
type statePut struct {
	text, entryText string
	cells, entry    []any
}

// bare does the puts in an empty database, one transaction for each batch, and
// gives seconds.
func (p *puts) bare(ctx context.Context, path, synchronous string) (seconds float64, err error) {
	db, err := sql.Open("sqlite", bareDSN(path, synchronous))
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	conn, err := db.Conn(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	for _, text := range p.ddl {
		if _, err := conn.ExecContext(ctx, text); err != nil {
			return 0, err
		}
	}
	stmts := map[string]*sql.Stmt{}
	for _, text := range p.texts() {
		if stmts[text], err = conn.PrepareContext(ctx, text); err != nil {
			return 0, err
		}
	}
	start := time.Now()
	for n := range p.ledger.rows {
		if err := p.batch(ctx, conn, stmts, n); err != nil {
			return 0, err
		}
	}
	return time.Since(start).Seconds(), nil
}

func (p *puts) texts() []string {
	seen := map[string]bool{p.ledger.text: true}
	for _, r := range p.rows {
		seen[r.text], seen[r.entryText] = true, true
	}
	return slices.Collect(maps.Keys(seen))
}

// share are the rows that go with the n-th batch.
func (p *puts) share(n int) []statePut {
	each := (len(p.rows) + len(p.ledger.rows) - 1) / len(p.ledger.rows)
	return p.rows[min(n*each, len(p.rows)):min((n+1)*each, len(p.rows))]
}

// batch is one bare transaction.
func (p *puts) batch(ctx context.Context, conn *sql.Conn, stmts map[string]*sql.Stmt, n int) error {
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	if _, err := stmts[p.ledger.text].ExecContext(ctx, p.ledger.rows[n]...); err != nil {
		return err
	}
	for _, r := range p.share(n) {
		if _, err := stmts[r.text].ExecContext(ctx, r.cells...); err != nil {
			return err
		}
		if _, err := stmts[r.entryText].ExecContext(ctx, r.entry...); err != nil {
			return err
		}
	}
	_, err := conn.ExecContext(ctx, "COMMIT")
	return err
}

// bareDSN opens a database with the server's cache, and its durability where
// synchronous is FULL.
func bareDSN(path, synchronous string) string {
	q := url.Values{}
	for _, p := range []string{"journal_mode(WAL)", "synchronous(" + synchronous + ")", "cache_size(-32000)", "temp_store(memory)", "wal_autocheckpoint(4096)"} {
		q.Add("_pragma", p)
	}
	return "file:" + path + "?" + q.Encode()
}

// readOnly opens a database to look at what is in it.
func readOnly(path string) (*sql.DB, error) {
	return sql.Open("sqlite", "file:"+path+"?_pragma=query_only(1)&_pragma=busy_timeout(10000)")
}

// lastRev is the highest rev of a server's database.
func lastRev(ctx context.Context, path string) (rev int64, err error) {
	db, err := readOnly(path)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return rev, db.QueryRowContext(ctx, "SELECT max(rev) FROM stream").Scan(&rev)
}

// readPuts reads what the server has put above a rev.
func readPuts(ctx context.Context, path string, above int64) (out *puts, err error) {
	db, err := readOnly(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	out = &puts{}
	if out.ledger.ddl, err = ddlOf(ctx, db, "ledger"); err != nil {
		return nil, err
	}
	if err := out.ledger.read(ctx, db, "ledger", "SELECT * FROM ledger WHERE device NOT IN (SELECT office_device FROM stream) ORDER BY centre, pos"); err != nil {
		return nil, err
	}
	var entries put
	if entries.ddl, err = ddlOf(ctx, db, "feed"); err != nil {
		return nil, err
	}
	if err := entries.read(ctx, db, "feed", "SELECT * FROM feed WHERE rev > $1 ORDER BY centre, rev", above); err != nil {
		return nil, err
	}
	out.ddl = []string{out.ledger.ddl, entries.ddl}
	if err := out.states(ctx, db, entries); err != nil {
		return nil, err
	}
	if len(out.ledger.rows) == 0 || len(out.rows) == 0 {
		return nil, fmt.Errorf("the server stored %d batches and %d rows", len(out.ledger.rows), len(out.rows))
	}
	return out, nil
}

// states reads the row of each index entry.
func (p *puts) states(ctx context.Context, db *sql.DB, entries put) error {
	at := slices.Index(entries.names, "tbl")
	id := slices.Index(entries.names, "row")
	if at < 0 || id < 0 {
		return fmt.Errorf("the index has columns %v", entries.names)
	}
	tables := map[string]put{}
	byID := map[string]map[string][]any{}
	for _, e := range entries.rows {
		table := "state_" + fmt.Sprint(e[at])
		if _, ok := tables[table]; !ok {
			var t put
			var err error
			if t.ddl, err = ddlOf(ctx, db, table); err != nil {
				return err
			}
			if err := t.read(ctx, db, table, "SELECT * FROM "+table); err != nil {
				return err
			}
			key := slices.Index(t.names, "id")
			byID[table] = map[string][]any{}
			for _, cells := range t.rows {
				byID[table][string(cells[key].([]byte))] = cells
			}
			tables[table], p.ddl = t, append(p.ddl, t.ddl)
		}
		cells := byID[table][string(e[id].([]byte))]
		if cells == nil {
			return fmt.Errorf("the index names a row that %s has not", table)
		}
		p.rows = append(p.rows, statePut{text: tables[table].text, entryText: entries.text, cells: cells, entry: e})
	}
	return nil
}

func ddlOf(ctx context.Context, db *sql.DB, table string) (ddl string, err error) {
	if err := db.QueryRowContext(ctx, "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = $1", table).Scan(&ddl); err != nil {
		return "", fmt.Errorf("table %s: %w", table, err)
	}
	return ddl, nil
}

// read takes the rows of a query over one whole table.
func (p *put) read(ctx context.Context, db *sql.DB, table, query string, args ...any) error {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return err
	}
	for rows.Next() {
		cells := make([]any, len(names))
		into := make([]any, len(names))
		for i := range cells {
			into[i] = &cells[i]
		}
		if err := rows.Scan(into...); err != nil {
			return err
		}
		p.rows = append(p.rows, cells)
	}
	p.names = names
	marks := strings.TrimSuffix(strings.Repeat("?, ", len(names)), ", ")
	p.text = "INSERT INTO " + table + ` ("` + strings.Join(names, `", "`) + `") VALUES (` + marks + ")"
	return rows.Err()
}
