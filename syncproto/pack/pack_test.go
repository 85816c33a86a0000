package pack_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"runtime"
	"testing"

	"github.com/google/uuid"

	"siteledger/syncproto/changelog"
	"siteledger/syncproto/pack"
)

func TestNothingAtAll(t *testing.T) {
	if p := packed(t, nil); len(p) != 8 {
		t.Errorf("%x", p)
	}
	packed(t, [][]byte{{}, {0xff}, {}})
}

// Every log that was ever released comes out as it was, all batches in one too.
func TestGoldenLogs(t *testing.T) {
	var all [][]byte
	for _, changes := range goldens(t) {
		packed(t, changes)
		all = append(all, changes...)
	}
	if p := packed(t, all); len(p) > total(all)*2/3 {
		t.Errorf("%d bytes of %d changes became %d", total(all), len(all), len(p))
	}
	packed(t, append(oddities(t), all...))
}

func TestMadeUpLogs(t *testing.T) {
	for seed := range uint64(300) {
		packed(t, newAuthor(t, seed).changes(t, int(seed%97)))
	}
	packed(t, newAuthor(t, 1000).changes(t, 5000))
}

// What a day's changes cost where nothing is odd: the salts are not carried,
// nor the numbers, and an id once.
func TestTheRegularCostsLittle(t *testing.T) {
	codec, err := changelog.NewCodec()
	if err != nil {
		t.Fatal(err)
	}
	visit := uuid.MustParse("019c5d2e-0000-7000-8000-000000000001")
	var changes [][]byte
	for seq := uint64(1); seq <= 500; seq++ {
		wall := int64(1_790_000_000_000 + 60*seq)
		c := &changelog.Change{Seq: seq, HLC: uint64(wall) << 16, Wall: wall, Txn: seq, Last: true, Table: "visit_event", Row: visit, Op: changelog.Insert,
			Cols: map[string]any{"visit": visit[:], "kind": "arrive", "at": wall - 3}, Actor: visit, Schema: 4, Boot: visit, Mono: 60 * seq, Salt: keys(pack.Block(seq)).Salt(seq)}
		c.Row[15], c.Row[14] = byte(seq), byte(seq>>8)
		b, err := codec.Encode(c)
		if err != nil {
			t.Fatal(err)
		}
		changes = append(changes, b)
	}
	if p := packed(t, changes); len(p) > 500*24 {
		t.Errorf("%d bytes a change", len(p)/500)
	}
	if p := pack.Pack(changes, nil); len(p) < 500*32 {
		t.Errorf("%d bytes a change without the keys of the salts", len(p)/500)
	}
}

// A batch beyond what both ends remember still comes out as it was.
func TestBeyondTheMemory(t *testing.T) {
	codec, err := changelog.NewCodec()
	if err != nil {
		t.Fatal(err)
	}
	encode := func(seq uint64, cols map[string]any) []byte {
		b, err := codec.Encode(&changelog.Change{Seq: seq, Txn: seq, Last: true, Table: "t", Op: changelog.Insert, Cols: cols})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	var changes [][]byte
	for round := range 2 { // the second time all of it is known, or would be
		for i := range uint64(20) {
			wide := map[string]any{}
			for k := range 1000 {
				id := uuid.UUID{byte(i), byte(k >> 8), byte(k), 1}
				wide[fmt.Sprint("id", k)], wide[fmt.Sprint("text", k)] = id[:], fmt.Sprint(i, k)
			}
			changes = append(changes, encode(uint64(round)*40+2*i, wide))
			narrow := map[string]any{}
			for k := range 1000 {
				id := uuid.UUID{byte(i), byte(k >> 8), byte(k), 2}
				narrow[fmt.Sprint("c", k)] = []any{id[:], fmt.Sprint("n", i, k)}[k%2]
			}
			changes = append(changes, encode(uint64(round)*40+2*i+1, narrow))
		}
	}
	packed(t, changes)
}

func TestUnpackKeepsToItsBounds(t *testing.T) {
	changes := newAuthor(t, 5).changes(t, 50)
	p, size := pack.Pack(changes, keys), total(changes)
	if _, err := pack.Unpack(p, size, 49); !errors.Is(err, pack.ErrTooMany) {
		t.Errorf("too many: %v", err)
	}
	for _, other := range []int{-1, 0, 1, size - 1, size + 1, size + 1000} {
		if _, err := pack.Unpack(p, other, 50); !errors.Is(err, pack.ErrMalformed) {
			t.Errorf("size %d instead of %d: %v", other, size, err)
		}
	}
	for n := range p {
		if _, err := pack.Unpack(p[:n], size, 50); !errors.Is(err, pack.ErrMalformed) {
			t.Errorf("cut at %d of %d: %v", n, len(p), err)
		}
	}
	if _, err := pack.Unpack(append(p, 0), size, 50); !errors.Is(err, pack.ErrMalformed) {
		t.Errorf("a byte too many: %v", err)
	}
}

// parts builds a packed batch of its streams, the noise last.
func parts(streams ...string) []byte {
	var b []byte
	for _, s := range streams[:8] {
		b = binary.AppendUvarint(b, uint64(len(s)))
	}
	for _, s := range streams {
		b = append(b, s...)
	}
	return b
}

// numbered writes numbers as they stand in a stream.
func numbered(n ...uint64) string {
	var b []byte
	for _, n := range n {
		b = binary.AppendUvarint(b, n)
	}
	return string(b)
}

func TestBombs(t *testing.T) {
	const huge = math.MaxUint64
	one, key := numbered(1<<2|2), "0123456789abcdef"
	row, twice := "\x00", string(make([]byte, 16))
	text := string(make([]byte, 60<<10))
	again := make([]byte, 4000)
	for i := range again {
		again[i] = 1 // the same text again
	}
	shape := "\x01t\x01" + numbered(4001)
	for range 4001 {
		shape += "\x0dx"
	}
	for name, b := range map[string][]byte{
		"a text again and again":   parts(one, shape, "", "\x00\x00", row, "", numbered(0, uint64(len(text)))+string(again), text, key+twice),
		"endless columns":          parts(one, "\x01t\x01"+numbered(huge), "", "\x00\x00", row, "", "", "", key+twice),
		"an endless name":          parts(one, numbered(huge)+"t", "", "\x00\x00", row, "", "", "", key+twice),
		"an endless column":        parts(one, "\x01t\x01\x01"+numbered(huge), "", "\x00\x00", row, "", "", "", key+twice),
		"an endless text":          parts(one, "\x01t\x01\x01\x0dx", "", "\x00\x00", row, "", numbered(0, huge), "", key+twice),
		"an endless byte string":   parts(one, "\x01t\x01\x01\x0ex", "", "\x00\x00", row, numbered(huge-1), "", "", key+twice),
		"an endless change":        parts(numbered(0), "", "", "", "", numbered(huge), "", "", key),
		"a shape from nowhere":     parts(numbered(2<<2), "\x01t\x01\x00", "", "\x00\x00", row, "", "", "", key+twice),
		"a mark without a shape":   parts(numbered(2), "", "", "\x00\x00", row, "", "", "", key+twice),
		"an unknown operation":     parts(one, "\x01t\x04\x00", "", "\x00\x00", row, "", "", "", key+twice),
		"an id from nowhere":       parts(one, "\x01t\x01\x00", "", "\x00\x00", "\x02", "", "", "", key),
		"an id of no number":       parts(one, "\x01t\x01\x00", "", "\x00\x00", numbered(66), "", "", "", key),
		"an id beyond all numbers": parts(one, "\x01t\x01\x00", "", "\x00\x00", numbered(huge), "", "", "", key),
		"a text from nowhere":      parts(one, "\x01t\x01\x01\x0dx", "", "\x00\x00", row, "", "\x01", "", key+twice),
		"neither true nor false":   parts(one, "\x01t\x01\x01\x09x", "", "\x00\x00", row, "\x02", "", "", key+twice),
		"a number of eleven bytes": parts(one, "\x01t\x01\x00", "", "\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", row, "", "", "", key+twice),
		"an unknown oddity":        parts(numbered(1<<2|3), "\x01t\x01\x00", numbered(256), "\x00\x00", row, "", "", "", key+twice),
		"no key":                   parts(one, "\x01t\x01\x00", "", "\x00\x00", row, "", "", "", ""),
		"lengths beyond the end":   {0xff, 0xff, 3, 0, 0, 0, 0, 0, 0},
		"nothing":                  {},
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			if out, err := pack.Unpack(b, 1<<20, 1000); !errors.Is(err, pack.ErrMalformed) {
				t.Errorf("%d changes, %v", len(out), err)
			}
			runtime.ReadMemStats(&after)
			if got := after.TotalAlloc - before.TotalAlloc; got > 6<<20 {
				t.Errorf("%d bytes were taken for %d", got, len(b))
			}
		})
	}
}

func TestSalts(t *testing.T) {
	seen := map[[16]byte]bool{}
	for seq := range uint64(3000) {
		salt := keys(pack.Block(seq)).Salt(seq)
		if seen[salt] {
			t.Fatalf("the salt of change %d is one before", seq)
		}
		seen[salt] = true
	}
	if pack.Block(1023) != 0 || pack.Block(1024) != 1 {
		t.Error("a block has not 1,024 numbers")
	}
}

func BenchmarkPack(b *testing.B) {
	changes := goldenBatch(b)
	b.ReportAllocs()
	b.SetBytes(int64(total(changes)))
	for b.Loop() {
		pack.Pack(changes, keys)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(changes)), "ns/change")
}

func BenchmarkUnpack(b *testing.B) {
	changes := goldenBatch(b)
	p, size := pack.Pack(changes, keys), total(changes)
	b.ReportAllocs()
	b.SetBytes(int64(size))
	for b.Loop() {
		if _, err := pack.Unpack(p, size, len(changes)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(changes)), "ns/change")
}

// goldenBatch is a full batch, with salts as a phone makes them.
func goldenBatch(tb testing.TB) (out [][]byte) {
	codec, err := changelog.NewCodec()
	if err != nil {
		tb.Fatal(err)
	}
	for len(out) < 1000 {
		for _, changes := range goldens(tb) {
			for _, b := range changes {
				c, err := codec.Decode(b)
				if err != nil {
					continue
				}
				c.Seq = uint64(len(out) + 1)
				c.Salt = keys(pack.Block(c.Seq)).Salt(c.Seq)
				if b, err = codec.Encode(c); err != nil {
					tb.Fatal(err)
				}
				out = append(out, b)
			}
		}
	}
	return out[:1000]
}
