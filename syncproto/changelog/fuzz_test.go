package changelog_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"testing"

	"siteledger/syncproto/changelog"
)

// FuzzDecode: whatever the bytes, reading them gives a change or
// ErrUndecodable, never a panic; and what was read can be written and reads the
// same again.
func FuzzDecode(f *testing.F) {
	for _, name := range []string{"changes.json", "readable.json", "undecodable.json"} {
		b, err := os.ReadFile("../../testdata/conformance/" + name)
		if err != nil {
			f.Fatal(err)
		}
		var list []struct{ Bytes string }
		if err := json.Unmarshal(b, &list); err != nil {
			f.Fatal(err)
		}
		for _, v := range list {
			seed, err := hex.DecodeString(v.Bytes)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(seed)
		}
	}
	c := codec(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		ch, err := c.Decode(b)
		if err != nil {
			if !errors.Is(err, changelog.ErrUndecodable) || ch != nil {
				t.Fatalf("got %+v, %v", ch, err)
			}
			return
		}
		if ch.Op < changelog.Insert || ch.Op > changelog.Delete || (ch.Was != nil) != (ch.Op == changelog.Update) || ch.Cols == nil {
			t.Fatalf("read %+v", ch)
		}
		again, err := c.Encode(ch)
		if err != nil {
			t.Fatalf("cannot write what was read: %v", err)
		}
		second, err := c.Decode(again)
		if err != nil || !reflect.DeepEqual(ch, second) {
			t.Fatalf("first  %+v\nsecond %+v, %v", ch, second, err)
		}
	})
}
