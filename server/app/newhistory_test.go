package app_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"

	"siteledger/server/app"
	"siteledger/server/archive"
	"siteledger/server/auth"
	"siteledger/server/config"
	"siteledger/server/ledger"
	"siteledger/server/store"
	"siteledger/server/store/storetest"
	"siteledger/syncproto/schema"
)

// settled is an installation at rest: two centres, somebody who is signed in,
// and a code that was not used yet.
func settled(t *testing.T, e storetest.Engine) config.Config {
	t.Helper()
	cfg := config.Default()
	cfg.Data, cfg.Bootstrap.Centre = t.TempDir(), "城东服务中心"
	if e.Name == "postgres" {
		cfg.Database.URL = e.Config(t).URL
	}
	c, err := app.OpenCore(t.Context(), cfg, quiet())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Bootstrap(t.Context()); err != nil {
		t.Fatal(err)
	}
	centre := firstCentre(t, c.Store)
	p, password, err := c.Auth.CreatePerson(t.Context(), auth.Operator(), auth.NewPerson{ID: uuid.Must(uuid.NewV7()), Centre: centre, Name: "王芳", Login: "wangfang", Role: schema.Clerk})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Auth.SignIn(t.Context(), "wangfang", password, "127.0.0.1"); err != nil {
		t.Fatal(err)
	}
	work(t, c, centre, p.ID, "一")
	return cfg
}

// rest is what a new history changes.
type rest struct {
	Histories []archive.History
	Ends      []ledger.Stream
	Rows      map[string]int
}

// atRest opens the store that nobody serves.
func atRest(t *testing.T, cfg config.Config, do func(*store.Store)) {
	t.Helper()
	sc := store.Config{Path: cfg.Data + "/" + app.DatabaseName, Name: "a-test"}
	if cfg.Database.URL != "" {
		sc.Path, sc.URL = "", cfg.Database.URL
	}
	st, err := store.Open(t.Context(), sc)
	if err != nil {
		t.Fatal(err)
	}
	do(st)
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
}

func lookAtRest(t *testing.T, cfg config.Config) (r rest) {
	t.Helper()
	atRest(t, cfg, func(st *store.Store) {
		var err error
		if r.Histories, err = st.Histories(t.Context()); err != nil {
			t.Fatal(err)
		}
		if r.Ends, err = st.Ends(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.Rows = map[string]int{}
		for _, table := range []string{"session", "shipped", "ledger", "log"} {
			err := st.View(t.Context(), func(tx *sql.Tx) error {
				var n int
				err := tx.QueryRow("SELECT count(*) FROM " + table).Scan(&n)
				r.Rows[table] = n
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	})
	return r
}

// renew calls it when the connections of whoever was there before are gone.
func renew(t *testing.T, cfg config.Config) (app.Renewed, error) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	for {
		r, err := app.NewHistory(ctx, cfg, time.Now, nil)
		if !errors.Is(err, app.ErrServed) || ctx.Err() != nil {
			return r, err
		}
	}
}

// TestNewHistoryIsWholeOrNotAtAll: whichever of its writes is the last one that
// happens, the installation is as it was; called again it does all of it.
func TestNewHistoryIsWholeOrNotAtAll(t *testing.T) {
	storetest.Each(t, func(t *testing.T, e storetest.Engine) {
		cfg := settled(t, e)
		before := lookAtRest(t, cfg)
		if len(before.Histories) != 1 || len(before.Ends) != 2 || before.Rows["session"] == 0 {
			t.Fatalf("%+v", before)
		}
		first, last := before.Ends[0].Centre, before.Ends[1].Centre
		for _, c := range []struct {
			op, table string
			centre    uuid.UUID
		}{
			{"INSERT", "history", uuid.Nil}, {"DELETE", "session", uuid.Nil}, {"INSERT", "shipped", first}, {"INSERT", "shipped", last},
			{"INSERT", "ledger", first}, {"UPDATE", "stream", first}, {"INSERT", "ledger", last}, {"INSERT", "log", last}, {"UPDATE", "stream", last},
		} {
			step := fmt.Sprintf("%s %s %s", c.op, c.table, c.centre)
			mend := breakAt(t, cfg, e, c.op, c.table, c.centre)
			if _, err := renew(t, cfg); err == nil {
				t.Errorf("%s: it ends well", step)
			}
			mend()
			if after := lookAtRest(t, cfg); !reflect.DeepEqual(after, before) {
				t.Errorf("%s: %+v\nbefore: %+v", step, after, before)
			}
		}
		r, err := renew(t, cfg)
		if err != nil {
			t.Fatal(err)
		}
		after := lookAtRest(t, cfg)
		if len(after.Histories) != 2 || after.Histories[0].ID != r.History || after.Rows["session"] != 0 || after.Rows["shipped"] != before.Rows["shipped"]+2 {
			t.Errorf("%+v", after)
		}
		for i, end := range after.Ends {
			if len(end.Cuts) != 1 || end.Rev != r.Cuts[end.Centre].Floor || end.Pos != before.Ends[i].Pos+1 {
				t.Errorf("%+v", end)
			}
		}
		if again, err := renew(t, cfg); err != nil || again.Before != r.History {
			t.Errorf("once more: %+v, %v", again, err)
		}
	})
}

// breakAt lets one write fail, and gives what mends it.
func breakAt(t *testing.T, cfg config.Config, e storetest.Engine, op, table string, centre uuid.UUID) (mend func()) {
	t.Helper()
	row, literal := "NEW", fmt.Sprintf("x'%x'", centre[:])
	if op == "DELETE" {
		row = "OLD"
	}
	make, drop := "CREATE TRIGGER broken BEFORE "+op+" ON "+table+" %s BEGIN SELECT RAISE(ABORT, 'the end'); END", "DROP TRIGGER broken"
	if e.Name == "postgres" {
		literal = fmt.Sprintf(`'\x%x'::bytea`, centre[:])
		make = "CREATE OR REPLACE FUNCTION the_end() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'the end'; END$$; CREATE TRIGGER broken BEFORE " +
			op + " ON " + table + " FOR EACH ROW %s EXECUTE FUNCTION the_end()"
		drop += " ON " + table
	}
	when := ""
	if centre != uuid.Nil {
		when = "WHEN (" + row + ".centre = " + literal + ")"
	}
	run := func(text string) {
		atRest(t, cfg, func(st *store.Store) {
			if err := st.Update(t.Context(), func(tx *sql.Tx) error {
				_, err := tx.Exec(text)
				return err
			}); err != nil {
				t.Fatal(err)
			}
		})
	}
	run(fmt.Sprintf(make, when))
	return func() { run(drop) }
}
