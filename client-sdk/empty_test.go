package clientsdk_test

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"siteledger/client-sdk/localdb"
	"siteledger/migrations/client"
)

// emptyDir is a phone's folder whose database has its tables already, but
// nothing in them. A first start, which makes them, has tests of its own.
func emptyDir(tb testing.TB) string {
	tb.Helper()
	b, err := emptyFile()
	if err != nil {
		tb.Fatal(err)
	}
	dir := tb.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "phone.db"), b, 0o600); err != nil {
		tb.Fatal(err)
	}
	return dir
}

// emptyFile is that database, made once.
var emptyFile = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "siteledger-empty-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	return emptyIn(filepath.Join(dir, "phone.db"))
})

func emptyIn(path string) ([]byte, error) {
	db, err := localdb.Open(context.Background(), path, client.Files)
	if err != nil {
		return nil, err
	}
	if err := db.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}
