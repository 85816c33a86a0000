package outbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"siteledger/syncproto"
	"siteledger/syncproto/fieldwork"
)

// Lease adds receipt numbers that the server leased to this device (FP-03). One
// that is here already keeps its place, also when it is void.
func (o *Outbox) Lease(ctx context.Context, tx *sql.Tx, ranges []syncproto.ReceiptRange, now time.Time) error {
	for _, r := range ranges {
		if r.Prefix == "" || r.From < 1 || r.To < r.From {
			continue // nothing that a receipt could be numbered from
		}
		if _, err := tx.ExecContext(ctx, `
			INSERT INTO receipt_range (prefix, first, last, leased_at)
			VALUES ($1, $2, $3, $4)
			ON CONFLICT (prefix, first) DO UPDATE SET last = max(last, excluded.last)`,
			r.Prefix, r.From, r.To, now.UnixMilli()); err != nil {
			return fmt.Errorf("lease receipt numbers: %w", err)
		}
	}
	return nil
}

// NextReceipt takes the next number of the device's own ranges, or
// [ErrNoReceipt]. A number that is taken is never given again, whatever becomes
// of the receipt: a missing one is visible.
func (o *Outbox) NextReceipt(ctx context.Context, tx *sql.Tx) (string, error) {
	var r fieldwork.Range
	var used int64
	err := tx.QueryRowContext(ctx, `
		SELECT prefix, first, last, used
		FROM receipt_range
		WHERE void = 0 AND used < last
		ORDER BY leased_at, prefix, first
		LIMIT 1`).Scan(&r.Prefix, &r.From, &r.To, &used)
	if errors.Is(err, sql.ErrNoRows) {
		return "", ErrNoReceipt
	}
	if err != nil {
		return "", fmt.Errorf("receipt number: %w", err)
	}
	no, n, ok := fieldwork.NextIn(r, used)
	if !ok {
		return "", ErrNoReceipt
	}
	if _, err := tx.ExecContext(ctx, `UPDATE receipt_range SET used = $1 WHERE prefix = $2 AND first = $3`, n, r.Prefix, r.From); err != nil {
		return "", fmt.Errorf("receipt number: %w", err)
	}
	return no, nil
}

// ReceiptsLeft is how many numbers are left to take.
func (o *Outbox) ReceiptsLeft(ctx context.Context, tx *sql.Tx) (int, error) {
	var n int
	if err := tx.QueryRowContext(ctx, `
		SELECT COALESCE(SUM(last - max(used, first - 1)), 0)
		FROM receipt_range
		WHERE void = 0`).Scan(&n); err != nil {
		return 0, fmt.Errorf("receipt numbers: %w", err)
	}
	return n, nil
}

// VoidRanges gives up all ranges: after a fork a twin may have used them.
func (o *Outbox) VoidRanges(ctx context.Context, tx *sql.Tx) error {
	if _, err := tx.ExecContext(ctx, `UPDATE receipt_range SET void = 1`); err != nil {
		return fmt.Errorf("void receipt numbers: %w", err)
	}
	return nil
}
