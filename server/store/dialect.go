package store

import "strings"

// dialect is where one text does not serve both engines.
type dialect struct {
	arrays     bool   // rows travel as arrays, one statement for a table's rows
	like       string // compares texts, A to Z in either case
	now        string // the database's time, in Unix milliseconds
	listTables string // all tables but the migrations' own
	columns    string // columns of table $1, those of its key first and in its order
}

// likes writes LIKE so that it takes A to Z in either case.
func (d dialect) likes(text string) string { return strings.ReplaceAll(text, " LIKE ", " "+d.like+" ") }

// clocked puts the database's own time, in milliseconds, for @now.
func (d dialect) clocked(text string) string { return strings.ReplaceAll(text, "@now", d.now) }

func sqliteDialect() dialect {
	return dialect{
		like: "LIKE",
		now:  "CAST(unixepoch('subsec') * 1000 AS INTEGER)",
		listTables: `
			SELECT name
			FROM sqlite_schema
			WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT LIKE 'goose%'
			ORDER BY name`,
		columns: `
			SELECT name, pk
			FROM pragma_table_info($1)
			ORDER BY pk = 0, pk, name`,
	}
}

func postgresDialect() dialect {
	return dialect{
		arrays: true,
		like:   "ILIKE",
		now:    "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)",
		listTables: `
			SELECT relname::text
			FROM pg_class
			WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace AND relname NOT LIKE 'goose%'
			ORDER BY relname COLLATE "C"`,
		columns: `
			SELECT a.attname::text, coalesce(array_position(i.indkey::int2[], a.attnum) + 1, 0)::bigint
			FROM pg_attribute a
			LEFT JOIN pg_index i ON i.indrelid = a.attrelid AND i.indisprimary
			WHERE a.attrelid = to_regclass($1::text) AND a.attnum > 0 AND NOT a.attisdropped
			ORDER BY array_position(i.indkey::int2[], a.attnum) IS NULL, array_position(i.indkey::int2[], a.attnum), a.attname COLLATE "C"`,
	}
}
