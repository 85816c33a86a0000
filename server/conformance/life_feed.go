package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"

	"siteledger/syncproto"
)

// feedChecks are the scenes of pull, repair and photos.
func (l *life) feedChecks(m func(section, promise, name string, do func(context.Context) error) check) []check {
	return []check{
		m("6", "P6", "a pull of several pages becomes visible as a whole, with cursors as they were given", l.staged),
		m("6", "", "cursor-invalid: pulls without a cursor; unsent work stays", l.cursorRefused),
		m("6", "P6", "checksums that differ after a whole pull: repair, once", l.repaired),
		m("7", "P12", "a photo: plan, put with exactly the planned headers and no token, commit; not sent again", l.photoSent),
		m("7", "P12", "a lost commit answer: the photo counts as waiting until its receipt is there", l.photoReceipt),
	}
}

func (l *life) days(n int) (texts []string) {
	for i := range n {
		text := fmt.Sprintf("来自服务器 %d", i)
		l.fake.office("day_summary", newID(), l.fake.person, map[string]any{"day": "2026-11-19", "text": text, "plan": nil})
		texts = append(texts, text)
	}
	return texts
}

func (l *life) staged(ctx context.Context) error {
	texts := l.days(10)
	pulls := 0
	l.fake.set(func() {
		l.fake.pageMax = 4
		l.fake.script = func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == syncproto.PathPull {
				if pulls++; pulls == 2 { // no cut: clients repeat a GET by themselves
					l.fake.problem(w, syncproto.Problem{Code: syncproto.Busy})
					return true
				}
			}
			return false
		}
	})
	return steps(func() error { return l.sync(ctx) }, func() error { return l.shown(ctx) }, func() error { return l.sync(ctx) }, func() error { return l.shown(ctx, texts...) },
		func() error {
			if pulls != 4 { // the first, the refused one, again from its cursor, the last
				return differs("four calls: the refused page again from the same cursor", pulls)
			}
			return nil
		})
}

func (l *life) cursorRefused(ctx context.Context) error {
	texts := l.days(2)
	if err := l.sync(ctx); err != nil {
		return err
	}
	l.once(syncproto.PathPull, func(w http.ResponseWriter) { l.fake.problem(w, syncproto.Problem{Code: syncproto.CursorInvalid}) })
	return steps(func() error { return l.record(ctx, "我的") }, func() error { return l.sync(ctx) }, func() error { return l.sync(ctx) },
		func() error { return l.shown(ctx, append(texts, "我的")...) }, func() error { return l.serverHas(1) })
}

func (l *life) repaired(ctx context.Context) error {
	texts := l.days(3)
	l.fake.set(func() { l.fake.spoiled = true })
	calls, _, err := l.round(ctx)
	if err != nil {
		return err
	}
	if n := strings.Count(strings.Join(calls, "\n"), syncproto.PathRepair); n != 1 {
		return differs("one repair", n)
	}
	return l.shown(ctx, texts...)
}

// attach stores a photo on the phone and names it in a row.
func (l *life) attach(ctx context.Context) (sha string, b []byte, err error) {
	if b, err = photo(); err != nil {
		return "", nil, err
	}
	job := newID()
	l.fake.office("job", job, job, map[string]any{"kind": "aftersale", "intake_at": int64(1), "asked_work": "门板色差", "warranty": "in", "status": "dispatched"})
	if err := l.sync(ctx); err != nil {
		return "", nil, err
	}
	var got struct{ SHA256 string }
	if err := l.ask(ctx, "attach", map[string]any{"body": hex.EncodeToString(b), "type": "image/jpeg", "purpose": syncproto.PurposePhoto}, &got); err != nil {
		return "", nil, err
	}
	if got.SHA256 != shaText(b) {
		return "", nil, differs(shaText(b), got.SHA256)
	}
	cell := func(kind string, v any) map[string]any { return map[string]any{kind: v} }
	edits := []any{map[string]any{"table": "photo", "op": "insert", "cols": map[string]any{
		"job": cell("bytes", hex.EncodeToString(job[:])), "role": cell("text", "before"), "original": cell("bytes", got.SHA256),
		"original_size": cell("int", fmt.Sprint(len(b))), "original_type": cell("text", "image/jpeg"), "taken_at": cell("int", "1795312800000")}}}
	return got.SHA256, b, l.ask(ctx, "record", map[string]any{"edits": edits}, nil)
}

func (l *life) hasPhoto(sha string, b []byte) error {
	l.fake.mu.Lock()
	defer l.fake.mu.Unlock()
	if !l.fake.stored[sha] || string(l.fake.blobs[sha]) != string(b) {
		return differs("the photo committed", l.fake.stored)
	}
	return nil
}

func (l *life) photoSent(ctx context.Context) error {
	sha, b, err := l.attach(ctx)
	if err != nil {
		return err
	}
	if err := steps(func() error { return l.sync(ctx) }, func() error { return l.hasPhoto(sha, b) }); err != nil {
		return err
	}
	calls, _, err := l.round(ctx)
	if err == nil && strings.Contains(strings.Join(calls, "\n"), "/store/") {
		err = differs("no second upload", strings.Join(calls, ", "))
	}
	return err
}

func (l *life) photoReceipt(ctx context.Context) error {
	sha, b, err := l.attach(ctx)
	if err != nil {
		return err
	}
	l.lose(syncproto.PathBlobCommit)
	if err := steps(func() error { return l.sync(ctx) }, func() error { return l.hasPhoto(sha, b) }); err != nil {
		return err
	}
	var again struct{ Uploads int }
	if err := l.ask(ctx, "state", nil, &again); err != nil {
		return err
	}
	l.found()
	if again.Uploads != 1 {
		return differs("the photo still waits for its receipt", again.Uploads)
	}
	return nil
}
