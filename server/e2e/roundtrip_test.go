// Package e2e holds the tests that see both ends at once: real phones, the
// real server, the story as a whole, and the rules of the house itself. It has
// no code of its own.
package e2e

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/jpeg"
	"log/slog"
	"testing"

	"github.com/google/uuid"

	clientsdk "siteledger/client-sdk"
	"siteledger/server/app"
	"siteledger/server/auth"
	"siteledger/server/config"
	"siteledger/server/ledger"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

// startServer runs a whole server with one centre on free ports.
func startServer(t *testing.T, dir string) (*app.App, uuid.UUID) {
	t.Helper()
	cfg := config.Default()
	cfg.Listen, cfg.S3.Listen, cfg.Data = "127.0.0.1:0", "127.0.0.1:0", dir
	cfg.Bootstrap.Centre = "城东客服中心"
	onTurn(t, &cfg)
	a, err := app.New(context.Background(), cfg, slog.New(slog.DiscardHandler), "test")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
		if err := a.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	streams, err := a.Store.Streams(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return a, streams[1].ID
}

func person(t *testing.T, a *app.App, centre uuid.UUID, name string, role schema.Role) uuid.UUID {
	t.Helper()
	p, _, err := a.Auth.CreatePerson(context.Background(), auth.Operator(), auth.NewPerson{Centre: centre, Name: name, Role: role})
	if err != nil {
		t.Fatal(err)
	}
	return p.ID
}

func write(t *testing.T, a *app.App, centre uuid.UUID, by ledger.Author, edits ...ledger.Edit) {
	t.Helper()
	if _, err := a.Ledger.Write(context.Background(), centre, by, edits); err != nil {
		t.Fatal(err)
	}
}

func newJob(t *testing.T, a *app.App, centre, installer uuid.UUID) (job, contact uuid.UUID) {
	t.Helper()
	job, contact = uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7())
	write(t, a, centre, ledger.Author{Role: schema.Server},
		ledger.Edit{Table: "job", Row: job, Op: changelog.Insert, Cols: map[string]any{"kind": "aftersale", "intake_at": int64(1), "asked_work": "门板色差", "warranty": "out", "status": "dispatched"}},
		ledger.Edit{Table: "job_contact", Row: contact, Op: changelog.Insert, Cols: map[string]any{"job": job[:], "name": "张𠮷", "phone": "13800000000"}},
		ledger.Edit{Table: "assignment", Row: uuid.Must(uuid.NewV7()), Op: changelog.Insert, Cols: map[string]any{"job": job[:], "person": installer[:], "active": true}})
	return job, contact
}

func openPhone(t *testing.T, dir, server string) *clientsdk.Client {
	t.Helper()
	c, err := clientsdk.Open(clientsdk.Config{Dir: dir, Server: server})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func enrol(t *testing.T, a *app.App, c *clientsdk.Client, installer uuid.UUID) {
	t.Helper()
	code, _, err := a.Auth.OperatorCode(context.Background(), installer)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Enrol(context.Background(), code); err != nil {
		t.Fatal(err)
	}
}

func photo(t *testing.T, shade uint8, size int) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, size, size))
	for i := range img.Pix {
		img.Pix[i] = uint8(i*31) ^ shade
	}
	img.Set(0, 0, color.White)
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestRoundTrip: a phone records offline, syncs, and both ends show the same.
func TestRoundTrip(t *testing.T) {
	ctx := context.Background()
	a, centre := startServer(t, t.TempDir())
	installer := person(t, a, centre, "李师傅", schema.Installer)
	job, contact := newJob(t, a, centre, installer)
	c := openPhone(t, t.TempDir(), a.URL())
	enrol(t, a, c, installer)
	if _, err := c.Sync(ctx); err != nil {
		t.Fatalf("first sync: %v", err)
	}
	big, err := c.Attach(ctx, bytes.NewReader(photo(t, 1, 600)), syncproto.PurposePhoto, "image/jpeg")
	if err != nil {
		t.Fatal(err)
	}
	var visit uuid.UUID
	err = c.Edit(ctx, func(e *clientsdk.Edit) error {
		r, ok, err := e.Row("job_contact", contact)
		if err != nil || !ok || r.Text("name") != "张𠮷" {
			t.Fatalf("contact: %v %v %v", r, ok, err)
		}
		if err := e.Update("job", job, map[string]any{"status": "departed"}); err != nil {
			return err
		}
		if err := e.Update("job", job, map[string]any{"status": "arrived"}); err != nil {
			return err
		}
		id, _ := c.Identity()
		if visit, err = e.Insert("visit", map[string]any{"job": job[:], "person": id.Person[:], "started_at": int64(5)}); err != nil {
			return err
		}
		if _, err := e.Insert("photo", map[string]any{"job": job[:], "visit": visit[:], "role": "after", "original": big.SHA256[:], "original_size": big.Size, "original_type": "image/jpeg", "taken_at": int64(6)}); err != nil {
			return err
		}
		if _, err := e.Insert("visit_close", map[string]any{"visit": visit[:], "at": int64(9), "rows": int64(2), "photos": int64(1)}); err != nil {
			return err
		}
		return e.Update("job", job, map[string]any{"status": "finished"})
	})
	if err != nil {
		t.Fatalf("edit: %v", err)
	}
	round, err := c.Sync(ctx)
	if err != nil {
		t.Fatalf("second sync: %v (%+v)", err, round)
	}
	if _, err := c.Sync(ctx); err != nil {
		t.Fatalf("third sync: %v", err)
	}
	st, err := c.Status(ctx)
	if err != nil || st.Pending != 0 || st.OnlyHere != 0 {
		t.Fatalf("status: %+v, %v", st, err)
	}
	err = c.View(ctx, func(v *clientsdk.View) error {
		r, ok, err := v.Row("job", job)
		if err != nil || !ok {
			t.Fatalf("job: %v %v", ok, err)
		}
		if r.Text("status") != "finished" || !r.Bool("complete") {
			t.Errorf("job on the phone: %v complete %v", r.Text("status"), r.Bool("complete"))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	row, ok, err := a.Store.StateRow(ctx, centre, "visit", visit)
	if err != nil || !ok || row.UUID("job") != job {
		t.Errorf("visit on the server: %v %v %v", row, ok, err)
	}
}
