package pack_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/uuid"

	"siteledger/syncproto/changelog"
	"siteledger/syncproto/pack"
)

// keys are those of a log that is made up.
func keys(block uint64) pack.Key { return pack.Key{0x5a, byte(block)} }

func total(changes [][]byte) (n int) {
	for _, b := range changes {
		n += len(b)
	}
	return n
}

// packed packs changes and proves that the same bytes come of it.
func packed(t testing.TB, changes [][]byte) []byte {
	t.Helper()
	p := pack.Pack(changes, keys)
	out, err := pack.Unpack(p, total(changes), len(changes))
	if err != nil {
		t.Fatalf("%d changes: %v", len(changes), err)
	}
	for i := range changes {
		if !slices.Equal(out[i], changes[i]) {
			t.Fatalf("change %d of %d\nwas %x\nis  %x", i+1, len(changes), changes[i], out[i])
		}
	}
	return p
}

// goldens are the logs of every released version of the schema, batch by batch.
func goldens(tb testing.TB) (out [][][]byte) {
	tb.Helper()
	files, err := filepath.Glob("../../testdata/golden/v*.json")
	if err != nil || len(files) < 4 {
		tb.Fatalf("golden logs: %d, %v", len(files), err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			tb.Fatal(err)
		}
		var log struct {
			Batches []struct{ Changes []string }
		}
		if err := json.Unmarshal(b, &log); err != nil {
			tb.Fatal(err)
		}
		for _, batch := range log.Batches {
			var changes [][]byte
			for _, text := range batch.Changes {
				b, err := hex.DecodeString(text)
				if err != nil {
					tb.Fatal(err)
				}
				changes = append(changes, b)
			}
			out = append(out, changes)
		}
	}
	return out
}

// oddities are changes that no phone writes as the protocol wants it, and some
// that only just are.
func oddities(tb testing.TB) (out [][]byte) {
	tb.Helper()
	for _, name := range []string{"changes", "readable", "undecodable"} {
		b, err := os.ReadFile("../../testdata/conformance/" + name + ".json")
		if err != nil {
			tb.Fatal(err)
		}
		var list []struct{ Bytes string }
		if err := json.Unmarshal(b, &list); err != nil {
			tb.Fatal(err)
		}
		for _, v := range list {
			b, err := hex.DecodeString(v.Bytes)
			if err != nil {
				tb.Fatal(err)
			}
			out = append(out, b)
		}
	}
	return out
}

// author makes up a log: rows that refer to each other, clocks that go on and
// sometimes do not, salts of its own and others.
type author struct {
	r     *rand.Rand
	codec *changelog.Codec
	last  changelog.Change
	rows  []uuid.UUID
}

func newAuthor(tb testing.TB, seed uint64) *author {
	tb.Helper()
	codec, err := changelog.NewCodec()
	if err != nil {
		tb.Fatal(err)
	}
	a := &author{r: rand.New(rand.NewPCG(seed, 7)), codec: codec}
	a.last = changelog.Change{Seq: a.r.Uint64N(1 << (1 + a.r.IntN(40))), Wall: 1_790_000_000_000 - a.r.Int64N(1<<42), Last: true, Schema: 4, Mono: 5000}
	a.last.Actor, a.last.Boot = a.id(), a.id()
	return a
}

func (a *author) id() (id uuid.UUID) {
	for i := range id {
		id[i] = byte(a.r.Uint32())
	}
	if a.r.IntN(4) > 0 {
		ms := a.last.Wall - a.r.Int64N(5)
		for i := range 6 {
			id[i] = byte(ms >> (40 - 8*i))
		}
	}
	return id
}

func (a *author) row() uuid.UUID {
	if len(a.rows) > 0 && a.r.IntN(3) > 0 {
		return a.rows[len(a.rows)-1-a.r.IntN(min(len(a.rows), 100))]
	}
	a.rows = append(a.rows, a.id())
	return a.rows[len(a.rows)-1]
}

// change is the next change; seldom says that a choice falls one time in n.
func (a *author) change(tb testing.TB) []byte {
	seldom := func(n int) bool { return a.r.IntN(n) == 0 }
	c := a.last
	c.Seq++
	c.Wall += a.r.Int64N(3000)
	c.Mono += uint64(c.Wall-a.last.Wall) + a.r.Uint64N(2)
	c.HLC = max(c.HLC+1, uint64(c.Wall)<<16)
	if a.last.Last {
		c.Txn = c.Seq
	}
	c.Last = a.r.IntN(3) > 0
	for n, f := range map[int]func(){
		40: func() { c.Seq = a.r.Uint64N(math.MaxInt64) }, 41: func() { c.HLC = a.r.Uint64() }, 42: func() { c.Wall = int64(a.r.Uint64()) },
		43: func() { c.Txn = a.r.Uint64N(9) }, 44: func() { c.Mono = 0 }, 45: func() { c.Schema = a.r.Uint64() }, 46: func() { c.Boot = a.id() },
		47: func() { c.Actor = a.id() }, 48: func() { c.HLC += 99 }, 49: func() { c.Wall = -c.Wall },
	} {
		if seldom(n) {
			f()
		}
	}
	c.Table, c.Row, c.Op = []string{"job", "visit", "photo", "x"}[a.r.IntN(4)], a.row(), changelog.Op(1+a.r.IntN(3))
	c.Base = []uint64{0, 0, 17, a.r.Uint64N(math.MaxInt64)}[a.r.IntN(4)]
	c.Cols, c.Was = a.cols(), a.cols()
	c.Salt = keys(pack.Block(c.Seq)).Salt(c.Seq)
	if seldom(10) {
		c.Salt[0]++
	}
	b, err := a.codec.Encode(&c)
	if err != nil {
		tb.Fatal(err)
	}
	a.last = c
	if seldom(25) { // as another device might write it, or nobody
		b[a.r.IntN(len(b))] ^= byte(1 << a.r.IntN(8))
	}
	return b
}

func (a *author) cols() map[string]any {
	out := map[string]any{}
	for range a.r.IntN(6) {
		row := a.row()
		sum := make([]byte, []int{0, 1, 32, 300}[a.r.IntN(4)])
		for i := range sum {
			sum[i] = byte(a.r.Uint32())
		}
		out[[]string{"at", "text", "visit", "b", "n", "a name that is longer than twenty-three bytes"}[a.r.IntN(6)]] = []any{
			nil, true, false, a.last.Wall + a.r.Int64N(9), a.r.Int64N(100), -a.r.Int64N(100), int64(math.MinInt64), int64(math.MaxInt64), uint64(math.MaxUint64),
			"", "到达", "离开", fmt.Sprint("备注 ", a.r.IntN(50)), 0.5, 1e300, row[:], sum, []any{int64(1)}, map[string]any{"x": "y"},
		}[a.r.IntN(19)]
	}
	return out
}

func (a *author) changes(tb testing.TB, n int) [][]byte {
	out := make([][]byte, n)
	for i := range out {
		out[i] = a.change(tb)
	}
	return out
}
