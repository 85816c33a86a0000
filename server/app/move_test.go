package app_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"

	"siteledger/server/app"
	"siteledger/server/auth"
	"siteledger/server/config"
	"siteledger/server/ledger"
	"siteledger/server/store"
	"siteledger/server/store/storetest"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

// movable makes a data folder with a centre, a clerk who can sign in, and some
// work in the ledger.
func movable(t *testing.T) (cfg config.Config, password string) {
	t.Helper()
	ctx := t.Context()
	cfg = config.Default()
	cfg.Data, cfg.Bootstrap.Centre = t.TempDir(), "城东服务中心"
	c, err := app.OpenCore(ctx, cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Bootstrap(ctx); err != nil {
		t.Fatal(err)
	}
	centre := firstCentre(t, c.Store)
	p, password, err := c.Auth.CreatePerson(ctx, auth.Operator(), auth.NewPerson{ID: uuid.Must(uuid.NewV7()), Centre: centre, Name: "王芳", Login: "wangfang", Role: schema.Clerk})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 40 {
		work(t, c, centre, p.ID, fmt.Sprintf("第 %d 单", i))
	}
	return cfg, password
}

func work(t *testing.T, c *app.Core, centre, clerk uuid.UUID, asked string) {
	t.Helper()
	_, err := c.Ledger.Write(t.Context(), centre, ledger.Author{Person: clerk, Role: schema.Clerk}, []ledger.Edit{{
		Table: "job", Row: uuid.Must(uuid.NewV7()), Op: changelog.Insert,
		Cols: map[string]any{"kind": "aftersale", "intake_at": time.Now().UnixMilli(), "asked_work": asked, "warranty": "out", "status": "new"},
	}})
	if err != nil {
		t.Fatal(err)
	}
}

func firstCentre(t *testing.T, st *store.Store) uuid.UUID {
	t.Helper()
	streams, err := st.Streams(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range streams {
		if !s.Headquarters {
			return s.ID
		}
	}
	t.Fatal("no centre")
	return uuid.Nil
}

// TestMigrateStoreIsStoppedAndGoesOn: a move that is cut off is finished by
// the next run; everything is equal in the end, people sign in with their
// passwords, and the new database goes on where the folder stood. A database
// that has gone on by itself is never overwritten.
func TestMigrateStoreIsStoppedAndGoesOn(t *testing.T) {
	cfg, password := movable(t)
	cfg.Database.URL = storetest.Postgres(t).URL
	log := slog.New(slog.DiscardHandler)
	fine := func(d store.Difference) error { t.Errorf("differs: %s", d); return nil }

	cut, cancel := context.WithCancel(t.Context())
	if _, err := app.MigrateStore(cut, cfg, log, time.Now, func(n int) {
		if n >= 15 {
			cancel()
		}
	}, fine); !errors.Is(err, context.Canceled) {
		t.Fatalf("cut off: %v", err)
	}
	moved, err := app.MigrateStore(t.Context(), cfg, log, time.Now, func(int) {}, fine)
	if err != nil {
		t.Fatal(err)
	}
	if moved.Changes == 0 || moved.Changes > 40 || moved.Rows < 80 {
		t.Errorf("the second run moved %d changes and compared %d rows", moved.Changes, moved.Rows)
	}

	c, err := app.OpenCore(t.Context(), cfg, log)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, p, err := c.Auth.SignIn(t.Context(), "wangfang", password, "127.0.0.1")
	if err != nil {
		t.Fatalf("sign in on the new database: %v", err)
	}
	work(t, c, p.Centre, p.ID, "搬家以后")
	rebuilt, err := c.Rebuild(t.Context(), func(int) {}, fine)
	if err != nil || rebuilt.Changes < 42 {
		t.Errorf("rebuild from PostgreSQL: %d changes, %v", rebuilt.Changes, err)
	}
	if _, err := app.MigrateStore(t.Context(), cfg, log, time.Now, func(int) {}, fine); err == nil {
		t.Error("a database that servers have written to was moved into")
	}
}

// TestBackupOfPostgres: the backup of a database server is the same file as
// that of a folder.
func TestBackupOfPostgres(t *testing.T) {
	cfg := config.Default()
	cfg.Data, cfg.Bootstrap.Centre, cfg.Database.URL = t.TempDir(), "城东服务中心", storetest.Postgres(t).URL
	c, err := app.OpenCore(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Bootstrap(t.Context()); err != nil {
		t.Fatal(err)
	}
	to := t.TempDir()
	b, err := c.Backup(t.Context(), to, "test", nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(b.Streams) != 2 || b.Database.Size == 0 {
		t.Errorf("%+v", b)
	}
}

// TestPokesReachOtherServers: what one server commits wakes the streams that
// wait at another.
func TestPokesReachOtherServers(t *testing.T) {
	cfg := config.Default()
	cfg.Data, cfg.Bootstrap.Centre, cfg.Database.URL = t.TempDir(), "城东服务中心", storetest.Postgres(t).URL
	log := slog.New(slog.DiscardHandler)
	a, err := app.OpenCore(t.Context(), cfg, log)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if _, err := a.Bootstrap(t.Context()); err != nil {
		t.Fatal(err)
	}
	centre := firstCentre(t, a.Store)
	b := storetest.Open(t, store.Config{URL: cfg.Database.URL})
	heard := make(chan uuid.UUID, 64)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.Listen(ctx, func(stream uuid.UUID) { heard <- stream })
	}()
	wait := func(want uuid.UUID) {
		t.Helper()
		for late := time.After(20 * time.Second); ; {
			select {
			case got := <-heard:
				if got == want {
					return
				}
			case <-late:
				t.Fatalf("never heard of %s", want)
			}
		}
	}
	wait(uuid.Nil) // connected: everybody is told to look
	if _, err := a.Ledger.Write(t.Context(), centre, ledger.Author{Role: schema.Server}, []ledger.Edit{{Table: "person", Row: uuid.Must(uuid.NewV7()), Op: changelog.Insert,
		Cols: map[string]any{"name": "别人", "role": "clerk", "active": true}}}); err != nil {
		t.Fatal(err)
	}
	wait(centre)
	if err := b.View(t.Context(), cutListeners); err != nil {
		t.Fatal(err)
	}
	wait(uuid.Nil) // connected anew: notices may have been lost
	cancel()
	<-done
}

// cutListeners ends the connections that wait for notices.
func cutListeners(tx *sql.Tx) error {
	_, err := tx.Exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()")
	return err
}
