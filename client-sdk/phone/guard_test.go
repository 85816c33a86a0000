package phone

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// plain asks without the web view's cookies.
func (k *phoneKit) plain(method, path string, change func(*http.Request)) *http.Response {
	k.tb.Helper()
	r, err := http.NewRequest(method, k.app.URL+path, strings.NewReader(""))
	if err != nil {
		k.tb.Fatal(err)
	}
	if change != nil {
		change(r)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(r)
	if err != nil {
		k.tb.Fatal(err)
	}
	k.tb.Cleanup(func() { _ = res.Body.Close() })
	return res
}

// Another app of the phone can reach the port, but nothing behind it.
func TestOnlyTheWebViewGetsIn(t *testing.T) {
	o := newOffice(t)
	o.standing(morning())
	seed := o.job(morning(), nil, nil)
	k := newPhone(t, o)
	own := &http.Cookie{Name: cookieName(testToken), Value: testToken}
	for name, c := range map[string]struct {
		method, path string
		change       func(*http.Request)
		want         int
	}{
		"no cookie":             {"GET", "/", nil, 403},
		"no cookie, static":     {"GET", "/static/app.css", nil, 403},
		"no cookie, events":     {"GET", "/events", nil, 403},
		"no cookie, post":       {"POST", "/job/" + seed.job.String() + "/depart", nil, 403},
		"wrong token":           {"GET", "/?t=" + testToken + "x", nil, 403},
		"token on another path": {"GET", "/me?t=" + testToken, nil, 403},
		"token by post":         {"POST", "/?t=" + testToken, nil, 403},
		"right token":           {"GET", "/?t=" + testToken, nil, 303},
		"wrong cookie":          {"GET", "/", func(r *http.Request) { r.AddCookie(&http.Cookie{Name: own.Name, Value: "x"}) }, 403},
		"right cookie":          {"GET", "/", func(r *http.Request) { r.AddCookie(own) }, 200},
		"foreign host":          {"GET", "/", func(r *http.Request) { r.AddCookie(own); r.Host = "evil.example" }, 403},
		"host that looks local": {"GET", "/", func(r *http.Request) { r.AddCookie(own); r.Host = "127.0.0.1.evil.example" }, 403},
		"localhost":             {"GET", "/", func(r *http.Request) { r.AddCookie(own); r.Host = "localhost:1" }, 200},
		"foreign origin":        {"POST", "/me/lang", func(r *http.Request) { r.AddCookie(own); r.Header.Set("Origin", "http://evil.example") }, 403},
		"other port's origin":   {"POST", "/me/lang", func(r *http.Request) { r.AddCookie(own); r.Header.Set("Origin", "http://127.0.0.1:1") }, 403},
		"cross-site post":       {"POST", "/me/lang", func(r *http.Request) { r.AddCookie(own); r.Header.Set("Sec-Fetch-Site", "cross-site") }, 403},
	} {
		t.Run(name, func(t *testing.T) {
			res := k.plain(c.method, c.path, c.change)
			if res.StatusCode != c.want {
				t.Fatalf("status %d, want %d", res.StatusCode, c.want)
			}
			if csp := res.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
				t.Fatalf("policy %q", csp)
			}
		})
	}
}

func TestFirstAddressSetsAStrictCookie(t *testing.T) {
	k := newPhone(t, newOffice(t))
	res := k.plain("GET", "/?t="+testToken, nil)
	c := res.Cookies()[0]
	if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || strings.Contains(c.Name, testToken) {
		t.Fatalf("cookie %+v", c)
	}
	// From a link on a foreign page a redirect would not carry the cookie.
	cross := k.plain("GET", "/?t="+testToken, func(r *http.Request) {
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		r.Header.Set("Sec-Fetch-Mode", "navigate")
	})
	if cross.StatusCode != 200 || len(cross.Cookies()) != 1 {
		t.Fatalf("status %d", cross.StatusCode)
	}
}

func TestBodiesAreBounded(t *testing.T) {
	k, base := arrived(t, nil)
	k.post(base+"/record", "fault", strings.Repeat("x", maxForm+1)).is(http.StatusRequestEntityTooLarge)
	k.post(base+"/record", "fault", strings.Repeat("门", 3000)).ok()
	if f := k.one("service_record").Text("fault"); len(f) > 2000 || !strings.HasPrefix(f, "门门") || strings.Contains(f, "�") {
		t.Fatalf("%d bytes of fault", len(f))
	}
}

func TestHostileTextIsOnlyText(t *testing.T) {
	o := newOffice(t)
	o.standing(morning())
	evil := `<img src=x onerror=alert(1)>"'` + "`javascript:alert(1)"
	seed := o.job(morning(), map[string]any{"asked_work": evil}, map[string]any{"name": evil, "community": evil, "address": evil, "phone": "javascript:alert(1)", "note": evil})
	k := newPhone(t, o)
	for _, path := range []string{"/", "/job/" + seed.job.String(), "/uploads", "/found?from=" + seed.job.String()} {
		a := k.get(path).ok()
		a.silent("<img src=x", `href="javascript:`)
	}
}

func TestUnknownAddresses(t *testing.T) {
	k, base := arrived(t, nil)
	for _, path := range []string{"/nowhere", "/job/nonsense", "/job/" + newID(t).String(), base + "/defect/" + newID(t).String(), "/photo/" + newID(t).String(), "/photo/x/original", "/job/" + newID(t).String() + "/handover"} {
		k.get(path).is(http.StatusNotFound).says("返回", "之前保存的内容都在手机里")
	}
	k.get(base + "/receipt").ok() // a form's address leads to its page
}

func TestNewRefuses(t *testing.T) {
	if _, err := New(Config{Token: testToken}); err == nil {
		t.Error("no client was taken")
	}
	k := newPhone(t, newOffice(t))
	if _, err := New(Config{Client: k.client, Token: "short"}); err == nil {
		t.Error("a short token was taken")
	}
	h, err := New(Config{Client: k.client, Token: testToken})
	if err != nil {
		t.Fatal(err)
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "http://127.0.0.1/", nil))
	if rec.Code != http.StatusForbidden {
		t.Errorf("status %d", rec.Code)
	}
}
