package clientsdk_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	clientsdk "siteledger/client-sdk"
	"siteledger/syncproto"
	"siteledger/syncproto/prototest"
)

// TestEveryCell plays every cell of the phone's state × event table. A cell of
// PROTOCOL.md without a case fails, and so does a case without a cell. Each
// ends in silence: nothing but time passes, and all work must arrive by itself.
func TestEveryCell(t *testing.T) {
	table := prototest.States(t, "../syncproto/PROTOCOL.md", "### The phone: state × event", "| event | idle |")
	prototest.Play(t, table, cellCases(), 40, func(t *testing.T, _ string, play func(*stage)) {
		t.Parallel()
		onStage(t, play)
	})
}

// stage is a phone that runs by itself in virtual time, with a job, a server
// and a stream of pokes.
type stage struct {
	*desk
	c    *clientsdk.Client
	job  uuid.UUID
	dir  string
	stop context.CancelFunc
	done chan error

	mu    sync.Mutex
	poke  io.Writer // of the open event stream
	notes []string  // recorded
	photo string
}

// onStage plays one case and then waits for the end of all work.
func onStage(t *testing.T, play func(s *stage)) {
	dir := emptyDir(t)
	synctest.Test(t, func(t *testing.T) {
		s := &stage{desk: &desk{t: t}, dir: dir}
		s.s = newFakeServer(t, time.Now)
		s.job = newID(t)
		s.s.office("centre", s.s.centre, s.s.centre, map[string]any{"name": "城东", "phone": "1"})
		s.s.office("job", s.job, s.job, map[string]any{"kind": "aftersale", "intake_at": int64(1), "asked_work": "x", "warranty": "in", "status": "dispatched"})
		s.intercept(nil)
		s.start()
		s.enrol(s.c)
		s.pass(10 * time.Second) // the stream of pokes is open
		play(s)
		if !t.Failed() {
			s.settles()
		}
		s.end()
	})
}

func (s *stage) start() {
	s.t.Helper()
	c, err := clientsdk.Open(clientsdk.Config{Dir: s.dir, Server: "http://server.test", HTTP: &http.Client{Transport: s.s}, FreeBytes: func(string) (int64, error) { return 1 << 40, nil }})
	if err != nil {
		s.t.Fatal(err)
	}
	var ctx context.Context
	ctx, s.stop = context.WithCancel(context.Background())
	s.c, s.done = c, make(chan error, 1)
	go func() { s.done <- c.Run(ctx) }()
	synctest.Wait()
}

// end stops the phone as a system does with an app: what runs is cut.
func (s *stage) end() {
	s.t.Helper()
	s.stop()
	if err := <-s.done; !errors.Is(err, context.Canceled) {
		s.t.Errorf("run ended with %v", err)
	}
	if err := s.c.Close(); err != nil {
		s.t.Error(err)
	}
}

func (s *stage) restart() {
	s.t.Helper()
	s.end()
	s.start()
}

// hook sees a request before the server does; a response or error is the answer.
type hook func(r *http.Request) (*http.Response, error)

// intercept puts a hook before the server; the event stream stays ours.
func (s *stage) intercept(h hook) {
	s.s.set(func() {
		s.s.hook = func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == syncproto.PathEvents {
				return s.events(r)
			}
			if h == nil {
				return nil, nil
			}
			return h(r)
		}
	})
}

func (s *stage) events(r *http.Request) (*http.Response, error) {
	read, write := io.Pipe()
	s.mu.Lock()
	s.poke = write
	s.mu.Unlock()
	context.AfterFunc(r.Context(), func() { _ = write.CloseWithError(r.Context().Err()) })
	return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"text/event-stream"}}, Body: read, Request: r}, nil
}

// pokes sends a poke down the open stream.
func (s *stage) pokes() {
	s.t.Helper()
	s.mu.Lock()
	w := s.poke
	s.mu.Unlock()
	if w == nil {
		s.t.Error("no stream is open")
		return
	}
	if _, err := io.WriteString(w, "event: poke\ndata: {}\n\n"); err != nil {
		s.t.Error(err)
	}
}

// in says whether a request belongs to a state of the table.
func in(state string, r *http.Request) bool {
	switch state {
	case "pushing":
		return r.URL.Path == syncproto.PathPush
	case "pulling":
		return r.URL.Path == syncproto.PathPull
	case "uploading":
		return r.URL.Path == syncproto.PathBlobPlan
	}
	return false
}

// once does something in the midst of the first request of a state.
func (s *stage) once(state string, h hook) {
	done := false
	s.intercept(func(r *http.Request) (*http.Response, error) {
		if done || !in(state, r) {
			return nil, nil
		}
		done = true
		return h(r)
	})
}

// tell records a note; work also a photo, so that all three kinds of request
// are due.
func (s *stage) tell(text string) {
	s.t.Helper()
	s.desk.note(s.c, s.job, text)
	s.notes = append(s.notes, text)
}

func (s *stage) work() {
	s.t.Helper()
	s.tell("一")
	s.photo = s.desk.photo(s.c, s.job, "one")
	synctest.Wait()
}

// pass lets time go by.
func (s *stage) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (s *stage) count(path string) int {
	n := 0
	for _, m := range []string{"POST ", "GET "} {
		n += s.s.count(m + path)
	}
	return n
}

func (s *stage) well() bool {
	s.t.Helper()
	st := s.status(s.c)
	return st.Pending == 0 && st.Problem.Code == "" && s.serverNotes() == strings.Join(s.notes, " ") && (s.photo == "" || s.uploads(s.c)[s.photo].State == clientsdk.Verified)
}

// settles waits in silence until all work has arrived.
func (s *stage) settles() {
	s.t.Helper()
	for end := time.Now().Add(4 * time.Hour); !s.well() && time.Now().Before(end); {
		s.pass(30 * time.Second)
	}
	if !s.well() {
		s.t.Errorf("after hours: status %+v, the server has %q of %q", s.status(s.c), s.serverNotes(), s.notes)
	}
}

// timer wants that the phone waits by a timer, from least to most.
func (s *stage) timer(least, most time.Duration) {
	s.t.Helper()
	st := s.status(s.c)
	if wait := time.Until(st.NextTry); st.NextTry.IsZero() || wait < least || wait > most {
		s.t.Errorf("waits %s, want %s to %s (%+v)", wait, least, most, st.Problem)
	}
}

// blocked brings the phone into the state in which a person must bring a code.
func (s *stage) blocked() {
	s.t.Helper()
	s.s.set(func() { clear(s.s.access) })
	s.intercept(func(r *http.Request) (*http.Response, error) {
		if r.URL.Path == syncproto.PathToken {
			return answer(401, syncproto.TypeProblem, `{"code":"token-invalid"}`), nil
		}
		return nil, nil
	})
	s.tell("一")
	synctest.Wait()
	if st := s.status(s.c); st.Problem.Code != clientsdk.CodeSignIn || st.NextTry.IsZero() {
		s.t.Fatalf("not blocked: %+v", st)
	}
}

// blockedBy is a blocked phone whose next try gets some answer.
func blockedBy(give func() (*http.Response, error)) func(*stage) {
	return func(s *stage) {
		s.blocked()
		s.intercept(func(r *http.Request) (*http.Response, error) { return give() })
		s.pass(90 * time.Minute)
		st := s.status(s.c)
		if st.Problem.Code == "" || st.Pending != 1 || !st.NextTry.After(time.Now()) {
			s.t.Errorf("it does not stay blocked with a timer: %+v", st)
		}
		s.intercept(nil)
	}
}

// waiting brings the phone into back-off; retryAfter "" for none.
func (s *stage) waiting(retryAfter string) {
	s.t.Helper()
	s.once("pushing", func(*http.Request) (*http.Response, error) {
		if retryAfter != "" {
			return answer(503, syncproto.TypeProblem, `{"code":"busy"}`, "Retry-After", retryAfter), nil
		}
		return nil, errCut
	})
	s.tell("一")
	synctest.Wait()
	if st := s.status(s.c); st.Problem.Code == "" || st.Pending != 1 || !st.NextTry.After(time.Now()) {
		s.t.Fatalf("not waiting: %+v", st)
	}
}
