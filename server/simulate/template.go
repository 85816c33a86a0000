package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	clientsdk "siteledger/client-sdk"
	"siteledger/server/app"
	"siteledger/server/auth"
	"siteledger/server/config"
	"siteledger/server/store"
	"siteledger/syncproto/schema"
)

// template is what all worlds of a run begin with: a server with its two
// centres and their people, an empty server for a second fold, and an empty
// phone, so that not every world migrates and fills its own.
type template struct {
	dir   string
	ids   *ids
	disks *disks
	hq    uuid.UUID
	today *schema.Descriptor
	then  *schema.Descriptor // the oldest
	sites []templateSite
}

// templateSite is one centre and who works there.
type templateSite struct {
	name, canary string
	id, clerk    uuid.UUID
	installers   []uuid.UUID
}

// The folders of a template.
const (
	templateServer = "server" // of the oldest version of the schema
	templateNow    = "today"  // the same, upgraded
	templateEmpty  = "empty"
	templatePhone  = "phone"
)

// crew is how many installers a template's centre has.
const crew = 3

// makeTemplate fills a new folder within in.
func makeTemplate(ctx context.Context, in string) (*template, error) {
	dir, err := os.MkdirTemp(in, "template-")
	if err != nil {
		return nil, err
	}
	start := time.Date(2026, 3, 1, 7, 0, 0, 0, time.UTC)
	made := &ids{now: func() time.Time { return start }, rand: rand.New(rand.NewPCG(1, 1))}
	t := &template{dir: dir, ids: made, hq: made.must(), today: schema.MustCurrent()}
	if t.then, err = schema.Version(oldest); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if t.disks, err = newDisks(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err := t.fill(ctx); err != nil {
		return nil, errors.Join(err, t.close())
	}
	return t, nil
}

// close removes the files. No world is open by then.
func (t *template) close() error {
	t.disks.close()
	return os.RemoveAll(t.dir)
}

func (t *template) fill(ctx context.Context) error {
	empty := filepath.Join(t.dir, templateEmpty)
	if err := os.MkdirAll(empty, 0o700); err != nil {
		return err
	}
	s, err := store.Open(ctx, store.Config{Path: filepath.Join(empty, app.DatabaseName), Synchronous: "OFF"})
	if err != nil {
		return err
	}
	if err := s.Close(); err != nil {
		return err
	}
	c, err := clientsdk.Open(clientsdk.Config{Dir: filepath.Join(t.dir, templatePhone), Server: appURL, Now: t.ids.now, Rand: seeded{t.ids.rand}, NewID: t.ids.next})
	if err != nil {
		return err
	}
	if err := c.Close(); err != nil {
		return err
	}
	return t.people(ctx)
}

func (t *template) people(ctx context.Context) error {
	cfg := config.Default()
	cfg.Data = filepath.Join(t.dir, templateServer)
	log := slog.New(slog.DiscardHandler)
	nature := app.Nature{Now: t.ids.now, Rand: seeded{t.ids.rand}, NewID: t.ids.next, Schema: t.then}
	core, err := app.OpenCoreIn(ctx, cfg, log, nature)
	if err != nil {
		return err
	}
	if err := core.CreateCentre(ctx, t.hq, "总部", "HQ", "-", true); err != nil {
		return errors.Join(err, core.Close())
	}
	for _, name := range []string{"A", "B"} {
		s := templateSite{name: name, canary: "CANARY-" + name + "-7f3a", id: t.ids.must()}
		if err := s.people(ctx, core); err != nil {
			return errors.Join(err, core.Close())
		}
		t.sites = append(t.sites, s)
	}
	if err := core.Close(); err != nil {
		return err
	}
	from := cfg.Data
	cfg.Data = filepath.Join(t.dir, templateNow)
	if err := copyTree(from, cfg.Data); err != nil {
		return err
	}
	nature.Schema = t.today
	if core, err = app.OpenCoreIn(ctx, cfg, log, nature); err != nil {
		return err
	}
	return errors.Join(core.Upgrade(ctx), core.Close())
}

func (s *templateSite) people(ctx context.Context, core *app.Core) error {
	if err := core.CreateCentre(ctx, s.id, s.canary, s.name, "-", false); err != nil {
		return err
	}
	clerk, _, err := core.Auth.CreatePerson(ctx, auth.Operator(), auth.NewPerson{Centre: s.id, Name: "supervisor " + s.canary, Role: schema.Supervisor})
	if err != nil {
		return err
	}
	s.clerk = clerk.ID
	for i := range crew {
		p, _, err := core.Auth.CreatePerson(ctx, auth.Operator(), auth.NewPerson{Centre: s.id, Name: fmt.Sprintf("installer %d %s", i, s.canary), Role: schema.Installer})
		if err != nil {
			return err
		}
		s.installers = append(s.installers, p.ID)
	}
	return nil
}
