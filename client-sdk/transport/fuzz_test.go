package transport_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/uuid"

	"siteledger/client-sdk/transport"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/mutate"
)

// anyAnswer is a network on which every call gets the same answer.
type anyAnswer struct {
	status int
	kind   string
	body   []byte
}

func (a *anyAnswer) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: a.status, Header: http.Header{"Content-Type": {a.kind}}, Body: io.NopCloser(bytes.NewReader(a.body)), Request: r}, nil
}

// target is one decoder of what comes from the network.
type target struct {
	name  string
	runs  int
	seeds [][]byte
	body  func(testing.TB, []byte) bool
}

// targets are all of them. An answer is taken over, or is an error of the
// transport's vocabulary; never a panic, and never half of it.
func targets(tb testing.TB) []target {
	tb.Helper()
	net := &anyAnswer{}
	c, err := transport.New("http://server.test", &http.Client{Transport: net}, time.Now, rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	ctx := context.Background()
	known := func(t testing.TB, err error) bool {
		if _, ok := transport.ProblemOf(err); err != nil && !ok && !errors.Is(err, transport.ErrForeign) && !errors.Is(err, transport.ErrUnreachable) {
			t.Fatalf("an error of no kind: %v", err)
		}
		return err == nil
	}
	give := func(status int, kind string, b []byte) { net.status, net.kind, net.body = status, kind, b }
	return []target{
		{"FuzzPage", 30_000, pages(tb), func(t testing.TB, b []byte) bool {
			give(200, syncproto.TypeCBOR, b)
			got, err := c.Pull(ctx, "token", "", 100)
			if err != nil {
				return known(t, err)
			}
			p, err := got.Page()
			if err == nil && (p == nil || p.More && p.Next == "") {
				t.Fatalf("half a page: %+v", p)
			}
			if next := got.Next(); err == nil && next != "" && (!p.More || next != p.Next) {
				t.Fatalf("goes on at %q, the page says %q, more %v", next, p.Next, p.More)
			}
			return known(t, err)
		}},
		{"FuzzPushAnswer", 20_000, pushAnswers(tb), func(t testing.TB, b []byte) bool {
			give(200, syncproto.TypeCBOR, b)
			_, _, err := c.Push(ctx, "token", &syncproto.PushRequest{})
			return known(t, err)
		}},
		{"FuzzAnswers", 15_000, [][]byte{
			[]byte(`{"device":"0190aaaa-bbbb-7ccc-8ddd-000000000010","person":"0190aaaa-bbbb-7ccc-8ddd-000000000011","access_token":"a","expires_in":900,"refresh_token":"r","server_keys":[{"kid":"k","public_key":"AAAA"}],"receipt_ranges":[{"prefix":"SC","from":1,"to":30}],"schema":1}`),
			[]byte(`{"blobs":[{"sha256":"ab","state":"parts","upload":"u","part_size":8,"parts":[{"number":1,"url":"http://x","headers":{"a":"b"},"done":true,"etag":"e"}]}]}`),
			[]byte(`{"sha256":"ab","size":7,"receipt":"a.b.c"}`),
		}, func(t testing.TB, b []byte) bool {
			give(201, syncproto.TypeJSON, b)
			_, _, err := c.Enrol(ctx, syncproto.EnrolRequest{})
			give(200, syncproto.TypeJSON, b)
			_, terr := c.Token(ctx, "r")
			_, perr := c.Plan(ctx, "t", nil)
			_, cerr := c.Commit(ctx, "t", syncproto.CommitRequest{})
			return known(t, err) && known(t, terr) && known(t, perr) && known(t, cerr)
		}},
		{"FuzzProblem", 20_000, [][]byte{
			[]byte(`{"type":"urn:siteledger:problem:log-forked","title":"x","status":409,"code":"log-forked","acked":3,"common":2,"head":"ab","history":"0190aaaa-bbbb-7ccc-8ddd-000000000010"}`),
			[]byte(`{"status":413,"code":"batch-too-long","limit":"batch_changes","max":1000}`), []byte(`<html>`),
		}, func(t testing.TB, b []byte) bool {
			give(409, syncproto.TypeProblem, b)
			_, err := c.Pull(ctx, "token", "", 100)
			if err == nil {
				t.Fatal("a refusal counts as success")
			}
			known(t, err)
			p, ok := transport.ProblemOf(err)
			if ok && (p.Code == "" || p.Status != 409) {
				t.Fatalf("problem %+v", p)
			}
			return ok
		}},
		{"FuzzEvents", 15_000, [][]byte{[]byte(": hello\n\nevent: poke\ndata: {}\n\nevent: other\ndata: x\n\nevent:poke\r\n\r\n")}, func(t testing.TB, b []byte) bool {
			give(200, "text/event-stream", b)
			pokes := 0
			err := c.Events(ctx, "token", func() {}, func() { pokes++ })
			if err == nil || pokes > strings.Count(string(b), "poke") {
				t.Fatalf("%d pokes, %v", pokes, err)
			}
			return pokes > 0
		}},
	}
}

func pages(tb testing.TB) (out [][]byte) {
	tb.Helper()
	id := uuid.MustParse("0190aaaa-bbbb-7ccc-8ddd-000000000010")
	row := map[string]any{"table": "note", "row": id[:], "root": id[:], "rev": 7, "cols": map[string]any{"text": "一", "at": 5, "author": nil, "job": id[:]}}
	for _, p := range []map[string]any{
		{"history": id[:], "rows": []any{row}, "removed": []any{map[string]any{"root": id[:], "why": "left"}}, "instructions": []any{}, "hlc": uint64(1) << 60, "next": "c", "more": true},
		{"history": id[:], "rows": []any{}, "removed": []any{map[string]any{"table": "note", "row": id[:], "why": "deleted"}}, "hlc": 1, "next": "c", "more": false,
			"instructions": []any{map[string]any{"id": id[:], "kind": "retake", "args": map[string]any{"job": "x", "n": []any{1, "a"}}}},
			"passed":       map[string]any{"epoch": id[:], "seq": 9}, "checksums": []any{map[string]any{"root": id[:], "count": 1, "sum": "0000000000000001"}}, "total": map[string]any{"count": 1, "sum": "0000000000000001"}},
	} {
		out = append(out, canonical(tb, p))
	}
	return out
}

func pushAnswers(tb testing.TB) [][]byte {
	tb.Helper()
	return [][]byte{canonical(tb, syncproto.PushAnswer{Acked: 3, Head: make([]byte, 32), ServerTime: 5, Hint: []byte{1}, HLC: 1 << 60, Receipt: "a.b.c",
		Outcomes: []syncproto.Outcome{{Seq: 2, Code: syncproto.Held, Reason: syncproto.Rule, Case: make([]byte, 16)}}})}
}

func canonical(tb testing.TB, v any) []byte {
	tb.Helper()
	codec, err := changelog.NewCodec()
	if err != nil {
		tb.Fatal(err)
	}
	b, err := codec.Marshal(v)
	if err != nil || cbor.Wellformed(b) != nil {
		tb.Fatal(err)
	}
	return b
}

func fuzz(f *testing.F, name string) {
	for _, target := range targets(f) {
		if target.name != name {
			continue
		}
		for _, b := range target.seeds {
			f.Add(b)
		}
		f.Fuzz(func(t *testing.T, b []byte) { target.body(t, b) })
		return
	}
	f.Fatalf("no target %s", name)
}

func FuzzPage(f *testing.F)       { fuzz(f, "FuzzPage") }
func FuzzPushAnswer(f *testing.F) { fuzz(f, "FuzzPushAnswer") }
func FuzzAnswers(f *testing.F)    { fuzz(f, "FuzzAnswers") }
func FuzzProblem(f *testing.F)    { fuzz(f, "FuzzProblem") }
func FuzzEvents(f *testing.F)     { fuzz(f, "FuzzEvents") }

func TestFuzzed(t *testing.T) {
	for _, target := range targets(t) {
		mutate.Run(t, target.name, target.runs, target.seeds, target.body)
	}
}
