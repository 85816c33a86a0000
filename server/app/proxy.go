package app

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// behindProxies puts the caller's own address in place of a trusted proxy's,
// for the brakes on guessing: the last address of X-Forwarded-For that is not
// itself a trusted proxy. From anybody else the header is not believed.
func behindProxies(trusted []netip.Prefix, next http.Handler) http.Handler {
	if len(trusted) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if at, err := netip.ParseAddrPort(r.RemoteAddr); err == nil && among(trusted, at.Addr()) {
			if caller, ok := forwardedFor(trusted, r.Header.Values("X-Forwarded-For")); ok {
				r = r.WithContext(r.Context()) // a copy: the original is the server's
				r.RemoteAddr = net.JoinHostPort(caller.String(), "0")
			}
		}
		next.ServeHTTP(w, r)
	})
}

func forwardedFor(trusted []netip.Prefix, headers []string) (netip.Addr, bool) {
	list := strings.Split(strings.Join(headers, ","), ",")
	for i := len(list) - 1; i >= 0; i-- {
		a, err := netip.ParseAddr(strings.TrimSpace(list[i]))
		if err != nil {
			return netip.Addr{}, false
		}
		if !among(trusted, a) {
			return a.Unmap().WithZone(""), true
		}
	}
	return netip.Addr{}, false
}

func among(list []netip.Prefix, a netip.Addr) bool {
	for _, p := range list {
		if p.Contains(a.Unmap().WithZone("")) {
			return true
		}
	}
	return false
}
