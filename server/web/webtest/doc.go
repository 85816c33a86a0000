package webtest

import (
	"net/http"
	"strings"

	"golang.org/x/net/html"
)

// Doc is an answer; its page is read by selector.
type Doc struct {
	w      *World
	Path   string
	Status int
	Header http.Header
	Body   string
	root   *html.Node
}

// Want fails unless the answer has a status.
func (d *Doc) Want(status int) *Doc {
	d.w.Helper()
	if d.Status != status {
		d.w.Fatalf("%s: status %d, want %d: %s", d.Path, d.Status, status, d.Text())
	}
	return d
}

// Has fails unless an element that the selector finds holds the text.
func (d *Doc) Has(selector, text string) *Doc {
	d.w.Helper()
	found := d.All(selector)
	for _, s := range found {
		if strings.Contains(s, text) {
			return d
		}
	}
	d.w.Errorf("%s: no %q holds %q; there are %d: %.300q", d.Path, selector, text, len(found), found)
	return d
}

// Lacks fails where an element that the selector finds holds the text.
func (d *Doc) Lacks(selector, text string) *Doc {
	d.w.Helper()
	for _, s := range d.All(selector) {
		if strings.Contains(s, text) {
			d.w.Errorf("%s: a %q holds %q: %.200q", d.Path, selector, text, s)
		}
	}
	return d
}

// Text is all text of the page's main part.
func (d *Doc) Text() string {
	if d.root == nil {
		return d.Body
	}
	return strings.Join(d.All("main"), " ")
}

// All gives the texts of the elements that a selector finds: tags, #id,
// .class, [name] and [name=value], with blanks for "inside".
func (d *Doc) All(selector string) []string {
	var out []string
	for _, n := range d.nodes(selector) {
		out = append(out, textOf(n))
	}
	return out
}

// Attr is an attribute of the first element that a selector finds.
func (d *Doc) Attr(selector, name string) string {
	d.w.Helper()
	found := d.nodes(selector)
	if len(found) == 0 {
		d.w.Fatalf("%s: no %q in %.500s", d.Path, selector, d.Text())
	}
	v, _ := attr(found[0], name)
	return v
}

func (d *Doc) csrf() string {
	for _, n := range d.nodes("body") {
		v, _ := attr(n, "data-csrf")
		return v
	}
	return ""
}

func (d *Doc) nodes(selector string) []*html.Node {
	if d.root == nil {
		return nil
	}
	at := []*html.Node{d.root}
	for part := range strings.FieldsSeq(selector) {
		var next []*html.Node
		seen := map[*html.Node]bool{}
		for _, from := range at {
			for n := range from.Descendants() {
				if n.Type == html.ElementNode && !seen[n] && matches(n, part) {
					seen[n] = true
					next = append(next, n)
				}
			}
		}
		at = next
	}
	return at
}

// matches tells whether an element fits one part of a selector.
func matches(n *html.Node, part string) bool {
	end := strings.IndexAny(part, "#.[")
	if end < 0 {
		end = len(part)
	}
	if tag := part[:end]; tag != "" && tag != n.Data {
		return false
	}
	for rest := part[end:]; rest != ""; {
		kind := rest[0]
		stop := strings.IndexAny(rest[1:], "#.[") + 1
		if kind == '[' {
			stop = strings.IndexByte(rest, ']') + 1
		}
		if stop <= 0 {
			stop = len(rest)
		}
		if !fits(n, kind, strings.TrimSuffix(rest[1:stop], "]")) {
			return false
		}
		rest = rest[stop:]
	}
	return true
}

func fits(n *html.Node, kind byte, want string) bool {
	switch kind {
	case '#':
		v, _ := attr(n, "id")
		return v == want
	case '.':
		v, _ := attr(n, "class")
		for c := range strings.FieldsSeq(v) {
			if c == want {
				return true
			}
		}
		return false
	}
	name, value, exact := strings.Cut(want, "=")
	v, ok := attr(n, name)
	return ok && (!exact || v == strings.Trim(value, `"'`))
}

func attr(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

func textOf(n *html.Node) string {
	var b strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode {
			b.WriteString(c.Data)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}
