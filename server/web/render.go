package web

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
)

//go:embed templates/*.html
var shellTemplates embed.FS

// pages are the templates of every area, "area/name". A page is parsed when it
// is first asked for: all of them, each with its own copy of the layout, are
// more than the rest of a small server.
type pages map[string]*page

type page struct {
	once  sync.Once
	parse func() (*template.Template, error)
	t     *template.Template
	err   error
}

// get parses a page once; false for one that does not exist.
func (p pages) get(name string) (*template.Template, bool, error) {
	one, ok := p[name]
	if !ok {
		return nil, false, nil
	}
	one.once.Do(func() { one.t, one.err = one.parse() })
	return one.t, true, one.err
}

// loadPages finds every page of every area; each comes with the layout, the
// shell's partials and the area's own.
func loadPages(areas []Area) (pages, error) {
	base, err := template.New("layout.html").Funcs(functions()).ParseFS(shellTemplates, "templates/layout.html", "templates/_*.html")
	if err != nil {
		return nil, fmt.Errorf("layout: %w", err)
	}
	out := pages{}
	own, err := fs.Sub(shellTemplates, "templates")
	if err != nil {
		return nil, err
	}
	if err := out.add(base, "shell", own); err != nil {
		return nil, err
	}
	for _, a := range areas {
		if a.Templates == nil {
			continue
		}
		if err := out.add(base, a.Name, a.Templates); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (p pages) add(base *template.Template, area string, src fs.FS) error {
	names, err := fs.Glob(src, "*.html")
	if err != nil {
		return err
	}
	var partials []string
	for _, n := range names {
		if strings.HasPrefix(n, "_") && area != "shell" {
			partials = append(partials, n)
		}
	}
	for _, n := range names {
		if strings.HasPrefix(n, "_") || n == "layout.html" {
			continue
		}
		p[area+"/"+strings.TrimSuffix(n, ".html")] = &page{parse: func() (*template.Template, error) {
			t, err := base.Clone()
			if err == nil {
				t, err = t.ParseFS(src, append([]string{n}, partials...)...)
			}
			if err != nil {
				return nil, fmt.Errorf("page %s/%s: %w", area, n, err)
			}
			return t, nil
		}}
	}
	return nil
}

// render executes into memory first, so that a fault of a template is an
// error page and never half a page.
func (s *Site) render(c *Context, status int, name string, p Page) error {
	p.c = c
	p.area = s.area(c.R.URL.Path, c.Person.Role)
	p.Flash = append(p.Flash, s.takeFlash(c)...)
	if p.Query == "" {
		p.Query = c.R.URL.Query().Get("q")
	}
	t, err := s.page(p.area, name)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, "layout.html", p); err != nil {
		return fmt.Errorf("render %s: %w", name, err)
	}
	h := c.W.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", c.Lang)
	h.Add("Vary", "Cookie, Accept-Language")
	c.W.WriteHeader(status)
	if _, err := c.W.Write(b.Bytes()); err != nil {
		s.cfg.Log.Debug("page not delivered", "path", c.R.URL.Path, "error", err)
	}
	return nil
}

// page finds a page of the area, or else of the shell.
func (s *Site) page(area *Area, name string) (*template.Template, error) {
	if area != nil {
		if t, ok, err := s.pages.get(area.Name + "/" + name); ok || err != nil {
			return t, err
		}
	}
	t, ok, err := s.pages.get("shell/" + name)
	if !ok && err == nil {
		err = fmt.Errorf("there is no page %q", name)
	}
	return t, err
}

// ParsePages parses every page now: a broken one is an error here, and not on
// its first reader's screen.
func (s *Site) ParsePages() error {
	for _, name := range slices.Sorted(maps.Keys(s.pages)) {
		if _, _, err := s.pages.get(name); err != nil {
			return err
		}
	}
	return nil
}

func functions() template.FuncMap {
	return template.FuncMap{
		"icon": icon,
		"pill": pill,
		"dict": dict,
		"list": func(v ...any) []any { return v },
		"add":  func(a, b int) int { return a + b },
		"percent": func(part, whole int64) int64 {
			if whole <= 0 {
				return 0
			}
			return min(100, part*100/whole)
		},
		"has": func(s []string, v string) bool {
			for _, x := range s {
				if x == v {
					return true
				}
			}
			return false
		},
		"short": func(n int, s string) string {
			r := []rune(s)
			if len(r) <= n {
				return s
			}
			return string(r[:n]) + "…"
		},
		"hex": func(b []byte) string { return fmt.Sprintf("%x", b) },
	}
}

// dict makes a map of pairs, to hand several values to a partial.
func dict(pairs ...any) (map[string]any, error) {
	if len(pairs)%2 != 0 {
		return nil, fmt.Errorf("dict wants pairs")
	}
	m := make(map[string]any, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		k, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("dict: key %v is not text", pairs[i])
		}
		m[k] = pairs[i+1]
	}
	return m, nil
}
