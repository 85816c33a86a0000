package store_test

import (
	"os"
	"testing"

	"siteledger/server/store/storetest"
)

// TestMain runs the package's tests on SQLite, then on PostgreSQL.
func TestMain(m *testing.M) { os.Exit(storetest.Run(m)) }
