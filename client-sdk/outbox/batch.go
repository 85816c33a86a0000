package outbox

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"fmt"

	"github.com/google/uuid"

	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
)

// envelopeBytes is the room that a push needs beside its changes.
const envelopeBytes = 16 << 10

// Batch is a run of whole transactions of one log.
type Batch struct {
	Epoch   uuid.UUID
	From    uint64
	Last    uint64
	Prev    changelog.Hash // h(From-1)
	Head    changelog.Hash // h(Last)
	Changes [][]byte

	txns int
}

// Next is the batch to send now; nil when the server has all. Older logs come
// before the open one, because what follows a fork builds on what went before.
func (o *Outbox) Next(ctx context.Context, tx *sql.Tx) (*Batch, error) {
	all, err := epochs(ctx, tx)
	if err != nil {
		return nil, err
	}
	for _, e := range all {
		from, err := o.start(ctx, tx, e)
		if err != nil {
			return nil, err
		}
		if from == 0 {
			continue
		}
		return o.batch(ctx, tx, e, from)
	}
	return nil, nil
}

// start is where a log goes on; 0 when it has nothing to send.
func (o *Outbox) start(ctx context.Context, tx *sql.Tx, e *epoch) (uint64, error) {
	from := e.acked + 1
	if e.sendFrom > 0 {
		from = e.sendFrom
	}
	from = max(from, e.pruned+1)
	if from <= e.last {
		return from, nil
	}
	if !e.verify || e.last == e.pruned {
		return 0, nil
	}
	// All is acknowledged, by a history that may have forgotten it: sending the
	// last transaction again makes the server say.
	return e.txnStart(ctx, tx, e.last)
}

// batch reads whole transactions from a number on, at least one and as many as
// the limits allow.
func (o *Outbox) batch(ctx context.Context, tx *sql.Tx, e *epoch, from uint64) (*Batch, error) {
	limit := o.limits.MaxBatchChanges
	if e.maxChanges > 0 {
		limit = min(limit, e.maxChanges)
	}
	b := &Batch{Epoch: e.id, From: from}
	var ok bool
	var err error
	if b.Prev, ok, err = e.hashAt(ctx, tx, from-1); err != nil || !ok {
		return nil, fmt.Errorf("batch: change %d is not kept: %w", from-1, err)
	}
	rows, err := tx.QueryContext(ctx, `
		SELECT seq, last, bytes, hash
		FROM change
		WHERE epoch = $1 AND seq >= $2 AND seq <= $3
		ORDER BY seq`, e.id[:], from, e.last)
	if err != nil {
		return nil, fmt.Errorf("batch: %w", err)
	}
	defer rows.Close()
	var open [][]byte // the transaction that is being read
	size, openSize := 0, 0
	for rows.Next() {
		var seq uint64
		var last bool
		var bytes, hash []byte
		if err := rows.Scan(&seq, &last, &bytes, &hash); err != nil {
			return nil, fmt.Errorf("batch: %w", err)
		}
		open, openSize = append(open, bytes), openSize+len(bytes)+4
		if b.txns > 0 && (len(b.Changes)+len(open) > limit || size+openSize > o.limits.MaxBatchBytes-envelopeBytes) {
			break
		}
		if last {
			b.Changes, size = append(b.Changes, open...), size+openSize
			b.Last, b.txns = seq, b.txns+1
			copy(b.Head[:], hash)
			open, openSize = nil, 0
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("batch: %w", err)
	}
	if b.txns == 0 {
		return nil, fmt.Errorf("batch: the transaction at change %d has no end", from)
	}
	return b, nil
}

// Request signs a batch for sending now.
func (b *Batch) Request(who Author, history uuid.UUID, at Stamp) *syncproto.PushRequest {
	return &syncproto.PushRequest{
		History: history[:], Device: who.Device[:], Epoch: b.Epoch[:],
		From: b.From, Prev: b.Prev[:], Changes: b.Changes, Head: b.Head[:],
		Signature: ed25519.Sign(who.Key, changelog.PushMessage(who.Device, b.Epoch, b.Last, b.Head, at.Boot, at.Mono, at.Wall)),
		Boot:      at.Boot[:], Mono: at.Mono, Wall: at.Wall,
	}
}
