package clientsdk_test

import (
	"fmt"
	"maps"
	"net/http"
	"testing/synctest"
	"time"

	clientsdk "siteledger/client-sdk"
	"siteledger/syncproto"
)

type cellRow = map[string]func(*stage)

// refusal is an answer with a code.
func refusal(status int, code string, headers ...string) func() (*http.Response, error) {
	return func() (*http.Response, error) {
		return answer(status, syncproto.TypeProblem, fmt.Sprintf(`{"code":%q,"status":%d}`, code, status), headers...), nil
	}
}

// cellCases are all rows of the table.
func cellCases() map[string]cellRow {
	all := happenings()
	maps.Copy(all, answers())
	return all
}

// answers are the rows of the table that are answers of the server, or their
// lack.
func answers() map[string]cellRow {
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
	}
}
