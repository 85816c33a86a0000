package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"siteledger/server/handout"
)

const (
	handoutColumns = `id, centre, job, visit, made_by, made_at, until, revoked_at, opened, opened_at`
	handoutAdd     = `
		INSERT INTO handout (token, id, centre, job, visit, made_by, made_at, until)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`
	handoutByToken = `SELECT ` + handoutColumns + ` FROM handout WHERE token = $1`
	handoutByVisit = `
		SELECT ` + handoutColumns + `
		FROM handout
		WHERE centre = $1 AND visit = $2
		ORDER BY made_at DESC, id
		LIMIT 100`
	handoutOpened = `
		UPDATE handout
		SET opened = opened + 1, opened_at = $3
		WHERE centre = $1 AND id = $2`
	handoutRevoked = `
		UPDATE handout
		SET revoked_at = $3
		WHERE centre = $1 AND id = $2 AND revoked_at = 0`
)

// AddLink satisfies handout.Links.
func (s *Store) AddLink(ctx context.Context, token [32]byte, l handout.Link) error {
	err := s.Update(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, handoutAdd, token[:], l.ID[:], l.Centre[:], l.Job[:], l.Visit[:], l.MadeBy[:], l.MadeAt, l.Until)
		return err
	})
	if err != nil {
		return fmt.Errorf("add link: %w", err)
	}
	return nil
}

func scanLink(row scanner) (handout.Link, error) {
	var l handout.Link
	var id, centre, job, visit, by []byte
	err := row.Scan(&id, &centre, &job, &visit, &by, &l.MadeAt, &l.Until, &l.RevokedAt, &l.Opened, &l.OpenedAt)
	l.ID, l.Centre, l.Job, l.Visit, l.MadeBy = idOf(id), idOf(centre), idOf(job), idOf(visit), idOf(by)
	return l, err
}

// LinkOf satisfies handout.Links.
func (s *Store) LinkOf(ctx context.Context, token [32]byte) (handout.Link, bool, error) {
	var l handout.Link
	err := s.View(ctx, func(tx *sql.Tx) error {
		var err error
		l, err = scanLink(tx.QueryRowContext(ctx, handoutByToken, token[:]))
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return s.phoneLink(ctx, `s."token_hash" = $1`, token[:])
	}
	if err != nil {
		return handout.Link{}, false, fmt.Errorf("read link: %w", err)
	}
	return l, true, nil
}

// LinksOf satisfies handout.Links.
func (s *Store) LinksOf(ctx context.Context, centre, visit uuid.UUID) ([]handout.Link, error) {
	var out []handout.Link
	err := s.View(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, handoutByVisit, centre[:], visit[:])
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			l, err := scanLink(rows)
			if err != nil {
				return err
			}
			out = append(out, l)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("read links of visit %s: %w", visit, err)
	}
	made, err := s.phoneLinks(ctx, `s.centre = $1 AND s."visit" = $2`, centre[:], visit[:])
	for _, l := range made {
		if !slices.ContainsFunc(out, func(o handout.Link) bool { return o.ID == l.ID }) {
			out = append(out, l)
		}
	}
	return out, err
}

// TouchLink satisfies handout.Links.
func (s *Store) TouchLink(ctx context.Context, centre, id uuid.UUID, opened, revoked int64) (bool, error) {
	query, at := handoutOpened, opened
	if revoked != 0 {
		query, at = handoutRevoked, revoked
	}
	n, err := s.touchLink(ctx, query, centre, id, at)
	if err != nil || n > 0 {
		return n > 0, err
	}
	l, ok, err := s.phoneLink(ctx, `s.centre = $1 AND s.id = $2`, centre[:], id[:])
	if err != nil || !ok {
		return false, err
	}
	if err := s.adoptLink(ctx, l); err != nil {
		return false, err
	}
	n, err = s.touchLink(ctx, query, centre, id, at)
	return n > 0, err
}

func (s *Store) touchLink(ctx context.Context, query string, centre, id uuid.UUID, at int64) (int64, error) {
	var n int64
	err := s.Update(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, query, centre[:], id[:], at)
		if err != nil {
			return err
		}
		n, err = res.RowsAffected()
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("note link: %w", err)
	}
	return n, nil
}
