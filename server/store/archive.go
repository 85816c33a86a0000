package store

import (
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"siteledger/server/archive"
	"siteledger/server/blob"
	"siteledger/server/ledger"
	"siteledger/server/reconcile"
)

var (
	_ archive.Snapshot = (*Store)(nil)
	_ archive.Places   = (*Store)(nil)
)

const (
	streamEnds = `
		SELECT centre, headquarters, pos, rev, hlc, schema, office_device, office_epoch, cuts
		FROM stream
		ORDER BY headquarters DESC, centre`
	historyAll = `
		SELECT id, started_at, floor
		FROM history
		ORDER BY floor DESC, started_at DESC`
	historyAdd = `
		INSERT INTO history (id, started_at, floor)
		VALUES ($1, $2, $3)`
	shippedAll = `
		SELECT centre, pos
		FROM shipped
		WHERE history = $1`
	shippedSave = `
		INSERT INTO shipped (centre, history, pos)
		VALUES ($1, $2, $3)
		ON CONFLICT (centre, history) DO UPDATE SET pos = excluded.pos`
	// Every stored copy of a present blob: those that the uploads know, and
	// those that only the ledger remembers; in the order of their keys.
	copiesAll = `
		SELECT u.centre, u.sha256, u.device, u.size
		FROM blob_upload u
		WHERE u.stored_at > 0
			AND EXISTS (SELECT 1 FROM blob_present p WHERE p.centre = u.centre AND p.sha256 = u.sha256)
		UNION
		SELECT b.centre, b."sha256", b."device", b."size"
		FROM state_stored_blob b
		WHERE b.deleted = 0
		ORDER BY 1, 2, 3`
)

func readCuts(text string) ([]reconcile.Cut, error) {
	if text == "" {
		return nil, nil
	}
	var cuts []reconcile.Cut
	if err := json.Unmarshal([]byte(text), &cuts); err != nil {
		return nil, fmt.Errorf("cuts of the stream: %w", err)
	}
	return cuts, nil
}

func writeCuts(cuts []reconcile.Cut) (string, error) {
	if len(cuts) == 0 {
		return "", nil
	}
	b, err := json.Marshal(cuts)
	return string(b), err
}

// Ends gives every stream as it stands, headquarters first.
func (s *Store) Ends(ctx context.Context) ([]ledger.Stream, error) {
	var out []ledger.Stream
	err := s.View(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, streamEnds)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var st ledger.Stream
			var id, dev, epoch []byte
			var pos, rev, hlc int64
			var cuts string
			if err := rows.Scan(&id, &st.Headquarters, &pos, &rev, &hlc, &st.Schema, &dev, &epoch, &cuts); err != nil {
				return err
			}
			copy(st.Centre[:], id)
			copy(st.OfficeDevice[:], dev)
			copy(st.OfficeEpoch[:], epoch)
			st.Pos, st.Rev, st.HLC = uint64(pos), uint64(rev), uint64(hlc)
			if st.Cuts, err = readCuts(cuts); err != nil {
				return err
			}
			out = append(out, st)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("list streams: %w", err)
	}
	return out, nil
}

// Histories gives the server's histories, the newest first.
func (s *Store) Histories(ctx context.Context) ([]archive.History, error) {
	var out []archive.History
	err := s.View(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, historyAll)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var h archive.History
			var id []byte
			var floor int64
			if err := rows.Scan(&id, &h.StartedAt, &floor); err != nil {
				return err
			}
			copy(h.ID[:], id)
			h.Floor = uint64(floor)
			out = append(out, h)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("list histories: %w", err)
	}
	return out, nil
}

// historyBegun is what BeginHistory does, in its order, the history's row
// first.
var historyBegun = []string{
	`DELETE FROM session`,
	`DELETE FROM enrol_code WHERE claimed_key IS NULL`,
}

// BeginHistory writes down a new history of the server, which is the current
// one from the next start on: its floor must be the highest. What was signed
// in, or about to be, at the time of the backup is not any more.
func (s *Store) BeginHistory(ctx context.Context, h archive.History) error {
	return s.updateStreams(ctx, func(tx session) error { return beginHistory(ctx, tx, h) })
}

func beginHistory(ctx context.Context, tx session, h archive.History) error {
	if err := tx.exec(ctx, historyAdd, h.ID[:], h.StartedAt, int64(h.Floor)); err != nil {
		return err
	}
	for _, text := range historyBegun {
		if err := tx.exec(ctx, text); err != nil {
			return err
		}
	}
	return nil
}

// Renew writes down a new history as [Store.BeginHistory] does, counts the
// streams as shipped as far as they are, and lets each begin it in every
// stream, by the update that it is given: all in one transaction, so that a
// server never starts on a half of it, wherever this one ended. each may be run
// again after its work was rolled back.
func (s *Store) Renew(ctx context.Context, h archive.History, ends []ledger.Stream, each func(update func(context.Context, uuid.UUID, func(ledger.Tx) error) error) error) error {
	return s.updateStreams(ctx, func(tx session) error {
		if err := beginHistory(ctx, tx, h); err != nil {
			return err
		}
		for _, e := range ends {
			if err := tx.exec(ctx, shippedSave, e.Centre[:], h.ID[:], int64(e.Pos)); err != nil {
				return err
			}
		}
		return each(func(_ context.Context, centre uuid.UUID, fn func(ledger.Tx) error) error {
			return fn(&centreTx{s: s, session: tx, centre: centre})
		})
	})
}

// Shipped gives how far each stream was shipped in a history, at least.
func (s *Store) Shipped(ctx context.Context, history uuid.UUID) (map[uuid.UUID]uint64, error) {
	out := map[uuid.UUID]uint64{}
	err := s.View(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, shippedAll, history[:])
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id []byte
			var pos int64
			if err := rows.Scan(&id, &pos); err != nil {
				return err
			}
			out[uuid.UUID(id)] = uint64(pos)
		}
		return rows.Err()
	})
	return out, err
}

// SaveShipped writes down how far a stream was shipped.
func (s *Store) SaveShipped(ctx context.Context, history, centre uuid.UUID, pos uint64) error {
	return s.Update(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, shippedSave, centre[:], history[:], int64(pos))
		return err
	})
}

// Copies hands every stored copy of a present blob to fn, in the order of the
// keys.
func (s *Store) Copies(ctx context.Context, fn func(archive.Copy) error) error {
	return s.View(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, copiesAll)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var centre, sha, device []byte
			var c archive.Copy
			if err := rows.Scan(&centre, &sha, &device, &c.Size); err != nil {
				return err
			}
			if len(sha) != 32 {
				return errors.New("a stored blob has no SHA-256")
			}
			copy(c.Centre[:], centre)
			var d uuid.UUID
			copy(d[:], device)
			c.SHA256, c.Key = hex.EncodeToString(sha), blob.ObjectKey(c.Centre, [32]byte(sha), d)
			if err := fn(c); err != nil {
				return err
			}
		}
		return rows.Err()
	})
}
