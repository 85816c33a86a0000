package e2e

import (
	"bytes"
	"context"
	"testing"

	"github.com/google/uuid"

	clientsdk "siteledger/client-sdk"
	"siteledger/server/ledger"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

// openPhoneOf opens a phone that is what an app of a schema version is.
func openPhoneOf(t *testing.T, dir, server string, version int) *clientsdk.Client {
	t.Helper()
	d, err := schema.Version(version)
	if err != nil {
		t.Fatal(err)
	}
	c, err := clientsdk.Open(clientsdk.Config{Dir: dir, Server: server, Schema: d})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// shown reads one value as a phone shows it.
func shown(t *testing.T, c *clientsdk.Client, table string, id uuid.UUID, column string) (out any) {
	t.Helper()
	err := c.View(context.Background(), func(v *clientsdk.View) error {
		row, ok, err := v.Row(table, id)
		if err == nil && !ok {
			t.Errorf("%s %s is not on the phone", table, id)
		}
		out = row.Cols[column]
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// syncs runs rounds and fails where the phone had to repair: its checksums were
// then not the server's.
func syncs(t *testing.T, c *clientsdk.Client, rounds int) {
	t.Helper()
	for range rounds {
		r, err := c.Sync(context.Background())
		if err != nil {
			t.Fatalf("sync: %v", err)
		}
		if r.Repaired {
			t.Error("the phone's rows were not the server's")
		}
	}
}

// TestPhonesOfThreeVersions: two technicians of one crew, one with the app of
// schema version 1, then with today's on the same phone (promise P9).
func TestPhonesOfThreeVersions(t *testing.T) {
	ctx := context.Background()
	a, centre := startServer(t, t.TempDir())
	li, chen := person(t, a, centre, "李师傅", schema.Installer), person(t, a, centre, "陈师傅", schema.Installer)
	job, contact := newJob(t, a, centre, li)
	system := ledger.Author{Role: schema.Server}
	defect, verdict := uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7())
	write(t, a, centre, system,
		ledger.Edit{Table: "assignment", Row: uuid.Must(uuid.NewV7()), Op: changelog.Insert, Cols: map[string]any{"job": job[:], "person": chen[:], "active": true}},
		ledger.Edit{Table: "defect", Row: defect, Op: changelog.Insert, Cols: map[string]any{"job": job[:], "class": "top_crack", "text": "台面右角开裂", "status": "open"}},
		ledger.Edit{Table: "adjudication", Row: verdict, Op: changelog.Insert, Cols: map[string]any{"defect": defect[:], "verdict": "return", "lacks": "实物", "remedy": "gift", "adjudicator": li[:], "at": int64(1)}})

	dir := t.TempDir()
	old, between, now := openPhoneOf(t, dir, a.URL(), 1), openPhoneOf(t, t.TempDir(), a.URL(), 2), openPhone(t, t.TempDir(), a.URL())
	enrol(t, a, old, li)
	enrol(t, a, between, li)
	enrol(t, a, now, chen)
	syncs(t, old, 1)
	syncs(t, between, 1)
	syncs(t, now, 1)
	if got := shown(t, between, "adjudication", verdict, "remedy"); got != "gift" {
		t.Errorf("the phone of one version before shows the remedy %v", got)
	}
	if got := shown(t, old, "adjudication", verdict, "remedy"); got != "discount" {
		t.Errorf("the old phone shows the remedy %v", got)
	}
	if got := shown(t, now, "adjudication", verdict, "remedy"); got != "gift" {
		t.Errorf("the new phone shows the remedy %v", got)
	}

	big, err := now.Attach(ctx, bytes.NewReader(photo(t, 1, 200)), syncproto.PurposePhoto, "image/jpeg")
	if err != nil {
		t.Fatal(err)
	}
	var shot uuid.UUID
	err = now.Edit(ctx, func(e *clientsdk.Edit) (err error) {
		shot, err = e.Insert("photo", map[string]any{"job": job, "role": "before", "original": big.SHA256[:], "original_size": big.Size, "original_type": "image/jpeg", "taken_at": int64(6),
			"sharpness": int64(90), "exposure": int64(400), "kept_reason": "无法再拍",
			"latitude": int64(302500000), "longitude": int64(1201700000), "accuracy": int64(12), "fix_at": int64(5), "fix_source": "device"})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	err = old.Edit(ctx, func(e *clientsdk.Edit) error {
		return e.Update("job_contact", contact, map[string]any{"note": "门铃坏了"})
	})
	if err != nil {
		t.Fatal(err)
	}
	err = between.Edit(ctx, func(e *clientsdk.Edit) error {
		return e.Update("job_contact", contact, map[string]any{"phone": "13900139000"})
	})
	if err != nil {
		t.Fatal(err)
	}
	syncs(t, now, 2)
	syncs(t, between, 2)
	syncs(t, old, 2)
	syncs(t, now, 1)
	if got := shown(t, now, "job_contact", contact, "phone"); got != "13900139000" {
		t.Errorf("the number from the phone of one version before is %v on the new one", got)
	}
	if got := shown(t, between, "photo", shot, "kept_reason"); got != "无法再拍" {
		t.Errorf("the phone of one version before shows kept_reason %v", got)
	}
	if got := shown(t, now, "job_contact", contact, "note"); got != "门铃坏了" {
		t.Errorf("the old phone's note is %v on the new one", got)
	}
	if got := shown(t, old, "photo", shot, "role"); got != "before" {
		t.Errorf("the new phone's photo is %v on the old one", got)
	}
	for name, c := range map[string]*clientsdk.Client{"old": old, "one version before": between} {
		if got := shown(t, c, "photo", shot, "latitude"); got != nil {
			t.Errorf("the phone that is %s shows the latitude %v", name, got)
		}
	}

	// The old phone gets today's app, with unsent work on it.
	err = old.Edit(ctx, func(e *clientsdk.Edit) error {
		return e.Update("job_contact", contact, map[string]any{"note": "门铃修好了"})
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	upgraded := openPhone(t, dir, a.URL())
	syncs(t, upgraded, 2)
	syncs(t, now, 1)
	for name, c := range map[string]*clientsdk.Client{"upgraded": upgraded, "new": now} {
		if got := shown(t, c, "photo", shot, "latitude"); got != int64(302500000) {
			t.Errorf("%s phone: latitude %v", name, got)
		}
		if got := shown(t, c, "photo", shot, "kept_reason"); got != "无法再拍" {
			t.Errorf("%s phone: kept_reason %v", name, got)
		}
		if got := shown(t, c, "adjudication", verdict, "remedy"); got != "gift" {
			t.Errorf("%s phone: remedy %v", name, got)
		}
		if got := shown(t, c, "job_contact", contact, "note"); got != "门铃修好了" {
			t.Errorf("%s phone: note %v", name, got)
		}
	}
}
