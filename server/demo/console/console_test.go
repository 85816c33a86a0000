package console_test

import (
	"context"
	"image/jpeg"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"siteledger/server/demo/console"
	"siteledger/server/demo/scene"
)

// network is a line that only remembers.
type network struct {
	mu        sync.Mutex
	cut, paid bool
}

func (n *network) IsCut() bool    { n.mu.Lock(); defer n.mu.Unlock(); return n.cut }
func (n *network) Cut() error     { n.mu.Lock(); defer n.mu.Unlock(); n.cut = true; return nil }
func (n *network) Restore() error { n.mu.Lock(); defer n.mu.Unlock(); n.cut = false; return nil }
func (n *network) IsPaid() bool   { n.mu.Lock(); defer n.mu.Unlock(); return n.paid }
func (n *network) Pay(paid bool)  { n.mu.Lock(); defer n.mu.Unlock(); n.paid = paid }

func serve(t *testing.T) (*httptest.Server, *network) {
	t.Helper()
	n := &network{}
	h, err := console.New(console.Config{
		Doors:    []console.Door{{ZH: "服务中心", EN: "Service centre", URL: "http://127.0.0.1:1/centre/", Note: "clerk"}},
		Accounts: []console.Account{{Role: "clerk", User: "clerk", Password: "secret-of-all"}},
		People:   []console.Person{{ID: "p1", Name: "张立新"}}, Data: "DIR", Server: "http://127.0.0.1:2", Network: n,
		Code: func(_ context.Context, person string) (string, time.Time, error) {
			return "CODE-FOR-" + person, time.Date(2026, 11, 22, 10, 30, 0, 0, time.UTC), nil
		},
		Studio: scene.NewStudio(), Now: func() time.Time { return time.Date(2026, 11, 22, 10, 20, 0, 0, time.UTC) },
	})
	if err != nil {
		t.Fatal(err)
	}
	ts := httptest.NewServer(h)
	t.Cleanup(ts.Close)
	return ts, n
}

// read gives status and body of an answer.
func read(t *testing.T) func(*http.Response, error) (int, string) {
	return func(res *http.Response, err error) (int, string) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(b)
	}
}

func TestNetworkSwitch(t *testing.T) {
	ts, n := serve(t)
	for _, c := range []struct {
		state, says string
		cut         bool
	}{{"cut", "已断开", true}, {"up", "畅通", false}} {
		status, page := read(t)(http.PostForm(ts.URL+"/network", url.Values{"state": {c.state}}))
		if status != http.StatusOK || !strings.Contains(page, c.says) || n.IsCut() != c.cut {
			t.Errorf("%s: %d, cut %v", c.state, status, n.IsCut())
		}
		if _, word := read(t)(http.Get(ts.URL + "/network")); strings.TrimSpace(word) != c.state {
			t.Errorf("the state in a word: %q, want %s", word, c.state)
		}
	}
	for _, c := range []struct {
		state, says string
		paid        bool
	}{{"paid", "换成 Wi-Fi", true}, {"free", "换成手机流量", false}} {
		if status, page := read(t)(http.PostForm(ts.URL+"/network", url.Values{"state": {c.state}})); status != http.StatusOK || !strings.Contains(page, c.says) || n.IsPaid() != c.paid {
			t.Errorf("%s: %d, mobile data %v", c.state, status, n.IsPaid())
		}
	}
	if status, _ := read(t)(http.PostForm(ts.URL+"/network", url.Values{"state": {"sideways"}})); status != http.StatusBadRequest {
		t.Errorf("nonsense: %d", status)
	}
}

func TestCode(t *testing.T) {
	ts, _ := serve(t)
	if status, page := read(t)(http.PostForm(ts.URL+"/code", url.Values{"person": {"p1"}})); status != http.StatusOK || !strings.Contains(page, "CODE-FOR-p1") || !strings.Contains(page, "10:30") {
		t.Errorf("code: %d", status)
	}
	if status, _ := read(t)(http.PostForm(ts.URL+"/code", url.Values{"person": {"somebody else"}})); status != http.StatusNotFound {
		t.Errorf("a code for a stranger: %d", status)
	}
}

// Only this machine's own page moves anything.
func TestGuard(t *testing.T) {
	ts, n := serve(t)
	for name, change := range map[string]func(*http.Request){
		"another page":      func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") },
		"a name in the DNS": func(r *http.Request) { r.Host = "evil.example" },
		"a foreign site":    func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
	} {
		req, err := http.NewRequest(http.MethodPost, ts.URL+"/network", strings.NewReader("state=cut"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		change(req)
		if status, _ := read(t)(http.DefaultClient.Do(req)); status != http.StatusForbidden || n.IsCut() {
			t.Errorf("%s: %d, cut %v", name, status, n.IsCut())
		}
	}
}

func TestPictures(t *testing.T) {
	ts, _ := serve(t)
	_, page := read(t)(http.Get(ts.URL + "/"))
	links := regexp.MustCompile(`href="(/pictures/[^"]+)"`).FindAllStringSubmatch(page, -1)
	if len(links) != 3 {
		t.Fatalf("%d pictures", len(links))
	}
	for _, l := range links {
		res, err := http.Get(ts.URL + l[1])
		if err != nil {
			t.Fatal(err)
		}
		img, err := jpeg.Decode(res.Body)
		res.Body.Close()
		if err != nil || img.Bounds().Dx() != 4000 {
			t.Errorf("%s: %v", l[1], err)
		}
	}
	for _, path := range []string{"/pictures/x/full.jpg", "/pictures/1/nonsense.jpg", "/pictures/1/full.png", "/nothing"} {
		if status, _ := read(t)(http.Get(ts.URL + path)); status != http.StatusNotFound {
			t.Errorf("%s: %d", path, status)
		}
	}
}
