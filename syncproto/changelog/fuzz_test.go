package changelog_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"testing"

	"siteledger/syncproto/changelog"
	"siteledger/syncproto/mutate"
)

// vectors are the bytes of the conformance vectors.
func vectors(tb testing.TB) (out [][]byte) {
	tb.Helper()
	for _, name := range []string{"changes.json", "readable.json", "undecodable.json"} {
		b, err := os.ReadFile("../../testdata/conformance/" + name)
		if err != nil {
			tb.Fatal(err)
		}
		var list []struct{ Bytes string }
		if err := json.Unmarshal(b, &list); err != nil {
			tb.Fatal(err)
		}
		for _, v := range list {
			seed, err := hex.DecodeString(v.Bytes)
			if err != nil {
				tb.Fatal(err)
			}
			out = append(out, seed)
		}
	}
	return out
}

// decodes: whatever the bytes, reading them gives a change or ErrUndecodable,
// never a panic; and what was read can be written and reads the same again.
func decodes(c *changelog.Codec) func(testing.TB, []byte) bool {
	return func(t testing.TB, b []byte) bool {
		ch, err := c.Decode(b)
		if err != nil {
			if !errors.Is(err, changelog.ErrUndecodable) || ch != nil {
				t.Fatalf("got %+v, %v", ch, err)
			}
			return false
		}
		if slow, err := changelog.Read(c, b); err != nil || !reflect.DeepEqual(ch, slow) {
			t.Fatalf("read %+v, by the library %+v, %v", ch, slow, err)
		}
		if ch.Op < changelog.Insert || ch.Op > changelog.Delete || (ch.Was != nil) != (ch.Op == changelog.Update) || ch.Cols == nil {
			t.Fatalf("read %+v", ch)
		}
		again, err := c.Encode(ch)
		if err != nil {
			t.Fatalf("cannot write what was read: %v", err)
		}
		if !rare(ch.Cols) && !rare(ch.Was) && !changelog.Canonical(again) {
			t.Fatalf("what was written is not read the short way: %x", again)
		}
		second, err := c.Decode(again)
		if err != nil || !reflect.DeepEqual(ch, second) {
			t.Fatalf("first  %+v\nsecond %+v, %v", ch, second, err)
		}
		return true
	}
}

// rare says whether there is a value that is left to the library.
func rare(cols map[string]any) bool {
	for _, v := range cols {
		switch v.(type) {
		case nil, bool, int64, string, []byte:
		default:
			return true
		}
	}
	return false
}

func FuzzDecode(f *testing.F) {
	for _, seed := range vectors(f) {
		f.Add(seed)
	}
	body := decodes(codec(f))
	f.Fuzz(func(t *testing.T, b []byte) { body(t, b) })
}

func TestFuzzed(t *testing.T) {
	mutate.Run(t, "FuzzDecode", 60_000, vectors(t), decodes(codec(t)))
}
