// Package sqlite holds the server's migrations for SQLite: numbered, forward
// only, never edited once released.
package sqlite

import "embed"

// Files are the migrations, in goose's form.
//
//go:embed *.sql
var Files embed.FS
