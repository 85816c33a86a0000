package app

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
)

func TestWhoseForwardedForIsBelieved(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("10.0.0.0/8")}
	for _, c := range []struct {
		from string
		via  []string
		want string
	}{
		{"127.0.0.1:9", []string{"203.0.113.7"}, "203.0.113.7:0"},
		{"[::ffff:127.0.0.1]:9", []string{"203.0.113.7"}, "203.0.113.7:0"},
		{"127.0.0.1:9", []string{"1.1.1.1, 203.0.113.7, 10.2.3.4"}, "203.0.113.7:0"}, // 1.1.1.1 is the caller's own invention
		{"127.0.0.1:9", []string{"1.1.1.1", "203.0.113.7"}, "203.0.113.7:0"},
		{"127.0.0.1:9", []string{"2001:db8::1"}, "[2001:db8::1]:0"},
		{"127.0.0.1:9", nil, "127.0.0.1:9"},
		{"127.0.0.1:9", []string{"nonsense"}, "127.0.0.1:9"},
		{"203.0.113.9:9", []string{"127.0.0.1"}, "203.0.113.9:9"},
	} {
		var got string
		h := behindProxies(trusted, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.RemoteAddr }))
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = c.from
		r.Header["X-Forwarded-For"] = c.via
		h.ServeHTTP(httptest.NewRecorder(), r)
		if got != c.want {
			t.Errorf("%s via %q: %s, want %s", c.from, c.via, got, c.want)
		}
		if r.RemoteAddr != c.from {
			t.Error("the server's own request was changed")
		}
	}
}
