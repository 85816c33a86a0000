package clientsdk_test

import (
	"net/http"
	"sync"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	clientsdk "siteledger/client-sdk"
	"siteledger/syncproto"
)

// fails is a cell in which one request of a state gets an answer, once; then
// may look at the phone in its wait.
func fails(state string, give func() (*http.Response, error), then func(*stage)) func(*stage) {
	return func(s *stage) {
		s.once(state, func(*http.Request) (*http.Response, error) { return give() })
		s.work()
		if then != nil {
			then(s)
		}
	}
}

// waits wants a timer within the back-off, or for a photo its own.
func waits(s *stage) {
	s.t.Helper()
	if st := s.status(s.c); st.Problem.Code != "" {
		s.timer(time.Millisecond, clientsdk.DefaultBackoffMax)
	}
}

// edited records in the midst of a request.
func edited(state string) func(*stage) {
	return func(s *stage) {
		s.once(state, func(*http.Request) (*http.Response, error) {
			s.tell("二")
			return nil, nil
		})
		s.work()
		if !s.well() {
			s.pass(time.Minute)
		}
		if !s.well() {
			s.t.Errorf("what was recorded meanwhile waits: %+v, %q", s.status(s.c), s.serverNotes())
		}
	}
}

// poked gets a poke in the midst of a request: a change of the office comes
// without the poll.
func poked(state string) func(*stage) {
	return func(s *stage) {
		s.once(state, func(r *http.Request) (*http.Response, error) {
			s.pokes()
			return nil, nil
		})
		s.work()
		s.pass(time.Minute)
		if got := s.asked(); got != "x" {
			s.t.Fatalf("asked %q", got)
		}
		s.s.office("job", s.job, s.job, map[string]any{"asked_work": "新"})
		s.pokes()
		s.pass(time.Second)
		if got := s.asked(); got != "新" {
			s.t.Errorf("asked %q", got)
		}
	}
}

func (s *stage) asked() (text string) {
	s.t.Helper()
	if err := s.c.View(background(), func(v *clientsdk.View) error {
		row, _, err := v.Row("job", s.job)
		text = row.Text("asked_work")
		return err
	}); err != nil {
		s.t.Fatal(err)
	}
	return text
}

// killedIn ends the app in the midst of a request and starts it again.
func killedIn(state string) func(*stage) {
	return func(s *stage) {
		reached := make(chan struct{})
		var first sync.Once
		s.intercept(func(r *http.Request) (*http.Response, error) {
			if !in(state, r) {
				return nil, nil
			}
			hold := false
			first.Do(func() { hold = true })
			if hold {
				close(reached)
				<-r.Context().Done()
				return nil, r.Context().Err()
			}
			return nil, nil
		})
		s.tell("一")
		s.photo = s.desk.photo(s.c, s.job, "one")
		<-reached
		s.restart()
		s.pass(time.Second)
	}
}

// lost loses the answer, and in another run there is no network at all.
func lost(state string) func(*stage) {
	return func(s *stage) {
		gone := false
		s.s.set(func() {
			s.s.after = func(r *http.Request) error {
				if gone || !in(state, r) {
					return nil
				}
				gone = true
				return errCut
			}
		})
		s.work()
		waits(s)
		s.settles()
		s.once(state, func(*http.Request) (*http.Response, error) { return nil, errCut })
		s.tell("又")
		s.photo = s.desk.photo(s.c, s.job, "two")
		synctest.Wait()
	}
}

// expired is a cell in which the access token is refused: once, as often as the
// phone repeats at once, and for some minutes. A person is never asked for a code.
func expired(state string) func(*stage) {
	return func(s *stage) {
		before := s.count(syncproto.PathToken)
		s.once(state, func(*http.Request) (*http.Response, error) {
			s.s.set(func() { clear(s.s.access) })
			return nil, nil
		})
		s.work()
		if n := s.count(syncproto.PathToken) - before; n != 1 {
			s.t.Errorf("%d renewals", n)
		}
		if !s.well() {
			s.t.Errorf("it was not repeated at once: %+v", s.status(s.c))
		}
		s.refused(state, 3)
		s.tell("二")
		s.photo = s.desk.photo(s.c, s.job, "two")
		synctest.Wait()
		if !s.well() {
			s.t.Errorf("three tokens that were too old: %+v", s.status(s.c))
		}
		s.refused(state, 1000)
		s.tell("三")
		s.photo = s.desk.photo(s.c, s.job, "three")
		synctest.Wait()
		if st := s.status(s.c); st.Problem.Code != clientsdk.CodeRefused {
			s.t.Errorf("a server that takes no token for a while: %+v", st.Problem)
		}
		s.timer(time.Millisecond, clientsdk.DefaultBackoffMax)
		s.intercept(nil)
	}
}

// refused makes the server refuse the access token of the next requests of a
// state, although the refresh token is good.
func (s *stage) refused(state string, times int) {
	s.intercept(func(r *http.Request) (*http.Response, error) {
		if times == 0 || !in(state, r) {
			return nil, nil
		}
		times--
		return refusal(401, "token-expired")()
	})
}

// changedHistory restores the server while the phone is in a state.
func changedHistory(state string) func(*stage) {
	return func(s *stage) {
		s.tell("零")
		synctest.Wait()
		before, _ := s.c.Identity()
		s.once(state, func(*http.Request) (*http.Response, error) {
			s.s.restore(map[uuid.UUID]int{before.Epoch: 0})
			if state == "uploading" { // plans know no history: the next push or pull tells
				return nil, errCut
			}
			return nil, nil
		})
		s.work()
		s.settles()
		if after, _ := s.c.Identity(); after.History == before.History {
			s.t.Error("the history is the old one")
		}
	}
}

// order records a note and wants a request before another, both at once.
func (s *stage) order(first, second string) {
	s.t.Helper()
	var seen []string
	s.intercept(func(r *http.Request) (*http.Response, error) {
		if r.URL.Path == first || r.URL.Path == second {
			seen = append(seen, r.URL.Path)
		}
		return nil, nil
	})
	s.tell("一")
	synctest.Wait()
	if len(seen) < 2 || seen[0] != first || seen[len(seen)-1] != second {
		s.t.Errorf("requests %v", seen)
	}
}

// othersGoOn: a photo that the server refuses for good keeps no other back.
// The refused ones are tried again by hand.
func (s *stage) othersGoOn() {
	s.t.Helper()
	refused := s.photo
	s.photo = s.desk.photo(s.c, s.job, "another")
	for range 10 {
		s.pass(time.Minute)
	}
	if got := s.uploads(s.c)[s.photo].State; got != clientsdk.Verified {
		s.t.Errorf("another photo is %s", got)
	}
	for _, u := range s.status(s.c).Uploads {
		if u.State == clientsdk.Attention {
			if err := s.c.RetryUpload(background(), u.SHA256); err != nil {
				s.t.Error(err)
			}
		}
	}
	s.photo = refused
}
