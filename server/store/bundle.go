package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/google/uuid"

	"siteledger/server/bundle"
	"siteledger/server/ledger"
	"siteledger/server/report"
	"siteledger/syncproto"
)

// LogBatches satisfies bundle.Archive.
func (s *Store) LogBatches(ctx context.Context, centre, device, epoch uuid.UUID, first, last uint64, limit int) ([]ledger.Batch, error) {
	rows, err := s.r.QueryContext(ctx, ledgerOverlap+" LIMIT $6", centre[:], device[:], epoch[:], int64(first), int64(last), limit)
	if err != nil {
		return nil, err
	}
	return collectBatches(centre, rows)
}

// LogOutcomes satisfies bundle.Records.
func (s *Store) LogOutcomes(ctx context.Context, centre, device, epoch uuid.UUID, from, to uint64) ([]syncproto.Outcome, error) {
	rows, err := s.r.QueryContext(ctx, outcomeRange, centre[:], device[:], epoch[:], int64(from), int64(to))
	if err != nil {
		return nil, err
	}
	return collectOutcomes(rows)
}

// Written satisfies bundle.Archive.
func (s *Store) Written(ctx context.Context, centre uuid.UUID, table, column string, value []byte) ([]bundle.Written, error) {
	q := s.tables[table]
	if q == nil || column != "id" && q.t.Column(column) == nil {
		return nil, fmt.Errorf("there is no column %s.%s", table, column)
	}
	var out []bundle.Written
	err := s.View(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, `
			SELECT `+q.selected()+`
			FROM state_`+q.t.Name+` s
			WHERE s.centre = $1 AND s."`+column+`" = $2
			ORDER BY s.id`, centre[:], value)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			r, err := q.scanRow(rows)
			if err != nil {
				return err
			}
			w := bundle.Written{Row: r.Row}
			seen := map[bundle.Place]bool{}
			for _, c := range q.t.Columns {
				st, ok := r.Clock.Stamp(c.Name)
				p := bundle.Place{Device: st.Log.Device, Epoch: st.Log.Epoch, Seq: st.Seq}
				if ok && !seen[p] {
					seen[p] = true
					w.Places = append(w.Places, p)
				}
			}
			out = append(out, w)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("read %s by %s: %w", table, column, err)
	}
	return out, nil
}

// PersonCases satisfies bundle.Records.
func (s *Store) PersonCases(ctx context.Context, centre, person uuid.UUID) ([]report.Case, error) {
	var out []report.Case
	err := s.View(ctx, func(tx *sql.Tx) error {
		var err error
		out, err = readCases(ctx, tx, `centre = $1 AND root = $2 AND kind IN ('clock', 'fork')`, centre[:], person[:])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read cases of %s: %w", person, err)
	}
	return out, nil
}
