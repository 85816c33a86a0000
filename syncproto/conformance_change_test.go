package syncproto_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"reflect"
	"strconv"
	"testing"

	"siteledger/syncproto/changelog"
)

type changeVector struct {
	Name   string `json:"name"`
	Change change `json:"change"`
	Bytes  string `json:"bytes"`
}

func base() *changelog.Change {
	salt := [16]byte{0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf}
	return &changelog.Change{Seq: 1, HLC: 1795312800000 << 16, Wall: 1795312800000, Txn: 1, Last: true, Table: "note", Row: fixed(1), Op: changelog.Insert,
		Cols: map[string]any{}, Actor: fixed(2), Schema: 1, Boot: fixed(3), Mono: 123456, Salt: salt}
}

type named struct {
	name string
	*changelog.Change
}

func sampleChanges() []named {
	with := func(name string, f func(c *changelog.Change)) named {
		c := base()
		f(c)
		return named{name, c}
	}
	job := fixed(9)
	return []named{
		with("insert of a note in Chinese", func(c *changelog.Change) {
			c.Cols = map[string]any{"job": job[:], "kind": "note", "text": "左起第二块门板比旁边偏黄,𠮷先生已确认。", "at": int64(1795312800000), "author": c.Actor[:]}
		}),
		with("insert without columns", func(*changelog.Change) {}),
		with("update with an empty was", func(c *changelog.Change) {
			c.Op, c.Base, c.Seq, c.Txn = changelog.Update, 77, 2, 2
			c.Cols, c.Was = map[string]any{"text": "改"}, map[string]any{}
		}),
		with("update with was, empty text and null", func(c *changelog.Change) {
			c.Op, c.Base, c.Seq, c.Txn = changelog.Update, 1<<40+5, 3, 3
			c.Table = "job_contact"
			c.Cols = map[string]any{"phone": "13800138000", "note": nil}
			c.Was = map[string]any{"phone": "", "note": "旧备注"}
		}),
		with("update of nothing", func(c *changelog.Change) {
			c.Op, c.Was = changelog.Update, map[string]any{}
		}),
		with("delete", func(c *changelog.Change) { c.Op, c.Base = changelog.Delete, 9 }),
		with("middle of a transaction", func(c *changelog.Change) { c.Seq, c.Txn, c.Last = 12, 11, false }),
		with("a clock before 1970 and no base", func(c *changelog.Change) { c.Wall, c.HLC, c.Mono = -5, 1, 0 }),
		with("whole numbers at the edges of their sizes", func(c *changelog.Change) {
			c.Cols = map[string]any{}
			for _, n := range []int64{0, 23, 24, 255, 256, 65535, 65536, math.MaxUint32, math.MaxUint32 + 1, math.MaxInt64, -1, -24, -25, -256, -257, -65536, -65537, math.MinInt64} {
				c.Cols["n"+strconv.FormatInt(n, 10)] = n
			}
		}),
		with("floats in their shortest form", func(c *changelog.Change) {
			c.Cols = map[string]any{"half": 1.5, "single": float64(float32(1e10)), "double": 0.1, "zero": 0.0, "minus_zero": math.Copysign(0, -1), "max": math.MaxFloat64}
		}),
		with("other values", func(c *changelog.Change) {
			c.Cols = map[string]any{"yes": true, "no": false, "empty_text": "", "empty_bytes": []byte{}, "bytes": []byte{0, 255, 16}}
		}),
		with("keys are ordered by their bytes, shorter first", func(c *changelog.Change) {
			c.Cols = map[string]any{"b": int64(1), "a": int64(2), "aa": int64(3), "B": int64(4), "门": int64(5), "": int64(6), "zzzzzzzzzzzzzzzzzzzzzzzz": int64(7), "long_column_name_of_25_char": int64(8)}
		}),
		with("the greatest numbers", func(c *changelog.Change) {
			c.Seq, c.Txn, c.Base, c.Mono, c.HLC = math.MaxInt64, math.MaxInt64, math.MaxInt64, math.MaxInt64, math.MaxUint64
			c.Wall, c.Schema = math.MaxInt64, 255
		}),
	}
}

func TestConformanceChanges(t *testing.T) {
	codec := newCodec(t)
	var built []changeVector
	for _, s := range sampleChanges() {
		b, err := codec.Encode(s.Change)
		if err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		if own := encodeByHand(s.Change); !bytes.Equal(own, b) {
			t.Errorf("%s: by hand %x\nby the codec %x", s.name, own, b)
		}
		built = append(built, changeVector{s.name, toChange(s.Change), hex.EncodeToString(b)})
	}
	for _, v := range conform(t, "changes.json", built) {
		want, raw := v.Change.decoded(t), unhex(t, v.Bytes)
		got, err := codec.Decode(raw)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: decoded %+v, %v\nwant %+v", v.Name, got, err, want)
			continue
		}
		if again, err := codec.Encode(want); err != nil || !bytes.Equal(again, raw) {
			t.Errorf("%s: encoded %x, %v", v.Name, again, err)
		}
	}
}

type undecodableVector struct {
	Name  string `json:"name"`
	Bytes string `json:"bytes"`
	Why   string `json:"why"`
}

type readableVector struct {
	Name   string `json:"name"`
	Bytes  string `json:"bytes"`
	Change change `json:"change"` // what it reads as
	Why    string `json:"why"`
}

func TestConformanceUndecodable(t *testing.T) {
	codec := newCodec(t)
	for _, v := range conform(t, "undecodable.json", undecodables()) {
		if ch, err := codec.Decode(unhex(t, v.Bytes)); !errors.Is(err, changelog.ErrUndecodable) {
			t.Errorf("%s was read: %+v, %v", v.Name, ch, err)
		}
	}
}

func TestConformanceReadable(t *testing.T) {
	codec := newCodec(t)
	var built []readableVector
	for _, v := range readables() {
		ch, err := codec.Decode(v.raw)
		if err != nil {
			t.Fatalf("%s: %v", v.name, err)
		}
		built = append(built, readableVector{v.name, hex.EncodeToString(v.raw), toChange(ch), v.why})
	}
	for _, v := range conform(t, "readable.json", built) {
		got, err := codec.Decode(unhex(t, v.Bytes))
		if want := v.Change.decoded(t); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: decoded %+v, %v\nwant %+v", v.Name, got, err, want)
		}
	}
}
