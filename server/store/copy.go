package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"siteledger/server/fault"
)

// copyAtOnce is how many rows one statement of a copy writes.
const copyAtOnce = 50

// Copy writes one snapshot of the tables of one store into another, which may
// stand on the other engine: the given tables, or all. What the other store
// had in them is gone. It is one transaction there: all or nothing.
func Copy(ctx context.Context, from, to *Store, tables []string) error {
	return from.View(ctx, func(src *sql.Tx) error {
		all, err := from.tableNames(ctx, src)
		if err != nil {
			return err
		}
		if tables == nil {
			tables = all
		}
		return to.Update(ctx, func(dst *sql.Tx) error {
			for _, t := range tables {
				if !slices.Contains(all, t) {
					return fmt.Errorf("copy: there is no table %s", t)
				}
				if err := copyTable(ctx, from, src, dst, t); err != nil {
					return fmt.Errorf("copy %s: %w", t, err)
				}
			}
			return to.renumber(ctx, dst, tables)
		})
	})
}

// renumber makes PostgreSQL go on behind the numbers that were copied.
func (s *Store) renumber(ctx context.Context, tx *sql.Tx, tables []string) error {
	for _, t := range []string{"auth_event", "quarantine"} {
		if !s.arrays || !slices.Contains(tables, t) {
			continue
		}
		_, err := tx.ExecContext(ctx, "SELECT setval(pg_get_serial_sequence($1, 'id'), coalesce(max(id), 0) + 1, false) FROM "+t, t)
		if err != nil {
			return err
		}
	}
	return nil
}

// tableNames lists the tables of the store but for the migrations' own.
func (s *Store) tableNames(ctx context.Context, tx *sql.Tx) ([]string, error) {
	return texts(ctx, tx, s.listTables)
}

func copyTable(ctx context.Context, from *Store, src, dst *sql.Tx, table string) error {
	names, _, err := columnsIn(ctx, src, from.columns, table)
	if err != nil {
		return err
	}
	if _, err := dst.ExecContext(ctx, "DELETE FROM "+table); err != nil {
		return err
	}
	list := strings.Join(names, ", ")
	rows, err := src.QueryContext(ctx, "SELECT "+list+" FROM "+table)
	if err != nil {
		return err
	}
	defer rows.Close()
	into := "INSERT INTO " + table + " (" + list + ") VALUES "
	full := into + tuples(copyAtOnce, len(names))
	args := make([]any, 0, copyAtOnce*len(names))
	for rows.Next() {
		cells, dest := make([]any, len(names)), make([]any, len(names))
		for i := range cells {
			dest[i] = &cells[i]
		}
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		if args = append(args, cells...); len(args) == cap(args) {
			if _, err := dst.ExecContext(ctx, full, args...); err != nil {
				return err
			}
			args = args[:0]
		}
	}
	if err := rows.Err(); err != nil || len(args) == 0 {
		return err
	}
	_, err = dst.ExecContext(ctx, into+tuples(len(args)/len(names), len(names)), args...)
	return err
}

// Adopt prepares a store to take over the installation of another one: it is
// empty, or a stopped move left it. A store that belongs to another
// installation, or has gone on by itself, is refused.
func (s *Store) Adopt(ctx context.Context, from *Store) error {
	theirs, err := from.histories(ctx)
	if err != nil {
		return err
	}
	mine, err := s.histories(ctx)
	if err != nil {
		return err
	}
	if len(mine) > 0 && !slices.Equal(mine, theirs) {
		return fault.New(fault.Invalid, "数据库属于另一套安装 · the database holds another installation")
	}
	if err := s.behind(ctx, from); err != nil {
		return err
	}
	if err := Copy(ctx, from, s, []string{"history"}); err != nil {
		return err
	}
	return s.CopyStreams(ctx, from)
}

func (s *Store) histories(ctx context.Context) ([]string, error) {
	rows, err := s.r.QueryContext(ctx, "SELECT id FROM history ORDER BY id")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var id []byte
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		out = append(out, string(id))
	}
	return out, rows.Err()
}

// behind says that no stream here is ahead of the other store's.
func (s *Store) behind(ctx context.Context, other *Store) error {
	at := map[uuid.UUID]uint64{}
	theirs, err := other.Streams(ctx)
	if err != nil {
		return err
	}
	for _, i := range theirs {
		at[i.ID] = i.Rev
	}
	mine, err := s.Streams(ctx)
	if err != nil {
		return err
	}
	for _, i := range mine {
		if rev, ok := at[i.ID]; !ok || i.Rev > rev {
			return fault.New(fault.Invalid, "数据库已独立运行 · the database has gone on by itself: servers have written to it")
		}
	}
	return nil
}

// CopyBeside copies what no ledger gives again: sign-in names, sessions,
// enrolments, uploads, what was set aside.
func CopyBeside(ctx context.Context, from, to *Store) error {
	var tables []string
	err := from.View(ctx, func(tx *sql.Tx) error {
		all, err := from.tableNames(ctx, tx)
		for _, t := range all {
			if !slices.Contains(folded, t) && !strings.HasPrefix(t, "state_") {
				tables = append(tables, t)
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	return Copy(ctx, from, to, tables)
}
