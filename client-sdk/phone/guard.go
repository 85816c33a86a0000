package phone

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net"
	"net/http"
	"strings"
)

// policy is the Content-Security-Policy of every answer: own files only, no
// inline script or style, no string ever turned into HTML or script.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; " +
	"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; " +
	"require-trusted-types-for 'script'; trusted-types 'none'"

// maxForm bounds the body of a form without files, in bytes.
const maxForm = 256 << 10

// guard lets only the web view of this launch in. The first address,
// /?t=TOKEN, sets a cookie; everything else needs it. The cookie's name is made
// from the token, so that two phones on one desk don't take each other's.
func (a *App) guard(next http.Handler) http.Handler {
	crossOrigin := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		headers(w.Header())
		if !loopback(r.Host) {
			refuse(w)
			return
		}
		if o := r.Header.Get("Origin"); o != "" && o != "http://"+r.Host {
			refuse(w)
			return
		}
		if err := crossOrigin.Check(r); err != nil {
			refuse(w)
			return
		}
		if t := r.URL.Query().Get("t"); r.URL.Path == "/" && r.Method == http.MethodGet && t != "" {
			a.letIn(w, r, t)
			return
		}
		c, err := r.Cookie(a.cookie)
		if err != nil || !sameToken(c.Value, a.token) {
			refuse(w)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// letIn answers the first address. A link clicked on a foreign page would not
// send a SameSite=Strict cookie along a redirect; there a page of our own makes
// the next step.
func (a *App) letIn(w http.ResponseWriter, r *http.Request, token string) {
	if !sameToken(token, a.token) {
		refuse(w)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: a.cookie, Value: a.token, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
	if r.Header.Get("Sec-Fetch-Site") != "cross-site" {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write([]byte(`<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0;url=/"><a href="/">继续 · Continue</a>`))
}

func headers(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "geolocation=(self), microphone=(), payment=()")
	h.Set("Cache-Control", "no-store")
}

func refuse(w http.ResponseWriter) {
	http.Error(w, "请从应用里打开此页。\nOpen this page from the app itself.", http.StatusForbidden)
}

// loopback refuses any Host that a DNS name of somebody else's could carry.
func loopback(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

func sameToken(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// cookieName is made from the token without giving it away.
func cookieName(token string) string {
	h := sha256.Sum256([]byte("siteledger phone cookie\x00" + token))
	return "phone_" + hex.EncodeToString(h[:4])
}
