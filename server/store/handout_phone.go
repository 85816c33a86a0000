package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/google/uuid"

	"siteledger/server/handout"
	"siteledger/server/report"
)

// A phone makes a link to the customer's copy without a network: its row names
// the hash of a secret that the phone alone can make. Such a link works from the
// moment at which its row is here, for as long as any other, and is kept like one
// from the first time that it is opened or taken back.

// phoneLinkLimit bounds a list of them.
const phoneLinkLimit = 100

// phoneLink finds a link that a phone made; the oldest where two name one
// secret, so that nobody turns another's link to his own visit.
func (s *Store) phoneLink(ctx context.Context, where string, args ...any) (handout.Link, bool, error) {
	found, err := s.phoneLinks(ctx, where, args...)
	if err != nil || len(found) == 0 {
		return handout.Link{}, false, err
	}
	return found[0], true, nil
}

func (s *Store) phoneLinks(ctx context.Context, where string, args ...any) ([]handout.Link, error) {
	q := s.tables["copy_link"]
	if q == nil { // an earlier schema
		return nil, nil
	}
	var out []handout.Link
	err := s.View(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, fmt.Sprintf(`
			SELECT s.centre, %s
			FROM state_copy_link s
			WHERE %s AND s.deleted = 0
			ORDER BY s.rev, s.id
			LIMIT %d`, q.selected(), where, phoneLinkLimit), args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var centre []byte
			r, err := q.fileRow(behindOne{rows, &centre})
			if err != nil {
				return err
			}
			out = append(out, linkOfRow(idOf(centre), r))
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("read links that phones made: %w", err)
	}
	return out, nil
}

// linkOfRow counts from when the server knew of it: a phone's clock may be
// wrong.
func linkOfRow(centre uuid.UUID, r report.FileRow) handout.Link {
	m := r.Marks["token_hash"]
	return handout.Link{ID: r.ID, Centre: centre, Job: r.Root, Visit: r.UUID("visit"), MadeBy: m.Actor, MadeAt: m.Received, Until: m.Received + handout.Life.Milliseconds()}
}

// adoptLink keeps a phone's link beside those of the desk, once.
func (s *Store) adoptLink(ctx context.Context, l handout.Link) error {
	err := s.Update(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO handout (token, id, centre, job, visit, made_by, made_at, until)
			SELECT "token_hash", id, centre, root, "visit", $3, $4, $5
			FROM state_copy_link
			WHERE centre = $1 AND id = $2
			ON CONFLICT DO NOTHING`, l.Centre[:], l.ID[:], l.MadeBy[:], l.MadeAt, l.Until)
		return err
	})
	if err != nil {
		return fmt.Errorf("keep a phone's link: %w", err)
	}
	return nil
}

// behindOne scans one more value in front of a row.
type behindOne struct {
	row   scanner
	first *[]byte
}

func (b behindOne) Scan(dest ...any) error { return b.row.Scan(append([]any{b.first}, dest...)...) }
