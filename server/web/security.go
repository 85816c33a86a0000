package web

import (
	"crypto/subtle"
	"errors"
	"net/http"
	"strings"

	"siteledger/server/fault"
	"siteledger/syncproto"

	"github.com/google/uuid"
)

// policy is the content security policy of every page: own scripts, styles
// and pictures, nothing inline, no script from text.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; font-src 'self'; " +
	"connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; manifest-src 'self'; " +
	"require-trusted-types-for 'script'; trusted-types 'none'"

func (s *Site) headers(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
	if s.cfg.Secure {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// serve wraps a route with everything that is the same for all: size limit,
// session, role, forgery checks, language, errors as pages.
func (s *Site) serve(route Route) http.Handler {
	if route.MaxBody == 0 {
		route.MaxBody = DefaultMaxBody
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &Context{W: w, R: r, Now: s.cfg.Now(), site: s}
		r.Body = http.MaxBytesReader(w, r.Body, route.MaxBody)
		err := s.admit(c, route)
		if err == nil {
			err = route.Handler(c)
		}
		if err != nil {
			s.fail(c, err)
		}
	})
}

// admit finds who asks and refuses what the route does not allow.
func (s *Site) admit(c *Context, route Route) error {
	c.Lang = s.language(c.R, "")
	if err := s.session(c); err != nil {
		return err
	}
	c.Lang = s.language(c.R, c.Person.Language)
	if !route.Public {
		w := c.W.Header()
		w.Set("Cache-Control", "no-store")
		if c.Person.ID == uuid.Nil {
			return fault.New(fault.SignedOut, "error.signed-out")
		}
		if !route.allows(c.Person.Role) {
			return fault.New(syncproto.Forbidden, "error.forbidden")
		}
	}
	if c.R.Method == http.MethodGet || c.R.Method == http.MethodHead {
		return nil
	}
	if err := s.origins.Check(c.R); err != nil {
		return fault.Wrap(syncproto.Forbidden, "error.forged", err)
	}
	return s.checkForm(c)
}

// checkForm parses the form within the limit and compares its token with the
// session's. Before sign-in there is no session to ride on.
func (s *Site) checkForm(c *Context) error {
	err := c.R.ParseForm()
	if err == nil && strings.HasPrefix(c.R.Header.Get("Content-Type"), "multipart/form-data") {
		err = c.R.ParseMultipartForm(1 << 20)
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return fault.TooLarge(syncproto.BatchTooLarge, "error.too-large", tooLarge.Limit)
	}
	if err != nil {
		return fault.Wrap(syncproto.BodyInvalid, "error.form", err)
	}
	if c.Person.ID == uuid.Nil {
		return nil
	}
	got := c.R.PostFormValue("csrf")
	if got == "" {
		got = c.R.Header.Get("X-CSRF-Token")
	}
	if c.csrf == "" || subtle.ConstantTimeCompare([]byte(got), []byte(c.csrf)) != 1 {
		return fault.New(syncproto.Forbidden, "error.forged")
	}
	return nil
}

// session reads the cookie. No cookie, or one whose session has ended, leaves
// the zero Person; any other failure is an error.
func (s *Site) session(c *Context) error {
	ck, err := c.R.Cookie(s.cookieName("session"))
	if err != nil || ck.Value == "" {
		return nil
	}
	p, csrf, err := s.cfg.Sessions.Session(c.Context(), ck.Value)
	if err != nil {
		switch fault.CodeOf(err) {
		case fault.SignedOut, syncproto.TokenInvalid, syncproto.TokenExpired, syncproto.NotFound:
			return nil
		}
		return err
	}
	if !p.Active {
		return nil
	}
	c.Person, c.csrf, c.token = p, csrf, ck.Value
	return nil
}

// cookieName binds a cookie to this host and to https where there is https.
func (s *Site) cookieName(name string) string {
	if s.cfg.Secure {
		return "__Host-siteledger-" + name
	}
	return "siteledger-" + name
}

func (s *Site) setCookie(w http.ResponseWriter, name, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name: s.cookieName(name), Value: value, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: s.cfg.Secure, SameSite: http.SameSiteStrictMode,
	})
}
