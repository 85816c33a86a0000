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

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	clientsdk "siteledger/client-sdk"
	"siteledger/server/store/storetest"
)

// pgPointInTime recovers a database to a time before the newest records, by a
// base backup and archived log, gives it a new history, and lets real phones
// find that out: what they were told to be stored and is not there any more
// comes back from them.
func (b *bench) pgPointInTime(ctx context.Context, t *tally, n int) error {
	for range n {
		if err := b.pointInTime(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) pointInTime(ctx context.Context, t *tally) error {
	archive, err := os.MkdirTemp("", "sl-wal-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(archive)
	if err := os.Chmod(archive, 0o777); err != nil {
		return err
	}
	h, err := b.newHouse(ctx, nil, "wal_level=replica", "archive_mode=on", "archive_command=cp %p "+archive+"/%f", "max_wal_senders=5")
	if err != nil {
		return err
	}
	defer h.close()
	restored, err := h.baseBackup(ctx)
	if err != nil {
		return err
	}
	s, err := h.serve(ctx)
	if err != nil {
		return err
	}
	host := hostOf(s.url)
	net := &route{next: &http.Transport{}, host: func() (string, error) { return host, nil }}
	var phones []*clientsdk.Client
	for range 2 {
		c, err := h.phone(ctx, net)
		if err != nil {
			return err
		}
		phones = append(phones, c)
	}
	before, err := writeOnAll(ctx, phones, 8)
	if err != nil {
		return err
	}
	target, err := look[string](ctx, h.pg, "SELECT clock_timestamp()::text")
	if err != nil {
		return err
	}
	time.Sleep(20 * time.Millisecond)
	after, err := writeOnAll(ctx, phones, 8)
	if err != nil {
		return err
	}
	if err := s.terminate(); err != nil {
		return err
	}
	if err := h.stopArchived(ctx); err != nil {
		return err
	}
	if err := h.recover(ctx, restored, archive, target); err != nil {
		return err
	}
	t.acked += rowsOfEdit * (len(before) + len(after))
	if err := h.renew(ctx, before, after, t); err != nil {
		return err
	}
	if s, err = h.serve(ctx); err != nil {
		t.find("restart: %v", err)
		return nil
	}
	t.restarted(s.ready)
	t.errors++
	host = hostOf(s.url)
	for _, c := range phones {
		if err := errors.Join(drained(ctx, c), c.Check(ctx)); err != nil {
			t.find("a phone does not settle at the new history: %v", err)
		}
	}
	h.expect(ctx, append(before, after...), t)
	h.verify(ctx, t)
	return nil
}

// writeOnAll records on each phone, syncs, and gives the names of what the
// server has acknowledged.
func writeOnAll(ctx context.Context, phones []*clientsdk.Client, edits int) ([]string, error) {
	var names []string
	for _, c := range phones {
		for range edits {
			name := uuid.NewString()
			if err := edit(ctx, c, name); err != nil {
				return nil, err
			}
			names = append(names, name)
		}
		if _, err := attach(ctx, c, 5000); err != nil {
			return nil, err
		}
		if err := drained(ctx, c); err != nil {
			return nil, err
		}
	}
	return names, nil
}

// baseBackup makes a full backup of the running cluster.
func (h *house) baseBackup(ctx context.Context) (*storetest.Server, error) {
	s, err := h.describe(filepath.Join(h.dir, "b"))
	if err != nil {
		return nil, err
	}
	return s, h.program(ctx, s, "pg_basebackup", "-h", h.pg.Dir, "-U", "postgres", "-D", filepath.Join(s.Dir, "data"), "-X", "none", "-c", "fast", "--no-sync")
}

// stopArchived ends the cluster when its log is in the archive.
func (h *house) stopArchived(ctx context.Context) error {
	last, err := look[string](ctx, h.pg, "SELECT pg_walfile_name(pg_switch_wal())")
	if err != nil {
		return err
	}
	if err := await(ctx, h.pg, true, "SELECT coalesce(last_archived_wal >= $1, false) FROM pg_stat_archiver", last); err != nil {
		return err
	}
	err = h.pg.Signal(syscall.SIGINT)
	h.pg.Wait()
	return err
}

// recover starts the backup as it was at a time.
func (h *house) recover(ctx context.Context, s *storetest.Server, archive, target string) error {
	data := filepath.Join(s.Dir, "data")
	f, err := os.OpenFile(filepath.Join(data, "postgresql.auto.conf"), os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "restore_command = 'cp %s/%%f %%p'\nrecovery_target_time = '%s'\nrecovery_target_action = 'promote'\n", archive, target)
	if err := errors.Join(err, f.Close(), os.WriteFile(filepath.Join(data, "recovery.signal"), nil, 0o644)); err != nil {
		return err
	}
	if err := h.start(ctx, s); err != nil {
		return err
	}
	h.pg, h.url = s, s.URL(pgDatabase)
	return await(ctx, s, false, "SELECT pg_is_in_recovery()")
}

// renew gives the recovered database a new history. While somebody serves from
// it that is refused; and without anything to heal the drill would be none.
func (h *house) renew(ctx context.Context, before, after []string, t *tally) error {
	have, err := h.names(ctx)
	if err != nil {
		return err
	}
	for _, name := range before {
		if have[name] != rowsOfEdit {
			t.lose("a record from before the target is not there: %d of %d rows", have[name], rowsOfEdit)
		}
	}
	gone := 0
	for _, name := range after {
		if have[name] == 0 {
			gone++
		}
	}
	if gone == 0 {
		t.find("nothing is missing at the target: the drill has nothing to heal")
	}
	t.note("%d of %d acknowledged records were behind the target and came back from the phones", gone*rowsOfEdit, rowsOfEdit*(len(before)+len(after)))
	c, err := pgx.Connect(ctx, h.url+"&application_name=siteledger")
	if err != nil {
		return err
	}
	out, err := output(h.command(ctx, "new-history", "-data", h.data))
	if err == nil || !strings.Contains(err.Error(), "stop them first") {
		t.find("a new history beside a server: %q, %v", out, err)
	}
	if err := c.Close(ctx); err != nil {
		return err
	}
	if err := await(ctx, h.pg, 0, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'siteledger'"); err != nil {
		return err
	}
	if out, err = output(h.command(ctx, "new-history", "-data", h.data)); err != nil {
		t.find("new-history: %q, %v", out, err)
	}
	return nil
}

// names counts the rows of each record in the database's state.
func (h *house) names(ctx context.Context) (map[string]int, error) {
	c, err := pgx.Connect(ctx, h.url)
	if err != nil {
		return nil, err
	}
	defer c.Close(ctx)
	rows, err := c.Query(ctx, `SELECT "text", count(*) FROM state_day_summary WHERE deleted = 0 GROUP BY "text"`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[string]int{}
	for rows.Next() {
		var name string
		var n int
		if err := rows.Scan(&name, &n); err != nil {
			return nil, err
		}
		out[name] = n
	}
	return out, rows.Err()
}

// expect wants each record whole, once.
func (h *house) expect(ctx context.Context, names []string, t *tally) {
	have, err := h.names(ctx)
	if err != nil {
		t.find("read: %v", err)
		return
	}
	for _, name := range names {
		if n := have[name]; n < rowsOfEdit {
			t.lost += rowsOfEdit - n
			t.find("record %s has %d of %d rows", name, n, rowsOfEdit)
		} else if n > rowsOfEdit {
			t.find("record %s is there more than once: %d rows", name, n)
		}
	}
}
