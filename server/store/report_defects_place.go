package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"siteledger/server/report"
)

// OpenCounts counts headquarters' queue by state; it reads the queue's index
// and one row.
func (s *Store) OpenCounts(ctx context.Context) (report.DefectCounts, error) {
	out := report.DefectCounts{ByStatus: map[string]int{}}
	err := s.View(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, `
			SELECT d."status", COUNT(*)
			FROM state_defect d
			WHERE `+waiting+`
			GROUP BY d."status"`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var status string
			var n int
			if err := rows.Scan(&status, &n); err != nil {
				return err
			}
			out.ByStatus[status] = n
			out.ByStatus[""] += n
		}
		if err := rows.Err(); err != nil {
			return err
		}
		first, err := s.openDefects(ctx, tx, report.DefectWindow{Status: "submitted", Limit: 1})
		if err != nil || len(first) == 0 {
			return err
		}
		out.Oldest = report.DefectPlace{Centre: first[0].Centre, ID: first[0].Defect.ID, Status: "submitted"}
		out.Since = first[0].Since
		return nil
	})
	if err != nil {
		return report.DefectCounts{}, fmt.Errorf("count open defects: %w", err)
	}
	return out, nil
}

// OpenSpot finds a defect's place in the queue and its neighbours by key, so
// that the next case costs the same in a queue of any length but for the count.
func (s *Store) OpenSpot(ctx context.Context, of report.DefectPlace, status string) (report.DefectSpot, error) {
	var out report.DefectSpot
	err := s.View(ctx, func(tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, `
			SELECT COUNT(*),
				COUNT(CASE WHEN d.id < $2 OR (d.id = $2 AND d.centre < $3) THEN 1 END),
				COUNT(CASE WHEN d.id = $2 AND d.centre = $3 THEN 1 END)
			FROM state_defect d
			WHERE `+waiting+` AND ($1 = '' OR d."status" = $1)`, status, of.ID[:], of.Centre[:]).Scan(&out.Total, &out.Before, counted{&out.In})
		if err != nil {
			return err
		}
		if out.Prev, err = neighbour(ctx, tx, `AND (d.id, d.centre) < ($2, $3) ORDER BY d.id DESC, d.centre DESC`, of, status); err != nil {
			return err
		}
		if out.Next, err = neighbour(ctx, tx, `AND (d.id, d.centre) > ($2, $3) ORDER BY d.id, d.centre`, of, status); err != nil || out.Next != nil || out.Before == 0 {
			return err
		}
		out.Next, err = neighbour(ctx, tx, `AND (d.id, d.centre) < ($2, $3) ORDER BY d.id, d.centre`, of, status)
		return err
	})
	if err != nil {
		return report.DefectSpot{}, fmt.Errorf("find the place of defect %s: %w", of.ID, err)
	}
	return out, nil
}

// counted scans a count as yes or no.
type counted struct{ is *bool }

// Scan implements sql.Scanner.
func (c counted) Scan(v any) error {
	n, ok := v.(int64)
	if !ok {
		return fmt.Errorf("%T is no count", v)
	}
	*c.is = n > 0
	return nil
}

func neighbour(ctx context.Context, tx *sql.Tx, side string, of report.DefectPlace, status string) (*report.DefectPlace, error) {
	var p report.DefectPlace
	var centre, id []byte
	err := tx.QueryRowContext(ctx, `
		SELECT d.centre, d.id, d."status"
		FROM state_defect d
		WHERE `+waiting+` AND ($1 = '' OR d."status" = $1) `+side+`
		LIMIT 1`, status, of.ID[:], of.Centre[:]).Scan(&centre, &id, &p.Status)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	p.Centre, p.ID = idOf(centre), idOf(id)
	return &p, nil
}

// Precedents reads the last judged defects of a class in all centres with the
// verdict that stands, newest first.
func (s *Store) Precedents(ctx context.Context, class string, limit int) ([]report.Precedent, error) {
	var out []report.Precedent
	err := s.list(ctx, "read precedents", func(rows *sql.Rows) error {
		var p report.Precedent
		var centre, id []byte
		if err := rows.Scan(&centre, &id, &p.Text, &p.Material, &p.Model, &p.Verdict, &p.Remedy, &p.Reason, &p.At); err != nil {
			return err
		}
		p.Place = report.DefectPlace{Centre: idOf(centre), ID: idOf(id), Status: "judged"}
		if n := len(out); n == 0 || out[n-1].Place != p.Place { // the newest verdict of each
			out = append(out, p)
		}
		return nil
	}, `
		WITH past AS (
			SELECT d.centre, d.id
			FROM state_defect d
			WHERE d.deleted = 0 AND d."status" = 'judged' AND d."class" = $1
			ORDER BY d.id DESC, d.centre DESC
			LIMIT $2
		)
		SELECT s.centre, s.id, COALESCE(s."text", ''), COALESCE(i."material", ''), COALESCE(i."model", ''),
			a."verdict", COALESCE(a."remedy", ''), COALESCE(a."reason", ''), a."at"
		FROM past p
		CROSS JOIN state_defect s
		CROSS JOIN state_adjudication a
		LEFT JOIN state_job_item i ON i.centre = s.centre AND i.id = s."item"
		WHERE s.centre = p.centre AND s.id = p.id AND a.centre = s.centre AND a."defect" = s.id AND a.deleted = 0
			AND a."verdict" IN ('hq', 'store', 'customer', 'carrier')
		ORDER BY s.id DESC, s.centre DESC, a."at" DESC`, class, limit)
	return out, err
}

// VerdictSums adds up the verdicts of all centres since a time.
func (s *Store) VerdictSums(ctx context.Context, since int64) ([]report.VerdictSum, error) {
	var out []report.VerdictSum
	err := s.list(ctx, "add up verdicts", func(rows *sql.Rows) error {
		var v report.VerdictSum
		err := rows.Scan(&v.Verdict, &v.Count, &v.Cost)
		out = append(out, v)
		return err
	}, `
		SELECT a."verdict", COUNT(*), CAST(COALESCE(SUM(a."cost"), 0) AS BIGINT)
		FROM state_adjudication a
		WHERE a."at" >= $1
		GROUP BY a."verdict"
		ORDER BY a."verdict"`, since)
	return out, err
}
