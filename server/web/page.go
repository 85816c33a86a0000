package web

import (
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"siteledger/syncproto/schema"
)

// Page is what a template sees as its dot.
type Page struct {
	Title   string
	Nav     string   // name of the navigation entry that is lit
	Plain   bool     // without header and navigation
	Wide    bool     // the content takes the whole width, for workbenches
	Scripts []string // further modules, as "area/file.js"
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
// one of its own name, the door's.
func (p Page) Sheets() []string {
	out := []string{"shell/app.css"}
	if p.area != nil && p.c.site.static.has(p.area.Name+"/"+p.area.Name+".css") {
		out = append(out, p.area.Name+"/"+p.area.Name+".css")
	}
	return out
}

// Words is the JSON of the words that scripts use.
func (p Page) Words() template.JS { return template.JS(p.c.site.words.js[p.c.Lang]) }

// Here is the path and query of this page, for forms that come back to it.
func (p Page) Here() string {
	if p.c.R.Method != http.MethodGet {
		return p.c.R.URL.Path
	}
	return p.c.R.URL.RequestURI()
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

// Navigation is the entries that this person may open.
func (p Page) Navigation() []NavItem {
	var out []NavItem
	for _, a := range p.c.site.cfg.Areas {
		if p.area == nil || (a.Name != p.area.Name && !slices.Contains(a.Roles, p.c.Person.Role)) {
			continue
		}
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

func (p Page) at(ms int64) time.Time { return time.UnixMilli(ms).In(p.c.Zone()) }

// Time is a moment: the hour alone today, with the day else, with the year
// where it is another one. "" for 0.
func (p Page) Time(ms int64) string {
	if ms == 0 {
		return ""
	}
	t, now := p.at(ms), p.c.Now.In(p.c.Zone())
	switch {
	case t.YearDay() == now.YearDay() && t.Year() == now.Year():
		return t.Format("15:04")
	case t.Year() == now.Year():
		return t.Format("01-02 15:04")
	}
	return t.Format("2006-01-02 15:04")
}

// Moment is the whole date and time. "" for 0.
func (p Page) Moment(ms int64) string {
	if ms == 0 {
		return ""
	}
	return p.at(ms).Format("2006-01-02 15:04")
}

// Clock is the hour and minute. "" for 0.
func (p Page) Clock(ms int64) string {
	if ms == 0 {
		return ""
	}
	return p.at(ms).Format("15:04")
}

// Date is the day. "" for 0.
func (p Page) Date(ms int64) string {
	if ms == 0 {
		return ""
	}
	return p.at(ms).Format("2006-01-02")
}

// Day is the day with its weekday, in words. "" for 0.
func (p Page) Day(ms int64) string {
	if ms == 0 {
		return ""
	}
	t := p.at(ms)
	if p.c.Lang == English {
		return t.Format("Mon 2 Jan")
	}
	return fmt.Sprintf("%d月%d日 周%s", t.Month(), t.Day(), []string{"日", "一", "二", "三", "四", "五", "六"}[t.Weekday()])
}

// Input is the value of a datetime-local field. "" for 0.
func (p Page) Input(ms int64) string {
	if ms == 0 {
		return ""
	}
	return p.at(ms).Format("2006-01-02T15:04")
}

// Slot is an appointment: day, from and to. "" where there is none.
func (p Page) Slot(from, to int64) string {
	if from == 0 {
		return ""
	}
	s := p.Day(from) + " " + p.Clock(from)
	if to > from {
		s += "–" + p.Clock(to)
	}
	return s
}

// Span is a length of time in words, largest units first: "2 h 05 min".
func (p Page) Span(ms int64) string {
	if ms < 0 {
		ms = -ms
	}
	min := ms / 60000
	switch {
	case min >= 48*60:
		return p.T("span.days", min/(24*60))
	case min >= 60:
		return p.T("span.hours", min/60, fmt.Sprintf("%02d", min%60))
	}
	return p.T("span.minutes", min)
}

// Ago is how long a moment is past. "" for 0.
func (p Page) Ago(ms int64) string {
	if ms == 0 {
		return ""
	}
	d := p.c.Now.UnixMilli() - ms
	if d < 60000 {
		return p.T("span.now")
	}
	return p.T("span.ago", p.Span(d))
}

// Money is an amount of the smallest unit: ¥1,234.50. Other currencies than
// CNY are named before the figure.
func (p Page) Money(fen int64, currency string) string {
	sign := ""
	if fen < 0 {
		sign, fen = "−", -fen
	}
	whole := strconv.FormatInt(fen/100, 10)
	var b strings.Builder
	for i, r := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(r)
	}
	unit := "¥"
	if currency != "" && currency != "CNY" {
		unit = currency + " "
	}
	return fmt.Sprintf("%s%s%s.%02d", sign, unit, b.String(), fen%100)
}

// Size is a number of bytes in KB or MB.
func (p Page) Size(n int64) string {
	if n < 1<<20 {
		return fmt.Sprintf("%d KB", (n+1023)/1024)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
}

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
