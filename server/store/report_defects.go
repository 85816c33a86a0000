package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/google/uuid"

	"siteledger/server/report"
	"siteledger/syncproto/schema"
)

// waiting is what headquarters has to look at, of all centres. The index
// state_defect_waiting holds just those, in the order of the queue.
const waiting = `d.deleted = 0 AND d."status" IN ('submitted', 'retake', 'returning')`

// openDefectIDs names a part of the queue, the oldest first: $1 is a state or
// "", $2 how many and $3 behind how many.
const openDefectIDs = `
		WITH open AS (
			SELECT d.centre, d.id
			FROM state_defect d
			WHERE ` + waiting + ` AND ($1 = '' OR d."status" = $1)
			ORDER BY d.id, d.centre
			LIMIT $2 OFFSET $3
		)`

// OpenDefects reads a part of the defects of all centres that headquarters has
// to look at, the longest waiting first. It reads those and their photos, not
// whole jobs, in two questions however many there are.
func (s *Store) OpenDefects(ctx context.Context, w report.DefectWindow) ([]report.DefectLine, error) {
	var out []report.DefectLine
	err := s.View(ctx, func(tx *sql.Tx) error {
		var err error
		if out, err = s.openDefects(ctx, tx, w); err != nil {
			return err
		}
		return s.openPhotos(ctx, tx, w, out)
	})
	if err != nil {
		return nil, fmt.Errorf("read open defects: %w", err)
	}
	return out, nil
}

// FiledDefects reads a centre's defects that headquarters has to look at and
// that a leftover order was filed for, oldest first, at most limit. It begins
// with the centre's orders, which are few.
func (s *Store) FiledDefects(ctx context.Context, centre uuid.UUID, limit int) ([]schema.Row, error) {
	q := s.tables["defect"]
	var out []schema.Row
	err := s.View(ctx, func(tx *sql.Tx) error {
		rows, err := q.readFileRows(ctx, tx, `
			SELECT `+q.selected()+`
			FROM (SELECT DISTINCT l."defect" FROM state_leftover_order l WHERE l.centre = $1 AND l.deleted = 0) o
			CROSS JOIN state_defect s
			WHERE s.centre = $1 AND s.id = o."defect" AND s.deleted = 0 AND s."status" IN ('submitted', 'retake', 'returning')
			ORDER BY s.id
			LIMIT $2`, centre[:], limit)
		out = report.Plain(rows)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read defects with an order: %w", err)
	}
	return out, nil
}

func (s *Store) openDefects(ctx context.Context, tx *sql.Tx, w report.DefectWindow) ([]report.DefectLine, error) {
	q := s.tables["defect"]
	rows, err := tx.QueryContext(ctx, openDefectIDs+`
		SELECT `+q.selected()+`, s.centre,
			COALESCE((SELECT c."name" FROM state_centre c WHERE c.centre = s.centre AND c.deleted = 0 ORDER BY c.id LIMIT 1), ''),
			COALESCE(j."contract_no", ''),
			COALESCE(j."job_no", ''),
			`+itemColumn("store")+`,
			`+itemColumn("material")+`,
			`+itemColumn("model")+`,
			(SELECT COUNT(*) FROM state_adjudication a WHERE a.centre = s.centre AND a."defect" = s.id AND a.deleted = 0),
			(SELECT COUNT(*) FROM state_adjudication a WHERE a.centre = s.centre AND a."defect" = s.id AND a.deleted = 0 AND a."verdict" IN ('hq', 'store', 'customer', 'carrier')),
			(SELECT COUNT(*) FROM state_return_shipment r WHERE r.centre = s.centre AND r."defect" = s.id AND r.deleted = 0 AND r."status" = 'received'),
			(SELECT COUNT(*) FROM state_leftover_order l WHERE l.centre = s.centre AND l."defect" = s.id AND l.deleted = 0)
		FROM open o
		CROSS JOIN state_defect s
		CROSS JOIN state_job j`+itemOf+`
		WHERE s.centre = o.centre AND s.id = o.id AND j.centre = s.centre AND j.id = s.root
		ORDER BY s.id, s.centre`, w.Status, w.Limit, w.Offset)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []report.DefectLine
	for rows.Next() {
		var l report.DefectLine
		var centre []byte
		r, err := q.fileRow(tail{rows, []any{&centre, &l.CentreName, &l.Contract, &l.JobNo, &l.Store, &l.Material, &l.Model, &l.Verdicts, &l.Finals, &l.Received, &l.Orders}})
		if err != nil {
			return nil, err
		}
		l.Defect, l.Since, l.Centre, l.Present = r.Row, r.Marks["status"].Received, idOf(centre), map[[32]byte]bool{}
		out = append(out, l)
	}
	return out, rows.Err()
}

// tail scans more columns behind those that its user asks for.
type tail struct {
	rows scanner
	last []any
}

// Scan implements scanner.
func (t tail) Scan(dest ...any) error { return t.rows.Scan(append(dest, t.last...)...) }

// openPhotos adds the photos of open defects, oldest first, and which of their
// files have arrived.
func (s *Store) openPhotos(ctx context.Context, tx *sql.Tx, w report.DefectWindow, lines []report.DefectLine) error {
	at := make(map[[32]byte]*report.DefectLine, len(lines))
	key := func(centre, defect uuid.UUID) (k [32]byte) {
		copy(k[:16], centre[:])
		copy(k[16:], defect[:])
		return k
	}
	for i := range lines {
		at[key(lines[i].Centre, lines[i].Defect.ID)] = &lines[i]
	}
	q := s.tables["photo"]
	there := func(column string) string {
		return `(SELECT COUNT(*) FROM blob_present b WHERE b.centre = s.centre AND b.sha256 = s."` + column + `")`
	}
	rows, err := tx.QueryContext(ctx, openDefectIDs+`
		SELECT `+q.selected()+`, s.centre, `+there("original")+`, `+there("preview")+`
		FROM open o
		CROSS JOIN state_photo s
		WHERE s.centre = o.centre AND s."defect" = o.id AND s.deleted = 0
		ORDER BY s.id`, w.Status, w.Limit, w.Offset)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var centre []byte
		var original, preview int
		r, err := q.scanRow(tail{rows, []any{&centre, &original, &preview}})
		if err != nil {
			return err
		}
		l := at[key(idOf(centre), r.Row.UUID("defect"))]
		if l == nil {
			continue
		}
		l.Photos = append(l.Photos, r.Row)
		for column, n := range map[string]int{"original": original, "preview": preview} {
			if sha := r.Row.Bytes(column); n > 0 && len(sha) == 32 {
				l.Present[[32]byte(sha)] = true
			}
		}
	}
	return rows.Err()
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
