package clientsdk_test

import (
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	clientsdk "siteledger/client-sdk"
	"siteledger/syncproto"
)

// breaks ends the open event stream from the server's side.
func (s *stage) breaks() {
	s.t.Helper()
	s.mu.Lock()
	w, ok := s.poke.(*io.PipeWriter)
	s.mu.Unlock()
	if !ok || w.Close() != nil {
		s.t.Fatal("no stream is open")
	}
	synctest.Wait()
}

// works lets the stream live for two minutes, with the server's comments: a
// wait after that begins anew.
func (s *stage) works() {
	s.t.Helper()
	s.pass(20 * time.Second)
	for range 6 {
		s.mu.Lock()
		w := s.poke
		s.mu.Unlock()
		if _, err := io.WriteString(w, ": \n"); err != nil {
			s.t.Fatal("no stream is open")
		}
		s.pass(20 * time.Second)
	}
}

// streams answers each call for the event stream in its own way.
func (s *stage) streams(give func(r *http.Request) (*http.Response, error)) {
	s.s.set(func() {
		s.s.hook = func(r *http.Request) (*http.Response, error) {
			if r.URL.Path != syncproto.PathEvents {
				return nil, nil
			}
			return give(r)
		}
	})
}

func (s *stage) says(text string) {
	s.s.office("job", s.job, s.job, map[string]any{"asked_work": text})
}

// TestStreamOpensAgain: a stream that ended is opened again by itself; what was
// missed meanwhile comes with it, and pokes arrive again.
func TestStreamOpensAgain(t *testing.T) {
	onStage(t, func(s *stage) {
		for i, text := range []string{"第一次断线", "第二次断线"} {
			s.works()
			opened := s.count(syncproto.PathEvents)
			s.says(text) // its poke is lost
			s.breaks()
			s.pass(clientsdk.DefaultBackoffMin)
			if n := s.count(syncproto.PathEvents) - opened; n != 1 {
				t.Errorf("break %d: %d streams opened", i, n)
			}
			if got := s.asked(); got != text {
				t.Errorf("break %d: the phone shows %q", i, got)
			}
			s.says("又好了")
			s.pokes()
			s.pass(time.Second)
			if got := s.asked(); got != "又好了" {
				t.Errorf("break %d: after a poke the phone shows %q", i, got)
			}
		}
	})
}

// TestStreamRenewsItsToken: a stream ends with its token; the next one is opened
// with another, and nobody needs a code.
func TestStreamRenewsItsToken(t *testing.T) {
	onStage(t, func(s *stage) {
		s.works()
		refusals, tokens := 2, s.count(syncproto.PathToken)
		s.streams(func(r *http.Request) (*http.Response, error) {
			if refusals > 0 {
				refusals--
				return refusal(401, "token-expired")()
			}
			return s.events(r)
		})
		s.breaks()
		s.pass(clientsdk.DefaultBackoffMin)
		if n := s.count(syncproto.PathToken) - tokens; n != 2 || refusals != 0 {
			t.Errorf("%d renewals, %d refusals left", n, refusals)
		}
		s.says("新")
		s.pokes()
		s.pass(time.Second)
		if st := s.status(s.c); s.asked() != "新" || st.Problem.Code != "" {
			t.Errorf("the phone shows %q, %+v", s.asked(), st.Problem)
		}
	})
}

// TestStreamThatIsRefused: a server that gives no streams is asked no more often
// than it wants; the poll goes on, and the stream comes back by itself.
func TestStreamThatIsRefused(t *testing.T) {
	onStage(t, func(s *stage) {
		calls := 0
		s.streams(func(*http.Request) (*http.Response, error) {
			calls++
			return refusal(503, "busy", "Retry-After", "600")()
		})
		s.breaks()
		s.says("靠轮询")
		s.pass(clientsdk.DefaultPoll + time.Second)
		if got := s.asked(); got != "靠轮询" {
			t.Errorf("without a stream the phone shows %q", got)
		}
		s.pass(2 * time.Hour)
		if calls < 5 || calls > 13 {
			t.Errorf("%d calls in two hours", calls)
		}
		s.intercept(nil)
		s.pass(20 * time.Minute)
		s.says("又有了")
		s.pokes()
		s.pass(time.Second)
		if got := s.asked(); got != "又有了" {
			t.Errorf("the phone shows %q", got)
		}
	})
}
