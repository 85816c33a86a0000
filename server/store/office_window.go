package store

import (
	"context"
	"database/sql"

	"github.com/google/uuid"

	"siteledger/server/office"
)

const expiredPlaces = `
	SELECT a.id, a.rev
	FROM state_assignment a
	CROSS JOIN state_job j
	WHERE a.centre = $1
		AND j.centre = a.centre
		AND j.id = a."job"
		AND j."status" IN ('closed', 'cancelled')
		AND (j."complete" = 1 OR j."status" = 'cancelled')
		AND coalesce(j."closed_at", j."intake_at") < $2
		AND j.deleted = 0
		AND a."active" = 1
		AND a.deleted = 0
		AND NOT EXISTS (SELECT 1 FROM case_file f WHERE f.centre = j.centre AND f.root = j.id AND f.state = 'open')
	ORDER BY a.rev
	LIMIT $3`

// ExpiredPlaces satisfies office.Places.
func (s *Store) ExpiredPlaces(ctx context.Context, centre uuid.UUID, closedBefore int64, limit int) ([]office.Expired, error) {
	rows, err := s.r.QueryContext(ctx, expiredPlaces, centre[:], closedBefore, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []office.Expired
	for rows.Next() {
		var id []byte
		var rev int64
		if err := rows.Scan(&id, &rev); err != nil {
			return nil, err
		}
		out = append(out, office.Expired{Assignment: uuid.UUID(id), Rev: uint64(rev)})
	}
	return out, rows.Err()
}

const expiredGuests = `
	SELECT m.person, m.job
	FROM membership m
	CROSS JOIN state_job j
	WHERE m.centre = $1
		AND j.centre = m.centre
		AND j.id = m.job
		AND j."status" IN ('closed', 'cancelled')
		AND (j."complete" = 1 OR j."status" = 'cancelled')
		AND coalesce(j."closed_at", j."intake_at") < $2
		AND j.deleted = 0
		AND m.joined_rev > m.left_rev
		AND NOT EXISTS (SELECT 1 FROM state_assignment a WHERE a.centre = m.centre AND a."job" = m.job AND a."person" = m.person AND a."active" = 1 AND a.deleted = 0)
		AND NOT EXISTS (SELECT 1 FROM case_file f WHERE f.centre = j.centre AND f.root = j.id AND f.state = 'open')
	ORDER BY m.joined_rev
	LIMIT $3`

// ExpiredGuests satisfies office.Places.
func (s *Store) ExpiredGuests(ctx context.Context, centre uuid.UUID, closedBefore int64, limit int) ([]office.Guest, error) {
	var out []office.Guest
	err := s.list(ctx, "look for closed jobs", func(rows *sql.Rows) error {
		var person, job []byte
		if err := rows.Scan(&person, &job); err != nil {
			return err
		}
		out = append(out, office.Guest{Person: idOf(person), Job: idOf(job)})
		return nil
	}, expiredGuests, centre[:], closedBefore, limit)
	return out, err
}

// Members satisfies office.Book.
func (s *Store) Members(ctx context.Context, centre, job uuid.UUID) ([]uuid.UUID, error) {
	var out []uuid.UUID
	err := s.list(ctx, "who sees a job", func(rows *sql.Rows) error {
		var person []byte
		if err := rows.Scan(&person); err != nil {
			return err
		}
		out = append(out, idOf(person))
		return nil
	}, `
		SELECT person
		FROM membership
		WHERE centre = $1 AND job = $2 AND joined_rev > left_rev
		ORDER BY joined_rev`, centre[:], job[:])
	return out, err
}
