package changelog_test

import (
	"errors"
	"reflect"
	"testing"

	"github.com/google/uuid"

	"siteledger/syncproto/changelog"
)

func codec(tb testing.TB) *changelog.Codec {
	tb.Helper()
	c, err := changelog.NewCodec()
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func sample(op changelog.Op) *changelog.Change {
	ch := &changelog.Change{
		Seq: 7, HLC: 1 << 40, Wall: -5, Txn: 6, Last: true, Table: "note", Row: uuid.MustParse("0190aaaa-bbbb-7ccc-8ddd-eeeeeeeeeeee"),
		Op: op, Base: 3, Cols: map[string]any{"text": "门板色差 𠮷", "n": int64(-9), "b": []byte{1, 2}, "x": nil, "ok": true},
		Actor: uuid.New(), Schema: 1, Boot: uuid.New(), Mono: 99, Salt: [16]byte{1},
	}
	if op == changelog.Update {
		ch.Was = map[string]any{"text": "old"}
	}
	if op == changelog.Delete {
		ch.Cols = map[string]any{}
	}
	return ch
}

func TestEncodeDecode(t *testing.T) {
	c := codec(t)
	for _, op := range []changelog.Op{changelog.Insert, changelog.Update, changelog.Delete} {
		in := sample(op)
		b, err := c.Encode(in)
		if err != nil {
			t.Fatal(err)
		}
		out, err := c.Decode(b)
		if err != nil {
			t.Fatalf("op %d: %v", op, err)
		}
		if !reflect.DeepEqual(in, out) {
			t.Errorf("op %d:\n in %+v\nout %+v", op, in, out)
		}
		again, err := c.Encode(out)
		if err != nil || string(again) != string(b) {
			t.Errorf("op %d: second encoding differs (%v)", op, err)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	c := codec(t)
	b, err := c.Encode(sample(changelog.Insert))
	if err != nil {
		t.Fatal(err)
	}
	bad := map[string][]byte{
		"empty":             {},
		"behind":            append(append([]byte{}, b...), 0),
		"cut":               b[:len(b)-1],
		"indefinite length": {0xbf, 0xff},
		"tag":               {0xc0, 0x60},
		"missing keys":      {0xa1, 0x01, 0x01},
		"duplicate key":     {0xa2, 0x01, 0x01, 0x01, 0x01},
	}
	for name, in := range bad {
		if _, err := c.Decode(in); !errors.Is(err, changelog.ErrUndecodable) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
