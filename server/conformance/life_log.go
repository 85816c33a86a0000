package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"reflect"
	"slices"

	"github.com/google/uuid"

	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
)

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

// oldAnswer: an answer that the server gave to another batch, of a log that went
// further, comes once more. Nothing was sent before it, so it proves nothing.
func (l *life) oldAnswer(ctx context.Context) error {
	if err := steps(func() error { return l.record(ctx, "〇") }, func() error { return l.sync(ctx) }, func() error { return l.record(ctx, "一") }); err != nil {
		return err
	}
	l.once(syncproto.PathPush, func(w http.ResponseWriter) {
		head, sent := changelog.Genesis(l.fake.device, newID()), changelog.Genesis(l.fake.device, newID())
		l.fake.cbor(w, syncproto.PushAnswer{Acked: 1 << 20, Head: head[:], Outcomes: []syncproto.Outcome{}, Hint: []byte{}, ServerTime: 1, HLC: 1, Sent: sent[:],
			Receipt: l.fake.jws(syncproto.LogReceipt{History: l.fake.history, Device: l.fake.device, Epoch: l.fake.last, Acked: 1 << 20, Head: hex.EncodeToString(head[:]), At: 1})})
	})
	return steps(func() error { return l.sync(ctx) }, func() error { return l.pending(ctx, 1) }, func() error { return l.sync(ctx) }, func() error { return l.serverHas(2) })
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
