package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/google/uuid"

	"siteledger/server/report"
	"siteledger/syncproto/schema"
)

// People satisfies report.People.
func (s *Store) People(ctx context.Context, centre uuid.UUID) ([]report.PersonLine, error) {
	var out []report.PersonLine
	err := s.View(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, `
			SELECT p.id, COALESCE(p."name", ''), COALESCE(p."login", ''), COALESCE(p."phone", ''), COALESCE(p."skills", ''),
				COALESCE(p."role", ''), COALESCE(p."language", ''), COALESCE(p."active", 0),
				(
					SELECT COUNT(DISTINCT j.id)
					FROM state_assignment a
					JOIN state_job j ON j.centre = a.centre AND j.id = a."job"
					WHERE a.centre = p.centre AND a."person" = p.id AND a."active" = 1 AND a.deleted = 0
						AND j.deleted = 0 AND j."status" IN ('dispatched', 'departed', 'arrived')
				)
			FROM state_person p
			WHERE p.centre = $1 AND p.deleted = 0
			ORDER BY p."active" DESC NULLS LAST, p."role" NULLS FIRST, p."name" NULLS FIRST, p.id`, centre[:])
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			p := report.PersonLine{Centre: centre}
			var id []byte
			var role string
			if err := rows.Scan(&id, &p.Name, &p.Login, &p.Phone, &p.Skills, &role, &p.Language, &p.Active, &p.OpenJobs); err != nil {
				return err
			}
			p.ID, p.Role = idOf(id), schema.Role(role)
			out = append(out, p)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("list people: %w", err)
	}
	return out, nil
}

// Centres satisfies report.People.
func (s *Store) Centres(ctx context.Context) ([]report.CentreName, error) {
	var out []report.CentreName
	err := s.View(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, `
			SELECT s.centre, s.headquarters, COALESCE(MAX(c."name"), ''), COALESCE(MAX(c."name_en"), '')
			FROM stream s
			LEFT JOIN state_centre c ON c.centre = s.centre AND c.deleted = 0
			GROUP BY s.centre, s.headquarters
			ORDER BY s.headquarters DESC, 3`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var c report.CentreName
			var id []byte
			if err := rows.Scan(&id, &c.Headquarters, &c.Name, &c.NameEN); err != nil {
				return err
			}
			c.ID = idOf(id)
			out = append(out, c)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("list centres: %w", err)
	}
	return out, nil
}
