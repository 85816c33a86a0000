package outbox_test

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"siteledger/client-sdk/localdb"
	"siteledger/client-sdk/outbox"
	"siteledger/migrations/client"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
)

// logDesk is a log in a real file.
type logDesk struct {
	t   *testing.T
	db  *localdb.DB
	o   *outbox.Outbox
	who outbox.Author
}

// emptyFile is a database with its tables and nothing in them, made once.
var emptyFile = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "siteledger-empty-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "phone.db")
	db, err := localdb.Open(context.Background(), path, client.Files)
	if err != nil {
		return nil, err
	}
	if err := db.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

func newLog(t *testing.T) *logDesk {
	t.Helper()
	empty, err := emptyFile()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "phone.db")
	if err := os.WriteFile(path, empty, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := localdb.Open(t.Context(), path, client.Files)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	o, err := outbox.New(syncproto.DefaultLimits(), uuid.NewV7)
	if err != nil {
		t.Fatal(err)
	}
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	d := &logDesk{t: t, db: db, o: o, who: outbox.Author{Device: uuid.New(), Person: uuid.New(), Key: key}}
	d.do(func(ctx context.Context, tx *sql.Tx) error { return o.Start(ctx, tx, d.who.Device) })
	return d
}

func (d *logDesk) do(fn func(context.Context, *sql.Tx) error) {
	d.t.Helper()
	if err := d.try(fn); err != nil {
		d.t.Fatal(err)
	}
}

func (d *logDesk) try(fn func(context.Context, *sql.Tx) error) error {
	return d.db.Update(d.t.Context(), func(tx *sql.Tx) error { return fn(d.t.Context(), tx) })
}

// record appends one transaction with a change for each root.
func (d *logDesk) record(roots ...uuid.UUID) {
	d.t.Helper()
	var entries []outbox.Entry
	for _, root := range roots {
		entries = append(entries, outbox.Entry{Table: "note", Row: uuid.New(), Root: root, Op: changelog.Insert, Cols: map[string]any{"text": "x"}})
	}
	d.do(func(ctx context.Context, tx *sql.Tx) error {
		return d.o.Append(ctx, tx, d.who, outbox.Stamp{Wall: 1000}, 1, entries)
	})
}

func (d *logDesk) next() *outbox.Batch {
	d.t.Helper()
	var b *outbox.Batch
	d.do(func(ctx context.Context, tx *sql.Tx) (err error) { b, err = d.o.Next(ctx, tx); return err })
	return b
}

func (d *logDesk) states() string {
	d.t.Helper()
	var out []string
	d.do(func(ctx context.Context, tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT state FROM change ORDER BY seq`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var s string
			if err := rows.Scan(&s); err != nil {
				return err
			}
			out = append(out, s)
		}
		return rows.Err()
	})
	return strings.Join(out, " ")
}

func TestBatchEndsWithATransaction(t *testing.T) {
	d := newLog(t)
	root := uuid.New()
	for range 3 {
		var many []uuid.UUID
		for range 400 {
			many = append(many, root)
		}
		d.record(many...)
	}
	if b := d.next(); b.From != 1 || b.Last != 800 || len(b.Changes) != 800 {
		t.Errorf("batch %d to %d", b.From, b.Last)
	}
	b := d.next()
	d.do(func(ctx context.Context, tx *sql.Tx) error {
		ok, err := d.o.TooLarge(ctx, tx, b)
		if !ok {
			t.Error("could not be halved")
		}
		return err
	})
	if b = d.next(); b.Last != 400 {
		t.Errorf("half of the batch ends at %d", b.Last)
	}
	req := b.Request(d.who, uuid.New(), outbox.Stamp{Wall: 5, Mono: 6})
	head := changelog.Hash(req.Prev)
	for _, ch := range req.Changes {
		head = changelog.Next(head, ch)
	}
	if head != changelog.Hash(req.Head) || changelog.Hash(req.Prev) != changelog.Genesis(d.who.Device, b.Epoch) {
		t.Error("the chain does not lead from prev to head")
	}
	msg := changelog.PushMessage(d.who.Device, b.Epoch, b.Last, b.Head, uuid.Nil, 6, 5)
	if !ed25519.Verify(d.who.Key.Public().(ed25519.PublicKey), msg, req.Signature) {
		t.Error("the signature does not verify")
	}
}

func TestAnswersThatContradictThemselvesAreNotTakenOver(t *testing.T) {
	d := newLog(t)
	d.record(uuid.New())
	d.record(uuid.New())
	b := d.next()
	one := uint64(1)
	for name, take := range map[string]func(context.Context, *sql.Tx) error{
		"acked less than it took": func(ctx context.Context, tx *sql.Tx) error {
			_, err := d.o.Accept(ctx, tx, d.who, outbox.Stamp{}, b, &syncproto.PushAnswer{Acked: 1, Head: b.Head[:]})
			return err
		},
		"another head": func(ctx context.Context, tx *sql.Tx) error {
			_, err := d.o.Accept(ctx, tx, d.who, outbox.Stamp{}, b, &syncproto.PushAnswer{Acked: 2, Head: make([]byte, 32)})
			return err
		},
		"an old answer, of a log that went further elsewhere": func(ctx context.Context, tx *sql.Tx) error {
			_, err := d.o.Accept(ctx, tx, d.who, outbox.Stamp{}, b, &syncproto.PushAnswer{Acked: 5, Head: make([]byte, 32), Sent: make([]byte, 32)})
			return err
		},
		"a gap where there is none": func(ctx context.Context, tx *sql.Tx) error {
			_, err := d.o.Gap(ctx, tx, d.who, outbox.Stamp{}, b, one)
			return err
		},
		"forked behind the batch": func(ctx context.Context, tx *sql.Tx) error {
			_, err := d.o.Forked(ctx, tx, d.who, outbox.Stamp{}, b, 2)
			return err
		},
	} {
		if err := d.try(take); !errors.Is(err, outbox.ErrAnswer) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := d.states(); got != "pending pending" {
		t.Errorf("states %q", got)
	}
}

func TestWhatIsHeldBehindIsFreedByTheDecision(t *testing.T) {
	d := newLog(t)
	job, other := uuid.New(), uuid.New()
	d.record(job)
	d.record(job)
	d.record(other)
	d.record(job, job)
	b := d.next()
	id := uuid.New()
	d.do(func(ctx context.Context, tx *sql.Tx) error {
		_, err := d.o.Accept(ctx, tx, d.who, outbox.Stamp{}, b, &syncproto.PushAnswer{Acked: 5, Head: b.Head[:], ServerTime: 1, Outcomes: []syncproto.Outcome{
			{Seq: 1, Code: syncproto.Held, Reason: syncproto.Rule, Case: id[:]},
			{Seq: 2, Code: syncproto.Held, Reason: syncproto.Behind, Case: id[:]},
			{Seq: 3, Code: syncproto.Held, Reason: syncproto.BadValue},
			{Seq: 4, Code: syncproto.Held, Reason: syncproto.Behind, Case: id[:]},
			{Seq: 5, Code: syncproto.Held, Reason: syncproto.Transaction, Case: id[:]},
		}})
		return err
	})
	if got := d.states(); got != "held held held held held" {
		t.Fatalf("states %q", got)
	}
	d.do(func(ctx context.Context, tx *sql.Tx) error {
		if err := d.o.Passed(ctx, tx, syncproto.Passed{Epoch: b.Epoch, Seq: 5}, unlaid); err != nil {
			return err
		}
		_, err := d.o.Decided(ctx, tx, b.Epoch, 1, outbox.VerdictAsk, outbox.Again{})
		return err
	})
	if got := d.states(); got != "held held held held held" {
		t.Fatalf("after a question: %q", got)
	}
	d.do(func(ctx context.Context, tx *sql.Tx) error {
		if _, err := d.o.Decided(ctx, tx, b.Epoch, 1, "accept", outbox.Again{}); err != nil {
			return err
		}
		return d.o.Passed(ctx, tx, syncproto.Passed{Epoch: b.Epoch, Seq: 5}, unlaid)
	})
	if got := d.states(); got != "confirmed confirmed held confirmed confirmed" {
		t.Errorf("after the decision: %q", got)
	}
	// Accepted, and failed once more: it waits under its new case, whole.
	d.do(func(ctx context.Context, tx *sql.Tx) error {
		eff, err := d.o.Decided(ctx, tx, b.Epoch, 4, outbox.VerdictHeld, outbox.Again{Case: uuid.New(), Reason: "transition"})
		if err == nil && len(eff.Rows) != 2 {
			t.Errorf("%d rows are marked again, want the transaction's 2", len(eff.Rows))
		}
		return err
	})
	if got := d.states(); got != "confirmed confirmed held held held" {
		t.Errorf("after failing again: %q", got)
	}
}

func TestCheckNamesTheDamagedChange(t *testing.T) {
	for what, damage := range map[string]string{
		"bytes":     `UPDATE change SET bytes = zeroblob(length(bytes)) WHERE seq = 2`,
		"digest":    `UPDATE change SET digest = zeroblob(32) WHERE seq = 2`,
		"table":     `UPDATE change SET tbl = 'fee_line' WHERE seq = 2`,
		"signature": `UPDATE change SET head_signature = zeroblob(64) WHERE seq = 2`,
		"missing":   `DELETE FROM change WHERE seq = 2`,
	} {
		d := newLog(t)
		for range 3 {
			d.record(uuid.New())
		}
		check := func() error {
			return d.try(func(ctx context.Context, tx *sql.Tx) error {
				return d.o.Check(ctx, tx, d.who.Device, d.who.Key.Public().(ed25519.PublicKey))
			})
		}
		if err := check(); err != nil {
			t.Fatal(err)
		}
		d.do(func(ctx context.Context, tx *sql.Tx) error { _, err := tx.ExecContext(ctx, damage); return err })
		if err := check(); !errors.Is(err, outbox.ErrDamaged) || !strings.Contains(err.Error(), "change 2") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestClockNeverGoesBack(t *testing.T) {
	d := newLog(t)
	codec, err := changelog.NewCodec()
	if err != nil {
		t.Fatal(err)
	}
	hlcOf := func(wall int64) uint64 {
		d.do(func(ctx context.Context, tx *sql.Tx) error {
			return d.o.Append(ctx, tx, d.who, outbox.Stamp{Wall: wall}, 1, []outbox.Entry{{Table: "note", Row: uuid.New(), Op: changelog.Insert}})
		})
		b := d.next()
		ch, err := codec.Decode(b.Changes[len(b.Changes)-1])
		if err != nil {
			t.Fatal(err)
		}
		if ch.Wall != wall {
			t.Errorf("wall %d recorded as %d", wall, ch.Wall)
		}
		return ch.HLC
	}
	a := hlcOf(5000)
	b := hlcOf(10) // the clock was set back
	d.do(func(ctx context.Context, tx *sql.Tx) error { return d.o.Observe(ctx, tx, 1<<63+7) })
	c := hlcOf(6000)
	if a != 5000<<16 || b != a+1 || c != 1<<63+8 {
		t.Errorf("timestamps %d %d %d", a, b, c)
	}
}

// unlaid is for a log without a screen.
func unlaid([]outbox.Key) error { return nil }

// answer takes over a 200 on the next batch.
func (d *logDesk) answer(outs ...syncproto.Outcome) *outbox.Batch {
	d.t.Helper()
	b := d.next()
	d.do(func(ctx context.Context, tx *sql.Tx) error {
		_, err := d.o.Accept(ctx, tx, d.who, outbox.Stamp{}, b, &syncproto.PushAnswer{Acked: b.Last, Head: b.Head[:], ServerTime: at, Outcomes: outs})
		return err
	})
	return b
}

// TestUnprovedIsUnsent: what an older history acknowledged counts as unsent, and
// is not deleted, until the new one has acknowledged the log's end (P11).
func TestUnprovedIsUnsent(t *testing.T) {
	d := newLog(t)
	d.record(uuid.New())
	d.record(uuid.New(), uuid.New())
	b := d.answer()
	count := func(want int) {
		t.Helper()
		d.do(func(ctx context.Context, tx *sql.Tx) error {
			items, err := d.o.Unsent(ctx, tx)
			n, _, err2 := d.o.Counts(ctx, tx)
			if len(items) != want || n != want {
				t.Errorf("%d listed, %d counted as unsent, want %d", len(items), n, want)
			}
			return errors.Join(err, err2)
		})
	}
	prune := func() (n int) {
		d.do(func(ctx context.Context, tx *sql.Tx) (err error) {
			n, err = d.o.Prune(ctx, tx, 35*24*time.Hour)
			return err
		})
		return n
	}
	d.do(func(ctx context.Context, tx *sql.Tx) error {
		if err := d.o.Passed(ctx, tx, syncproto.Passed{Epoch: b.Epoch, Seq: 3}, unlaid); err != nil {
			return err
		}
		return d.o.Measured(ctx, tx, time.UnixMilli(at).Add(36*24*time.Hour), 0)
	})
	count(0)
	d.do(d.o.HistoryChanged)
	count(3)
	if n := prune(); n != 0 {
		t.Errorf("%d changes were deleted that a new history may lack", n)
	}
	if again := d.answer(); again.From != 2 || again.Last != 3 {
		t.Errorf("the end is proved by %d to %d", again.From, again.Last)
	}
	count(0)
	if n := prune(); n != 3 {
		t.Errorf("%d of 3 old changes were deleted", n)
	}
}

// TestLetGoByACopysCase: a copy of this phone sent the log's beginning again to a
// server that had lost it, and there it was held. What this phone then sent behind
// it is let go with that case, and what fails again by itself is refused.
func TestLetGoByACopysCase(t *testing.T) {
	d := newLog(t)
	root, kase := uuid.New(), uuid.New()
	d.record(root)
	b := d.answer() // not held, by the history that is lost
	d.record(root, root)
	d.record(root)
	behind := func(seq uint64, reason syncproto.Reason) syncproto.Outcome {
		return syncproto.Outcome{Seq: seq, Code: syncproto.Held, Reason: reason, Case: kase[:]}
	}
	d.answer(behind(2, syncproto.Behind), behind(3, syncproto.Transaction), behind(4, syncproto.Behind))
	tell := func(seq uint64, verdict string, of uuid.UUID) (eff outbox.Effect) {
		d.do(func(ctx context.Context, tx *sql.Tx) (err error) {
			eff, err = d.o.Decided(ctx, tx, b.Epoch, seq, verdict, outbox.Again{Case: of})
			return err
		})
		return eff
	}
	tell(1, "accept", uuid.New())
	if got := d.states(); got != "acked held held held" {
		t.Errorf("another case let go of %s", got)
	}
	tell(1, "accept", kase)
	if got := d.states(); got != "acked acked acked acked" {
		t.Errorf("after the decision: %s", got)
	}
	if eff := tell(2, "refuse", uuid.Nil); len(eff.Denied) != 2 {
		t.Errorf("refused with %d notices", len(eff.Denied))
	}
	if eff := tell(2, "refuse", uuid.Nil); len(eff.Denied) != 0 {
		t.Error("told twice, noticed twice")
	}
	if got := d.states(); got != "acked refused refused acked" {
		t.Errorf("what failed again: %s", got)
	}
}
