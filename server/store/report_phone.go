package store

import (
	"context"
	"database/sql"

	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/server/report"
	"siteledger/syncproto"
)

// Phone satisfies report.PhoneFiles.
func (s *Store) Phone(ctx context.Context, centre, device uuid.UUID) (report.PhoneFile, error) {
	var f report.PhoneFile
	phones, err := s.Phones(ctx, centre)
	if err != nil {
		return f, err
	}
	for _, p := range phones {
		if p.ID == device {
			f.DeviceLine = p
		}
	}
	if f.ID == uuid.Nil {
		return f, fault.New(syncproto.NotFound, "there is no such phone")
	}
	err = s.list(ctx, "logs of a phone", func(rows *sql.Rows) error {
		var e report.Epoch
		var id []byte
		var opened, acked int64
		err := rows.Scan(&id, &opened, &acked, &e.Contact)
		e.Epoch, e.Opened, e.Acked = idOf(id), uint64(opened), uint64(acked)
		f.Logs = append(f.Logs, e)
		return err
	}, `
		SELECT epoch, opened_pos, acked, last_contact
		FROM log
		WHERE centre = $1 AND device = $2
		ORDER BY opened_pos DESC
		LIMIT 20`, centre[:], device[:])
	if err != nil {
		return f, err
	}
	if len(f.Logs) > 0 {
		newest := f.Logs[0].Epoch
		err = s.list(ctx, "clock samples of a phone", func(rows *sql.Rows) error {
			var x report.Sample
			var boot []byte
			var mono int64
			err := rows.Scan(&x.At, &x.Wall, &mono, &boot)
			x.Mono, x.Boot = uint64(mono), idOf(boot)
			f.Samples = append(f.Samples, x)
			return err
		}, `
			SELECT received_at, wall, mono, boot
			FROM ledger
			WHERE centre = $1 AND device = $2 AND epoch = $3
			ORDER BY last DESC
			LIMIT 12`, centre[:], device[:], newest[:])
		if err != nil {
			return f, err
		}
	}
	return f, s.list(ctx, "instructions of a phone", func(rows *sql.Rows) error {
		var a report.Asked
		var id []byte
		err := rows.Scan(&id, &a.Kind, &a.Args, &a.At, &a.Withdrawn, &a.State)
		a.ID = idOf(id)
		f.Asked = append(f.Asked, a)
		return err
	}, `
		SELECT i.id, i."kind", COALESCE(i."args", ''), i."at", COALESCE(i."withdrawn", 0),
			COALESCE((
				SELECT a."state"
				FROM state_instruction_ack a
				WHERE a.centre = i.centre AND a."instruction" = i.id AND a.root = i."person"
				ORDER BY a.rev DESC
				LIMIT 1
			), '')
		FROM state_instruction i
		WHERE i.centre = $1 AND i."person" = $2 AND (i."device" IS NULL OR i."device" = $3) AND i."kind" NOT IN ('decided', 'fork') AND i.deleted = 0
		ORDER BY i."at" DESC
		LIMIT 30`, centre[:], f.Person[:], device[:])
}
