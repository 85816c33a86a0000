package auth_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"siteledger/server/fault"
	"siteledger/server/store/storetest"
	"siteledger/syncproto"
	"siteledger/syncproto/mutate"
)

// doors are the three texts that let a phone in: an access token, a refresh
// token and an enrolment's body. Damaged ones let nobody in.
func doors(tb testing.TB) map[string]struct {
	seeds [][]byte
	body  func(testing.TB, []byte) bool
} {
	tb.Helper()
	h := newHouse(tb)
	p := h.enrolled("li")
	ctx := context.Background()
	refuses := func(t testing.TB, err error, codes ...syncproto.Code) {
		t.Helper()
		got := fault.CodeOf(err)
		for _, c := range codes {
			if got == c {
				return
			}
		}
		t.Fatalf("refused as %s: %v", got, err)
	}
	from := 0
	return map[string]struct {
		seeds [][]byte
		body  func(testing.TB, []byte) bool
	}{
		"FuzzAccess": {[][]byte{[]byte(p.answer.AccessToken)}, func(t testing.TB, b []byte) bool {
			d, err := h.Device(ctx, string(b))
			if err != nil {
				refuses(t, err, syncproto.TokenInvalid, syncproto.TokenExpired)
				return false
			}
			if d.ID != p.answer.Device || string(b) != p.answer.AccessToken {
				t.Fatalf("let in with %q", b)
			}
			return true
		}},
		"FuzzRefresh": {[][]byte{[]byte(p.answer.RefreshToken)}, func(t testing.TB, b []byte) bool {
			if string(b) == p.answer.RefreshToken {
				return true // it would use the token up
			}
			_, err := h.Refresh(ctx, string(b))
			refuses(t, err, syncproto.TokenInvalid)
			return false
		}},
		"FuzzEnrol": {[][]byte{[]byte(`{"code":"AAAA-BBBB-CCCC","public_key":"` + "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=" + `","proof":"AAAA","platform":"android","model":"m","app":"1","schema":1}`),
			[]byte(`{"code":"x","device":"0190aaaa-bbbb-7ccc-8ddd-000000000010","public_key":"AA==","proof":""}`)}, func(t testing.TB, b []byte) bool {
			var req syncproto.EnrolRequest
			if json.Unmarshal(b, &req) != nil {
				return false
			}
			from++
			_, err := h.Enrol(ctx, req, fmt.Sprintf("10.%d.%d.%d", from>>16, from>>8&255, from&255))
			refuses(t, err, syncproto.CodeInvalid, syncproto.SignatureInvalid, syncproto.KeyInvalid, syncproto.BodyInvalid, syncproto.Busy)
			return true
		}},
	}
}

func fuzz(f *testing.F, name string) {
	d := doors(f)[name]
	for _, b := range d.seeds {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) { d.body(t, b) })
}

func FuzzAccess(f *testing.F)  { fuzz(f, "FuzzAccess") }
func FuzzRefresh(f *testing.F) { fuzz(f, "FuzzRefresh") }
func FuzzEnrol(f *testing.F)   { fuzz(f, "FuzzEnrol") }

func TestFuzzed(t *testing.T) {
	all := doors(t)
	for name, runs := range map[string]int{"FuzzAccess": 12_000, "FuzzRefresh": 6_000, "FuzzEnrol": 5_000} {
		mutate.Run(t, name, onTurn(runs), all[name].seeds, all[name].body)
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
