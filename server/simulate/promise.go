package main

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/uuid"

	"siteledger/server/app"
	"siteledger/server/ledger"
	"siteledger/server/store"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

// ordered looks that a phone shows no row of the server's without the row that
// it belongs to: what came later is never seen before what it rests on (I4). Until
// its first pull is whole, it shows none.
func (p *phone) ordered(ctx context.Context) error {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(p.dir, "phone.db")+"?_pragma=query_only(1)")
	if err != nil {
		return err
	}
	defer db.Close()
	var parts []string
	for _, t := range p.w.node.core.Schema.Tables {
		if t.Parent == "" || t.Root == schema.RootOffice {
			continue
		}
		parts = append(parts, fmt.Sprintf(`SELECT '%s' AS name FROM app_%s c WHERE c.mine = 0 AND NOT EXISTS (SELECT 1 FROM app_%s p WHERE p.id = c.%s)`, t.Name, t.Name, t.Parent, t.ParentColumn))
	}
	var name string
	var n int
	err = db.QueryRowContext(ctx, `
		SELECT coalesce(min(name), ''), count(*)
		FROM (`+strings.Join(parts, " UNION ALL ")+`)
		WHERE NOT EXISTS (SELECT 1 FROM feed WHERE staging = 'fresh')`).Scan(&name, &n)
	if err == nil && n > 0 {
		return broken("I4", "%s shows %d rows, such as a %s, without the row that they belong to", p.name, n, name)
	}
	return err
}

// mustArrive notes each row that the phone's logs make, as its files are now:
// whatever comes, they have to reach the ledger in the end (P11).
func (p *phone) mustArrive(ctx context.Context) error {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(p.dir, "phone.db")+"?_pragma=query_only(1)")
	if err != nil {
		return err
	}
	defer db.Close()
	rows, err := db.QueryContext(ctx, `SELECT row, tbl FROM change WHERE op = $1`, int(changelog.Insert))
	if err != nil {
		return err
	}
	defer rows.Close()
	p.must = map[uuid.UUID]string{}
	for rows.Next() {
		var row uuid.UUID
		var table string
		if err := rows.Scan(&row, &table); err != nil {
			return err
		}
		p.must[row] = table
	}
	return rows.Err()
}

// arrived looks that what the phones recorded is in the ledger (P11).
func (w *world) arrived(context.Context) error {
	have := map[uuid.UUID]bool{}
	for _, m := range w.oracle.logs {
		for _, ch := range m.change {
			have[ch.Row] = true
		}
	}
	for _, p := range w.phone {
		if p.gone {
			continue
		}
		for row, table := range p.must {
			if !have[row] {
				return broken("P11", "%s recorded a %s that never reached the ledger", p.name, table)
			}
		}
	}
	return nil
}

// shutOut looks that a revoked phone's last token opens nothing (I8).
func (w *world) shutOut(ctx context.Context, p *phone) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, appURL+pathPull, nil)
	if err != nil {
		w.oracle.fail(err)
		return
	}
	r.Header.Set("Authorization", p.token)
	if res := w.node.serveAPI(r); res.StatusCode == http.StatusOK {
		w.oracle.fail(broken("I8", "%s was revoked and still reads its feed", p.name))
	}
}

// tampered changes one byte of one stored batch, in a copy, and looks that
// verify names it (I3, P8).
func (w *world) tampered(ctx context.Context) error {
	if w.seed%4 != 1 {
		return nil
	}
	dir := filepath.Join(w.dir, "tampered")
	if err := copyTree(w.node.dir, dir); err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, app.DatabaseName)
	if done, err := flipByte(ctx, path, w.seed); err != nil || !done {
		return err
	}
	s, err := store.Open(ctx, store.Config{Path: path, Synchronous: "OFF"})
	if err != nil {
		return err
	}
	defer s.Close()
	damage := 0
	for _, id := range w.streams() {
		if _, err := ledger.Verify(ctx, s, id, w.publicKeys(), func(ledger.Damage) error { damage++; return nil }); err != nil {
			return err
		}
	}
	if damage == 0 {
		return broken("I3", "a byte of the ledger was changed and verify said nothing")
	}
	return nil
}

// flipByte changes a byte in the middle of one batch; false where there is none.
func flipByte(ctx context.Context, path string, seed uint64) (bool, error) {
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		return false, err
	}
	defer db.Close()
	var n, pos int64
	var centre, body []byte
	if err := db.QueryRowContext(ctx, `SELECT count(*) FROM ledger WHERE length(body) > 0`).Scan(&n); err != nil || n == 0 {
		return false, err
	}
	if err := db.QueryRowContext(ctx, `SELECT centre, pos, body FROM ledger WHERE length(body) > 0 ORDER BY pos LIMIT 1 OFFSET $1`, int64(seed)%n).Scan(&centre, &pos, &body); err != nil {
		return false, err
	}
	body[len(body)/2] ^= 0x08
	_, err = db.ExecContext(ctx, `UPDATE ledger SET body = $1 WHERE centre = $2 AND pos = $3`, body, centre, pos)
	return true, err
}
