package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"siteledger/syncproto/changelog"
)

// record: whole visits committed on the phone, against the same rows plus one
// log row each in raw SQLite, in the same transactions.
func (b *bench) record(ctx context.Context) ([]*row, error) {
	template, err := b.folder("template")
	if err != nil {
		return nil, err
	}
	person, err := b.workday(ctx, template, b.size.recordVisits)
	if err != nil {
		return nil, err
	}
	var ours, floor, peak series
	var changes, txns int
	for i := range b.runs {
		dir := filepath.Join(b.dir, b.row, fmt.Sprintf("run%d", i))
		a, high, err := b.recordRun(ctx, template, dir, person)
		if err != nil {
			return nil, err
		}
		log, err := readLog(ctx, filepath.Join(dir, "phone", phoneDB))
		if err != nil {
			return nil, err
		}
		bare, err := log.replay(ctx, filepath.Join(dir, "floor.db"))
		if err != nil {
			return nil, fmt.Errorf("floor: %w", err)
		}
		each := bare / float64(b.size.recordVisits)
		ours, floor, peak = append(ours, series(a.Each).median()), append(floor, each), append(peak, mb(high))
		changes, txns = len(log.changes)/b.size.recordVisits, log.txns/b.size.recordVisits
		b.say("run %d of %d: %.1f ms a visit, floor %.1f ms", i+1, b.runs, series(a.Each).median(), each)
		if err := os.RemoveAll(dir); err != nil {
			return nil, err
		}
	}
	r := compare(b.row, "ms a visit", ours, floor)
	r.atMost("ratio", r.Ratio, 1.5)
	r.figure("changes_per_visit", float64(changes))
	r.figure("transactions_per_visit", float64(txns))
	r.figure("phone_peak_mb", peak.median())
	return []*row{r}, nil
}

// workday fills a folder with a person who has n jobs to go to.
func (b *bench) workday(ctx context.Context, dir string, n int) (person string, err error) {
	err = fill(ctx, dir, func(w *world) error {
		id, err := w.person(ctx, "李师傅", "installer")
		if err != nil {
			return err
		}
		if _, err = w.jobs(ctx, id, n); err != nil {
			return err
		}
		code, _, err := w.Auth.OperatorCode(ctx, id)
		person = code
		return err
	})
	return person, err
}

// recordRun lets a phone record its visits, offline.
func (b *bench) recordRun(ctx context.Context, template, dir, code string) (a phoneAnswer, peak float64, err error) {
	data := filepath.Join(dir, "server")
	if err := copyFolder(template, data); err != nil {
		return a, 0, err
	}
	s, err := b.serve(serverSpec{Data: data})
	if err != nil {
		return a, 0, err
	}
	p, err := b.newPhone(filepath.Join(dir, "phone"), s.url)
	if err != nil {
		return a, 0, errors.Join(err, s.end())
	}
	defer func() { err = errors.Join(err, p.end()) }()
	_, err = p.do("enrol %s", code)
	if err == nil {
		_, err = p.do("sync")
	}
	if err = errors.Join(err, s.end()); err != nil { // the rest is offline
		return a, 0, err
	}
	return p.watched("visits %d", b.size.recordVisits)
}

// phoneLog is what a phone's log holds, ready to be done again by bare
// statements.
type phoneLog struct {
	ddl     []string
	logText string
	changes []logged
	bytes   [][]byte // the changes as they were encoded
	txns    int
}

// logged is one change: its row of the log, and what it does to the app's row.
type logged struct {
	cells []any
	last  bool
	text  string
	args  []any
}

// readLog reads a phone's log.
func readLog(ctx context.Context, path string) (out *phoneLog, err error) {
	db, err := readOnly(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	out = &phoneLog{}
	tables, err := db.QueryContext(ctx, `SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND sql IS NOT NULL`)
	if err != nil {
		return nil, err
	}
	defer tables.Close()
	for tables.Next() {
		var name, text string
		if err := tables.Scan(&name, &text); err != nil {
			return nil, err
		}
		if appTable(name) || name == "change" || name == "epoch" {
			out.ddl = append(out.ddl, text)
		}
	}
	if err := tables.Err(); err != nil {
		return nil, err
	}
	var p put
	if err := p.read(ctx, db, "change", "SELECT * FROM change ORDER BY seq"); err != nil {
		return nil, err
	}
	out.logText = p.text
	codec, err := changelog.NewCodec()
	if err != nil {
		return nil, err
	}
	roots, err := db.QueryContext(ctx, `SELECT bytes, last, root FROM change ORDER BY seq`)
	if err != nil {
		return nil, err
	}
	defer roots.Close()
	for _, cells := range p.rows {
		var bytes, root []byte
		l := logged{cells: cells}
		if !roots.Next() {
			return nil, errors.New("the log changed while it was read")
		}
		if err := roots.Scan(&bytes, &l.last, &root); err != nil {
			return nil, err
		}
		if l.text, l.args, err = rowStatement(codec, bytes, root); err != nil {
			return nil, err
		}
		if l.last {
			out.txns++
		}
		out.changes, out.bytes = append(out.changes, l), append(out.bytes, bytes)
	}
	return out, roots.Err()
}

// rowStatement is the bare statement that does to the app's row what a change
// says.
func rowStatement(codec *changelog.Codec, bytes, root []byte) (string, []any, error) {
	ch, err := codec.Decode(bytes)
	if err != nil {
		return "", nil, err
	}
	names := slices.Sorted(maps.Keys(ch.Cols))
	var args []any
	for _, n := range names {
		args = append(args, cell(ch.Cols[n]))
	}
	if ch.Op == changelog.Update {
		return `UPDATE app_` + ch.Table + ` SET "` + strings.Join(names, `" = ?, "`) + `" = ? WHERE id = ?`, append(args, ch.Row[:]), nil
	}
	text := `INSERT INTO app_` + ch.Table + ` ("` + strings.Join(names, `", "`) + `", id, root, rev, mine) VALUES (` + strings.Repeat("?, ", len(names)) + `?, ?, 0, 1)`
	return text, append(args, ch.Row[:], root), nil
}

// cell is a value as SQLite takes it.
func cell(v any) any {
	if yes, ok := v.(bool); ok {
		if yes {
			return int64(1)
		}
		return int64(0)
	}
	return v
}

// replay does the log again in an empty database with bare statements, with
// the same durability, and gives milliseconds.
func (l *phoneLog) replay(ctx context.Context, path string) (ms float64, err error) {
	db, err := sql.Open("sqlite", phoneDSN(path))
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	conn, err := db.Conn(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	for _, text := range l.ddl {
		if _, err := conn.ExecContext(ctx, text); err != nil {
			return 0, err
		}
	}
	stmts := map[string]*sql.Stmt{}
	for _, text := range append(l.texts(), l.logText) {
		if stmts[text], err = conn.PrepareContext(ctx, text); err != nil {
			return 0, err
		}
	}
	start := time.Now()
	open := false
	for _, ch := range l.changes {
		if !open {
			if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
				return 0, err
			}
		}
		if _, err := stmts[ch.text].ExecContext(ctx, ch.args...); err != nil {
			return 0, err
		}
		if _, err := stmts[l.logText].ExecContext(ctx, ch.cells...); err != nil {
			return 0, err
		}
		if open = !ch.last; !open {
			if _, err := conn.ExecContext(ctx, "COMMIT"); err != nil {
				return 0, err
			}
		}
	}
	return float64(time.Since(start)) / 1e6, nil
}

func (l *phoneLog) texts() []string {
	seen := map[string]bool{}
	for _, ch := range l.changes {
		seen[ch.text] = true
	}
	return slices.Collect(maps.Keys(seen))
}
