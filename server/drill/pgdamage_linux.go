package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// pgPage is PostgreSQL's page, as Debian builds it.
const pgPage = 8192

// wounds are what happens to a relation's file: bytes that rot, which the
// checksum finds (XX001), and pages that were never written, which only an
// index can find (XX002).
var wounds = []struct {
	relation string
	from     int64 // the first page
	hurt     func(page []byte)
}{
	{"feed", 0, func(page []byte) {
		for i := pgPage / 2; i < pgPage; i += 97 {
			page[i] ^= 0xa5
		}
	}},
	{"state_day_summary_pkey", 1, func(page []byte) { copy(page, make([]byte, pgPage)) }},
}

// pgDamage damages pages of the stopped cluster's files, and wants that both
// servers stop storing as soon as one has met them, that they say so, and that
// all goes on when the file is as it was.
func (b *bench) pgDamage(ctx context.Context, t *tally, n int) error {
	h, err := b.newHouse(ctx, nil)
	if err != nil {
		return err
	}
	defer h.close()
	if err := h.halt(); err != nil {
		return err
	}
	if err := h.program(ctx, h.pg, "pg_checksums", "--enable", "--no-sync", "-D", filepath.Join(h.pg.Dir, "data")); err != nil {
		return err
	}
	logs := b.fresh()
	if err := h.calm(ctx, logs, t); err != nil {
		return err
	}
	for i := range n {
		if err := h.damageOnce(ctx, i%len(wounds), logs, t); err != nil {
			return err
		}
	}
	t.count(logs, nil)
	err = h.check(ctx, logs, t)
	h.verify(ctx, t)
	return err
}

// halt ends the cluster with its work saved.
func (h *house) halt() error {
	err := h.pg.Signal(syscall.SIGINT)
	h.pg.Wait()
	return err
}

// calm starts the cluster, lets each device push, and ends the server again.
func (h *house) calm(ctx context.Context, logs []*device, t *tally) error {
	if err := h.pg.Start(ctx); err != nil {
		return err
	}
	s, err := h.serve(ctx)
	if err != nil {
		return err
	}
	for _, d := range logs {
		if err := d.record(40); err != nil {
			return err
		}
	}
	again(ctx, s.url, logs, t)
	return s.terminate()
}

func (h *house) damageOnce(ctx context.Context, wound int, logs []*device, t *tally) error {
	mend, err := h.wound(ctx, wound)
	if err != nil {
		return err
	}
	if err := h.pg.Start(ctx); err != nil {
		return err
	}
	var servers []*server
	for range 2 {
		s, err := h.serve(ctx)
		if err != nil {
			return err
		}
		servers = append(servers, s)
	}
	if err := await(ctx, h.pg, 2, "SELECT count(*)::int FROM pg_stat_activity WHERE query LIKE 'LISTEN %'"); err != nil {
		return err
	}
	t.errors++
	name := wounds[wound].relation
	halted(ctx, name+": the server that met it", servers[0], logs[0], t)
	unready(ctx, name+": the other server, which nobody asked,", servers[1], t)
	halted(ctx, name+": the other server", servers[1], logs[1], t)
	for _, s := range servers {
		if err := s.terminate(); err != nil {
			return err
		}
	}
	if err := h.halt(); err != nil {
		return err
	}
	if err := mend(); err != nil {
		return err
	}
	return h.calm(ctx, logs, t)
}

// wound damages a relation of the cluster, which it stops, and gives what puts
// it right again.
func (h *house) wound(ctx context.Context, wound int) (mend func() error, err error) {
	w := wounds[wound]
	path, err := look[string](ctx, h.pg, "SELECT pg_relation_filepath($1::text)", w.relation)
	if err != nil {
		return nil, err
	}
	if err := h.halt(); err != nil {
		return nil, err
	}
	path = filepath.Join(h.pg.Dir, "data", path)
	was, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if int64(len(was)) <= w.from*pgPage {
		return nil, fmt.Errorf("%s has %d bytes: nothing to damage", w.relation, len(was))
	}
	is := append([]byte(nil), was...)
	for at := w.from * pgPage; at < int64(len(is)); at += pgPage {
		w.hurt(is[at : at+pgPage])
	}
	write := func(all []byte) error { return writeAt(path, all) }
	return func() error { return write(was) }, write(is)
}

// writeAt writes a file's bytes where they are: it stays PostgreSQL's.
func writeAt(path string, all []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(all, 0)
	return errors.Join(err, f.Close())
}

// halted wants that a server stores nothing, says so, and says so kindly.
func halted(ctx context.Context, what string, s *server, d *device, t *tally) {
	for range 3 { // the second would not touch the page
		if err := d.record(3); err != nil {
			t.find("%s: %v", what, err)
			return
		}
		acked := d.acked
		_, err := d.push(ctx, s.url, acked+1, uint64(len(d.log)))
		var r *refused
		if !errors.As(err, &r) || r.status != http.StatusServiceUnavailable || r.later == "" || d.acked != acked {
			t.find("%s: a push is answered with %v, Retry-After %q", what, err, later(err))
		}
	}
	unready(ctx, what, s, t)
	if _, body, err := call(ctx, http.MethodGet, s.url+"/metrics", "", nil, ""); err != nil || !strings.Contains(string(body), "siteledger_database_damaged 1") {
		t.find("%s: the metric does not say it (%v)", what, err)
	}
}

// unready waits until a server says that its database is not as it should be:
// what /readyz says stands for a second.
func unready(ctx context.Context, what string, s *server, t *tally) {
	started := time.Now()
	for time.Since(started) < patience && ctx.Err() == nil {
		status, body, err := call(ctx, http.MethodGet, s.url+"/readyz", "", nil, "")
		if err == nil && status == http.StatusServiceUnavailable && strings.Contains(string(body), `"database":"failing"`) {
			t.note("%s says so within %d ms", what, time.Since(started).Milliseconds())
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.find("%s does not say so", what)
}
