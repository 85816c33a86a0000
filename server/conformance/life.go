package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/google/uuid"

	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
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
		m("8", "P1", "401 and the refresh token refused: waits for a person with a timer, the log stays, recording goes on", l.signedOut),
		m("4", "P1", "403 device-revoked: the log stays, there is a timer", l.revokedPhone),
		m("4", "P8", "a push receipt by another key is not taken for an acknowledgement", l.forgedReceipt),
	}, l.feedChecks(m))
}

func (l *life) together(ctx context.Context) error {
	text := func(s string) map[string]any { return map[string]any{"text": s} }
	var got struct{ Rows []uuid.UUID }
	edits := []any{
		map[string]any{"table": "day_summary", "op": "insert", "cols": map[string]any{"day": text("2026-11-20"), "text": text("甲")}},
		map[string]any{"table": "day_summary", "op": "insert", "cols": map[string]any{"day": text("2026-11-21"), "text": text("乙")}}}
	if err := l.ask(ctx, "record", map[string]any{"edits": edits}, &got); err != nil {
		return err
	}
	if len(got.Rows) != 2 {
		return differs("two row ids", got.Rows)
	}
	up := []any{map[string]any{"table": "day_summary", "row": got.Rows[0], "op": "update", "cols": map[string]any{"text": text("丙")}}}
	if err := l.ask(ctx, "record", map[string]any{"edits": up}, nil); err != nil {
		return err
	}
	_, pushes, err := l.round(ctx)
	if err != nil {
		return err
	}
	var all []*changelog.Change
	for _, p := range pushes {
		for _, b := range p.Changes {
			ch, err := l.fake.codec.Decode(b)
			if err != nil {
				return err
			}
			all = append(all, ch)
		}
	}
	if len(all) != 3 || all[0].Last || !all[1].Last || all[1].Txn != all[0].Seq || all[2].Txn != all[2].Seq {
		return differs("a transaction of two and one of one", fmt.Sprintf("%d changes", len(all)))
	}
	if u := all[2]; u.Op != changelog.Update || !reflect.DeepEqual(u.Cols, map[string]any{"text": "丙"}) || u.Was["text"] != "甲" {
		return differs("an update of text with was 甲", fmt.Sprintf("%+v", u))
	}
	if all[0].HLC >= all[1].HLC || all[1].HLC >= all[2].HLC {
		return differs("a hybrid clock that rises", fmt.Sprint(all[0].HLC, all[1].HLC, all[2].HLC))
	}
	return nil
}

func (l *life) lostAnswer(ctx context.Context) error {
	if err := l.record(ctx, "一", "二"); err != nil {
		return err
	}
	l.lose(syncproto.PathPush)
	_, first, err := l.round(ctx)
	l.found()
	if err != nil {
		return err
	}
	if err := l.pending(ctx, 2); err != nil {
		return err
	}
	st, err := l.state(ctx)
	if err != nil {
		return err
	}
	if st.WaitMS <= 0 {
		return differs("a timer after the failure", st.WaitMS)
	}
	_, second, err := l.round(ctx)
	if err != nil {
		return err
	}
	if len(first) == 0 || len(second) == 0 || !reflect.DeepEqual(first[0].Changes, second[0].Changes) || first[0].From != second[0].From {
		return differs("the same changes from the same number", fmt.Sprintf("%d and %d pushes", len(first), len(second)))
	}
	return steps(func() error { return l.pending(ctx, 0) }, func() error { return l.serverHas(2) })
}

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

func (l *life) restart(ctx context.Context) error {
	if err := l.record(ctx, "一", "二"); err != nil {
		return err
	}
	l.lose(syncproto.PathPush)
	if err := l.sync(ctx); err != nil {
		return err
	}
	l.found()
	return steps(
		func() error { return l.ask(ctx, "close", nil, nil) }, func() error { return l.open(ctx) }, func() error { return l.pending(ctx, 2) }, func() error { return l.shown(ctx, "一", "二") },
		func() error { return l.sync(ctx) }, func() error { return l.serverHas(2) }, func() error { return l.pending(ctx, 0) })
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

func (l *life) gapped(ctx context.Context) error {
	if err := steps(func() error { return l.record(ctx, "一", "二", "三") }, func() error { return l.sync(ctx) }); err != nil {
		return err
	}
	var kept [][]byte
	l.fake.set(func() { // the server forgets the last two
		log := l.fake.logs[l.fake.last]
		kept = slices.Clone(log.changes)
		log.changes, log.heads = log.changes[:1], log.heads[:2]
		l.fake.rows = l.fake.rows[:1]
	})
	if err := steps(func() error { return l.record(ctx, "四") }, func() error { return l.sync(ctx) }, func() error { return l.serverHas(4) }); err != nil {
		return err
	}
	l.fake.mu.Lock()
	defer l.fake.mu.Unlock()
	for i, b := range kept {
		if !bytes.Equal(l.fake.logs[l.fake.last].changes[i], b) {
			return differs("the same bytes", fmt.Sprintf("change %d is another", i+1))
		}
	}
	return nil
}

func (l *life) newHistory(ctx context.Context) error {
	if err := steps(func() error { return l.record(ctx, "一", "二") }, func() error { return l.sync(ctx) }); err != nil {
		return err
	}
	l.fake.set(func() { // restored from a backup that has the first change alone
		l.fake.history = newID()
		log := l.fake.logs[l.fake.last]
		log.changes, log.heads = log.changes[:1], log.heads[:2]
		l.fake.rows, l.fake.rev = l.fake.rows[:1], l.fake.rev+1<<40
	})
	if err := l.record(ctx, "三"); err != nil {
		return err
	}
	if err := l.sync(ctx); err != nil {
		return err
	}
	st, err := l.state(ctx)
	if err != nil {
		return err
	}
	if st.History != l.fake.history.String() || st.Pending != 0 {
		return differs("the new history, nothing pending", fmt.Sprintf("%+v", st))
	}
	return steps(func() error { return l.serverHas(3) }, func() error { return l.shown(ctx, "一", "二", "三") })
}

func (l *life) forked(ctx context.Context) error {
	if err := steps(func() error { return l.record(ctx, "一", "二") }, func() error { return l.sync(ctx) }, func() error { return l.ask(ctx, "close", nil, nil) }); err != nil {
		return err
	}
	backup := l.here + "-backup"
	if err := os.CopyFS(backup, os.DirFS(l.here)); err != nil {
		return err
	}
	// The phone writes and sends a third; then its folder is put back.
	if err := steps(func() error { return l.open(ctx) }, func() error { return l.record(ctx, "三,后来丢了") }, func() error { return l.sync(ctx) }, func() error { return l.ask(ctx, "close", nil, nil) }); err != nil {
		return err
	}
	old := l.fake.last
	l.here = backup
	if err := steps(func() error { return l.open(ctx) }, func() error { return l.record(ctx, "另一个三", "四") }); err != nil {
		return err
	}
	_, pushes, err := l.round(ctx)
	if err != nil {
		return err
	}
	st, err := l.state(ctx)
	if err != nil {
		return err
	}
	if st.Epoch == old.String() || st.Pending != 0 {
		return differs("a new epoch, nothing pending", fmt.Sprintf("%+v", st))
	}
	var before, after []*changelog.Change
	for _, p := range pushes {
		for _, b := range p.Changes {
			ch, err := l.fake.codec.Decode(b)
			if err != nil {
				return err
			}
			if uuid.UUID(p.Epoch) == old {
				before = append(before, ch)
			} else {
				after = append(after, ch)
			}
		}
	}
	if len(after) < 2 || len(before) < 2 {
		return differs("a try in the old epoch, then two changes in the new", fmt.Sprintf("%d, %d", len(before), len(after)))
	}
	was, is := *before[len(before)-2], *after[len(after)-2]
	was.Seq, was.Txn, is.Seq, is.Txn = 0, 0, 0, 0
	if !reflect.DeepEqual(was, is) {
		return differs(fmt.Sprintf("%+v", was), fmt.Sprintf("%+v", is))
	}
	if after[0].Seq != 1 {
		return differs("numbers from 1 in the new epoch", after[0].Seq)
	}
	return nil
}

func (l *life) halved(ctx context.Context) error {
	texts := make([]string, 20)
	for i := range texts {
		texts[i] = fmt.Sprintf("第%02d条", i)
	}
	if err := l.record(ctx, texts...); err != nil {
		return err
	}
	l.fake.set(func() { l.fake.most = 6 })
	defer l.fake.set(func() { l.fake.most = 0 })
	return steps(func() error { return l.sync(ctx) }, func() error { return l.serverHas(20) }, func() error { return l.pending(ctx, 0) })
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

func (l *life) forgedReceipt(ctx context.Context) error {
	if err := l.record(ctx, "一"); err != nil {
		return err
	}
	_, stranger, err := ed25519.GenerateKey(nil)
	if err != nil {
		return err
	}
	l.once(syncproto.PathPush, func(w http.ResponseWriter) {
		head := changelog.Genesis(l.fake.device, newID())
		l.fake.cbor(w, syncproto.PushAnswer{Acked: 1, Head: head[:], Outcomes: []syncproto.Outcome{}, Hint: []byte{}, ServerTime: 1, HLC: 1,
			Receipt: sign(stranger, syncproto.LogReceipt{History: l.fake.history, Device: l.fake.device, Acked: 1, Head: hex.EncodeToString(head[:])})})
	})
	return steps(func() error { return l.sync(ctx) }, func() error { return l.pending(ctx, 1) }, func() error { return l.sync(ctx) }, func() error { return l.serverHas(1) })
}
