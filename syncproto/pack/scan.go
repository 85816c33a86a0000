package pack

import "siteledger/syncproto/cborhead"

// kind is how a value is packed; it stands in the shape.
type kind byte

const (
	kindNull  kind = iota
	kindBool       // 0 or 1
	kindInt        // by its difference to the last number of the column
	kindTime       // by its difference to the change's wall
	kindID         // 16 bytes
	kindText       // by its number in the column's list
	kindBytes      // any other byte string
	kindRaw        // a CBOR item of one head: a fraction, a number beyond int64
)

const max63 = 1<<63 - 1

// CBOR's simple values (RFC 8949, section 3.3).
const (
	simpleFalse = 20
	simpleTrue  = 21
	simpleNull  = 22
)

// parsed is a change as its bytes hold it. Slices are parts of those.
type parsed struct {
	fields
	table            []byte
	op               byte
	row, actor, boot [16]byte
	salt             [16]byte
	cols, was        []cell
}

// cell is one value of a change.
type cell struct {
	name []byte
	kind kind
	num  uint64 // bool, int
	data []byte // id, text, bytes, raw
}

// scan walks over canonical CBOR; bad once something is otherwise.
type scan struct {
	b   []byte
	bad bool
}

// parse reads a change that is written as section 10 of PROTOCOL.md wants it,
// into the room of p; false for any other. It does not judge texts and values:
// whatever it reads can be written the same again.
func (p *parsed) parse(b []byte) bool {
	r := scan{b: b}
	pairs := r.head(cborhead.Map)
	p.seq, p.hlc = r.key(1).head(cborhead.Number), r.key(2).head(cborhead.Number)
	p.wall = r.key(3).integer()
	p.txn, p.last = r.key(4).head(cborhead.Number), r.key(5).boolean()
	p.table = r.key(6).data(cborhead.Text)
	r.key(7).id(&p.row)
	op := r.key(8).head(cborhead.Number)
	p.base = r.key(9).head(cborhead.Number)
	p.cols = r.key(10).cells(p.cols[:0])
	r.key(11).id(&p.actor)
	p.schema = r.key(12).head(cborhead.Number)
	p.was = p.was[:0]
	if op == 2 {
		p.was = r.key(13).cells(p.was)
	}
	r.key(14).id(&p.boot)
	p.mono = r.key(15).head(cborhead.Number)
	r.key(16).id(&p.salt)
	p.op = byte(op)
	want := uint64(15)
	if op == 2 {
		want = 16
	}
	return !r.bad && len(r.b) == 0 && op >= 1 && op <= 3 && pairs == want
}

// next reads any head of the shortest form: its major type and argument.
func (r *scan) next() (major byte, n uint64) {
	if r.bad {
		return 0, 0
	}
	major, n, rest, ok := cborhead.Next(r.b)
	if !ok {
		r.bad = true
		return 0, 0
	}
	r.b = rest
	return major, n
}

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

func (r *scan) integer() uint64 {
	major, n := r.next()
	r.bad = r.bad || n > max63 || (major != cborhead.Number && major != cborhead.Negative)
	if major == cborhead.Negative {
		return ^n
	}
	return n
}

func (r *scan) boolean() bool {
	n := r.head(cborhead.Simple)
	r.bad = r.bad || (n != simpleFalse && n != simpleTrue)
	return n == simpleTrue
}

func (r *scan) take(n uint64) []byte {
	if r.bad || n > uint64(len(r.b)) {
		r.bad = true
		return nil
	}
	out := r.b[:n:n]
	r.b = r.b[n:]
	return out
}

func (r *scan) data(major byte) []byte { return r.take(r.head(major)) }

func (r *scan) id(out *[16]byte) {
	b := r.data(cborhead.Bytes)
	r.bad = r.bad || len(b) != len(out)
	copy(out[:], b)
}

// cells reads a map of texts to values, in the order in which they stand.
func (r *scan) cells(out []cell) []cell {
	n := r.head(cborhead.Map)
	for i := uint64(0); i < n && !r.bad; i++ {
		c := cell{name: r.data(cborhead.Text)}
		r.value(&c)
		out = append(out, c)
	}
	return out
}

func (r *scan) value(c *cell) {
	whole := r.b
	if len(whole) > 0 && whole[0] >= 0xf9 && whole[0] <= 0xfb { // a fraction
		c.kind, c.data = kindRaw, r.take(1+1<<(whole[0]-0xf8))
		return
	}
	major, n := r.next()
	switch {
	case r.bad:
	case (major == cborhead.Number || major == cborhead.Negative) && n > max63:
		c.kind, c.data = kindRaw, whole[:len(whole)-len(r.b)]
	case major == cborhead.Number:
		c.kind, c.num = kindInt, n
	case major == cborhead.Negative:
		c.kind, c.num = kindInt, ^n
	case major == cborhead.Bytes && n == 16:
		c.kind, c.data = kindID, r.take(n)
	case major == cborhead.Bytes:
		c.kind, c.data = kindBytes, r.take(n)
	case major == cborhead.Text:
		c.kind, c.data = kindText, r.take(n)
	case major == cborhead.Simple && n == simpleNull:
		c.kind = kindNull
	case major == cborhead.Simple && (n == simpleFalse || n == simpleTrue):
		c.kind, c.num = kindBool, n-simpleFalse
	default:
		r.bad = true
	}
}
