package api

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/google/uuid"

	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
)

// TestPageIsCanonical: a page is, byte for byte, what the codec makes of its
// tree: a phone that checks the order of keys must find nothing else.
func TestPageIsCanonical(t *testing.T) {
	codec, err := changelog.NewCodec()
	if err != nil {
		t.Fatal(err)
	}
	id := uuid.MustParse("0190aaaa-bbbb-7ccc-8ddd-000000000001")
	row := func(table string, rev uint64, cols map[string]any) syncproto.Row {
		return syncproto.Row{Table: table, ID: id, Root: id, Rev: rev, Cols: cols}
	}
	long := strings.Repeat("a_long_name", 3)
	rows := []syncproto.Row{
		row("note", 1, map[string]any{"text": "水压不足 · low", "at": int64(23), "kind": nil, "author": id[:], "zz": true}),
		row("note", 24, map[string]any{"text": strings.Repeat("x", 255), "at": int64(24), "kind": "", "author": []byte{}, "zz": false}),
		row("note", 256, map[string]any{"text": strings.Repeat("x", 256), "at": int64(-1), "kind": "k", "author": []byte(nil), "zz": nil}),
		row("note", 1<<16, map[string]any{"text": strings.Repeat("x", 1<<16), "other": int64(math.MinInt64)}),
		row("note", 1<<32, map[string]any{"at": int64(math.MaxInt64), "text": "x", "z": 1.5, "y": 0.1, long: 1e300}),
		row("job", math.MaxInt64, map[string]any{}),
		row("job", 5, nil),
		row("note", 6, map[string]any{"text": "again", "at": int64(1 << 32), "kind": nil, "author": id[:], "zz": true}),
	}
	next := strings.Repeat("c", 150)
	pages := map[string]*syncproto.Page{
		"empty": {},
		"more":  {History: id, Rows: rows, HLC: 7, Next: next, More: true},
		"last": {
			History: id, Rows: rows[:2], HLC: math.MaxUint64, Next: next,
			Removed:      []syncproto.Removed{{Root: &id, Why: syncproto.WhyLeft}, {Table: "note", Row: &id, Why: syncproto.WhyDeleted}},
			Instructions: []syncproto.Instruction{{ID: id, Kind: "message", Args: map[string]any{"text": "hi", "n": 1.0, "id": id}}},
			Passed:       &syncproto.Passed{Epoch: id, Seq: 300},
			Checksums:    []syncproto.Checksum{{Root: id, Count: 3, Sum: "00ff"}},
			Total:        &syncproto.Checksum{Count: 3, Sum: "00ff"},
		},
	}
	for name, p := range pages {
		want, err := codec.Marshal(pageTree(p, cborForm{}))
		if err != nil {
			t.Fatal(err)
		}
		got, err := pageWriter{codec}.page([]byte("before"), p)
		if err != nil {
			t.Fatal(err)
		}
		if got = bytes.TrimPrefix(got, []byte("before")); !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes, want %d\n%x\n%x", name, len(got), len(want), got[:min(len(got), 400)], want[:min(len(want), 400)])
		}
	}
}
