package main

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"

	"siteledger/syncproto"
)

// life is a phone with a server that the kit plays for it.
type life struct {
	*phone
	fake   *play
	dir    string
	scenes int
	here   string // folder of the present scene's phone
}

func newLife(p *phone, dir string) (*life, error) {
	fake, err := newPlay()
	return &life{phone: p, fake: fake, dir: dir}, err
}

// state is where the phone says it stands.
type state struct {
	Pending, Held  int
	WaitMS         int64 `json:"wait_ms"`
	Epoch, History string
	Enrolled       bool
}

func (l *life) state(ctx context.Context) (st state, err error) {
	err = l.ask(ctx, "state", nil, &st)
	return st, err
}

// fresh begins a scene: a new phone, enrolled with a new server, and in step.
func (l *life) fresh(ctx context.Context) error {
	l.scenes++
	l.here = filepath.Join(l.dir, fmt.Sprint(l.scenes))
	l.fake.reset()
	if err := l.open(ctx); err != nil {
		return err
	}
	if err := l.ask(ctx, "enrol", map[string]any{"code": "ABCD-1234"}, nil); err != nil {
		return err
	}
	return l.sync(ctx)
}

func (l *life) open(ctx context.Context) error {
	return l.ask(ctx, "open", map[string]any{"dir": l.here, "server": l.fake.http.URL}, nil)
}

// sync does a round and tells what was wrong in its requests.
func (l *life) sync(ctx context.Context) error {
	_, _, err := l.round(ctx)
	return err
}

func (l *life) round(ctx context.Context) (calls []string, pushes []*syncproto.PushRequest, err error) {
	l.fake.take()
	if err := l.ask(ctx, "sync", nil, nil); err != nil {
		return nil, nil, err
	}
	calls, pushes, faults := l.fake.take()
	if len(faults) > 0 {
		err = differs("requests by the protocol", strings.Join(faults, "; "))
	}
	return calls, pushes, err
}

// record writes day summaries, one transaction each.
func (l *life) record(ctx context.Context, texts ...string) error {
	for _, text := range texts {
		edits := []any{map[string]any{"table": "day_summary", "op": "insert", "cols": map[string]any{"day": map[string]any{"text": "2026-11-20"}, "text": map[string]any{"text": text}}}}
		if err := l.ask(ctx, "record", map[string]any{"edits": edits}, nil); err != nil {
			return err
		}
	}
	return nil
}

// pending wants a number of changes that wait.
func (l *life) pending(ctx context.Context, n int) error {
	st, err := l.state(ctx)
	if err == nil && st.Pending != n {
		err = differs(fmt.Sprintf("%d changes that wait", n), st.Pending)
	}
	return err
}

// shown wants the texts on the screen, in any order.
func (l *life) shown(ctx context.Context, want ...string) error {
	var got struct {
		Rows []struct {
			Cols map[string]struct{ Text string }
		}
	}
	if err := l.ask(ctx, "rows", map[string]any{"table": "day_summary"}, &got); err != nil {
		return err
	}
	texts := []string{}
	for _, r := range got.Rows {
		texts = append(texts, r.Cols["text"].Text)
	}
	slices.Sort(texts)
	slices.Sort(want)
	if !slices.Equal(texts, want) {
		return differs(fmt.Sprint(want), fmt.Sprint(texts))
	}
	return nil
}

// once answers the next request to a path in another way.
func (l *life) once(path string, answer func(w http.ResponseWriter)) {
	done := false
	l.fake.set(func() {
		l.fake.script = func(w http.ResponseWriter, r *http.Request) bool {
			if done || r.URL.Path != path {
				return false
			}
			done = true
			answer(w)
			return true
		}
	})
}

// lose loses every answer of a path until found: HTTP clients may send a call
// again by themselves once.
func (l *life) lose(path string) {
	l.fake.set(func() { l.fake.after = func(r *http.Request) bool { return r.URL.Path == path } })
}

// found ends the loss.
func (l *life) found() {
	l.fake.set(func() { l.fake.after = nil })
}

// serverHas wants what the server's log of the present epoch holds.
func (l *life) serverHas(n int) error {
	l.fake.mu.Lock()
	defer l.fake.mu.Unlock()
	got := 0
	if log := l.fake.logs[l.fake.last]; log != nil {
		got = len(log.changes)
	}
	if got != n {
		return differs(fmt.Sprintf("%d changes on the server", n), got)
	}
	return nil
}

func steps(fns ...func() error) error {
	for _, fn := range fns {
		if err := fn(); err != nil {
			return err
		}
	}
	return nil
}

func (l *life) checks() []check {
	m := func(section, promise, name string, do func(context.Context) error) check {
		return check{section, promise, name, func(ctx context.Context) error {
			if err := l.fresh(ctx); err != nil {
				return err
			}
			err := do(ctx)
			if cerr := l.ask(ctx, "close", nil, nil); err == nil {
				err = cerr
			}
			return err
		}}
	}
	return slices.Concat([]check{
		m("4", "P1", "what was recorded is pushed: envelope, chain, signature, canonical changes with actor, salt and row ids", func(ctx context.Context) error {
			return steps(func() error { return l.record(ctx, "一", "二", "三") }, func() error { return l.pending(ctx, 3) }, func() error { return l.sync(ctx) },
				func() error { return l.pending(ctx, 0) }, func() error { return l.serverHas(3) }, func() error { return l.shown(ctx, "一", "二", "三") })
		}),
		m("3", "P3", "two edits in one transaction: txn and last say so, `was` is there in an update", l.together),
		m("4", "P2", "a lost answer: the same bytes again, and nothing doubled", l.lostAnswer),
		m("8", "", "a lost answer to the enrolment: the same code with the same key", l.lostEnrolment),
		m("8", "P1", "closed and opened again: the same changes, byte for byte", l.restart),
		m("4", "P1", "503 with Retry-After: waits at least that long, drops nothing, sends later", func(ctx context.Context) error { return l.busy(ctx, 503) }),
		m("4", "P1", "429 with Retry-After: the same", func(ctx context.Context) error { return l.busy(ctx, 429) }),
		m("8", "P1", "a page of a Wi-Fi instead of an answer is not believed; there is a timer", l.portal),
		m("4", "P11", "log-gap: sends from acked + 1, byte for byte", l.gapped),
		m("4", "P11", "history-changed: takes the history, sends what the server lacks, pulls without a cursor", l.newHistory),
		m("4", "P11", "log-forked: a new epoch, the rest recorded again with new numbers, all else unchanged", l.forked),
		m("4", "P3", "413: halves the batch at a transaction's end until it fits", l.halved),
		m("8", "", "401: renews the token once and repeats", l.renewed),
		m("8", "P1", "401 twice for one push, then for a while: renews again, then waits by its timer; only a refused refresh token needs a person", l.refusedOften),
		m("8", "P1", "401 and the refresh token refused: waits for a person with a timer, the log stays, recording goes on", l.signedOut),
		m("4", "P1", "403 device-revoked: the log stays, there is a timer", l.revokedPhone),
		m("4", "P11", "an old answer to another batch is not taken for an acknowledgement", l.oldAnswer),
		m("4", "P8", "a push receipt by another key is not taken for an acknowledgement", l.forgedReceipt),
	}, l.decideChecks(m), l.feedChecks(m))
}
