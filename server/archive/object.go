package archive

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/uuid"

	"siteledger/server/ledger"
	"siteledger/syncproto/changelog"
)

// object is what lies in the bucket under one key: a run of one stream's
// batches, who the stream is, and the server's signature over all of it. The
// batches carry their own signatures; this one also covers their places, the
// time of receipt and the rules, which those do not.
type object struct {
	_            struct{} `cbor:",toarray"`
	Version      int
	History      []byte
	Previous     []byte // the history that this one was restored from; empty for the first
	Began        int64
	Centre       []byte
	Headquarters bool
	OfficeDevice []byte
	OfficeEpoch  []byte
	From, To     uint64
	Body         []byte // CBOR of []record
	Signature    []byte
}

// record is one batch; every column of the ledger.
type record struct {
	_          struct{} `cbor:",toarray"`
	Pos        uint64
	Device     []byte
	Epoch      []byte
	First      uint64
	Last       uint64
	Prev       []byte
	Head       []byte
	Signature  []byte
	Boot       []byte
	Mono       uint64
	Wall       int64
	ReceivedAt int64
	HQRev      uint64
	Rules      int
	Schema     int
	Digests    []byte
	Body       []byte
}

const objectVersion = 1

// errObject says that an object of the bucket is not what this server put.
var errObject = errors.New("shipped object")

// message is what is signed: all but the body by itself, the body by its hash.
func (o *object) message() []byte {
	sum := sha256.Sum256(o.Body)
	m := []byte("siteledger shipped v1")
	for _, id := range [][]byte{o.History, pad(o.Previous), o.Centre, o.OfficeDevice, o.OfficeEpoch} {
		m = append(m, id...)
	}
	hq := byte(0)
	if o.Headquarters {
		hq = 1
	}
	m = append(m, hq)
	m = binary.BigEndian.AppendUint64(m, uint64(o.Began))
	m = binary.BigEndian.AppendUint64(m, o.From)
	m = binary.BigEndian.AppendUint64(m, o.To)
	return append(m, sum[:]...)
}

func pad(id []byte) []byte {
	if len(id) == 0 {
		return make([]byte, 16)
	}
	return id
}

// seal packs and signs a run of batches.
func seal(h lineage, st ledger.Stream, batches []ledger.Batch, key Signer) ([]byte, error) {
	records := make([]record, len(batches))
	for i, b := range batches {
		records[i] = record{Pos: b.Pos, Device: b.Device[:], Epoch: b.Epoch[:], First: b.First, Last: b.Last, Prev: b.Prev[:], Head: b.Head[:],
			Signature: b.Signature, Boot: b.Boot[:], Mono: b.Mono, Wall: b.Wall, ReceivedAt: b.ReceivedAt, HQRev: b.HQRev, Rules: b.Rules, Schema: b.Schema,
			Digests: b.Digests, Body: b.Body}
	}
	body, err := cbor.Marshal(records)
	if err != nil {
		return nil, fmt.Errorf("pack batches: %w", err)
	}
	o := object{Version: objectVersion, History: h.id[:], Began: h.began, Centre: st.Centre[:], Headquarters: st.Headquarters,
		OfficeDevice: st.OfficeDevice[:], OfficeEpoch: st.OfficeEpoch[:], From: batches[0].Pos, To: batches[len(batches)-1].Pos, Body: body}
	if h.previous != uuid.Nil {
		o.Previous = h.previous[:]
	}
	o.Signature = key.Sign(o.message())
	return cbor.Marshal(o)
}

// lineage is a history and the one before it.
type lineage struct {
	id, previous uuid.UUID
	began        int64
}

// shipped is an object that was read back and holds.
type shipped struct {
	lineage
	stream  ledger.Stream // without pos and rev
	from    uint64
	to      uint64
	batches []ledger.Batch
}

// open reads an object under its key and checks everything that can be checked
// without the ledger: the signature by one of the server's keys, that it is the
// one that belongs under the key, and that the places follow each other. The
// batches' own chains and signatures are the ledger's to check.
func open(key string, raw []byte, keys []ed25519.PublicKey) (*shipped, error) {
	bad := func(what string, args ...any) error {
		return fmt.Errorf("%w %s: %s", errObject, key, fmt.Sprintf(what, args...))
	}
	mode, err := cbor.DecOptions{MaxArrayElements: 1 << 17}.DecMode()
	if err != nil {
		return nil, err
	}
	var o object
	if err := mode.Unmarshal(raw, &o); err != nil {
		return nil, bad("it cannot be read: %v", err)
	}
	if o.Version != objectVersion {
		return nil, bad("it is of version %d; this program reads %d", o.Version, objectVersion)
	}
	for _, id := range [][]byte{o.History, pad(o.Previous), o.Centre, o.OfficeDevice, o.OfficeEpoch} {
		if len(id) != 16 {
			return nil, bad("an id has the wrong size")
		}
	}
	if !signedByOne(o.message(), o.Signature, keys) {
		return nil, bad("the signature is not this server's")
	}
	s := &shipped{lineage: lineage{id: uuid.UUID(o.History), previous: uuid.UUID(pad(o.Previous)), began: o.Began}, from: o.From, to: o.To,
		stream: ledger.Stream{Centre: uuid.UUID(o.Centre), Headquarters: o.Headquarters, OfficeDevice: uuid.UUID(o.OfficeDevice), OfficeEpoch: uuid.UUID(o.OfficeEpoch)}}
	if objectKey(s.id, s.stream.Centre, o.From) != key {
		return nil, bad("it belongs under %s", objectKey(s.id, s.stream.Centre, o.From))
	}
	var records []record
	if err := mode.Unmarshal(o.Body, &records); err != nil {
		return nil, bad("its batches cannot be read: %v", err)
	}
	for i, r := range records {
		if len(r.Device) != 16 || len(r.Epoch) != 16 || len(r.Boot) != 16 || len(r.Prev) != 32 || len(r.Head) != 32 {
			return nil, bad("batch %d has a field of the wrong size", r.Pos)
		}
		if r.Pos != o.From+uint64(i) {
			return nil, bad("batch %d stands where %d belongs", r.Pos, o.From+uint64(i))
		}
		s.batches = append(s.batches, ledger.Batch{Centre: s.stream.Centre, Pos: r.Pos, Device: uuid.UUID(r.Device), Epoch: uuid.UUID(r.Epoch), First: r.First, Last: r.Last,
			Prev: changelog.Hash(r.Prev), Head: changelog.Hash(r.Head), Signature: r.Signature, Boot: uuid.UUID(r.Boot), Mono: r.Mono, Wall: r.Wall,
			ReceivedAt: r.ReceivedAt, HQRev: r.HQRev, Rules: r.Rules, Schema: r.Schema, Digests: r.Digests, Body: r.Body})
	}
	if len(records) == 0 || o.To != o.From+uint64(len(records))-1 {
		return nil, bad("it ends at %d, which it does not hold", o.To)
	}
	return s, nil
}

func signedByOne(message, signature []byte, keys []ed25519.PublicKey) bool {
	for _, k := range keys {
		if len(k) == ed25519.PublicKeySize && ed25519.Verify(k, message, signature) {
			return true
		}
	}
	return false
}

// same says whether two batches are one.
func same(a, b ledger.Batch) bool {
	return a.Pos == b.Pos && a.Device == b.Device && a.Epoch == b.Epoch && a.First == b.First && a.Last == b.Last && a.Prev == b.Prev && a.Head == b.Head &&
		a.ReceivedAt == b.ReceivedAt && a.HQRev == b.HQRev && a.Rules == b.Rules && a.Schema == b.Schema && bytes.Equal(a.Signature, b.Signature)
}

// ledgerPrefix is the folder of shipped batches in the bucket.
const ledgerPrefix = "ledger/"

// maxObject bounds what is read back: the largest batch and more.
const maxObject = 128 << 20

func streamPrefix(history, centre uuid.UUID) string {
	return ledgerPrefix + history.String() + "/" + centre.String() + "/"
}

// objectKey is where the object that begins at a place lies: zero padded, so
// that keys are in the order of places.
func objectKey(history, centre uuid.UUID, from uint64) string {
	return streamPrefix(history, centre) + fmt.Sprintf("%020d", from)
}

// parseKey reads what objectKey wrote; false for a key of another form.
func parseKey(key string) (history, centre uuid.UUID, from uint64, ok bool) {
	rest, ok := strings.CutPrefix(key, ledgerPrefix)
	parts := strings.Split(rest, "/")
	if !ok || len(parts) != 3 || len(parts[2]) != 20 {
		return uuid.Nil, uuid.Nil, 0, false
	}
	history, err1 := uuid.Parse(parts[0])
	centre, err2 := uuid.Parse(parts[1])
	from, err3 := strconv.ParseUint(parts[2], 10, 64)
	return history, centre, from, err1 == nil && err2 == nil && err3 == nil
}
