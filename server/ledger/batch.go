package ledger

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/fxamacker/cbor/v2"
	"github.com/klauspost/compress/zstd"

	"siteledger/server/reconcile"
	"siteledger/syncproto/cborhead"
	"siteledger/syncproto/changelog"
)

// packWindow is how far back the compressor of bodies looks. Each of its two
// encoders keeps a little more than that in memory as long as the server lives,
// which the collector counts twice; nearly all bodies are smaller anyway.
const packWindow = 1 << 20

// newPacker makes the compressor of bodies; its EncodeAll may be called from
// many goroutines.
func newPacker() (*zstd.Encoder, error) {
	return zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(2), zstd.WithEncoderCRC(false),
		zstd.WithWindowSize(packWindow), zstd.WithLowerEncoderMem(true))
}

// packBody writes the changes of a batch as the ledger keeps them: a CBOR array
// of byte strings, compressed.
func (l *Ledger) packBody(changes [][]byte) []byte {
	scratch, _ := l.scratch.Get().(*[]byte)
	if scratch == nil {
		scratch = new([]byte)
	}
	raw := cborhead.Append((*scratch)[:0], cborhead.List, uint64(len(changes)))
	for _, c := range changes {
		raw = append(cborhead.Append(raw, cborhead.Bytes, uint64(len(c))), c...)
	}
	body := l.packer.EncodeAll(raw, make([]byte, 0, len(raw)/2))
	*scratch = raw
	l.scratch.Put(scratch)
	return body
}

// maxBody bounds what a stored batch may unpack to.
const maxBody = 64 << 20

// unpacker reads stored bodies; it is made once and may be used from many
// goroutines.
type unpacker struct {
	zstd *zstd.Decoder
	cbor cbor.DecMode
}

func newUnpacker() (*unpacker, error) {
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(2), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(maxBody))
	if err != nil {
		return nil, err
	}
	mode, err := cbor.DecOptions{MaxArrayElements: 1 << 17}.DecMode()
	if err != nil {
		return nil, err
	}
	return &unpacker{zstd: dec, cbor: mode}, nil
}

// changes gives the changes' byte strings of a stored batch.
func (u *unpacker) changes(b Batch) ([][]byte, error) {
	raw, err := u.zstd.DecodeAll(b.Body, nil)
	if err != nil {
		return nil, fmt.Errorf("unpack batch: %w", err)
	}
	var out [][]byte
	if err := u.cbor.Unmarshal(raw, &out); err != nil {
		return nil, fmt.Errorf("unpack batch: %w", err)
	}
	return out, nil
}

// Unpack gives the changes' byte strings of a stored batch, for who reads one
// now and then; a ledger keeps its reader.
func (b Batch) Unpack() ([][]byte, error) {
	u, err := newUnpacker()
	if err != nil {
		return nil, err
	}
	defer u.zstd.Close()
	return u.changes(b)
}

// digests gives the first eight bytes of each change's SHA-256.
func digests(changes [][]byte) []byte {
	out := make([]byte, 0, 8*len(changes))
	for _, c := range changes {
		d := changelog.Digest(c)
		out = append(out, d[:8]...)
	}
	return out
}

// items decodes changes for the fold; one that cannot be read, or whose number
// is not its place, has no Change.
func (l *Ledger) items(first uint64, changes [][]byte) []reconcile.Item {
	out := make([]reconcile.Item, len(changes))
	for i, b := range changes {
		out[i] = reconcile.Item{Bytes: b, Seq: first + uint64(i)}
		ch, err := l.codec.Decode(b)
		if err == nil && ch.Seq == out[i].Seq {
			out[i].Change = ch
		}
	}
	return out
}

// chain runs the hash chain over changes.
func chain(prev changelog.Hash, changes [][]byte) changelog.Hash {
	for _, c := range changes {
		prev = changelog.Next(prev, c)
	}
	return prev
}

// errDiffers says that an overlap is not what the server has.
var errDiffers = errors.New("overlap differs")

// common compares an overlap with the stored batches: it gives the last
// number up to which both agree, and errDiffers where they part.
func (u *unpacker) common(stored []Batch, from uint64, changes [][]byte, acked uint64) (uint64, error) {
	last := from - 1
	for _, b := range stored {
		have, err := u.changes(b)
		if err != nil {
			return last, err
		}
		for i, c := range have {
			seq := b.First + uint64(i)
			if seq < from || seq > acked || seq >= from+uint64(len(changes)) {
				continue
			}
			if !bytes.Equal(c, changes[seq-from]) {
				return last, errDiffers
			}
			last = seq
		}
	}
	return last, nil
}
