package web_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"siteledger/server/fault"
	"siteledger/server/web"
	"siteledger/syncproto/schema"

	"github.com/google/uuid"
)

// sessions knows one person whose cookie is "good".
type sessions struct {
	person web.Person
	ended  bool
}

func (s *sessions) SignIn(_ context.Context, login, password, _ string) (string, web.Person, error) {
	if login != s.person.Login || password != "right" {
		return "", web.Person{}, fault.New(fault.SignedOut, "wrong")
	}
	return "good", s.person, nil
}

func (s *sessions) Session(_ context.Context, token string) (web.Person, string, error) {
	if token != "good" || s.ended {
		return web.Person{}, "", fault.New(fault.SignedOut, "ended")
	}
	return s.person, "token-of-the-session", nil
}

func (s *sessions) SignOut(context.Context, string) error { s.ended = true; return nil }

type pokes struct{ ch chan struct{} }

func (p pokes) Subscribe(uuid.UUID) (<-chan struct{}, func()) { return p.ch, func() {} }

func newSite(t *testing.T, secure bool, sess *sessions, p web.Pokes) *web.Site {
	t.Helper()
	area := web.Area{
		Name: "centre", Title: "brand", Home: "/centre/", Roles: []schema.Role{schema.Clerk},
		Templates: fstest.MapFS{"echo.html": {Data: []byte(`{{define "content"}}<p id="echo">{{.Data}}</p>{{end}}`)}},
		Routes: []web.Route{
			{Method: "GET", Path: "/centre/{$}", Roles: []schema.Role{schema.Clerk}, Handler: func(c *web.Context) error {
				return c.Render("echo", web.Page{Title: "t", Data: c.Form("say")})
			}},
			{Method: "POST", Path: "/centre/echo", Roles: []schema.Role{schema.Clerk}, Handler: func(c *web.Context) error {
				c.Flash("ok", c.Form("say"))
				return c.Redirect("/centre/")
			}},
			{Method: "GET", Path: "/centre/boss", Roles: []schema.Role{schema.Supervisor}, Handler: func(*web.Context) error { return nil }},
			{Method: "GET", Path: "/centre/broken", Roles: []schema.Role{schema.Clerk}, Handler: func(*web.Context) error { return io.ErrUnexpectedEOF }},
			{Method: "GET", Path: "/centre/held", Roles: []schema.Role{schema.Clerk}, Handler: func(*web.Context) error {
				return fault.New(fault.Invalid, "paging.range|1|<b>2</b>|3")
			}},
		},
	}
	s, err := web.New(web.Config{Sessions: sess, Pokes: p, Areas: []web.Area{area}, Schema: schema.MustCurrent(),
		Now: func() time.Time { return time.UnixMilli(1790000000000) }, Log: slog.New(slog.DiscardHandler), Secure: secure})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func clerk() *sessions {
	return &sessions{person: web.Person{ID: uuid.New(), Centre: uuid.New(), Name: "王芳", Login: "wangfang", Role: schema.Clerk, Active: true}}
}

func ask(s http.Handler, method, path string, form url.Values, cookies ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, c := range cookies {
		r.Header.Add("Cookie", c)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

const good = "siteledger-session=good"

func TestEveryAnswerCarriesThePolicy(t *testing.T) {
	s := newSite(t, false, clerk(), nil)
	for _, path := range []string{"/signin", "/centre/", "/static/none", "/nothing"} {
		h := ask(s, "GET", path, nil).Header()
		csp := h.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "form-action 'self'", "require-trusted-types-for 'script'"} {
			if !strings.Contains(csp, want) {
				t.Errorf("%s: policy lacks %s", path, want)
			}
		}
		if strings.Contains(csp, "unsafe") || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") == "" {
			t.Errorf("%s: headers %v", path, h)
		}
	}
}

func TestSignInSetsAStrictCookie(t *testing.T) {
	for _, secure := range []bool{false, true} {
		w := ask(newSite(t, secure, clerk(), nil), "POST", "/signin", url.Values{"login": {"wangfang"}, "password": {"right"}})
		if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/centre/" {
			t.Fatalf("answer %d %s", w.Code, w.Header().Get("Location"))
		}
		c := w.Result().Cookies()[0]
		if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Secure != secure || strings.HasPrefix(c.Name, "__Host-") != secure || c.Path != "/" {
			t.Errorf("cookie %+v", c)
		}
	}
}

func TestSignInRefuses(t *testing.T) {
	s := newSite(t, false, clerk(), nil)
	for name, form := range map[string]url.Values{
		"wrong password": {"login": {"wangfang"}, "password": {"wrong"}},
		"wrong name":     {"login": {"nobody"}, "password": {"right"}},
		"long password":  {"login": {"wangfang"}, "password": {strings.Repeat("x", 5000)}},
	} {
		w := ask(s, "POST", "/signin", form)
		if w.Code < 400 || !strings.Contains(w.Body.String(), "登录名或密码不对") || len(w.Result().Cookies()) != 0 {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
	w := ask(s, "POST", "/signin", url.Values{"login": {"wangfang"}, "password": {"right"}, "next": {"//evil.example/"}})
	if w.Header().Get("Location") != "/centre/" {
		t.Errorf("redirected to %s", w.Header().Get("Location"))
	}
}

func TestFormsNeedTheSessionsToken(t *testing.T) {
	s := newSite(t, false, clerk(), nil)
	if w := ask(s, "POST", "/centre/echo", url.Values{"say": {"x"}}, good); w.Code != http.StatusForbidden {
		t.Errorf("no token: %d", w.Code)
	}
	if w := ask(s, "POST", "/centre/echo", url.Values{"say": {"x"}, "csrf": {"another"}}, good); w.Code != http.StatusForbidden {
		t.Errorf("wrong token: %d", w.Code)
	}
	form := url.Values{"say": {"x"}, "csrf": {"token-of-the-session"}}
	if w := ask(s, "POST", "/centre/echo", form, good); w.Code != http.StatusSeeOther {
		t.Errorf("right token: %d", w.Code)
	}
	r := httptest.NewRequest("POST", "/centre/echo", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Cookie", good)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if w.Code != http.StatusForbidden {
		t.Errorf("another site with the right token: %d", w.Code)
	}
}

func TestTooLargeAFormIsRefused(t *testing.T) {
	s := newSite(t, false, clerk(), nil)
	w := ask(s, "POST", "/centre/echo", url.Values{"csrf": {"token-of-the-session"}, "say": {strings.Repeat("a", web.DefaultMaxBody)}}, good)
	if w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d", w.Code)
	}
}

func TestRolesAndSessions(t *testing.T) {
	sess := clerk()
	s := newSite(t, false, sess, nil)
	if w := ask(s, "GET", "/centre/boss", nil, good); w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "没有权限") {
		t.Errorf("another role's page: %d", w.Code)
	}
	if w := ask(s, "GET", "/centre/?say=1", nil); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/signin?next=%2Fcentre%2F%3Fsay%3D1" {
		t.Errorf("signed out: %d %s", w.Code, w.Header().Get("Location"))
	}
	sess.person.Active = false
	if w := ask(s, "GET", "/centre/", nil, good); w.Code != http.StatusSeeOther {
		t.Errorf("inactive person: %d", w.Code)
	}
	sess.person.Active = true
	if w := ask(s, "POST", "/signout", url.Values{"csrf": {"token-of-the-session"}}, good); w.Header().Get("Location") != "/signin" {
		t.Errorf("sign-out: %d", w.Code)
	}
	if w := ask(s, "GET", "/centre/", nil, good); w.Code != http.StatusSeeOther {
		t.Errorf("after sign-out: %d", w.Code)
	}
}

func TestWhatPeopleTypeIsText(t *testing.T) {
	s := newSite(t, false, clerk(), nil)
	body := ask(s, "GET", "/centre/?say="+url.QueryEscape("<script>alert(1)</script>\x00"), nil, good).Body.String()
	if strings.Contains(body, "<script>alert") || !strings.Contains(body, "&lt;script&gt;alert(1)&lt;/script&gt;</p>") {
		t.Error("markup came through")
	}
	w := ask(s, "POST", "/centre/echo", url.Values{"say": {`<img src=x onerror=1>`}, "csrf": {"token-of-the-session"}}, good)
	flash := w.Result().Cookies()[0]
	body = ask(s, "GET", "/centre/", nil, good, flash.Name+"="+flash.Value).Body.String()
	if strings.Contains(body, "<img src=x") || !strings.Contains(body, "&lt;img src=x onerror=1&gt;") {
		t.Error("flash is not text")
	}
	if body = ask(s, "GET", "/centre/held", nil, good).Body.String(); strings.Contains(body, "<b>2</b>") || !strings.Contains(body, "第 1–&lt;b&gt;2&lt;/b&gt; 条") {
		t.Error("a fault's arguments are not text")
	}
}

func TestInternalErrorsSayNothing(t *testing.T) {
	w := ask(newSite(t, false, clerk(), nil), "GET", "/centre/broken", nil, good)
	if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "EOF") || !strings.Contains(w.Body.String(), "服务器出错了") {
		t.Errorf("%d", w.Code)
	}
}

func TestLanguage(t *testing.T) {
	sess := clerk()
	s := newSite(t, false, sess, nil)
	get := func(accept string, cookies ...string) string {
		r := httptest.NewRequest("GET", "/signin", nil)
		r.Header.Set("Accept-Language", accept)
		for _, c := range cookies {
			r.Header.Add("Cookie", c)
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w.Header().Get("Content-Language")
	}
	for accept, want := range map[string]string{"": "zh-CN", "en-GB,en;q=0.9": "en", "zh-TW,en;q=0.5": "zh-CN", "fr, en;q=0.4, zh;q=0.8": "zh-CN", "de": "zh-CN", "en;q=0": "zh-CN"} {
		if got := get(accept); got != want {
			t.Errorf("Accept-Language %q: %s", accept, got)
		}
	}
	if got := get("zh", "siteledger-language=en"); got != "en" {
		t.Errorf("choice of the browser: %s", got)
	}
	sess.person.Language = "en"
	if got := ask(s, "GET", "/centre/", nil, good).Header().Get("Content-Language"); got != "en" {
		t.Errorf("choice of the person: %s", got)
	}
}

func TestStaticFilesAreKeptForEver(t *testing.T) {
	s := newSite(t, false, clerk(), nil)
	body := ask(s, "GET", "/signin", nil).Body.String()
	_, rest, _ := strings.Cut(body, `rel="stylesheet" href="`)
	path, _, _ := strings.Cut(rest, `"`)
	w := ask(s, "GET", path, nil)
	if w.Code != 200 || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/css") {
		t.Errorf("%s: %d %v", path, w.Code, w.Header())
	}
	if w := ask(s, "GET", "/static/000000000000/shell/app.css", nil); w.Code != 404 {
		t.Errorf("another build's path: %d", w.Code)
	}
}

func TestDictionariesMustMatch(t *testing.T) {
	for name, files := range map[string]fstest.MapFS{
		"key without English": {"a.zh-CN.json": {Data: []byte(`{"a.x":"甲"}`)}, "a.en.json": {Data: []byte(`{}`)}},
		"other arguments":     {"a.zh-CN.json": {Data: []byte(`{"a.x":"甲{0}"}`)}, "a.en.json": {Data: []byte(`{"a.x":"x"}`)}},
		"key in two files":    {"a.zh-CN.json": {Data: []byte(`{"brand":"甲"}`)}, "a.en.json": {Data: []byte(`{"brand":"x"}`)}},
		"unknown language":    {"a.fr.json": {Data: []byte(`{}`)}},
	} {
		_, err := web.New(web.Config{Sessions: clerk(), Areas: []web.Area{{Name: "a", Words: files}}, Schema: schema.MustCurrent(), Now: time.Now, Log: slog.New(slog.DiscardHandler)})
		if err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestRoutesNeedRoles(t *testing.T) {
	h := func(*web.Context) error { return nil }
	for name, r := range map[string]web.Route{
		"no roles":         {Method: "GET", Path: "/a", Handler: h},
		"public and roles": {Method: "GET", Path: "/a", Handler: h, Public: true, Roles: []schema.Role{schema.Clerk}},
		"no handler":       {Method: "GET", Path: "/a", Public: true},
		"odd method":       {Method: "PUT", Path: "/a", Handler: h, Public: true},
	} {
		_, err := web.New(web.Config{Sessions: clerk(), Areas: []web.Area{{Name: "a", Routes: []web.Route{r}}}, Schema: schema.MustCurrent(), Now: time.Now, Log: slog.New(slog.DiscardHandler)})
		if err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestEventsPoke(t *testing.T) {
	ch := make(chan struct{}, 1)
	srv := httptest.NewServer(newSite(t, false, clerk(), pokes{ch}))
	defer srv.Close()
	r, err := http.NewRequest("GET", srv.URL+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Cookie", good)
	res, err := srv.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if ct := res.Header.Get("Content-Type"); ct != "text/event-stream" {
		t.Fatalf("type %s", ct)
	}
	ch <- struct{}{}
	close(ch)
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(string(b), "event: poke\n") != 1 {
		t.Errorf("stream %q", b)
	}
}
