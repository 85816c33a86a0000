package outbox_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"siteledger/client-sdk/outbox"
	"siteledger/client-sdk/serverkey"
	"siteledger/syncproto"
)

// TestReceiptForSomethingElse: a genuine receipt that names another history,
// device, log, number or head than the answer it came with proves nothing, also
// one that waited for its key.
func TestReceiptForSomethingElse(t *testing.T) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	keys := serverkey.Keys{"k": public}
	who, history, epoch := outbox.Author{Device: uuid.New(), Person: uuid.New()}, uuid.New(), uuid.New()
	head := make([]byte, 32)
	head[0] = 7
	sign := func(r syncproto.LogReceipt) string {
		t.Helper()
		body, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		text := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"EdDSA","kid":"k","typ":"receipt+jws"}`)) + "." + base64.RawURLEncoding.EncodeToString(body)
		return text + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(private, []byte(text)))
	}
	right := syncproto.LogReceipt{History: history, Device: who.Device, Epoch: epoch, Acked: 9, Head: hex.EncodeToString(head), At: 1}
	for name, c := range map[string]struct {
		change func(*syncproto.LogReceipt)
		kept   bool // a kept receipt knows neither device nor head
	}{
		"":             {func(*syncproto.LogReceipt) {}, true},
		"a history":    {func(r *syncproto.LogReceipt) { r.History = uuid.New() }, false},
		"a device":     {func(r *syncproto.LogReceipt) { r.Device = uuid.New() }, true},
		"a log":        {func(r *syncproto.LogReceipt) { r.Epoch = uuid.New() }, false},
		"fewer":        {func(r *syncproto.LogReceipt) { r.Acked-- }, false},
		"another head": {func(r *syncproto.LogReceipt) { r.Head = hex.EncodeToString(make([]byte, 32)) }, true},
	} {
		r := right
		c.change(&r)
		ans := &syncproto.PushAnswer{Acked: 9, Head: head, Receipt: sign(r)}
		ok, err := outbox.CheckReceipt(keys, who, history, epoch, ans)
		if name == "" && (!ok || err != nil) || name != "" && !errors.Is(err, outbox.ErrAnswer) {
			t.Errorf("receipt with %q: %v, %v", name, ok, err)
		}
		if ok, err := outbox.CheckReceipt(serverkey.Keys{}, who, history, epoch, ans); ok || err != nil {
			t.Errorf("without its key: %v, %v", ok, err)
		}
		d := newLog(t)
		d.do(func(ctx context.Context, tx *sql.Tx) error {
			return d.o.KeepReceipt(ctx, tx, epoch, history, 9, ans.Receipt, false)
		})
		var waiting, left int
		d.do(func(ctx context.Context, tx *sql.Tx) (err error) {
			if waiting, err = d.o.VerifyKept(ctx, tx, keys); err != nil {
				return err
			}
			return tx.QueryRowContext(ctx, `SELECT count(*) FROM log_receipt WHERE verified = 1`).Scan(&left)
		})
		if waiting != 0 || (left == 1) != c.kept {
			t.Errorf("kept receipt with %q: %d wait, %d are verified", name, waiting, left)
		}
	}
}

// TestEveryBatchIsProved: all of a log of several batches counts as unsent until
// a new history has acknowledged its very end.
func TestEveryBatchIsProved(t *testing.T) {
	d := newLog(t)
	limits := syncproto.DefaultLimits()
	limits.MaxBatchChanges = 2
	var err error
	if d.o, err = outbox.New(limits, uuid.NewV7); err != nil {
		t.Fatal(err)
	}
	for range 6 {
		d.record(uuid.New())
	}
	var first *outbox.Batch
	accept := func(b *outbox.Batch, outs ...syncproto.Outcome) {
		d.do(func(ctx context.Context, tx *sql.Tx) error {
			_, err := d.o.Accept(ctx, tx, d.who, outbox.Stamp{}, b, &syncproto.PushAnswer{Acked: b.Last, Head: b.Head[:], ServerTime: 1, Outcomes: outs})
			return err
		})
	}
	kase := uuid.New()
	held := syncproto.Outcome{Seq: 1, Code: syncproto.Held, Reason: syncproto.Rule, Case: kase[:]}
	for first = d.next(); d.next() != nil; {
		accept(d.next(), held)
	}
	d.do(func(ctx context.Context, tx *sql.Tx) error {
		if err := d.o.Passed(ctx, tx, syncproto.Passed{Epoch: first.Epoch, Seq: 6}, func([]outbox.Key) error { return nil }); err != nil {
			return err
		}
		return d.o.HistoryChanged(ctx, tx)
	})
	unsent := func() (n int) {
		d.do(func(ctx context.Context, tx *sql.Tx) error {
			items, err := d.o.Unsent(ctx, tx)
			n = len(items)
			return err
		})
		return n
	}
	sent := 0
	for b := d.next(); b != nil; b = d.next() {
		if n := unsent(); n != 6 {
			t.Errorf("behind %d changes: %d count as unsent", sent, n)
		}
		sent += len(b.Changes)
		accept(b)
	}
	if n := unsent(); n != 0 || sent != 6 {
		t.Errorf("%d sent, %d left", sent, n)
	}
}

// TestLetGoWholeOrNotAtAll: a transaction whose last change is what a person has
// to decide stays held whole when what was held before it on its root is decided.
func TestLetGoWholeOrNotAtAll(t *testing.T) {
	l := newLog(t)
	job, first, second := uuid.New(), uuid.New(), uuid.New()
	l.record(job)
	l.record(job, job) // 2 3: held for 3
	l.record(job)      // 4: behind the first
	b := l.next()
	out := func(seq uint64, reason syncproto.Reason, kase uuid.UUID) syncproto.Outcome {
		return syncproto.Outcome{Seq: seq, Code: syncproto.Held, Reason: reason, Case: kase[:]}
	}
	l.do(func(ctx context.Context, tx *sql.Tx) error {
		_, err := l.o.Accept(ctx, tx, l.who, outbox.Stamp{}, b, &syncproto.PushAnswer{Acked: 4, Head: b.Head[:], ServerTime: 1, Outcomes: []syncproto.Outcome{
			out(1, syncproto.Rule, first), out(2, syncproto.Transaction, second), out(3, syncproto.BadValue, second), out(4, syncproto.Behind, first)}})
		return err
	})
	l.do(func(ctx context.Context, tx *sql.Tx) error {
		_, err := l.o.Decided(ctx, tx, b.Epoch, 1, "accept", outbox.Again{Case: first})
		return err
	})
	if got, want := l.states(), "confirmed held held acked"; got != want {
		t.Errorf("states %s, want %s", got, want)
	}
}

// TestForkBehindWhatIsNotAcknowledged: what both sides share, but this phone has
// no answer for, is sent again in the old log before the new one goes on.
func TestForkBehindWhatIsNotAcknowledged(t *testing.T) {
	d := newLog(t)
	for range 5 {
		d.record(uuid.New())
	}
	b := d.next()
	var eff outbox.Effect
	for range 2 {
		d.do(func(ctx context.Context, tx *sql.Tx) (err error) {
			eff, err = d.o.Forked(ctx, tx, d.who, outbox.Stamp{}, b, 4)
			return err
		})
	}
	if !eff.Forked {
		t.Fatal("no new log")
	}
	again := d.next()
	if again == nil || again.Epoch != b.Epoch || again.From != 1 || again.Last != 4 {
		t.Fatalf("sent next: %+v", again)
	}
	d.do(func(ctx context.Context, tx *sql.Tx) error {
		_, err := d.o.Accept(ctx, tx, d.who, outbox.Stamp{}, again, &syncproto.PushAnswer{Acked: 4, Head: again.Head[:], ServerTime: 1})
		return err
	})
	if fresh := d.next(); fresh == nil || fresh.Epoch == b.Epoch || len(fresh.Changes) != 1 {
		t.Errorf("then: %+v", fresh)
	}
	got := strings.Fields(d.states())
	slices.Sort(got)
	if strings.Join(got, " ") != "acked acked acked acked moved pending" {
		t.Errorf("states %s", got)
	}
}
