package changelog

import (
	"math"
	"unicode/utf8"

	"siteledger/syncproto/cborhead"
)

// canonical reads a change whose bytes are exactly as [Codec.Encode] writes
// them, without reflection: known keys in order, heads of the shortest form,
// columns in CBOR's own order, no fractions. Whatever is otherwise, right or wrong, is not
// judged here: ok is false, and the library reads it.
func canonical(b []byte) (ch *Change, ok bool) {
	r := scan{b: b}
	pairs := r.head(cborhead.Map)
	update := pairs == 16
	if pairs != 15 && !update {
		return nil, false
	}
	ch = &Change{}
	ch.Seq, ch.HLC = r.key(1).number(), r.key(2).number()
	ch.Wall = r.key(3).integer()
	ch.Txn, ch.Last = r.key(4).number(), r.key(5).boolean()
	ch.Table = r.key(6).text()
	r.key(7).fixed(ch.Row[:])
	op := r.key(8).number()
	ch.Base, ch.Cols = r.key(9).number(), r.key(10).columns()
	r.key(11).fixed(ch.Actor[:])
	ch.Schema = r.key(12).number()
	if update {
		ch.Was = r.key(13).columns()
	}
	r.key(14).fixed(ch.Boot[:])
	ch.Mono = r.key(15).number()
	r.key(16).fixed(ch.Salt[:])
	ch.Op = Op(op)
	if r.bad || len(r.b) != 0 || op < uint64(Insert) || op > uint64(Delete) || update != (ch.Op == Update) {
		return nil, false
	}
	return ch, ch.Seq <= max63 && ch.Txn <= max63 && ch.Base <= max63 && ch.Mono <= max63
}

// scan walks over canonical CBOR; bad once something is otherwise.
type scan struct {
	b   []byte
	bad bool
}

// next reads any head but those of fractions and of simple values by their
// number: its major type and argument.
func (r *scan) next() (major byte, n uint64) {
	if r.bad {
		return 0, 0
	}
	major, n, rest, ok := cborhead.Next(r.b)
	if !ok || major == cborhead.Simple && n > 23 {
		r.bad = true
		return 0, 0
	}
	r.b = rest
	return major, n
}

// head reads a head of one major type and gives its argument.
func (r *scan) head(major byte) uint64 {
	m, n := r.next()
	r.bad = r.bad || m != major
	return n
}

// key reads the key of the change's map that comes next.
func (r *scan) key(n uint64) *scan {
	r.bad = r.head(cborhead.Number) != n || r.bad
	return r
}

func (r *scan) number() uint64 { return r.head(cborhead.Number) }

func (r *scan) integer() int64 {
	major, n := r.next()
	r.bad = r.bad || n > math.MaxInt64 || (major != cborhead.Number && major != cborhead.Negative)
	if major == cborhead.Negative {
		return -1 - int64(n&math.MaxInt64)
	}
	return int64(n & math.MaxInt64)
}

func (r *scan) boolean() bool {
	n := r.head(cborhead.Simple)
	r.bad = r.bad || (n != simpleFalse && n != simpleTrue)
	return n == simpleTrue
}

// The simple values that a change may hold.
const (
	simpleFalse = 20
	simpleTrue  = 21
	simpleNull  = 22
)

// take gives the next n bytes, as a part of the change's own.
func (r *scan) take(n uint64) []byte {
	if r.bad || n > uint64(len(r.b)) {
		r.bad = true
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *scan) text() string {
	b := r.take(r.head(cborhead.Text))
	r.bad = r.bad || !utf8.Valid(b)
	return string(b)
}

func (r *scan) fixed(out []byte) {
	n := r.head(cborhead.Bytes)
	r.bad = r.bad || n != uint64(len(out))
	copy(out, r.take(n))
}

// columns reads a map of texts to values. Names that do not rise in CBOR's
// order, the shorter one first, may stand twice and are left to the library.
func (r *scan) columns() map[string]any {
	n := r.head(cborhead.Map)
	if r.bad || n > maxPairs {
		r.bad = true
		return nil
	}
	out := make(map[string]any, min(n, 32))
	before := ""
	for i := uint64(0); i < n && !r.bad; i++ {
		name := r.text()
		if i > 0 && (len(name) < len(before) || len(name) == len(before) && name <= before) {
			r.bad = true
		}
		out[name], before = r.value(), name
	}
	return out
}

func (r *scan) value() any {
	major, n := r.next()
	switch {
	case r.bad:
	case major == cborhead.Number && n <= max63:
		return int64(n)
	case major == cborhead.Negative && n <= max63:
		return -1 - int64(n)
	case major == cborhead.Bytes:
		return append([]byte{}, r.take(n)...)
	case major == cborhead.Text:
		b := r.take(n)
		r.bad = r.bad || !utf8.Valid(b)
		return string(b)
	case major == cborhead.Simple && n == simpleNull:
		return nil
	case major == cborhead.Simple && (n == simpleFalse || n == simpleTrue):
		return n == simpleTrue
	default:
		r.bad = true
	}
	return nil
}
