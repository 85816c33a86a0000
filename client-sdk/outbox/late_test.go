package outbox_test

import (
	"context"
	"database/sql"
	"testing"

	"github.com/google/uuid"

	"siteledger/client-sdk/outbox"
	"siteledger/syncproto"
)

// TestDecidedBeforeAcknowledged: the answer to a push was lost, and the office
// decided before the phone tried again. The outcomes that come then are old, and
// nothing waits for an instruction that was obeyed already.
func TestDecidedBeforeAcknowledged(t *testing.T) {
	kase, again := uuid.New(), uuid.New()
	for name, c := range map[string]struct {
		told []outbox.Again // of 1; then of 3
		say  []string
		want string
	}{
		"accepted":        {[]outbox.Again{{Case: kase}}, []string{"accept"}, "confirmed confirmed acked"},
		"refused":         {[]outbox.Again{{Case: kase}}, []string{outbox.VerdictRefuse}, "refused refused acked"},
		"behind, again":   {[]outbox.Again{{Case: kase}, {Case: again, Reason: "rule"}}, []string{"accept", outbox.VerdictHeld}, "confirmed confirmed held"},
		"behind, refused": {[]outbox.Again{{Case: kase}, {Case: again}}, []string{"accept", outbox.VerdictRefuse}, "confirmed confirmed refused"},
		"only asked":      {[]outbox.Again{{Case: kase}}, []string{outbox.VerdictAsk}, "held held held"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLog(t)
			job := uuid.New()
			l.record(job, job)
			l.record(job)
			b := l.next()
			for i, more := range c.told {
				l.do(func(ctx context.Context, tx *sql.Tx) error {
					_, err := l.o.Decided(ctx, tx, b.Epoch, uint64(1+2*i), c.say[i], more)
					return err
				})
			}
			if l.next() == nil {
				t.Fatal("what was not acknowledged is not sent again")
			}
			for range 2 { // the second time it is sent because the office asks for it
				l.do(func(ctx context.Context, tx *sql.Tx) error {
					_, err := l.o.Accept(ctx, tx, l.who, outbox.Stamp{}, b, &syncproto.PushAnswer{Acked: 3, Head: b.Head[:], ServerTime: 1, Outcomes: []syncproto.Outcome{
						{Seq: 1, Code: syncproto.Held, Reason: syncproto.Rule, Case: kase[:]}, {Seq: 2, Code: syncproto.Held, Reason: syncproto.Transaction, Case: kase[:]},
						{Seq: 3, Code: syncproto.Held, Reason: syncproto.Behind, Case: kase[:]},
					}})
					return err
				})
				if got := l.states(); got != c.want {
					t.Errorf("%s; want %s", got, c.want)
				}
			}
			l.do(func(ctx context.Context, tx *sql.Tx) error {
				var bare int
				err := tx.QueryRowContext(ctx, `SELECT count(*) FROM change WHERE acked_at IS NULL`).Scan(&bare)
				if err == nil && bare > 0 {
					t.Errorf("%d changes would never be pruned", bare)
				}
				return err
			})
		})
	}
}

// TestHeldInAnotherHistory: a change is held, the server is put back from a
// backup, and a copy of this phone sends the same log to it, where it is applied.
// This phone asks again for what it shows as held.
func TestHeldInAnotherHistory(t *testing.T) {
	l := newLog(t)
	kase := uuid.New()
	l.record(uuid.New())
	l.record(uuid.New(), uuid.New())
	l.record(uuid.New())
	b := l.next()
	answer := func(b *outbox.Batch, outs ...syncproto.Outcome) {
		l.do(func(ctx context.Context, tx *sql.Tx) error {
			_, err := l.o.Accept(ctx, tx, l.who, outbox.Stamp{}, b, &syncproto.PushAnswer{Acked: 4, Head: b.Head[:], ServerTime: 1, Outcomes: outs})
			return err
		})
	}
	held := []syncproto.Outcome{{Seq: 2, Code: syncproto.Held, Reason: syncproto.RowUnknown, Case: kase[:]}, {Seq: 3, Code: syncproto.Held, Reason: syncproto.Transaction, Case: kase[:]}}
	answer(b, held...)
	for _, c := range []struct {
		outs []syncproto.Outcome
		want string
	}{{held, "acked held held acked"}, {nil, "acked acked acked acked"}} {
		l.do(func(ctx context.Context, tx *sql.Tx) error { return l.o.HistoryChanged(ctx, tx) })
		b := l.next()
		if b == nil || b.From != 2 || b.Last != 4 {
			t.Fatalf("sent %+v", b)
		}
		answer(b, c.outs...)
		if got := l.states(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
		if l.next() != nil {
			t.Error("there is more to send")
		}
	}
}
