package web

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"siteledger/syncproto/schema"
)

// Handler serves one route. An error becomes the error page (or, on a form
// route, what the handler made of it); nothing may be written before an error.
type Handler func(c *Context) error

// Route is one row of the visible route table.
type Route struct {
	Method  string        // GET or POST; GET serves HEAD too
	Path    string        // pattern of http.ServeMux, without the method
	Roles   []schema.Role // who may call it; empty is refused at start
	Public  bool          // no sign-in needed; Roles must be empty
	Handler Handler
	MaxBody int64 // bytes of a POST body; 0 is DefaultMaxBody
}

// DefaultMaxBody bounds a form's body in bytes: the longest form has a few
// fields of 2,000 characters.
const DefaultMaxBody = 256 << 10

// NavItem is one entry of a door's navigation, shown to Roles alone.
type NavItem struct {
	Name  string // as Page.Nav
	Path  string
	Key   string // dictionary key of its words
	Roles []schema.Role
	Keys  string // keyboard, such as "g b"
}

// Area is one door: its pages and words, mounted by [New].
type Area struct {
	Name      string // "centre", "headquarters": folder under /static/…/
	Title     string // dictionary key of the door's name
	Home      string // path of its first page
	Templates fs.FS  // *.html, one per page; _*.html are partials
	Words     fs.FS  // *.zh-CN.json and *.en.json
	Static    fs.FS  // may be nil
	Nav       []NavItem
	Routes    []Route
	Search    string        // path of the search page; "" for none
	Roles     []schema.Role // whose home this door is
}

func (r Route) check() error {
	switch {
	case r.Handler == nil:
		return fmt.Errorf("route %s %s has no handler", r.Method, r.Path)
	case r.Method != "GET" && r.Method != "POST":
		return fmt.Errorf("route %s %s: method must be GET or POST", r.Method, r.Path)
	case !strings.HasPrefix(r.Path, "/"):
		return fmt.Errorf("route %s %s: path must begin with a slash", r.Method, r.Path)
	case r.Public == (len(r.Roles) > 0):
		return fmt.Errorf("route %s %s: name its roles, or make it public", r.Method, r.Path)
	}
	return nil
}

func (r Route) allows(role schema.Role) bool {
	return r.Public || slices.Contains(r.Roles, role)
}
