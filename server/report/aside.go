package report

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"siteledger/server/ledger"
	"siteledger/syncproto/changelog"
)

// ShelfPage is how many lines one page of a list of what was set aside has.
const ShelfPage = 50

// shownFacts bounds how many changes of one batch are shown; all of them are
// in the file.
const shownFacts = 200

// DeniedRef is a change that was denied, by its place in the ledger.
type DeniedRef struct {
	Device   uuid.UUID
	Epoch    uuid.UUID
	Person   uuid.UUID // whose phone
	Seq      uint64
	Pos      uint64 // of its batch in the stream
	Reason   string
	Received int64 // Unix milliseconds
}

// Denied is a denied change and what it would have done; Readable is false
// where its bytes say nothing.
type Denied struct {
	DeniedRef
	Fact
	Readable bool
}

// AsideRef is a batch that the server keeps outside any log: of a forked log,
// or of a phone that was revoked. Its bytes may be read and exported, and have
// no effect.
type AsideRef struct {
	ID       int64
	Device   uuid.UUID
	Epoch    uuid.UUID
	Person   uuid.UUID
	First    uint64 // number of its first change
	Code     string // log-forked or device-revoked
	Received int64
	Bytes    int64 // as stored
}

// Aside is such a batch with its changes.
type Aside struct {
	AsideRef
	Changes int
	Facts   []Fact
	More    int // changes that are not among Facts
}

// NotKept says of a phone that batches of it were to be set aside and were not,
// as its share was full: they are on the phone alone.
type NotKept struct {
	Device      uuid.UUID
	Person      uuid.UUID
	Offers      int64  // that were turned away; the same batch may have come again
	Largest     int64  // bytes of the largest, as it would have been stored
	Code        string // of the last: log-forked or device-revoked
	First, Last int64  // Unix milliseconds
}

// Epoch is one log of a phone.
type Epoch struct {
	Epoch   uuid.UUID
	Opened  uint64 // place in the stream of its first batch
	Acked   uint64
	Contact int64 // last contact, Unix milliseconds
}

// Lease is a range of receipt numbers that a phone had.
type Lease struct {
	Prefix      string
	First, Last int64
	At          int64 // Unix milliseconds
	Used        int   // receipts with a number of it
	Void        bool  // leased before the fork: no number of it is given any more
}

// ForkFile is everything about one forked log: what was set aside, what the
// phone recorded anew, its receipt numbers.
type ForkFile struct {
	Aside    []Aside
	Epochs   []Epoch // those that the phone opened behind the forked one
	Brought  []Fact  // the first changes of the epoch behind it
	Leases   []Lease
	Receipts []Case // numbers used twice or out of range
}

// ShelfStore reads what was set aside.
type ShelfStore interface {
	DeniedRefs(ctx context.Context, centre uuid.UUID, offset, limit int) ([]DeniedRef, error)
	BatchAt(ctx context.Context, centre uuid.UUID, pos uint64) (ledger.Batch, error)
	// AsideRefs lists quarantined batches, newest first: of one log where epoch
	// is given.
	AsideRefs(ctx context.Context, centre, device, epoch uuid.UUID, offset, limit int) ([]AsideRef, error)
	// AsideBody gives one batch's bytes as they are stored; a NotFound fault for
	// one of another centre.
	AsideBody(ctx context.Context, centre uuid.UUID, id int64) (AsideRef, []byte, error)
	// NotKept lists phones whose share is full, the latest first, as many as
	// one page holds.
	NotKept(ctx context.Context, centre uuid.UUID) ([]NotKept, error)
	EpochsAfter(ctx context.Context, centre, device, epoch uuid.UUID) ([]Epoch, error)
	LeasesOf(ctx context.Context, centre, device uuid.UUID) ([]Lease, error)
	ReceiptCases(ctx context.Context, centre, device uuid.UUID) ([]Case, error)
}

// Shelf shows what the server set aside instead of applying it.
type Shelf struct{ Store ShelfStore }

// Denied lists denied changes of a centre, the latest first; page counts from
// 0, more says that there is another.
func (s Shelf) Denied(ctx context.Context, centre uuid.UUID, page int) (list []Denied, more bool, err error) {
	refs, err := s.Store.DeniedRefs(ctx, centre, page*ShelfPage, ShelfPage+1)
	if err != nil {
		return nil, false, err
	}
	if more = len(refs) > ShelfPage; more {
		refs = refs[:ShelfPage]
	}
	batches := map[uint64][]Fact{}
	for _, ref := range refs {
		facts, ok := batches[ref.Pos]
		if !ok {
			b, err := s.Store.BatchAt(ctx, centre, ref.Pos)
			if err != nil {
				return nil, false, fmt.Errorf("batch %d: %w", ref.Pos, err)
			}
			if facts, _, err = read(b, 0); err != nil {
				return nil, false, err
			}
			batches[ref.Pos] = facts
		}
		d := Denied{DeniedRef: ref}
		for _, f := range facts {
			if f.Seq == ref.Seq {
				d.Fact, d.Readable = f, f.Table != ""
			}
		}
		list = append(list, d)
	}
	return list, more, nil
}

// NotKept lists the phones of which batches were not set aside.
func (s Shelf) NotKept(ctx context.Context, centre uuid.UUID) ([]NotKept, error) {
	return s.Store.NotKept(ctx, centre)
}

// Aside lists quarantined batches of a centre, the latest first, readable.
func (s Shelf) Aside(ctx context.Context, centre uuid.UUID, page int) (list []Aside, more bool, err error) {
	refs, err := s.Store.AsideRefs(ctx, centre, uuid.Nil, uuid.Nil, page*ShelfPage, ShelfPage+1)
	if err != nil {
		return nil, false, err
	}
	if more = len(refs) > ShelfPage; more {
		refs = refs[:ShelfPage]
	}
	list, err = s.open(ctx, centre, refs)
	return list, more, err
}

func (s Shelf) open(ctx context.Context, centre uuid.UUID, refs []AsideRef) ([]Aside, error) {
	var out []Aside
	for _, ref := range refs {
		_, body, err := s.Store.AsideBody(ctx, centre, ref.ID)
		if err != nil {
			return nil, err
		}
		a := Aside{AsideRef: ref}
		if a.Facts, a.Changes, err = read(ledger.Batch{Device: ref.Device, First: ref.First, ReceivedAt: ref.Received, Body: body}, shownFacts); err != nil {
			return nil, fmt.Errorf("batch %d that was set aside: %w", ref.ID, err)
		}
		a.More = a.Changes - len(a.Facts)
		out = append(out, a)
	}
	return out, nil
}

// Raw gives the bytes of a quarantined batch: the changes as the phone encoded
// them, as one CBOR array of byte strings.
func (s Shelf) Raw(ctx context.Context, centre uuid.UUID, id int64) (AsideRef, [][]byte, error) {
	ref, body, err := s.Store.AsideBody(ctx, centre, id)
	if err != nil {
		return ref, nil, err
	}
	changes, err := ledger.Batch{Body: body}.Unpack()
	return ref, changes, err
}

// Fork gathers everything about one forked log. at is when it was found.
func (s Shelf) Fork(ctx context.Context, centre, device, epoch uuid.UUID, at int64) (ForkFile, error) {
	var f ForkFile
	refs, err := s.Store.AsideRefs(ctx, centre, device, epoch, 0, ShelfPage)
	if err != nil {
		return f, err
	}
	if f.Aside, err = s.open(ctx, centre, refs); err != nil {
		return f, err
	}
	if f.Epochs, err = s.Store.EpochsAfter(ctx, centre, device, epoch); err != nil {
		return f, err
	}
	if len(f.Epochs) > 0 {
		b, err := s.Store.BatchAt(ctx, centre, f.Epochs[0].Opened)
		if err != nil {
			return f, fmt.Errorf("first batch of the new log: %w", err)
		}
		if f.Brought, _, err = read(b, shownFacts); err != nil {
			return f, err
		}
	}
	if f.Leases, err = s.Store.LeasesOf(ctx, centre, device); err != nil {
		return f, err
	}
	for i := range f.Leases {
		f.Leases[i].Void = f.Leases[i].At <= at
	}
	f.Receipts, err = s.Store.ReceiptCases(ctx, centre, device)
	return f, err
}

// read decodes the changes of a batch, at most limit of them where limit is
// not 0, and counts all. One whose bytes cannot be read has only its number.
func read(b ledger.Batch, limit int) ([]Fact, int, error) {
	codec, err := changelog.NewCodec()
	if err != nil {
		return nil, 0, err
	}
	changes, err := b.Unpack()
	if err != nil {
		return nil, 0, err
	}
	var out []Fact
	for i, raw := range changes {
		if limit > 0 && i >= limit {
			break
		}
		f := Fact{Device: b.Device, Seq: b.First + uint64(i), Received: b.ReceivedAt}
		if ch, err := codec.Decode(raw); err == nil {
			f.Txn, f.Table, f.Row, f.Op, f.Cols, f.Was, f.Actor, f.Wall = ch.Txn, ch.Table, ch.Row, ch.Op, ch.Cols, ch.Was, ch.Actor, ch.Wall
		}
		out = append(out, f)
	}
	return out, len(changes), nil
}
