package store

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"siteledger/server/blob"
)

var (
	_ blob.Uploads   = (*Store)(nil)
	_ blob.Stale     = (*Store)(nil)
	_ blob.Catalogue = (*Store)(nil)
	_ blob.Audience  = (*Store)(nil)
)

const uploadColumns = `
			centre,
			sha256,
			device,
			person,
			size,
			type,
			purpose,
			key,
			multipart,
			part_size,
			planned_at,
			stored_at,
			history,
			receipt`

const (
	uploadOne = `
		SELECT` + uploadColumns + `
		FROM blob_upload
		WHERE centre = $1 AND sha256 = $2 AND device = $3`
	uploadSave = `
		INSERT INTO blob_upload (` + uploadColumns + `)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
		ON CONFLICT (centre, sha256, device) DO UPDATE SET
			person = excluded.person,
			size = excluded.size,
			type = excluded.type,
			purpose = excluded.purpose,
			key = excluded.key,
			multipart = excluded.multipart,
			part_size = excluded.part_size,
			planned_at = excluded.planned_at,
			stored_at = excluded.stored_at,
			history = excluded.history,
			receipt = excluded.receipt`
	uploadsOpen = `
		SELECT count(*)
		FROM blob_upload
		WHERE centre = $1 AND device = $2 AND stored_at = 0`
	uploadsStale = `
		SELECT` + uploadColumns + `
		FROM blob_upload
		WHERE stored_at = 0 AND planned_at < $1
		ORDER BY planned_at
		LIMIT $2`
	uploadDrop = `
		DELETE FROM blob_upload
		WHERE centre = $1 AND sha256 = $2 AND device = $3 AND stored_at = 0`
	blobPresent = `
		SELECT count(*)
		FROM blob_present
		WHERE centre = $1 AND sha256 = $2`
	blobsPresent = `
		SELECT
			centre,
			sha256,
			size
		FROM blob_present
		WHERE (centre, sha256) > ($1, $2)
		ORDER BY centre, sha256
		LIMIT $3`
	copiesUploaded = `
		SELECT` + uploadColumns + `
		FROM blob_upload
		WHERE centre = $1 AND sha256 = $2 AND stored_at > 0
		ORDER BY stored_at, device`
	// What only the ledger remembers, where the table above was lost.
	copiesLedger = `
		SELECT
			b."device",
			b."size",
			b."type",
			b."purpose",
			b."at"
		FROM state_stored_blob b
		WHERE b.centre = $1 AND b."sha256" = $2 AND b.deleted = 0
			AND NOT EXISTS (
				SELECT 1 FROM blob_upload u
				WHERE u.centre = b.centre AND u.sha256 = b."sha256" AND u.device = b."device" AND u.stored_at > 0)
		ORDER BY b."at" NULLS FIRST, b.id`
	blobVisible = `
		SELECT EXISTS (
			SELECT 1
			FROM blob_ref f
			JOIN root r ON r.centre = f.centre AND r.root = f.root
			WHERE f.sha256 = $3
				AND (
					(f.centre = $1 AND r.kind = 'job' AND EXISTS (
						SELECT 1 FROM membership m
						WHERE m.centre = f.centre AND m.person = $2 AND m.job = f.root AND m.left_rev <= m.joined_rev))
					OR (f.centre = $1 AND r.kind = 'person' AND f.root = $2)
					OR (f.centre = $1 AND r.kind = 'centre')
					OR (r.kind = 'headquarters' AND f.centre IN (SELECT s.centre FROM stream s WHERE s.headquarters = 1))
				))`
)

// BlobUpload finds a device's own row of a blob.
func (s *Store) BlobUpload(ctx context.Context, centre, device uuid.UUID, sha [32]byte) (u blob.Upload, ok bool, err error) {
	err = s.View(ctx, func(tx *sql.Tx) error {
		u, err = scanUpload(tx.QueryRowContext(ctx, uploadOne, centre[:], sha[:], device[:]))
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return blob.Upload{}, false, nil
	}
	if err != nil {
		return blob.Upload{}, false, fmt.Errorf("read upload: %w", err)
	}
	return u, true, nil
}

// SaveBlobUploads writes rows in one durable transaction; none is no
// transaction.
func (s *Store) SaveBlobUploads(ctx context.Context, rows []blob.Upload) error {
	if len(rows) == 0 {
		return nil
	}
	err := s.Update(ctx, func(tx *sql.Tx) error {
		for _, u := range rows {
			_, err := tx.ExecContext(ctx, uploadSave, u.Centre[:], u.SHA256[:], u.Device[:], u.Person[:], u.Size, u.Type, u.Purpose,
				u.Key, u.Multipart, u.PartSize, millis(u.PlannedAt), millis(u.StoredAt), u.History[:], u.Receipt)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("save uploads: %w", err)
	}
	return nil
}

// OpenBlobUploads counts what a device planned and has not finished.
func (s *Store) OpenBlobUploads(ctx context.Context, centre, device uuid.UUID) (n int, err error) {
	err = s.View(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, uploadsOpen, centre[:], device[:]).Scan(&n)
	})
	return n, err
}

// StaleBlobUploads gives unfinished uploads last planned before a time.
func (s *Store) StaleBlobUploads(ctx context.Context, before time.Time, limit int) ([]blob.Upload, error) {
	return s.uploads(ctx, uploadsStale, before.UnixMilli(), limit)
}

// DropBlobUpload forgets an unfinished upload; a stored one stays.
func (s *Store) DropBlobUpload(ctx context.Context, u blob.Upload) error {
	return s.Update(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, uploadDrop, u.Centre[:], u.SHA256[:], u.Device[:])
		return err
	})
}

// BlobPresent says whether the centre's log has the blob as present.
func (s *Store) BlobPresent(ctx context.Context, centre uuid.UUID, sha [32]byte) (bool, error) {
	var n int
	err := s.View(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, blobPresent, centre[:], sha[:]).Scan(&n)
	})
	return n > 0, err
}

// PresentBlobs pages through the present blobs of all centres.
func (s *Store) PresentBlobs(ctx context.Context, after blob.Ref, limit int) ([]blob.Ref, error) {
	var out []blob.Ref
	err := s.View(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, blobsPresent, after.Centre[:], after.SHA256[:], limit)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var centre, sha []byte
			var r blob.Ref
			if err := rows.Scan(&centre, &sha, &r.Size); err != nil {
				return err
			}
			copy(r.Centre[:], centre)
			copy(r.SHA256[:], sha)
			out = append(out, r)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("list present blobs: %w", err)
	}
	return out, nil
}

// BlobCopies gives the stored copies of a blob in a centre, those that the
// uploads know first, then those that only the ledger remembers.
func (s *Store) BlobCopies(ctx context.Context, centre uuid.UUID, sha [32]byte) ([]blob.Upload, error) {
	var out []blob.Upload
	err := s.View(ctx, func(tx *sql.Tx) error {
		var err error
		if out, err = readUploads(ctx, tx, copiesUploaded, centre[:], sha[:]); err != nil {
			return err
		}
		rows, err := tx.QueryContext(ctx, copiesLedger, centre[:], sha[:])
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			u := blob.Upload{Centre: centre, SHA256: sha}
			var device []byte
			var at int64
			if err := rows.Scan(&device, &u.Size, &u.Type, &u.Purpose, &at); err != nil {
				return err
			}
			copy(u.Device[:], device)
			u.Key, u.StoredAt = blob.ObjectKey(centre, sha, u.Device), time.UnixMilli(at)
			out = append(out, u)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("read copies of %s: %w", hex.EncodeToString(sha[:]), err)
	}
	return out, nil
}

// BlobVisible says whether a row in the person's audience names the blob.
func (s *Store) BlobVisible(ctx context.Context, centre, person uuid.UUID, sha [32]byte) (bool, error) {
	var ok bool
	err := s.View(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, blobVisible, centre[:], person[:], sha[:]).Scan(&ok)
	})
	return ok, err
}

func (s *Store) uploads(ctx context.Context, query string, args ...any) ([]blob.Upload, error) {
	var out []blob.Upload
	err := s.View(ctx, func(tx *sql.Tx) error {
		var err error
		out, err = readUploads(ctx, tx, query, args...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read uploads: %w", err)
	}
	return out, nil
}

func readUploads(ctx context.Context, tx *sql.Tx, query string, args ...any) ([]blob.Upload, error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []blob.Upload
	for rows.Next() {
		u, err := scanUpload(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, u)
	}
	return out, rows.Err()
}

func scanUpload(row scanner) (blob.Upload, error) {
	var u blob.Upload
	var centre, sha, device, person, history []byte
	var planned, stored int64
	err := row.Scan(&centre, &sha, &device, &person, &u.Size, &u.Type, &u.Purpose,
		&u.Key, &u.Multipart, &u.PartSize, &planned, &stored, &history, &u.Receipt)
	if err != nil {
		return blob.Upload{}, err
	}
	copy(u.Centre[:], centre)
	copy(u.SHA256[:], sha)
	copy(u.Device[:], device)
	copy(u.Person[:], person)
	copy(u.History[:], history)
	u.PlannedAt, u.StoredAt = fromMillis(planned), fromMillis(stored)
	return u, nil
}

// millis writes the zero time as 0.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}
