package outbox

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"siteledger/client-sdk/serverkey"
	"siteledger/syncproto"
)

// CheckReceipt says whether the server signed exactly the acknowledgement that
// the answer gives: false where the key is not known yet, an error wrapping
// [ErrAnswer] where it signed something else.
func CheckReceipt(keys serverkey.Keys, who Author, history, epoch uuid.UUID, ans *syncproto.PushAnswer) (bool, error) {
	var r syncproto.LogReceipt
	err := keys.Open(ans.Receipt, &r)
	if errors.Is(err, serverkey.ErrUnknownKey) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("%w: receipt: %w", ErrAnswer, err)
	}
	if r.History != history || r.Device != who.Device || r.Epoch != epoch || r.Acked != ans.Acked || r.Head != hex.EncodeToString(ans.Head) {
		return false, fmt.Errorf("%w: the receipt is for something else", ErrAnswer)
	}
	return true, nil
}

// KeepReceipt stores the server's word for a log.
func (o *Outbox) KeepReceipt(ctx context.Context, tx *sql.Tx, epoch, history uuid.UUID, acked uint64, jws string, verified bool) error {
	if _, err := tx.ExecContext(ctx, `
		INSERT INTO log_receipt (epoch, acked, history, jws, verified)
		VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT DO UPDATE SET jws = excluded.jws, verified = excluded.verified
		WHERE log_receipt.verified = 0`,
		epoch[:], int64(acked), history[:], jws, verified); err != nil {
		return fmt.Errorf("keep receipt: %w", err)
	}
	return nil
}

// VerifyKept checks receipts that came before the key that signed them. It says
// how many still wait for one. A forged one is dropped: it proves nothing.
func (o *Outbox) VerifyKept(ctx context.Context, tx *sql.Tx, keys serverkey.Keys) (int, error) {
	rows, err := tx.QueryContext(ctx, `SELECT epoch, acked, history, jws FROM log_receipt WHERE verified = 0`)
	if err != nil {
		return 0, fmt.Errorf("receipts: %w", err)
	}
	type kept struct {
		epoch, history uuid.UUID
		acked          int64
		jws            string
	}
	var all []kept
	for rows.Next() {
		var k kept
		if err := rows.Scan(&k.epoch, &k.acked, &k.history, &k.jws); err != nil {
			rows.Close()
			return 0, fmt.Errorf("receipts: %w", err)
		}
		all = append(all, k)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return 0, fmt.Errorf("receipts: %w", err)
	}
	waiting := 0
	for _, k := range all {
		var r syncproto.LogReceipt
		err := keys.Open(k.jws, &r)
		query := `UPDATE log_receipt SET verified = 1 WHERE epoch = $1 AND acked = $2 AND history = $3`
		switch {
		case errors.Is(err, serverkey.ErrUnknownKey):
			waiting++
			continue
		case err != nil || r.Epoch != k.epoch || r.Acked != uint64(k.acked) || r.History != k.history:
			query = `DELETE FROM log_receipt WHERE epoch = $1 AND acked = $2 AND history = $3`
		}
		if _, err := tx.ExecContext(ctx, query, k.epoch[:], k.acked, k.history[:]); err != nil {
			return 0, fmt.Errorf("receipts: %w", err)
		}
	}
	return waiting, nil
}
