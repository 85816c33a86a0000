package pack

import (
	"encoding/binary"
	"fmt"
)

// unpacker is one batch on its way in.
type unpacker struct {
	memory
	streams [streams][]byte
	noise   []byte
	out     []byte
	size    int
	bad     bool
}

// Unpack gives the changes that were packed: parts of one buffer of size
// bytes, which is all that they may have together and is what they must have.
// It stops with [ErrTooMany] at more than most changes, and with
// [ErrMalformed] at anything that is not written as [Pack] does.
func Unpack(packed []byte, size, most int) ([][]byte, error) {
	u, err := open(packed, size)
	if err != nil {
		return nil, err
	}
	var ends []int
	for len(u.streams[streamMarks]) > 0 {
		if len(ends) == most {
			return nil, fmt.Errorf("%w: over %d", ErrTooMany, most)
		}
		if u.one(); u.bad {
			return nil, fmt.Errorf("%w: change %d", ErrMalformed, len(ends)+1)
		}
		ends = append(ends, len(u.out))
	}
	rest := len(u.noise)
	for _, s := range u.streams {
		rest += len(s)
	}
	if rest > 0 || len(u.out) != size {
		return nil, fmt.Errorf("%w: %d bytes are left over, and %d of %d came of it", ErrMalformed, rest, len(u.out), size)
	}
	out := make([][]byte, len(ends))
	from := 0
	for i, end := range ends {
		out[i] = u.out[from:end:end]
		from = end
	}
	return out, nil
}

// open finds the streams.
func open(packed []byte, size int) (*unpacker, error) {
	u := &unpacker{noise: packed, size: size}
	var lengths [streams]uint64
	for i := range lengths {
		lengths[i] = u.uvarint(&u.noise)
	}
	for i, n := range lengths {
		u.streams[i] = u.take(&u.noise, n)
	}
	if u.bad || size < 0 {
		return nil, fmt.Errorf("%w: cut", ErrMalformed)
	}
	u.memory, u.out = newMemory(), make([]byte, 0, size+slack)
	return u, nil
}

func (u *unpacker) uvarint(b *[]byte) uint64 {
	n, k := binary.Uvarint(*b)
	if k <= 0 || u.bad {
		u.bad = true
		return 0
	}
	*b = (*b)[k:]
	return n
}

func (u *unpacker) number(stream int) uint64 { return u.uvarint(&u.streams[stream]) }

func (u *unpacker) take(b *[]byte, n uint64) []byte {
	if u.bad || n > uint64(len(*b)) {
		u.bad = true
		return nil
	}
	out := (*b)[:n:n]
	*b = (*b)[n:]
	return out
}

// slack is more than what one value, or the fields of a change, may have
// beyond size before it is noticed.
const slack = 256

// put takes bytes over, within the size.
func (u *unpacker) put(b []byte) {
	if u.bad = u.bad || len(b) > u.size-len(u.out); !u.bad {
		u.out = append(u.out, b...)
	}
}

// one unpacks the next change.
func (u *unpacker) one() {
	mark := u.number(streamMarks)
	if mark == 0 {
		u.put(u.take(&u.noise, u.number(streamNumbers)))
		u.passed()
		return
	}
	at, last, odd := mark>>2, mark&2 != 0, mark&1 != 0
	if at == uint64(len(u.shapes))+1 {
		u.declare()
	}
	if u.bad || at == 0 || at > uint64(len(u.shapes)) {
		u.bad = true
		return
	}
	s := &u.shapes[at-1]
	wall := u.before.wall + unzigzag(u.number(streamClocks))
	f := u.expect(wall)
	f.last, f.base = last, s.table.base
	f.mono += unzigzag(u.number(streamClocks))
	var salt [16]byte
	if odd {
		u.odd(&f, &salt)
	} else {
		u.salt(f.seq, &salt)
	}
	u.write(s, &f, &salt)
	u.before, s.table.base = f, f.base
}

// odd reads what is not as expected.
func (u *unpacker) odd(f *fields, salt *[16]byte) {
	odd := u.number(streamOdd)
	u.bad = u.bad || odd >= oddEnd
	differs := func(mark uint64, n *uint64) {
		if odd&mark != 0 {
			*n += unzigzag(u.number(streamOdd))
		}
	}
	differs(oddSeq, &f.seq)
	f.txn = u.txn(f.seq)
	differs(oddHLC, &f.hlc)
	differs(oddTxn, &f.txn)
	differs(oddSchema, &f.schema)
	differs(oddBase, &f.base)
	if odd&oddSalt == 0 {
		u.salt(f.seq, salt)
	}
	if odd&oddActor != 0 {
		u.id(&u.actor, f.wall)
	}
	if odd&oddBoot != 0 {
		u.id(&u.boot, f.wall)
	}
	if odd&oddSalt != 0 {
		copy(salt[:], u.take(&u.noise, 16))
	}
}

// salt makes the salt of a change, with the key that is named where its block
// begins to be used.
func (u *unpacker) salt(seq uint64, out *[16]byte) {
	if !u.salts.has(seq) {
		key := u.take(&u.noise, 16)
		if u.bad {
			return
		}
		u.salts.use(Block(seq), Key(key))
	}
	u.salts.salt(seq, out[:])
}

func (u *unpacker) id(out *[16]byte, wall uint64) {
	switch t := u.number(streamIDs); {
	case u.bad:
	case t < 2:
		if t == 1 {
			ms := wall + unzigzag(u.number(streamIDs))
			for i := range 6 {
				out[i] = byte(ms >> (40 - 8*i))
			}
			copy(out[6:], u.take(&u.noise, 10))
		} else {
			copy(out[:], u.take(&u.noise, 16))
		}
		u.ids.add(*out)
	case t < 2+maxRecent:
		if t-2 >= uint64(len(u.ids.recent)) {
			u.bad = true
			return
		}
		n := u.ids.recent[t-2]
		*out = u.ids.list[n]
		u.ids.again(n)
	default:
		if t -= 2 + maxRecent; t >= uint64(len(u.ids.list)) {
			u.bad = true
			return
		}
		*out = u.ids.list[t]
		u.ids.again(int32(t))
	}
}

// declare reads a new shape.
func (u *unpacker) declare() {
	b := &u.streams[streamShapes]
	name := u.take(b, u.uvarint(b))
	op := u.take(b, 1)
	if u.bad || op[0] < 1 || op[0] > 3 {
		u.bad = true
		return
	}
	s := shape{table: u.table(name), op: op[0]}
	s.cols = u.declared(s.table)
	if s.op == opUpdate {
		s.was = u.declared(s.table)
	}
	u.shapes = append(u.shapes, s)
}

func (u *unpacker) declared(t *table) []slot {
	b := &u.streams[streamShapes]
	n := u.uvarint(b)
	if u.bad || n > uint64(maxSlots-u.slots) {
		u.bad = true
		return nil
	}
	u.slots += int(n)
	out := make([]slot, 0, min(n, 64))
	for range n {
		head := u.uvarint(b)
		name := u.take(b, head>>3)
		if u.bad {
			return nil
		}
		out = append(out, slot{t.column(name), kind(head & 7)})
	}
	return out
}
