package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/google/uuid"

	"siteledger/server/blob"
)

// missingBlobs are the references without bytes. Whose phone has them: who
// planned the upload, else the installer of the visit that the row belongs to.
// where narrows the references, rest is the query over them.
func missingBlobs(where, rest string) string {
	return `
		WITH missing AS (
			SELECT
				f.centre AS centre,
				f.root AS root,
				f.tbl AS tbl,
				f.row AS row,
				f.col AS col,
				f.sha256 AS sha256,
				f.purpose AS purpose,
				u.person IS NOT NULL AS planned,
				COALESCE(u.person, v."person") AS person
			FROM blob_ref f
			JOIN root r ON r.centre = f.centre AND r.root = f.root AND r.kind = 'job'
			LEFT JOIN state_photo ph ON f.tbl = 'photo' AND ph.centre = f.centre AND ph.id = f.row
			LEFT JOIN state_signature sg ON f.tbl = 'signature' AND sg.centre = f.centre AND sg.id = f.row
			LEFT JOIN state_visit v ON v.centre = f.centre AND v.id = COALESCE(ph."visit", sg."visit")
			LEFT JOIN blob_upload u ON u.centre = f.centre AND u.sha256 = f.sha256 AND u.device = (
				SELECT o.device FROM blob_upload o
				WHERE o.centre = f.centre AND o.sha256 = f.sha256
				ORDER BY o.planned_at DESC, o.device
				LIMIT 1)
			WHERE ` + where + `
				AND NOT EXISTS (SELECT 1 FROM blob_present p WHERE p.centre = f.centre AND p.sha256 = f.sha256)
		)` + rest
}

const missingList = `
		SELECT
			m.root,
			m.tbl,
			m.row,
			m.col,
			m.sha256,
			m.purpose,
			m.planned,
			m.person,
			COALESCE(pe."name", ''),
			COALESCE((SELECT max(l.last_contact) FROM log l WHERE l.centre = m.centre AND l.person = m.person), 0)
		FROM missing m
		LEFT JOIN state_person pe ON pe.centre = m.centre AND pe.id = m.person
		ORDER BY m.root, m.tbl, m.row, m.col`

const missingCounts = `
		SELECT
			m.root,
			m.purpose,
			m.person,
			COALESCE(pe."name", ''),
			count(*),
			COALESCE((SELECT max(l.last_contact) FROM log l WHERE l.centre = m.centre AND l.person = m.person), 0)
		FROM missing m
		LEFT JOIN state_person pe ON pe.centre = m.centre AND pe.id = m.person
		GROUP BY m.centre, m.root, m.person, m.purpose, pe."name"
		ORDER BY m.root, pe."name" NULLS FIRST, m.person NULLS FIRST, m.purpose`

// MissingBlobs lists what a job's rows name and nobody has uploaded yet; an
// empty list is half of "complete" (P12).
func (s *Store) MissingBlobs(ctx context.Context, centre, job uuid.UUID) ([]blob.Missing, error) {
	var out []blob.Missing
	err := s.View(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, missingBlobs(`f.centre = $1 AND f.root = $2`, missingList), centre[:], job[:])
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var m blob.Missing
			var root, row, sha, person []byte
			var contact int64
			if err := rows.Scan(&root, &m.Table, &row, &m.Column, &sha, &m.Purpose, &m.Planned, &person, &m.PersonName, &contact); err != nil {
				return err
			}
			copy(m.Job[:], root)
			copy(m.Row[:], row)
			copy(m.SHA256[:], sha)
			copy(m.Person[:], person)
			m.LastContact = fromMillis(contact)
			out = append(out, m)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("list missing blobs: %w", err)
	}
	return out, nil
}

// CountMissingBlobs sums up a centre's missing blobs by job, person and
// purpose: "3 photos still on the phone of 李师傅".
func (s *Store) CountMissingBlobs(ctx context.Context, centre uuid.UUID) ([]blob.MissingCount, error) {
	var out []blob.MissingCount
	err := s.View(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, missingBlobs(`f.centre = $1
				AND f.root IN (SELECT j.id FROM state_job j WHERE j.centre = $1 AND `+incomplete+`)`, missingCounts), centre[:])
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var m blob.MissingCount
			var root, person []byte
			var contact int64
			if err := rows.Scan(&root, &m.Purpose, &person, &m.PersonName, &m.Count, &contact); err != nil {
				return err
			}
			copy(m.Job[:], root)
			copy(m.Person[:], person)
			m.LastContact = fromMillis(contact)
			out = append(out, m)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("count missing blobs: %w", err)
	}
	return out, nil
}
