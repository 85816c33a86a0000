package clientsdk_test

import (
	"net/http"
	"testing/synctest"
	"time"

	clientsdk "siteledger/client-sdk"
	"siteledger/syncproto"
)

// happenings are the rows of the table in which nobody answered: the technician,
// the office, time and the system.
func happenings() map[string]cellRow {
	return map[string]cellRow{
		"local edit": {
			"idle": func(s *stage) {
				s.tell("一")
				synctest.Wait()
				if !s.well() {
					s.t.Errorf("not sent at once: %q", s.serverNotes())
				}
			},
			"pushing": edited("pushing"), "pulling": edited("pulling"), "uploading": edited("uploading"),
			"waiting": func(s *stage) {
				s.waiting("600")
				pushes := s.count(syncproto.PathPush)
				s.tell("二")
				synctest.Wait()
				s.timer(9*time.Minute, 10*time.Minute)
				if n := s.count(syncproto.PathPush) - pushes; n != 0 {
					s.t.Errorf("%d pushes in the wait", n)
				}
			},
			"blocked": func(s *stage) {
				s.blocked()
				s.tell("二")
				synctest.Wait()
				if st := s.status(s.c); st.Pending != 2 || st.Problem.Code != clientsdk.CodeSignIn {
					s.t.Errorf("status %+v", st)
				}
				s.intercept(nil)
			},
		},
		"poke": {
			"idle": poked(""), "pushing": poked("pushing"), "pulling": poked("pulling"), "uploading": poked("uploading"),
			"waiting": func(s *stage) {
				s.waiting("600")
				s.pokes()
				synctest.Wait()
				s.timer(9*time.Minute, 10*time.Minute)
			},
		},
		"timer fires": {
			"idle": func(s *stage) {
				s.s.office("job", s.job, s.job, map[string]any{"asked_work": "新"})
				s.pass(clientsdk.DefaultPoll + time.Second)
				if got := s.asked(); got != "新" {
					s.t.Errorf("asked %q", got)
				}
			},
			"waiting": func(s *stage) {
				s.waiting("")
				s.timer(time.Millisecond, clientsdk.DefaultBackoffMin)
				s.pass(clientsdk.DefaultBackoffMin)
				if !s.well() {
					s.t.Errorf("status %+v", s.status(s.c))
				}
			},
			"blocked": func(s *stage) {
				s.blocked()
				s.intercept(nil)
				s.pass(61 * time.Minute)
				if !s.well() {
					s.t.Errorf("status %+v", s.status(s.c))
				}
			},
		},
		"network is back, or the button": {
			"idle": func(s *stage) {
				pulls := s.count(syncproto.PathPull)
				s.s.office("job", s.job, s.job, map[string]any{"asked_work": "新"})
				s.c.Nudge()
				synctest.Wait()
				if s.count(syncproto.PathPull) == pulls || s.asked() != "新" {
					s.t.Errorf("no round began; asked %q", s.asked())
				}
			},
			"waiting": func(s *stage) {
				s.waiting("")
				s.c.Nudge()
				synctest.Wait()
				if !s.well() {
					s.t.Errorf("status %+v", s.status(s.c))
				}
				s.waiting("600")
				s.notes = s.notes[:2]
				s.c.Nudge()
				synctest.Wait()
				s.timer(9*time.Minute, 10*time.Minute)
			},
			"blocked": func(s *stage) {
				s.blocked()
				s.intercept(nil)
				s.c.Nudge()
				synctest.Wait()
				if !s.well() {
					s.t.Errorf("status %+v", s.status(s.c))
				}
			},
		},
		"a new code is entered": {"blocked": func(s *stage) {
			s.blocked()
			s.intercept(nil)
			s.enrol(s.c)
			synctest.Wait()
			if !s.well() {
				s.t.Errorf("status %+v", s.status(s.c))
			}
		}},
		"process restart": {
			"idle": func(s *stage) {
				s.intercept(func(*http.Request) (*http.Response, error) { return nil, errCut })
				s.tell("一")
				s.end()
				s.intercept(nil)
				s.start()
				s.pass(clientsdk.DefaultBackoffMin)
				if !s.well() {
					s.t.Errorf("status %+v", s.status(s.c))
				}
			},
			"pushing": killedIn("pushing"), "pulling": killedIn("pulling"), "uploading": killedIn("uploading"),
			"waiting": func(s *stage) {
				s.waiting("600")
				s.restart()
				s.timer(9*time.Minute, 10*time.Minute)
			},
			"blocked": func(s *stage) {
				s.blocked()
				s.restart()
				if st := s.status(s.c); st.Problem.Code != clientsdk.CodeSignIn || st.Pending != 1 {
					s.t.Errorf("status %+v", st)
				}
				s.intercept(nil)
			},
		},
	}
}
