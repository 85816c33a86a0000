package web

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"siteledger/server/fault"
	"siteledger/syncproto"

	"github.com/google/uuid"
)

// Context is one request being served: who asks, in which language, and the
// ways to answer.
type Context struct {
	W      http.ResponseWriter
	R      *http.Request
	Person Person    // the zero Person before sign-in
	Lang   string    // "zh-CN" or "en"
	Now    time.Time // fixed for the request

	site        *Site
	token, csrf string
	said        string // the message for the next page, as its cookie holds it
}

// Context is the request's context.
func (c *Context) Context() context.Context { return c.R.Context() }

// T is a word of the dictionary in the person's language; {0}, {1} take args.
// A key that is not there gives the key itself.
func (c *Context) T(key string, args ...any) string { return c.site.words.text(c.Lang, key, args...) }

// Zone is the wall clock of the screens.
func (c *Context) Zone() *time.Location { return c.site.cfg.Zone }

// Form gives one field of the form or the query, without the blanks around it
// and without characters that no form means (NUL and other controls but
// newline and tab).
func (c *Context) Form(name string) string { return clean(c.R.FormValue(name)) }

// Forms gives all values of a field, such as ticked boxes.
func (c *Context) Forms(name string) []string {
	c.R.FormValue(name) // parses
	vs := make([]string, 0, len(c.R.Form[name]))
	for _, v := range c.R.Form[name] {
		vs = append(vs, clean(v))
	}
	return vs
}

// Ticked says whether a checkbox was ticked.
func (c *Context) Ticked(name string) bool { return c.R.FormValue(name) != "" }

// FormID reads a field that holds an id; uuid.Nil where it is empty or is not one.
func (c *Context) FormID(name string) uuid.UUID {
	id, err := uuid.Parse(c.Form(name))
	if err != nil {
		return uuid.Nil
	}
	return id
}

// FormInt reads a whole number; 0 where it is empty or is not one.
func (c *Context) FormInt(name string) int64 {
	n, _ := strconv.ParseInt(c.Form(name), 10, 64)
	return n
}

// FormRev reads the rev that the form was made from; 0 where there is none.
func (c *Context) FormRev(name string) uint64 {
	n, _ := strconv.ParseUint(c.Form(name), 10, 64)
	return n
}

// FormTime reads a datetime-local or date field as Unix milliseconds by the
// screens' wall clock; 0 where it is empty or is not one.
func (c *Context) FormTime(name string) int64 {
	v := c.Form(name)
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, v, c.Zone()); err == nil {
			return t.UnixMilli()
		}
	}
	return 0
}

// PathID reads an id in the path; one that is not an id is 404.
func (c *Context) PathID(name string) (uuid.UUID, error) {
	id, err := uuid.Parse(c.R.PathValue(name))
	if err != nil {
		return uuid.Nil, NotFound()
	}
	return id, nil
}

// NotFound is the fault of a thing that is not there for this person; another
// centre's things answer alike.
func NotFound() error { return fault.New(syncproto.NotFound, "error.not-found") }

// Redirect answers 303 to a path of this site, or that page itself to a script
// that asked for it ([FollowHeader]).
func (c *Context) Redirect(path string) error {
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.Contains(path, `\`) {
		path = "/"
	}
	if c.R.Method == http.MethodPost && c.R.Header.Get(FollowHeader) != "" {
		return c.site.follow(c, path)
	}
	http.Redirect(c.W, c.R, path, http.StatusSeeOther)
	return nil
}

// Render answers 200 with a page of the area whose path was asked.
func (c *Context) Render(name string, p Page) error { return c.RenderStatus(http.StatusOK, name, p) }

// RenderStatus is Render with another status, for forms that come back.
func (c *Context) RenderStatus(status int, name string, p Page) error {
	return c.site.render(c, status, name, p)
}

// Problem turns a fault of a form into its status and a sentence for the top
// of the form. ok is false for faults that are no business of the form
// (internal, forbidden, not found): return those.
func (c *Context) Problem(err error) (status int, text string, ok bool) {
	var f *fault.Error
	if !errors.As(err, &f) {
		return 0, "", false
	}
	switch f.Code {
	case fault.Invalid, fault.Stale, fault.TooMany, syncproto.CodeInvalid:
		return fault.Status(f.Code), c.sentence(f), true
	}
	return 0, "", false
}

// sentence is a fault in the person's language: its message and hint are
// dictionary keys, or already sentences. Arguments follow the key behind '|'.
func (c *Context) sentence(f *fault.Error) string {
	s := c.say(f.Message)
	if f.Code == fault.Stale && !strings.Contains(f.Message, "stale") {
		s = c.T("fault.stale.text") + " " + s
	}
	if f.Hint != "" {
		s += " " + c.say(f.Hint)
	}
	return strings.TrimSpace(s)
}

// say puts a message into words. It may hold several, on lines of their own;
// one "中文 · English" is cut at the language.
func (c *Context) say(message string) string {
	if lines := strings.Split(message, "\n"); len(lines) > 1 {
		for i, l := range lines {
			lines[i] = c.say(l)
		}
		return strings.Join(lines, " ")
	}
	parts := strings.Split(message, "|")
	if !c.site.words.has(parts[0]) {
		if zh, en, both := strings.Cut(message, " · "); both && c.Lang == English {
			return en
		} else if both {
			return zh
		}
		return message
	}
	args := make([]any, 0, len(parts)-1)
	for _, p := range parts[1:] {
		args = append(args, c.sayArgument(p))
	}
	return c.T(parts[0], args...)
}

// sayArgument is a word of the dictionary, the name of a "table.column", or
// the text as it is.
func (c *Context) sayArgument(s string) string {
	if c.site.words.has(s) {
		return c.T(s)
	}
	if table, column, ok := strings.Cut(s, "."); ok {
		if t := c.site.cfg.Schema.Table(table); t != nil && t.Column(column) != nil {
			return t.Column(column).Label.In(c.Lang)
		}
	}
	return s
}

func clean(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	s = strings.Map(func(r rune) rune {
		if r < 0x20 && r != '\n' && r != '\t' || r == 0x7f {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	return strings.TrimSpace(s)
}
