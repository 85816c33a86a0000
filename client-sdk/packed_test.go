package clientsdk_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"siteledger/syncproto"
)

// pushes counts the pushes of a folder's phone by their form.
type pushes struct{ packed, plain int }

// counted counts pushes on their way, and answers those in the packed form by
// what refuse gives, as long as it gives anything.
func (d *desk) counted(refuse func() (*http.Response, error)) *pushes {
	n := &pushes{}
	d.s.set(func() {
		d.s.hook = func(r *http.Request) (*http.Response, error) {
			switch {
			case r.URL.Path != syncproto.PathPush:
			case strings.HasPrefix(r.Header.Get("Content-Type"), syncproto.TypePacked):
				if n.packed++; refuse != nil {
					return refuse()
				}
			default:
				n.plain++
			}
			return nil, nil
		}
	})
	return n
}

func (n *pushes) want(t *testing.T, when string, packed, plain int) {
	t.Helper()
	if *n != (pushes{packed, plain}) {
		t.Errorf("%s: %d packed and %d plain pushes, want %d and %d", when, n.packed, n.plain, packed, plain)
	}
	*n = pushes{}
}

// A server that says so gets packed pushes; an old build gets none, and one
// that was put back to an old build gets a plain one at once, in the same
// round. What the server has is the same each time.
func TestPackedPushesAreForThoseWhoReadThem(t *testing.T) {
	d := newDesk(t)
	d.s.set(func() { d.s.plain = true })
	c, dir, job := d.enrolled()
	n := d.counted(nil)
	round := func(when, text string, packed, plain int) {
		t.Helper()
		d.note(c, job, text)
		d.sync(c)
		n.want(t, when, packed, plain)
	}
	round("an old build", "一", 0, 1)
	d.s.set(func() { d.s.plain = false })
	round("the first push after its upgrade", "二", 0, 1)
	round("after its upgrade", "三", 1, 0)
	d.s.set(func() { d.s.plain = true })
	round("put back to the old build", "四", 1, 1)
	round("the old build again", "五", 0, 1)
	d.s.set(func() { d.s.plain = false })
	d.sync(c) // any answer says it
	round("forward again", "六", 1, 0)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	c = d.phone(dir)
	round("the first push of a process whose token still holds", "七", 0, 1)
	round("the second", "八", 1, 0)
	if got := d.serverNotes(); len(strings.Fields(got)) != 8 || d.texts(c) != got {
		t.Errorf("the server has %q, the phone shows %q", got, d.texts(c))
	}
	if err := c.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// Whatever stands in the way of packed pushes alone, a server's fault or a
// proxy, the log is not stuck: the next push is a plain one.
func TestAFaultOfTheFormDoesNotHoldTheLog(t *testing.T) {
	says := []string{syncproto.HeaderAcceptPush, "x/y, " + syncproto.TypePacked}
	problem := func(status int, code syncproto.Code) func() (*http.Response, error) {
		return func() (*http.Response, error) {
			return answer(status, syncproto.TypeProblem, `{"code":"`+string(code)+`"}`, says...), nil
		}
	}
	for name, tc := range map[string]struct {
		refuse func() (*http.Response, error)
		atOnce bool // in the same round
		again  bool // the next push is packed again
	}{
		"its type is unknown":      {problem(415, syncproto.TypeUnsupported), true, false},
		"it cannot be unpacked":    {problem(422, syncproto.EnvelopeInvalid), true, false},
		"it cannot be read":        {problem(400, syncproto.BodyInvalid), true, false},
		"it unpacks to other":      {problem(422, syncproto.ChainBroken), false, false},
		"the server fails":         {problem(500, syncproto.Internal), false, false},
		"a proxy fails":            {func() (*http.Response, error) { return answer(502, "text/html", "", says...), nil }, false, false},
		"a proxy forbids the type": {func() (*http.Response, error) { return answer(403, "text/html", "<html>", says...), nil }, false, false},
		"the server is busy":       {problem(503, syncproto.Busy), false, true},
		"the connection is cut":    {func() (*http.Response, error) { return nil, io.ErrUnexpectedEOF }, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			c, _, job := d.enrolled()
			refuse := tc.refuse
			n := d.counted(func() (*http.Response, error) {
				if refuse == nil {
					return nil, nil
				}
				return refuse()
			})
			d.note(c, job, "一")
			_, err := c.Sync(t.Context())
			if tc.atOnce {
				if n.want(t, "the first round", 1, 1); err != nil {
					t.Errorf("the round failed: %v", err)
				}
			} else {
				if n.want(t, "the first round", 1, 0); err == nil || d.status(c).Pending != 1 {
					t.Errorf("the first round: %v", err)
				}
				if tc.again {
					refuse = nil
					d.sync(c)
					n.want(t, "the second round", 1, 0)
				} else {
					d.sync(c)
					n.want(t, "the second round", 0, 1)
				}
			}
			refuse = nil
			d.note(c, job, "二")
			d.sync(c)
			n.want(t, "when a push went well", 1, 0)
			if got := d.serverNotes(); len(strings.Fields(got)) != 2 {
				t.Errorf("the server has %q", got)
			}
		})
	}
}

// The answer to a packed push is lost: the same changes go again and count
// once, in either form.
func TestPackedPushWhoseAnswerIsLost(t *testing.T) {
	for _, again := range []bool{true, false} {
		d := newDesk(t)
		c, _, job := d.enrolled()
		d.note(c, job, "一")
		d.loseOnce(syncproto.PathPush)
		if _, err := c.Sync(t.Context()); err == nil {
			t.Fatal("no error")
		}
		d.s.set(func() { d.s.plain = !again })
		d.note(c, job, "二")
		d.sync(c)
		d.s.mu.Lock()
		log := d.s.logs[d.s.last]
		d.s.mu.Unlock()
		if st := d.status(c); st.Pending != 0 || d.serverNotes() == "" || len(log.changes) != 2 {
			t.Errorf("pending %d, the server has %d changes: %q", st.Pending, len(log.changes), d.serverNotes())
		}
		d.sync(c)
	}
}
