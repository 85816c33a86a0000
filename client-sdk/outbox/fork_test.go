package outbox_test

import (
	"context"
	"database/sql"
	"testing"

	"github.com/google/uuid"

	"siteledger/client-sdk/outbox"
	"siteledger/syncproto"
)

// TestForkWithAStaleAck: a fork that is told once is asked about again from the
// phone's own acknowledgement, which may be older than the server's. Only a
// second telling opens a new log.
func TestForkWithAStaleAck(t *testing.T) {
	for _, second := range []bool{false, true} {
		d := newLog(t)
		for range 4 {
			d.record(uuid.New())
		}
		b := d.next()
		accept := func(b *outbox.Batch) (eff outbox.Effect) {
			d.do(func(ctx context.Context, tx *sql.Tx) (err error) {
				eff, err = d.o.Accept(ctx, tx, d.who, outbox.Stamp{}, b, &syncproto.PushAnswer{Acked: b.Last, Head: b.Head[:], ServerTime: 1})
				return err
			})
			return eff
		}
		forked := func(b *outbox.Batch, common uint64) (eff outbox.Effect) {
			d.do(func(ctx context.Context, tx *sql.Tx) (err error) {
				eff, err = d.o.Forked(ctx, tx, d.who, outbox.Stamp{}, b, common)
				return err
			})
			return eff
		}
		accept(b)
		d.record(uuid.New())
		d.do(func(ctx context.Context, tx *sql.Tx) error { return d.o.Resend(ctx, tx, b.Epoch, 2) })
		if b = d.next(); b.From != 2 {
			t.Fatalf("the batch begins at %d", b.From)
		}
		if eff := forked(b, 2); eff.Forked {
			t.Fatal("a new log after one telling")
		}
		again := d.next()
		if again.Epoch != b.Epoch || again.From != 5 {
			t.Fatalf("asks again from %d of %s", again.From, again.Epoch)
		}
		if !second {
			if eff := accept(again); eff.Forked || d.next() != nil || d.states() != "acked acked acked acked acked" {
				t.Errorf("after the answer: %+v, %s", eff, d.states())
			}
			// The suspicion is over: the next telling is a first one again.
			d.record(uuid.New())
			if eff := forked(d.next(), 3); eff.Forked {
				t.Error("an old suspicion opened a new log")
			}
			continue
		}
		if eff := forked(again, 3); eff.Forked { // only prev differs: search lower first
			t.Error("a new log although the fork lies lower")
		}
		lower := d.next()
		if lower.Epoch != b.Epoch || lower.From >= again.From {
			t.Fatalf("searches from %d", lower.From)
		}
		if eff := forked(lower, lower.From); !eff.Forked {
			t.Error("no new log")
		}
		if fresh := d.next(); fresh.Epoch == b.Epoch || len(fresh.Changes) != 5-int(lower.From) {
			t.Errorf("the new log has %d changes", len(fresh.Changes))
		}
	}
}
