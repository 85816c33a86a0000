package feed

import (
	"encoding/base64"
	"testing"

	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/syncproto"
	"siteledger/syncproto/mutate"
)

// cursors are sound ones, and what must be told of any: only a text that this
// server made for this person, in this history, is taken.
func cursors() (seeds [][]byte, body func(testing.TB, []byte) bool) {
	f := &Feed{Config: Config{History: uuid.MustParse("0190aaaa-bbbb-7ccc-8ddd-000000000001"), Secret: []byte("secret")}}
	older := &Feed{Config: Config{History: uuid.MustParse("0190aaaa-bbbb-7ccc-8ddd-000000000002"), Secret: []byte("secret")}}
	li, chen := uuid.MustParse("0190aaaa-bbbb-7ccc-8ddd-000000000011"), uuid.MustParse("0190aaaa-bbbb-7ccc-8ddd-000000000012")
	sound := map[string]bool{}
	for _, c := range []cursor{{schema: 2}, {1, 2, place{3, 4}, place{5, 6}, 2}, {centre: place{1 << 62, 1 << 40}, schema: 2}} {
		s := f.encode(c, li)
		if b, err := base64.RawURLEncoding.DecodeString(s); err == nil {
			sound[string(b)] = true
		}
		seeds = append(seeds, []byte(s), []byte(f.encode(c, chen)), []byte(older.encode(c, li)))
	}
	return seeds, func(t testing.TB, b []byte) bool {
		_, err := f.decode(string(b), li, 2)
		if err != nil {
			if code := fault.CodeOf(err); code != syncproto.CursorInvalid && code != syncproto.HistoryChanged {
				t.Fatalf("refused as %s", code)
			}
			return false
		}
		raw, err := base64.RawURLEncoding.DecodeString(string(b))
		if len(b) > 0 && (err != nil || !sound[string(raw)]) {
			t.Fatalf("a cursor that nobody made: %q", b)
		}
		return true
	}
}

func FuzzCursor(f *testing.F) {
	seeds, body := cursors()
	for _, b := range seeds {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) { body(t, b) })
}

func TestFuzzed(t *testing.T) {
	seeds, body := cursors()
	mutate.Run(t, "FuzzCursor", 30_000, seeds, body)
}
