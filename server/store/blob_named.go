package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/google/uuid"

	"siteledger/server/report"
)

// BlobRows gives the rows of a centre that name a file, by the tables and
// columns in which they do.
func (s *Store) BlobRows(ctx context.Context, centre uuid.UUID, sha [32]byte) ([]report.BlobRow, error) {
	var out []report.BlobRow
	err := s.View(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, `
			SELECT tbl, row, col
			FROM blob_ref
			WHERE centre = $1 AND sha256 = $2
			ORDER BY tbl, row, col`, centre[:], sha[:])
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var r report.BlobRow
			var row []byte
			if err := rows.Scan(&r.Table, &row, &r.Column); err != nil {
				return err
			}
			copy(r.Row[:], row)
			out = append(out, r)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("read who names a file: %w", err)
	}
	return out, nil
}
