package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/server/report"
	"siteledger/syncproto"
)

// Case reads one case of a centre; a case of another centre is NotFound.
func (s *Store) Case(ctx context.Context, centre, id uuid.UUID) (report.Case, error) {
	var cases []report.Case
	err := s.View(ctx, func(tx *sql.Tx) error {
		var err error
		cases, err = readCases(ctx, tx, `centre = $1 AND id = $2`, centre[:], id[:])
		return err
	})
	if err != nil {
		return report.Case{}, fmt.Errorf("read case %s: %w", id, err)
	}
	if len(cases) == 0 {
		return report.Case{}, fault.New(syncproto.NotFound, "there is no such case")
	}
	return cases[0], nil
}

// readCases reads the cases that a condition on case_file names, oldest first.
func readCases(ctx context.Context, tx *sql.Tx, where string, args ...any) ([]report.Case, error) {
	rows, err := tx.QueryContext(ctx, `
		SELECT centre, id, kind, root, tbl, row, col, blocking, opened_at, opened_rev,
			sides, state, verdict, decided_by, decided_at, reason
		FROM case_file
		WHERE `+where+`
		ORDER BY opened_at, id`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []report.Case
	for rows.Next() {
		c, err := scanCase(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, rows.Err()
}

func scanCase(rows scanner) (report.Case, error) {
	var c report.Case
	var centre, id, root, row, by []byte
	var rev int64
	var sides, state string
	err := rows.Scan(&centre, &id, &c.Kind, &root, &c.Table, &row, &c.Column, &c.Blocking, &c.OpenedAt, &rev,
		&sides, &state, &c.Verdict, &by, &c.DecidedAt, &c.Reason)
	if err != nil {
		return c, err
	}
	copy(c.Centre[:], centre)
	copy(c.ID[:], id)
	copy(c.Root[:], root)
	copy(c.Row[:], row)
	copy(c.DecidedBy[:], by)
	c.OpenedRev, c.Open = uint64(rev), state == "open"
	c.Sides, err = report.ParseSides([]byte(sides))
	return c, err
}

// HeldDevice names the device whose work a case holds; uuid.Nil for none.
func (s *Store) HeldDevice(ctx context.Context, centre, id uuid.UUID) (device uuid.UUID, err error) {
	err = s.View(ctx, func(tx *sql.Tx) error {
		var b []byte
		err := tx.QueryRowContext(ctx, `
			SELECT device
			FROM held
			WHERE centre = $1 AND case_id = $2
			ORDER BY device, epoch, seq
			LIMIT 1`, centre[:], id[:]).Scan(&b)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		copy(device[:], b)
		return err
	})
	if err != nil {
		return uuid.Nil, fmt.Errorf("device of a case: %w", err)
	}
	return device, nil
}

// Decisions reads the decisions that were taken on a case, oldest first, and
// those that compensate them: who may be asked about it, and what an undo
// compensates.
func (s *Store) Decisions(ctx context.Context, centre, id uuid.UUID) ([]report.Ruled, error) {
	var out []report.Ruled
	err := s.View(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, `
			WITH RECURSIVE chain (id, of) AS (
				SELECT d.id, d."case"
				FROM state_decision d
				WHERE d.centre = $1 AND d."case" = $2 AND d.deleted = 0
				UNION
				SELECT d.id, d."case"
				FROM chain c
				JOIN state_decision d ON d.centre = $1 AND d."case" = c.id AND d.deleted = 0
			)
			SELECT d.id, c.of, d."verdict", COALESCE(d."reason", ''), d."at", d."by"
			FROM chain c
			JOIN state_decision d ON d.centre = $1 AND d.id = c.id
			ORDER BY d."at" NULLS FIRST, d.id`, centre[:], id[:])
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var r report.Ruled
			var row, of, by []byte
			if err := rows.Scan(&row, &of, &r.Verdict, &r.Reason, &r.At, &by); err != nil {
				return err
			}
			if r.Of = idOf(of); r.Of == id {
				r.Of = uuid.Nil
			}
			copy(r.ID[:], row)
			copy(r.By[:], by)
			out = append(out, r)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("read the decisions of case %s: %w", id, err)
	}
	return out, nil
}
