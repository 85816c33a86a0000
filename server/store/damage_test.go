package store_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/server/store"
	"siteledger/server/store/storetest"
	"siteledger/syncproto"
)

// TestDamageStopsAllServers: what PostgreSQL says of a damaged page ends the
// writing of every server on the database, whoever met it and however; reading
// goes on. Other errors do not. (Pages that are really damaged: server/drill.)
func TestDamageStopsAllServers(t *testing.T) {
	for _, code := range []string{"XX001", "XX002"} {
		for how, meet := range map[string]func(st *store.Store, text string) error{
			"in a transaction": func(st *store.Store, text string) error {
				return st.Update(t.Context(), func(tx *sql.Tx) error { _, err := tx.Exec(text); return err })
			},
			"on a snapshot": func(st *store.Store, text string) error {
				return st.View(t.Context(), func(tx *sql.Tx) error { _, err := tx.Exec(text); return err })
			},
		} {
			t.Run(code+" "+how, func(t *testing.T) {
				cfg := storetest.Postgres(t)
				first, second := storetest.Open(t, cfg), storetest.Open(t, cfg)
				centre := makeStream(t, first)
				ctx, stop := context.WithCancel(t.Context())
				heard := make(chan struct{}, 100)
				ended := make(chan struct{})
				go func() {
					defer close(ended)
					second.Listen(ctx, func(uuid.UUID) { heard <- struct{}{} })
				}()
				defer func() { stop(); <-ended }()
				<-heard // it listens

				raiseError := func(code string) string {
					return "DO $$BEGIN RAISE EXCEPTION 'invalid page in block 0' USING ERRCODE = '" + code + "'; END$$"
				}
				if err := meet(first, raiseError("XX000")); err == nil || first.Damaged() {
					t.Fatalf("another error: %v, damaged: %v", err, first.Damaged())
				}
				if err := raise(t.Context(), first, centre); err != nil {
					t.Fatal(err)
				}
				if err := meet(first, raiseError(code)); fault.CodeOf(err) != syncproto.Busy {
					t.Errorf("who met it is told %v", err)
				}
				for deadline := time.Now().Add(10 * time.Second); second.Ready(t.Context()) == nil && time.Now().Before(deadline); {
				}
				for name, st := range map[string]*store.Store{"the one that met it": first, "the other": second} {
					if !st.Damaged() || st.Ready(t.Context()) == nil {
						t.Errorf("%s says nothing", name)
					}
					if err := raise(t.Context(), st, centre); fault.CodeOf(err) != syncproto.Busy {
						t.Errorf("%s writes on: %v", name, err)
					}
					if rev := revOf(t, st, centre); rev != 1 {
						t.Errorf("%s reads rev %d", name, rev)
					}
				}
				if fresh := storetest.Open(t, cfg); fresh.Damaged() || raise(t.Context(), fresh, centre) != nil {
					t.Error("a server that is started anew on a sound database does not write")
				}
			})
		}
	}
}
