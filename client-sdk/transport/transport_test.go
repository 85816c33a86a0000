package transport_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"siteledger/client-sdk/transport"
	"siteledger/syncproto"
)

func client(t *testing.T, base string) *transport.Client {
	t.Helper()
	c, err := transport.New(base, http.DefaultClient, time.Now, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAddress(t *testing.T) {
	for _, bad := range []string{"", "server", "ftp://x", "http://", "http://user:secret@x"} {
		if _, err := transport.New(bad, http.DefaultClient, time.Now, rand.Reader); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestAnswersThatAreNotOurs(t *testing.T) {
	for name, tc := range map[string]struct {
		answer http.HandlerFunc
		want   error
	}{
		"html":          {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }, transport.ErrForeign},
		"redirect":      {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) }, transport.ErrForeign},
		"html 404":      {func(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) }, transport.ErrForeign},
		"wrong type":    {typed("text/plain", "{}"), transport.ErrForeign},
		"not CBOR":      {typed(syncproto.TypeCBOR, "hello"), transport.ErrForeign},
		"half a page":   {typed(syncproto.TypeCBOR, "\xa1\x64more"), transport.ErrForeign},
		"more and none": {typed(syncproto.TypeCBOR, "\xa1\x64more\xf5"), transport.ErrForeign},
		"cut": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", syncproto.TypeCBOR)
			w.Header().Set("Content-Length", "1000")
			fmt.Fprint(w, "\xa1")
		}, transport.ErrUnreachable},
		"endless": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", syncproto.TypeCBOR)
			for range 65 {
				if _, err := w.Write(make([]byte, 1<<20)); err != nil {
					return
				}
			}
		}, transport.ErrForeign},
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(tc.answer)
			defer s.Close()
			err := pull(t, s.URL)
			if !errors.Is(err, tc.want) {
				t.Errorf("got %v", err)
			}
		})
	}
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	if err := pull(t, s.URL); !errors.Is(err, transport.ErrUnreachable) {
		t.Errorf("closed server: %v", err)
	}
}

// pull asks for a page and reads it.
func pull(t *testing.T, url string) error {
	t.Helper()
	got, err := client(t, url).Pull(t.Context(), "t", "", 10)
	if err == nil {
		_, err = got.Page()
	}
	return err
}

func typed(contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		_, _ = io.WriteString(w, body)
	}
}

func TestProblems(t *testing.T) {
	acked := `{"type":"about:blank","status":200,"code":"log-gap","acked":7,"head":"ab"}`
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json; charset=utf-8")
		w.Header().Set("Retry-After", "99999999")
		w.WriteHeader(409)
		fmt.Fprint(w, acked)
	}))
	defer s.Close()
	_, _, err := client(t, s.URL).Push(t.Context(), "t", &syncproto.PushRequest{})
	p, ok := transport.ProblemOf(err)
	if !ok || p.Code != syncproto.LogGap || p.Acked == nil || *p.Acked != 7 || p.Status != 409 || p.RetryAfter != 24*time.Hour {
		t.Errorf("got %+v", p)
	}
}

func TestTokenStaysWithTheServer(t *testing.T) {
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" || r.Header.Get("Cookie") != "" {
			t.Errorf("the store was sent %v", r.Header)
		}
		if r.Method == http.MethodPut {
			b, err := io.ReadAll(r.Body)
			if err != nil || string(b) != "bytes" || r.ContentLength != 5 || r.Header.Get("X-Amz-Signed") != "1" {
				t.Errorf("%q %v %v", b, r.Header, err)
			}
			w.Header().Set("ETag", `"e"`)
			return
		}
		fmt.Fprint(w, "photo")
	}))
	defer store.Close()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer secret" {
			t.Errorf("the server was sent %v", r.Header)
		}
		http.Redirect(w, r, store.URL+"/x", http.StatusSeeOther)
	}))
	defer server.Close()
	c := client(t, server.URL)
	r, err := c.Get(t.Context(), "secret", "ab")
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil || string(b) != "photo" || r.Close() != nil {
		t.Errorf("%q %v", b, err)
	}
	etag, err := c.Put(t.Context(), store.URL+"/x", map[string]string{"X-Amz-Signed": "1", "Authorization": "no", "Content-Length": "5"}, strings.NewReader("bytes"), 5, nil)
	if err != nil || etag != `"e"` {
		t.Errorf("%q %v", etag, err)
	}
}

func TestPutAnswers(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		kind   string
		ok     bool
		want   error
	}{
		"stored":        {200, "", true, nil},
		"there already": {412, "application/xml", true, nil},
		"portal":        {200, "text/html", false, transport.ErrForeign},
		"portal moves":  {302, "", false, transport.ErrForeign},
		"expired":       {403, "application/xml", false, transport.ErrRefusedUpload},
		"wrong bytes":   {400, "application/xml", false, transport.ErrRefusedUpload},
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = []string{tc.kind}
			w.WriteHeader(tc.status)
		}))
		_, err := client(t, s.URL).Put(t.Context(), s.URL, nil, strings.NewReader("x"), 1, nil)
		if (err == nil) != tc.ok || tc.want != nil && !errors.Is(err, tc.want) {
			t.Errorf("%s: %v", name, err)
		}
		s.Close()
	}
}

func TestEvents(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, ": hello\n\nevent: poke\ndata: {}\n\nevent: other\ndata: x\n\ndata: x\n\nevent:poke\n\n")
	}))
	defer s.Close()
	opened, pokes := 0, 0
	err := client(t, s.URL).Events(t.Context(), "t", func() { opened++ }, func() { pokes++ })
	if !errors.Is(err, transport.ErrUnreachable) || opened != 1 || pokes != 2 {
		t.Errorf("opened %d, pokes %d, %v", opened, pokes, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := client(t, s.URL).Events(ctx, "t", func() {}, func() {}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
