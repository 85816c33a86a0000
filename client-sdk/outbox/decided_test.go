package outbox_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"siteledger/client-sdk/outbox"
	"siteledger/syncproto"
)

// heldLog is a log in which several things wait for people:
//
//	1 2   a transaction held by a rule, case first
//	3     behind it
//	4     another job's, held for a bad value, case second
//	5 6   behind that; 6 is of the first job
//	7     a third job's, taken over with a conflict
//	8     of the first job, behind a transaction that this phone does not have
type heldLog struct {
	*logDesk
	epoch         uuid.UUID
	first, second uuid.UUID
	strange       uuid.UUID // the case that 8 waits for
}

func newHeldLog(t *testing.T) *heldLog {
	t.Helper()
	l := &heldLog{logDesk: newLog(t), first: uuid.New(), second: uuid.New(), strange: uuid.New()}
	job, other := uuid.New(), uuid.New()
	l.record(job, job)
	l.record(job)
	l.record(other)
	l.record(other, job)
	l.record(uuid.New())
	l.record(job)
	b := l.next()
	l.epoch = b.Epoch
	conflict := uuid.New()
	out := func(seq uint64, code syncproto.OutcomeCode, reason syncproto.Reason, kase uuid.UUID) syncproto.Outcome {
		return syncproto.Outcome{Seq: seq, Code: code, Reason: reason, Case: kase[:]}
	}
	l.do(func(ctx context.Context, tx *sql.Tx) error {
		_, err := l.o.Accept(ctx, tx, l.who, outbox.Stamp{}, b, &syncproto.PushAnswer{Acked: 8, Head: b.Head[:], ServerTime: 1, Outcomes: []syncproto.Outcome{
			out(1, syncproto.Held, syncproto.Rule, l.first), out(2, syncproto.Held, syncproto.Transaction, l.first), out(3, syncproto.Held, syncproto.Behind, l.first),
			out(4, syncproto.Held, syncproto.BadValue, l.second), out(5, syncproto.Held, syncproto.Behind, l.second), out(6, syncproto.Held, syncproto.Transaction, l.second),
			out(7, syncproto.Conflict, "", conflict), out(8, syncproto.Held, syncproto.Behind, l.strange),
		}})
		return err
	})
	return l
}

// told is what came of one instruction.
type told struct {
	seq     uint64
	verdict string
	more    outbox.Again
	rows    int // that are to be laid again
	lost    int // of which the technician is told that they have no effect
}

func (l *heldLog) tell(d told) {
	l.t.Helper()
	l.do(func(ctx context.Context, tx *sql.Tx) error {
		eff, err := l.o.Decided(ctx, tx, l.epoch, d.seq, d.verdict, d.more)
		if err != nil {
			return err
		}
		if len(eff.Rows) != d.rows || len(eff.Denied) != d.lost {
			l.t.Errorf("%s of %d: %d rows to lay, %d notices; want %d, %d", d.verdict, d.seq, len(eff.Rows), len(eff.Denied), d.rows, d.lost)
		}
		for _, r := range eff.Denied {
			if r.Reason != outbox.VerdictRefuse || r.Table != "note" {
				l.t.Errorf("the notice says %+v", r)
			}
		}
		return nil
	})
}

// reasons are the reasons of what is held, by number.
func (l *heldLog) reasons() string {
	l.t.Helper()
	var out []string
	l.do(func(ctx context.Context, tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT seq, reason FROM change WHERE state = 'held' ORDER BY seq`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var seq int
			var reason string
			if err := rows.Scan(&seq, &reason); err != nil {
				return err
			}
			out = append(out, fmt.Sprint(seq, ":", reason))
		}
		return rows.Err()
	})
	return strings.Join(out, " ")
}

// TestEachDecision plays each thing that a phone can be told of a decision, on
// the log above: what becomes of each change, which rows are laid again, and
// what the technician is told.
func TestEachDecision(t *testing.T) {
	const untouched = "held held held held held held acked held"
	earlier, again, strange := uuid.New(), uuid.New(), uuid.New()
	for name, c := range map[string]struct {
		told []told
		want string
	}{
		"a question decides nothing":      {[]told{{1, outbox.VerdictAsk, outbox.Again{}, 0, 0}}, untouched},
		"a change that nobody has":        {[]told{{99, "accept", outbox.Again{}, 0, 0}, {99, outbox.VerdictHeld, outbox.Again{Case: again}, 0, 0}}, untouched},
		"accepted":                        {[]told{{1, "accept", outbox.Again{}, 4, 0}}, "confirmed confirmed acked held held held acked acked"},
		"accepted by its second change":   {[]told{{2, "accept", outbox.Again{}, 4, 0}}, "confirmed confirmed acked held held held acked acked"},
		"edited counts as accepted":       {[]told{{1, "edit", outbox.Again{}, 4, 0}}, "confirmed confirmed acked held held held acked acked"},
		"refused":                         {[]told{{1, "refuse", outbox.Again{}, 4, 2}}, "refused refused acked held held held acked acked"},
		"told twice":                      {[]told{{1, "refuse", outbox.Again{}, 4, 2}, {1, "refuse", outbox.Again{}, 0, 0}}, "refused refused acked held held held acked acked"},
		"the other case":                  {[]told{{4, "accept", outbox.Again{}, 3, 0}}, "held held held confirmed acked acked acked held"},
		"both":                            {[]told{{4, "refuse", outbox.Again{}, 3, 1}, {1, "accept", outbox.Again{}, 4, 0}}, "confirmed confirmed acked refused acked acked acked acked"},
		"a conflict":                      {[]told{{7, "keep", outbox.Again{}, 1, 0}, {7, "keep", outbox.Again{}, 0, 0}}, untouched},
		"what was let go is then refused": {[]told{{1, "accept", outbox.Again{}, 4, 0}, {3, "refuse", outbox.Again{}, 1, 1}}, "confirmed confirmed refused held held held acked acked"},
		"failed again": {[]told{{1, "accept", outbox.Again{}, 4, 0}, {1, outbox.VerdictHeld, outbox.Again{Case: again, Reason: "transition"}, 2, 0}},
			"held held acked held held held acked acked"},
		"failed again, before the first verdict": {[]told{{1, outbox.VerdictHeld, outbox.Again{Case: again}, 2, 0}}, untouched},
		"failed again, told late": {[]told{{1, outbox.VerdictHeld, outbox.Again{Case: again}, 2, 0}, {1, "accept", outbox.Again{}, 4, 0}, {1, outbox.VerdictHeld, outbox.Again{Case: again}, 0, 0}},
			"confirmed confirmed acked held held held acked acked"},
		"failed again, all of it told twice": {[]told{{1, "accept", outbox.Again{Case: earlier}, 4, 0}, {1, outbox.VerdictHeld, outbox.Again{Case: again}, 2, 0},
			{1, "accept", outbox.Again{Case: earlier}, 0, 0}, {1, outbox.VerdictHeld, outbox.Again{Case: again}, 2, 0}},
			"held held acked held held held acked acked"},
		"failed again, then refused": {[]told{{1, "accept", outbox.Again{Case: earlier}, 4, 0}, {1, outbox.VerdictHeld, outbox.Again{Case: again}, 2, 0}, {1, "refuse", outbox.Again{Case: again}, 2, 2},
			{1, "accept", outbox.Again{Case: earlier}, 0, 0}, {1, outbox.VerdictHeld, outbox.Again{Case: again}, 0, 0}, {1, "refuse", outbox.Again{Case: again}, 0, 0}},
			"refused refused acked held held held acked acked"},
		"refused work is not held again": {[]told{{1, "refuse", outbox.Again{}, 4, 2}, {1, outbox.VerdictHeld, outbox.Again{Case: again}, 0, 0}}, "refused refused acked held held held acked acked"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newHeldLog(t)
			for _, d := range c.told {
				l.tell(d)
			}
			if got := l.states(); got != c.want {
				t.Errorf("states  %s\nwant    %s", got, c.want)
			}
		})
	}
	t.Run("another log's number is not ours", func(t *testing.T) {
		l := newHeldLog(t)
		l.epoch = strange
		l.tell(told{1, "accept", outbox.Again{}, 0, 0})
		if got := l.states(); got != untouched {
			t.Errorf("states %s", got)
		}
	})
	t.Run("what waits for a case of a transaction that is not held here", func(t *testing.T) {
		l := newHeldLog(t)
		l.tell(told{7, "accept", outbox.Again{Case: l.strange}, 2, 0}) // the mark of 7, and 8
		if got := l.states(); got != "held held held held held held acked acked" {
			t.Errorf("states %s", got)
		}
	})
}

// TestHeldAgainSaysWhy: the first reason stays with its change, the others of
// its transaction say that it is the transaction.
func TestHeldAgainSaysWhy(t *testing.T) {
	l := newHeldLog(t)
	l.tell(told{2, outbox.VerdictHeld, outbox.Again{Case: uuid.New(), Reason: "transition"}, 2, 0})
	l.tell(told{4, outbox.VerdictHeld, outbox.Again{Case: uuid.New()}, 1, 0})
	if got, want := l.reasons(), "1:transaction 2:transition 3:behind 4:internal 5:behind 6:transaction 8:behind"; got != want {
		t.Errorf("reasons %s, want %s", got, want)
	}
}

// TestConflictMarkGoes: the mark is there until a person has decided, and only
// then goes.
func TestConflictMarkGoes(t *testing.T) {
	l := newHeldLog(t)
	marks := func() (held, conflict int) {
		l.do(func(ctx context.Context, tx *sql.Tx) error {
			rows, err := tx.QueryContext(ctx, `SELECT row FROM change ORDER BY seq`)
			if err != nil {
				return err
			}
			defer rows.Close()
			var ids []uuid.UUID
			for rows.Next() {
				var id uuid.UUID
				if err := rows.Scan(&id); err != nil {
					return err
				}
				ids = append(ids, id)
			}
			for _, id := range ids {
				_, h, c, err := l.o.MarksOf(ctx, tx, "note", id)
				if err != nil {
					return err
				}
				if h {
					held++
				}
				if c {
					conflict++
				}
			}
			return rows.Err()
		})
		return held, conflict
	}
	if h, c := marks(); h != 7 || c != 1 {
		t.Fatalf("%d held, %d in conflict", h, c)
	}
	l.tell(told{7, outbox.VerdictAsk, outbox.Again{}, 0, 0})
	if _, c := marks(); c != 1 {
		t.Error("a question took the mark away")
	}
	l.tell(told{7, "other", outbox.Again{}, 1, 0})
	l.tell(told{1, "accept", outbox.Again{}, 4, 0})
	if h, c := marks(); h != 3 || c != 0 {
		t.Errorf("%d held, %d in conflict", h, c)
	}
}

// TestConflictMarkComesBack: a restored server has forgotten the change and that
// a person decided about it. Sent again, it is in conflict again.
func TestConflictMarkComesBack(t *testing.T) {
	d := newLog(t)
	d.record(uuid.New())
	b, kase := d.next(), uuid.New()
	accept := func() {
		d.do(func(ctx context.Context, tx *sql.Tx) error {
			_, err := d.o.Accept(ctx, tx, d.who, outbox.Stamp{}, b, &syncproto.PushAnswer{Acked: 1, Head: b.Head[:], ServerTime: 1,
				Outcomes: []syncproto.Outcome{{Seq: 1, Code: syncproto.Conflict, Case: kase[:]}}})
			return err
		})
	}
	open := func() (n int) {
		d.do(func(ctx context.Context, tx *sql.Tx) error {
			return tx.QueryRowContext(ctx, `SELECT count(*) FROM change WHERE outcome = 'conflict' AND settled = 0`).Scan(&n)
		})
		return n
	}
	accept()
	d.do(func(ctx context.Context, tx *sql.Tx) error {
		_, err := d.o.Decided(ctx, tx, b.Epoch, 1, "keep", outbox.Again{Case: kase})
		return err
	})
	if open() != 0 {
		t.Fatal("the decision is not taken over")
	}
	d.record(uuid.New())
	next := d.next()
	d.do(func(ctx context.Context, tx *sql.Tx) error {
		_, err := d.o.Gap(ctx, tx, d.who, outbox.Stamp{}, next, 0)
		return err
	})
	if b = d.next(); b.From != 1 {
		t.Fatalf("goes on from %d", b.From)
	}
	d.do(func(ctx context.Context, tx *sql.Tx) error {
		_, err := d.o.Accept(ctx, tx, d.who, outbox.Stamp{}, b, &syncproto.PushAnswer{Acked: 2, Head: b.Head[:], ServerTime: 1,
			Outcomes: []syncproto.Outcome{{Seq: 1, Code: syncproto.Conflict, Case: kase[:]}}})
		return err
	})
	if open() != 1 {
		t.Error("the mark did not come back")
	}
}
