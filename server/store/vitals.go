package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"siteledger/server/metrics"
)

// Reads of what an operator watches. They count rows of all streams together:
// no centre, person or device is named. Each follows an index or a table that
// is small while all is well.
const (
	vitalCases = `
		SELECT c.kind, COUNT(*), MIN(c.opened_at)
		FROM stream s
		JOIN case_file c ON c.centre = s.centre AND c.state = 'open'
		GROUP BY c.kind`
	vitalHeld = `
		SELECT COUNT(*), COALESCE(MIN(received_at), 0)
		FROM held`
	vitalQuarantine = `
		SELECT COUNT(*), COALESCE(MIN(received_at), 0)
		FROM quarantine`
	vitalNotKept = `
		SELECT COALESCE(SUM(batches), 0), COALESCE(MIN(first_at), 0)
		FROM quarantine_full`
	vitalDevices = `
		SELECT
			CASE
				WHEN last_contact >= $1 THEN 'day'
				WHEN last_contact >= $2 THEN 'week'
				ELSE 'month'
			END,
			CASE
				WHEN ABS(clock_offset) < 60000 THEN 'minute'
				WHEN ABS(clock_offset) < 300000 THEN 'five_minutes'
				WHEN ABS(clock_offset) < 3600000 THEN 'hour'
				ELSE 'more'
			END,
			COUNT(*)
		FROM log
		WHERE last_contact >= $3
		GROUP BY 1, 2`
)

// Vitals satisfies metrics.Store.
func (s *Store) Vitals(ctx context.Context, now time.Time) (metrics.Vitals, error) {
	v := metrics.Vitals{Logs: map[string]int64{}, Clocks: map[string]int64{}}
	err := s.View(ctx, func(tx *sql.Tx) error {
		if err := openCases(ctx, tx, &v); err != nil {
			return err
		}
		for _, q := range []struct {
			kind, text string
		}{{"held_changes", vitalHeld}, {"quarantined_batches", vitalQuarantine}, {"batches_not_kept", vitalNotKept}} {
			n := metrics.Queue{Kind: q.kind}
			if err := tx.QueryRowContext(ctx, q.text).Scan(&n.Length, &n.Oldest); err != nil {
				return err
			}
			v.Queues = append(v.Queues, n)
		}
		return seenDevices(ctx, tx, now, &v)
	})
	if err != nil {
		return metrics.Vitals{}, fmt.Errorf("read vitals: %w", err)
	}
	return v, nil
}

func openCases(ctx context.Context, tx *sql.Tx, v *metrics.Vitals) error {
	rows, err := tx.QueryContext(ctx, vitalCases)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var q metrics.Queue
		if err := rows.Scan(&q.Kind, &q.Length, &q.Oldest); err != nil {
			return err
		}
		v.Queues = append(v.Queues, q)
	}
	return rows.Err()
}

func seenDevices(ctx context.Context, tx *sql.Tx, now time.Time, v *metrics.Vitals) error {
	ago := func(d time.Duration) int64 { return now.Add(-d).UnixMilli() }
	rows, err := tx.QueryContext(ctx, vitalDevices, ago(24*time.Hour), ago(7*24*time.Hour), ago(30*24*time.Hour))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var seen, clock string
		var n int64
		if err := rows.Scan(&seen, &clock, &n); err != nil {
			return err
		}
		v.Logs[seen] += n
		if seen == "day" {
			v.Clocks[clock] += n
		}
	}
	return rows.Err()
}

// Ready says whether the store answers, by reading: it neither takes the
// writer's turn nor waits for it, so that a long queue of writers, or a full
// disk, does not make a server that can still serve look dead. A database that
// was found damaged is not ready until it was put right and opened anew.
func (s *Store) Ready(ctx context.Context) error {
	if err := s.engine.damaged(); err != nil {
		return err
	}
	return s.View(ctx, func(tx *sql.Tx) error {
		var n int
		return tx.QueryRowContext(ctx, "SELECT COUNT(*) FROM history").Scan(&n)
	})
}
