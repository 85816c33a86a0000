package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/google/uuid"
)

const (
	leaseTake = `
		INSERT INTO lease (centre, name, holder, until)
		VALUES ($1, $2, $3, @now + $4)
		ON CONFLICT (centre, name) DO UPDATE SET
			holder = excluded.holder,
			until = excluded.until
		WHERE lease.holder = excluded.holder OR lease.until <= @now`
	leaseDrop = `
		DELETE FROM lease
		WHERE centre = $1 AND name = $2 AND holder = $3`
)

// Lease takes a piece of work for a while, or holds it longer; false where
// another server has it. It is measured by the database's clock. A holder that
// dies keeps it until it runs out, so that the work must bear a pause of that
// length; and one that was stalled may still be at it when another begins, so
// that the work must bear being done twice.
func (s *Store) Lease(ctx context.Context, centre uuid.UUID, name string, holder uuid.UUID, span time.Duration) (mine bool, err error) {
	err = s.Update(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, s.clocked(leaseTake), centre[:], name, holder[:], span.Milliseconds())
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		mine = n == 1
		return err
	})
	return mine, err
}

// EndLease gives a piece of work back before its time.
func (s *Store) EndLease(ctx context.Context, centre uuid.UUID, name string, holder uuid.UUID) error {
	return s.exec(ctx, leaseDrop, centre[:], name, holder[:])
}
