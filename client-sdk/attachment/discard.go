package attachment

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Discard removes a file that no record names: the record that was to name it
// was refused, or the app was killed in between. [ErrNamed] where a record names
// it, [ErrAbsent] where it is not here. The row says first that the bytes are
// gone, so that a record in the midst of it is refused; what a crash leaves, the
// next Open removes.
func (s *Store) Discard(ctx context.Context, sha [32]byte) error {
	s.names.Lock()
	defer s.names.Unlock()
	err := s.db.Update(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE blob SET local = 0 WHERE sha256 = $1 AND state = 'stored'`, sha[:])
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n > 0 {
			return err
		}
		var known int
		if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM blob WHERE sha256 = $1`, sha[:]).Scan(&known); err != nil {
			return err
		}
		if known == 0 {
			return ErrAbsent
		}
		return ErrNamed
	})
	if err != nil {
		return fmt.Errorf("discard a file: %w", err)
	}
	if err := s.remove([]Blob{{SHA256: sha}}); err != nil {
		return err
	}
	return s.forget(ctx)
}

// forget removes the rows of discarded files, behind the files.
func (s *Store) forget(ctx context.Context) error {
	err := s.db.Update(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM blob WHERE local = 0 AND state = 'stored'`)
		return err
	})
	if err != nil {
		return fmt.Errorf("forget discarded files: %w", err)
	}
	return nil
}

// Tidy discards the previews that no record names since before limit, by this
// phone's clock. They are made from their originals, and can be again.
func (s *Store) Tidy(ctx context.Context, limit time.Time) error {
	var old []Blob
	err := s.db.View(ctx, func(tx *sql.Tx) error {
		var err error
		old, err = list(ctx, tx, `
			SELECT `+blobColumns+`
			FROM blob
			WHERE state = 'stored' AND purpose = 'preview' AND added_at < $1`, limit.UnixMilli())
		return err
	})
	if err != nil {
		return err
	}
	for _, b := range old {
		if err := s.Discard(ctx, b.SHA256); err != nil {
			return err
		}
	}
	return nil
}
