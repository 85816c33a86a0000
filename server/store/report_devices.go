package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/google/uuid"

	"siteledger/server/report"
)

// Phones satisfies report.Phones.
func (s *Store) Phones(ctx context.Context, centre uuid.UUID) ([]report.DeviceLine, error) {
	var out []report.DeviceLine
	err := s.View(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, `
			SELECT d.id, d."person", COALESCE(p."name", ''), COALESCE(p."active", 0), COALESCE(d."platform", ''), COALESCE(d."model", ''),
				COALESCE(d."app", ''), COALESCE(d."enrolled_at", 0), COALESCE(d."revoked_at", 0),
				COALESCE((SELECT MAX(l.last_contact) FROM log l WHERE l.centre = d.centre AND l.device = d.id), 0),
				COALESCE((
					SELECT l.clock_offset
					FROM log l
					WHERE l.centre = d.centre AND l.device = d.id
					ORDER BY l.last_contact DESC
					LIMIT 1
				), 0),
				COALESCE((SELECT SUM(l.acked) FROM log l WHERE l.centre = d.centre AND l.device = d.id), 0)
			FROM state_device d
			LEFT JOIN state_person p ON p.centre = d.centre AND p.id = d."person"
			WHERE d.centre = $1 AND d.deleted = 0
			ORDER BY (d."revoked_at" IS NOT NULL), p."name" NULLS FIRST, d."enrolled_at" DESC NULLS LAST, d.id`, centre[:])
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var d report.DeviceLine
			var id, person []byte
			if err := rows.Scan(&id, &person, &d.Name, &d.Active, &d.Platform, &d.Model, &d.App, &d.EnrolledAt, &d.RevokedAt,
				&d.LastContact, &d.ClockOffset, &d.Changes); err != nil {
				return err
			}
			d.ID, d.Person = idOf(id), idOf(person)
			out = append(out, d)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("list phones: %w", err)
	}
	return out, nil
}
