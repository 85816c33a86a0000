package api_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"siteledger/server/store/storetest"
	"siteledger/syncproto"
	"siteledger/syncproto/mutate"
)

// input is a way into the API for any bytes.
type input struct {
	name  string
	runs  int
	seeds [][]byte
	body  func(testing.TB, []byte) bool
}

// inputs are the bodies and the cursor of a signed-in phone. Whatever comes,
// the answer is a success or a problem with a code, never a 5xx.
func inputs(tb testing.TB) []input {
	tb.Helper()
	w := newWorld(tb)
	p := w.phone(w.installer)
	answered := func(t testing.TB, res answer) bool {
		if res.status/100 == 2 {
			return true
		}
		var pr syncproto.Problem
		if res.status >= 500 && res.status != http.StatusServiceUnavailable || json.Unmarshal(res.body, &pr) != nil || pr.Code == "" || pr.Status != res.status {
			t.Fatalf("answered %d %s", res.status, res.body)
		}
		return false
	}
	post := func(path string, b []byte, headers ...string) answer {
		return w.call("POST", path, p.answer.AccessToken, b, headers...)
	}
	enc, err := zstd.NewWriter(nil)
	must(tb, err)
	push := p.cbor(p.batch(p.note(1, "一"), p.note(2, "二")))
	packedPush, packedType := p.packed(p.batch(p.note(1, "一"), p.note(2, "二")))
	paths := []string{syncproto.PathBlobPlan, syncproto.PathBlobCommit, syncproto.PathRepair, syncproto.PathToken, syncproto.PathReceipts}
	page := w.call("GET", syncproto.PathPull, p.answer.AccessToken, nil)
	var first struct{ Next string }
	must(tb, json.Unmarshal(page.body, &first))
	sha := strings.Repeat("ab", 32)
	return []input{
		{"FuzzPush", 2_500, [][]byte{push, p.cbor(p.batch(p.note(1, "三")))}, func(t testing.TB, b []byte) bool { return answered(t, post(syncproto.PathPush, b)) }},
		{"FuzzCompressed", 2_500, [][]byte{enc.EncodeAll(push, nil), enc.EncodeAll(make([]byte, 1<<16), nil)}, func(t testing.TB, b []byte) bool {
			return answered(t, post(syncproto.PathPush, b, "Content-Encoding", "zstd"))
		}},
		{"FuzzPacked", 1_500, [][]byte{packedPush}, func(t testing.TB, b []byte) bool {
			return answered(t, post(syncproto.PathPush, b, "Content-Type", packedType))
		}},
		{"FuzzBodies", 3_000, [][]byte{
			[]byte("\x00" + `{"blobs":[{"sha256":"` + sha + `","size":10,"type":"image/jpeg","purpose":"photo"}]}`),
			[]byte("\x01" + `{"sha256":"` + sha + `","upload":"u","parts":[{"number":1,"etag":"e"}]}`),
			[]byte("\x02" + `{"roots":[{"root":"` + w.centre.String() + `","count":1,"sum":"0123456789abcdef"}]}`),
			[]byte("\x03" + `{"refresh_token":"r1.x"}`), []byte("\x04{}"),
		}, func(t testing.TB, b []byte) bool {
			if len(b) == 0 {
				return false
			}
			at := int(b[0]) % len(paths)
			return answered(t, post(paths[at], b[1:])) && at < 3
		}},
		{"FuzzQuery", 1_000, [][]byte{[]byte("cursor=" + first.Next + "&limit=3&schema=1"), []byte("limit=1000"), []byte("cursor=%00&limit=%31")}, func(t testing.TB, b []byte) bool {
			if strings.ContainsAny(string(b), " #\r\n") || hasControl(b) {
				b = []byte(url.QueryEscape(string(b)))
			}
			return answered(t, w.call("GET", syncproto.PathPull+"?"+string(b), p.answer.AccessToken, nil))
		}},
	}
}

// hasControl says that a request line could not hold the bytes.
func hasControl(b []byte) bool {
	for _, c := range b {
		if c < 0x20 || c >= 0x7f {
			return true
		}
	}
	return false
}

// mute is a test's hand for what outlives one run of a fuzz target, within which
// the target's own F may not be called.
type mute struct{ testing.TB }

func (mute) Helper() {}

func fuzz(f *testing.F, name string) {
	for _, in := range inputs(mute{f}) {
		if in.name == name {
			for _, b := range in.seeds {
				f.Add(b)
			}
			f.Fuzz(func(t *testing.T, b []byte) { in.body(t, b) })
		}
	}
}

func FuzzPush(f *testing.F)       { fuzz(f, "FuzzPush") }
func FuzzCompressed(f *testing.F) { fuzz(f, "FuzzCompressed") }
func FuzzPacked(f *testing.F)     { fuzz(f, "FuzzPacked") }
func FuzzBodies(f *testing.F)     { fuzz(f, "FuzzBodies") }
func FuzzQuery(f *testing.F)      { fuzz(f, "FuzzQuery") }

func TestFuzzed(t *testing.T) {
	for _, in := range inputs(t) {
		mutate.Run(t, in.name, onTurn(in.runs), in.seeds, in.body)
	}
}

// onTurn is how often a test does what no engine has a part in: often on
// SQLite, and just to see it work on the other.
func onTurn(n int) int {
	if storetest.Turn() != "sqlite" {
		return n / 20
	}
	return n
}
