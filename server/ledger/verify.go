package ledger

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"fmt"

	"github.com/google/uuid"

	"siteledger/syncproto/changelog"
)

// Damage is one place where the ledger is not what was signed. Seq is the
// change's number in its log; where a batch cannot be unpacked at all, the
// first number of the batch.
type Damage struct {
	Centre uuid.UUID `json:"centre"`
	Device uuid.UUID `json:"device"`
	Epoch  uuid.UUID `json:"epoch"`
	Seq    uint64    `json:"seq"`
	What   string    `json:"what"`
}

func (d Damage) String() string {
	return fmt.Sprintf("centre %s, log %s/%s, change %d: %s", d.Centre, d.Device, d.Epoch, d.Seq, d.What)
}

// Archive is what verifying reads.
type Archive interface {
	// Batches gives up to limit batches of a stream after a place, in order.
	Batches(ctx context.Context, centre uuid.UUID, after uint64, limit int) ([]Batch, error)
	// Key is the public key that signs a device's logs; nil for an office log,
	// which the server's own keys sign.
	Key(ctx context.Context, centre, device uuid.UUID) (ed25519.PublicKey, error)
	// Logs are what the store says of the stream's logs now.
	Logs(ctx context.Context, centre uuid.UUID) ([]Log, error)
	// End is the last place of the stream's ledger, by the store's own word.
	End(ctx context.Context, centre uuid.UUID) (uint64, error)
}

// Verified counts what was read.
type Verified struct {
	Batches, Changes int
	Logs             int
}

// settles bounds how often a ledger that grows while it is verified is read on.
const settles = 100

// Verify reads a stream's whole ledger again: every chain from its genesis,
// every batch's signature, every log's head, and that no place is missing, the
// last one included. Each damage is handed to report; an error from report ends
// it. server are the keys that sign office logs. A server may go on writing.
func Verify(ctx context.Context, a Archive, centre uuid.UUID, server []ed25519.PublicKey, report func(Damage) error) (Verified, error) {
	v := &verifier{archive: a, centre: centre, server: server, report: report, logs: map[logKey]*tail{}, keys: map[uuid.UUID]ed25519.PublicKey{}}
	if _, err := v.read(ctx); err != nil {
		return v.count, err
	}
	for range settles {
		end, err := a.End(ctx, centre)
		if err != nil {
			return v.count, fmt.Errorf("end of the ledger of %s: %w", centre, err)
		}
		logs, err := a.Logs(ctx, centre)
		if err != nil {
			return v.count, fmt.Errorf("logs of %s: %w", centre, err)
		}
		more, err := v.read(ctx) // what was written meanwhile
		if err != nil {
			return v.count, err
		}
		if !more {
			if err := v.heads(logs); err != nil {
				return v.count, err
			}
			return v.count, v.ends(end)
		}
	}
	return v.count, fmt.Errorf("the ledger of %s grew all the time it was read", centre)
}

// read goes on to the end of the ledger; more says that there was something.
func (v *verifier) read(ctx context.Context) (more bool, err error) {
	for {
		batches, err := v.archive.Batches(ctx, v.centre, v.after, 200)
		if err != nil {
			return more, fmt.Errorf("read ledger of %s: %w", v.centre, err)
		}
		if len(batches) == 0 {
			return more, nil
		}
		more = true
		for _, b := range batches {
			if b.Pos != v.after+1 {
				if err := v.damage(b, b.First, fmt.Sprintf("place %d of the ledger is missing", v.after+1)); err != nil {
					return more, err
				}
			}
			v.after = b.Pos
			if err := v.batch(ctx, b); err != nil {
				return more, err
			}
		}
	}
}

// ends compares where the ledger ends with where the store says it does, unless
// a log that lacks its end has told it.
func (v *verifier) ends(end uint64) error {
	if end == v.after || v.short {
		return nil
	}
	return v.report(Damage{Centre: v.centre, What: fmt.Sprintf("the stream has %d places, the ledger ends at %d", end, v.after)})
}

type logKey struct{ device, epoch uuid.UUID }

type tail struct {
	last uint64
	head changelog.Hash
}

type verifier struct {
	archive Archive
	centre  uuid.UUID
	server  []ed25519.PublicKey
	report  func(Damage) error
	logs    map[logKey]*tail
	order   []logKey
	keys    map[uuid.UUID]ed25519.PublicKey
	count   Verified
	after   uint64 // the last place that was read
	short   bool   // a log was found to lack its end
}

func (v *verifier) damage(b Batch, seq uint64, what string) error {
	return v.report(Damage{Centre: v.centre, Device: b.Device, Epoch: b.Epoch, Seq: seq, What: what})
}

func (v *verifier) batch(ctx context.Context, b Batch) error {
	k := logKey{b.Device, b.Epoch}
	t := v.logs[k]
	if t == nil {
		t = &tail{head: changelog.Genesis(b.Device, b.Epoch)}
		v.logs[k] = t
		v.order = append(v.order, k)
		v.count.Logs++
	}
	last, head := t.last, t.head
	t.last, t.head = b.Last, b.Head // go on behind a damage
	v.count.Batches++
	if b.First != last+1 || b.Prev != head {
		return v.damage(b, b.First, "the batch does not continue its log")
	}
	changes, err := b.Unpack()
	if err != nil {
		return v.damage(b, b.First, fmt.Sprintf("changes %d to %d cannot be unpacked: %v", b.First, b.Last, err))
	}
	if uint64(len(changes)) != b.Last-b.First+1 {
		return v.damage(b, b.First, "the batch holds another number of changes than it says")
	}
	v.count.Changes += len(changes)
	if chain(b.Prev, changes) != b.Head {
		return v.damage(b, v.altered(b, changes), "the change is not the one that was signed")
	}
	if !bytes.Equal(digests(changes), b.Digests) {
		return v.damage(b, v.altered(b, changes), "the digests beside the changes are not theirs")
	}
	return v.signature(ctx, b)
}

// altered names the first change whose digest is not the stored one; the
// batch's first where the digests themselves were altered.
func (v *verifier) altered(b Batch, changes [][]byte) uint64 {
	have := digests(changes)
	for i := range changes {
		if len(b.Digests) < 8*(i+1) || string(b.Digests[8*i:8*i+8]) != string(have[8*i:8*i+8]) {
			return b.First + uint64(i)
		}
	}
	return b.First
}

func (v *verifier) signature(ctx context.Context, b Batch) error {
	msg := changelog.PushMessage(b.Device, b.Epoch, b.Last, b.Head, b.Boot, b.Mono, b.Wall)
	key, ok := v.keys[b.Device]
	if !ok {
		var err error
		if key, err = v.archive.Key(ctx, v.centre, b.Device); err != nil {
			return fmt.Errorf("key of device %s: %w", b.Device, err)
		}
		v.keys[b.Device] = key
	}
	keys := v.server
	if key != nil {
		keys = []ed25519.PublicKey{key}
	}
	for _, k := range keys {
		if len(k) == ed25519.PublicKeySize && ed25519.Verify(k, msg, b.Signature) {
			return nil
		}
	}
	return v.damage(b, b.Last, "the signature does not fit")
}

// heads compares what the store says of each log with what the ledger holds:
// also of a log whose batches are all gone, and one that the store forgot.
func (v *verifier) heads(logs []Log) error {
	known := make(map[logKey]bool, len(logs))
	for _, l := range logs {
		k := logKey{l.Device, l.Epoch}
		known[k] = true
		t := v.logs[k]
		if t == nil {
			t = &tail{head: changelog.Genesis(l.Device, l.Epoch)}
		}
		if l.Acked == t.last && l.Head == t.head {
			continue
		}
		v.short = true
		d := Damage{Centre: v.centre, Device: l.Device, Epoch: l.Epoch, Seq: t.last + 1,
			What: fmt.Sprintf("changes up to %d were acknowledged, the ledger ends at %d", l.Acked, t.last)}
		if err := v.report(d); err != nil {
			return err
		}
	}
	for _, k := range v.order {
		if !known[k] {
			d := Damage{Centre: v.centre, Device: k.device, Epoch: k.epoch, Seq: 1, What: "the ledger holds a log that the store does not know"}
			if err := v.report(d); err != nil {
				return err
			}
		}
	}
	return nil
}
