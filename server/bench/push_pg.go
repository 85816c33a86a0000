package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"siteledger/server/app"
)

// pgBase is the database that each run's is a copy of.
const pgBase = "base"

// pushPG is push on PostgreSQL over several centres, against pgx that sends
// each batch's puts as one pgx.Batch in a transaction, on one connection for
// each centre.
func (b *bench) pushPG(ctx context.Context) (rows []*row, err error) {
	home, err := os.MkdirTemp(filepath.Dir(b.dir), "slpg") // a folder that PostgreSQL's own user can reach, with a short name for its socket
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(home)) }()
	pg, err := startCluster(ctx, home)
	if err != nil {
		return nil, err
	}
	defer pg.stop()
	template, err := b.folder("template")
	if err != nil {
		return nil, err
	}
	if err := pgExec(ctx, pg.url("postgres"), "CREATE DATABASE "+pgBase); err != nil {
		return nil, err
	}
	fleet, err := b.pgFleet(ctx, serverSpec{Data: template, Database: pg.url(pgBase)})
	if err != nil {
		return nil, err
	}
	var ours, floor, cpu, peak series
	for i := range b.runs {
		dir := filepath.Join(b.dir, b.row, fmt.Sprintf("run%d", i))
		if err := copyFolder(template, dir); err != nil {
			return nil, err
		}
		name := fmt.Sprintf("run%d", i)
		if err := pgExec(ctx, pg.url("postgres"), "CREATE DATABASE "+name+" TEMPLATE "+pgBase, "CHECKPOINT"); err != nil {
			return nil, err
		}
		rate, u, err := b.pushRun(ctx, fleet, serverSpec{Data: dir, Database: pg.url(name)}, fmt.Sprintf("push_pg-%d", i+1))
		if err != nil {
			return nil, err
		}
		bare, err := pgFloor(ctx, pg.url(name))
		if err != nil {
			return nil, fmt.Errorf("floor: %w", err)
		}
		ours, floor, cpu, peak = append(ours, rate), append(floor, bare), append(cpu, u.cpu), append(peak, mb(u.peak))
		b.say("run %d of %d: %s changes/s, floor %s, %.2f CPU s, %.0f MB", i+1, b.runs, number(rate), number(bare), u.cpu, mb(u.peak))
		if err := pgExec(ctx, pg.url("postgres"), "DROP DATABASE "+name); err != nil {
			return nil, err
		}
	}
	r := compare(b.row, "changes/s", ours, floor)
	r.atLeast("ratio", r.Ratio, 0.4)
	r.figure("server_cpu_s", cpu.median())
	r.figure("server_peak_mb", peak.median())
	r.note("%d devices over %d centres, %d changes each in batches of %d; PostgreSQL on the same machine, fsync and synchronous_commit on; its own CPU time is not in server_cpu_s",
		len(fleet), b.size.pgCentres, b.size.pushChanges, b.size.batch)
	return []*row{r}, nil
}

// pgFleet fills the base database with centres and gives the devices with
// their recorded work.
func (b *bench) pgFleet(ctx context.Context, spec serverSpec) (fleet []*device, err error) {
	cfg := spec.config()
	cfg.Bootstrap.Centre = firstCentre
	core, err := app.OpenCoreAt(ctx, cfg, slog.New(slog.DiscardHandler), time.Now)
	if err != nil {
		return nil, err
	}
	w := &world{Core: core}
	err = w.begin(ctx)
	for i := 0; err == nil && i < b.size.pgCentres; i++ {
		if i > 0 {
			if err = w.addCentre(ctx, fmt.Sprintf("%s%d", firstCentre, i+1)); err != nil {
				break
			}
		}
		n := (b.size.pushDevices + b.size.pgCentres - 1 - i) / b.size.pgCentres
		var more []*device
		more, err = w.installers(ctx, n, jobsEach)
		fleet = append(fleet, more...)
	}
	if err = errors.Join(err, core.Close()); err != nil {
		return nil, err
	}
	say := newPhrases(1)
	for _, d := range fleet {
		if err := d.notes(b.size.pushChanges, say); err != nil {
			return nil, err
		}
	}
	b.say("%d devices in %d centres with %d changes each", len(fleet), b.size.pgCentres, b.size.pushChanges)
	return fleet, nil
}

// pgExec runs statements outside a transaction.
func pgExec(ctx context.Context, url string, texts ...string) (err error) {
	c, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close(ctx)) }()
	for _, t := range texts {
		if _, err := c.Exec(ctx, t); err != nil {
			return fmt.Errorf("%s: %w", t, err)
		}
	}
	return nil
}

// pgPuts are the puts of one centre: its batches, and the changed rows with
// their index entries in the order of revs.
type pgPuts struct {
	ledger, rows, entries [][]any
}

// pgText are the statements that put them.
type pgText struct{ ledger, row, entry string }

// pgFloor does what the server did in a database once more, in tables of the
// same columns and keys, and gives changes per second.
func pgFloor(ctx context.Context, url string) (rate float64, err error) {
	c, err := pgx.Connect(ctx, url)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, c.Close(ctx)) }()
	text, err := pgTables(ctx, c)
	if err != nil {
		return 0, err
	}
	puts, err := pgRead(ctx, c)
	if err != nil {
		return 0, err
	}
	changes := 0
	var conns []*pgx.Conn
	defer func() {
		for _, c := range conns {
			err = errors.Join(err, c.Close(ctx))
		}
	}()
	for _, p := range puts {
		changes += len(p.rows)
		one, err := pgx.Connect(ctx, url)
		if err != nil {
			return 0, err
		}
		conns = append(conns, one)
	}
	if _, err := c.Exec(ctx, "CHECKPOINT"); err != nil {
		return 0, err
	}
	start := time.Now()
	group, ctx := errgroup.WithContext(ctx)
	for i, p := range puts {
		group.Go(func() error { return p.do(ctx, conns[i], text) })
	}
	if err := group.Wait(); err != nil {
		return 0, err
	}
	return float64(changes) / time.Since(start).Seconds(), nil
}

// do puts one centre's batches, each in a transaction of its own.
func (p *pgPuts) do(ctx context.Context, c *pgx.Conn, text pgText) error {
	each := (len(p.rows) + len(p.ledger) - 1) / len(p.ledger)
	for n, l := range p.ledger {
		err := pgx.BeginFunc(ctx, c, func(tx pgx.Tx) error {
			batch := &pgx.Batch{}
			batch.Queue(text.ledger, l...)
			for i := n * each; i < min((n+1)*each, len(p.rows)); i++ {
				batch.Queue(text.row, p.rows[i]...)
				batch.Queue(text.entry, p.entries[i]...)
			}
			return tx.SendBatch(ctx, batch).Close()
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// pgTables makes the floor's tables like the server's, without its further
// indexes.
func pgTables(ctx context.Context, c *pgx.Conn) (out pgText, err error) {
	if _, err := c.Exec(ctx, "CREATE SCHEMA floor"); err != nil {
		return out, err
	}
	for _, t := range []struct {
		name string
		text *string
	}{{"ledger", &out.ledger}, {"state_note", &out.row}, {"feed", &out.entry}} {
		var key string
		if err := c.QueryRow(ctx, "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = to_regclass($1) AND contype = 'p'", t.name).Scan(&key); err != nil {
			return out, fmt.Errorf("key of %s: %w", t.name, err)
		}
		if _, err := c.Exec(ctx, "CREATE TABLE floor."+t.name+" (LIKE "+t.name+" INCLUDING DEFAULTS, "+key+")"); err != nil {
			return out, err
		}
		rows, err := c.Query(ctx, "SELECT * FROM "+t.name+" LIMIT 0")
		if err != nil {
			return out, err
		}
		var names, marks []string
		for i, f := range rows.FieldDescriptions() {
			names, marks = append(names, `"`+f.Name+`"`), append(marks, fmt.Sprintf("$%d", i+1))
		}
		rows.Close()
		*t.text = "INSERT INTO floor." + t.name + " (" + strings.Join(names, ", ") + ") VALUES (" + strings.Join(marks, ", ") + ")"
	}
	return out, nil
}

// pgRead reads what the server put, by centre.
func pgRead(ctx context.Context, c *pgx.Conn) ([]*pgPuts, error) {
	centres, err := pgRows(ctx, c, "SELECT DISTINCT centre FROM state_note ORDER BY centre")
	if err != nil {
		return nil, err
	}
	var out []*pgPuts
	for _, centre := range centres {
		p := &pgPuts{}
		if p.ledger, err = pgRows(ctx, c, "SELECT * FROM ledger WHERE centre = $1 AND device NOT IN (SELECT office_device FROM stream) ORDER BY pos", centre[0]); err != nil {
			return nil, err
		}
		if p.rows, err = pgRows(ctx, c, "SELECT * FROM state_note WHERE centre = $1 ORDER BY rev", centre[0]); err != nil {
			return nil, err
		}
		if p.entries, err = pgRows(ctx, c, "SELECT * FROM feed WHERE centre = $1 AND tbl = 'note' ORDER BY rev", centre[0]); err != nil {
			return nil, err
		}
		if len(p.ledger) == 0 || len(p.rows) == 0 || len(p.rows) != len(p.entries) {
			return nil, fmt.Errorf("the server stored %d batches, %d rows and %d index entries of a centre", len(p.ledger), len(p.rows), len(p.entries))
		}
		out = append(out, p)
	}
	if len(out) == 0 {
		return nil, errors.New("the server stored nothing")
	}
	return out, nil
}

func pgRows(ctx context.Context, c *pgx.Conn, query string, args ...any) (out [][]any, err error) {
	rows, err := c.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		cells, err := rows.Values()
		if err != nil {
			return nil, err
		}
		out = append(out, slices.Clone(cells))
	}
	return out, rows.Err()
}

// addCentre makes another centre and goes on in it.
func (w *world) addCentre(ctx context.Context, name string) error {
	w.centre = uuid.Must(uuid.NewV7())
	if err := w.CreateCentre(ctx, w.centre, name, name, "", false); err != nil {
		return err
	}
	return w.hire(ctx)
}
