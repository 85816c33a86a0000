package outbox

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/pack"
)

// Errors of recording and of answers.
var (
	// ErrTooLarge: a change or a transaction is over the protocol's limits;
	// nothing was recorded.
	ErrTooLarge = errors.New("too large for one record")
	// ErrAnswer: the server's answer contradicts itself or what it signed;
	// nothing was taken over.
	ErrAnswer = errors.New("the server's answer does not add up")
	// ErrNoReceipt: the device's receipt numbers are used up.
	ErrNoReceipt = errors.New("no receipt number left")
)

// Outbox works on the log's tables. It holds no state of its own and is safe
// for concurrent use.
type Outbox struct {
	codec  *changelog.Codec
	limits syncproto.Limits
	newID  func() (uuid.UUID, error)
}

// New makes an outbox. newID is the source of epochs.
func New(limits syncproto.Limits, newID func() (uuid.UUID, error)) (*Outbox, error) {
	codec, err := changelog.NewCodec()
	if err != nil {
		return nil, err
	}
	return &Outbox{codec: codec, limits: limits, newID: newID}, nil
}

// Author is who records, and with which key.
type Author struct {
	Device, Person uuid.UUID
	Key            ed25519.PrivateKey
}

// Stamp is the phone's time as three facts.
type Stamp struct {
	Wall int64 // Unix milliseconds, unmodified
	Boot uuid.UUID
	Mono uint64 // milliseconds since that boot
}

// Entry is one change before it has a number.
type Entry struct {
	Table     string
	Row, Root uuid.UUID
	Op        changelog.Op
	Base      uint64
	Cols, Was map[string]any
}

// Key names a row of the app.
type Key struct {
	Table string
	Row   uuid.UUID
}

// Start begins the first log of a device, if it has none.
func (o *Outbox) Start(ctx context.Context, tx *sql.Tx, device uuid.UUID) error {
	if _, err := current(ctx, tx); !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	_, err := o.open(ctx, tx, device)
	return err
}

// Epoch is the id of the open log.
func (o *Outbox) Epoch(ctx context.Context, tx *sql.Tx) (uuid.UUID, error) {
	e, err := current(ctx, tx)
	if err != nil {
		return uuid.Nil, fmt.Errorf("open log: %w", err)
	}
	return e.id, nil
}

// Append records one transaction: gives its changes their numbers, places in
// the chain and clock, and signs the new head. It refuses with [ErrTooLarge]
// before anything is written.
func (o *Outbox) Append(ctx context.Context, tx *sql.Tx, who Author, at Stamp, schemaVersion int, entries []Entry) error {
	if len(entries) == 0 {
		return nil
	}
	e, err := current(ctx, tx)
	if err != nil {
		return fmt.Errorf("append: open log: %w", err)
	}
	clock, err := readClock(ctx, tx)
	if err != nil {
		return err
	}
	first := e.last + 1
	salts := saltKeys(who.Key, e.id)
	changes := make([]*changelog.Change, len(entries))
	for i, n := range entries {
		seq := first + uint64(i)
		ch := &changelog.Change{
			Seq: seq, HLC: uint64(clock.Next(at.Wall)), Wall: at.Wall, Txn: first, Last: i == len(entries)-1,
			Table: n.Table, Row: n.Row, Op: n.Op, Base: n.Base, Cols: n.Cols, Was: n.Was,
			Actor: who.Person, Schema: uint64(schemaVersion), Boot: at.Boot, Mono: at.Mono,
			Salt: salts(pack.Block(seq)).Salt(seq),
		}
		changes[i] = ch
	}
	encoded, err := o.encode(changes)
	if err != nil {
		return err
	}
	total := 0
	for i, b := range encoded {
		if len(b)+renumbering > o.limits.MaxChangeBytes {
			return fmt.Errorf("%w: a change of %s has %d bytes, at most %d are allowed", ErrTooLarge, entries[i].Table, len(b), o.limits.MaxChangeBytes)
		}
		total += len(b) + renumbering
	}
	if len(changes) > o.limits.MaxTxnChanges || total > o.limits.MaxTxnBytes {
		return fmt.Errorf("%w: %d changes of %d bytes in one transaction", ErrTooLarge, len(changes), total)
	}
	if err := writeClock(ctx, tx, clock); err != nil {
		return err
	}
	return o.insert(ctx, tx, who, at, e, changes, encoded, func(i int) uuid.UUID { return entries[i].Root })
}

// renumbering is how many bytes a change may grow when it is re-recorded after
// a fork, under higher numbers.
const renumbering = 16

func (o *Outbox) encode(changes []*changelog.Change) ([][]byte, error) {
	encoded := make([][]byte, len(changes))
	for i, ch := range changes {
		b, err := o.codec.Encode(ch)
		if err != nil {
			return nil, fmt.Errorf("append: %w", err)
		}
		encoded[i] = b
	}
	return encoded, nil
}

// insert writes encoded changes of one transaction behind the log's end.
func (o *Outbox) insert(ctx context.Context, tx *sql.Tx, who Author, at Stamp, e *epoch, changes []*changelog.Change, encoded [][]byte, root func(i int) uuid.UUID) error {
	digests, heads, head := make([][32]byte, len(changes)), make([][32]byte, len(changes)), e.head
	for i := range changes {
		digests[i] = changelog.Digest(encoded[i])
		head = changelog.NextDigest(head, digests[i])
		heads[i] = head
	}
	last := changes[len(changes)-1].Seq
	signed := []any{
		ed25519.Sign(who.Key, changelog.PushMessage(who.Device, e.id, last, head, at.Boot, at.Mono, at.Wall)), at.Boot[:], at.Mono, at.Wall,
	}
	for i, ch := range changes {
		id := root(i)
		args := append(make([]any, 0, 16), e.id[:], ch.Seq, ch.Txn, ch.Last, ch.Table, ch.Row[:], id[:], ch.Op, ch.Wall, encoded[i], digests[i][:], heads[i][:])
		if ch.Seq == last {
			args = append(args, signed...)
		} else {
			args = append(args, nil, nil, nil, nil)
		}
		if _, err := tx.ExecContext(ctx, `
			INSERT INTO change (epoch, seq, txn, last, tbl, row, root, op, wall, bytes, digest, hash, head_signature, head_boot, head_mono, head_wall)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`, args...); err != nil {
			return fmt.Errorf("append change %d: %w", ch.Seq, err)
		}
	}
	e.last, e.head = last, head
	return nil
}
