// Package postgres holds the server's migrations for PostgreSQL: the numbers
// and names of SQLite's, forward only, never edited once released. The
// conventions are at the top of 00001_core.sql.
package postgres

import "embed"

// Files are the migrations, in goose's form.
//
//go:embed *.sql
var Files embed.FS
