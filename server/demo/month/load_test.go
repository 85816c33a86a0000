package month_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"siteledger/server/auth"
	"siteledger/server/blob"
	"siteledger/server/blob/embedded"
	"siteledger/server/demo/month"
	"siteledger/server/ledger"
	"siteledger/server/store"
	"siteledger/syncproto"
	"siteledger/syncproto/schema"
)

// server puts the real parts together as the demo does, on the month's clock.
func server(tb testing.TB, m *month.Month) (month.Server, *store.Store) {
	tb.Helper()
	ctx, dir := context.Background(), tb.TempDir()
	check := func(err error) {
		if err != nil {
			tb.Helper()
			tb.Fatal(err)
		}
	}
	st, err := store.Open(ctx, store.Config{Path: filepath.Join(dir, "server.db"), Synchronous: "FULL"})
	check(err)
	tb.Cleanup(func() { _ = st.Close() })
	clock := month.NewClock(time.Now)
	clock.Set(m.Start())
	keys, err := auth.OpenKeys(dir, rand.Reader)
	check(err)
	history, err := st.History(ctx, uuid.New(), 0)
	check(err)
	led, err := ledger.New(ledger.Config{
		Update: st.UpdateCentre, Create: st.CreateStream, History: history, Schema: schema.MustCurrent(), Signer: keys, Limits: syncproto.DefaultLimits(),
		Now: clock.Now, NewID: func() uuid.UUID { return uuid.Must(uuid.NewV7()) }, Salt: func() [16]byte { return [16]byte(uuid.New()) },
	})
	check(err)
	people, err := auth.New(auth.Config{
		Store: st, Journal: led, Keys: keys, History: history, Schema: 1, Now: clock.Now, Rand: rand.Reader, NewID: uuid.NewV7,
	})
	check(err)
	s3, err := embedded.New(embedded.Config{Dir: filepath.Join(dir, "blobs"), AccessKey: "k", SecretKey: "0123456789abcdef0123", Bucket: "siteledger", Log: slog.New(slog.DiscardHandler), Now: time.Now})
	check(err)
	ts := httptest.NewServer(s3)
	tb.Cleanup(ts.Close)
	blobs, err := blob.New(blob.Config{Endpoint: ts.URL, AccessKey: "k", SecretKey: "0123456789abcdef0123", Bucket: "siteledger"}, blob.Deps{
		Uploads: st, Stale: st, Catalogue: st, Audience: st, Journal: led, Signer: keys, History: history, Now: clock.Now, NewID: uuid.NewV7, Log: slog.New(slog.DiscardHandler),
	})
	check(err)
	return month.Server{Ledger: led, Accounts: people, Blobs: blobs, HTTP: &http.Client{}, Clock: clock, Schema: schema.MustCurrent()}, st
}

func TestLoad(t *testing.T) {
	m := month.New(1, time.Now())
	srv, st := server(t, m)
	start := time.Now()
	loaded, err := month.Load(context.Background(), srv, m)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(loaded, time.Since(start))
	for _, q := range []string{
		"SELECT code||' '||reason, count(*) FROM outcome GROUP BY 1",
		"SELECT kind||' '||state||' '||tbl||' '||col, count(*) FROM case_file GROUP BY 1",
		"SELECT status||' '||coalesce(complete,'-')||' '||kind, count(*) FROM state_job GROUP BY 1",
		"SELECT status||' '||class, count(*) FROM state_defect GROUP BY 1",
		"SELECT CASE WHEN left_rev>joined_rev THEN 'left' ELSE 'on' END, count(*) FROM membership GROUP BY 1",
		"SELECT 'changes', sum(last-first+1) FROM ledger",
		"SELECT 'present', count(*) FROM blob_present",
		"SELECT 'refs', count(DISTINCT sha256) FROM blob_ref",
		"SELECT o.reason||sides, 1 FROM case_file c JOIN outcome o ON o.case_id=c.id WHERE o.reason='bad-value'",
	} {
		err := st.View(context.Background(), func(tx *sql.Tx) error {
			rows, err := tx.Query(q)
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				var a string
				var n int
				if err := rows.Scan(&a, &n); err != nil {
					return err
				}
				t.Log(a, n)
			}
			return rows.Err()
		})
		if err != nil {
			t.Error(err)
		}
	}
}
