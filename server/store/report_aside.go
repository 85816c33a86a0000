package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/server/ledger"
	"siteledger/server/report"
	"siteledger/syncproto"
)

var _ report.ShelfStore = (*Store)(nil)

// list runs a query on a snapshot and hands each row to scan.
func (s *Store) list(ctx context.Context, what string, scan func(*sql.Rows) error, query string, args ...any) error {
	err := s.View(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, query, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			if err := scan(rows); err != nil {
				return err
			}
		}
		return rows.Err()
	})
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// DeniedRefs satisfies report.ShelfStore. The batch of a change is the first of
// its log that ends at or behind it.
func (s *Store) DeniedRefs(ctx context.Context, centre uuid.UUID, offset, limit int) ([]report.DeniedRef, error) {
	var out []report.DeniedRef
	err := s.list(ctx, "list denied changes", func(rows *sql.Rows) error {
		var r report.DeniedRef
		var device, epoch, person []byte
		var seq, pos int64
		if err := rows.Scan(&device, &epoch, &seq, &r.Reason, &pos, &r.Received, &person); err != nil {
			return err
		}
		r.Device, r.Epoch, r.Person, r.Seq, r.Pos = idOf(device), idOf(epoch), idOf(person), uint64(seq), uint64(pos)
		out = append(out, r)
		return nil
	}, `
		SELECT o.device, o.epoch, o.seq, o.reason, l.pos, l.received_at, g.person
		FROM outcome o
		JOIN log g ON g.centre = o.centre AND g.device = o.device AND g.epoch = o.epoch
		JOIN ledger l ON l.centre = o.centre AND l.device = o.device AND l.epoch = o.epoch AND l.last = (
			SELECT MIN(m.last)
			FROM ledger m
			WHERE m.centre = o.centre AND m.device = o.device AND m.epoch = o.epoch AND m.last >= o.seq
		)
		WHERE o.centre = $1 AND o.code = 'denied'
		ORDER BY l.pos DESC, o.seq DESC
		LIMIT $2 OFFSET $3`, centre[:], limit, offset)
	return out, err
}

// BatchAt satisfies report.ShelfStore.
func (s *Store) BatchAt(ctx context.Context, centre uuid.UUID, pos uint64) (ledger.Batch, error) {
	list, err := s.Batches(ctx, centre, pos-1, 1)
	if err != nil {
		return ledger.Batch{}, err
	}
	if len(list) == 0 || list[0].Pos != pos {
		return ledger.Batch{}, fault.New(syncproto.NotFound, "there is no such batch")
	}
	return list[0], nil
}

const asideColumns = `
			q.id, q.device, q.epoch, q.first, q.code, q.received_at, length(q.body),
			COALESCE((SELECT d."person" FROM state_device d WHERE d.centre = q.centre AND d.id = q.device), q.device)`

func scanAside(rows scanner, r *report.AsideRef, more ...any) error {
	var device, epoch, person []byte
	var first int64
	if err := rows.Scan(append([]any{&r.ID, &device, &epoch, &first, &r.Code, &r.Received, &r.Bytes, &person}, more...)...); err != nil {
		return err
	}
	r.Device, r.Epoch, r.Person, r.First = idOf(device), idOf(epoch), idOf(person), uint64(first)
	return nil
}

// AsideRefs satisfies report.ShelfStore.
func (s *Store) AsideRefs(ctx context.Context, centre, device, epoch uuid.UUID, offset, limit int) ([]report.AsideRef, error) {
	of, args := "", []any{centre[:], limit, offset}
	if epoch != uuid.Nil {
		of, args = "AND q.device = $4 AND q.epoch = $5", append(args, device[:], epoch[:])
	}
	var out []report.AsideRef
	err := s.list(ctx, "list what was set aside", func(rows *sql.Rows) error {
		var r report.AsideRef
		err := scanAside(rows, &r)
		out = append(out, r)
		return err
	}, `
		SELECT`+asideColumns+`
		FROM quarantine q
		WHERE q.centre = $1 `+of+`
		ORDER BY q.id DESC
		LIMIT $2 OFFSET $3`, args...)
	return out, err
}

// NotKept satisfies report.ShelfStore.
func (s *Store) NotKept(ctx context.Context, centre uuid.UUID) ([]report.NotKept, error) {
	var out []report.NotKept
	err := s.list(ctx, "list what was not set aside", func(rows *sql.Rows) error {
		var r report.NotKept
		var device, person []byte
		if err := rows.Scan(&device, &person, &r.Offers, &r.Largest, &r.Code, &r.First, &r.Last); err != nil {
			return err
		}
		r.Device, r.Person = idOf(device), idOf(person)
		out = append(out, r)
		return nil
	}, `
		SELECT q.device, COALESCE((SELECT d."person" FROM state_device d WHERE d.centre = q.centre AND d.id = q.device), q.device),
			q.batches, q.bytes, q.code, q.first_at, q.last_at
		FROM quarantine_full q
		WHERE q.centre = $1
		ORDER BY q.last_at DESC
		LIMIT $2`, centre[:], report.ShelfPage)
	return out, err
}

// AsideBody satisfies report.ShelfStore.
func (s *Store) AsideBody(ctx context.Context, centre uuid.UUID, id int64) (report.AsideRef, []byte, error) {
	var r report.AsideRef
	var body []byte
	err := s.View(ctx, func(tx *sql.Tx) error {
		return scanAside(tx.QueryRowContext(ctx, `
			SELECT`+asideColumns+`, q.body
			FROM quarantine q
			WHERE q.centre = $1 AND q.id = $2`, centre[:], id), &r, &body)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return r, nil, fault.Wrap(syncproto.NotFound, "there is no such batch", err)
	}
	if err != nil {
		return r, nil, fmt.Errorf("read what was set aside: %w", err)
	}
	return r, body, nil
}

// EpochsAfter satisfies report.ShelfStore.
func (s *Store) EpochsAfter(ctx context.Context, centre, device, epoch uuid.UUID) ([]report.Epoch, error) {
	var out []report.Epoch
	err := s.list(ctx, "later logs of a phone", func(rows *sql.Rows) error {
		var e report.Epoch
		var id []byte
		var opened, acked int64
		if err := rows.Scan(&id, &opened, &acked, &e.Contact); err != nil {
			return err
		}
		e.Epoch, e.Opened, e.Acked = idOf(id), uint64(opened), uint64(acked)
		out = append(out, e)
		return nil
	}, `
		SELECT l.epoch, l.opened_pos, l.acked, l.last_contact
		FROM log l
		WHERE l.centre = $1 AND l.device = $2 AND l.acked > 0 AND l.opened_pos > (
			SELECT COALESCE(MAX(f.opened_pos), 0)
			FROM log f
			WHERE f.centre = $1 AND f.device = $2 AND f.epoch = $3
		)
		ORDER BY l.opened_pos`, centre[:], device[:], epoch[:])
	return out, err
}

// LeasesOf satisfies report.ShelfStore.
func (s *Store) LeasesOf(ctx context.Context, centre, device uuid.UUID) ([]report.Lease, error) {
	var out []report.Lease
	err := s.list(ctx, "receipt ranges of a phone", func(rows *sql.Rows) error {
		var l report.Lease
		if err := rows.Scan(&l.Prefix, &l.First, &l.Last, &l.At, &l.Used); err != nil {
			return err
		}
		out = append(out, l)
		return nil
	}, `
		SELECT COALESCE(r."prefix", ''), COALESCE(r."first", 0), COALESCE(r."last", 0), COALESCE(r."at", 0),
			(SELECT COUNT(*) FROM state_receipt n WHERE n.centre = r.centre AND n.deleted = 0 AND n."no" >= rtrim(r."prefix", '-') || '-' AND n."no" < rtrim(r."prefix", '-') || '.')
		FROM state_receipt_range r
		WHERE r.centre = $1 AND r."device" = $2 AND r.deleted = 0
		ORDER BY r."at"`, centre[:], device[:])
	return out, err
}

// ReceiptCases satisfies report.ShelfStore: the receipt cases of a centre in
// which a phone has a part, the latest first.
func (s *Store) ReceiptCases(ctx context.Context, centre, device uuid.UUID) ([]report.Case, error) {
	var out []report.Case
	err := s.View(ctx, func(tx *sql.Tx) error {
		all, err := readCases(ctx, tx, `centre = $1 AND kind = 'receipt' AND sides LIKE $2`, centre[:], "%"+device.String()+"%")
		out = all
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("receipt cases of a phone: %w", err)
	}
	return out, nil
}
