package phone

import (
	"fmt"
	"time"

	clientsdk "siteledger/client-sdk"
)

const (
	// staleAfter without a successful sync makes the cloud red: the office then
	// knows nothing of a whole day's work.
	staleAfter = 24 * time.Hour
	// clockDoubt is how wrong the phone's clock may be before the bar says so.
	clockDoubt = 2 * time.Minute
	// storageLow and storageBad colour the storage chip, in bytes.
	storageLow = 2 << 30
	storageBad = 500 << 20
)

// strip is the line on top of every page: how far the work has come. It speaks
// of the last success, never of the last try, and of what only this phone has.
type strip struct {
	Tone     string // ok, wait, bad
	Icon     string
	Waiting  int
	Last     string // last success, in words; "" for never
	OnlyHere int
	Storage  string // free space; "" where there is enough or nobody knows
	StoreBad string // tone of the storage chip
	Clock    string // what the yellow bar says about a wrong clock
	Problem  string // what the red bar says
	SignIn   bool   // the sign-in ended: a new code is needed, the log waits
	Notices  int    // unread, and one for photos that no record names
	Trouble  int    // uploads that need a person
}

// strip reads the state of the sync. Before enrolment it is nil.
func (q *ask) strip() (*strip, error) {
	st, err := q.app.client.Status(q.r.Context())
	if err != nil {
		return nil, fmt.Errorf("status: %w", err)
	}
	if !st.Enrolled {
		return nil, nil
	}
	notices, err := q.app.client.Notices(q.r.Context())
	if err != nil {
		return nil, fmt.Errorf("notices: %w", err)
	}
	s := q.stripOf(st)
	for _, n := range notices {
		if !n.Seen {
			s.Notices++
		}
	}
	if st.Unattached > 0 {
		s.Notices++ // one card for all of them
	}
	return s, nil
}

func (q *ask) stripOf(st clientsdk.Status) *strip {
	s := &strip{Tone: "ok", Icon: "cloud-ok", Waiting: st.Pending, OnlyHere: st.OnlyHere}
	for _, u := range st.Uploads {
		switch u.State {
		case clientsdk.Queued, clientsdk.Uploading:
			s.Waiting++
		case clientsdk.Attention:
			s.Waiting++
			s.Trouble++
		}
	}
	if s.Waiting > 0 {
		s.Tone, s.Icon = "wait", "cloud-up"
	}
	if !st.LastSuccess.IsZero() {
		s.Last = q.when(st.LastSuccess.UnixMilli())
	}
	stale := st.LastSuccess.IsZero() || q.now().Sub(st.LastSuccess) > staleAfter
	if s.Trouble > 0 || (s.Waiting > 0 && stale && !st.LastSuccess.IsZero()) {
		s.Tone, s.Icon = "bad", "cloud-bad"
	}
	q.storage(s, st.FreeBytes)
	if off := st.ClockOffset; absDuration(off) >= clockDoubt {
		key := "clock.slow"
		if off < 0 {
			key = "clock.fast"
		}
		s.Clock = q.t(key, q.span(absDuration(off)))
	}
	// No network is the ordinary state of a basement: the strip says enough.
	switch st.Problem.Code {
	case "", clientsdk.CodeOffline, clientsdk.CodeBusy:
	default:
		s.Problem = st.Problem.ZH
		if q.lang == langEN {
			s.Problem = st.Problem.EN
		}
		s.Tone, s.Icon = "bad", "cloud-bad"
		s.SignIn = st.Problem.Code == clientsdk.CodeSignIn
	}
	return s
}

func (q *ask) storage(s *strip, free int64) {
	switch {
	case free < 0:
	case free < storageBad:
		s.Storage, s.StoreBad = q.size(free), "bad"
	case free < storageLow:
		s.Storage, s.StoreBad = q.size(free), "wait"
	}
}
