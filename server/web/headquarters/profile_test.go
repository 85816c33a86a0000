package headquarters_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Only an administrator looks inside the process, for a bounded time, and only
// at what is on the list.
func TestProfiles(t *testing.T) {
	d := openDesk(t)
	get := func(who, path string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("GET", path, nil)
		if who != "" {
			r.AddCookie(&http.Cookie{Name: "siteledger-session", Value: who})
		}
		rec := httptest.NewRecorder()
		d.site.ServeHTTP(rec, r)
		return rec
	}
	for _, kind := range []string{"goroutine", "heap", "allocs", "cpu?seconds=1"} {
		rec := get("admin", "/headquarters/profile/"+kind)
		if rec.Code != 200 || !strings.HasPrefix(rec.Body.String(), "\x1f\x8b") {
			t.Errorf("%s: %d, %d bytes", kind, rec.Code, rec.Body.Len())
		}
		for _, who := range []string{"clerk", "supervisor", "adjudicator", "", "nobody"} {
			if rec := get(who, "/headquarters/profile/"+kind); rec.Code == 200 {
				t.Errorf("%s gave %q a profile", kind, who)
			}
		}
	}
	for path, want := range map[string]int{"cpu?seconds=31": 422, "cpu?seconds=0": 422, "cpu?seconds=x": 422, "cmdline": 404, "symbol": 404, "trace": 404, "..%2fheap": 404} {
		if rec := get("admin", "/headquarters/profile/"+path); rec.Code != want {
			t.Errorf("%s: %d, want %d", path, rec.Code, want)
		}
	}
	if rec := get("admin", "/debug/pprof/"); rec.Code == 200 {
		t.Error("/debug/pprof/ is there")
	}
}
