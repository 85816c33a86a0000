package transport

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"siteledger/syncproto"
)

// wirePage is a page as CBOR holds it: JSON's keys, ids as bytes.
type wirePage struct {
	History      uuid.UUID         `cbor:"history"`
	Rows         []wireRow         `cbor:"rows"`
	Removed      []wireRemoved     `cbor:"removed"`
	Instructions []wireInstruction `cbor:"instructions"`
	HLC          uint64            `cbor:"hlc"`
	Next         string            `cbor:"next"`
	More         bool              `cbor:"more"`
	Passed       *wirePassed       `cbor:"passed"`
	Checksums    []wireChecksum    `cbor:"checksums"`
	Total        *wireChecksum     `cbor:"total"`
}

type wireRow struct {
	Table string         `cbor:"table"`
	Row   uuid.UUID      `cbor:"row"`
	Root  uuid.UUID      `cbor:"root"`
	Rev   uint64         `cbor:"rev"`
	Cols  map[string]any `cbor:"cols"`
}

type wireRemoved struct {
	Table string     `cbor:"table"`
	Row   *uuid.UUID `cbor:"row"`
	Root  *uuid.UUID `cbor:"root"`
	Why   string     `cbor:"why"`
}

type wireInstruction struct {
	ID   uuid.UUID      `cbor:"id"`
	Kind string         `cbor:"kind"`
	Args map[string]any `cbor:"args"`
}

type wirePassed struct {
	Epoch uuid.UUID `cbor:"epoch"`
	Seq   uint64    `cbor:"seq"`
}

type wireChecksum struct {
	Root  uuid.UUID `cbor:"root"`
	Count int       `cbor:"count"`
	Sum   string    `cbor:"sum"`
}

var errPage = errors.New("not a page")

// page reads a page. Keys that this version does not know are ignored.
func (c *Client) page(b []byte) (*syncproto.Page, error) {
	if rows, rest, ok := quickRows(b); ok {
		p, err := c.wholePage(rest)
		if err == nil {
			p.Rows = rows
			return p, nil
		}
	}
	return c.wholePage(b)
}

func (c *Client) wholePage(b []byte) (*syncproto.Page, error) {
	var w wirePage
	if err := c.dec.Unmarshal(b, &w); err != nil {
		return nil, err
	}
	p := &syncproto.Page{History: w.History, HLC: w.HLC, Next: w.Next, More: w.More}
	for _, r := range w.Rows {
		if r.Table == "" || r.Rev > 1<<63-1 {
			return nil, fmt.Errorf("%w: row of %q with rev %d", errPage, r.Table, r.Rev)
		}
		p.Rows = append(p.Rows, syncproto.Row{Table: r.Table, ID: r.Row, Root: r.Root, Rev: r.Rev, Cols: r.Cols})
	}
	for _, r := range w.Removed {
		if (r.Root == nil) == (r.Row == nil) || (r.Row != nil && r.Table == "") {
			return nil, fmt.Errorf("%w: removal without a name", errPage)
		}
		p.Removed = append(p.Removed, syncproto.Removed{Table: r.Table, Row: r.Row, Root: r.Root, Why: r.Why})
	}
	for _, i := range w.Instructions {
		p.Instructions = append(p.Instructions, syncproto.Instruction{ID: i.ID, Kind: i.Kind, Args: i.Args})
	}
	if w.Passed != nil {
		p.Passed = &syncproto.Passed{Epoch: w.Passed.Epoch, Seq: w.Passed.Seq}
	}
	for _, s := range w.Checksums {
		p.Checksums = append(p.Checksums, syncproto.Checksum(s))
	}
	if w.Total != nil {
		t := syncproto.Checksum(*w.Total)
		p.Total = &t
	}
	if p.More && p.Next == "" {
		return nil, fmt.Errorf("%w: more without a cursor", errPage)
	}
	return p, nil
}

// nextOf reads the beginning of a page: its hybrid time, whether more follows,
// and the cursor.
func nextOf(b []byte) string {
	take := func(want string) bool {
		var ok bool
		b, ok = bytes.CutPrefix(b, []byte(want))
		return ok
	}
	if len(b) == 0 || b[0]>>5 != 5 {
		return ""
	}
	b = b[1:]
	if !take("\x63hlc") {
		return ""
	}
	if _, ok := number(&b, 0); !ok || !take("\x64more\xf5\x64next") {
		return ""
	}
	n, ok := number(&b, 3)
	if !ok || n > uint64(len(b)) {
		return ""
	}
	return string(b[:n])
}

// number takes the head of an item of one major type.
func number(b *[]byte, major byte) (uint64, bool) {
	if len(*b) == 0 || (*b)[0]>>5 != major {
		return 0, false
	}
	short := (*b)[0] & 31
	*b = (*b)[1:]
	if short < 24 {
		return uint64(short), true
	}
	size := 1 << (short - 24)
	if short > 27 || len(*b) < size {
		return 0, false
	}
	var n uint64
	for _, x := range (*b)[:size] {
		n = n<<8 | uint64(x)
	}
	*b = (*b)[size:]
	return n, true
}

// repairBody writes the checksums as JSON: the request is JSON like all but push.
func repairBody(roots []syncproto.Checksum) ([]byte, error) {
	type root struct {
		Root  uuid.UUID `json:"root"`
		Count int       `json:"count"`
		Sum   string    `json:"sum"`
	}
	list := make([]root, 0, len(roots))
	for _, r := range roots {
		list = append(list, root(r))
	}
	return json.Marshal(map[string]any{"roots": list})
}
