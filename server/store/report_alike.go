package store

import (
	"context"
	"database/sql"

	"siteledger/server/report"
)

// itemOf joins the product that a defect s names.
const itemOf = `
		LEFT JOIN state_job_item i ON i.centre = s.centre AND i.id = s."item"`

// itemColumn is a column of that product, or where the defect names none of the
// first one of its job, as the case page shows it; ” for neither. Both are
// found by an index.
func itemColumn(name string) string {
	return `
			COALESCE(CASE WHEN i.id IS NULL
				THEN (SELECT x."` + name + `" FROM state_job_item x WHERE x.centre = s.centre AND x."job" = s.root AND x.deleted = 0 ORDER BY x.id LIMIT 1)
				ELSE i."` + name + `" END, '')`
}

// Waiting reads the longest waiting cases of a class with what tells whether
// they are of one batch. It reads the index of those alone, and limit rows.
func (s *Store) Waiting(ctx context.Context, class string, limit int) ([]report.Waiting, error) {
	var out []report.Waiting
	err := s.list(ctx, "read waiting cases of a class", func(rows *sql.Rows) error {
		var w report.Waiting
		var centre, id []byte
		err := rows.Scan(&centre, &id, &w.Rev, &w.Text, &w.Material, &w.Model, &w.Store, &w.JobNo)
		w.Place = report.DefectPlace{Centre: idOf(centre), ID: idOf(id), Status: "submitted"}
		out = append(out, w)
		return err
	}, `
		WITH alike AS (
			SELECT d.centre, d.id
			FROM state_defect d
			WHERE d.deleted = 0 AND d."status" = 'submitted' AND d."class" = $1
			ORDER BY d.id, d.centre
			LIMIT $2
		)
		SELECT s.centre, s.id, s.rev, COALESCE(s."text", ''),`+itemColumn("material")+`,`+itemColumn("model")+`,`+itemColumn("store")+`,
			COALESCE(j."job_no", '')
		FROM alike a
		CROSS JOIN state_defect s
		CROSS JOIN state_job j`+itemOf+`
		WHERE s.centre = a.centre AND s.id = a.id AND j.centre = s.centre AND j.id = s.root
		ORDER BY s.id, s.centre`, class, limit)
	return out, err
}
