package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"siteledger/server/report"
)

// Queue reads everything of a centre that waits for a clerk: open cases,
// photos that are on a phone only, visits of an earlier day without their
// closing row, slips to register and waivers to decide. Blocking matters come
// first, then by age. now is the moment that "today" is counted from.
func (s *Store) Queue(ctx context.Context, centre uuid.UUID, now time.Time) ([]report.Item, report.Glance, error) {
	var items []report.Item
	var glance report.Glance
	err := s.View(ctx, func(tx *sql.Tx) error {
		for _, read := range []func(context.Context, *sql.Tx, uuid.UUID, time.Time) ([]report.Item, error){
			queueCases, queueEvidence, queueCards, queueSlips, queueWaivers,
		} {
			more, err := read(ctx, tx, centre, now)
			if err != nil {
				return err
			}
			items = append(items, more...)
		}
		var err error
		glance, err = readGlance(ctx, tx, centre, now)
		return err
	})
	if err != nil {
		return nil, glance, fmt.Errorf("read the queue: %w", err)
	}
	slices.SortStableFunc(items, func(a, b report.Item) int {
		if a.Blocking != b.Blocking {
			return cmp.Compare(boolInt(b.Blocking), boolInt(a.Blocking))
		}
		return cmp.Compare(a.Since, b.Since)
	})
	return items, glance, nil
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// jobOfItem are the columns that every row of the queue shows of its job j.
// What is at stake is the sum of the job's fees.
const jobOfItem = `
			j.id, COALESCE(j."job_no", ''), COALESCE(j."kind", ''),
			COALESCE((
				SELECT c."name"
				FROM state_job_contact c
				WHERE c.centre = j.centre AND c."job" = j.id AND c.deleted = 0
				ORDER BY c.id
				LIMIT 1
			), ''),
			COALESCE((
				SELECT SUM(l."charged")
				FROM state_fee_line l
				JOIN state_visit v ON v.centre = l.centre AND v.id = l."visit"
				WHERE v.centre = j.centre AND v."job" = j.id AND l.deleted = 0
			), 0),
			COALESCE((
				SELECT p."name"
				FROM state_assignment a
				JOIN state_person p ON p.centre = a.centre AND p.id = a."person"
				WHERE a.centre = j.centre AND a."job" = j.id AND a."active" = 1 AND a.deleted = 0
				ORDER BY a."lead" DESC NULLS LAST, a.id
				LIMIT 1
			), '')`

func scanItem(rows *sql.Rows, it *report.Item, more ...any) error {
	var job []byte
	var no, kind, customer, who sql.NullString
	var value sql.NullInt64
	if err := rows.Scan(append([]any{&job, &no, &kind, &customer, &value, &who}, more...)...); err != nil {
		return err
	}
	copy(it.Job[:], job)
	it.JobNo, it.JobKind, it.Customer, it.Value, it.Who = no.String, kind.String, customer.String, value.Int64, who.String
	return nil
}

func queueCases(ctx context.Context, tx *sql.Tx, centre uuid.UUID, _ time.Time) ([]report.Item, error) {
	rows, err := tx.QueryContext(ctx, `
		SELECT`+jobOfItem+`,
			c.id, c.kind, c.tbl, c.col, c.blocking, c.opened_at, COALESCE(p."name", '')
		FROM case_file c
		LEFT JOIN state_job j ON j.centre = c.centre AND j.id = c.root
		LEFT JOIN state_person p ON p.centre = c.centre AND p.id = c.root
		WHERE c.centre = $1 AND c.state = 'open'
		ORDER BY c.opened_at
		LIMIT 2000`, centre[:])
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []report.Item
	for rows.Next() {
		var it report.Item
		var id []byte
		var person string // of a case that is about a phone, not about a job
		if err := scanItem(rows, &it, &id, &it.Kind, &it.Table, &it.Column, &it.Blocking, &it.Since, &person); err != nil {
			return nil, err
		}
		if person != "" {
			it.Who = person
		}
		copy(it.ID[:], id)
		it.Filter = report.FilterOf(&report.Case{Kind: it.Kind, Table: it.Table})
		out = append(out, it)
	}
	return out, rows.Err()
}

func queueEvidence(ctx context.Context, tx *sql.Tx, centre uuid.UUID, _ time.Time) ([]report.Item, error) {
	return readItems(ctx, tx, "evidence", report.FilterEvidence, `
		SELECT`+jobOfItem+`,
			j.id, COALESCE((
				SELECT MIN(p."taken_at")
				FROM state_photo p
				WHERE p.centre = j.centre AND p."job" = j.id AND p.deleted = 0
			), j."intake_at"), COUNT(DISTINCT r.sha256)
		FROM state_job j
		CROSS JOIN blob_ref r
		WHERE j.centre = $1 AND `+incomplete+` AND r.centre = j.centre AND r.root = j.id
			AND NOT EXISTS (SELECT 1 FROM blob_present p WHERE p.centre = r.centre AND p.sha256 = r.sha256)
		GROUP BY j.centre, j.id`, centre[:])
}

func queueCards(ctx context.Context, tx *sql.Tx, centre uuid.UUID, now time.Time) ([]report.Item, error) {
	midnight := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, now.Location())
	return readItems(ctx, tx, "card", report.FilterLateCards, `
		SELECT`+jobOfItem+`,
			v.id, v."started_at", 0
		FROM state_job j
		CROSS JOIN state_visit v
		WHERE j.centre = $1 AND `+incomplete+` AND j."status" <> 'cancelled'
			AND v.centre = j.centre AND v."job" = j.id AND v.deleted = 0 AND v."started_at" < $2
			AND NOT EXISTS (
				SELECT 1
				FROM state_visit_close c
				WHERE c.centre = v.centre AND c."visit" = v.id AND c.deleted = 0
			)`, centre[:], midnight.UnixMilli())
}

func queueSlips(ctx context.Context, tx *sql.Tx, centre uuid.UUID, _ time.Time) ([]report.Item, error) {
	return readItems(ctx, tx, "slip", report.FilterSlips, `
		SELECT`+jobOfItem+`,
			j.id, COALESCE((
				SELECT MAX(c."at")
				FROM state_visit_close c
				JOIN state_visit v ON v.centre = c.centre AND v.id = c."visit"
				WHERE v.centre = j.centre AND v."job" = j.id
			), j."intake_at"), 0
		FROM state_job j
		WHERE j.centre = $1 AND j.deleted = 0 AND j."status" = 'finished'`, centre[:])
}

func queueWaivers(ctx context.Context, tx *sql.Tx, centre uuid.UUID, _ time.Time) ([]report.Item, error) {
	return readItems(ctx, tx, "waiver", report.FilterWaivers, `
		SELECT`+jobOfItem+`,
			w.id, v."started_at", 0
		FROM state_waiver w
		JOIN state_visit v ON v.centre = w.centre AND v.id = w."visit"
		JOIN state_job j ON j.centre = v.centre AND j.id = v."job"
		WHERE w.centre = $1 AND w.deleted = 0 AND w."status" = 'pending'`, centre[:])
}

func readItems(ctx context.Context, tx *sql.Tx, kind string, filter int, query string, args ...any) ([]report.Item, error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", kind, err)
	}
	defer rows.Close()
	var out []report.Item
	for rows.Next() {
		it := report.Item{Kind: kind, Filter: filter}
		var id []byte
		var since sql.NullInt64
		if err := scanItem(rows, &it, &id, &since, &it.Count); err != nil {
			return nil, fmt.Errorf("%s: %w", kind, err)
		}
		copy(it.ID[:], id)
		it.Since = since.Int64
		out = append(out, it)
	}
	return out, rows.Err()
}

// readGlance counts the phones that were silent for a day and the files that
// exist on a phone only.
func readGlance(ctx context.Context, tx *sql.Tx, centre uuid.UUID, now time.Time) (report.Glance, error) {
	var g report.Glance
	err := tx.QueryRowContext(ctx, `
		SELECT COUNT(*), COALESCE(MIN(heard), 0)
		FROM (
			SELECT MAX(l.last_contact) AS heard
			FROM log l
			JOIN state_device d ON d.centre = l.centre AND d.id = l.device
			WHERE l.centre = $1 AND d.deleted = 0 AND d."revoked_at" IS NULL
			GROUP BY l.device
		) AS phone
		WHERE heard < $2`, centre[:], now.Add(-24*time.Hour).UnixMilli()).Scan(&g.SilentPhones, &g.OldestSilent)
	if err != nil {
		return g, err
	}
	err = tx.QueryRowContext(ctx, `
		SELECT COUNT(DISTINCT r.sha256)
		FROM state_job j
		CROSS JOIN blob_ref r
		WHERE j.centre = $1 AND `+incomplete+` AND r.centre = j.centre AND r.root = j.id
			AND NOT EXISTS (SELECT 1 FROM blob_present p WHERE p.centre = r.centre AND p.sha256 = r.sha256)`,
		centre[:]).Scan(&g.OnlyCopies)
	return g, err
}
