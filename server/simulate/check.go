package main

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/uuid"

	clientsdk "siteledger/client-sdk"
	"siteledger/server/ledger"
	"siteledger/server/store"
	"siteledger/syncproto/schema"
)

// objects are the hashes of all bytes that the storage holds.
func (w *world) objects() (map[string]bool, error) {
	out := map[string]bool{}
	root := filepath.Join(w.dir, "storage", bucket)
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		h := sha256.Sum256(b)
		out[hex.EncodeToString(h[:])] = true
		return nil
	})
	if os.IsNotExist(err) {
		return out, nil
	}
	return out, err
}

// final checks everything once the faults have stopped and the queues are
// empty.
func (w *world) final(ctx context.Context) error {
	checks := []func(context.Context) error{w.oracle.stored, w.arrived, w.verify, w.effects, w.money, w.complete, w.converged, w.tampered,
		w.rebuild}
	for _, check := range checks {
		if err := check(ctx); err != nil {
			return err
		}
	}
	return nil
}

// verify runs the ledger's own check of chains and signatures (I3).
func (w *world) verify(ctx context.Context) error {
	for _, id := range w.streams() {
		_, err := ledger.Verify(ctx, w.node.core.Store, id, w.publicKeys(), func(d ledger.Damage) error { return broken("I3", "verify: %s", d.What) })
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *world) publicKeys() (keys []ed25519.PublicKey) {
	for _, k := range w.node.core.Keys.Public() {
		keys = append(keys, ed25519.PublicKey(k.PublicKey))
	}
	return keys
}

func (w *world) streams() []uuid.UUID {
	out := []uuid.UUID{w.hq}
	for _, s := range w.sites {
		out = append(out, s.id)
	}
	return out
}

// rebuild folds the ledger again and compares it with the live state.
func (w *world) rebuild(ctx context.Context) error {
	c := w.node.core
	dir := filepath.Join(w.dir, "second")
	if err := copyTree(filepath.Join(w.template.dir, templateEmpty), dir); err != nil {
		return err
	}
	second, err := store.Open(ctx, store.Config{Path: filepath.Join(dir, "server.db"), Synchronous: "OFF"})
	if err != nil {
		return err
	}
	defer second.Close()
	if err := second.CopyStreams(ctx, c.Store); err != nil {
		return err
	}
	l, err := ledger.New(ledger.Config{Update: second.UpdateCentre, Create: second.CreateStream, History: c.History, Schema: c.Schema, Signer: c.Keys,
		Limits: c.Config.Limits.Limits, Now: w.node.now, NewID: w.node.newID, Salt: func() [16]byte { return [16]byte{} }})
	if err != nil {
		return err
	}
	if err := l.Rebuild(ctx, c.Store, w.hq, w.streams()[1:], func(int) {}); err != nil {
		return broken("I6", "rebuild: %v", err)
	}
	_, err = store.Compare(ctx, c.Store, second, func(d store.Difference) error { return broken("I6", "rebuild differs: %s", d.What+" in "+d.Table) })
	return err
}

// effects looks that what was acknowledged and plainly applied is in the state
// (I1), and that what was denied is not (P7).
func (w *world) effects(ctx context.Context) error {
	d := w.node.core.Schema
	for k, m := range w.oracle.logs {
		for seq, ch := range m.change {
			code := m.code[seq]
			if ch.Op != 1 || code == "held" {
				continue
			}
			t := d.Table(ch.Table)
			row, ok, err := w.node.core.Store.StateRow(ctx, m.site.id, ch.Table, ch.Row)
			if err != nil {
				return err
			}
			if code == "denied" {
				if ok && !w.elsewhere(k, ch.Row) {
					return broken("P7", "a denied %s of %s is in the state", ch.Table, m.phone.name)
				}
				continue
			}
			if !ok {
				return broken("I1", "%s %d of %s was applied and is not in the state", ch.Table, seq, m.phone.name)
			}
			for name, v := range ch.Cols {
				if c := t.Column(name); c != nil && t.RuleOf(c) == schema.Fact && cell(row.Cols[name]) != cell(c.Normal(v)) {
					return broken("I12", "the fact %s.%s of %s was overwritten", ch.Table, name, m.phone.name)
				}
			}
		}
	}
	return nil
}

// elsewhere says whether a row was also acknowledged in another log, as a fork
// records it again.
func (w *world) elsewhere(not logKey, row uuid.UUID) bool {
	for k, m := range w.oracle.logs {
		for _, ch := range m.change {
			if k != not && ch.Row == row {
				return true
			}
		}
	}
	return false
}

// money looks that every receipt that a phone wrote counts once: in the state,
// in a case that a person decided, or denied (I9).
func (w *world) money(ctx context.Context) error {
	for _, s := range w.sites {
		want, wantSum := map[uuid.UUID]bool{}, int64(0)
		for _, m := range w.oracle.logs {
			for seq, ch := range m.change {
				if m.site != s || ch.Table != "receipt" || ch.Op != 1 || want[ch.Row] {
					continue
				}
				_, ok, err := w.node.core.Store.StateRow(ctx, s.id, "receipt", ch.Row)
				if err != nil {
					return err
				}
				if !ok && m.code[seq] != "held" && m.code[seq] != "denied" {
					return broken("I9", "receipt of %s is lost", m.phone.name)
				}
				if ok {
					want[ch.Row] = true
					wantSum += ch.Cols["amount"].(int64)
				}
			}
		}
		var sum sql.NullInt64
		var n int
		err := w.node.core.Store.View(ctx, func(tx *sql.Tx) error {
			return tx.QueryRowContext(ctx, `SELECT sum(amount), count(*) FROM state_receipt WHERE centre = $1 AND deleted = 0`, s.id[:]).Scan(&sum, &n)
		})
		if err != nil {
			return err
		}
		if sum.Int64 != wantSum || n != len(want) {
			return broken("I9", "centre %s has %d receipts of %d in its state, its phones wrote %d of %d", s.name, n, sum.Int64, len(want), wantSum)
		}
		if err := w.handedIn(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// handedIn looks that the money that the office booked is the money that it
// has, and that no receipt number stands for two receipts (I9).
func (w *world) handedIn(ctx context.Context, s *site) error {
	sum, twice, err := w.booked(ctx, s)
	if err == nil && sum != s.remitted {
		return broken("I9", "centre %s was handed %d and has booked %d", s.name, s.remitted, sum)
	}
	if err == nil && twice > 0 && !w.copied() {
		return broken("I9", "centre %s has %d receipt numbers that stand for several receipts", s.name, twice)
	}
	return err
}

// booked reads what an office has booked as handed in, and how many receipt
// numbers stand for several receipts.
func (w *world) booked(ctx context.Context, s *site) (sum, twice int64, err error) {
	err = w.node.core.Store.View(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `
			SELECT (SELECT coalesce(sum(amount), 0) FROM state_remittance WHERE centre = $1 AND deleted = 0),
				(SELECT count(*) FROM (SELECT no FROM state_receipt WHERE centre = $1 AND deleted = 0 GROUP BY no HAVING count(*) > 1))`, s.id[:]).Scan(&sum, &twice)
	})
	return sum, twice, err
}

// copied says whether phones with old or shared books may have used a receipt
// number twice: a restored phone cannot know what it wrote since. The office
// sees both receipts.
func (w *world) copied() bool {
	return w.faults[phoneCloned]+w.faults[phoneRestored]+w.faults[serverRestored] > 0
}

// complete looks that a job is called complete only where all bytes are there
// and each visit is closed (P12).
func (w *world) complete(ctx context.Context) error {
	there, err := w.objects()
	if err != nil {
		return err
	}
	return w.node.core.Store.View(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, `
			SELECT coalesce(lower(hex(p.original)), ''),
				(SELECT count(*) FROM state_visit v WHERE v.job = j.id AND v.deleted = 0 AND NOT EXISTS (SELECT 1 FROM state_visit_close c WHERE c.visit = v.id)),
				(SELECT count(*) FROM case_file f WHERE f.centre = j.centre AND f.root = j.id AND f.state = 'open' AND f.blocking = 1)
			FROM state_job j
			LEFT JOIN state_photo p ON p.job = j.id AND p.deleted = 0
			WHERE j.complete = 1`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var sha string
			var open, cases int
			if err := rows.Scan(&sha, &open, &cases); err != nil {
				return err
			}
			if (sha != "" && !there[sha]) || open > 0 || cases > 0 {
				return broken("P12", "a job is called complete with a missing photo, an open visit or an open case")
			}
		}
		return rows.Err()
	})
}

// converged holds each phone's rows against the server's, by content (I6).
func (w *world) converged(ctx context.Context) error {
	for _, p := range w.phone {
		if p.gone {
			continue
		}
		may, err := w.oracle.audience(ctx, p)
		if err != nil {
			return err
		}
		if err := p.believes(ctx); err != nil {
			return err
		}
		if err := p.ordered(ctx); err != nil {
			return err
		}
		if left := p.changes(ctx, "c.state = 'acked'", nil); left != "" {
			return broken("I7", "%s never learns that the feed has what it wrote: %s", p.name, left)
		}
		for _, t := range p.knows().Tables {
			if t.Root == schema.RootOffice {
				continue
			}
			if err := w.sameRows(ctx, p, t, may); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *world) sameRows(ctx context.Context, p *phone, t *schema.Table, may map[uuid.UUID]bool) error {
	var names []string
	for _, c := range t.Columns {
		if c.MayRead(schema.Installer) {
			names = append(names, c.Name)
		}
	}
	want, err := w.serverRows(ctx, p, t, names, may)
	if err != nil {
		return err
	}
	var have []schema.Row
	if err := p.client.View(ctx, func(v *clientsdk.View) (err error) {
		have, err = v.Rows(t.Name, clientsdk.Query{})
		return err
	}); err != nil {
		return err
	}
	for _, r := range have {
		text, ok := want[r.ID]
		if !ok {
			return broken("I6", "%s shows a %s that its audience does not have; its changes: %s", p.name, t.Name, p.changesOf(ctx, r.ID))
		}
		delete(want, r.ID)
		var b strings.Builder
		for _, n := range names {
			fmt.Fprintf(&b, "%s=%s;", n, cell(r.Cols[n]))
		}
		if b.String() != text {
			return broken("I6", "%s shows another %s than the server:\n   phone  %s\n   server %s", p.name, t.Name, b.String(), text)
		}
	}
	if len(want) > 0 {
		return broken("I6", "%s lacks %d rows of %s", p.name, len(want), t.Name)
	}
	return nil
}

func (w *world) serverRows(ctx context.Context, p *phone, t *schema.Table, names []string, may map[uuid.UUID]bool) (map[uuid.UUID]string, error) {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = `, "` + n + `"`
	}
	out := map[uuid.UUID]string{}
	err := w.node.core.Store.View(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT id, root`+strings.Join(quoted, "")+` FROM state_`+t.Name+` WHERE deleted = 0 AND (centre = $1 OR centre = $2)`, p.site.id[:], w.hq[:])
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id, root uuid.UUID
			cells := make([]any, len(names))
			dest := []any{&id, &root}
			for i := range cells {
				dest = append(dest, &cells[i])
			}
			if err := rows.Scan(dest...); err != nil {
				return err
			}
			if !may[root] {
				continue
			}
			var b strings.Builder
			for i, n := range names {
				v := w.node.core.Schema.Table(t.Name).Column(n).ValueAt(cells[i], p.knows().Version)
				fmt.Fprintf(&b, "%s=%s;", n, cell(v))
			}
			out[id] = b.String()
		}
		return rows.Err()
	})
	return out, err
}

// cell writes a value so that both sides' ways of keeping it read the same.
func cell(v any) string {
	switch v := v.(type) {
	case nil:
		return "-"
	case bool:
		if v {
			return "1"
		}
		return "0"
	case []byte:
		return hex.EncodeToString(v)
	}
	return fmt.Sprint(v)
}
