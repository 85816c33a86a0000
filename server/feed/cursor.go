package feed

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"

	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/syncproto"
)

// place is a position in one stream: rows are in order of position, then rev.
type place struct{ Pos, Rev uint64 }

func (p place) less(q place) bool {
	if p.Pos != q.Pos {
		return p.Pos < q.Pos
	}
	return p.Rev < q.Rev
}

// cursor is how far a reader is: where the pull began and where it stands, in
// the centre's stream and in headquarters'.
type cursor struct {
	startCentre, startHQ uint64
	centre, hq           place
	schema               int // version that the rows were read with
}

const cursorSize = 1 + 16 + 16 + 6*8 + 12

// cursorForm is the first byte of a cursor of today. One of form 1 was made
// when there was one version of the schema; form 2 ends in the version.
const cursorForm = 2

// encode writes an opaque cursor, bound to history and person by a keyed hash.
func (f *Feed) encode(c cursor, person uuid.UUID) string {
	b := make([]byte, 0, cursorSize+2)
	b = append(b, cursorForm)
	b = append(b, f.History[:]...)
	b = append(b, person[:]...)
	for _, n := range []uint64{c.startCentre, c.startHQ, c.centre.Pos, c.centre.Rev, c.hq.Pos, c.hq.Rev} {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	b = binary.BigEndian.AppendUint16(b, uint16(c.schema))
	b = append(b, f.seal(b)...)
	return base64.RawURLEncoding.EncodeToString(b)
}

func (f *Feed) seal(b []byte) []byte {
	m := hmac.New(sha256.New, f.Secret)
	m.Write([]byte("siteledger cursor v1"))
	m.Write(b)
	return m.Sum(nil)[:12]
}

// decode reads a cursor. One of another history is history-changed, one that
// this server did not make, or made for somebody else or for a reader of
// another version of the schema, cursor-invalid: what that version did not see
// lies behind the cursor.
func (f *Feed) decode(s string, person uuid.UUID, version int) (cursor, error) {
	c := cursor{schema: version}
	if s == "" {
		return c, nil
	}
	invalid := fault.New(syncproto.CursorInvalid, "this cursor is none of ours").WithHint("pull without a cursor")
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(b) < cursorSize || b[0] < 1 || b[0] > cursorForm || len(b) != cursorSize+2*int(b[0]-1) {
		return c, invalid
	}
	body := b[:len(b)-12]
	if !hmac.Equal(f.seal(body), b[len(b)-12:]) {
		return c, invalid
	}
	if uuid.UUID(body[1:17]) != f.History {
		return c, fault.New(syncproto.HistoryChanged, "the server's history is another one").WithHint("pull without a cursor")
	}
	if uuid.UUID(body[17:33]) != person {
		return c, invalid
	}
	made := 1
	if b[0] == cursorForm {
		made = int(binary.BigEndian.Uint16(body[len(body)-2:]))
	}
	if made != version {
		return c, invalid
	}
	n := func(i int) uint64 { return binary.BigEndian.Uint64(body[33+8*i:]) }
	return cursor{n(0), n(1), place{n(2), n(3)}, place{n(4), n(5)}, version}, nil
}
