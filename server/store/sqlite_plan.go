package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// What SQLite is told about the sizes of things. Without it, it takes the rows
// of a centre for ten, and reads all of them to save the sorting of three.
const (
	assumedRows    = 1_000_000
	assumedCentre  = 20_000 // rows of one centre
	assumedSort    = 2_000  // of one state or kind in it
	assumedPerson  = 500    // of one person in it
	assumedParent  = 10     // of one job, visit or other row
	assumedPartial = 200    // in an index that holds what is open
)

// assume writes SQLite's statistics: the shape that a store has after years,
// not that of this one at this moment. So the plans of all stores are the same,
// and those that the tests look at. It costs a look at the list of indexes at
// each start, and writes only when there are new ones.
func assume(ctx context.Context, db *sql.DB) error {
	var indexes, known int
	if err := db.QueryRowContext(ctx, `SELECT COUNT(*) FROM sqlite_schema WHERE name = 'sqlite_stat1'`).Scan(&known); err != nil {
		return err
	}
	if known == 0 {
		if _, err := db.ExecContext(ctx, "ANALYZE sqlite_schema"); err != nil { // makes the table
			return err
		}
	}
	stats, err := assumptions(ctx, db)
	if err != nil {
		return err
	}
	if indexes = len(stats); indexes == 0 {
		return nil
	}
	if err := db.QueryRowContext(ctx, "SELECT COUNT(*) FROM sqlite_stat1").Scan(&known); err != nil || known == indexes {
		return err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after the commit it does nothing
	if _, err := tx.ExecContext(ctx, "DELETE FROM sqlite_stat1"); err != nil {
		return err
	}
	for _, s := range stats {
		if _, err := tx.ExecContext(ctx, "INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ($1, $2, $3)", s.table, s.index, s.stat); err != nil {
			return err
		}
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, "ANALYZE sqlite_schema") // read them again
	return err
}

// assumption is one row of sqlite_stat1.
type assumption struct{ table, index, stat string }

// assumptions gives one for each index of a table whose rows belong to centres.
func assumptions(ctx context.Context, db *sql.DB) ([]assumption, error) {
	rows, err := db.QueryContext(ctx, `
		SELECT m.name, l.name, l.origin = 'pk' AND m.sql LIKE '%WITHOUT ROWID%', l."unique", l.partial,
			(SELECT group_concat(c.name) FROM (SELECT COALESCE(i.name, '') AS name FROM pragma_index_info(l.name) i ORDER BY i.seqno) c)
		FROM sqlite_schema m
		JOIN pragma_index_list(m.name) l
		WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' AND m.name NOT LIKE 'goose%'
		ORDER BY m.name, l.name`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []assumption
	for rows.Next() {
		var a assumption
		var whole, unique, partial bool
		var columns string
		if err := rows.Scan(&a.table, &a.index, &whole, &unique, &partial, &columns); err != nil {
			return nil, err
		}
		if whole {
			a.index = a.table // the table itself, in the order of its key
		}
		a.stat = assumed(strings.Split(columns, ","), unique, partial)
		out = append(out, a)
	}
	return out, rows.Err()
}

// assumed says how many rows an index has, and how many of them are alike in
// its first column, its first two, and so on.
func assumed(columns []string, unique, partial bool) string {
	all := assumedRows
	if partial {
		all = assumedPartial
	}
	var b strings.Builder
	fmt.Fprint(&b, all)
	alike := all
	for i, c := range columns {
		of := assumedParent
		switch c {
		case "centre":
			of = assumedCentre
		case "status", "state", "kind", "code", "tbl", "active":
			of = assumedSort
		case "person":
			of = assumedPerson
		}
		alike = max(1, min(alike/2, of))
		if unique && i == len(columns)-1 {
			alike = 1
		}
		fmt.Fprintf(&b, " %d", alike)
	}
	return b.String()
}
