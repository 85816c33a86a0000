package transport

import (
	"crypto/rand"
	"math"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"siteledger/syncproto/changelog"
	"siteledger/syncproto/mutate"
)

// TestQuickRowsAreTheGeneralDecoders: what the quick reader takes, the general
// decoder takes too, and to the same page: whole, and damaged in any way.
func TestQuickRowsAreTheGeneralDecoders(t *testing.T) {
	c, err := New("http://server.test", http.DefaultClient, time.Now, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	codec, err := changelog.NewCodec()
	if err != nil {
		t.Fatal(err)
	}
	id := uuid.MustParse("0190aaaa-bbbb-7ccc-8ddd-000000000010")
	row := func(rev uint64, cols map[string]any) map[string]any {
		return map[string]any{"table": "note", "row": id[:], "root": id[:], "rev": rev, "cols": cols}
	}
	page := func(more bool, rows ...any) []byte {
		p := map[string]any{"history": id[:], "rows": append([]any{}, rows...), "removed": []any{}, "instructions": []any{}, "hlc": uint64(1) << 60, "next": "c", "more": more}
		if !more {
			p["passed"], p["checksums"], p["total"] = map[string]any{"epoch": id[:], "seq": 9}, []any{}, map[string]any{"count": 1, "sum": "0000000000000001"}
		}
		b, err := codec.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	plain := row(7, map[string]any{"text": "一", "at": int64(5), "author": nil, "job": id[:], "done": true, "open": false, "least": int64(math.MinInt64), "most": int64(math.MaxInt64)})
	quick := [][]byte{page(true, plain), page(false, plain, row(1<<40, map[string]any{}), row(24, map[string]any{"text": strings.Repeat("x", 300), "at": int64(-1)})), page(false)}
	same := func(b []byte) (took bool) {
		rows, rest, ok := quickRows(b)
		if !ok {
			return false
		}
		p, err := c.wholePage(rest)
		want, werr := c.wholePage(b)
		if err == nil {
			p.Rows = rows
		}
		if (err == nil) != (werr == nil) || !reflect.DeepEqual(p, want) {
			t.Fatalf("%x:\n%+v, %v\n%+v, %v", b, p, err, want, werr)
		}
		return err == nil
	}
	for i, b := range quick {
		if !same(b) {
			t.Errorf("page %d of our server's is not read quickly", i)
		}
	}
	for _, cols := range []any{map[string]any{"float": 1.5}, map[string]any{"large": uint64(math.MaxUint64)}, map[string]any{"list": []any{1}}, nil} {
		if b := page(true, map[string]any{"table": "note", "row": id[:], "root": id[:], "rev": 1, "cols": cols}); same(b) {
			t.Errorf("%v is read quickly", cols)
		} else if p, err := c.page(b); (err == nil) && len(p.Rows) != 1 {
			t.Errorf("%v: %+v", cols, p)
		}
	}
	m := mutate.New(1, quick)
	for range mutate.Scale(60_000) {
		if b := m.Next(); same(b) {
			m.Keep(b)
		}
	}
}
