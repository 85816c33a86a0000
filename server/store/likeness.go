package store

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"siteledger/server/likeness"
)

var _ likeness.Shelf = (*Store)(nil)

const (
	looksForget = `
		DELETE FROM %s
		WHERE centre = $1`
	lookUntil = `
		SELECT version, rev, id
		FROM photo_look_until
		WHERE centre = $1`
	lookUntilSave = `
		INSERT INTO photo_look_until (centre, version, rev, id)
		VALUES ($1, $2, $3, $4)
		ON CONFLICT (centre) DO UPDATE SET
			version = excluded.version,
			rev = excluded.rev,
			id = excluded.id`
	// What the server's own log says is stored, in the order in which it came.
	looksUnseen = `
		SELECT b."sha256", b.rev, b.id
		FROM state_stored_blob b
		WHERE b.centre = $1 AND (b.rev, b.id) > ($2, $3) AND b.deleted = 0 AND b."purpose" = 'photo'
		ORDER BY b.rev, b.id
		LIMIT $4`
	lookRoles = `
		SELECT COUNT(*), COALESCE(SUM(CASE WHEN p."role" IN ('receipt', 'warranty', 'nameplate', 'entrance') THEN 1 ELSE 0 END), 0)
		FROM blob_ref f
		JOIN state_photo p ON p.centre = f.centre AND p.id = f.row
		WHERE f.centre = $1 AND f.sha256 = $2 AND f.tbl = 'photo' AND f.col = 'original'`
	lookSave = `
		INSERT INTO photo_look (centre, sha256, state, looked_at, sketch)
		VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (centre, sha256) DO UPDATE SET
			state = excluded.state,
			looked_at = excluded.looked_at,
			sketch = excluded.sketch`
	lookKeySave = `
		INSERT INTO photo_look_key (centre, sha256, key)
		VALUES ($1, $2, $3)
		ON CONFLICT DO NOTHING`
	alikeSave = `
		INSERT INTO photo_alike (centre, sha256, other_centre, other_sha256, distance, turned, cropped)
		VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT DO NOTHING`
	lookSketch = `
		SELECT sketch
		FROM photo_look
		WHERE centre = $1 AND sha256 = $2`
	// The preview that a row names beside an original, where it is stored.
	lookPreview = `
		SELECT p."preview"
		FROM blob_ref f
		JOIN state_photo p ON p.centre = f.centre AND p.id = f.row
		JOIN blob_present b ON b.centre = p.centre AND b.sha256 = p."preview"
		WHERE f.centre = $1 AND f.sha256 = $2 AND f.tbl = 'photo' AND f.col = 'original' AND p.deleted = 0
		ORDER BY p.id
		LIMIT 1`
	lookSameJob = `
		SELECT EXISTS (
			SELECT 1
			FROM blob_ref a
			JOIN blob_ref b ON b.centre = a.centre AND b.root = a.root AND b.sha256 = $3
			WHERE a.centre = $1 AND a.sha256 = $2)`
	// One part of the keys; the limit bounds what a key that half the photos have
	// can cost.
	looksLikely = `
		SELECT k.centre, k.sha256
		FROM photo_look_key k
		WHERE k.key IN %s
		LIMIT %d`
	likelyKeys = 400
	likelyRows = 4000
)

// UnseenPhotos gives stored photos that were not looked at yet, centre by
// centre, each in the order in which they were stored.
func (s *Store) UnseenPhotos(ctx context.Context, version, limit int) ([]likeness.Photo, error) {
	streams, err := s.Streams(ctx)
	if err != nil {
		return nil, err
	}
	var out []likeness.Photo
	for _, c := range streams {
		if c.Headquarters || len(out) >= limit {
			continue
		}
		page, err := s.unseen(ctx, c.ID, version, limit-len(out))
		if err != nil {
			return nil, fmt.Errorf("photos of %s: %w", c.ID, err)
		}
		out = append(out, page...)
	}
	return out, nil
}

func (s *Store) unseen(ctx context.Context, centre uuid.UUID, version, limit int) (out []likeness.Photo, err error) {
	var is, rev int64
	var id []byte
	err = s.View(ctx, func(tx *sql.Tx) error { return tx.QueryRowContext(ctx, lookUntil, centre[:]).Scan(&is, &rev, &id) })
	if errors.Is(err, sql.ErrNoRows) {
		id, err = uuid.Nil[:], nil
	} else if err == nil && is != int64(version) {
		rev, id = 0, uuid.Nil[:]
		err = s.forgetLooks(ctx, centre)
	}
	if err != nil {
		return nil, err
	}
	err = s.View(ctx, func(tx *sql.Tx) error {
		if out, err = scanUnseen(ctx, tx, centre, rev, id, limit); err != nil {
			return err
		}
		for i := range out {
			var rows, papers int
			if err := tx.QueryRowContext(ctx, lookRoles, centre[:], out[i].SHA256[:]).Scan(&rows, &papers); err != nil {
				return err
			}
			out[i].Paper = rows > 0 && rows == papers
		}
		return nil
	})
	return out, err
}

func scanUnseen(ctx context.Context, tx *sql.Tx, centre uuid.UUID, rev int64, id []byte, limit int) ([]likeness.Photo, error) {
	rows, err := tx.QueryContext(ctx, looksUnseen, centre[:], rev, id, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []likeness.Photo
	for rows.Next() {
		p := likeness.Photo{Centre: centre}
		var sha, row []byte
		var at int64
		if err := rows.Scan(&sha, &at, &row); err != nil {
			return nil, err
		}
		copy(p.SHA256[:], sha)
		p.Rev, p.Row = uint64(at), idOf(row)
		out = append(out, p)
	}
	return out, rows.Err()
}

// forgetLooks drops what an earlier version saw of a centre's photos.
func (s *Store) forgetLooks(ctx context.Context, centre uuid.UUID) error {
	return s.Update(ctx, func(tx *sql.Tx) error {
		for _, table := range []string{"photo_look", "photo_look_key", "photo_alike", "photo_look_until"} {
			if _, err := tx.ExecContext(ctx, fmt.Sprintf(looksForget, table), centre[:]); err != nil {
				return err
			}
		}
		return nil
	})
}

// LikelyPhotos finds the seen photos that share most of the keys. What it costs
// follows from the number of keys, not of photos.
func (s *Store) LikelyPhotos(ctx context.Context, keys []likeness.Key, most int) ([]likeness.Stored, error) {
	var out []likeness.Stored
	err := s.View(ctx, func(tx *sql.Tx) error {
		hits := map[[48]byte]int{}
		for part := range slices.Chunk(keys, likelyKeys) {
			if err := countLikely(ctx, tx, part, hits); err != nil {
				return err
			}
		}
		for _, h := range mostHit(hits, most) {
			c := likeness.Stored{Centre: uuid.UUID(h[:16]), SHA256: [32]byte(h[16:])}
			err := tx.QueryRowContext(ctx, lookSketch, h[:16], h[16:]).Scan(&c.Sketch)
			if errors.Is(err, sql.ErrNoRows) || err == nil && c.Sketch == nil {
				continue
			}
			if err != nil {
				return err
			}
			out = append(out, c)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look up %d keys: %w", len(keys), err)
	}
	return out, nil
}

func countLikely(ctx context.Context, tx *sql.Tx, keys []likeness.Key, hits map[[48]byte]int) error {
	args := make([]any, len(keys))
	for i, k := range keys {
		args[i] = int64(k)
	}
	rows, err := tx.QueryContext(ctx, fmt.Sprintf(looksLikely, tuples(1, len(keys)), likelyRows), args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var centre, sha []byte
		if err := rows.Scan(&centre, &sha); err != nil {
			return err
		}
		var h [48]byte
		copy(h[:16], centre)
		copy(h[16:], sha)
		hits[h]++
	}
	return rows.Err()
}

// mostHit orders by the number of shared keys, then by name, so that the same
// question has the same answer.
func mostHit(hits map[[48]byte]int, most int) [][48]byte {
	out := make([][48]byte, 0, len(hits))
	for h := range hits {
		out = append(out, h)
	}
	slices.SortFunc(out, func(a, b [48]byte) int {
		return cmp.Or(cmp.Compare(hits[b], hits[a]), bytes.Compare(a[:], b[:]))
	})
	return out[:min(most, len(out))]
}

// PreviewOf gives the stored preview of an original.
func (s *Store) PreviewOf(ctx context.Context, centre uuid.UUID, original [32]byte) (preview [32]byte, ok bool, err error) {
	var b []byte
	err = s.View(ctx, func(tx *sql.Tx) error { return tx.QueryRowContext(ctx, lookPreview, centre[:], original[:]).Scan(&b) })
	if errors.Is(err, sql.ErrNoRows) {
		return preview, false, nil
	}
	return preview, copy(preview[:], b) == len(preview), err
}

// SameJob says whether two photos are named by rows of one job.
func (s *Store) SameJob(ctx context.Context, a, b likeness.Stored) (same bool, err error) {
	if a.Centre != b.Centre {
		return false, nil
	}
	err = s.View(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, lookSameJob, a.Centre[:], a.SHA256[:], b.SHA256[:]).Scan(&same)
	})
	return same, err
}

// KeepLook writes what was seen of one photo, and how far the looking is.
func (s *Store) KeepLook(ctx context.Context, version int, r likeness.Result) error {
	return s.Update(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, lookSave, r.Centre[:], r.SHA256[:], string(r.State), r.At, r.Sketch); err != nil {
			return err
		}
		for _, k := range r.Keys {
			if _, err := tx.ExecContext(ctx, lookKeySave, r.Centre[:], r.SHA256[:], int64(k)); err != nil {
				return err
			}
		}
		for _, a := range r.Alike {
			for _, ends := range [][4][]byte{{r.Centre[:], r.SHA256[:], a.Centre[:], a.SHA256[:]}, {a.Centre[:], a.SHA256[:], r.Centre[:], r.SHA256[:]}} {
				if _, err := tx.ExecContext(ctx, alikeSave, ends[0], ends[1], ends[2], ends[3], a.Distance, flag(a.Turned), flag(a.Cropped)); err != nil {
					return err
				}
			}
		}
		_, err := tx.ExecContext(ctx, lookUntilSave, r.Centre[:], version, int64(r.Rev), r.Row[:])
		return err
	})
}
