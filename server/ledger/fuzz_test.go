package ledger_test

import (
	"testing"

	"github.com/fxamacker/cbor/v2"
	"github.com/klauspost/compress/zstd"

	"siteledger/server/ledger"
	"siteledger/server/store/storetest"
	"siteledger/syncproto/mutate"
)

func bodies(tb testing.TB) (out [][]byte) {
	tb.Helper()
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		tb.Fatal(err)
	}
	for _, changes := range [][][]byte{{{1}, {2, 3}}, {make([]byte, 3000)}, {}} {
		raw, err := cbor.Marshal(changes)
		if err != nil {
			tb.Fatal(err)
		}
		out = append(out, enc.EncodeAll(raw, nil))
	}
	return out
}

// unpacked: a stored body is read or refused, and never grows beyond bounds.
func unpacked(t testing.TB, b []byte) bool {
	changes, err := ledger.Batch{Body: b}.Unpack()
	size := 0
	for _, c := range changes {
		size += len(c)
	}
	if size > 64<<20 {
		t.Fatalf("%d bytes from %d", size, len(b))
	}
	return err == nil
}

func FuzzUnpack(f *testing.F) {
	for _, b := range bodies(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) { unpacked(t, b) })
}

func TestFuzzed(t *testing.T) {
	mutate.Run(t, "FuzzUnpack", onTurn(8_000), bodies(t), unpacked)
}

// onTurn is how often a test does what no engine has a part in: often on
// SQLite, and just to see it work on the other.
func onTurn(n int) int {
	if storetest.Turn() != "sqlite" {
		return n / 20
	}
	return n
}
