package web

import (
	"net/http"
	"net/url"

	"siteledger/server/fault"
	"siteledger/syncproto"
)

type errorPage struct {
	Status  int
	Heading string
	Text    string
}

// fail answers an error: the sign-in page for one who is signed out, else the
// error page with the fault's words. The cause is logged here, once.
func (s *Site) fail(c *Context, err error) {
	f := fault.Of(err)
	status := fault.Status(f.Code)
	if f.Code == fault.SignedOut && c.R.Method == http.MethodGet && c.R.URL.Path != "/events" {
		next := "/signin?next=" + url.QueryEscape(c.R.URL.RequestURI())
		http.Redirect(c.W, c.R, next, http.StatusSeeOther)
		return
	}
	if status >= 500 {
		s.cfg.Log.ErrorContext(c.Context(), "page failed", "method", c.R.Method, "path", c.R.URL.Path, "person", c.Person.ID, "error", err)
	} else {
		s.cfg.Log.InfoContext(c.Context(), "page refused", "method", c.R.Method, "path", c.R.URL.Path, "person", c.Person.ID, "status", status, "error", err)
	}
	page := errorPage{Status: status, Heading: c.T("fault.internal"), Text: c.T("fault.internal.text")}
	if f.Code != syncproto.Internal {
		page.Text = c.sentence(f)
		if k := "fault." + string(f.Code); s.words.has(k) {
			page.Heading = c.T(k)
		} else {
			page.Heading = c.T("fault.other")
		}
	}
	c.W.Header().Set("Cache-Control", "no-store")
	if rerr := s.render(c, status, "error", Page{Title: page.Heading, Plain: c.Person.Role == "", Data: page}); rerr != nil {
		s.cfg.Log.ErrorContext(c.Context(), "error page failed", "error", rerr)
		http.Error(c.W, page.Heading, status)
	}
}

func noSuchPage(*Context) error { return NotFound() }
