package clientsdk_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	clientsdk "siteledger/client-sdk"
	"siteledger/syncproto"
)

type cellRow map[string]func(*stage)

// refusal is an answer with a code.
func refusal(status int, code string, headers ...string) func() (*http.Response, error) {
	return func() (*http.Response, error) {
		return answer(status, syncproto.TypeProblem, fmt.Sprintf(`{"code":%q,"status":%d}`, code, status), headers...), nil
	}
}

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
	}
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

func cellCases() map[string]cellRow {
	smaller := func(s *stage) {
		limits := map[string]bool{}
		s.intercept(func(r *http.Request) (*http.Response, error) {
			if in("pulling", r) {
				limits[r.URL.Query().Get("limit")] = true
				if len(limits) == 1 {
					return refusal(413, "batch-too-large")()
				}
			}
			return nil, nil
		})
		s.work()
		s.settles()
		if len(limits) < 2 {
			s.t.Errorf("asked with the limits %v", limits)
		}
	}
	halved := func(s *stage) {
		s.s.set(func() { s.s.maxBatch = 2 })
		s.intercept(func(*http.Request) (*http.Response, error) { return nil, errCut })
		for i := range 9 {
			s.tell(fmt.Sprint(i))
		}
		s.intercept(nil)
		s.c.Nudge()
		s.pass(time.Second)
		if !s.well() {
			s.t.Errorf("status %+v", s.status(s.c))
		}
	}
	blobLost := func(s *stage) {
		codes := []string{"blob-absent", "upload-incomplete", "blob-mismatch"}
		s.intercept(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path != syncproto.PathBlobCommit || len(codes) == 0 {
				return nil, nil
			}
			code := codes[0]
			codes = codes[1:]
			return refusal(syncproto.Status(syncproto.Code(code)), code)()
		})
		plans := s.count(syncproto.PathBlobPlan)
		s.work()
		s.settles()
		if n := s.count(syncproto.PathBlobPlan) - plans; n < 3 {
			s.t.Errorf("%d plans", n)
		}
	}
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
		"good answer": {
			"pushing": func(s *stage) { s.order(syncproto.PathPush, syncproto.PathPull) },
			"pulling": func(s *stage) {
				s.s.set(func() { s.s.pageRows, s.s.spoil = 1, true })
				s.tell("一")
				s.tell("二")
				s.settles()
				if n := s.count(syncproto.PathRepair); n != 1 {
					s.t.Errorf("%d repairs", n)
				}
			},
			"uploading": func(s *stage) {
				s.work()
				if !s.well() {
					s.t.Errorf("status %+v", s.status(s.c))
				}
			},
		},
		"lost answer, no network": {
			"pushing": lost("pushing"), "pulling": lost("pulling"), "uploading": lost("uploading"),
			"blocked": blockedBy(func() (*http.Response, error) { return nil, errCut }),
		},
		"foreign answer": {
			"pushing":   fails("pushing", func() (*http.Response, error) { return page(), nil }, waits),
			"pulling":   fails("pulling", func() (*http.Response, error) { return page(), nil }, waits),
			"uploading": fails("uploading", func() (*http.Response, error) { return page(), nil }, waits),
			"blocked":   blockedBy(func() (*http.Response, error) { return page(), nil }),
		},
		"401": {
			"pushing": expired("pushing"), "pulling": expired("pulling"), "uploading": expired("uploading"),
			"blocked": blockedBy(refusal(401, "token-invalid")),
		},
		"403 `device-revoked`": {
			"pushing": fails("pushing", refusal(403, "device-revoked"), func(s *stage) {
				if st := s.status(s.c); st.Problem.Code != clientsdk.CodeRevoked || st.Pending == 0 {
					s.t.Errorf("status %+v", st)
				}
				s.timer(30*time.Minute, 2*time.Hour)
			}),
			"blocked": blockedBy(refusal(403, "device-revoked")),
		},
		"409 `log-gap`": {"pushing": func(s *stage) {
			s.tell("一")
			s.tell("二")
			synctest.Wait()
			id, _ := s.c.Identity()
			s.s.set(func() { // the server has lost the second
				l := s.s.logs[id.Epoch]
				l.changes, l.hashes = l.changes[:1], l.hashes[:2]
				for k, r := range s.s.rows {
					if r.table == "note" && r.cols["text"] == "二" {
						delete(s.s.rows, k)
					}
				}
			})
			s.tell("三")
			synctest.Wait()
			if !s.well() {
				s.t.Errorf("not sent again at once: %q", s.serverNotes())
			}
		}},
		"409 `log-forked`": {"pushing": func(s *stage) {
			s.tell("一")
			synctest.Wait()
			before, _ := s.c.Identity()
			s.s.set(func() { // another phone with this identity wrote on
				l := s.s.logs[before.Epoch]
				l.changes = append(l.changes, []byte{1})
				l.hashes = append(l.hashes, [32]byte{9})
			})
			s.tell("二")
			synctest.Wait()
			after, _ := s.c.Identity()
			if after.Epoch == before.Epoch || !s.well() {
				s.t.Errorf("epoch %s, then %s; the server has %q", before.Epoch, after.Epoch, s.serverNotes())
			}
		}},
		"409 `history-changed`": {"pushing": changedHistory("pushing"), "pulling": changedHistory("pulling"), "uploading": changedHistory("uploading")},
		"409 `blob-absent`, `upload-incomplete`; 422 `blob-mismatch`": {"uploading": blobLost},
		"400 `cursor-invalid`": {"pulling": fails("pulling", refusal(400, "cursor-invalid"), nil)},
		"413": {
			"pushing": halved, "pulling": smaller,
			"uploading": func(s *stage) {
				fails("uploading", refusal(413, "blob-too-large"), nil)(s)
				s.othersGoOn()
			},
		},
		"429, 503, 5xx": {
			"pushing":   fails("pushing", refusal(503, "busy", "Retry-After", "900"), func(s *stage) { s.timer(14*time.Minute, 16*time.Minute) }),
			"pulling":   fails("pulling", refusal(429, "busy", "Retry-After", "900"), func(s *stage) { s.timer(14*time.Minute, 16*time.Minute) }),
			"uploading": fails("uploading", refusal(500, "internal"), waits),
			"blocked":   blockedBy(refusal(503, "busy", "Retry-After", "60")),
		},
		"other 4xx": {
			"pushing": fails("pushing", refusal(422, "chain-broken"), func(s *stage) {
				if st := s.status(s.c); st.Problem.Code == "" || st.Pending == 0 {
					s.t.Errorf("not shown, or dropped: %+v", st)
				}
				waits(s)
			}),
			"pulling": fails("pulling", refusal(403, "forbidden"), waits),
			"uploading": func(s *stage) {
				fails("uploading", refusal(422, "blob-type"), nil)(s)
				s.othersGoOn()
			},
			"blocked": blockedBy(refusal(403, "forbidden")),
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
