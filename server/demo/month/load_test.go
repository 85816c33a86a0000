package month_test

import (
	"context"
	"crypto/ed25519"
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
	st, err := store.Open(ctx, store.Config{Path: filepath.Join(dir, "server.db"), Synchronous: "OFF"})
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

// The month goes into a real server whole: nothing that an office writes is
// refused, what phones write is held only where the plan meant it, every file
// that a row names is there, and the logs verify.
func TestLoad(t *testing.T) {
	m := month.New(1, time.Now())
	srv, st := server(t, m)
	loaded, err := month.Load(context.Background(), srv, m)
	if err != nil {
		t.Fatal(err)
	}
	if loaded.Changes < 12000 || loaded.Files < 250 || loaded.Pushes < 200 {
		t.Errorf("loaded only %+v", loaded)
	}
	count := func(query string) (n int) {
		err := st.View(context.Background(), func(tx *sql.Tx) error { return tx.QueryRow(query).Scan(&n) })
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		return n
	}
	for name, c := range map[string]struct {
		query     string
		low, high int
	}{
		"denied":              {"SELECT count(*) FROM outcome WHERE code = 'denied'", 0, 0},
		"bad values":          {"SELECT count(*) FROM outcome WHERE reason IN ('bad-value', 'unknown-column', 'unknown-table', 'undecodable', 'internal', 'rule')", 0, 0},
		"open conflicts":      {"SELECT count(*) FROM case_file WHERE kind = 'conflict' AND state = 'open'", 2, 4},
		"decided conflicts":   {"SELECT count(*) FROM case_file WHERE kind = 'conflict' AND state = 'decided'", 1, 3},
		"cases of hand-overs": {"SELECT count(*) FROM case_file WHERE kind = 'handover'", 1, 6},
		"held cases":          {"SELECT count(*) FROM case_file WHERE kind = 'held'", 1, 6},
		"merges":              {"SELECT count(*) FROM case_file WHERE kind = 'merged'", 3, 8},
		"defects to judge":    {"SELECT count(*) FROM state_defect WHERE status = 'submitted'", 4, 4},
		"retakes":             {"SELECT count(*) FROM state_defect WHERE status = 'retake'", 1, 1},
		"goods on the way":    {"SELECT count(*) FROM state_defect WHERE status = 'returning'", 1, 1},
		"missing files":       {"SELECT count(*) FROM blob_ref r LEFT JOIN blob_present p ON p.centre = r.centre AND p.sha256 = r.sha256 WHERE p.sha256 IS NULL", 0, 0},
		"closed, incomplete":  {"SELECT count(*) FROM state_job WHERE status = 'closed' AND complete IS NOT 1", 0, 0},
		"closed, on a phone":  {"SELECT count(*) FROM membership m JOIN state_job j ON j.id = m.job WHERE j.status = 'closed' AND m.left_rev <= m.joined_rev", 0, 0},
		"closed":              {"SELECT count(*) FROM state_job WHERE status = 'closed'", 180, 260},
	} {
		if n := count(c.query); n < c.low || n > c.high {
			t.Errorf("%s: %d, want %d to %d", name, n, c.low, c.high)
		}
	}
	for _, stream := range []uuid.UUID{m.Centre, m.Second, m.Headquarters} {
		_, err := ledger.Verify(context.Background(), st, stream, keysOf(t, srv), func(d ledger.Damage) error {
			t.Errorf("verify: %+v", d)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// keysOf are the server's public keys.
func keysOf(t *testing.T, srv month.Server) []ed25519.PublicKey {
	t.Helper()
	a, ok := srv.Accounts.(*auth.Auth)
	if !ok {
		t.Fatal("the accounts are not auth's")
	}
	var keys []ed25519.PublicKey
	for _, k := range a.Keys().Public() {
		keys = append(keys, k.PublicKey)
	}
	return keys
}
