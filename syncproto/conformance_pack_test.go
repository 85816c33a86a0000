package syncproto_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/uuid"

	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/pack"
)

type packVector struct {
	Name    string   `json:"name"`
	Changes []string `json:"changes"`
	Size    int      `json:"size"`
	Packed  string   `json:"packed"`
}

// vectorKey is the key of the salts of a block.
func vectorKey(block uint64) pack.Key { return pack.Key{0: 0x5a, 15: byte(block)} }

func buildPacked(t *testing.T) (out []packVector) {
	codec := newCodec(t)
	bytesOf := func(c *changelog.Change) []byte {
		b, err := codec.Encode(c)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	add := func(name string, changes ...[]byte) {
		v := packVector{Name: name, Changes: []string{}, Packed: hex.EncodeToString(pack.Pack(changes, vectorKey))}
		for _, b := range changes {
			v.Changes, v.Size = append(v.Changes, hex.EncodeToString(b)), v.Size+len(b)
		}
		out = append(out, v)
	}
	var chain, kinds, odd [][]byte
	for _, l := range buildChain(t).Links {
		chain = append(chain, unhex(t, l.Bytes))
	}
	add("no change", [][]byte{}...)
	add("the chain of chain.json, with salts of its own", chain...)
	for _, n := range sampleChanges() {
		kinds = append(kinds, bytesOf(n.Change))
	}
	add("the changes of changes.json", kinds...)
	visit := fixed(0x40)
	next := func(i int) *changelog.Change {
		c := base()
		c.Seq, c.Txn, c.Last = uint64(1022+i), uint64(1022+i-i%2), i%2 == 1
		c.Wall += int64(70 * i)
		c.HLC, c.Mono = uint64(c.Wall)<<16, c.Mono+uint64(70*i)
		c.Table, c.Op, c.Was = "visit_event", changelog.Insert, nil
		c.Row = uuid.UUID{6: 0x70, 8: 0x80, 15: byte(i)}
		binary.BigEndian.PutUint64(c.Row[:8], uint64(c.Wall-2)<<16|0x7000)
		c.Cols = map[string]any{"visit": visit[:], "kind": []string{"depart", "arrive"}[i/2%2], "at": c.Wall - 1, "note": []byte{1, 2, byte(i)}, "n": int64(-i), "ok": i > 2, "f": 0.5, "none": nil}
		c.Salt = vectorKey(pack.Block(c.Seq)).Salt(c.Seq)
		return c
	}
	var regular [][]byte
	for i := range 6 {
		regular = append(regular, bytesOf(next(i)))
	}
	add("a regular log over the end of a block", regular...)
	for i := range 6 {
		c := next(i)
		switch i {
		case 1:
			c.Seq, c.HLC, c.Txn = 9000, 5, 3
		case 2:
			c.Schema, c.Base, c.Wall = 3, 1<<40, -5
		case 3:
			c.Actor, c.Boot, c.Mono = fixed(0x41), fixed(0x42), 7
		case 4:
			c.Op, c.Was = changelog.Update, map[string]any{"kind": "arrive", "none": nil}
		case 5:
			c.Op, c.Cols = changelog.Delete, nil
		}
		odd = append(odd, bytesOf(c))
	}
	add("all that can be odd, and changes that are carried as they are", append(odd, []byte{}, []byte("no change"), regular[5])...)
	var many [][]byte
	for i := range 70 {
		c := next(i)
		many = append(many, bytesOf(c))
	}
	again := next(70)
	again.Row, again.Op, again.Cols, again.Was = next(1).Row, changelog.Update, map[string]any{"n": int64(1)}, map[string]any{"n": int64(-1)}
	add("an id of long ago", append(many, bytesOf(again))...)
	return out
}

func TestConformancePacked(t *testing.T) {
	for _, v := range conform(t, "packed.json", buildPacked(t)) {
		t.Run(v.Name, func(t *testing.T) {
			packed := unhex(t, v.Packed)
			if again, err := pack.Unpack(packed, v.Size, 1000); err != nil || len(again) != len(v.Changes) {
				t.Fatalf("%d changes, %v", len(again), err)
			}
			got := newHand(t, packed).changes()
			if len(got) != len(v.Changes) {
				t.Fatalf("%d changes by hand", len(got))
			}
			for i, b := range got {
				if hex.EncodeToString(b) != v.Changes[i] {
					t.Errorf("change %d\nis   %x\nwant %s", i+1, b, v.Changes[i])
				}
			}
		})
	}
}

// The whole body of a packed push, beside that of push.json.
func TestPackedRequestHasTheKeysOfAPush(t *testing.T) {
	b, err := newCodec(t).Marshal(syncproto.PackedRequest{From: 7, Packed: []byte{1}})
	if err != nil {
		t.Fatal(err)
	}
	var req map[uint64]any
	if err := cbor.Unmarshal(b, &req); err != nil {
		t.Fatal(err)
	}
	if _, plain := req[5]; len(req) != 11 || plain || req[3] != uint64(7) || !bytes.Equal(req[11].([]byte), []byte{1}) {
		t.Errorf("body %v", req)
	}
}

// hand reads the packed form as PROTOCOL.md says it, step by step and without
// a thought for bounds, so that the vectors do not rest on one reader.
type hand struct {
	t                                                              *testing.T
	marks, shapes, odd, clocks, ids, numbers, tokens, texts, noise *bytes.Buffer
	before                                                         changelog.Change
	base                                                           map[string]uint64
	number                                                         map[[2]string]uint64
	list                                                           map[[2]string][]string
	known                                                          []handShape
	all, recent                                                    []uuid.UUID
	key                                                            []byte
	block                                                          uint64
}

type handShape struct {
	table     string
	op        byte
	cols, was []handColumn
}

type handColumn struct {
	name string
	kind uint64
}

func newHand(t *testing.T, packed []byte) *hand {
	h := &hand{t: t, before: changelog.Change{Last: true}, base: map[string]uint64{}, number: map[[2]string]uint64{}, list: map[[2]string][]string{}}
	all := bytes.NewBuffer(packed)
	var lengths []int
	for range 8 {
		lengths = append(lengths, int(h.uint(all)))
	}
	for i, s := range []**bytes.Buffer{&h.marks, &h.shapes, &h.odd, &h.clocks, &h.ids, &h.numbers, &h.tokens, &h.texts} {
		*s = bytes.NewBuffer(slices.Clone(all.Next(lengths[i])))
	}
	h.noise = all
	return h
}

func (h *hand) uint(b *bytes.Buffer) uint64 {
	n, err := binary.ReadUvarint(b)
	if err != nil {
		h.t.Fatal(err)
	}
	return n
}

func (h *hand) difference(b *bytes.Buffer) uint64 {
	n := h.uint(b)
	if n%2 == 1 {
		return -(n/2 + 1)
	}
	return n / 2
}

func (h *hand) changes() (out [][]byte) {
	for h.marks.Len() > 0 {
		m := h.uint(h.marks)
		if m == 0 {
			out = append(out, slices.Clone(h.noise.Next(int(h.uint(h.numbers)))))
			h.before.Seq++
			continue
		}
		if m>>2 == uint64(len(h.known)+1) {
			h.declare()
		}
		c := h.change(h.known[m>>2-1], m&2 != 0, m&1 != 0)
		out, h.before = append(out, encodeByHand(c)), *c
	}
	return out
}

func (h *hand) declare() {
	name := func(n uint64) string { return string(h.shapes.Next(int(n))) }
	columns := func() (out []handColumn) {
		for range h.uint(h.shapes) {
			n := h.uint(h.shapes)
			out = append(out, handColumn{name(n / 8), n % 8})
		}
		return out
	}
	s := handShape{table: name(h.uint(h.shapes)), op: h.shapes.Next(1)[0]}
	if s.cols = columns(); s.op == 2 {
		s.was = columns()
	}
	h.known = append(h.known, s)
}

func (h *hand) change(s handShape, last, odd bool) *changelog.Change {
	was := h.before
	c := &changelog.Change{Table: s.table, Op: changelog.Op(s.op), Last: last, Seq: was.Seq + 1, HLC: was.HLC + 1, Txn: was.Txn, Schema: was.Schema, Base: h.base[s.table], Actor: was.Actor, Boot: was.Boot}
	c.Wall = was.Wall + int64(h.difference(h.clocks))
	c.Mono = was.Mono + uint64(c.Wall-was.Wall) + h.difference(h.clocks)
	if c.Wall > 0 {
		c.HLC = max(c.HLC, uint64(c.Wall)<<16)
	}
	mask := uint64(0)
	if odd {
		mask = h.uint(h.odd)
	}
	for bit, n := range []*uint64{&c.Seq, &c.HLC, &c.Txn, &c.Schema, &c.Base} {
		if mask>>bit&1 == 1 {
			*n += h.difference(h.odd)
		}
		if bit == 0 && was.Last {
			c.Txn = c.Seq
		}
	}
	if mask>>7&1 == 0 {
		if h.key == nil || h.block != c.Seq/1024 {
			h.key, h.block = slices.Clone(h.noise.Next(16)), c.Seq/1024
		}
		mac := hmac.New(sha256.New, h.key)
		mac.Write(binary.BigEndian.AppendUint64(nil, c.Seq))
		copy(c.Salt[:], mac.Sum(nil))
	}
	if mask>>5&1 == 1 {
		c.Actor = h.id(c.Wall)
	}
	if mask>>6&1 == 1 {
		c.Boot = h.id(c.Wall)
	}
	if mask>>7&1 == 1 {
		copy(c.Salt[:], h.noise.Next(16))
	}
	h.base[s.table] = c.Base
	c.Row = h.id(c.Wall)
	c.Cols = h.values(s.table, s.cols, c.Wall)
	if s.op == 2 {
		c.Was = h.values(s.table, s.was, c.Wall)
	}
	return c
}

func (h *hand) id(wall int64) (id uuid.UUID) {
	t := h.uint(h.ids)
	switch {
	case t == 0:
		copy(id[:], h.noise.Next(16))
		h.all = append(h.all, id)
	case t == 1:
		ms := binary.BigEndian.AppendUint64(nil, uint64(wall)+h.difference(h.ids))
		copy(id[:6], ms[2:])
		copy(id[6:], h.noise.Next(10))
		h.all = append(h.all, id)
	case t < 66:
		id = h.recent[t-2]
	default:
		id = h.all[t-66]
	}
	h.recent = slices.DeleteFunc(h.recent, func(other uuid.UUID) bool { return other == id })
	h.recent = slices.Insert(h.recent, 0, id)
	h.recent = h.recent[:min(len(h.recent), 64)]
	return id
}

func (h *hand) values(table string, columns []handColumn, wall int64) map[string]any {
	out := map[string]any{}
	for _, c := range columns {
		at := [2]string{table, c.name}
		switch c.kind {
		case 0:
			out[c.name] = nil
		case 1:
			out[c.name] = h.uint(h.numbers) == 1
		case 2:
			h.number[at] += h.difference(h.numbers)
			out[c.name] = int64(h.number[at])
		case 3:
			out[c.name] = wall + int64(h.difference(h.numbers))
		case 4:
			id := h.id(wall)
			out[c.name] = id[:]
		case 5:
			n := h.uint(h.tokens)
			if n == 0 {
				h.list[at] = append(h.list[at], string(h.texts.Next(int(h.uint(h.tokens)))))
				n = uint64(len(h.list[at]))
			}
			out[c.name] = h.list[at][n-1]
		default:
			h.number[at] += h.difference(h.numbers)
			b := slices.Clone(h.noise.Next(int(h.number[at])))
			if out[c.name] = b; c.kind == 7 {
				var item any
				if err := cbor.Unmarshal(b, &item); err != nil {
					h.t.Fatal(err)
				}
				out[c.name] = item
			}
		}
	}
	return out
}
