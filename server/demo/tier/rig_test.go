package tier_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"siteledger/server/app"
	"siteledger/server/auth"
	"siteledger/server/config"
	"siteledger/server/demo/month"
	"siteledger/server/demo/tier"
	"siteledger/server/feed"
	"siteledger/server/ledger"
	"siteledger/server/office"
	"siteledger/server/report"
	"siteledger/server/store"
	"siteledger/server/web"
	"siteledger/server/web/centre"
	"siteledger/server/web/headquarters"
	"siteledger/server/web/webtest"
	"siteledger/syncproto"
	"siteledger/syncproto/schema"
)

// rig is a server's inside over a filled folder, with its statements watched.
type rig struct {
	testing.TB
	*tier.Sample
	store  *store.Store
	led    *ledger.Ledger
	feed   *feed.Feed
	site   *web.Site
	heard  *watched
	now    time.Time
	device ledger.Device // of somebody who worked all month
}

func (r *rig) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

// fill fills a folder of a size.
func fill(tb testing.TB, size tier.Size, now time.Time) (string, tier.Sample) {
	tb.Helper()
	cfg := config.Default()
	cfg.Data = tb.TempDir()
	s, err := tier.Fill(context.Background(), cfg, size, 1, now, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		tb.Fatal(err)
	}
	return cfg.Data, s
}

func open(tb testing.TB, dir string, s tier.Sample, driver string) *rig {
	tb.Helper()
	ctx := context.Background()
	r := &rig{TB: tb, Sample: &s, now: s.Until, heard: newWatched(driver)}
	var err error
	r.store, err = store.Open(ctx, store.Config{Path: filepath.Join(dir, app.DatabaseName), Synchronous: "OFF", Driver: driver})
	r.must(err)
	tb.Cleanup(func() { r.must(r.store.Close()) })
	keys, err := auth.OpenKeys(dir, rand.Reader)
	r.must(err)
	history, err := r.store.History(ctx, webtest.ID(), 0)
	r.must(err)
	clock := func() time.Time { return r.now }
	d := schema.MustCurrent()
	r.led, err = ledger.New(ledger.Config{Update: r.store.UpdateCentre, Create: r.store.CreateStream, History: history, Schema: d, Signer: keys,
		Limits: syncproto.DefaultLimits(), Now: clock, NewID: webtest.ID, Salt: func() [16]byte { return webtest.ID() }})
	r.must(err)
	people, err := auth.New(auth.Config{Store: r.store, Journal: r.led, Keys: keys, History: history, Schema: d.Version, Now: clock, Rand: rand.Reader, NewID: uuid.NewV7})
	r.must(err)
	r.feed = feed.New(feed.Config{View: r.store.ViewCentre, History: history, Schema: d, Secret: []byte("0123456789abcdef"), Limits: syncproto.DefaultLimits(), Now: clock})
	r.site = site(tb, r, people, d, clock)
	r.phone()
	return r
}

// reports is what the screens read, as in the program.
type reports struct {
	*store.Store
	report.JobHistory
}

func site(tb testing.TB, r *rig, people *auth.Auth, d *schema.Descriptor, clock func() time.Time) *web.Site {
	tb.Helper()
	desk, err := office.New(r.led, r.store, d, clock, webtest.ID, web.DefaultZone())
	r.must(err)
	bench := office.NewBench(r.led, r.store, d, clock, webtest.ID)
	rep := reports{r.store, report.JobHistory{Ledger: r.led, Mention: r.store}}
	area, err := centre.New(centre.Config{
		Office: desk, Uploads: bench, Reports: rep, Photos: webtest.Photos{}, Accounts: people, Schema: d, Server: "http://127.0.0.1",
		Reconciliation: centre.NewReconciliation(centre.ReconcileConfig{Files: rep, Rows: rep, Facts: rep, Cases: bench, Slips: bench,
			Shelf: report.Shelf{Store: r.store}, Claims: r.store, Schema: d}),
	})
	r.must(err)
	hq, err := headquarters.New(headquarters.Config{Files: r.store, Bench: bench, Photos: webtest.Photos{}, Schema: d})
	r.must(err)
	s, err := web.New(web.Config{Sessions: people, Areas: []web.Area{area, hq}, Schema: d, Now: clock, Log: slog.New(slog.DiscardHandler),
		SetLanguage: func(context.Context, web.Person, string) error { return nil }})
	r.must(err)
	return s
}

// phone finds somebody who worked all month.
func (r *rig) phone() {
	var person, device []byte
	r.must(r.store.View(context.Background(), func(tx *sql.Tx) error {
		return tx.QueryRow(tier.Own+`SELECT l.person, l.device FROM log l JOIN state_device d ON d.centre = l.centre AND d.id = l.device
			WHERE l.centre = $1 AND d."revoked_at" IS NULL ORDER BY l.acked DESC LIMIT 1`, r.Centre[:]).Scan(&person, &device)
	}))
	r.device = ledger.Device{ID: uuid.UUID(device), Person: uuid.UUID(person), Centre: r.Centre, Role: schema.Installer}
	r.heard.forget()
}

// browser is a signed-in person.
type browser struct {
	r      *rig
	cookie *http.Cookie
}

func (r *rig) signIn(role schema.Role) *browser {
	r.Helper()
	for _, l := range r.Logins {
		if l.Role != role {
			continue
		}
		q := httptest.NewRequest(http.MethodPost, "/signin", strings.NewReader(url.Values{"login": {l.Login}, "password": {month.Password}}.Encode()))
		q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		r.site.ServeHTTP(w, q)
		for _, c := range w.Result().Cookies() {
			if strings.Contains(c.Name, "session") {
				return &browser{r, c}
			}
		}
		r.Fatalf("sign-in of %s: %d %v", l.Login, w.Code, w.Result().Cookies())
	}
	r.Fatalf("nobody signs in as %s", role)
	return nil
}

// get opens a page and gives its status.
func (b *browser) get(path string) int {
	q := httptest.NewRequest(http.MethodGet, path, nil)
	q.AddCookie(b.cookie)
	w := httptest.NewRecorder()
	b.r.site.ServeHTTP(w, q)
	return w.Code
}

// visit opens every page of every route that a role may see.
func (r *rig) visit(fn func(path string, b *browser)) {
	browsers := map[schema.Role]*browser{}
	for _, route := range r.site.Routes() {
		if route.Method != http.MethodGet || route.Public {
			continue
		}
		role := route.Roles[0]
		if browsers[role] == nil {
			browsers[role] = r.signIn(role)
		}
		paths, err := tier.Pages(context.Background(), r.store, *r.Sample, route.Path)
		r.must(err)
		for _, path := range paths {
			fn(path, browsers[role])
		}
	}
}
