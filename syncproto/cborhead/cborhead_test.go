package cborhead_test

import (
	"bytes"
	"math"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"siteledger/syncproto/cborhead"
)

// What is written is what the general codec writes, and is read again; any
// longer form of it, and any part of it, is not.
func TestShortestFormAlone(t *testing.T) {
	enc, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []uint64{0, 1, 23, 24, 255, 256, 65535, 65536, math.MaxUint32, math.MaxUint32 + 1, math.MaxUint64} {
		b := cborhead.Append(nil, cborhead.Number, n)
		want, err := enc.Marshal(n)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(b, want) {
			t.Fatalf("%d is % x, the codec says % x", n, b, want)
		}
		for major := range byte(8) {
			b := cborhead.Append(nil, major, n)
			m, got, rest, ok := cborhead.Next(append(bytes.Clone(b), 0xaa, 0xbb))
			if !ok || m != major || got != n || !bytes.Equal(rest, []byte{0xaa, 0xbb}) {
				t.Fatalf("% x reads as %d %d % x %v", b, m, got, rest, ok)
			}
			for cut := range len(b) {
				if _, _, _, ok := cborhead.Next(b[:cut]); ok {
					t.Fatalf("% x of % x is taken", b[:cut], b)
				}
			}
		}
	}
	for _, long := range [][]byte{{0x18, 23}, {0x19, 0, 255}, {0x1a, 0, 0, 255, 255}, {0x1b, 0, 0, 0, 0, 255, 255, 255, 255}, {0x1c}, {0x1f}, {}} {
		if _, _, _, ok := cborhead.Next(long); ok {
			t.Errorf("% x is taken", long)
		}
	}
}
