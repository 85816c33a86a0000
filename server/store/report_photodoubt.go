package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/google/uuid"

	"siteledger/server/report"
)

// twinRows bounds how many other photos a job's page names.
const twinRows = 60

// twinPlace is where the other photo f stands: its row, job and defect.
const twinPlace = `
		JOIN state_photo p ON p.centre = f.centre AND p.id = f.row AND p.deleted = 0
		LEFT JOIN state_job j ON j.centre = f.centre AND j.id = f.root
		LEFT JOIN state_defect d ON d.centre = p.centre AND d.id = p."defect" AND d.deleted = 0`

const twinColumns = `
			f.centre,
			COALESCE((SELECT c."name" FROM state_centre c WHERE c.centre = f.centre AND c.deleted = 0 ORDER BY c.id LIMIT 1), ''),
			f.row,
			f.sha256,
			f.root,
			COALESCE(j."job_no", ''),
			d.id,
			COALESCE(d."status", ''),
			COALESCE(p."role", ''),
			COALESCE(p."taken_at", 0)`

// twinsSame are the photos of the centre with the same bytes: of other jobs, and
// of other defects of the same job.
const twinsSame = `
		SELECT m.row, 0, 0, 0,` + twinColumns + `
		FROM blob_ref m
		JOIN blob_ref f ON f.centre = m.centre AND f.sha256 = m.sha256 AND f.tbl = 'photo' AND f.col = 'original'` + twinPlace + `
		JOIN state_photo o ON o.centre = m.centre AND o.id = m.row AND o.deleted = 0
		WHERE m.centre = $1 AND m.root = $2 AND m.tbl = 'photo' AND m.col = 'original' AND f.row <> m.row
			AND (f.root <> m.root OR o."defect" <> p."defect")
		ORDER BY m.row, f.row
		LIMIT $3`

// twinsAbroad are those of other centres, found among the photos that were
// looked at.
const twinsAbroad = `
		SELECT m.row, 0, 0, 0,` + twinColumns + `
		FROM blob_ref m
		JOIN photo_look l ON l.sha256 = m.sha256 AND l.centre <> m.centre
		JOIN blob_ref f ON f.centre = l.centre AND f.sha256 = l.sha256 AND f.tbl = 'photo' AND f.col = 'original'` + twinPlace + `
		WHERE m.centre = $1 AND m.root = $2 AND m.tbl = 'photo' AND m.col = 'original'
		ORDER BY m.row, f.centre, f.row
		LIMIT $3`

// twinsAlike are the photos of other jobs that look alike; $4 is 1 where other
// centres count too.
const twinsAlike = `
		SELECT m.row, a.distance, a.turned, a.cropped,` + twinColumns + `
		FROM blob_ref m
		JOIN photo_alike a ON a.centre = m.centre AND a.sha256 = m.sha256 AND (a.other_centre = m.centre OR $4 = 1)
		JOIN blob_ref f ON f.centre = a.other_centre AND f.sha256 = a.other_sha256 AND f.tbl = 'photo' AND f.col = 'original'` + twinPlace + `
		WHERE m.centre = $1 AND m.root = $2 AND m.tbl = 'photo' AND m.col = 'original' AND (f.centre <> m.centre OR f.root <> m.root)
		ORDER BY m.row, a.distance, f.centre, f.row
		LIMIT $3`

const (
	photoLooks = `
		SELECT m.row, l.state
		FROM blob_ref m
		JOIN photo_look l ON l.centre = m.centre AND l.sha256 = m.sha256
		WHERE m.centre = $1 AND m.root = $2 AND m.tbl = 'photo' AND m.col = 'original'`
	photoSpans = `
		SELECT t.row, t.earliest, t.latest, t.wall, k.sides
		FROM blob_ref m
		JOIN event_time t ON t.centre = m.centre AND t.tbl = 'photo' AND t.row = m.row AND t.col = 'taken_at' AND t.stands = 1
		JOIN case_file k ON k.centre = t.centre AND k.id = t.case_id
		WHERE m.centre = $1 AND m.root = $2 AND m.tbl = 'photo' AND m.col = 'original'`
	stepSpans = `
		SELECT t.row, t.earliest, t.latest, t.wall, '{}'
		FROM feed f
		JOIN event_time t ON t.centre = f.centre AND t.tbl = f.tbl AND t.row = f.row AND t.stands = 1
		WHERE f.centre = $1 AND f.root = $2 AND f.tbl IN ('visit', 'visit_event', 'visit_close') AND f.deleted = 0`
)

// PhotoFacts reads what is known of a job's photos beside their rows, in one
// snapshot: it follows from the job's photos and what they look like, not from
// how many photos there are.
func (s *Store) PhotoFacts(ctx context.Context, centre, job uuid.UUID, across bool) (report.PhotoFacts, error) {
	f := report.PhotoFacts{Looks: map[uuid.UUID]string{}}
	err := s.View(ctx, func(tx *sql.Tx) error {
		if err := readTwins(ctx, tx, &f, twinsSame, true, centre[:], job[:], twinRows); err != nil {
			return err
		}
		if across {
			if err := readTwins(ctx, tx, &f, twinsAbroad, true, centre[:], job[:], twinRows); err != nil {
				return err
			}
		}
		if err := readTwins(ctx, tx, &f, twinsAlike, false, centre[:], job[:], twinRows, flag(across)); err != nil {
			return err
		}
		var err error
		if f.Photos, err = readSpans(ctx, tx, photoSpans, centre, job); err != nil {
			return err
		}
		if f.Steps, err = readSpans(ctx, tx, stepSpans, centre, job); err != nil {
			return err
		}
		return readLooks(ctx, tx, &f, centre, job)
	})
	if err != nil {
		return report.PhotoFacts{}, fmt.Errorf("photos of job %s: %w", job, err)
	}
	return f, nil
}

func readTwins(ctx context.Context, tx *sql.Tx, f *report.PhotoFacts, query string, same bool, args ...any) error {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		t := report.PhotoTwin{Same: same}
		var photo, centre, other, sha, job, defect []byte
		var turned, cropped int64
		if err := rows.Scan(&photo, &t.Distance, &turned, &cropped, &centre, &t.CentreName, &other, &sha, &job, &t.JobNo, &defect, &t.DefectStatus, &t.Role, &t.Taken); err != nil {
			return err
		}
		t.Photo, t.Centre, t.Other, t.Job, t.Defect = idOf(photo), idOf(centre), idOf(other), idOf(job), idOf(defect)
		t.Turned, t.Cropped = turned == 1, cropped == 1
		copy(t.SHA256[:], sha)
		f.Twins = append(f.Twins, t)
	}
	return rows.Err()
}

func readSpans(ctx context.Context, tx *sql.Tx, query string, centre, job uuid.UUID) (map[uuid.UUID]report.EventSpan, error) {
	rows, err := tx.QueryContext(ctx, query, centre[:], job[:])
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[uuid.UUID]report.EventSpan{}
	for rows.Next() {
		var row []byte
		var e report.EventSpan
		var wall int64
		var sides string
		if err := rows.Scan(&row, &e.Earliest, &e.Latest, &wall, &sides); err != nil {
			return nil, err
		}
		s, err := report.ParseSides([]byte(sides))
		if err != nil {
			return nil, err
		}
		if s.Clock != nil {
			e.Jumped = s.Clock.Jumped
		}
		e.Row, e.Off = idOf(row), wall-e.Latest
		out[e.Row] = e
	}
	return out, rows.Err()
}

func readLooks(ctx context.Context, tx *sql.Tx, f *report.PhotoFacts, centre, job uuid.UUID) error {
	rows, err := tx.QueryContext(ctx, photoLooks, centre[:], job[:])
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var row []byte
		var state string
		if err := rows.Scan(&row, &state); err != nil {
			return err
		}
		f.Looks[idOf(row)] = state
	}
	return rows.Err()
}
