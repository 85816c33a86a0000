package store

import (
	"context"

	"github.com/google/uuid"

	"siteledger/server/office"
)

const expiredPlaces = `
	SELECT a.id, a.rev
	FROM state_job j
	JOIN state_assignment a ON a.centre = j.centre AND a."job" = j.id
	WHERE j.centre = $1
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
