package store_test

import (
	"context"
	"database/sql"
	"maps"
	"slices"
	"strings"
	"testing"

	"siteledger/server/store"
	"siteledger/server/store/storetest"
	"siteledger/syncproto/schema"
)

// layout is what both engines must have in common: the columns of each table,
// and those of its primary key in their order.
type layout struct {
	columns, key []string
}

const (
	fileLayout = `
		SELECT t.name, c.name, c.pk, c.type
		FROM sqlite_schema t, pragma_table_info(t.name) c
		WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%' AND t.name NOT LIKE 'goose%'
		ORDER BY t.name, c.pk, c.name`
	clusterLayout = `
		SELECT t.relname::text, a.attname::text, coalesce(array_position(i.indkey::int2[], a.attnum) + 1, 0),
			upper(y.typname::text || CASE WHEN y.typname = 'text' AND l.collname <> 'C' THEN ' of another order' ELSE '' END)
		FROM pg_class t
		JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
		JOIN pg_type y ON y.oid = a.atttypid
		LEFT JOIN pg_collation l ON l.oid = a.attcollation
		LEFT JOIN pg_index i ON i.indrelid = t.oid AND i.indisprimary
		WHERE t.relkind = 'r' AND t.relnamespace = current_schema()::regnamespace AND t.relname NOT LIKE 'goose%'
		ORDER BY t.relname COLLATE "C", 3, a.attname COLLATE "C"`
)

func layouts(t *testing.T, st *store.Store, text string) map[string]layout {
	t.Helper()
	names := strings.NewReplacer("BLOB", "BYTEA", "INTEGER", "INT8")
	out := map[string]layout{}
	err := st.View(context.Background(), func(tx *sql.Tx) error {
		rows, err := tx.Query(text)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var table, column, kind string
			var pk int
			if err := rows.Scan(&table, &column, &pk, &kind); err != nil {
				return err
			}
			l := out[table]
			l.columns = append(l.columns, column+" "+names.Replace(kind))
			if pk > 0 {
				l.key = append(l.key, column)
			}
			slices.Sort(l.columns)
			out[table] = l
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// nobodys are the tables that are no centre's: the server's own, and those that
// are found by a secret or a sign-in name before the centre is known.
func nobodys() []string {
	return []string{"auth_event", "credential", "enrol_code", "handout", "history", "refresh_family", "session"}
}

// TestBothEnginesHaveTheSameTables: same tables, columns and types; every key
// begins with the centre; the state tables are the schema's.
func TestBothEnginesHaveTheSameTables(t *testing.T) {
	a := layouts(t, storetest.Open(t, storetest.SQLite(t)), fileLayout)
	b := layouts(t, storetest.Open(t, storetest.Postgres(t)), clusterLayout)
	for _, table := range slices.Sorted(maps.Keys(a)) {
		if !slices.Equal(a[table].columns, b[table].columns) {
			t.Errorf("%s:\nSQLite     %v\nPostgreSQL %v", table, a[table].columns, b[table].columns)
		}
		// A file's key may be a number of its own where a cluster's is not.
		if key := b[table].key; !slices.Contains(nobodys(), table) && (len(key) == 0 || key[0] != "centre") {
			t.Errorf("%s: the key %v does not begin with the centre", table, key)
		}
	}
	for table := range b {
		if _, ok := a[table]; !ok {
			t.Errorf("only PostgreSQL has %s", table)
		}
	}
	for _, s := range schema.MustCurrent().Tables {
		l, ok := b["state_"+s.Name]
		if want := 7 + len(s.Columns); !ok || len(l.columns) != want || !slices.Equal(l.key, []string{"centre", "id"}) {
			t.Errorf("state_%s has the key %v and %d columns, the schema wants %d", s.Name, l.key, len(l.columns), want)
		}
	}
}

// TestNothingLeaksAcrossCentres: no foreign key, and no unique index that does
// not begin with the centre, tells one centre what another has.
func TestNothingLeaksAcrossCentres(t *testing.T) {
	st := storetest.Open(t, storetest.Postgres(t))
	err := st.View(context.Background(), func(tx *sql.Tx) error {
		var foreign int
		if err := tx.QueryRow("SELECT count(*) FROM pg_constraint WHERE contype = 'f'").Scan(&foreign); err != nil {
			return err
		}
		if foreign > 0 {
			t.Errorf("%d foreign keys", foreign)
		}
		rows, err := tx.Query(`
			SELECT t.relname::text, a.attname::text
			FROM pg_index i
			JOIN pg_class t ON t.oid = i.indrelid AND t.relnamespace = current_schema()::regnamespace AND t.relname NOT LIKE 'goose%'
			JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = i.indkey[0]
			WHERE i.indisunique`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var table, first string
			if err := rows.Scan(&table, &first); err != nil {
				return err
			}
			if first != "centre" && !slices.Contains(nobodys(), table) {
				t.Errorf("%s: unique over all centres by %s", table, first)
			}
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
}
