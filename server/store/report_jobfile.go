package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/server/reconcile"
	"siteledger/server/report"
	"siteledger/syncproto"
	"siteledger/syncproto/schema"
)

// JobFile reads everything about one job of a centre in one snapshot. A job
// of another centre is NotFound, like one that never was.
func (s *Store) JobFile(ctx context.Context, centre, job uuid.UUID) (report.JobFile, error) {
	f := report.JobFile{Centre: centre, Job: job, Rows: map[string][]report.FileRow{}}
	err := s.View(ctx, func(tx *sql.Tx) error {
		if err := s.fileRows(ctx, tx, &f); err != nil {
			return err
		}
		if len(f.Rows["job"]) == 0 {
			return fault.New(syncproto.NotFound, "there is no such job")
		}
		return s.fileFacts(ctx, tx, &f)
	})
	if err != nil {
		return report.JobFile{}, fmt.Errorf("read job %s: %w", job, err)
	}
	return f, nil
}

// fileRows reads the live rows of a job, table by table, generically by the
// descriptor: the feed's index says which tables the job has rows in.
func (s *Store) fileRows(ctx context.Context, tx *sql.Tx, f *report.JobFile) error {
	tables, err := texts(ctx, tx, `
		SELECT DISTINCT tbl
		FROM feed
		WHERE centre = $1 AND root = $2 AND deleted = 0`, f.Centre[:], f.Job[:])
	if err != nil {
		return err
	}
	for _, name := range tables {
		q := s.tables[name]
		if q == nil || q.t.Root != schema.RootJob {
			continue
		}
		rows, err := q.fileRows(ctx, tx, f.Centre, f.Job)
		if err != nil {
			return fmt.Errorf("table %s: %w", name, err)
		}
		f.Rows[name] = rows
	}
	return nil
}

// selected are the columns that scanRow reads, of the state table s.
func (q *tableSQL) selected() string {
	return "s.id, s.root, s.rev, s.deleted, s.clock, s.extra, " + prefixed("s", q.columns)
}

// fileRow reads what selected names.
func (q *tableSQL) fileRow(rows scanner) (report.FileRow, error) {
	r, err := q.scanRow(rows)
	if err != nil {
		return report.FileRow{}, err
	}
	return report.FileRow{Row: r.Row, Marks: marksOf(q.t, r.Clock)}, nil
}

func (q *tableSQL) fileRows(ctx context.Context, tx *sql.Tx, centre, job uuid.UUID) ([]report.FileRow, error) {
	return q.readFileRows(ctx, tx, `
		SELECT `+q.selected()+`
		FROM feed f
		JOIN state_`+q.t.Name+` s ON s.centre = f.centre AND s.id = f.row
		WHERE f.centre = $1 AND f.root = $2 AND f.tbl = $3 AND f.deleted = 0 AND s.deleted = 0
		ORDER BY s.id`, centre[:], job[:], q.t.Name)
}

func (q *tableSQL) readFileRows(ctx context.Context, tx *sql.Tx, query string, args ...any) ([]report.FileRow, error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []report.FileRow
	for rows.Next() {
		r, err := q.fileRow(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// marksOf gives a row's column clock in the terms of the screens.
func marksOf(t *schema.Table, clock reconcile.Clock) map[string]report.Mark {
	out := make(map[string]report.Mark, len(t.Columns))
	for _, c := range t.Columns {
		st, ok := clock.Stamp(c.Name)
		if !ok {
			continue
		}
		out[c.Name] = report.Mark{Rev: st.Rev, Device: st.Log.Device, Actor: st.Actor, Role: st.Role,
			Wall: st.Wall, Received: st.Received, Office: st.Office}
	}
	return out
}

// StateRow reads one live row of a centre; false where there is none.
func (s *Store) StateRow(ctx context.Context, centre uuid.UUID, table string, id uuid.UUID) (schema.Row, bool, error) {
	q := s.tables[table]
	if q == nil {
		return schema.Row{}, false, nil
	}
	var r report.FileRow
	err := s.View(ctx, func(tx *sql.Tx) error {
		var err error
		r, err = q.fileRow(tx.QueryRowContext(ctx, `
			SELECT `+q.selected()+`
			FROM state_`+q.t.Name+` s
			WHERE s.centre = $1 AND s.id = $2 AND s.deleted = 0`, centre[:], id[:]))
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return schema.Row{}, false, nil
	}
	if err != nil {
		return schema.Row{}, false, fmt.Errorf("read %s %s: %w", table, id, err)
	}
	return r.Row, true, nil
}

// fileFacts reads what hangs around a job's rows: cases, losers, checked
// files, people and phones.
func (s *Store) fileFacts(ctx context.Context, tx *sql.Tx, f *report.JobFile) error {
	var err error
	if f.Cases, err = readCases(ctx, tx, `centre = $1 AND root = $2`, f.Centre[:], f.Job[:]); err != nil {
		return err
	}
	if f.Losers, err = fileLosers(ctx, tx, f.Centre, f.Job); err != nil {
		return err
	}
	if f.Present, err = filePresent(ctx, tx, f.Centre, f.Job); err != nil {
		return err
	}
	if f.People, f.Roles, err = readPeople(ctx, tx, f.Centre); err != nil {
		return err
	}
	if f.Holders, err = readHolders(ctx, tx, f.Centre, f.People); err != nil {
		return err
	}
	f.Contact, err = s.centreRow(ctx, tx, f.Centre)
	return err
}

func fileLosers(ctx context.Context, tx *sql.Tx, centre, job uuid.UUID) ([]report.Loser, error) {
	rows, err := tx.QueryContext(ctx, `
		SELECT l.tbl, l.row, l.col, l.rev, l.rule, l.value, l.actor, l.device, l.wall
		FROM loser l
		JOIN feed f ON f.centre = l.centre AND f.tbl = l.tbl AND f.row = l.row
		WHERE f.centre = $1 AND f.root = $2
		ORDER BY l.rev`, centre[:], job[:])
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []report.Loser
	for rows.Next() {
		var l report.Loser
		var row, actor, device []byte
		var rev int64
		var value string
		if err := rows.Scan(&l.Table, &row, &l.Column, &rev, &l.Rule, &value, &actor, &device, &l.Wall); err != nil {
			return nil, err
		}
		copy(l.Row[:], row)
		copy(l.Actor[:], actor)
		copy(l.Device[:], device)
		l.Rev, l.Value = uint64(rev), value
		out = append(out, l)
	}
	return out, rows.Err()
}

func filePresent(ctx context.Context, tx *sql.Tx, centre, job uuid.UUID) (map[[32]byte]bool, error) {
	rows, err := tx.QueryContext(ctx, `
		SELECT r.sha256
		FROM blob_ref r
		JOIN blob_present p ON p.centre = r.centre AND p.sha256 = r.sha256
		WHERE r.centre = $1 AND r.root = $2`, centre[:], job[:])
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[[32]byte]bool{}
	for rows.Next() {
		var sha []byte
		if err := rows.Scan(&sha); err != nil {
			return nil, err
		}
		if len(sha) == 32 {
			out[[32]byte(sha)] = true
		}
	}
	return out, rows.Err()
}

// readPeople gives the names and roles of a centre's people and of
// headquarters', by two lookups: one with an OR reads the people of all centres.
// SQLite takes a CROSS JOIN in the order that is written.
func readPeople(ctx context.Context, tx *sql.Tx, centre uuid.UUID) (map[uuid.UUID]string, map[uuid.UUID]schema.Role, error) {
	rows, err := tx.QueryContext(ctx, `
		SELECT p.id, p."name", p."role" FROM state_person p WHERE p.centre = $1
		UNION ALL
		SELECT p.id, p."name", p."role"
		FROM stream s
		CROSS JOIN state_person p
		WHERE s.headquarters = 1 AND s.centre <> $1 AND p.centre = s.centre`, centre[:])
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	names, roles := map[uuid.UUID]string{}, map[uuid.UUID]schema.Role{}
	for rows.Next() {
		var raw []byte
		var name, role sql.NullString
		if err := rows.Scan(&raw, &name, &role); err != nil {
			return nil, nil, err
		}
		var id uuid.UUID
		copy(id[:], raw)
		names[id], roles[id] = name.String, schema.Role(role.String)
	}
	return names, roles, rows.Err()
}

// Names gives the names of a centre's people and of headquarters'.
func (s *Store) Names(ctx context.Context, centre uuid.UUID) (map[uuid.UUID]string, error) {
	var names map[uuid.UUID]string
	err := s.View(ctx, func(tx *sql.Tx) error {
		var err error
		names, _, err = readPeople(ctx, tx, centre)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read names: %w", err)
	}
	return names, nil
}

// readHolders gives a centre's phones with whose they are and when they were
// last heard from.
func readHolders(ctx context.Context, tx *sql.Tx, centre uuid.UUID, people map[uuid.UUID]string) (map[uuid.UUID]report.Holder, error) {
	rows, err := tx.QueryContext(ctx, `
		SELECT l.device, l.person, l.last_contact, l.clock_offset, COALESCE(d."model", '')
		FROM log l
		JOIN stream s ON s.centre = l.centre
		LEFT JOIN state_device d ON d.centre = l.centre AND d.id = l.device
		WHERE l.centre = $1 AND l.device <> s.office_device
		ORDER BY l.last_contact`, centre[:])
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[uuid.UUID]report.Holder{}
	for rows.Next() {
		var h report.Holder
		var device, person []byte
		if err := rows.Scan(&device, &person, &h.LastContact, &h.ClockOffset, &h.Model); err != nil {
			return nil, err
		}
		copy(h.Device[:], device)
		copy(h.Person[:], person)
		h.Name = people[h.Person]
		out[h.Device] = h
	}
	return out, rows.Err()
}

func (s *Store) centreRow(ctx context.Context, tx *sql.Tx, centre uuid.UUID) (schema.Row, error) {
	q := s.tables["centre"]
	r, err := q.fileRow(tx.QueryRowContext(ctx, `
		SELECT `+q.selected()+`
		FROM state_centre s
		WHERE s.centre = $1 AND s.deleted = 0
		ORDER BY s.id
		LIMIT 1`, centre[:]))
	if errors.Is(err, sql.ErrNoRows) {
		return schema.Row{Table: "centre"}, nil
	}
	return r.Row, err
}

func texts(ctx context.Context, tx *sql.Tx, query string, args ...any) ([]string, error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, rows.Err()
}
