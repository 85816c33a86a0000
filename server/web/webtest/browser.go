package webtest

import (
	"bytes"
	"maps"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// Browser is one signed-in person's cookies.
type Browser struct {
	w       *World
	cookies map[string]*http.Cookie
	csrf    string
	Lang    string // Accept-Language
}

// Stranger is a browser that has not signed in.
func (w *World) Stranger() *Browser { return &Browser{w: w, cookies: map[string]*http.Cookie{}} }

// SignIn opens a browser and signs somebody in.
func (w *World) SignIn(login string) *Browser {
	w.Helper()
	b := w.Stranger()
	d := b.Post("/signin", url.Values{"login": {login}, "password": {Password}})
	if d.Status != http.StatusSeeOther {
		w.Fatalf("sign-in of %s: %d %s", login, d.Status, d.Text())
	}
	b.csrf = b.Get("/no-such-page").csrf()
	return b
}

// Get asks for a page.
func (b *Browser) Get(path string) *Doc { return b.send(httptest.NewRequest("GET", path, nil)) }

// Post sends a form with the session's token.
func (b *Browser) Post(path string, form url.Values) *Doc {
	if form == nil {
		form = url.Values{}
	}
	if b.csrf != "" && form.Get("csrf") == "" {
		form.Set("csrf", b.csrf)
	}
	r := httptest.NewRequest("POST", path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.send(r)
}

// Upload sends a form with one file.
func (b *Browser) Upload(path, field, name string, content []byte) *Doc {
	b.w.Helper()
	return b.send(FileForm(b.w, path, field, name, content, map[string]string{"csrf": b.csrf}))
}

// FileForm is the request by which a browser posts a form with one file.
func FileForm(tb testing.TB, path, field, name string, content []byte, fields map[string]string) *http.Request {
	tb.Helper()
	must := func(err error) {
		if err != nil {
			tb.Fatal(err)
		}
	}
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	for _, k := range slices.Sorted(maps.Keys(fields)) {
		must(m.WriteField(k, fields[k]))
	}
	f, err := m.CreateFormFile(field, name)
	must(err)
	_, err = f.Write(content)
	must(err)
	must(m.Close())
	r := httptest.NewRequest(http.MethodPost, path, &body)
	r.Header.Set("Content-Type", m.FormDataContentType())
	return r
}

func (b *Browser) send(r *http.Request) *Doc {
	b.w.Helper()
	if b.Lang != "" {
		r.Header.Set("Accept-Language", b.Lang)
	}
	for _, c := range b.cookies {
		r.AddCookie(c)
	}
	rec := httptest.NewRecorder()
	b.w.Site.ServeHTTP(rec, r)
	for _, c := range rec.Result().Cookies() {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
			continue
		}
		b.cookies[c.Name] = c
	}
	d := &Doc{w: b.w, Status: rec.Code, Header: rec.Header(), Body: rec.Body.String(), Path: r.URL.String()}
	if strings.HasPrefix(rec.Header().Get("Content-Type"), "text/html") {
		root, err := html.Parse(strings.NewReader(d.Body))
		b.w.must(err)
		d.root = root
	}
	return d
}

// Follow opens where an answer redirects to.
func (b *Browser) Follow(d *Doc) *Doc {
	b.w.Helper()
	if d.Status != http.StatusSeeOther {
		b.w.Fatalf("%s: status %d, no redirect: %s", d.Path, d.Status, d.Text())
	}
	return b.Get(d.Header.Get("Location"))
}
