package outbox

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"database/sql"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"siteledger/syncproto/changelog"
)

// ErrDamaged: a byte of the log is not what was recorded.
var ErrDamaged = errors.New("the phone's log is damaged")

// Check reads the whole log and proves it: each change decodes and has its
// number and digest, the chain goes from change to change, every head carries
// the device's signature. It names the first change that does not fit.
func (o *Outbox) Check(ctx context.Context, tx *sql.Tx, device uuid.UUID, public ed25519.PublicKey) error {
	all, err := epochs(ctx, tx)
	if err != nil {
		return err
	}
	for _, e := range all {
		if err := o.checkEpoch(ctx, tx, e, device, public); err != nil {
			return err
		}
	}
	return nil
}

func (o *Outbox) checkEpoch(ctx context.Context, tx *sql.Tx, e *epoch, device uuid.UUID, public ed25519.PublicKey) error {
	rows, err := tx.QueryContext(ctx, `
		SELECT seq, txn, last, tbl, row, bytes, digest, hash, head_signature, head_boot, head_mono, head_wall
		FROM change
		WHERE epoch = $1
		ORDER BY seq`, e.id[:])
	if err != nil {
		return fmt.Errorf("check the log: %w", err)
	}
	defer rows.Close()
	prev, want := e.prunedHead, e.pruned+1
	for rows.Next() {
		var r checked
		if err := rows.Scan(&r.seq, &r.txn, &r.last, &r.table, &r.row, &r.bytes, &r.digest, &r.hash, &r.signature, &r.boot, &r.mono, &r.wall); err != nil {
			return fmt.Errorf("check the log: %w", err)
		}
		next, err := o.checkChange(r, prev, want, device, e.id, public)
		if err != nil {
			return fmt.Errorf("%w: log %s, change %d: %w", ErrDamaged, e.id, want, err)
		}
		prev, want = next, want+1
	}
	return rows.Err()
}

type checked struct {
	seq, txn            uint64
	last                bool
	table               string
	row                 uuid.UUID
	bytes, digest, hash []byte
	signature, boot     []byte
	mono                sql.Null[uint64]
	wall                sql.Null[int64]
}

func (o *Outbox) checkChange(r checked, prev changelog.Hash, want uint64, device, epoch uuid.UUID, public ed25519.PublicKey) (changelog.Hash, error) {
	ch, err := o.codec.Decode(r.bytes)
	if err != nil {
		return prev, err
	}
	if r.seq != want || ch.Seq != want || ch.Txn != r.txn || ch.Last != r.last || ch.Table != r.table || ch.Row != r.row {
		return prev, errors.New("the copies beside the bytes differ from them")
	}
	digest := changelog.Digest(r.bytes)
	head := changelog.NextDigest(prev, digest)
	if !bytes.Equal(digest[:], r.digest) || !bytes.Equal(head[:], r.hash) {
		return prev, errors.New("the chain is broken")
	}
	if !r.last {
		return head, nil
	}
	boot, err := uuid.FromBytes(r.boot)
	if err != nil {
		return prev, fmt.Errorf("signature of the head: %w", err)
	}
	if !ed25519.Verify(public, changelog.PushMessage(device, epoch, r.seq, head, boot, r.mono.V, r.wall.V), r.signature) {
		return prev, errors.New("the signature of the head is wrong")
	}
	return head, nil
}
