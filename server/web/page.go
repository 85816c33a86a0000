package web

import (
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"siteledger/syncproto/schema"
)

// Page is what a template sees as its dot.
type Page struct {
	Title   string
	Nav     string   // name of the navigation entry that is lit
	Plain   bool     // without header and navigation
	Wide    bool     // the content takes the whole width, for workbenches
	Scripts []string // further modules, as "area/file.js"
	Styles  []string // further style sheets, as "area/file.css"
	Data    any

	c     *Context
	area  *Area
	Flash []Flash
	Query string // what stands in the search box
}

// Person is who is signed in.
func (p Page) Person() Person { return p.c.Person }

// SignedIn says whether somebody is.
func (p Page) SignedIn() bool { return p.c.token != "" }

// Lang is "zh-CN" or "en".
func (p Page) Lang() string { return p.c.Lang }

// T is a word of the dictionary.
func (p Page) T(key string, args ...any) string { return p.c.T(key, args...) }

// Say is the sentence of a fault's message: a dictionary key with its
// arguments behind '|', or already a sentence.
func (p Page) Say(message string) string { return p.c.say(message) }

// Label is the name of a column in the schema; the column's own name where the
// schema has none.
func (p Page) Label(table, column string) string {
	if t := p.c.site.cfg.Schema.Table(table); t != nil {
		if c := t.Column(column); c != nil {
			return c.Label.In(p.c.Lang)
		}
	}
	return column
}

// TableLabel is the name of a table, which is the trade's name of the form.
func (p Page) TableLabel(table string) string {
	if t := p.c.site.cfg.Schema.Table(table); t != nil {
		return t.Label.In(p.c.Lang)
	}
	return table
}

// Value is the word of one of a column's declared values.
func (p Page) Value(table, column, value string) string {
	if t := p.c.site.cfg.Schema.Table(table); t != nil {
		if c := t.Column(column); c != nil {
			return c.ValueLabel(value, p.c.Lang)
		}
	}
	return value
}

// Option is one choice of a select or of radio buttons.
type Option struct{ Value, Text string }

// Options are a column's declared values with their words, in schema order.
func (p Page) Options(table, column string) []Option {
	t := p.c.site.cfg.Schema.Table(table)
	if t == nil || t.Column(column) == nil {
		return nil
	}
	col := t.Column(column)
	out := make([]Option, 0, len(col.Values))
	for _, v := range col.Values {
		out = append(out, Option{Value: v, Text: col.ValueLabel(v, p.c.Lang)})
	}
	return out
}

// CSRF is the hidden field that every form of a signed-in page must hold.
func (p Page) CSRF() template.HTML {
	return template.HTML(`<input type="hidden" name="csrf" value="` + template.HTMLEscapeString(p.c.csrf) + `">`)
}

// Token is the same token, for scripts that post.
func (p Page) Token() string { return p.c.csrf }

// Static is the address of a static file, with the content's hash in it.
func (p Page) Static(name string) string { return p.c.site.static.path(name) }

// Sheets are the style sheets of the page: the shell's and, where the door has
// one of its own name, the door's, then those of the page. All of them are named
// in the head: one that is met in the middle of a page styles all of it anew.
func (p Page) Sheets() []string {
	out := []string{"shell/app.css"}
	if p.area != nil && p.c.site.static.has(p.area.Name+"/"+p.area.Name+".css") {
		out = append(out, p.area.Name+"/"+p.area.Name+".css")
	}
	return append(out, p.Styles...)
}

// Words is the JSON of the words that scripts use.
func (p Page) Words() template.JS { return template.JS(p.c.site.words.js[p.c.Lang]) }

// Here is the path and query of this page, for forms that come back to it. A
// page that answers a form is where the form was.
func (p Page) Here() string {
	if p.c.R.Method == http.MethodGet {
		return p.c.R.URL.RequestURI()
	}
	if from, err := url.Parse(p.c.R.Referer()); err == nil && from.Host == p.c.R.Host && strings.HasPrefix(from.Path, "/") {
		return from.RequestURI()
	}
	return "/"
}

// Door is the name of the door.
func (p Page) Door() string {
	if p.area == nil {
		return ""
	}
	return p.T(p.area.Title)
}

// HomePath is the first page of this person's door.
func (p Page) HomePath() string {
	if p.area == nil {
		return "/"
	}
	return p.c.site.home(p.c.Person.Role)
}

// SearchPath is where the search box asks; "" for a door without one.
func (p Page) SearchPath() string {
	if p.area == nil || !p.May("GET", p.area.Search) {
		return ""
	}
	return p.area.Search
}

// Navigation is the entries that this person may open, of all doors.
func (p Page) Navigation() []NavItem {
	var out []NavItem
	for _, a := range p.c.site.cfg.Areas {
		for _, n := range a.Nav {
			if slices.Contains(n.Roles, p.c.Person.Role) {
				out = append(out, n)
			}
		}
	}
	return out
}

// May says whether this person may call a route, by its pattern.
func (p Page) May(method, pattern string) bool {
	for _, r := range p.c.site.routes {
		if r.Method == method && r.Path == pattern {
			return r.allows(p.c.Person.Role)
		}
	}
	return false
}

// Is says whether this person has one of the roles.
func (p Page) Is(roles ...string) bool { return slices.Contains(roles, string(p.c.Person.Role)) }

// Now is the request's time in Unix milliseconds.
func (p Page) Now() int64 { return p.c.Now.UnixMilli() }

// JobPill is a job's state as word and shape.
func (p Page) JobPill(status string) template.HTML {
	tone := map[string]string{"new": "info", "dispatched": "wait", "departed": "wait", "arrived": "wait",
		"finished": "warn", "registered": "ok", "closed": "quiet", "cancelled": "off"}[status]
	return pill(tone, p.Value("job", "status", status))
}

// RoleName is a role in words.
func (p Page) RoleName(r schema.Role) string { return p.Value("person", "role", string(r)) }

// In binds a page to a request, for handlers that want its words and dates.
func (p Page) In(c *Context) Page {
	p.c = c
	return p
}
