package api_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/uuid"
	"github.com/klauspost/compress/zstd"

	"siteledger/server/api"
	"siteledger/server/auth"
	"siteledger/server/ledger"
	"siteledger/syncproto"
	"siteledger/syncproto/schema"
)

// onePage always hands out the same page.
type onePage struct {
	page *syncproto.Page
	got  *asked
}

type asked struct {
	cursor string
	limit  int
	roots  []syncproto.Checksum
}

func (o onePage) Pull(_ context.Context, _ ledger.Device, cursor string, limit int) (*syncproto.Page, error) {
	o.got.cursor, o.got.limit = cursor, limit
	return o.page, nil
}

func (o onePage) Repair(_ context.Context, _ ledger.Device, roots []syncproto.Checksum) (*syncproto.Page, error) {
	o.got.roots = roots
	return o.page, nil
}

func (onePage) Subscribe(uuid.UUID) (<-chan struct{}, func()) { return nil, func() {} }

func samplePage(tb testing.TB) *syncproto.Page {
	row, root := newID(tb), newID(tb)
	ref := newID(tb)
	return &syncproto.Page{
		History: newID(tb), HLC: 1<<63 + 5, Next: "c1", More: false,
		Rows: []syncproto.Row{
			{Table: "signature", ID: row, Root: root, Rev: 1 << 41, Cols: map[string]schema.Value{
				"visit": ref[:], "image": make([]byte, 32), "content_hash": []byte{1, 2, 3}, "signer": "customer <b>", "reason": nil, "at": int64(-5), "later": []byte{9},
			}},
		},
		Removed:      []syncproto.Removed{{Table: "note", Row: &row, Why: syncproto.WhyDeleted}, {Root: &root, Why: syncproto.WhyLeft}},
		Instructions: []syncproto.Instruction{{ID: ref, Kind: "decided", Args: map[string]any{"epoch": ref, "seq": 7, "list": []any{"a"}}}, {ID: row, Kind: "wipe"}},
		Passed:       &syncproto.Passed{Epoch: ref, Seq: 9},
		Checksums:    []syncproto.Checksum{{Root: root, Count: 3, Sum: "00000000000000ff"}},
		Total:        &syncproto.Checksum{Count: 4, Sum: "00000000000000fe"},
	}
}

func newPager(tb testing.TB, page *syncproto.Page) (*world, *phone, *asked) {
	tb.Helper()
	got := &asked{}
	w := newWorld(tb, func(c *api.Config, _ *auth.Config) { c.Puller = onePage{page, got} })
	return w, w.phone(w.installer), got
}

func TestPageInJSON(t *testing.T) {
	page := samplePage(t)
	w, p, _ := newPager(t, page)
	res := w.call("GET", syncproto.PathPull, p.answer.AccessToken, nil, "Accept", "application/json")
	if res.header.Get("Content-Type") != "application/json" || res.header.Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v", res.header)
	}
	row, root, ref := page.Rows[0].ID.String(), page.Rows[0].Root.String(), page.Instructions[0].ID.String()
	want := `{"history":"` + page.History.String() + `","hlc":"9223372036854775813","next":"c1","more":false,
		"rows":[{"table":"signature","row":"` + row + `","root":"` + root + `","rev":2199023255552,"cols":{
			"visit":"` + ref + `","image":"` + strings.Repeat("00", 32) + `","content_hash":"AQID","signer":"customer <b>","reason":null,"at":-5,"later":"CQ=="}}],
		"removed":[{"table":"note","row":"` + row + `","why":"deleted"},{"root":"` + root + `","why":"left"}],
		"instructions":[{"id":"` + ref + `","kind":"decided","args":{"epoch":"` + ref + `","seq":7,"list":["a"]}},{"id":"` + row + `","kind":"wipe","args":{}}],
		"passed":{"epoch":"` + ref + `","seq":9},
		"checksums":[{"root":"` + root + `","count":3,"sum":"00000000000000ff"}],"total":{"count":4,"sum":"00000000000000fe"}}`
	var got, wanted any
	must(t, json.Unmarshal(res.body, &got))
	must(t, json.Unmarshal([]byte(want), &wanted))
	if !reflect.DeepEqual(got, wanted) {
		t.Errorf("got\n%s\nwant\n%s", res.body, want)
	}
}

func TestPageInCBOR(t *testing.T) {
	page := samplePage(t)
	w, p, _ := newPager(t, page)
	var got map[string]any
	w.call("GET", syncproto.PathPull, p.answer.AccessToken, nil, "Accept", "application/cbor").cbor(t, &got)
	row, root, ref := page.Rows[0].ID, page.Rows[0].Root, page.Instructions[0].ID
	want := map[string]any{
		"history": page.History[:], "hlc": uint64(1<<63 + 5), "next": "c1", "more": false,
		"rows": []any{map[any]any{"table": "signature", "row": row[:], "root": root[:], "rev": uint64(1 << 41), "cols": map[any]any{
			"visit": ref[:], "image": make([]byte, 32), "content_hash": []byte{1, 2, 3}, "signer": "customer <b>", "reason": nil, "at": int64(-5), "later": []byte{9}}}},
		"removed": []any{map[any]any{"table": "note", "row": row[:], "why": "deleted"}, map[any]any{"root": root[:], "why": "left"}},
		"instructions": []any{map[any]any{"id": ref[:], "kind": "decided", "args": map[any]any{"epoch": ref[:], "seq": uint64(7), "list": []any{"a"}}},
			map[any]any{"id": row[:], "kind": "wipe", "args": map[any]any{}}},
		"passed":    map[any]any{"epoch": ref[:], "seq": uint64(9)},
		"checksums": []any{map[any]any{"root": root[:], "count": uint64(3), "sum": "00000000000000ff"}},
		"total":     map[any]any{"count": uint64(4), "sum": "00000000000000fe"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%#v\nwant\n%#v", got, want)
	}
}

func TestOnlyTheLastPageTellsTheEnd(t *testing.T) {
	page := samplePage(t)
	page.More = true
	w, p, _ := newPager(t, page)
	var got map[string]any
	must(t, json.Unmarshal(w.call("GET", syncproto.PathPull, p.answer.AccessToken, nil).body, &got))
	for _, key := range []string{"passed", "checksums", "total"} {
		if _, ok := got[key]; ok {
			t.Errorf("%s is there", key)
		}
	}
	*page = syncproto.Page{History: page.History, Total: &syncproto.Checksum{Sum: "0000000000000000"}}
	got = nil
	must(t, json.Unmarshal(w.call("GET", syncproto.PathPull, p.answer.AccessToken, nil).body, &got))
	for key, want := range map[string]any{"passed": nil, "checksums": []any{}, "rows": []any{}, "removed": []any{}, "instructions": []any{}, "hlc": "0"} {
		if v, ok := got[key]; !ok || !reflect.DeepEqual(v, want) {
			t.Errorf("%s is %v", key, v)
		}
	}
}

func TestAccept(t *testing.T) {
	w, p, _ := newPager(t, samplePage(t))
	for accept, want := range map[string]string{
		"": "application/json", "*/*": "application/json", "application/*": "application/json", "application/cbor": "application/cbor",
		"application/json, application/cbor": "application/json", "application/json;q=0.5, application/cbor": "application/cbor",
		"text/html, */*;q=0.1": "application/json", "application/cbor;q=0.2, */*;q=0.1": "application/cbor",
	} {
		res := w.call("GET", syncproto.PathPull, p.answer.AccessToken, nil, "Accept", accept)
		if got := res.header.Get("Content-Type"); got != want {
			t.Errorf("Accept %q: %s", accept, got)
		}
	}
	w.call("GET", syncproto.PathPull, p.answer.AccessToken, nil, "Accept", "text/html").want(t, 415, syncproto.TypeUnsupported)
}

func TestPagesAreCompressedWhenAsked(t *testing.T) {
	page := samplePage(t)
	page.Rows[0].Cols["content"] = strings.Repeat("内容", 2000)
	w, p, _ := newPager(t, page)
	plain := w.call("GET", syncproto.PathPull, p.answer.AccessToken, nil, "Accept", "application/cbor")
	packed := w.call("GET", syncproto.PathPull, p.answer.AccessToken, nil, "Accept", "application/cbor", "Accept-Encoding", "gzip, zstd")
	if plain.header.Get("Content-Encoding") != "" || packed.header.Get("Content-Encoding") != "zstd" || len(packed.body) > len(plain.body)/4 {
		t.Errorf("plain %d bytes, packed %d", len(plain.body), len(packed.body))
	}
	z, err := zstd.NewReader(nil)
	must(t, err)
	b, err := z.DecodeAll(packed.body, nil)
	must(t, err)
	if string(b) != string(plain.body) {
		t.Error("unpacks to something else")
	}
}

func TestPullParameters(t *testing.T) {
	w, p, got := newPager(t, samplePage(t))
	for query, want := range map[string]int{"": 500, "?limit=1": 1, "?limit=1000": 1000, "?cursor=abc&limit=7&schema=1": 7} {
		if res := w.call("GET", syncproto.PathPull+query, p.answer.AccessToken, nil); res.status != 200 || got.limit != want {
			t.Errorf("%q: %d, limit %d", query, res.status, got.limit)
		}
	}
	w.call("GET", syncproto.PathPull+"?cursor=abc", p.answer.AccessToken, nil)
	if got.cursor != "abc" {
		t.Errorf("cursor %q", got.cursor)
	}
	for _, bad := range []string{"0", "-1", "1001", "x", "1e3", "99999999999999999999"} {
		w.call("GET", syncproto.PathPull+"?limit="+bad, p.answer.AccessToken, nil).want(t, 400, syncproto.LimitInvalid)
	}
	for _, bad := range []string{"0", "x"} {
		w.call("GET", syncproto.PathPull+"?schema="+bad, p.answer.AccessToken, nil).want(t, 400, syncproto.BodyInvalid)
	}
}

func TestRepairBodies(t *testing.T) {
	w, p, got := newPager(t, samplePage(t))
	root := newID(t)
	repair := func(body string) answer {
		return w.call("POST", syncproto.PathRepair, p.answer.AccessToken, []byte(body))
	}
	if res := repair(`{"roots":[{"root":"` + root.String() + `","count":3,"sum":"00000000000000ff"}]}`); res.status != 200 {
		t.Errorf("%d %s", res.status, res.body)
	}
	if len(got.roots) != 1 || got.roots[0] != (syncproto.Checksum{Root: root, Count: 3, Sum: "00000000000000ff"}) {
		t.Errorf("roots %+v", got.roots)
	}
	for _, bad := range []string{
		`{"roots":[{"root":"x","count":3,"sum":"00000000000000ff"}]}`, `{"roots":[{"root":"` + root.String() + `","count":-1,"sum":"00000000000000ff"}]}`,
		`{"roots":[{"root":"` + root.String() + `","count":1,"sum":"FF"}]}`, `{"roots":[{"root":"{` + root.String() + `}","count":1,"sum":"00000000000000ff"}]}`,
	} {
		repair(bad).want(t, 400, syncproto.BodyInvalid)
	}
}

// TestPullOfWhatWasPushed goes all the way through ledger, state and feed.
func TestPullOfWhatWasPushed(t *testing.T) {
	w := newWorld(t)
	p := w.phone(w.installer)
	p.push(p.batch(p.note(1, "今天两户")))
	var page struct {
		History []byte `cbor:"history"`
		Rows    []struct {
			Table string         `cbor:"table"`
			Cols  map[string]any `cbor:"cols"`
		} `cbor:"rows"`
		Passed struct {
			Epoch []byte `cbor:"epoch"`
			Seq   uint64 `cbor:"seq"`
		} `cbor:"passed"`
	}
	res := w.call("GET", syncproto.PathPull, p.answer.AccessToken, nil, "Accept", "application/cbor")
	must(t, cbor.Unmarshal(res.body, &page))
	var found bool
	for _, r := range page.Rows {
		found = found || r.Table == "day_summary" && r.Cols["text"] == "今天两户"
		if _, ok := r.Cols["login"]; ok {
			t.Error("an installer sees a sign-in name")
		}
	}
	if !found || uuid.UUID(page.History) != w.history || page.Passed.Seq != 1 || uuid.UUID(page.Passed.Epoch) != p.epoch {
		t.Errorf("page %+v", page)
	}
	w.call("GET", syncproto.PathPull+"?cursor="+base64.RawURLEncoding.EncodeToString([]byte("forged")), p.answer.AccessToken, nil).want(t, 400, syncproto.CursorInvalid)
}

func TestSchemaIsServed(t *testing.T) {
	w := newWorld(t)
	for query, version := range map[string]int{"": schema.Current, "?version=1": 1, "?version=2": 2} {
		want, err := schema.JSON(version)
		must(t, err)
		if res := w.call("GET", syncproto.PathSchema+query, "", nil); res.status != 200 || string(res.body) != string(want) {
			t.Errorf("%q: %d", query, res.status)
		}
	}
	for _, bad := range []string{"0", "99", "x", "../001"} {
		w.call("GET", syncproto.PathSchema+"?version="+bad, "", nil).want(t, 404, syncproto.NotFound)
	}
}
