package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"siteledger/server/app"
	"siteledger/server/auth"
	"siteledger/server/ledger"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

// world is a data folder while it is filled, before a server runs on it.
type world struct {
	*app.Core
	centre uuid.UUID
	clerk  ledger.Author
}

// firstCentre is the name of the centre that every folder has.
const firstCentre = "基准服务中心"

// fill makes a data folder with headquarters and one centre and lets fn fill
// it further, without waiting for the disk. What it holds is durable before
// the folder is copied or served.
func fill(ctx context.Context, dir string, fn func(*world) error) error {
	cfg := serverSpec{Data: dir}.config()
	cfg.Bootstrap.Centre = firstCentre
	core, err := app.OpenToFill(ctx, cfg, slog.New(slog.DiscardHandler), time.Now)
	if err != nil {
		return err
	}
	w := &world{Core: core}
	err = w.begin(ctx)
	if err == nil {
		err = fn(w)
	}
	return errors.Join(err, core.Close())
}

func (w *world) begin(ctx context.Context) error {
	if _, err := w.Bootstrap(ctx); err != nil {
		return err
	}
	streams, err := w.Store.Streams(ctx)
	if err != nil {
		return err
	}
	for _, s := range streams {
		if !s.Headquarters {
			w.centre = s.ID
		}
	}
	return w.hire(ctx)
}

// hire gives the centre the person in whose name its office writes.
func (w *world) hire(ctx context.Context) error {
	clerk, err := w.person(ctx, "前台", schema.Supervisor)
	w.clerk = ledger.Author{Person: clerk, Role: schema.Supervisor}
	return err
}

func newID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

func insert(table string, row uuid.UUID, cols map[string]any) ledger.Edit {
	return ledger.Edit{Table: table, Row: row, Op: changelog.Insert, Cols: cols}
}

func update(table string, row uuid.UUID, cols map[string]any) ledger.Edit {
	return ledger.Edit{Table: table, Row: row, Op: changelog.Update, Cols: cols}
}

// write is one transaction of the centre's office.
func (w *world) write(ctx context.Context, edits ...ledger.Edit) error {
	_, err := w.Ledger.Write(ctx, w.centre, w.clerk, edits)
	return err
}

func (w *world) person(ctx context.Context, name string, role schema.Role) (uuid.UUID, error) {
	p, _, err := w.Auth.CreatePerson(ctx, auth.Operator(), auth.NewPerson{Centre: w.centre, Name: name, Role: role})
	if err != nil {
		return uuid.Nil, fmt.Errorf("person %s: %w", name, err)
	}
	return p.ID, nil
}

// job takes a job in and sends a person.
func (w *world) job(ctx context.Context, to uuid.UUID) (uuid.UUID, error) {
	job := newID()
	return job, w.write(ctx,
		insert("job", job, map[string]any{"kind": "aftersale", "intake_at": w.Now().UnixMilli(), "asked_work": "台面与墙体缝隙过大,请复核尺寸", "warranty": "out", "status": "new"}),
		insert("job_contact", newID(), map[string]any{"job": job[:], "name": "张女士", "phone": "13800000000"}),
		insert("assignment", newID(), map[string]any{"job": job[:], "person": to[:], "active": true}),
		update("job", job, map[string]any{"status": "dispatched"}))
}

// jobs takes n jobs in for a person.
func (w *world) jobs(ctx context.Context, to uuid.UUID, n int) ([]uuid.UUID, error) {
	var out []uuid.UUID
	for range n {
		j, err := w.job(ctx, to)
		if err != nil {
			return nil, err
		}
		out = append(out, j)
	}
	return out, nil
}
