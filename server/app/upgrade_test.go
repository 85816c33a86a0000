package app

import (
	"context"
	"database/sql"
	"log/slog"
	"testing"

	"siteledger/server/config"
)

// TestStartUpgradesEveryStreamOnce: streams that an earlier build left go over
// to this build's schema at the start, each with one entry in its own log.
func TestStartUpgradesEveryStreamOnce(t *testing.T) {
	ctx := context.Background()
	cfg := config.Default()
	cfg.Data, cfg.Bootstrap.Centre = t.TempDir(), "城东客服中心"
	entries := func(c *Core) (batches, behind int) {
		err := c.Store.View(ctx, func(tx *sql.Tx) error {
			if err := tx.QueryRow("SELECT count(*) FROM ledger").Scan(&batches); err != nil {
				return err
			}
			return tx.QueryRow("SELECT count(*) FROM stream WHERE schema < $1", c.Schema.Version).Scan(&behind)
		})
		if err != nil {
			t.Fatal(err)
		}
		return batches, behind
	}
	var first int
	for start, want := range []int{0, 2, 2} { // entries more than at the first start
		c, err := OpenCore(ctx, cfg, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Bootstrap(ctx); err != nil {
			t.Fatal(err)
		}
		batches, behind := entries(c)
		if start == 0 {
			first = batches
		}
		if batches-first != want || behind != 0 {
			t.Errorf("start %d: %d entries more, want %d; %d streams behind", start, batches-first, want, behind)
		}
		if start == 0 {
			err := c.Store.Update(ctx, func(tx *sql.Tx) error { _, err := tx.Exec("UPDATE stream SET schema = 1"); return err })
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
