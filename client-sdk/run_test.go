package clientsdk_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	clientsdk "siteledger/client-sdk"
	"siteledger/syncproto"
)

// running is a phone whose Run goes on in virtual time.
func running(t *testing.T, fn func(d *desk, c *clientsdk.Client, job uuid.UUID)) {
	dir := emptyDir(t)
	synctest.Test(t, func(t *testing.T) {
		d := &desk{t: t}
		d.s = newFakeServer(t, time.Now)
		job := newID(t)
		d.s.office("centre", d.s.centre, d.s.centre, map[string]any{"name": "城东", "phone": "1"})
		d.s.office("job", job, job, map[string]any{"kind": "aftersale", "intake_at": int64(1), "asked_work": "x", "warranty": "in", "status": "dispatched"})
		c, err := clientsdk.Open(clientsdk.Config{Dir: dir, Server: "http://server.test", HTTP: &http.Client{Transport: d.s},
			FreeBytes: func(string) (int64, error) { return 1 << 40, nil }})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- c.Run(ctx) }()
		synctest.Wait()
		d.enrol(c)
		synctest.Wait()
		if n := d.countRows(c, "job"); n != 1 {
			t.Fatalf("%d jobs after enrolment", n)
		}
		fn(d, c, job)
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("run ended with %v", err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestFailsOnceThenSilence: whatever fails once, in whichever request, is sent
// again by itself without anybody pressing a button.
func TestFailsOnceThenSilence(t *testing.T) {
	failures := map[string]func() (*http.Response, error){
		"cut":    func() (*http.Response, error) { return nil, errCut },
		"portal": func() (*http.Response, error) { return page(), nil },
		"busy":   func() (*http.Response, error) { return answer(503, "text/plain", "later"), nil },
		"retry-after": func() (*http.Response, error) {
			return answer(429, syncproto.TypeProblem, `{"code":"busy"}`, "Retry-After", "90"), nil
		},
		"token-expired": func() (*http.Response, error) {
			return answer(401, syncproto.TypeProblem, `{"code":"token-expired"}`), nil
		},
		"forbidden": func() (*http.Response, error) { return answer(403, syncproto.TypeProblem, `{"code":"forbidden"}`), nil },
		"revoked": func() (*http.Response, error) {
			return answer(403, syncproto.TypeProblem, `{"code":"device-revoked"}`), nil
		},
		"internal": func() (*http.Response, error) { return answer(500, syncproto.TypeProblem, `{"code":"internal"}`), nil },
		"refused": func() (*http.Response, error) {
			return answer(422, syncproto.TypeProblem, `{"code":"chain-broken"}`), nil
		},
		"half": func() (*http.Response, error) { return answer(200, syncproto.TypeCBOR, "\xa1\x01"), nil },
	}
	for _, path := range []string{syncproto.PathPush, syncproto.PathPull, syncproto.PathBlobPlan, syncproto.PathBlobCommit, "store"} {
		for name, fail := range failures {
			t.Run(fmt.Sprintf("%s %s", path, name), func(t *testing.T) {
				running(t, func(d *desk, c *clientsdk.Client, job uuid.UUID) {
					var failed atomic.Bool
					d.s.set(func() {
						d.s.hook = func(r *http.Request) (*http.Response, error) {
							if r.URL.Path != path && (path != "store" || r.URL.Host != "store.test") || failed.Swap(true) {
								return nil, nil
							}
							return fail()
						}
					})
					d.note(c, job, "一")
					sha := d.photo(c, job, "one")
					well := func() bool {
						st := d.status(c)
						return failed.Load() && st.Pending == 0 && st.Problem.Code == "" && d.serverNotes() == "一" && d.uploads(c)[sha].State == clientsdk.Verified
					}
					for end := time.Now().Add(4 * time.Hour); !well() && time.Now().Before(end); {
						time.Sleep(time.Minute)
						synctest.Wait()
					}
					if st := d.status(c); !well() {
						t.Errorf("failed %v; status %+v; server %q", failed.Load(), st, d.serverNotes())
					}
				})
			})
		}
	}
}

func TestTokenRefusedIsAskedAgain(t *testing.T) {
	running(t, func(d *desk, c *clientsdk.Client, job uuid.UUID) {
		d.s.set(func() { clear(d.s.access) })
		var refused atomic.Bool
		d.s.set(func() {
			d.s.hook = func(r *http.Request) (*http.Response, error) {
				if r.URL.Path != syncproto.PathToken || refused.Swap(true) {
					return nil, nil
				}
				// A server that was wrong for a moment.
				return answer(401, syncproto.TypeProblem, `{"code":"token-invalid"}`), nil
			}
		})
		d.note(c, job, "一")
		synctest.Wait()
		if st := d.status(c); st.Problem.Code != clientsdk.CodeSignIn {
			t.Fatalf("status %+v", st)
		}
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if got := d.serverNotes(); got != "一" {
			t.Errorf("the server has %q", got)
		}
	})
}

func TestLocalEditAndPokeStartARound(t *testing.T) {
	running(t, func(d *desk, c *clientsdk.Client, job uuid.UUID) {
		changes, stop := c.Watch()
		defer stop()
		start := time.Now()
		d.note(c, job, "一")
		synctest.Wait()
		if got := d.serverNotes(); got != "一" || time.Since(start) != 0 {
			t.Errorf("the server has %q after %s", got, time.Since(start))
		}
		select {
		case <-changes:
		default:
			t.Error("nobody was told")
		}
		d.s.office("job", job, job, map[string]any{"asked_work": "新"})
		time.Sleep(clientsdk.DefaultPoll + time.Second) // no poke came: the poll finds it
		synctest.Wait()
		if err := c.View(d.t.Context(), func(v *clientsdk.View) error {
			row, _, err := v.Row("job", job)
			if row.Text("asked_work") != "新" {
				t.Error("the poll did not bring it")
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	})
}

func TestOfflineDayIsQuiet(t *testing.T) {
	running(t, func(d *desk, c *clientsdk.Client, job uuid.UUID) {
		var tries atomic.Int64
		d.s.set(func() {
			d.s.hook = func(r *http.Request) (*http.Response, error) {
				if r.URL.Path == syncproto.PathPush {
					tries.Add(1)
				}
				return nil, errCut
			}
		})
		for range 24 {
			d.note(c, job, "x")
			time.Sleep(time.Hour)
		}
		if n := tries.Load(); n > 24*13*2 {
			t.Errorf("%d tries in a day", n)
		}
		d.s.set(func() { d.s.hook = nil })
		time.Sleep(clientsdk.DefaultBackoffMax)
		synctest.Wait()
		if st := d.status(c); st.Pending != 0 {
			t.Errorf("pending %d after the network is back for one wait", st.Pending)
		}
	})
}
