package clientsdk_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	clientsdk "siteledger/client-sdk"
)

// desk is one fake server and a clock that only the test moves.
type desk struct {
	t  testing.TB
	s  *fakeServer
	mu sync.Mutex
	at time.Time
}

func newDesk(t testing.TB) *desk {
	d := &desk{t: t, at: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)}
	d.s = newFakeServer(t, d.now)
	d.s.office("centre", d.s.centre, d.s.centre, map[string]any{"name": "城东服务中心", "phone": "400-1"})
	return d
}

func (d *desk) now() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.at
}

func (d *desk) pass(by time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.at = d.at.Add(by)
}

// phone opens a phone on a folder; it is closed at the end of the test.
func (d *desk) phone(dir string, more ...func(*clientsdk.Config)) *clientsdk.Client {
	d.t.Helper()
	cfg := clientsdk.Config{Dir: dir, Server: "http://server.test", HTTP: &http.Client{Transport: d.s}, Now: d.now,
		FreeBytes: func(string) (int64, error) { return 1 << 40, nil }, UploadsAtOnce: 1}
	for _, fn := range more {
		fn(&cfg)
	}
	c, err := clientsdk.Open(cfg)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() {
		if err := c.Close(); err != nil {
			d.t.Errorf("close: %v", err)
		}
	})
	return c
}

// enrolled opens a phone that is enrolled and has one job.
func (d *desk) enrolled(more ...func(*clientsdk.Config)) (c *clientsdk.Client, dir string, job uuid.UUID) {
	d.t.Helper()
	dir, job = emptyDir(d.t), newID(d.t)
	d.s.office("job", job, job, map[string]any{"kind": "aftersale", "intake_at": int64(1), "asked_work": "门板色差", "warranty": "in", "status": "dispatched"})
	c = d.phone(dir, more...)
	d.enrol(c)
	d.sync(c)
	return c, dir, job
}

func (d *desk) enrol(c *clientsdk.Client) {
	d.t.Helper()
	d.s.set(func() { d.s.codes["ABCD-1234"] = true })
	if err := c.Enrol(d.t.Context(), "ABCD-1234"); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) sync(c *clientsdk.Client) clientsdk.Round {
	d.t.Helper()
	r, err := c.Sync(d.t.Context())
	if err != nil {
		d.t.Fatalf("sync: %v", err)
	}
	return r
}

// note records a note on a job.
func (d *desk) note(c *clientsdk.Client, job uuid.UUID, text string) uuid.UUID {
	d.t.Helper()
	var id uuid.UUID
	err := c.Edit(d.t.Context(), func(e *clientsdk.Edit) (err error) {
		id, err = e.Insert("note", map[string]any{"job": job, "kind": "note", "text": text, "at": d.now()})
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return id
}

// texts are the notes that the phone shows.
func (d *desk) texts(c *clientsdk.Client) string {
	d.t.Helper()
	var out []string
	err := c.View(d.t.Context(), func(v *clientsdk.View) error {
		rows, err := v.Rows("note", clientsdk.Query{})
		for _, r := range rows {
			out = append(out, r.Text("text"))
		}
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return strings.Join(out, " ")
}

// serverNotes are the notes that the server has, by the order of their revs.
func (d *desk) serverNotes() string {
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	var out []string
	for _, r := range d.s.visible() {
		if r.table == "note" {
			out = append(out, r.cols["text"].(string))
		}
	}
	return strings.Join(out, " ")
}

func (d *desk) status(c *clientsdk.Client) clientsdk.Status {
	d.t.Helper()
	st, err := c.Status(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	return st
}

// failOnce makes the next request to a path fail.
func (d *desk) failOnce(path string, res *http.Response, err error) {
	done := false
	d.s.set(func() {
		d.s.hook = func(r *http.Request) (*http.Response, error) {
			if done || r.URL.Path != path && path != "" {
				return nil, nil
			}
			done = true
			return res, err
		}
	})
}

// loseOnce makes the answer to the next request to a path get lost.
func (d *desk) loseOnce(path string) {
	done := false
	d.s.set(func() {
		d.s.after = func(r *http.Request) error {
			if done || r.URL.Path != path {
				return nil
			}
			done = true
			return errCut
		}
	})
}

func answer(status int, contentType, body string, headers ...string) *http.Response {
	h := http.Header{"Content-Type": {contentType}}
	for i := 0; i+1 < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}
}

func page() *http.Response {
	return answer(200, "text/html", "<html><body>Free Wi-Fi: sign in</body></html>")
}

func wantCode(t testing.TB, err error, code clientsdk.Code) {
	t.Helper()
	if clientsdk.CodeOf(err) != code || err == nil {
		t.Fatalf("got %v, want code %s", err, code)
	}
	var e *clientsdk.Error
	if errors.As(err, &e) && (e.ZH == "" || e.EN == "") {
		t.Errorf("%s has no sentence", code)
	}
}

func background() context.Context { return context.Background() }
