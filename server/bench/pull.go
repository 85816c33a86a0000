package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"
)

// phoneDB is the file of a phone's database within its folder.
const phoneDB = "phone.db"

// pullJobs is how many jobs the rows of a cold pull hang from.
const pullJobs = 200

// coldPull: a fresh phone takes over everything that it may see, against a raw
// insert of the same rows into the same tables.
func (b *bench) coldPull(ctx context.Context) ([]*row, error) {
	template, err := b.folder("template")
	if err != nil {
		return nil, err
	}
	var person uuid.UUID
	err = fill(ctx, template, func(w *world) (err error) {
		person, err = w.busyPerson(ctx, b.size.pullRows, pullJobs)
		return err
	})
	if err != nil {
		return nil, err
	}
	b.say("%d rows are there", b.size.pullRows)
	var ours, floor, wire, peak, cpu series
	var rows int
	for i := range b.runs {
		dir := filepath.Join(b.dir, b.row, fmt.Sprintf("run%d", i))
		got, err := b.pullRun(ctx, template, dir, person, fmt.Sprintf("cold_pull-%d", i+1))
		if err != nil {
			return nil, err
		}
		bare, err := b.pullFloor(ctx, filepath.Join(dir, "phone", phoneDB), filepath.Join(dir, "floor.db"))
		if err != nil {
			return nil, fmt.Errorf("floor: %w", err)
		}
		rows = got.Pulled
		ours, floor, wire = append(ours, got.MS/1000), append(floor, bare), append(wire, mb(float64(got.Received)))
		peak, cpu = append(peak, mb(got.phonePeak)), append(cpu, got.server.cpu)
		b.say("run %d of %d: %.2f s, floor %.2f s, %.2f MB on the wire, phone %.0f MB", i+1, b.runs, got.MS/1000, bare, mb(float64(got.Received)), mb(got.phonePeak))
		if err := os.RemoveAll(dir); err != nil {
			return nil, err
		}
	}
	r := compare(b.row, "s", ours, floor)
	r.atMost("ratio", r.Ratio, 1.5)
	r.atMost("s", r.Ours, 1.2)
	r.atMost("MB on the wire", wire.median(), 3)
	r.atMost("phone MB", peak.median(), 64)
	r.figure("rows", float64(rows))
	r.figure("wire_mb", wire.median())
	r.figure("phone_peak_mb", peak.median())
	r.figure("server_cpu_s", cpu.median())
	return []*row{r}, nil
}

// busyPerson makes a person with whole visits of many jobs, recorded on an
// earlier phone: at least n rows that a new phone will see.
func (w *world) busyPerson(ctx context.Context, n, jobs int) (uuid.UUID, error) {
	fleet, err := w.installers(ctx, 1, jobs)
	if err != nil {
		return uuid.Nil, err
	}
	d := fleet[0]
	visits := (n + rowsOfVisit - 1) / rowsOfVisit
	say := newPhrases(2)
	p := &logPen{d: d}
	for i := range visits {
		v := &visit{job: d.jobs[i%jobs], person: d.person, first: i < jobs, say: say, pictures: noPictures()}
		for _, step := range v.steps() {
			if err := step(p); err != nil {
				return uuid.Nil, err
			}
			if err := p.commit(); err != nil {
				return uuid.Nil, err
			}
		}
	}
	_, err = w.pushHere(ctx, d, 1)
	return d.person, err
}

// pulled is what one cold pull was.
type pulled struct {
	phoneAnswer
	phonePeak float64
	server    used
}

// pullRun lets a fresh phone of the person sync with a server on a copy of the
// template.
func (b *bench) pullRun(ctx context.Context, template, dir string, person uuid.UUID, name string) (out pulled, err error) {
	data := filepath.Join(dir, "server")
	if err := copyFolder(template, data); err != nil {
		return out, err
	}
	code, err := codeFor(ctx, data, person)
	if err != nil {
		return out, err
	}
	s, err := b.serve(serverSpec{Data: data})
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, s.end()) }()
	p, err := b.newPhone(filepath.Join(dir, "phone"), s.url)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, p.end()) }()
	if _, err := p.do("enrol %s", code); err != nil {
		return out, err
	}
	if err := s.begin(name); err != nil {
		return out, err
	}
	if out.phoneAnswer, out.phonePeak, err = p.watched("sync"); err != nil {
		return out, err
	}
	if out.Pulled < b.size.pullRows {
		return out, fmt.Errorf("the phone pulled %d rows, want %d", out.Pulled, b.size.pullRows)
	}
	out.server, err = s.measured()
	return out, err
}

// codeFor gives an enrolment code of a person, as the command line does.
func codeFor(ctx context.Context, data string, person uuid.UUID) (code string, err error) {
	err = fill(ctx, data, func(w *world) error {
		code, _, err = w.Auth.OperatorCode(ctx, person)
		return err
	})
	return code, err
}

// pullFloor inserts the rows that a phone shows into the same tables of an
// empty database, prepared and in one transaction, and gives seconds.
func (b *bench) pullFloor(ctx context.Context, from, to string) (seconds float64, err error) {
	puts, err := appTables(ctx, from)
	if err != nil {
		return 0, err
	}
	db, err := sql.Open("sqlite", phoneDSN(to))
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	conn, err := db.Conn(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	var stmts []*sql.Stmt
	for _, p := range puts {
		if _, err := conn.ExecContext(ctx, p.ddl); err != nil {
			return 0, err
		}
		st, err := conn.PrepareContext(ctx, p.text)
		if err != nil {
			return 0, err
		}
		stmts = append(stmts, st)
	}
	start := time.Now()
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return 0, err
	}
	for i, p := range puts {
		for _, cells := range p.rows {
			if _, err := stmts[i].ExecContext(ctx, cells...); err != nil {
				return 0, err
			}
		}
	}
	if _, err := conn.ExecContext(ctx, "COMMIT"); err != nil {
		return 0, err
	}
	return time.Since(start).Seconds(), nil
}

// phoneDSN opens a database with a phone's durability.
func phoneDSN(path string) string {
	return "file:" + path + "?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=cell_size_check(1)"
}

// appTables reads the app's tables of a phone, those that hold rows, with
// their indexes.
func appTables(ctx context.Context, path string) (out []put, err error) {
	db, err := readOnly(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	rows, err := db.QueryContext(ctx, `SELECT tbl_name, group_concat(sql, ';' ORDER BY type DESC) FROM sqlite_schema WHERE tbl_name LIKE 'app\_%' ESCAPE '\' AND sql IS NOT NULL GROUP BY tbl_name`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	ddl := map[string]string{}
	for rows.Next() {
		var name, text string
		if err := rows.Scan(&name, &text); err != nil {
			return nil, err
		}
		ddl[name] = text
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	for name, text := range ddl {
		p := put{ddl: text}
		if err := p.read(ctx, db, name, "SELECT * FROM "+name); err != nil {
			return nil, err
		}
		if len(p.rows) > 0 {
			out = append(out, p)
		}
	}
	if len(out) == 0 {
		return nil, errors.New("the phone shows no rows")
	}
	return out, nil
}

// appTable says whether a table is one of the app's.
func appTable(name string) bool { return strings.HasPrefix(name, "app_") }
