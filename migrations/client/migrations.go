// Package client holds the migrations of a phone's SQLite file: numbered,
// forward only, never edited once released.
package client

import "embed"

// Files are the migrations, in goose's form.
//
//go:embed *.sql
var Files embed.FS
