package web

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"strings"
)

//go:embed templates/*.html
var shellTemplates embed.FS

// loadPages parses every page of every area together with the layout, the
// shell's partials and the area's own.
func loadPages(areas []Area) (map[string]*template.Template, error) {
	base, err := template.New("layout.html").Funcs(functions()).ParseFS(shellTemplates, "templates/layout.html", "templates/_*.html")
	if err != nil {
		return nil, fmt.Errorf("layout: %w", err)
	}
	pages := map[string]*template.Template{}
	own, err := fs.Sub(shellTemplates, "templates")
	if err != nil {
		return nil, err
	}
	if err := addPages(pages, base, "shell", own); err != nil {
		return nil, err
	}
	for _, a := range areas {
		if a.Templates == nil {
			continue
		}
		if err := addPages(pages, base, a.Name, a.Templates); err != nil {
			return nil, err
		}
	}
	return pages, nil
}

func addPages(pages map[string]*template.Template, base *template.Template, area string, src fs.FS) error {
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
		t, err := base.Clone()
		if err != nil {
			return err
		}
		if t, err = t.ParseFS(src, append([]string{n}, partials...)...); err != nil {
			return fmt.Errorf("page %s/%s: %w", area, n, err)
		}
		pages[area+"/"+strings.TrimSuffix(n, ".html")] = t
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
	t := s.pages["shell/"+name]
	if p.area != nil && s.pages[p.area.Name+"/"+name] != nil {
		t = s.pages[p.area.Name+"/"+name]
	}
	if t == nil {
		return fmt.Errorf("there is no page %q", name)
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
	_, err := c.W.Write(b.Bytes())
	if err != nil {
		s.cfg.Log.Debug("page not delivered", "path", c.R.URL.Path, "error", err)
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
