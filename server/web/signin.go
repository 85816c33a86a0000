package web

import (
	"net"
	"net/http"
	"strings"
	"unicode/utf8"

	"siteledger/server/fault"

	"github.com/google/uuid"
)

type signInForm struct {
	Login, Next, Problem string
}

func signInPage(c *Context) error {
	if c.Person.ID != uuid.Nil {
		return c.Redirect(c.site.home(c.Person.Role))
	}
	c.W.Header().Set("Cache-Control", "no-store")
	return c.Render("signin", Page{Title: c.T("signin.title"), Plain: true, Data: signInForm{Next: c.Form("next")}})
}

// signIn serves POST /signin. The password is bounded before it is hashed, so
// that a long one costs nothing.
func signIn(c *Context) error {
	login, password := c.Form("login"), c.R.PostFormValue("password")
	f := signInForm{Login: login, Next: c.Form("next")}
	if len(login) > 60 || len(password) > 200 || !utf8.ValidString(password) {
		f.Problem = c.T("signin.wrong")
		return c.RenderStatus(http.StatusUnprocessableEntity, "signin", Page{Title: c.T("signin.title"), Plain: true, Data: f})
	}
	host, _, err := net.SplitHostPort(c.R.RemoteAddr)
	if err != nil {
		host = c.R.RemoteAddr
	}
	token, p, err := c.site.cfg.Sessions.SignIn(c.Context(), login, password, host)
	if err != nil {
		status := fault.Status(fault.CodeOf(err))
		if status >= 500 {
			return err
		}
		f.Problem = c.T("signin.wrong")
		if fault.CodeOf(err) == fault.TooMany {
			f.Problem = c.T("signin.too-many")
		}
		return c.RenderStatus(status, "signin", Page{Title: c.T("signin.title"), Plain: true, Data: f})
	}
	c.site.setCookie(c.W, "session", token, 0)
	if p.Language != "" {
		c.site.setCookie(c.W, "language", "", -1) // the browser's choice was somebody's before
	}
	c.W.Header().Set("Cache-Control", "no-store")
	next := f.Next
	if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || next == "/signin" {
		next = c.site.home(p.Role)
	}
	return c.Redirect(next)
}

func signOut(c *Context) error {
	if err := c.site.cfg.Sessions.SignOut(c.Context(), c.token); err != nil {
		return err
	}
	c.site.setCookie(c.W, "session", "", -1)
	c.W.Header().Set("Clear-Site-Data", `"cache"`)
	return c.Redirect("/signin")
}

// language serves POST /language: the choice is kept in a cookie of the
// browser, which stands above the person's own setting, and becomes that
// setting where somebody is signed in.
func language(c *Context) error {
	lang := normalLanguage(c.Form("language"))
	c.site.setCookie(c.W, "language", lang, 365*24*3600)
	if set := c.site.cfg.SetLanguage; set != nil && c.Person.ID != uuid.Nil && c.Person.Language != lang {
		if err := set(c.Context(), c.Person, lang); err != nil {
			return err
		}
	}
	return c.Redirect(c.Form("next"))
}
