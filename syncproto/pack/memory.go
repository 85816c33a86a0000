package pack

import "siteledger/syncproto/cborhead"

// fields are the numbers of a change. Wall is an int64 in two's complement.
type fields struct {
	seq, hlc, wall, txn, base, schema, mono uint64
	last                                    bool
}

// memory is what both ends know of the changes before this one.
type memory struct {
	before      fields
	actor, boot [16]byte
	ids         ids
	salts       salter
	tables      map[string]*table
	shapes      []shape
	slots       int // of all shapes
	texts       int // that can be named again
}

func newMemory() memory { return memory{before: fields{last: true}, tables: map[string]*table{}} }

// shape is what changes have in common that touch the same columns of a table
// with values of the same kinds.
type shape struct {
	table     *table
	op        byte
	cols, was []slot
}

// slot is one column of a shape.
type slot struct {
	column *column
	kind   kind
}

// table is what is remembered of a table.
type table struct {
	name    []byte // in CBOR
	columns map[string]*column
	base    uint64 // of the last change
}

// column is what is remembered of a column.
type column struct {
	name   []byte // in CBOR
	num    uint64 // the last number, or length
	texts  [][]byte
	places map[string]uint64 // of texts, from 1; the packer's alone
}

// expect is what the numbers of a change are where nothing is odd: the next of
// the log, the clocks going on as wall does.
func (m *memory) expect(wall uint64) fields {
	b := &m.before
	f := fields{seq: b.seq + 1, wall: wall, schema: b.schema, mono: b.mono + wall - b.wall}
	f.hlc = b.hlc + 1
	if int64(wall) > 0 {
		f.hlc = max(f.hlc, wall<<16)
	}
	f.txn = m.txn(f.seq)
	return f
}

// txn is the expected transaction of a change with that number.
func (m *memory) txn(seq uint64) uint64 {
	if m.before.last {
		return seq
	}
	return m.before.txn
}

// passed goes on behind a change that is carried as it is.
func (m *memory) passed() { m.before.seq++ }

// table gives what is remembered of a table.
func (m *memory) table(name []byte) *table {
	t := m.tables[string(name)]
	if t == nil {
		t = &table{name: inCBOR(name), columns: map[string]*column{}}
		m.tables[string(name)] = t
	}
	return t
}

// column gives what is remembered of a column.
func (t *table) column(name []byte) *column {
	c := t.columns[string(name)]
	if c == nil {
		c = &column{name: inCBOR(name)}
		t.columns[string(name)] = c
	}
	return c
}

// keep numbers a new text of the column; false where there is no room.
func (m *memory) keep(c *column, text []byte) bool {
	if m.texts >= maxTexts {
		return false
	}
	m.texts++
	c.texts = append(c.texts, text)
	return true
}

func inCBOR(name []byte) []byte {
	return append(cborhead.Append(make([]byte, 0, len(name)+3), cborhead.Text, uint64(len(name))), name...)
}

// appendInt writes an int64 in CBOR.
func appendInt(b []byte, n uint64) []byte {
	if int64(n) < 0 {
		return cborhead.Append(b, cborhead.Negative, ^n)
	}
	return cborhead.Append(b, cborhead.Number, n)
}

// zigzag makes small numbers of small differences, up or down.
func zigzag(d uint64) uint64   { return d<<1 ^ uint64(int64(d)>>63) }
func unzigzag(z uint64) uint64 { return z>>1 ^ -(z & 1) }
