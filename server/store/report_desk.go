package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"siteledger/server/office"
	"siteledger/server/report"
	"siteledger/syncproto/schema"
)

// Counts satisfies report.Jobs.
func (s *Store) Counts(ctx context.Context, centre uuid.UUID, now time.Time) (report.Counts, error) {
	var c report.Counts
	err := s.View(ctx, func(tx *sql.Tx) error {
		g, err := readGlance(ctx, tx, centre, now)
		if err != nil {
			return err
		}
		c.Silent, c.OldestSilent, c.OnlyCopies = g.SilentPhones, g.OldestSilent, g.OnlyCopies
		err = tx.QueryRowContext(ctx, `
			SELECT COUNT(*), COALESCE(SUM(blocking), 0)
			FROM case_file
			WHERE centre = $1 AND state = 'open'`, centre[:]).Scan(&c.OpenCases, &c.Blocking)
		if err != nil {
			return err
		}
		return tx.QueryRowContext(ctx, `
			SELECT
				(SELECT COUNT(*) FROM state_job j WHERE j.centre = $1 AND j."status" = 'finished' AND j.deleted = 0),
				(SELECT COUNT(*) FROM state_job j WHERE j.centre = $1 AND j."status" = 'new' AND j.deleted = 0),
				(SELECT COUNT(*) FROM state_job j WHERE j.centre = $1 AND j."status" IN ('finished', 'registered', 'closed') AND `+incomplete+`)`,
			centre[:]).Scan(&c.Unregistered, &c.Undispatched, &c.Incomplete)
	})
	if err != nil {
		return c, fmt.Errorf("count the day: %w", err)
	}
	return c, nil
}

// Loads satisfies report.Jobs.
func (s *Store) Loads(ctx context.Context, centre uuid.UUID, from, to int64) ([]report.Load, error) {
	var out []report.Load
	err := s.View(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, `
			SELECT p.id, COALESCE(p."name", ''), COALESCE(p."skills", ''),
				COUNT(DISTINCT CASE WHEN COALESCE(j."slot_from", j."intake_at") >= $2 AND COALESCE(j."slot_from", j."intake_at") < $3
					AND j."status" <> 'cancelled' THEN j.id END),
				COUNT(DISTINCT CASE WHEN j."status" IN ('dispatched', 'departed', 'arrived') THEN j.id END),
				COALESCE((
					SELECT SUM(f."charged")
					FROM state_visit v
					CROSS JOIN state_fee_line f
					WHERE v.centre = p.centre AND v."person" = p.id AND v."started_at" >= $2 AND v."started_at" < $3
						AND f.centre = v.centre AND f."visit" = v.id AND f.deleted = 0
				), 0)
			FROM state_person p
			LEFT JOIN state_assignment a ON a.centre = p.centre AND a."person" = p.id AND a."active" = 1 AND a.deleted = 0
			LEFT JOIN state_job j ON j.centre = a.centre AND j.id = a."job" AND j.deleted = 0
			WHERE p.centre = $1 AND p.deleted = 0 AND p."role" = 'installer' AND p."active" = 1
			GROUP BY p.centre, p.id
			ORDER BY 4, p."name" NULLS FIRST, p.id`, centre[:], from, to)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var l report.Load
			var id []byte
			if err := rows.Scan(&id, &l.Name, &l.Skills, &l.Month, &l.Open, &l.Value); err != nil {
				return err
			}
			l.Person = idOf(id)
			out = append(out, l)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("read shares: %w", err)
	}
	return out, nil
}

// Scripts satisfies report.Desk: the newest script of a step.
func (s *Store) Scripts(ctx context.Context, step string) (zh, en string, err error) {
	err = s.View(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `
			SELECT COALESCE(s."text", ''), COALESCE(s."text_en", '')
			FROM state_script s
			JOIN stream h ON h.centre = s.centre AND h.headquarters = 1
			WHERE s."step" = $1 AND s.deleted = 0
			ORDER BY s.rev DESC
			LIMIT 1`, step).Scan(&zh, &en)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return "", "", nil
	}
	if err != nil {
		return "", "", fmt.Errorf("read script: %w", err)
	}
	return zh, en, nil
}

// Communities satisfies report.Desk.
func (s *Store) Communities(ctx context.Context, centre uuid.UUID) ([]report.Community, error) {
	var out []report.Community
	err := s.View(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, `
			SELECT id, COALESCE("name", ''), COALESCE("gate_rule", ''), COALESCE("quiet_from", 0), COALESCE("quiet_to", 0)
			FROM state_community
			WHERE centre = $1 AND deleted = 0
			ORDER BY "name" NULLS FIRST, id`, centre[:])
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var c report.Community
			var id []byte
			if err := rows.Scan(&id, &c.Name, &c.GateRule, &c.QuietFrom, &c.QuietTo); err != nil {
				return err
			}
			c.ID = idOf(id)
			out = append(out, c)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("read communities: %w", err)
	}
	return out, nil
}

// StateRows gives the live rows of a table whose uuid column names id, oldest
// first. An unknown table or column is an error of the caller.
func (s *Store) StateRows(ctx context.Context, centre uuid.UUID, table, column string, id uuid.UUID) ([]schema.Row, error) {
	q := s.tables[table]
	if q == nil || q.t.Column(column) == nil || q.t.Column(column).Type != schema.UUID {
		return nil, fmt.Errorf("no uuid column %s.%s", table, column)
	}
	var out []schema.Row
	err := s.View(ctx, func(tx *sql.Tx) error {
		rows, err := q.readFileRows(ctx, tx, `
			SELECT `+q.selected()+`
			FROM state_`+q.t.Name+` s
			WHERE s.centre = $1 AND s."`+column+`" = $2 AND s.deleted = 0
			ORDER BY s.id`, centre[:], id[:])
		out = report.Plain(rows)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read %s by %s: %w", table, column, err)
	}
	return out, nil
}

// LastJobNo satisfies office.Book. Numbers grow in length before they grow in
// order, so that 1000 comes behind 999.
func (s *Store) LastJobNo(ctx context.Context, centre uuid.UUID, prefix string) (string, error) {
	var no string
	err := s.View(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `
			SELECT "job_no"
			FROM state_job
			WHERE centre = $1 AND "job_no" >= $2 AND "job_no" < $3
			ORDER BY length("job_no") DESC, "job_no" DESC
			LIMIT 1`, centre[:], prefix, behind(prefix)).Scan(&no)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return no, err
}

// behind is the first text that comes behind all that begin with a prefix of
// plain letters, in the order of the bytes.
func behind(prefix string) string {
	if prefix == "" {
		return "\U0010FFFF"
	}
	return prefix[:len(prefix)-1] + string(prefix[len(prefix)-1]+1)
}

// PastJobs satisfies office.Book: what was asked and what was done about it.
func (s *Store) PastJobs(ctx context.Context, centre, customer uuid.UUID, limit int) ([]office.Past, error) {
	var out []office.Past
	err := s.View(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, `
			SELECT COALESCE(j."intake_at", 0), COALESCE(j."job_no", ''), COALESCE(j."kind", ''), COALESCE(j."asked_work", ''),
				COALESCE((
					SELECT r."measure"
					FROM state_service_record r
					JOIN state_visit v ON v.centre = r.centre AND v.id = r."visit"
					WHERE v.centre = j.centre AND v."job" = j.id AND r.deleted = 0
					ORDER BY r.id DESC
					LIMIT 1
				), '')
			FROM state_job j
			WHERE j.centre = $1 AND j."customer" = $2 AND j.deleted = 0 AND j."status" <> 'cancelled'
			ORDER BY j."intake_at" DESC NULLS LAST, j.id DESC
			LIMIT $3`, centre[:], customer[:], int64(limit))
		if err != nil {
			return err
		}
		defer rows.Close()
		kinds := s.d.Table("job").Column("kind")
		for rows.Next() {
			var p office.Past
			var kind, asked, done string
			if err := rows.Scan(&p.At, &p.JobNo, &kind, &asked, &done); err != nil {
				return err
			}
			p.Summary = kinds.ValueLabel(kind, "zh-CN") + ":" + asked
			if done != "" {
				p.Summary += " → " + done
			}
			p.Summary = bounded(p.Summary, 1000)
			out = append(out, p)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("read earlier jobs: %w", err)
	}
	return out, nil
}

// bounded cuts a text to at most n bytes, at a character.
func bounded(s string, n int) string {
	for len(s) > n {
		r := []rune(s)
		s = string(r[:len(r)-1-(len(s)-n)/4])
	}
	return s
}
