package store_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"strconv"
	"testing"

	"siteledger/server/fault"
	"siteledger/server/store"
	"siteledger/syncproto"
)

// TestFullDiskIsBusy: a caller is told to come back, and when there is room
// again the store goes on.
func TestFullDiskIsBusy(t *testing.T) {
	ctx := context.Background()
	st, err := store.Open(ctx, store.Config{Path: filepath.Join(t.TempDir(), "server.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	limit := func(pages int) {
		t.Helper()
		err := st.Update(ctx, func(tx *sql.Tx) error {
			var now int
			return tx.QueryRow("PRAGMA max_page_count = " + strconv.Itoa(pages)).Scan(&now)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	write := func() error {
		return st.Update(ctx, func(tx *sql.Tx) error {
			_, err := tx.Exec("INSERT INTO quarantine (centre, device, epoch, first, code, received_at, digest, body) VALUES (x'00', x'00', x'00', 1, 'x', 1, randomblob(32), randomblob(2000000))")
			return err
		})
	}
	limit(1) // no less than what there is
	if err := write(); fault.CodeOf(err) != syncproto.Busy {
		t.Errorf("full: %v", err)
	}
	limit(1 << 30)
	if err := write(); err != nil {
		t.Errorf("with room again: %v", err)
	}
}
