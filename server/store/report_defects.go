package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/google/uuid"

	"siteledger/server/report"
	"siteledger/syncproto/schema"
)

// OpenDefects reads the defects of all centres that headquarters has to look
// at, the longest waiting first. It reads each centre's few open defects and
// their photos, not whole jobs.
func (s *Store) OpenDefects(ctx context.Context, limit int) ([]report.DefectLine, error) {
	var out []report.DefectLine
	err := s.View(ctx, func(tx *sql.Tx) error {
		var err error
		if out, err = s.openDefects(ctx, tx, limit); err != nil {
			return err
		}
		for i := range out {
			if err := s.defectFacts(ctx, tx, &out[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read open defects: %w", err)
	}
	return out, nil
}

func (s *Store) openDefects(ctx context.Context, tx *sql.Tx, limit int) ([]report.DefectLine, error) {
	q := s.tables["defect"]
	rows, err := tx.QueryContext(ctx, `
		SELECT `+q.selected()+`, s.centre
		FROM state_defect s
		WHERE s.deleted = 0 AND s."status" IN ('submitted', 'retake', 'returning')
		ORDER BY s.id
		LIMIT $1`, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []report.DefectLine
	for rows.Next() {
		var centre []byte
		r, err := q.fileRow(tail{rows, &centre})
		if err != nil {
			return nil, err
		}
		l := report.DefectLine{Defect: r.Row, Since: r.Marks["status"].Received}
		copy(l.Centre[:], centre)
		out = append(out, l)
	}
	return out, rows.Err()
}

// tail scans one more column behind those that its user asks for.
type tail struct {
	rows scanner
	last any
}

// Scan implements scanner.
func (t tail) Scan(dest ...any) error { return t.rows.Scan(append(dest, t.last)...) }

// defectFacts adds what the queue shows besides the defect's own row.
func (s *Store) defectFacts(ctx context.Context, tx *sql.Tx, l *report.DefectLine) error {
	var name, contract, no, store sql.NullString
	err := tx.QueryRowContext(ctx, `
		SELECT
			(SELECT c."name" FROM state_centre c WHERE c.centre = j.centre AND c.deleted = 0 ORDER BY c.id LIMIT 1),
			j."contract_no",
			j."job_no",
			(SELECT i."store" FROM state_job_item i WHERE i.centre = j.centre AND i."job" = j.id AND i.deleted = 0 ORDER BY i.id LIMIT 1)
		FROM state_job j
		WHERE j.centre = $1 AND j.id = $2`, l.Centre[:], l.Defect.Root[:]).Scan(&name, &contract, &no, &store)
	if err != nil {
		return fmt.Errorf("job of defect %s: %w", l.Defect.ID, err)
	}
	l.CentreName, l.Contract, l.JobNo, l.Store = name.String, contract.String, no.String, store.String
	if err := tx.QueryRowContext(ctx, `
		SELECT COUNT(*)
		FROM state_adjudication a
		WHERE a.centre = $1 AND a."defect" = $2 AND a.deleted = 0`, l.Centre[:], l.Defect.ID[:]).Scan(&l.Verdicts); err != nil {
		return err
	}
	if l.Photos, err = s.photosOf(ctx, tx, l.Centre, l.Defect.Root, l.Defect.ID); err != nil {
		return err
	}
	l.Present, err = filePresent(ctx, tx, l.Centre, l.Defect.Root)
	return err
}

// photosOf reads the photos of one defect of a job, oldest first.
func (s *Store) photosOf(ctx context.Context, tx *sql.Tx, centre, job, defect uuid.UUID) ([]schema.Row, error) {
	q := s.tables["photo"]
	rows, err := q.readFileRows(ctx, tx, `
		SELECT `+q.selected()+`
		FROM state_photo s
		WHERE s.centre = $1 AND s."job" = $2 AND s."defect" = $3 AND s.deleted = 0
		ORDER BY s.id`, centre[:], job[:], defect[:])
	return report.Plain(rows), err
}

// DefectPhoto says whether a file is the original or the preview of a photo of
// a defect that was submitted to headquarters: what headquarters may see of a
// centre's files.
func (s *Store) DefectPhoto(ctx context.Context, centre uuid.UUID, sha [32]byte) (bool, error) {
	var n int
	err := s.View(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `
			SELECT COUNT(*)
			FROM blob_ref r
			JOIN state_photo p ON p.centre = r.centre AND p.id = r.row
			JOIN state_defect d ON d.centre = p.centre AND d.id = p."defect"
			WHERE r.centre = $1 AND r.sha256 = $2 AND r.tbl = 'photo'
				AND p.deleted = 0 AND d.deleted = 0 AND d."status" <> 'open'`, centre[:], sha[:]).Scan(&n)
	})
	if err != nil {
		return false, fmt.Errorf("find photo %x: %w", sha[:6], err)
	}
	return n > 0, nil
}
