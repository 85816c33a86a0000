package changelog_test

import (
	"bytes"
	"math"
	"reflect"
	"testing"

	"github.com/google/uuid"

	"siteledger/syncproto/changelog"
)

func TestEncodeRefusesNumbersBeyond63Bits(t *testing.T) {
	c := codec(t)
	for name, f := range map[string]func(*changelog.Change){
		"seq": func(ch *changelog.Change) { ch.Seq = 1 << 63 }, "txn": func(ch *changelog.Change) { ch.Txn = 1 << 63 },
		"base": func(ch *changelog.Change) { ch.Base = 1 << 63 }, "mono": func(ch *changelog.Change) { ch.Mono = math.MaxUint64 },
	} {
		ch := sample(changelog.Insert)
		f(ch)
		if b, err := c.Encode(ch); err == nil {
			t.Errorf("%s: written as %x", name, b)
		}
	}
}

func TestEncodeIsTheSameForEveryOrderOfColumns(t *testing.T) {
	c := codec(t)
	var first []byte
	for range 20 { // maps come in another order each time
		ch := sample(changelog.Insert)
		ch.Actor, ch.Boot = uuid.Nil, uuid.Nil
		b, err := c.Encode(ch)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = b
		}
		if !bytes.Equal(first, b) {
			t.Fatalf("%x\n%x", first, b)
		}
	}
}

func TestUpdateAlwaysHasWas(t *testing.T) {
	c := codec(t)
	ch := sample(changelog.Update)
	ch.Was = nil
	b, err := c.Encode(ch)
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.Decode(b)
	if err != nil || out.Was == nil || len(out.Was) != 0 {
		t.Errorf("got %+v, %v", out, err)
	}
}

func TestAnInsertNeverHasWas(t *testing.T) {
	c := codec(t)
	ch := sample(changelog.Insert)
	ch.Was = map[string]any{"text": "x"} // a caller's slip
	b, err := c.Encode(ch)
	if err != nil {
		t.Fatal(err)
	}
	if out, err := c.Decode(b); err != nil || out.Was != nil {
		t.Errorf("got %+v, %v", out, err)
	}
}

// A number that no int64 holds is for the column's check to refuse, not a
// reason to lose the change.
func TestNumbersBeyondInt64StayReadable(t *testing.T) {
	c := codec(t)
	ch := sample(changelog.Insert)
	ch.Cols = map[string]any{"n": uint64(math.MaxUint64), "m": uint64(math.MaxInt64)}
	b, err := c.Encode(ch)
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.Decode(b)
	if want := map[string]any{"n": uint64(math.MaxUint64), "m": int64(math.MaxInt64)}; err != nil || !reflect.DeepEqual(out.Cols, want) {
		t.Errorf("got %#v, %v", out, err)
	}
}

func TestManyColumnsAreReadable(t *testing.T) {
	c := codec(t)
	ch := sample(changelog.Insert)
	ch.Cols = map[string]any{}
	for i := range 16000 {
		ch.Cols[string([]byte{byte('a' + i%26), byte('a' + i/26%26), byte('a' + i/676)})] = nil
	}
	b, err := c.Encode(ch)
	if err != nil {
		t.Fatal(err)
	}
	if out, err := c.Decode(b); err != nil || len(out.Cols) != len(ch.Cols) {
		t.Errorf("%d bytes: %v", len(b), err)
	}
}

func TestChain(t *testing.T) {
	a, b := uuid.New(), uuid.New()
	genesis, again := changelog.Genesis(a, b), changelog.Genesis(a, b)
	if genesis == changelog.Genesis(b, a) || genesis != again {
		t.Error("h(0) does not tell device and epoch apart")
	}
	h := changelog.Genesis(a, b)
	one, two := []byte("one"), []byte("two")
	if changelog.Next(changelog.Next(h, one), two) == changelog.Next(changelog.Next(h, two), one) {
		t.Error("the order does not count")
	}
	if changelog.NextDigest(h, changelog.Digest(one)) != changelog.Next(h, one) {
		t.Error("a digest does not stand for its change")
	}
}

// Every field of the signed message counts.
func TestPushMessageBindsEveryField(t *testing.T) {
	d, e, boot := uuid.New(), uuid.New(), uuid.New()
	message := func(d, e uuid.UUID, last uint64, head changelog.Hash, boot uuid.UUID, mono uint64, wall int64) string {
		return string(changelog.PushMessage(d, e, last, head, boot, mono, wall))
	}
	plain := message(d, e, 1, changelog.Hash{1}, boot, 2, 3)
	if len(plain) != 18+16+16+8+32+16+8+8 {
		t.Errorf("%d bytes", len(plain))
	}
	for name, other := range map[string]string{
		"device": message(e, e, 1, changelog.Hash{1}, boot, 2, 3), "epoch": message(d, d, 1, changelog.Hash{1}, boot, 2, 3),
		"last": message(d, e, 9, changelog.Hash{1}, boot, 2, 3), "head": message(d, e, 1, changelog.Hash{2}, boot, 2, 3),
		"boot": message(d, e, 1, changelog.Hash{1}, d, 2, 3), "mono": message(d, e, 1, changelog.Hash{1}, boot, 9, 3),
		"wall": message(d, e, 1, changelog.Hash{1}, boot, 2, -3),
	} {
		if other == plain {
			t.Errorf("%s is not signed", name)
		}
	}
}
