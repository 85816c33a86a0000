// Package ledger takes batches of changes and keeps them byte for byte: it
// checks signature and chain, skips what it already has, refuses gaps, keeps
// forks aside, appends, folds the batch into state and acknowledges, all in
// one durable transaction of the centre's stream.
//
// It must never alter, reorder or drop a change that it has acknowledged, and
// never acknowledge one that is not on disk (promises P1, P2, P3). What a
// change does to the state is decided by package reconcile.
package ledger

import (
	"context"
	"crypto/ed25519"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/klauspost/compress/zstd"

	"siteledger/server/reconcile"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

// Device is who pushes, as the access token says and the device's row
// confirms.
type Device struct {
	ID      uuid.UUID
	Person  uuid.UUID
	Centre  uuid.UUID
	Role    schema.Role
	Key     ed25519.PublicKey
	Revoked bool // its bytes go to quarantine, nothing else
	Schema  int  // version of the schema that it reads with; 0 is the server's own
}

// Author is who makes a change in an office log. System entries have
// uuid.Nil and schema.Server.
type Author struct {
	Person uuid.UUID
	Role   schema.Role
}

// Edit is one row's change made by an office screen or by the server itself.
// Base is the rev that the screen showed; 0 does not look.
type Edit struct {
	Table string
	Row   uuid.UUID
	Op    changelog.Op
	Base  uint64
	Cols  map[string]any
	Was   map[string]any
}

// Written says where an office transaction stands: the last number of the
// office log and the stream's last rev.
type Written struct {
	Seq uint64
	Rev uint64
}

// Signer signs the heads of the office logs and the receipts.
type Signer interface {
	Sign(message []byte) []byte
	SignJWS(payload any) (string, error)
}

// Stream is a centre's, or headquarters', place in its order.
type Stream struct {
	Centre       uuid.UUID
	Headquarters bool
	Pos          uint64
	Rev          uint64
	HLC          uint64
	Schema       int // version of the schema that the next batch is folded with
	OfficeDevice uuid.UUID
	OfficeEpoch  uuid.UUID
	Cuts         []reconcile.Cut // where it was restored from a backup, oldest first
}

// Log is what the server has of one (device, epoch).
type Log struct {
	Device, Epoch, Person uuid.UUID
	Acked                 uint64
	Head                  changelog.Hash
	LastContact           int64
	ClockOffset           int64
	Opened                uint64 // place in the stream of its first batch
}

// Batch is one row of the ledger.
type Batch struct {
	Centre        uuid.UUID
	Pos           uint64
	Device, Epoch uuid.UUID
	First, Last   uint64
	Prev, Head    changelog.Hash
	Signature     []byte
	Boot          uuid.UUID
	Mono          uint64
	Wall          int64
	ReceivedAt    int64
	HQRev         uint64
	Rules         int         // number of the merge rules that folded it
	Schema        int         // version of the schema that folded it
	Digests       []byte      // eight bytes for each change
	Body          []byte      // see packBody
	Roots         []uuid.UUID // jobs that it touched; only on the way in
}

// Quarantined is a batch kept outside any log.
type Quarantined struct {
	Device, Epoch uuid.UUID
	First         uint64
	Code          syncproto.Code
	ReceivedAt    int64
	Body          []byte
}

// Logs are the logs and batches of one stream, within its transaction.
type Logs interface {
	Log(ctx context.Context, device, epoch uuid.UUID) (Log, bool, error)
	SaveLog(ctx context.Context, l Log) error
	Append(ctx context.Context, b Batch) error
	// Overlap gives the batches of a log that hold a change from first to last,
	// in order.
	Overlap(ctx context.Context, device, epoch uuid.UUID, first, last uint64) ([]Batch, error)
}

// Outcomes reads what became of changes.
type Outcomes interface {
	// Outcomes gives the stored outcomes of changes from..to of a log, in order.
	Outcomes(ctx context.Context, device, epoch uuid.UUID, from, to uint64) ([]syncproto.Outcome, error)
}

// Streams is the stream's own row, locked by the transaction.
type Streams interface {
	Stream(ctx context.Context) (Stream, error)
	SaveStream(ctx context.Context, s Stream) error
	// HQRev is headquarters' last rev, which the fold is stored against.
	HQRev(ctx context.Context) (uint64, error)
	// Quarantine keeps bytes aside; the same bytes twice are kept once. Where the
	// device's share is full it keeps a note that there was more, for people to
	// see, and says false.
	Quarantine(ctx context.Context, q Quarantined) (kept bool, err error)
}

// Tx is a transaction that holds the lock of one stream.
type Tx interface {
	Streams
	Logs
	Outcomes
	reconcile.Tx
	// Alone runs fn under a savepoint; see [reconcile.Alone].
	Alone(ctx context.Context, fn func() error) (refused, err error)
}

// Config is what a ledger needs.
type Config struct {
	// Update runs fn in a durable transaction that holds the centre's lock. An
	// error rolls everything back. An unknown centre is a NotFound fault.
	Update func(ctx context.Context, centre uuid.UUID, fn func(Tx) error) error
	// Create makes a stream; an existing one stays as it is.
	Create  func(ctx context.Context, s Stream) error
	History uuid.UUID
	Schema  *schema.Descriptor
	Signer  Signer
	Limits  syncproto.Limits
	Now     func() time.Time
	NewID   func() uuid.UUID
	Salt    func() [16]byte
	// Poke is told after each commit that gave new revs or opened a case; nil
	// for nobody.
	Poke func(centre uuid.UUID)
}

// Ledger is the writer of all streams. It is safe for concurrent use.
type Ledger struct {
	Config
	codec    *changelog.Codec
	folds    map[foldBy]*reconcile.Engine
	packer   *zstd.Encoder
	scratch  sync.Pool // of *[]byte, for packBody
	unpacker *unpacker
	boot     uuid.UUID // this start of the server, the boot id of the office logs
	start    time.Time
}

// New builds a ledger.
func New(cfg Config) (*Ledger, error) {
	codec, err := changelog.NewCodec()
	if err != nil {
		return nil, err
	}
	folds, err := engines(cfg.Schema, codec)
	if err != nil {
		return nil, err
	}
	packer, err := newPacker()
	if err != nil {
		return nil, err
	}
	unpacker, err := newUnpacker()
	if err != nil {
		return nil, err
	}
	return &Ledger{Config: cfg, codec: codec, packer: packer, unpacker: unpacker, folds: folds, boot: cfg.NewID(), start: cfg.Now()}, nil
}

// CreateStream makes the stream of a centre, or of headquarters, with an
// office log of its own. One that exists stays as it is.
func (l *Ledger) CreateStream(ctx context.Context, id uuid.UUID, headquarters bool) error {
	return l.Create(ctx, Stream{Centre: id, Headquarters: headquarters, Schema: l.Schema.Version, OfficeDevice: l.NewID(), OfficeEpoch: l.NewID()})
}

func (l *Ledger) millis() int64 { return l.Now().UnixMilli() }

func (l *Ledger) mono() uint64 { return uint64(l.Now().Sub(l.start).Milliseconds()) }
