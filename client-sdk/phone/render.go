package phone

import (
	"bytes"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"

	"github.com/google/uuid"

	"siteledger/syncproto/schema"
)

//go:embed templates/*.html
var templateFiles embed.FS

//go:embed icons/*.svg
var iconFiles embed.FS

//go:embed static/*
var staticFiles embed.FS

// page is what the layout of every page needs, with the page's own data in Body.
type page struct {
	Title string
	Back  string // address of the arrow; empty has none
	Tab   string // which of the bottom bar's tabs is this; empty has no bar
	Guest bool   // a page for the customer: nothing but itself
	Said  string // what was just done, in words
	Wrong string // why the last tap was refused, in words
	Strip *strip
	Lang  string
	Path  string
	Place bool // the page may ask the web view where it is
	Body  any
}

// loadIcons reads the icons; they are written into the page, so they need no
// request and take the text's colour.
func loadIcons() (map[string]template.HTML, error) {
	icons := map[string]template.HTML{}
	names, err := fs.Glob(iconFiles, "icons/*.svg")
	if err != nil {
		return nil, fmt.Errorf("icons: %w", err)
	}
	for _, name := range names {
		b, err := iconFiles.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("icons: %w", err)
		}
		icons[strings.TrimSuffix(path.Base(name), ".svg")] = template.HTML(bytes.TrimSpace(b)) //nolint:gosec // our own embedded files
	}
	return icons, nil
}

// loadPages parses each page with the layout and the shared pieces (names that
// begin with an underscore), with the words of one language.
func (a *App) loadPages(lang string, icons map[string]template.HTML) (map[string]*template.Template, error) {
	w := words{lang: lang, dict: a.dicts[lang], zone: a.zone, now: a.now}
	base, err := template.New("layout").Funcs(a.funcs(w, icons)).ParseFS(templateFiles, "templates/_*.html")
	if err != nil {
		return nil, fmt.Errorf("templates: %w", err)
	}
	names, err := fs.Glob(templateFiles, "templates/[a-z]*.html")
	if err != nil {
		return nil, fmt.Errorf("templates: %w", err)
	}
	pages := map[string]*template.Template{}
	for _, name := range names {
		t, err := base.Clone()
		if err != nil {
			return nil, fmt.Errorf("template %s: %w", name, err)
		}
		if t, err = t.ParseFS(templateFiles, name); err != nil {
			return nil, fmt.Errorf("template %s: %w", name, err)
		}
		pages[strings.TrimSuffix(path.Base(name), ".html")] = t
	}
	return pages, nil
}

// funcs are the words and shapes that templates use.
func (a *App) funcs(w words, icons map[string]template.HTML) template.FuncMap {
	return template.FuncMap{
		"t": w.t, "hm": w.hm, "when": w.when, "day": w.day, "date": w.date, "money": w.money, "size": w.size, "minute": w.minute,
		"icon": func(name string) (template.HTML, error) {
			svg, ok := icons[name]
			if !ok {
				return "", fmt.Errorf("no icon %q", name)
			}
			return svg, nil
		},
		"label": func(table, column string) string { return a.label(w.lang, table, column) },
		"value": func(table, column, v string) string { return a.valueLabel(w.lang, table, column, v) },
		"text":  func(r schema.Row, column string) string { return r.Text(column) },
		"hex":   func(b []byte) string { return hex.EncodeToString(b) },
		"id":    func(id uuid.UUID) string { return id.String() },
		"newid": func() (string, error) {
			id, err := uuid.NewV7()
			return id.String(), err
		},
		"tel": func(s string) template.URL {
			return template.URL("tel:" + strings.ReplaceAll(cleanPhone(s), " ", "")) //nolint:gosec // digits, plus and hyphen alone
		},
		"dict": dict,
		"add":  func(a, b int) int { return a + b },
		"lines": func(s string) []string {
			return strings.Split(strings.TrimSpace(s), "\n")
		},
	}
}

// dict makes a map of pairs, for pieces that take more than one thing.
func dict(pairs ...any) (map[string]any, error) {
	m := make(map[string]any, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		key, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("dict: %v is no name", pairs[i])
		}
		m[key] = pairs[i+1]
	}
	return m, nil
}

// label is the schema's label of a column, or of a table where column is "".
func (a *App) label(lang, table, column string) string {
	t := a.schema.Table(table)
	if t == nil {
		return table
	}
	if c := t.Column(column); c != nil {
		return c.Label.In(lang)
	}
	return t.Label.In(lang)
}

// valueLabel is the schema's label of a declared value.
func (a *App) valueLabel(lang, table, column, v string) string {
	t := a.schema.Table(table)
	if t == nil || t.Column(column) == nil {
		return v
	}
	return t.Column(column).ValueLabel(v, lang)
}

// write renders a page completely before the first byte goes out, so that a
// broken template is an error page and not half a page.
func (a *App) write(w http.ResponseWriter, status int, lang, name string, p page) error {
	t := a.pages[lang][name]
	if t == nil {
		return fmt.Errorf("no page %q", name)
	}
	p.Lang = lang
	var out bytes.Buffer
	if err := t.ExecuteTemplate(&out, "layout", p); err != nil {
		return fmt.Errorf("page %s: %w", name, err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, err := out.WriteTo(w)
	if err != nil {
		return fmt.Errorf("page %s: %w", name, err)
	}
	return nil
}
