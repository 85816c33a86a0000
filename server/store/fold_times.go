package store

import (
	"context"
	"fmt"

	"siteledger/server/reconcile"
)

const (
	timeSave = `
		INSERT INTO event_time (centre, tbl, row, col, root, case_id, wall, earliest, latest, stands)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		ON CONFLICT (centre, tbl, row, col) DO UPDATE SET
			case_id = excluded.case_id,
			wall = excluded.wall,
			earliest = excluded.earliest,
			latest = excluded.latest,
			stands = excluded.stands`
	timeTaken = `
		UPDATE event_time
		SET stands = $3
		WHERE centre = $1 AND case_id = $2`
)

// applyTimes keeps the intervals of records whose phone's clock is in doubt.
func (c *centreTx) applyTimes(ctx context.Context, e *reconcile.Effects) error {
	for _, t := range e.Times {
		if err := c.exec(ctx, timeSave, c.centre[:], t.Table, t.Row[:], t.Column, t.Root[:], t.Case[:], t.Wall, t.Earliest, t.Latest, flag(t.Stands)); err != nil {
			return fmt.Errorf("interval of a record: %w", err)
		}
	}
	for _, t := range e.Taken {
		if err := c.exec(ctx, timeTaken, c.centre[:], t.Case[:], flag(t.Stands)); err != nil {
			return fmt.Errorf("intervals of a clock case: %w", err)
		}
	}
	return nil
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
