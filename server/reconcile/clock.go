package reconcile

import (
	"encoding/binary"
	"errors"

	"github.com/google/uuid"

	"siteledger/syncproto/schema"
)

// Stamp says who wrote a value, when and where in which log.
type Stamp struct {
	Rev      uint64 // rev at which the value came to stand
	HLC      uint64 // clamped to the time of receipt
	Log      LogID
	Seq      uint64
	Actor    uuid.UUID
	Role     schema.Role
	Wall     int64 // the device's clock, Unix milliseconds
	Received int64 // the server's clock
	Office   bool
	Assigned bool
}

// Clock is the stamp of each written column of a row. Columns written together
// share one stamp.
type Clock struct {
	stamps []Stamp
	of     []stamped
}

// stamped is a column with the place of its stamp. Rows have a few dozen
// columns at most: a list is shorter and quicker than a map.
type stamped struct {
	column string
	at     int
}

// Stamp finds a column's stamp; false for a column never written.
func (c Clock) Stamp(column string) (Stamp, bool) {
	for _, o := range c.of {
		if o.column == column {
			return c.stamps[o.at], true
		}
	}
	return Stamp{}, false
}

func (c Clock) clone() Clock {
	return Clock{stamps: append(make([]Stamp, 0, len(c.stamps)+1), c.stamps...), of: append(make([]stamped, 0, len(c.of)+2), c.of...)}
}

// set gives columns a stamp; the clock is the caller's own copy.
func (c *Clock) set(s Stamp, columns ...string) {
	if len(columns) == 0 {
		return
	}
	if c.of == nil {
		c.of = make([]stamped, 0, len(columns))
	}
	c.stamps = append(c.stamps, s)
	for _, col := range columns {
		c.put(col, len(c.stamps)-1)
	}
}

func (c *Clock) put(column string, at int) {
	for i := range c.of {
		if c.of[i].column == column {
			c.of[i].at = at
			return
		}
	}
	c.of = append(c.of, stamped{column, at})
}

var errClock = errors.New("column clock cannot be read")

const (
	flagOffice   = 1
	flagAssigned = 2
)

var roles = []schema.Role{schema.Server, schema.Installer, schema.Clerk, schema.Supervisor, schema.Adjudicator, schema.Admin}

// Encode writes the clock compactly: each stamp that is still some column's,
// with the numbers of its columns in the table's order. Columns are only ever
// added at the end of a table.
func (c Clock) Encode(t *schema.Table) []byte {
	var few [64]int32
	at := c.places(t, few[:0])
	b := append(make([]byte, 0, 96*len(c.stamps)+len(c.of)+1), 1)
	for i, s := range c.stamps {
		n := 0
		for _, a := range at {
			if int(a) == i {
				n++
			}
		}
		if n == 0 {
			continue
		}
		b = appendStamp(b, s)
		b = binary.AppendUvarint(b, uint64(n))
		for col, a := range at {
			if int(a) == i {
				b = binary.AppendUvarint(b, uint64(col))
			}
		}
	}
	return b
}

// places gives the stamp of each of the table's columns, -1 for none.
func (c Clock) places(t *schema.Table, out []int32) []int32 {
	for _, col := range t.Columns {
		at := int32(-1)
		for _, o := range c.of {
			if o.column == col.Name {
				at = int32(o.at)
				break
			}
		}
		out = append(out, at)
	}
	return out
}

func appendStamp(b []byte, s Stamp) []byte {
	var flags, role byte
	if s.Office {
		flags |= flagOffice
	}
	if s.Assigned {
		flags |= flagAssigned
	}
	for i, r := range roles {
		if r == s.Role {
			role = byte(i)
		}
	}
	b = append(b, flags|role<<4)
	b = binary.AppendUvarint(b, s.Rev)
	b = binary.BigEndian.AppendUint64(b, s.HLC)
	b = append(b, s.Log.Device[:]...)
	b = append(b, s.Log.Epoch[:]...)
	b = binary.AppendUvarint(b, s.Seq)
	b = append(b, s.Actor[:]...)
	b = binary.AppendVarint(b, s.Wall)
	return binary.AppendVarint(b, s.Received)
}

// DecodeClock reads what Encode wrote.
func DecodeClock(t *schema.Table, b []byte) (Clock, error) {
	var c Clock
	if len(b) == 0 || b[0] != 1 {
		return c, errClock
	}
	r := reader{b: b[1:]}
	for len(r.b) > 0 && !r.bad {
		c.stamps = append(c.stamps, r.stamp())
		for n := r.uvarint(); n > 0 && !r.bad; n-- {
			if i := r.uvarint(); i < uint64(len(t.Columns)) {
				c.put(t.Columns[i].Name, len(c.stamps)-1)
			}
		}
	}
	if r.bad {
		return c, errClock
	}
	return c, nil
}

type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n int) []byte {
	if len(r.b) < n {
		r.bad, r.b = true, nil
		return make([]byte, n)
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) stamp() Stamp {
	f := r.take(1)[0]
	s := Stamp{Office: f&flagOffice != 0, Assigned: f&flagAssigned != 0}
	if int(f>>4) < len(roles) {
		s.Role = roles[f>>4]
	}
	s.Rev = r.uvarint()
	s.HLC = binary.BigEndian.Uint64(r.take(8))
	s.Log.Device = uuid.UUID(r.take(16))
	s.Log.Epoch = uuid.UUID(r.take(16))
	s.Seq = r.uvarint()
	s.Actor = uuid.UUID(r.take(16))
	s.Wall = r.varint()
	s.Received = r.varint()
	return s
}
