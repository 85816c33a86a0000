// Package mutate damages bytes at random but repeatably, and runs a fuzz
// target's body on them: many executions within an ordinary test, where go
// test -fuzz allows one target at a time. It is used by tests alone.
//
// It must give the same bytes for the same seed for ever, so that a failure
// can be played again; it promises no coverage, only numbers. What a run or
// go test -fuzz has found is kept under testdata/fuzz of the target's package,
// in Go's own format, and is part of every run.
package mutate

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// LogVariable names a file in the environment: each run appends one line,
// "target executions milliseconds", for the closing summary of the CI.
const LogVariable = "FUZZ_LOG"

// Targets of [Record] that are no fuzz targets: what was offered to a server,
// and what was done to one's database.
const (
	DamagedLogs   = "damaged-logs"
	DamagedStores = "damaged-stores"
)

// KeepVariable in the environment is a number: each run then adds so many of
// the inputs that decoded to the target's kept corpus.
const KeepVariable = "FUZZ_KEEP"

// Mutator makes damaged copies of its corpus. It is not safe for concurrent
// use.
type Mutator struct {
	rand   *rand.Rand
	corpus [][]byte
	fresh  int // added at run time
}

// New makes a mutator; the same seed and corpus give the same bytes.
func New(seed uint64, corpus [][]byte) *Mutator {
	if len(corpus) == 0 {
		corpus = [][]byte{{}}
	}
	return &Mutator{rand: rand.New(rand.NewPCG(seed, 0x51)), corpus: list(corpus)}
}

func list(of [][]byte) [][]byte { return append([][]byte(nil), of...) }

// Rand is the mutator's source, for choices of the caller that must repeat too.
func (m *Mutator) Rand() *rand.Rand { return m.rand }

// Keep adds an input to what is damaged further: one that got far. A bound
// keeps the first ones in use.
func (m *Mutator) Keep(b []byte) {
	if m.fresh < 256 && len(b) < 1<<16 {
		m.corpus, m.fresh = append(m.corpus, bytes.Clone(b)), m.fresh+1
	}
}

// Next is one of the corpus, damaged in one to four places.
func (m *Mutator) Next() []byte {
	b := bytes.Clone(m.corpus[m.rand.IntN(len(m.corpus))])
	for range 1 + m.rand.IntN(4) {
		b = m.Damage(b)
	}
	return b
}

// interesting are numbers at the edges of lengths and types.
var interesting = []byte{0, 1, 0x7f, 0x80, 0xff, 0x1b, 0x5f, 0x9f, 0xbf, 0xf6, 0xf7, 0xfb, '"', '{', '[', '.', '/', '\\', '<', '&', '\n', '-', '9', 'e'}

// Damage changes a byte string in one way: flips, cuts, inserts, swaps,
// repeats, or takes a piece of another of the corpus.
func (m *Mutator) Damage(b []byte) []byte {
	r := m.rand
	if len(b) == 0 {
		return append(b, interesting[r.IntN(len(interesting))])
	}
	i := r.IntN(len(b))
	j := i + r.IntN(min(len(b)-i, 64)+1)
	switch r.IntN(10) {
	case 0:
		b[i] ^= 1 << r.IntN(8)
	case 1:
		b[i] = byte(r.Uint32())
	case 2:
		b[i] = interesting[r.IntN(len(interesting))]
	case 3: // cut out
		b = append(b[:i], b[j:]...)
	case 4: // cut off
		b = b[:i]
	case 5: // insert
		piece := make([]byte, 1+r.IntN(8))
		for k := range piece {
			piece[k] = byte(r.Uint32())
		}
		b = append(b[:i:i], append(piece, b[i:]...)...)
	case 6: // repeat a piece
		b = append(b[:j:j], append(bytes.Clone(b[i:j]), b[j:]...)...)
	case 7: // swap two bytes
		k := r.IntN(len(b))
		b[i], b[k] = b[k], b[i]
	case 8: // a number up or down
		b[i] += byte(1 + r.IntN(3))
	case 9: // a piece of another
		o := m.corpus[r.IntN(len(m.corpus))]
		if len(o) > 0 {
			k := r.IntN(len(o))
			b = append(b[:i:i], append(bytes.Clone(o[k:min(len(o), k+1+r.IntN(64))]), b[j:]...)...)
		}
	}
	return b
}

// Scale is how many executions a test does instead of n: under the race
// detector, which is slow, a twentieth.
func Scale(n int) int {
	if raced {
		return max(n/20, 1)
	}
	return n
}

// Corpus reads the kept inputs of a target, testdata/fuzz/<target>: those of
// one []byte or string.
func Corpus(tb testing.TB, target string) [][]byte {
	tb.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "fuzz", target, "*"))
	if err != nil {
		tb.Fatal(err)
	}
	var out [][]byte
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			tb.Fatal(err)
		}
		lines := strings.SplitN(string(b), "\n", 3)
		if len(lines) < 2 || lines[0] != "go test fuzz v1" {
			tb.Fatalf("%s: not a corpus file", name)
		}
		text := strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(lines[1], "[]byte("), "string("), ")")
		s, err := strconv.Unquote(text)
		if err != nil {
			tb.Fatalf("%s: %v", name, err)
		}
		out = append(out, []byte(s))
	}
	return out
}

// Run executes a target's body n times (see [Scale]) on the seeds, the kept
// corpus and damaged copies of both. It stops at the first failure and prints
// the input in the corpus' format; a panic of the body is such a failure too.
// body says whether the input was one that decodes: it is then damaged further.
func Run(t *testing.T, target string, n int, seeds [][]byte, body func(t testing.TB, b []byte) (decoded bool)) {
	t.Helper()
	start := time.Now()
	n = Scale(n)
	all := append(list(seeds), Corpus(t, target)...)
	h := fnv.New64a()
	_, _ = h.Write([]byte(target))
	m := New(h.Sum64(), all)
	keep, _ := strconv.Atoi(os.Getenv(KeepVariable)) // 0 where it is not there
	done, decoded := 0, 0
	for ; done < n && !t.Failed(); done++ {
		b := m.Next()
		if done < len(all) {
			b = all[done]
		}
		if once(t, b, body) {
			decoded++
			m.Keep(b)
			if decoded%97 == 1 && done >= len(all) && keep > 0 && len(b) < 1<<10 {
				keep--
				store(t, target, b)
			}
		}
	}
	took := time.Since(start)
	t.Logf("fuzz: %d executions of %s in %.1f s, %d decoded", done, target, took.Seconds(), decoded)
	Record(t, target, done, took)
}

// store adds an input to the kept corpus, under a name made of its bytes.
func store(tb testing.TB, target string, b []byte) {
	tb.Helper()
	dir := filepath.Join("testdata", "fuzz", target)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		tb.Fatal(err)
	}
	h := fnv.New64a()
	_, _ = h.Write(b)
	text := fmt.Sprintf("go test fuzz v1\n[]byte(%q)\n", b)
	if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%016x", h.Sum64())), []byte(text), 0o644); err != nil {
		tb.Fatal(err)
	}
}

func once(t *testing.T, b []byte, body func(testing.TB, []byte) bool) bool {
	whole := bytes.Clone(b)
	defer func() {
		t.Helper()
		if p := recover(); p != nil {
			t.Errorf("panic: %v", p)
		}
		if t.Failed() {
			t.Errorf("with the input\ngo test fuzz v1\n[]byte(%q)", whole)
		}
	}()
	return body(t, b)
}

// Record adds a line for the CI's summary, where it asks for one: a test that
// does not go by [Run] says itself what it tried.
func Record(tb testing.TB, target string, n int, took time.Duration) {
	name := os.Getenv(LogVariable)
	if name == "" {
		return
	}
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		tb.Fatal(err)
	}
	_, err = fmt.Fprintf(f, "%s %d %d\n", target, n, took.Milliseconds())
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		tb.Fatal(err)
	}
}
