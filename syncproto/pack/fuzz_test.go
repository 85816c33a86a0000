package pack_test

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"siteledger/syncproto/mutate"
	"siteledger/syncproto/pack"
)

// most bounds what a target's input may name as the size of its changes.
const most = 1 << 20

// sized puts the size of the changes before the packed bytes.
func sized(changes [][]byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(total(changes))), pack.Pack(changes, keys)...)
}

// unpacks: whatever the bytes, they give changes of just the size that was
// named or one of the two errors; and what came of them can be packed again.
func unpacks(t testing.TB, b []byte) bool {
	if len(b) < 4 {
		return false
	}
	size := int(binary.BigEndian.Uint32(b) % most)
	out, err := pack.Unpack(b[4:], size, 1000)
	if err != nil {
		if out != nil || !errors.Is(err, pack.ErrMalformed) && !errors.Is(err, pack.ErrTooMany) {
			t.Fatalf("got %d changes, %v", len(out), err)
		}
		return false
	}
	if total(out) != size || len(out) > 1000 {
		t.Fatalf("%d changes of %d bytes, %d were named", len(out), total(out), size)
	}
	packed(t, out)
	return true
}

// splits makes a list of changes of any bytes: after each that is equal to the
// first begins the next.
func splits(b []byte) (out [][]byte) {
	if len(b) == 0 {
		return nil
	}
	end := b[0]
	for b = b[1:]; len(b) > 0 && len(out) < 1000; {
		n := slices.Index(b, end) + 1
		if n == 0 {
			n = len(b)
		}
		out, b = append(out, b[:n]), b[n:]
	}
	return out
}

// packs: whatever the bytes of changes, they come out as they were.
func packs(t testing.TB, b []byte) bool {
	packed(t, splits(b))
	packed(t, [][]byte{b, b})
	return len(b) > 0
}

func packedSeeds(tb testing.TB) (out [][]byte) {
	for _, changes := range goldens(tb) {
		out = append(out, sized(changes))
	}
	for seed := range uint64(20) {
		out = append(out, sized(newAuthor(tb, seed).changes(tb, int(seed))))
	}
	return append(out, sized(oddities(tb)))
}

func plainSeeds(tb testing.TB) [][]byte {
	out := oddities(tb)
	for _, changes := range goldens(tb) {
		out = append(out, changes...)
	}
	return out
}

func FuzzUnpack(f *testing.F) {
	for _, seed := range packedSeeds(f) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, b []byte) { unpacks(t, b) })
}

func FuzzPack(f *testing.F) {
	for _, seed := range plainSeeds(f) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, b []byte) { packs(t, b) })
}

func TestFuzzed(t *testing.T) {
	mutate.Run(t, "FuzzUnpack", 40_000, packedSeeds(t), unpacks)
	mutate.Run(t, "FuzzPack", 20_000, plainSeeds(t), packs)
}
