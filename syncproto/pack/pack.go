package pack

import "encoding/binary"

// packer is one batch on its way out.
type packer struct {
	memory
	keys    func(block uint64) Key
	key     Key    // of the block that salts are compared with
	named   uint64 // block whose key was written last, from 1
	streams [streams][]byte
	noise   []byte
	places  map[[16]byte]int32
	shapeOf map[string]int
	sign    []byte
	change  parsed
}

// Pack writes changes. keys gives the key that the salts of a block of the log
// were made with; nil where they were not. It never fails: a change that it
// does not understand is carried as it is. The caller proves what came of it
// by [Unpack] before he relies on it.
func Pack(changes [][]byte, keys func(block uint64) Key) []byte {
	p := &packer{memory: newMemory(), keys: keys, places: map[[16]byte]int32{}, shapeOf: map[string]int{}}
	for _, b := range changes {
		if !p.change.parse(b) || !p.pack() {
			p.whole(b)
		}
	}
	size := len(p.noise) + streams*binary.MaxVarintLen32
	for _, s := range p.streams {
		size += len(s)
	}
	out := make([]byte, 0, size)
	for _, s := range p.streams {
		out = binary.AppendUvarint(out, uint64(len(s)))
	}
	for _, s := range p.streams {
		out = append(out, s...)
	}
	return append(out, p.noise...)
}

func (p *packer) put(stream int, n uint64) {
	p.streams[stream] = binary.AppendUvarint(p.streams[stream], n)
}

// whole carries a change as it is.
func (p *packer) whole(b []byte) {
	p.put(streamMarks, 0)
	p.put(streamNumbers, uint64(len(b)))
	p.noise = append(p.noise, b...)
	p.passed()
}

// pack writes the change that was parsed; false where there is no room for
// its shape, and nothing was written.
func (p *packer) pack() bool {
	c := &p.change
	at, ok := p.shape()
	if !ok {
		return false
	}
	s := &p.shapes[at]
	p.put(streamClocks, zigzag(c.wall-p.before.wall))
	want := p.expect(c.wall)
	p.put(streamClocks, zigzag(c.mono-want.mono))
	odd := p.odd(want, s.table)
	mark := uint64(at+1) << 2
	if c.last {
		mark |= 2
	}
	if odd != 0 {
		mark |= 1
	}
	p.put(streamMarks, mark)
	p.id(&c.row)
	p.cells(s.cols, c.cols)
	p.cells(s.was, c.was)
	p.before, p.actor, p.boot, s.table.base = c.fields, c.actor, c.boot, c.base
	return true
}

// odd writes what is not as expected.
func (p *packer) odd(want fields, t *table) (odd uint64) {
	c := &p.change
	var rest [5]uint64
	n := 0
	differs := func(mark uint64, got, want uint64) {
		if got != want {
			odd |= mark
			rest[n] = zigzag(got - want)
			n++
		}
	}
	differs(oddSeq, c.seq, want.seq)
	want.txn = p.txn(c.seq)
	differs(oddHLC, c.hlc, want.hlc)
	differs(oddTxn, c.txn, want.txn)
	differs(oddSchema, c.schema, want.schema)
	differs(oddBase, c.base, t.base)
	if c.actor != p.actor {
		odd |= oddActor
	}
	if c.boot != p.boot {
		odd |= oddBoot
	}
	if !p.salted() {
		odd |= oddSalt
	}
	if odd != 0 {
		p.put(streamOdd, odd)
		for _, d := range rest[:n] {
			p.put(streamOdd, d)
		}
	}
	if odd&oddActor != 0 {
		p.id(&c.actor)
	}
	if odd&oddBoot != 0 {
		p.id(&c.boot)
	}
	if odd&oddSalt != 0 {
		p.noise = append(p.noise, c.salt[:]...)
	}
	return odd
}

// salted says whether the change's salt is made with its block's key, which is
// named once.
func (p *packer) salted() bool {
	c := &p.change
	if p.keys == nil {
		return false
	}
	block := Block(c.seq)
	if !p.salts.has(c.seq) {
		p.key = p.keys(block)
		p.salts.use(block, p.key)
	}
	var salt [16]byte
	if p.salts.salt(c.seq, salt[:]); salt != c.salt {
		return false
	}
	if p.named != block+1 {
		p.named = block + 1
		p.noise = append(p.noise, p.key[:]...)
	}
	return true
}

// id writes an id: by how lately it was used, by its number, by the change's
// time, or as it is.
func (p *packer) id(id *[16]byte) {
	if n, ok := p.places[*id]; ok {
		if rank := p.ids.rank(n); rank >= 0 {
			p.put(streamIDs, uint64(2+rank))
		} else {
			p.put(streamIDs, uint64(2+maxRecent)+uint64(n))
		}
		p.ids.again(n)
		return
	}
	if delta, ok := near(id, p.change.wall); ok {
		p.put(streamIDs, 1)
		p.put(streamIDs, zigzag(delta))
		p.noise = append(p.noise, id[6:]...)
	} else {
		p.put(streamIDs, 0)
		p.noise = append(p.noise, id[:]...)
	}
	if len(p.ids.list) < maxIDs {
		p.places[*id] = int32(len(p.ids.list))
	}
	p.ids.add(*id)
}

// shape gives the number of the change's shape and declares a new one.
func (p *packer) shape() (int, bool) {
	c := &p.change
	for i := range c.cols {
		p.kindOf(&c.cols[i])
	}
	for i := range c.was {
		p.kindOf(&c.was[i])
	}
	s := binary.AppendUvarint(p.sign[:0], uint64(len(c.table)))
	s = append(append(s, c.table...), c.op)
	s = names(s, c.cols)
	if c.op == opUpdate {
		s = names(s, c.was)
	}
	p.sign = s
	if at, ok := p.shapeOf[string(s)]; ok {
		return at, true
	}
	if p.slots+len(c.cols)+len(c.was) > maxSlots {
		return 0, false
	}
	p.slots += len(c.cols) + len(c.was)
	p.shapeOf[string(s)] = len(p.shapes)
	p.streams[streamShapes] = append(p.streams[streamShapes], s...)
	t := p.table(c.table)
	p.shapes = append(p.shapes, shape{t, c.op, t.remember(c.cols), t.remember(c.was)})
	return len(p.shapes) - 1, true
}

// kindOf finds the numbers that are times near the change's.
func (p *packer) kindOf(c *cell) {
	if c.kind == kindInt && c.num-p.change.wall+1<<31 < 1<<32 {
		c.kind = kindTime
	}
}

// names declares columns and the kinds of their values.
func names(b []byte, cells []cell) []byte {
	b = binary.AppendUvarint(b, uint64(len(cells)))
	for i := range cells {
		b = binary.AppendUvarint(b, uint64(len(cells[i].name))<<3|uint64(cells[i].kind))
		b = append(b, cells[i].name...)
	}
	return b
}

// remember makes a shape's slots.
func (t *table) remember(cells []cell) []slot {
	out := make([]slot, len(cells))
	for i := range cells {
		out[i] = slot{t.column(cells[i].name), cells[i].kind}
	}
	return out
}

func (p *packer) cells(slots []slot, cells []cell) {
	for i := range cells {
		c, col := &cells[i], slots[i].column
		switch c.kind {
		case kindNull:
		case kindBool:
			p.put(streamNumbers, c.num)
		case kindInt:
			p.put(streamNumbers, zigzag(c.num-col.num))
			col.num = c.num
		case kindTime:
			p.put(streamNumbers, zigzag(c.num-p.change.wall))
		case kindID:
			p.id((*[16]byte)(c.data))
		case kindText:
			p.text(col, c.data)
		default:
			p.put(streamNumbers, zigzag(uint64(len(c.data))-col.num))
			col.num = uint64(len(c.data))
			p.noise = append(p.noise, c.data...)
		}
	}
}

func (p *packer) text(c *column, text []byte) {
	if c.places == nil {
		c.places = map[string]uint64{}
	}
	if n, ok := c.places[string(text)]; ok {
		p.put(streamTokens, n)
		return
	}
	p.put(streamTokens, 0)
	p.put(streamTokens, uint64(len(text)))
	p.streams[streamTexts] = append(p.streams[streamTexts], text...)
	if p.keep(c, text) {
		c.places[string(text)] = uint64(len(c.texts))
	}
}
