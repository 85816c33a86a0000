package e2e

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	clientsdk "siteledger/client-sdk"
	"siteledger/server/config"
	"siteledger/syncproto"
	"siteledger/syncproto/schema"
)

// TestLogsHoldNoSecrets tells the server tokens, passwords and a customer's
// number in every way it can be told, and reads its whole log.
func TestLogsHoldNoSecrets(t *testing.T) {
	log := &logbook{}
	a, _ := runServer(t, t.TempDir(), log, nil)
	centre := centreOf(t, a)
	installer := person(t, a, centre, "金丝雀师傅", schema.Installer)
	job, contact := newJob(t, a, centre, installer)
	code, _, err := a.Auth.OperatorCode(context.Background(), installer)
	if err != nil {
		t.Fatal(err)
	}
	secrets := &eavesdropper{next: http.DefaultTransport}
	c, err := clientsdk.Open(clientsdk.Config{Dir: t.TempDir(), Server: a.URL(), HTTP: &http.Client{Transport: secrets}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.Enrol(context.Background(), code); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Sync(context.Background()); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Attach(context.Background(), bytes.NewReader(photo(t, 7, 300)), syncproto.PurposePhoto, "image/jpeg"); err != nil {
		t.Fatal(err)
	}
	err = c.Edit(context.Background(), func(e *clientsdk.Edit) error {
		return e.Update("job_contact", contact, map[string]any{"phone": "13912345678"})
	})
	if err == nil {
		_, _ = c.Sync(context.Background()) // held or taken, it must not be logged
	}
	for _, path := range []string{"/v1/sync/pull?cursor=13912345678", "/signin?password=canary-password", "/centre/jobs/" + job.String() + "?q=13912345678", "/centre/13912345678"} {
		fetch(t, http.DefaultClient, a.URL()+path, "Authorization", "Bearer canary-token.eyJhbGciOiJFZERTQSJ9", "Cookie", "siteledger-session=canary-cookie", "User-Agent", "13912345678")
	}
	res, err := http.PostForm(a.URL()+"/signin", url.Values{"login": {"13912345678"}, "password": {"canary-password"}})
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	res, err = http.Post(a.URL()+syncproto.PathEnrol, syncproto.TypeJSON, strings.NewReader(`{"code":"canary-code","model":"13912345678\r\nlevel=ERROR"`))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	text := log.String()
	if strings.Count(text, "\n") < 6 {
		t.Fatalf("the log is too short to say anything:\n%s", text)
	}
	for _, never := range append(secrets.tokens(), code, "13800000000", "13912345678", "canary", "金丝雀", "张𠮷", "X-Amz-Signature", "eyJ", "\x1b") {
		if i := strings.Index(text, never); i >= 0 {
			t.Errorf("the log holds %.12q…: %.300s", never, text[max(0, i-150):])
		}
	}
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		if !strings.HasPrefix(line, `{"time":`) || strings.Count(line, `"level":`) != 1 {
			t.Errorf("log line %q", line)
		}
	}
}

// eavesdropper notes the bearer tokens that pass by.
type eavesdropper struct {
	next http.RoundTripper
	mu   sync.Mutex
	seen map[string]bool
}

func (e *eavesdropper) RoundTrip(r *http.Request) (*http.Response, error) {
	if _, token, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok {
		e.mu.Lock()
		if e.seen == nil {
			e.seen = map[string]bool{}
		}
		e.seen[token] = true
		e.mu.Unlock()
	}
	return e.next.RoundTrip(r)
}

func (e *eavesdropper) tokens() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []string
	for t := range e.seen {
		out = append(out, t, t[strings.LastIndexByte(t, '.')+1:])
	}
	return out
}

// TestRequestIDs: what the phone shows of a failed call is found in the
// server's log.
func TestRequestIDs(t *testing.T) {
	log := &logbook{}
	a, _ := runServer(t, t.TempDir(), log, func(c *config.Config) { c.Limits.MaxJSONBytes = 64 << 10 })
	centre := centreOf(t, a)
	c := openPhone(t, t.TempDir(), a.URL())
	enrol(t, a, c, person(t, a, centre, "李师傅", schema.Installer))
	if err := c.Enrol(context.Background(), "no-such-code"); err == nil {
		t.Fatal("a wrong code was taken")
	} else {
		var e *clientsdk.Error
		if !errors.As(err, &e) || len(e.Request) != 36 || !strings.Contains(log.String(), `"request":"`+e.Request+`"`) {
			t.Errorf("%#v is not in the log", e)
		}
	}
}
