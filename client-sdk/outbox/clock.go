package outbox

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"siteledger/syncproto/hlc"
)

// The clock's 64 bits are kept as SQLite's signed integer with the same bits.

func readClock(ctx context.Context, tx *sql.Tx) (*hlc.Clock, error) {
	var last int64
	if err := tx.QueryRowContext(ctx, `SELECT hlc FROM clock WHERE id = 1`).Scan(&last); err != nil {
		return nil, fmt.Errorf("clock: %w", err)
	}
	return hlc.NewClock(hlc.Timestamp(uint64(last))), nil
}

func writeClock(ctx context.Context, tx *sql.Tx, c *hlc.Clock) error {
	if _, err := tx.ExecContext(ctx, `UPDATE clock SET hlc = $1 WHERE id = 1`, int64(uint64(c.Last()))); err != nil {
		return fmt.Errorf("clock: %w", err)
	}
	return nil
}

// Observe takes over a timestamp of the server, so that what is recorded next
// comes after all that the phone has seen.
func (o *Outbox) Observe(ctx context.Context, tx *sql.Tx, t uint64) error {
	c, err := readClock(ctx, tx)
	if err != nil {
		return err
	}
	c.Observe(hlc.Timestamp(t))
	return writeClock(ctx, tx, c)
}

// Measured keeps what an exchange told of the server's time.
func (o *Outbox) Measured(ctx context.Context, tx *sql.Tx, server time.Time, offset time.Duration) error {
	if _, err := tx.ExecContext(ctx, `
		UPDATE clock
		SET offset_ms = $1, server_time = max(server_time, $2)
		WHERE id = 1`, offset.Milliseconds(), server.UnixMilli()); err != nil {
		return fmt.Errorf("clock: %w", err)
	}
	return nil
}

// ServerTime is the latest server time seen (zero for none yet) and the last
// measured difference to the phone's clock.
func (o *Outbox) ServerTime(ctx context.Context, tx *sql.Tx) (time.Time, time.Duration, error) {
	var at, offset int64
	if err := tx.QueryRowContext(ctx, `SELECT server_time, offset_ms FROM clock WHERE id = 1`).Scan(&at, &offset); err != nil {
		return time.Time{}, 0, fmt.Errorf("clock: %w", err)
	}
	if at == 0 {
		return time.Time{}, 0, nil
	}
	return time.UnixMilli(at), time.Duration(offset) * time.Millisecond, nil
}
