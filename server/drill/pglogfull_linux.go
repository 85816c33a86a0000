package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	clientsdk "siteledger/client-sdk"
	"siteledger/syncproto"
)

// pgLogFull fills the disk of PostgreSQL's own log. PostgreSQL then stops: it
// panics, and is set not to try again by itself, as it hangs on chance whether
// there is room enough to recover. Nothing is acknowledged, the servers stay, say
// so and let phones come later. A supervisor starts PostgreSQL again as soon as
// there is room; all else goes on by itself, the servers and phones of before
// included.
func (b *bench) pgLogFull(ctx context.Context, t *tally, cycles int) error {
	if os.Geteuid() != 0 {
		return errors.New("a small file system is mounted by root alone")
	}
	h, err := b.newHouse(ctx, nil, "max_wal_size=1GB", "min_wal_size=32MB", "wal_recycle=off", "restart_after_crash=off")
	if err != nil {
		return err
	}
	defer h.close()
	small, err := h.moveLog(ctx)
	if err != nil {
		return err
	}
	s, err := h.serve(ctx)
	if err != nil {
		return err
	}
	host := hostOf(s.url)
	phone, err := h.phone(ctx, &route{next: &http.Transport{}, host: func() (string, error) { return host, nil }})
	if err != nil {
		return err
	}
	logs := b.fresh()
	var names []string
	for i := range cycles {
		name := fmt.Sprintf("written while there was no room, %d", i)
		names = append(names, name)
		if err := h.logFullOnce(ctx, s, small, logs, phone, name, t); err != nil {
			return err
		}
	}
	t.count(logs, nil)
	t.acked += rowsOfEdit * len(names)
	h.expect(ctx, names, t)
	err = h.check(ctx, logs, t)
	h.verify(ctx, t)
	return err
}

// moveLog puts the cluster's log on a small disk of its own.
func (h *house) moveLog(ctx context.Context) (small string, err error) {
	if err := h.halt(); err != nil {
		return "", err
	}
	if small, err = h.smallDisk(96 << 20); err != nil {
		return "", err
	}
	from, to := filepath.Join(h.pg.Dir, "data", "pg_wal"), filepath.Join(small, "pg_wal")
	if _, err := output(exec.CommandContext(ctx, "cp", "-a", from, to)); err != nil {
		return "", err
	}
	return small, errors.Join(os.RemoveAll(from), os.Symlink(to, from), h.pg.Start(ctx))
}

func (h *house) logFullOnce(ctx context.Context, s *server, small string, logs []*device, phone *clientsdk.Client, name string, t *tally) error {
	// No segment is left over, and the one in use is filled but for a little, so
	// that pushes soon want another one.
	for _, text := range []string{"SELECT pg_switch_wal()", "CHECKPOINT", "SELECT pg_logical_emit_message(false, 'drill', repeat('x', 15 * 1024 * 1024))"} {
		if err := h.ask(ctx, h.pg, pgDatabase, text); err != nil {
			return err
		}
	}
	filler, err := fill(small, 256<<10)
	if err != nil {
		return err
	}
	refusals, err := refuseFull(ctx, s, logs[0], t)
	if err != nil {
		return err
	}
	t.errors += refusals
	unready(ctx, "the server whose database stopped for want of room", s, t)
	for _, c := range []struct{ method, path, kind, body string }{
		{http.MethodGet, syncproto.PathPull, "", ""},
		{http.MethodPost, syncproto.PathBlobPlan, syncproto.TypeJSON, `{"blobs":[{"sha256":"` + strings.Repeat("ab", 32) + `","size":100,"type":"image/jpeg","purpose":"photo"}]}`},
	} {
		status, header, body, err := send(ctx, c.method, s.url+c.path, c.kind, []byte(c.body), logs[1].token)
		if err != nil || status != http.StatusServiceUnavailable || header.Get("Retry-After") == "" {
			t.find("%s without a database: %d, Retry-After %q, %.200s %v", c.path, status, header.Get("Retry-After"), body, err)
		}
	}
	if err := h.waits(ctx, phone, name, t); err != nil {
		return err
	}
	if err := os.Remove(filler); err != nil {
		return err
	}
	started := time.Now()
	h.pg.Stop() // whatever is left of it; then as a supervisor does
	if err := h.pg.Start(ctx); err != nil {
		t.find("PostgreSQL does not start where there is room: %v", err)
		return err
	}
	t.restarted(time.Since(started))
	if err := drained(ctx, phone); err != nil {
		t.find("the phone does not drain: %v", err)
	}
	again(ctx, s.url, logs, t)
	t.note("taken %d ms after there was room, PostgreSQL's start included", time.Since(started).Milliseconds())
	return nil
}

// waits lets a phone record and try to send: it must keep what it has, and know
// that it has it still to send.
func (h *house) waits(ctx context.Context, phone *clientsdk.Client, name string, t *tally) error {
	if err := edit(ctx, phone, name); err != nil {
		return err
	}
	_, err := phone.Sync(ctx)
	if code := clientsdk.CodeOf(err); code != clientsdk.CodeBusy {
		t.find("the phone was told %q: %v", code, err)
	}
	st, err := phone.Status(ctx)
	if err != nil {
		return err
	}
	if st.Pending != rowsOfEdit {
		t.find("the phone thinks that %d of %d changes wait", st.Pending, rowsOfEdit)
	}
	return nil
}
