package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"siteledger/server/app"
	"siteledger/server/config"
)

// backup is a copy of the server's files, put back days later as if the server
// had been lost.
type backup struct {
	dir  string
	due  time.Time
	logs map[logKey]*memory // what the server had acknowledged by then
}

// backUp copies the server's files. A world loses its server a few times at most.
func (w *world) backUp() error {
	if w.saved != nil || w.faults[serverRestored] > 2 {
		return nil
	}
	b := &backup{dir: filepath.Join(w.dir, fmt.Sprintf("backup-%d", w.step)), due: w.at.Add(time.Duration(6+w.rng.IntN(40)) * time.Hour), logs: map[logKey]*memory{}}
	for k, m := range w.oracle.logs {
		b.logs[k] = m.clone()
	}
	w.saved = b
	w.tell("a backup of the server is made")
	return copyTree(w.node.dir, b.dir)
}

func (m *memory) clone() *memory {
	c := *m
	c.hash, c.change, c.outcome, c.code = maps.Clone(m.hash), maps.Clone(m.change), maps.Clone(m.outcome), maps.Clone(m.code)
	return &c
}

// restoreServer puts the backup in the place of the server's files, with a new
// history. What the office wrote since is lost; what the phones had sent since,
// they must send again (P11).
func (w *world) restoreServer(ctx context.Context) error {
	b := w.saved
	if b == nil || b.due.After(w.at) {
		return nil
	}
	w.saved = nil
	w.hit(serverRestored)
	for _, p := range w.phone {
		if err := p.mustArrive(ctx); err != nil {
			return err
		}
	}
	n := w.node
	if err := n.close(); err != nil {
		return err
	}
	if err := os.RemoveAll(n.dir); err != nil {
		return err
	}
	n.lives++
	n.dir = filepath.Join(w.dir, fmt.Sprintf("server-%d", n.lives))
	if err := os.Rename(b.dir, n.dir); err != nil {
		return err
	}
	cfg := config.Default()
	cfg.Data = n.dir
	if _, err := app.BeginHistory(ctx, cfg, n.now); err != nil {
		return err
	}
	if err := n.open(ctx); err != nil {
		return err
	}
	return w.forget(ctx, b)
}

// forget makes the oracle expect what the restored server knows.
func (w *world) forget(ctx context.Context, b *backup) error {
	w.oracle.logs = b.logs
	w.oracle.forget(nil, uuid.Nil)
	for _, s := range w.sites {
		sum, _, err := w.booked(ctx, s)
		if err != nil {
			return err
		}
		s.remitted = sum
	}
	for _, p := range w.phone {
		p.other = true // an enrolment or a refresh since the backup is forgotten too
		p.stale = nil
	}
	return nil
}
