// Package changelog is the log that everything hangs on: changes encoded once
// as canonical CBOR, numbered without gaps, chained by hash and signed at the
// head.
//
// The bytes of a change are made on the device that records it and are never
// encoded again: the wire, the server's ledger and every check use those same
// bytes. The package must never "repair" a change; what cannot be read is
// reported as [ErrUndecodable] and its bytes are kept by the caller.
package changelog

import (
	"errors"
	"fmt"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/uuid"
)

// Op is what a change does to its row.
type Op uint8

// The operations.
const (
	Insert Op = 1
	Update Op = 2
	Delete Op = 3
)

// Change is one row's insert, update or delete, with only the columns that
// changed. See PROTOCOL.md, section 3, for the meaning of each field.
type Change struct {
	Seq    uint64
	HLC    uint64
	Wall   int64 // Unix milliseconds by the device's own clock, unmodified
	Txn    uint64
	Last   bool
	Table  string
	Row    uuid.UUID
	Op     Op
	Base   uint64
	Cols   map[string]any
	Actor  uuid.UUID
	Schema uint64
	Was    map[string]any // update only
	Boot   uuid.UUID
	Mono   uint64 // milliseconds since boot, counting sleep
	Salt   [16]byte
}

// ErrUndecodable is wrapped by every refusal of [Decode].
var ErrUndecodable = errors.New("change cannot be decoded")

const (
	max63    = 1<<63 - 1
	maxPairs = 1 << 16 // of a map: more than a change of 64 KiB can hold
)

// wire is a change as CBOR holds it. Pointers tell a missing key from a zero;
// cbor.ByteString, unlike []byte, takes no array of numbers for bytes.
type wire struct {
	Seq    *uint64         `cbor:"1,keyasint"`
	HLC    *uint64         `cbor:"2,keyasint"`
	Wall   *int64          `cbor:"3,keyasint"`
	Txn    *uint64         `cbor:"4,keyasint"`
	Last   *bool           `cbor:"5,keyasint"`
	Table  *string         `cbor:"6,keyasint"`
	Row    cbor.ByteString `cbor:"7,keyasint"`
	Op     *uint8          `cbor:"8,keyasint"`
	Base   *uint64         `cbor:"9,keyasint"`
	Cols   map[string]any  `cbor:"10,keyasint"`
	Actor  cbor.ByteString `cbor:"11,keyasint"`
	Schema *uint64         `cbor:"12,keyasint"`
	Was    map[string]any  `cbor:"13,keyasint,omitempty"`
	Boot   cbor.ByteString `cbor:"14,keyasint"`
	Mono   *uint64         `cbor:"15,keyasint"`
	Salt   cbor.ByteString `cbor:"16,keyasint"`
}

// Codec encodes and decodes changes. It is immutable and safe for concurrent
// use; make one with [NewCodec] and keep it.
type Codec struct {
	enc   cbor.EncMode
	known cbor.DecMode // refuses keys that it does not know
	all   cbor.DecMode // the same without that
}

// NewCodec builds the protocol's one way to write CBOR (RFC 8949, section
// 4.2.1) and its strict way to read it.
func NewCodec() (*Codec, error) {
	enc, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		return nil, fmt.Errorf("cbor writer: %w", err)
	}
	opts := cbor.DecOptions{
		DupMapKey:        cbor.DupMapKeyEnforcedAPF,
		IndefLength:      cbor.IndefLengthForbidden,
		TagsMd:           cbor.TagsForbidden,
		MaxNestedLevels:  4,
		MaxArrayElements: 1 << 16,
		MaxMapPairs:      maxPairs,
		NaN:              cbor.NaNDecodeForbidden,
		Inf:              cbor.InfDecodeForbidden,
	}
	lenient, err := opts.DecMode()
	if err != nil {
		return nil, fmt.Errorf("cbor reader: %w", err)
	}
	opts.ExtraReturnErrors = cbor.ExtraDecErrorUnknownField
	known, err := opts.DecMode()
	if err != nil {
		return nil, fmt.Errorf("cbor reader: %w", err)
	}
	return &Codec{enc: enc, known: known, all: lenient}, nil
}

// Encode writes a change. Values in Cols and Was must be nil, bool, int64,
// float64, string or []byte.
func (c *Codec) Encode(ch *Change) ([]byte, error) {
	if ch.Seq > max63 || ch.Txn > max63 || ch.Base > max63 || ch.Mono > max63 {
		return nil, fmt.Errorf("encode change %d: number beyond 63 bits", ch.Seq)
	}
	op := uint8(ch.Op)
	w := wire{
		Seq: &ch.Seq, HLC: &ch.HLC, Wall: &ch.Wall, Txn: &ch.Txn, Last: &ch.Last,
		Table: &ch.Table, Row: cbor.ByteString(ch.Row[:]), Op: &op, Base: &ch.Base, Cols: notNil(ch.Cols),
		Actor: cbor.ByteString(ch.Actor[:]), Schema: &ch.Schema, Boot: cbor.ByteString(ch.Boot[:]), Mono: &ch.Mono, Salt: cbor.ByteString(ch.Salt[:]),
	}
	if ch.Op != Update {
		return c.enc.Marshal(w)
	}
	return c.enc.Marshal(struct {
		wire
		Was map[string]any `cbor:"13,keyasint"` // always there in an update, even when empty
	}{w, notNil(ch.Was)})
}

func notNil(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}

// Decode reads the bytes of one change. It refuses with [ErrUndecodable]
// whatever section 10 of PROTOCOL.md does not allow; unknown keys are ignored
// (they stay in the bytes).
func (c *Codec) Decode(b []byte) (*Change, error) {
	if ch, ok := canonical(b); ok {
		return ch, nil
	}
	return c.read(b)
}

// read decodes with the library, which knows all of CBOR.
func (c *Codec) read(b []byte) (*Change, error) {
	var w wire
	if err := c.unmarshal(b, &w); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUndecodable, err)
	}
	if w.Seq == nil || w.HLC == nil || w.Wall == nil || w.Txn == nil || w.Last == nil || w.Table == nil ||
		w.Op == nil || w.Base == nil || w.Cols == nil || w.Schema == nil || w.Mono == nil {
		return nil, fmt.Errorf("%w: a key is missing", ErrUndecodable)
	}
	if len(w.Row) != 16 || len(w.Actor) != 16 || len(w.Boot) != 16 || len(w.Salt) != 16 {
		return nil, fmt.Errorf("%w: an id or the salt is not 16 bytes", ErrUndecodable)
	}
	if *w.Op < 1 || *w.Op > 3 || (*w.Op == uint8(Update)) != (w.Was != nil) {
		return nil, fmt.Errorf("%w: operation %d", ErrUndecodable, *w.Op)
	}
	if *w.Seq > max63 || *w.Txn > max63 || *w.Base > max63 || *w.Mono > max63 {
		return nil, fmt.Errorf("%w: number beyond 63 bits", ErrUndecodable)
	}
	ch := &Change{
		Seq: *w.Seq, HLC: *w.HLC, Wall: *w.Wall, Txn: *w.Txn, Last: *w.Last, Table: *w.Table,
		Row: uuid.UUID([]byte(w.Row)), Op: Op(*w.Op), Base: *w.Base, Cols: signed(w.Cols), Actor: uuid.UUID([]byte(w.Actor)),
		Schema: *w.Schema, Was: signed(w.Was), Boot: uuid.UUID([]byte(w.Boot)), Mono: *w.Mono, Salt: [16]byte([]byte(w.Salt)),
	}
	return ch, nil
}

// unmarshal reads a change's map. The reader skips the value of an unknown key
// without looking for invalid text or repeated keys in it, so such a change is
// first read as a whole.
func (c *Codec) unmarshal(b []byte, w *wire) error {
	err := c.known.Unmarshal(b, w)
	var unknown *cbor.UnknownFieldError
	if !errors.As(err, &unknown) {
		return err
	}
	var whole any
	if err := c.all.Unmarshal(b, &whole); err != nil {
		return err
	}
	*w = wire{}
	return c.all.Unmarshal(b, w)
}

// signed turns the reader's unsigned numbers into int64 where they fit; one
// that does not stays as it is, for the column's check to refuse.
func signed(m map[string]any) map[string]any {
	for k, v := range m {
		if n, ok := v.(uint64); ok && n <= max63 {
			m[k] = int64(n)
		}
	}
	return m
}

// Marshal writes any message in the protocol's canonical CBOR.
func (c *Codec) Marshal(v any) ([]byte, error) { return c.enc.Marshal(v) }
