package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
)

// decideChecks are the scenes of what a server does not simply take, and of
// what it asks.
func (l *life) decideChecks(m func(section, promise, name string, do func(context.Context) error) check) []check {
	return []check{
		m("4", "P4", "held: acknowledged, not sent again, shown as recorded; `decided` accept ends it", l.heldThenAccepted),
		m("4", "P4", "held, accepted and failed once more, all of it told twice: still shown and held; then refused: gone from the screen", l.heldTwice),
		m("4", "P5", "denied: acknowledged, gone from the screen, nothing waits behind it", l.denied),
		m("6", "", "instructions are acknowledged once each; one of an unknown kind as `unknown`", l.instructed),
	}
}

// judging makes the server say something of the change that holds a text.
func (l *life) judging(text string, code syncproto.OutcomeCode, reason syncproto.Reason) (kase uuid.UUID) {
	kase = newID()
	l.fake.set(func() {
		l.fake.judge = func(ch *changelog.Change) *syncproto.Outcome {
			if ch.Cols["text"] != text {
				return nil
			}
			o := &syncproto.Outcome{Code: code, Reason: reason}
			if code == syncproto.Held {
				o.Case = kase[:]
			}
			return o
		}
	})
	return kase
}

// decided tells the phone of a decision on its second change.
func (l *life) decided(kase uuid.UUID, verdict string, more int) (id uuid.UUID) {
	id = newID()
	l.fake.set(func() {
		args := map[string]any{"epoch": l.fake.last.String(), "seq": 2, "case": kase.String(), "verdict": verdict}
		if verdict == "held" {
			args["reason"] = string(syncproto.Transition)
		}
		l.fake.orders = append(l.fake.orders, order{id: id, kind: syncproto.KindDecided, args: args, more: more})
		if verdict == "accept" && more == 0 { // it takes effect at the place of the decision
			l.fake.fold(l.fake.logs[l.fake.last].changes[1])
		}
	})
	return id
}

// heldIs wants a number of changes that wait for a person.
func (l *life) heldIs(ctx context.Context, n int) error {
	st, err := l.state(ctx)
	if err == nil && (st.Held != n || st.Pending != 0) {
		err = differs(fmt.Sprintf("%d held, nothing pending", n), fmt.Sprintf("%d held, %d pending", st.Held, st.Pending))
	}
	return err
}

// rounds does several, so that acknowledgements are through.
func (l *life) rounds(ctx context.Context) error {
	return steps(func() error { return l.sync(ctx) }, func() error { return l.sync(ctx) }, func() error { return l.sync(ctx) })
}

// quiet wants a round without a push.
func (l *life) quiet(ctx context.Context) error {
	calls, _, err := l.round(ctx)
	if err == nil && strings.Contains(strings.Join(calls, "\n"), syncproto.PathPush) {
		err = differs("nothing to push", strings.Join(calls, ", "))
	}
	return err
}

// acked wants what the phone said to an instruction.
func (l *life) acked(id uuid.UUID, state string) error {
	l.fake.mu.Lock()
	defer l.fake.mu.Unlock()
	if got := l.fake.acks[id]; got == "" || state != "" && got != state {
		return differs("an acknowledgement "+state, got)
	}
	return nil
}

func (l *life) heldThenAccepted(ctx context.Context) error {
	kase := l.judging("等一等", syncproto.Held, syncproto.Rule)
	if err := steps(func() error { return l.record(ctx, "一", "等一等") }, func() error { return l.sync(ctx) }, func() error { return l.heldIs(ctx, 1) },
		func() error { return l.shown(ctx, "一", "等一等") }, func() error { return l.serverHas(2) }, func() error { return l.quiet(ctx) }); err != nil {
		return err
	}
	id := l.decided(kase, "accept", 0)
	return steps(func() error { return l.rounds(ctx) }, func() error { return l.heldIs(ctx, 0) }, func() error { return l.shown(ctx, "一", "等一等") }, func() error { return l.acked(id, "") })
}

func (l *life) heldTwice(ctx context.Context) error {
	kase := l.judging("等一等", syncproto.Held, syncproto.Transition)
	if err := steps(func() error { return l.record(ctx, "一", "等一等") }, func() error { return l.sync(ctx) }); err != nil {
		return err
	}
	again := newID()
	l.decided(kase, "accept", 1)
	l.decided(again, "held", 1)
	if err := steps(func() error { return l.rounds(ctx) }, func() error { return l.heldIs(ctx, 1) }, func() error { return l.shown(ctx, "一", "等一等") }); err != nil {
		return err
	}
	l.decided(again, "refuse", 1)
	return steps(func() error { return l.rounds(ctx) }, func() error { return l.heldIs(ctx, 0) }, func() error { return l.shown(ctx, "一") })
}

func (l *life) denied(ctx context.Context) error {
	l.judging("不行", syncproto.Denied, syncproto.NotWriter)
	return steps(func() error { return l.record(ctx, "不行", "二") }, func() error { return l.sync(ctx) }, func() error { return l.heldIs(ctx, 0) },
		func() error { return l.shown(ctx, "二") }, func() error { return l.serverHas(2) }, func() error { return l.quiet(ctx) })
}

func (l *life) instructed(ctx context.Context) error {
	odd, message := newID(), newID()
	l.fake.set(func() {
		l.fake.orders = []order{{id: odd, kind: "of-a-later-version", args: map[string]any{"x": 1}}, {id: message, kind: syncproto.KindMessage, args: map[string]any{"text": "请交回旧件"}}}
	})
	return steps(func() error { return l.rounds(ctx) }, func() error { return l.acked(odd, "unknown") }, func() error { return l.acked(message, "") }, func() error { return l.pending(ctx, 0) })
}
