package tier_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"siteledger/server/app"
	"siteledger/server/config"
	"siteledger/server/demo/tier"
	"siteledger/server/ledger"
	"siteledger/server/office"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

// allowed are the readings that pass over all of a table or of a centre, each
// by a part of its text, and why it may.
func allowed() map[string]string {
	return map[string]string{
		"state_job: AS counted":                    "counted to ten thousand at most",
		"state_customer: AS counted":               "counted to ten thousand at most",
		"state_contract: k.\"contract_no\" LIKE":   "a search looks at a centre's contracts once: no index finds two characters in the middle of a word",
		"log: l.device <> s.office_device":         "a centre's phones: as many as there are people",
		"log: SELECT MAX(l.last_contact) AS heard": "a centre's phones: as many as there are people",
		"log: last_contact >= $3":                  "all phones, once a minute for the metrics",
		"state_defect: GROUP BY d.\"status\"":      "what headquarters has to look at: counted in an index that holds nothing else",
		"state_defect: COUNT(CASE WHEN d.id < $2":  "the place in that queue, in the same index",
		"held: FROM held":                          "what waits for a decision, once a minute for the metrics",
		"quarantine: FROM quarantine":              "what was set aside: refused bytes, rare and bounded for each phone",
	}
}

// Every page of both doors, a phone's pull and repair, the hourly upkeep, the
// probes and the metrics find their rows by an index that leads further than to
// the centre, whatever has become of the months before. The plans are those of
// every store, as SQLite is told sizes and does not look for them.
func TestNothingReadsTheHistory(t *testing.T) {
	dir, s := fill(t, tier.Size{Centres: 2, Crews: 1}, time.Now())
	if s.Changes < 25_000 || s.Refused > 20 {
		t.Errorf("filled %d changes, %d refused", s.Changes, s.Refused)
	}
	r := open(t, dir, s, "sqlite-watched")
	pages := 0
	r.visit(func(path string, b *browser) {
		pages++
		if code := b.get(path); code != 200 && !(code == 404 && bytesOnly(path)) {
			t.Errorf("%s: %d", path, code)
		}
	})
	if pages < 40 {
		t.Errorf("only %d pages were opened", pages)
	}
	r.pull()
	r.upkeep()
	for _, w := range r.heard.wide(t, allowed()) {
		t.Error(w)
	}
	if n := r.heard.count(); n < 80 {
		t.Errorf("only %d statements were heard", n)
	}
}

// bytesOnly are addresses of files, which the sample has none of.
func bytesOnly(path string) bool {
	return strings.Contains(path, "/photos/") || strings.HasSuffix(path, "/copy")
}

// pull takes everything that a phone sees, then what is new, then a repair.
func (r *rig) pull() {
	r.Helper()
	ctx := context.Background()
	cursor, rows := "", 0
	for range 1000 {
		page, err := r.feed.Pull(ctx, r.device, cursor, 500)
		r.must(err)
		cursor, rows = page.Next, rows+len(page.Rows)
		if !page.More {
			break
		}
	}
	if rows == 0 || rows > r.Changes/10 {
		r.Errorf("a phone's cold start is %d rows of %d changes", rows, r.Changes)
	}
	page, err := r.feed.Pull(ctx, r.device, cursor, 500)
	r.must(err)
	if len(page.Rows) != 0 {
		r.Errorf("%d rows came again", len(page.Rows))
	}
	_, err = r.feed.Repair(ctx, r.device, nil)
	r.must(err)
}

// upkeep does what a server does by itself, and writes one job as a desk does.
func (r *rig) upkeep() {
	r.Helper()
	ctx := context.Background()
	r.must(r.store.Ready(ctx))
	_, err := r.store.Vitals(ctx, r.now)
	r.must(err)
	_, err = r.store.Streams(ctx)
	r.must(err)
	_, err = r.store.CountMissingBlobs(ctx, r.Centre)
	r.must(err)
	_, err = r.store.LastJobNo(ctx, r.Centre, "SH260101-")
	r.must(err)
	r.now = r.now.AddDate(0, 0, 40)
	_, err = office.EndWindows(ctx, r.led, r.store, r.Centre, r.now)
	r.must(err)
	job, crew := uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7())
	_, err = r.led.Write(ctx, r.Centre, ledger.Author{Role: schema.Server}, []ledger.Edit{
		{Table: "job", Row: job, Op: changelog.Insert, Cols: map[string]any{"kind": "aftersale", "intake_at": r.now.UnixMilli(), "asked_work": "水槽漏水", "warranty": "out", "status": "new"}},
		{Table: "assignment", Row: crew, Op: changelog.Insert, Cols: map[string]any{"job": job[:], "person": r.device.Person[:], "active": true}},
	})
	r.must(err)
}

// A folder that holds something is left alone, and not taken for one that was
// filled.
func TestOnlyEmptyFoldersAreFilled(t *testing.T) {
	cfg := config.Default()
	cfg.Data = t.TempDir()
	if err := os.WriteFile(filepath.Join(cfg.Data, app.DatabaseName), []byte("somebody's"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := tier.Filled(cfg.Data); ok || err != nil {
		t.Errorf("such a folder counts as whole: %v, %v", ok, err)
	}
	_, err := tier.Fill(context.Background(), cfg, tier.Size{Centres: 1, Crews: 1}, 1, time.Now(), slog.New(slog.DiscardHandler), nil)
	if err == nil || !strings.Contains(err.Error(), "not filled to the end") {
		t.Errorf("somebody's folder was filled: %v", err)
	}
	if _, err := tier.Named("XXL"); err == nil {
		t.Error("there is no such size")
	}
}
