package app_test

import (
	"context"
	"log/slog"
	"testing"

	"github.com/google/uuid"

	"siteledger/server/app"
	"siteledger/server/config"
	"siteledger/syncproto/schema"
)

// TestFirstStartThatWasCutOff: headquarters' stream is there, its row and its
// administrator are not. The next start finishes the work.
func TestFirstStartThatWasCutOff(t *testing.T) {
	ctx := context.Background()
	cfg := config.Default()
	cfg.Data = t.TempDir()
	cfg.Bootstrap.Centre = "城东客服中心"
	core, err := app.OpenCore(ctx, cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := core.Close(); err != nil {
			t.Error(err)
		}
	})
	hq := uuid.Must(uuid.NewV7())
	if err := core.Ledger.CreateStream(ctx, hq, true); err != nil {
		t.Fatal(err)
	}
	first, err := core.Bootstrap(ctx)
	if err != nil || first == nil || first.Password == "" {
		t.Fatalf("got %+v, %v", first, err)
	}
	if _, p, err := core.Auth.SignIn(ctx, first.Login, first.Password, "desk"); err != nil || p.Centre != hq || p.Role != schema.Admin {
		t.Errorf("signed in as %+v, %v", p, err)
	}
	if again, err := core.Bootstrap(ctx); err != nil || again != nil {
		t.Errorf("again: %+v, %v", again, err)
	}
	streams, err := core.Store.Streams(ctx)
	if err != nil || len(streams) != 2 || streams[0].ID != hq || streams[0].Name == "" || streams[1].Name != "城东客服中心" {
		t.Errorf("streams %+v, %v", streams, err)
	}
}
