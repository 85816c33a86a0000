package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"siteledger/server/report"
)

const (
	claimSet = `
		INSERT INTO case_claim (centre, case_id, person, since, until)
		VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (centre, case_id) DO UPDATE SET
			person = excluded.person,
			since = CASE WHEN case_claim.person = excluded.person AND case_claim.until > excluded.since THEN case_claim.since ELSE excluded.since END,
			until = excluded.until
		WHERE case_claim.person = excluded.person OR case_claim.until <= excluded.since OR $6 = 1`
	claimsOf = `
		SELECT case_id, person, since, until
		FROM case_claim
		WHERE centre = $1 AND until > $2`
	claimsOpen = `
		SELECT centre, case_id, person, since, until
		FROM case_claim
		WHERE until > $1
		ORDER BY since, case_id
		LIMIT $2`
	claimEnd = `
		DELETE FROM case_claim
		WHERE centre = $1 AND case_id = $2 AND person = $3`
	claimsPast = `
		DELETE FROM case_claim
		WHERE centre = $1 AND until <= $2`
)

// Claims gives who has which case of a centre open at a desk, now.
func (s *Store) Claims(ctx context.Context, centre uuid.UUID, now time.Time) (map[uuid.UUID]report.Claim, error) {
	out := map[uuid.UUID]report.Claim{}
	err := s.View(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, claimsOf, centre[:], now.UnixMilli())
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var c report.Claim
			var id, person []byte
			if err := rows.Scan(&id, &person, &c.Since, &c.Until); err != nil {
				return err
			}
			c.Centre, c.Case, c.Person = centre, idOf(id), idOf(person)
			out[c.Case] = c
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("who has which case open: %w", err)
	}
	return out, nil
}

// mostClaims bounds what [Store.OpenClaims] reads: more people than this do not
// have a case open at the same moment.
const mostClaims = 500

// OpenClaims gives who has which case open now, in all centres.
func (s *Store) OpenClaims(ctx context.Context, now time.Time) ([]report.Claim, error) {
	var out []report.Claim
	err := s.list(ctx, "who has which case open", func(rows *sql.Rows) error {
		var c report.Claim
		var centre, id, person []byte
		err := rows.Scan(&centre, &id, &person, &c.Since, &c.Until)
		c.Centre, c.Case, c.Person = idOf(centre), idOf(id), idOf(person)
		out = append(out, c)
		return err
	}, claimsOpen, now.UnixMilli(), mostClaims)
	return out, err
}

// Claim notes that a person has a case open until a time, and gives who has it
// now: somebody else, where he was first and it is not taken over. A claim
// that still runs for half its time is not written again.
func (s *Store) Claim(ctx context.Context, centre, id, person uuid.UUID, now time.Time, lasts time.Duration, take bool) (report.Claim, error) {
	held, err := s.Claims(ctx, centre, now)
	if err != nil {
		return report.Claim{}, err
	}
	if c, ok := held[id]; ok && !take && (c.Person != person || c.Until-now.UnixMilli() > lasts.Milliseconds()/2) {
		return c, nil
	}
	got := report.Claim{Centre: centre, Case: id}
	err = s.Update(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, claimsPast, centre[:], now.UnixMilli()); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, claimSet, centre[:], id[:], person[:], now.UnixMilli(), now.Add(lasts).UnixMilli(), flag(take)); err != nil {
			return err
		}
		var by []byte
		err := tx.QueryRowContext(ctx, `
			SELECT person, since, until
			FROM case_claim
			WHERE centre = $1 AND case_id = $2`, centre[:], id[:]).Scan(&by, &got.Since, &got.Until)
		got.Person = idOf(by)
		return err
	})
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return got, fmt.Errorf("claim case %s: %w", id, err)
	}
	return got, nil
}

// Unclaim gives a case back.
func (s *Store) Unclaim(ctx context.Context, centre, id, person uuid.UUID) error {
	err := s.Update(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, claimEnd, centre[:], id[:], person[:])
		return err
	})
	if err != nil {
		return fmt.Errorf("give case %s back: %w", id, err)
	}
	return nil
}
