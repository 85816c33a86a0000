package main

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"

	"siteledger/syncproto"
)

func (l *life) lostEnrolment(ctx context.Context) error {
	if err := l.ask(ctx, "close", nil, nil); err != nil {
		return err
	}
	l.scenes++
	l.here = filepath.Join(l.dir, fmt.Sprint(l.scenes))
	l.fake.reset()
	if err := l.open(ctx); err != nil {
		return err
	}
	l.lose(syncproto.PathEnrol)
	if err := l.ask(ctx, "enrol", map[string]any{"code": "ABCD-1234"}, nil); err == nil {
		return differs("an enrolment that failed", "none")
	}
	l.found()
	if err := l.ask(ctx, "enrol", map[string]any{"code": "ABCD-1234"}, nil); err != nil {
		return err
	}
	if _, _, faults := l.fake.take(); len(faults) > 0 {
		return differs("the same key", strings.Join(faults, "; "))
	}
	return nil
}

func (l *life) busy(ctx context.Context, status int) error {
	if err := l.record(ctx, "一"); err != nil {
		return err
	}
	l.once(syncproto.PathPush, func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", syncproto.TypeProblem)
		w.Header().Set("Retry-After", "120")
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"type":"urn:siteledger:problem:busy","title":"busy","status":%d,"code":"busy"}`, status)
	})
	calls, _, err := l.round(ctx)
	if err != nil {
		return err
	}
	if n := strings.Count(strings.Join(calls, "\n"), syncproto.PathPush); n != 1 {
		return differs("one push", n)
	}
	st, err := l.state(ctx)
	if err != nil {
		return err
	}
	if st.WaitMS < 115_000 || st.Pending != 1 {
		return differs("a wait of 120 s with the change kept", fmt.Sprintf("%d ms, %d pending", st.WaitMS, st.Pending))
	}
	return steps(func() error { return l.sync(ctx) }, func() error { return l.serverHas(1) }, func() error { return l.pending(ctx, 0) })
}

func (l *life) portal(ctx context.Context) error {
	if err := l.record(ctx, "一"); err != nil {
		return err
	}
	for _, status := range []int{200, 302, 403, 404} {
		l.fake.set(func() {
			l.fake.script = func(w http.ResponseWriter, _ *http.Request) bool {
				w.Header().Set("Content-Type", "text/html")
				w.Header().Set("Location", "http://127.0.0.1:1/")
				w.WriteHeader(status)
				_, _ = w.Write([]byte("<html>Free Wi-Fi"))
				return true
			}
		})
		if err := l.sync(ctx); err != nil {
			return err
		}
		st, err := l.state(ctx)
		if err != nil {
			return err
		}
		if st.Pending != 1 || !st.Enrolled || st.WaitMS <= 0 || st.WaitMS > 3600_000 {
			return differs("the change kept, enrolled, a timer", fmt.Sprintf("after %d: %+v", status, st))
		}
	}
	l.fake.set(func() { l.fake.script = nil })
	return steps(func() error { return l.sync(ctx) }, func() error { return l.serverHas(1) })
}

func (l *life) renewed(ctx context.Context) error {
	if err := l.record(ctx, "一"); err != nil {
		return err
	}
	l.fake.set(func() { clear(l.fake.access) })
	calls, _, err := l.round(ctx)
	if err != nil {
		return err
	}
	if n := strings.Count(strings.Join(calls, "\n"), syncproto.PathToken); n != 1 {
		return differs("one renewal", n)
	}
	return l.pending(ctx, 0)
}

// refusedOften lets every token be too old twice in a row, and then for a while.
func (l *life) refusedOften(ctx context.Context) error {
	refuse := func(times int) {
		l.fake.set(func() {
			l.fake.script = func(w http.ResponseWriter, r *http.Request) bool {
				if times == 0 || r.URL.Path != syncproto.PathPush {
					return false
				}
				times--
				l.fake.problem(w, syncproto.Problem{Code: syncproto.TokenExpired})
				return true
			}
		})
	}
	if err := l.record(ctx, "一"); err != nil {
		return err
	}
	refuse(2)
	if err := steps(func() error { return l.sync(ctx) }, func() error { return l.serverHas(1) }, func() error { return l.pending(ctx, 0) }, func() error { return l.record(ctx, "二") }); err != nil {
		return err
	}
	refuse(1000)
	if err := l.sync(ctx); err != nil {
		return err
	}
	st, err := l.state(ctx)
	if err != nil {
		return err
	}
	if st.Pending != 1 || !st.Enrolled || st.WaitMS <= 0 || st.WaitMS > 900_000 {
		return differs("the change kept and a timer of minutes: nobody needs a code", fmt.Sprintf("%+v", st))
	}
	l.fake.set(func() { l.fake.script = nil })
	return steps(func() error { return l.sync(ctx) }, func() error { return l.serverHas(2) }, func() error { return l.pending(ctx, 0) })
}

func (l *life) signedOut(ctx context.Context) error {
	if err := l.record(ctx, "一"); err != nil {
		return err
	}
	l.fake.set(func() { clear(l.fake.access); clear(l.fake.refresh) })
	if err := l.sync(ctx); err != nil {
		return err
	}
	st, err := l.state(ctx)
	if err != nil {
		return err
	}
	if st.Pending != 1 || st.WaitMS <= 0 {
		return differs("the log kept and a timer", fmt.Sprintf("%+v", st))
	}
	return steps(func() error { return l.record(ctx, "二") }, func() error { return l.pending(ctx, 2) },
		func() error { return l.ask(ctx, "enrol", map[string]any{"code": "NEW-1234"}, nil) }, func() error { return l.sync(ctx) }, func() error { return l.serverHas(2) })
}

func (l *life) revokedPhone(ctx context.Context) error {
	if err := l.record(ctx, "一"); err != nil {
		return err
	}
	l.once(syncproto.PathPush, func(w http.ResponseWriter) { l.fake.problem(w, syncproto.Problem{Code: syncproto.DeviceRevoked}) })
	if err := l.sync(ctx); err != nil {
		return err
	}
	st, err := l.state(ctx)
	if err == nil && (st.Pending != 1 || st.WaitMS <= 0) {
		err = differs("the log kept and a timer", fmt.Sprintf("%+v", st))
	}
	return err
}
