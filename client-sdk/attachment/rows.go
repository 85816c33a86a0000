package attachment

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/google/uuid"
)

const blobColumns = `sha256, size, type, purpose, state, reason, sent, attempts, next_at, local, added_at, place, anyhow`

type scanner interface{ Scan(...any) error }

func scanBlob(row scanner) (Blob, error) {
	var b Blob
	var sha []byte
	var next, added int64
	if err := row.Scan(&sha, &b.Size, &b.Type, &b.Purpose, &b.State, &b.Reason, &b.Sent, &b.Attempts, &next, &b.Local, &added, &b.Place, &b.Anyhow); err != nil {
		return Blob{}, err
	}
	copy(b.SHA256[:], sha)
	if next > 0 {
		b.NextAt = time.UnixMilli(next)
	}
	b.Added = time.UnixMilli(added)
	return b, nil
}

func list(ctx context.Context, tx *sql.Tx, query string, args ...any) ([]Blob, error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("list files: %w", err)
	}
	defer rows.Close()
	var out []Blob
	for rows.Next() {
		b, err := scanBlob(rows)
		if err != nil {
			return nil, fmt.Errorf("list files: %w", err)
		}
		out = append(out, b)
	}
	return out, rows.Err()
}

// List gives all photos that are known, in the order of sending.
func (s *Store) List(ctx context.Context, tx *sql.Tx) ([]Blob, error) {
	return list(ctx, tx, `SELECT `+blobColumns+` FROM blob ORDER BY place, added_at, sha256`)
}

// Unsent gives the photos whose only sure copy is on this phone.
func (s *Store) Unsent(ctx context.Context, tx *sql.Tx) ([]Blob, error) {
	return list(ctx, tx, `SELECT `+blobColumns+` FROM blob WHERE state <> 'verified' ORDER BY place, added_at, sha256`)
}

// verified writes down the server's receipt for exactly these bytes.
func (s *Store) verified(ctx context.Context, b Blob, history uuid.UUID, at int64, receipt string) error {
	return s.db.Update(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `
			UPDATE blob
			SET state = 'verified', reason = '', sent = size, attempts = 0, next_at = 0, verified_at = $1, receipt = $2, receipt_history = $3
			WHERE sha256 = $4`, at, receipt, history[:], b.SHA256[:])
		return err
	})
}

// mark writes down where a photo stands and when it is tried again.
func (s *Store) mark(ctx context.Context, b Blob) error {
	next := int64(0)
	if !b.NextAt.IsZero() {
		next = b.NextAt.UnixMilli()
	}
	return s.db.Update(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `
			UPDATE blob
			SET state = $1, reason = $2, sent = $3, attempts = $4, next_at = $5
			WHERE sha256 = $6 AND state <> 'verified'`,
			string(b.State), b.Reason, b.Sent, b.Attempts, next, b.SHA256[:])
		return err
	})
}

// NextAt is when the next photo's timer fires, in Unix milliseconds: those that
// are queued without one were sent by the round that queued them, or wait for a
// cheaper network, which takes originals up to largest bytes. Invalid where none
// waits.
func (s *Store) NextAt(ctx context.Context, tx *sql.Tx, largest int64) (sql.NullInt64, error) {
	var at sql.NullInt64
	if err := tx.QueryRowContext(ctx, `
		SELECT MIN(next_at)
		FROM blob
		WHERE state IN ('queued', 'uploading', 'attention') AND local = 1 AND next_at > 0 AND `+mayGo, largest).Scan(&at); err != nil {
		return at, fmt.Errorf("next upload: %w", err)
	}
	return at, nil
}
