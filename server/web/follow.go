package web

import (
	"net/http"
	"net/url"
)

// FollowHeader of a POST asks for the page that its answer would lead to, in the
// answer itself, named by Content-Location: a script that lays the next page into
// the open one saves a round to the server.
const FollowHeader = "X-Follow"

// follow serves the page behind a redirect as if the browser had asked for it:
// through the same routes, with the session and the message that the form left.
// Nothing of the form reaches it.
func (s *Site) follow(c *Context, path string) error {
	to, err := url.ParseRequestURI(path)
	if err != nil {
		return err
	}
	r := c.R.Clone(c.Context())
	r.Method, r.URL, r.RequestURI = http.MethodGet, to, path
	r.Body, r.ContentLength, r.TransferEncoding = http.NoBody, 0, nil
	r.Form, r.PostForm, r.MultipartForm = nil, nil, nil
	for _, name := range []string{FollowHeader, "Content-Type", "Content-Length"} {
		r.Header.Del(name)
	}
	if c.said != "" { // as the browser would bring it back, in place of an older one
		kept := r.Cookies()
		r.Header.Del("Cookie")
		for _, ck := range kept {
			if ck.Name != s.cookieName("flash") {
				r.AddCookie(ck)
			}
		}
		r.AddCookie(&http.Cookie{Name: s.cookieName("flash"), Value: c.said})
	}
	c.W.Header().Set("Content-Location", path)
	s.mux.ServeHTTP(c.W, r)
	return nil
}
