package store

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"database/sql"
	"errors"

	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/server/ledger"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
)

// centreTx is a transaction that holds one stream's lock, or a snapshot of it.
type centreTx struct {
	s *Store
	session
	centre uuid.UUID
}

var _ ledger.Tx = (*centreTx)(nil)

// UpdateCentre runs fn in a durable transaction that holds the centre's lock.
// An unknown centre is a NotFound fault.
func (s *Store) UpdateCentre(ctx context.Context, centre uuid.UUID, fn func(ledger.Tx) error) error {
	return s.updateCentre(ctx, centre, func(tx session) error {
		return fn(&centreTx{s: s, session: tx, centre: centre})
	})
}

const (
	streamByID = `
		SELECT headquarters, pos, rev, hlc, schema, office_device, office_epoch, cuts
		FROM stream
		WHERE centre = $1`
	streamSave = `
		UPDATE stream
		SET pos = $2, rev = $3, hlc = $4, office_epoch = $5, cuts = $6, schema = $7
		WHERE centre = $1`
	streamCreate = `
		INSERT INTO stream (centre, headquarters, office_device, office_epoch, schema)
		VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (centre) DO NOTHING`
	streamHQRev = `
		SELECT coalesce(max(rev), 0)
		FROM stream
		WHERE headquarters = 1`
	logByID = `
		SELECT person, acked, head, last_contact, clock_offset
		FROM log
		WHERE centre = $1 AND device = $2 AND epoch = $3`
	logsOf = `
		SELECT device, epoch, person, acked, head, last_contact, clock_offset
		FROM log
		WHERE centre = $1
		ORDER BY device, epoch`
	logSave = `
		INSERT INTO log (centre, device, epoch, person, acked, head, last_contact, clock_offset, opened_pos)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (centre, device, epoch) DO UPDATE SET
			acked = excluded.acked,
			head = excluded.head,
			last_contact = excluded.last_contact,
			clock_offset = excluded.clock_offset`
	ledgerAppend = `
		INSERT INTO ledger (centre, pos, device, epoch, first, last, prev, head, signature, boot, mono, wall, received_at, hq_rev, rules, schema, digests, body)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`
	ledgerColumns = `pos, device, epoch, first, last, prev, head, signature, boot, mono, wall, received_at, hq_rev, rules, schema, digests, body`
	ledgerOverlap = `
		SELECT ` + ledgerColumns + `
		FROM ledger
		WHERE centre = $1 AND device = $2 AND epoch = $3 AND last >= $4 AND first <= $5
		ORDER BY last`
	ledgerAll = `
		SELECT ` + ledgerColumns + `
		FROM ledger
		WHERE centre = $1 AND pos > $2
		ORDER BY pos
		LIMIT $3`
	outcomeRange = `
		SELECT seq, code, reason, case_id
		FROM outcome
		WHERE centre = $1 AND device = $2 AND epoch = $3 AND seq BETWEEN $4 AND $5
		ORDER BY seq`
	ledgerRootAdd = `
		INSERT INTO ledger_root (centre, root, pos)
		VALUES ($1, $2, $3)
		ON CONFLICT DO NOTHING`
	ledgerByRoot = `
		SELECT l.pos, l.device, l.epoch, l.first, l.last, l.prev, l.head, l.signature, l.boot, l.mono, l.wall, l.received_at, l.hq_rev, l.rules, l.schema, l.digests, l.body
		FROM ledger_root r
		JOIN ledger l ON l.centre = r.centre AND l.pos = r.pos
		WHERE r.centre = $1 AND r.root = $2
		ORDER BY r.pos`
	quarantineAdd = `
		INSERT INTO quarantine (centre, device, epoch, first, code, received_at, digest, body)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (centre, device, epoch, digest) DO NOTHING`
	quarantineBytes = `
		SELECT coalesce(sum(length(body)), 0)
		FROM quarantine
		WHERE centre = $1 AND device = $2`
	quarantineHas = `
		SELECT count(*)
		FROM quarantine
		WHERE centre = $1 AND device = $2 AND epoch = $3 AND digest = $4`
	quarantineFull = `
		INSERT INTO quarantine_full (centre, device, batches, bytes, code, first_at, last_at)
		VALUES ($1, $2, 1, $3, $4, $5, $5)
		ON CONFLICT (centre, device) DO UPDATE
		SET batches = quarantine_full.batches + 1, bytes = CASE WHEN excluded.bytes > quarantine_full.bytes THEN excluded.bytes ELSE quarantine_full.bytes END,
			code = excluded.code, last_at = excluded.last_at`
)

// maxQuarantine bounds what is kept aside of one device.
const maxQuarantine = 64 << 20

// Stream satisfies ledger.Streams.
func (c *centreTx) Stream(ctx context.Context) (ledger.Stream, error) {
	st := ledger.Stream{Centre: c.centre}
	row, err := c.queryRow(ctx, streamByID, c.centre[:])
	if err != nil {
		return st, err
	}
	var pos, rev, hlc int64
	var dev, epoch []byte
	var cuts string
	err = row.Scan(&st.Headquarters, &pos, &rev, &hlc, &st.Schema, &dev, &epoch, &cuts)
	if errors.Is(err, sql.ErrNoRows) {
		return st, fault.Wrap(syncproto.NotFound, "there is no such service centre", err)
	}
	if err != nil {
		return st, err
	}
	st.Pos, st.Rev, st.HLC = uint64(pos), uint64(rev), uint64(hlc)
	st.OfficeDevice, st.OfficeEpoch = uuid.UUID(dev), uuid.UUID(epoch)
	st.Cuts, err = readCuts(cuts)
	return st, err
}

// SaveStream satisfies ledger.Streams.
func (c *centreTx) SaveStream(ctx context.Context, s ledger.Stream) error {
	cuts, err := writeCuts(s.Cuts)
	if err != nil {
		return err
	}
	return c.exec(ctx, streamSave, s.Centre[:], int64(s.Pos), int64(s.Rev), int64(s.HLC), s.OfficeEpoch[:], cuts, s.Schema)
}

// HQRev satisfies ledger.Streams.
func (c *centreTx) HQRev(ctx context.Context) (uint64, error) {
	if p, ok := c.session.(*pipeline); ok && p.seen {
		return uint64(p.hqRev), nil
	}
	row, err := c.queryRow(ctx, streamHQRev)
	if err != nil {
		return 0, err
	}
	var rev int64
	err = row.Scan(&rev)
	return uint64(rev), err
}

// CreateStream makes a stream; one that exists stays as it is. Its revs begin
// at 1, also on a server that was restored from a backup: nobody ever had one
// of it.
func (s *Store) CreateStream(ctx context.Context, st ledger.Stream) error {
	return s.Update(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, streamCreate, st.Centre[:], st.Headquarters, st.OfficeDevice[:], st.OfficeEpoch[:], cmp.Or(st.Schema, s.d.Version))
		return err
	})
}

// StreamInfo is a stream and, for a centre, its name.
type StreamInfo struct {
	ID           uuid.UUID
	Headquarters bool
	Rev          uint64
	Name         string
}

// Streams lists all streams, headquarters first.
func (s *Store) Streams(ctx context.Context) ([]StreamInfo, error) {
	rows, err := s.r.QueryContext(ctx, `
		SELECT s.centre, s.headquarters, s.rev, coalesce((SELECT max(c.name) FROM state_centre c WHERE c.centre = s.centre AND c.deleted = 0), '')
		FROM stream s
		ORDER BY s.headquarters DESC, s.centre`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []StreamInfo
	for rows.Next() {
		var i StreamInfo
		var id []byte
		var rev int64
		if err := rows.Scan(&id, &i.Headquarters, &rev, &i.Name); err != nil {
			return nil, err
		}
		i.ID, i.Rev = uuid.UUID(id), uint64(rev)
		out = append(out, i)
	}
	return out, rows.Err()
}

// History gives the server's own history id, made at the first call.
func (s *Store) History(ctx context.Context, fresh uuid.UUID, nowMillis int64) (uuid.UUID, error) {
	id := fresh
	err := s.Update(ctx, func(tx *sql.Tx) error {
		var b []byte
		err := tx.QueryRowContext(ctx, "SELECT id FROM history ORDER BY floor DESC, started_at DESC LIMIT 1").Scan(&b)
		if errors.Is(err, sql.ErrNoRows) {
			_, err = tx.ExecContext(ctx, "INSERT INTO history (id, started_at, floor) VALUES ($1, $2, 0)", fresh[:], nowMillis)
			return err
		}
		if err == nil {
			id = uuid.UUID(b)
		}
		return err
	})
	return id, err
}

// Log satisfies ledger.Logs.
func (c *centreTx) Log(ctx context.Context, device, epoch uuid.UUID) (ledger.Log, bool, error) {
	l := ledger.Log{Device: device, Epoch: epoch, Head: changelog.Genesis(device, epoch)}
	row, err := c.queryRow(ctx, logByID, c.centre[:], device[:], epoch[:])
	if err != nil {
		return l, false, err
	}
	var person, head []byte
	var acked int64
	err = row.Scan(&person, &acked, &head, &l.LastContact, &l.ClockOffset)
	if errors.Is(err, sql.ErrNoRows) {
		return l, false, nil
	}
	if err != nil {
		return l, false, err
	}
	l.Person, l.Acked, l.Head = uuid.UUID(person), uint64(acked), changelog.Hash(head)
	return l, true, nil
}

// SaveLog satisfies ledger.Logs.
func (c *centreTx) SaveLog(ctx context.Context, l ledger.Log) error {
	return c.exec(ctx, logSave, c.centre[:], l.Device[:], l.Epoch[:], l.Person[:], int64(l.Acked), l.Head[:], l.LastContact, l.ClockOffset, int64(l.Opened))
}

// Append satisfies ledger.Logs.
func (c *centreTx) Append(ctx context.Context, b ledger.Batch) error {
	for _, root := range b.Roots {
		if err := c.exec(ctx, ledgerRootAdd, c.centre[:], root[:], int64(b.Pos)); err != nil {
			return err
		}
	}
	return c.exec(ctx, ledgerAppend, c.centre[:], int64(b.Pos), b.Device[:], b.Epoch[:], int64(b.First), int64(b.Last), b.Prev[:], b.Head[:],
		b.Signature, b.Boot[:], int64(b.Mono), b.Wall, b.ReceivedAt, int64(b.HQRev), b.Rules, b.Schema, b.Digests, b.Body)
}

func scanBatch(centre uuid.UUID, s scanner) (ledger.Batch, error) {
	b := ledger.Batch{Centre: centre}
	var pos, first, last, mono, hq int64
	var dev, epoch, prev, head, boot []byte
	err := s.Scan(&pos, &dev, &epoch, &first, &last, &prev, &head, &b.Signature, &boot, &mono, &b.Wall, &b.ReceivedAt, &hq, &b.Rules, &b.Schema, &b.Digests, &b.Body)
	if err != nil {
		return b, err
	}
	b.Pos, b.First, b.Last, b.Mono, b.HQRev = uint64(pos), uint64(first), uint64(last), uint64(mono), uint64(hq)
	copy(b.Device[:], dev)
	copy(b.Epoch[:], epoch)
	copy(b.Boot[:], boot)
	copy(b.Prev[:], prev)
	copy(b.Head[:], head)
	return b, nil
}

func collectBatches(centre uuid.UUID, rows rows) ([]ledger.Batch, error) {
	defer rows.Close()
	var out []ledger.Batch
	for rows.Next() {
		b, err := scanBatch(centre, rows)
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, rows.Err()
}

// Overlap satisfies ledger.Logs.
func (c *centreTx) Overlap(ctx context.Context, device, epoch uuid.UUID, first, last uint64) ([]ledger.Batch, error) {
	rows, err := c.query(ctx, ledgerOverlap, c.centre[:], device[:], epoch[:], int64(first), int64(last))
	if err != nil {
		return nil, err
	}
	return collectBatches(c.centre, rows)
}

// Batches gives up to limit batches of a stream after a place, in order.
func (s *Store) Batches(ctx context.Context, centre uuid.UUID, after uint64, limit int) ([]ledger.Batch, error) {
	rows, err := s.r.QueryContext(ctx, ledgerAll, centre[:], int64(after), limit)
	if err != nil {
		return nil, err
	}
	return collectBatches(centre, rows)
}

// Quarantine satisfies ledger.Streams.
func (c *centreTx) Quarantine(ctx context.Context, q ledger.Quarantined) (kept bool, err error) {
	digest := changelog.Digest(q.Body)
	has, err := c.number(ctx, quarantineHas, c.centre[:], q.Device[:], q.Epoch[:], digest[:])
	if err != nil || has > 0 {
		return has > 0, err
	}
	size, err := c.number(ctx, quarantineBytes, c.centre[:], q.Device[:])
	if err != nil {
		return false, err
	}
	if size+int64(len(q.Body)) > maxQuarantine {
		return false, c.exec(ctx, quarantineFull, c.centre[:], q.Device[:], int64(len(q.Body)), string(q.Code), q.ReceivedAt)
	}
	return true, c.exec(ctx, quarantineAdd, c.centre[:], q.Device[:], q.Epoch[:], int64(q.First), string(q.Code), q.ReceivedAt, digest[:], q.Body)
}

func (c *centreTx) number(ctx context.Context, text string, args ...any) (n int64, err error) {
	row, err := c.queryRow(ctx, text, args...)
	if err != nil {
		return 0, err
	}
	err = row.Scan(&n)
	return n, err
}

// Outcomes satisfies ledger.Outcomes.
func (c *centreTx) Outcomes(ctx context.Context, device, epoch uuid.UUID, from, to uint64) ([]syncproto.Outcome, error) {
	rows, err := c.query(ctx, outcomeRange, c.centre[:], device[:], epoch[:], int64(from), int64(to))
	if err != nil {
		return nil, err
	}
	return collectOutcomes(rows)
}

func collectOutcomes(rows rows) ([]syncproto.Outcome, error) {
	defer rows.Close()
	out := []syncproto.Outcome{}
	for rows.Next() {
		var o syncproto.Outcome
		var seq int64
		if err := rows.Scan(&seq, &o.Code, &o.Reason, &o.Case); err != nil {
			return nil, err
		}
		o.Seq = uint64(seq)
		out = append(out, o)
	}
	return out, rows.Err()
}

// BatchesOf satisfies ledger.Mention.
func (s *Store) BatchesOf(ctx context.Context, centre, root uuid.UUID) ([]ledger.Batch, error) {
	rows, err := s.r.QueryContext(ctx, ledgerByRoot, centre[:], root[:])
	if err != nil {
		return nil, err
	}
	return collectBatches(centre, rows)
}

// RowsOf satisfies ledger.Mention.
func (s *Store) RowsOf(ctx context.Context, centre, root uuid.UUID) (map[uuid.UUID]string, error) {
	rows, err := s.r.QueryContext(ctx, "SELECT row, tbl FROM feed WHERE centre = $1 AND root = $2", centre[:], root[:])
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[uuid.UUID]string{}
	for rows.Next() {
		var id []byte
		var table string
		if err := rows.Scan(&id, &table); err != nil {
			return nil, err
		}
		out[uuid.UUID(id)] = table
	}
	return out, rows.Err()
}

// Key satisfies ledger.Archive: the key a device was enrolled with; nil for
// the stream's own office log.
func (s *Store) Key(ctx context.Context, centre, device uuid.UUID) (ed25519.PublicKey, error) {
	var office int
	if err := s.r.QueryRowContext(ctx, "SELECT count(*) FROM stream WHERE centre = $1 AND office_device = $2", centre[:], device[:]).Scan(&office); err != nil {
		return nil, err
	}
	if office > 0 {
		return nil, nil
	}
	var key []byte
	err := s.r.QueryRowContext(ctx, "SELECT public_key FROM state_device WHERE centre = $1 AND id = $2", centre[:], device[:]).Scan(&key)
	if errors.Is(err, sql.ErrNoRows) {
		return ed25519.PublicKey{}, nil
	}
	return key, err
}

// End satisfies ledger.Archive.
func (s *Store) End(ctx context.Context, centre uuid.UUID) (uint64, error) {
	var pos int64
	err := s.r.QueryRowContext(ctx, `SELECT coalesce(max(pos), 0) FROM stream WHERE centre = $1`, centre[:]).Scan(&pos)
	return uint64(pos), err
}

// Logs satisfies ledger.Archive.
func (s *Store) Logs(ctx context.Context, centre uuid.UUID) ([]ledger.Log, error) {
	rows, err := s.r.QueryContext(ctx, logsOf, centre[:])
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []ledger.Log
	for rows.Next() {
		var l ledger.Log
		var device, epoch, person, head []byte
		var acked int64
		if err := rows.Scan(&device, &epoch, &person, &acked, &head, &l.LastContact, &l.ClockOffset); err != nil {
			return nil, err
		}
		copy(l.Device[:], device)
		copy(l.Epoch[:], epoch)
		copy(l.Person[:], person)
		copy(l.Head[:], head)
		l.Acked = uint64(acked)
		out = append(out, l)
	}
	return out, rows.Err()
}
