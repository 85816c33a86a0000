package pack

import "siteledger/syncproto/cborhead"

// write writes a change as section 10 of PROTOCOL.md wants it.
func (u *unpacker) write(s *shape, f *fields, salt *[16]byte) {
	var row [16]byte
	u.id(&row, f.wall)
	if u.bad {
		return
	}
	pairs := uint64(15)
	if s.op == opUpdate {
		pairs = 16
	}
	o := cborhead.Append(u.out, cborhead.Map, pairs)
	o = cborhead.Append(append(o, 1), cborhead.Number, f.seq)
	o = cborhead.Append(append(o, 2), cborhead.Number, f.hlc)
	o = appendInt(append(o, 3), f.wall)
	o = cborhead.Append(append(o, 4), cborhead.Number, f.txn)
	o = append(o, 5, cborhead.Simple<<5|simpleFalse)
	if f.last {
		o[len(o)-1]++
	}
	u.out = append(o, 6)
	u.put(s.table.name)
	o = append(append(u.out, 7, cborhead.Bytes<<5|16), row[:]...)
	o = append(o, 8, s.op)
	o = cborhead.Append(append(o, 9), cborhead.Number, f.base)
	u.out = append(o, 10)
	u.cells(s.cols, f.wall)
	o = append(append(u.out, 11, cborhead.Bytes<<5|16), u.actor[:]...)
	u.out = cborhead.Append(append(o, 12), cborhead.Number, f.schema)
	if s.op == opUpdate {
		u.out = append(u.out, 13)
		u.cells(s.was, f.wall)
	}
	o = append(append(u.out, 14, cborhead.Bytes<<5|16), u.boot[:]...)
	o = cborhead.Append(append(o, 15), cborhead.Number, f.mono)
	u.out = append(append(o, 16, cborhead.Bytes<<5|16), salt[:]...)
	u.bad = u.bad || len(u.out) > u.size
}

// cells writes a map of texts to values.
func (u *unpacker) cells(slots []slot, wall uint64) {
	u.out = cborhead.Append(u.out, cborhead.Map, uint64(len(slots)))
	for i := range slots {
		c := slots[i].column
		u.put(c.name)
		if u.cell(c, slots[i].kind, wall); u.bad || len(u.out) > u.size {
			u.bad = true
			return
		}
	}
}

func (u *unpacker) cell(c *column, k kind, wall uint64) {
	switch k {
	case kindNull:
		u.out = append(u.out, cborhead.Simple<<5|simpleNull)
	case kindBool:
		n := u.number(streamNumbers)
		u.bad = u.bad || n > 1
		u.out = append(u.out, cborhead.Simple<<5|simpleFalse+byte(n&1))
	case kindInt:
		c.num += unzigzag(u.number(streamNumbers))
		u.out = appendInt(u.out, c.num)
	case kindTime:
		u.out = appendInt(u.out, wall+unzigzag(u.number(streamNumbers)))
	case kindID:
		var id [16]byte
		u.id(&id, wall)
		u.out = append(append(u.out, cborhead.Bytes<<5|16), id[:]...)
	case kindText:
		u.text(c)
	default:
		c.num += unzigzag(u.number(streamNumbers))
		b := u.take(&u.noise, c.num)
		if k == kindBytes {
			u.out = cborhead.Append(u.out, cborhead.Bytes, uint64(len(b)))
		}
		u.put(b)
	}
}

func (u *unpacker) text(c *column) {
	n := u.number(streamTokens)
	if u.bad = u.bad || n > uint64(len(c.texts)); u.bad {
		return
	}
	var b []byte
	if n == 0 {
		b = u.take(&u.streams[streamTexts], u.number(streamTokens))
		if !u.bad {
			u.keep(c, b)
		}
	} else {
		b = c.texts[n-1]
	}
	u.out = cborhead.Append(u.out, cborhead.Text, uint64(len(b)))
	u.put(b)
}
