package outbox_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/google/uuid"

	"siteledger/client-sdk/outbox"
	"siteledger/client-sdk/replica"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/prototest"
	"siteledger/syncproto/schema"
)

// spot is one recorded row whose only change is in a state of the table.
type spot struct {
	*logDesk
	rep  *replica.Replica
	b    *outbox.Batch // that holds it
	row  uuid.UUID
	root uuid.UUID
	kase uuid.UUID
}

const at = int64(1_790_000_000_000) // of the acknowledgement

// inState records a row and brings its change into a state; refused chooses
// between the two of the column "denied, refused".
func inState(t *testing.T, state string, refused bool) *spot {
	t.Helper()
	s := &spot{logDesk: newLog(t), row: uuid.New(), root: uuid.New(), kase: uuid.New()}
	var err error
	if s.rep, err = replica.New(schema.MustCurrent(), s.o); err != nil {
		t.Fatal(err)
	}
	cols := map[string]any{"job": s.root[:], "kind": "note", "text": "x", "at": int64(1)}
	s.do(func(ctx context.Context, tx *sql.Tx) error {
		if _, err := s.rep.Insert(ctx, tx, "note", s.row, s.root, cols); err != nil {
			return err
		}
		return s.o.Append(ctx, tx, s.who, outbox.Stamp{Wall: 1000}, 1, []outbox.Entry{{Table: "note", Row: s.row, Root: s.root, Op: changelog.Insert, Cols: cols}})
	})
	s.b = s.next()
	switch state {
	case "pending":
	case "acked":
		s.answer()
	case "held":
		s.answer(s.held())
	case "confirmed":
		s.answer()
		s.pass(true)
	case "denied, refused":
		if !refused {
			s.answer(syncproto.Outcome{Seq: 1, Code: syncproto.Denied, Reason: syncproto.NotWriter})
			break
		}
		s.answer(s.held())
		s.decided("refuse")
	case "moved":
		s.answer()
		s.fork()
	default:
		t.Fatalf("the table has a state %q", state)
	}
	return s
}

func (s *spot) held() syncproto.Outcome {
	return syncproto.Outcome{Seq: 1, Code: syncproto.Held, Reason: syncproto.Rule, Case: s.kase[:]}
}

// state is that of the change under its first number; "" for deleted.
func (s *spot) state() (state string) {
	s.t.Helper()
	s.do(func(ctx context.Context, tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, `SELECT state FROM change WHERE epoch = $1 AND seq = 1`, s.b.Epoch[:]).Scan(&state)
		if err == sql.ErrNoRows {
			return nil
		}
		return err
	})
	return state
}

// answer takes over a 200 on the batch, and lays mine again as a client does.
func (s *spot) answer(outs ...syncproto.Outcome) {
	s.t.Helper()
	s.take(func(ctx context.Context, tx *sql.Tx) (outbox.Effect, error) {
		return s.o.Accept(ctx, tx, s.who, outbox.Stamp{}, s.b, &syncproto.PushAnswer{Acked: 1, Head: s.b.Head[:], ServerTime: at, Outcomes: outs})
	})
}

func (s *spot) decided(verdict string) {
	s.t.Helper()
	s.take(func(ctx context.Context, tx *sql.Tx) (outbox.Effect, error) {
		return s.o.Decided(ctx, tx, s.b.Epoch, 1, verdict, outbox.Again{Case: s.kase})
	})
}

func (s *spot) take(fn func(context.Context, *sql.Tx) (outbox.Effect, error)) {
	s.t.Helper()
	s.do(func(ctx context.Context, tx *sql.Tx) error {
		eff, err := fn(ctx, tx)
		if err != nil {
			return err
		}
		return s.rep.Lay(ctx, tx, eff.Rows)
	})
}

// page takes over a last page of the feed.
func (s *spot) page(p *syncproto.Page) {
	s.t.Helper()
	s.do(func(ctx context.Context, tx *sql.Tx) error {
		if err := s.rep.Stage(ctx, tx, replica.Pull, p); err != nil {
			return err
		}
		_, err := s.rep.Show(ctx, tx, nil, func(lay func([]outbox.Key) error) error {
			if p.Passed == nil {
				return nil
			}
			return s.o.Passed(ctx, tx, *p.Passed, lay)
		})
		return err
	})
}

// pass lets the feed go past the change; with its row, where that took effect.
func (s *spot) pass(row bool) {
	s.t.Helper()
	p := &syncproto.Page{Next: "c", Passed: &syncproto.Passed{Epoch: s.b.Epoch, Seq: 1}}
	if row {
		p.Rows = []syncproto.Row{{Table: "note", ID: s.row, Root: s.root, Rev: 7, Cols: map[string]any{"job": s.root[:], "kind": "note", "text": "y", "at": int64(1)}}}
	}
	s.page(p)
}

// fork makes the log end before the change, twice told.
func (s *spot) fork() {
	s.t.Helper()
	for range 2 {
		s.take(func(ctx context.Context, tx *sql.Tx) (outbox.Effect, error) {
			return s.o.Forked(ctx, tx, s.who, outbox.Stamp{Wall: 2000}, s.b, 0)
		})
	}
}

// shows is what the technician sees of the row; "" for nothing.
func (s *spot) shows() (text string) {
	s.t.Helper()
	s.do(func(ctx context.Context, tx *sql.Tx) error {
		r, ok, err := s.rep.Row(ctx, tx, "note", s.row)
		if ok {
			text = r.Text("text")
		}
		return err
	})
	return text
}

// want is what a cell ends with: the change's state, and what is on the screen.
func (s *spot) want(state, text string) {
	s.t.Helper()
	if got := s.state(); got != state {
		s.t.Errorf("the change is %q, want %q", got, state)
	}
	if got := s.shows(); got != text {
		s.t.Errorf("the screen shows %q, want %q", got, text)
	}
}

// again makes the next batch hold the change once more.
func (s *spot) again() {
	s.t.Helper()
	s.do(func(ctx context.Context, tx *sql.Tx) error { return s.o.Resend(ctx, tx, s.b.Epoch, 1) })
	if b := s.next(); b == nil || b.Epoch != s.b.Epoch || b.From != 1 {
		s.t.Fatal("it is not sent again")
	}
}

// gone is "denied" or "refused", whichever the column's case is.
func gone(refused bool) string {
	if refused {
		return "refused"
	}
	return "denied"
}

type changePlay func(s *spot, refused bool)

// stays wants that a thing changes nothing about a change.
func stays(state, text string, do func(*spot)) changePlay {
	return func(s *spot, refused bool) {
		do(s)
		want := state
		if state == "denied, refused" {
			want = gone(refused)
		}
		s.want(want, text)
	}
}

// changePlays has a case for each cell: what happens, and what is so behind it.
func changePlays() map[string]map[string]changePlay {
	covered := func(s *spot) { s.again(); s.answer() }
	passed := func(s *spot) { s.pass(false) }
	left := func(s *spot) {
		root := s.root
		s.page(&syncproto.Page{Next: "c", Removed: []syncproto.Removed{{Root: &root, Why: "left"}}})
	}
	// Three changes are behind a common beginning that a restored server has.
	gap := func(s *spot) {
		s.record(s.root)
		b := s.next()
		if b.From == 1 { // it was not acknowledged: there is no gap below it
			return
		}
		s.take(func(ctx context.Context, tx *sql.Tx) (outbox.Effect, error) {
			return s.o.Gap(ctx, tx, s.who, outbox.Stamp{}, b, 0)
		})
		if n := s.next(); n.From != 1 {
			s.t.Errorf("goes on from %d", n.From)
		}
	}
	old := func(s *spot) {
		s.do(func(ctx context.Context, tx *sql.Tx) error {
			if err := s.o.Measured(ctx, tx, time.UnixMilli(at).Add(36*24*time.Hour), 0); err != nil {
				return err
			}
			_, err := s.o.Prune(ctx, tx, 35*24*time.Hour)
			return err
		})
	}
	forked := func(s *spot, _ bool) {
		if s.state() == "pending" {
			s.answer() // a copy's numbers: this phone's own push was the first of the two
		}
		before := s.shows()
		s.fork()
		if before == "" {
			before = "x" // it is tried again
		}
		s.want("moved", before)
		if b := s.next(); b == nil || b.Epoch == s.b.Epoch || len(b.Changes) != 1 {
			s.t.Error("what stood behind the fork is not recorded again")
		}
	}
	restart := func(s *spot) {
		o, err := outbox.New(syncproto.DefaultLimits(), uuid.NewV7)
		if err != nil {
			s.t.Fatal(err)
		}
		s.o = o
	}
	return map[string]map[string]changePlay{
		"push answered 200 covers it": {
			"pending": func(s *spot, _ bool) {
				s.answer()
				s.want("acked", "x")
				h := inState(s.t, "pending", false)
				h.answer(h.held())
				h.want("held", "x")
				d := inState(s.t, "pending", false)
				d.answer(syncproto.Outcome{Seq: 1, Code: syncproto.Denied, Reason: syncproto.NotWriter})
				d.want("denied", "")
			},
			"acked": stays("acked", "x", covered), "held": stays("held", "x", func(s *spot) { s.again(); s.answer(s.held()) }),
			"confirmed": stays("confirmed", "y", covered), "denied, refused": func(s *spot, refused bool) {
				s.again()
				if s.answer(s.held()); !refused {
					s.answer(syncproto.Outcome{Seq: 1, Code: syncproto.Denied, Reason: syncproto.NotWriter})
				}
				s.want(gone(refused), "")
			},
		},
		"feed passed it": {
			"acked": func(s *spot, _ bool) { s.pass(true); s.want("confirmed", "y") },
			"held":  stays("held", "x", passed), "confirmed": stays("confirmed", "y", passed), "denied, refused": stays("denied, refused", "", passed),
		},
		"`decided`, accept": {
			"held": func(s *spot, _ bool) { s.decided("accept"); s.pass(true); s.want("confirmed", "y") },
			"pending": func(s *spot, _ bool) {
				s.decided("accept")
				s.answer(s.held())
				s.pass(true)
				s.want("confirmed", "y")
			},
		},
		"`decided`, refuse": {
			"pending":   func(s *spot, _ bool) { s.decided("refuse"); s.answer(s.held()); s.want("refused", "") },
			"held":      func(s *spot, _ bool) { s.decided("refuse"); s.want("refused", "") },
			"acked":     func(s *spot, _ bool) { s.decided("refuse"); s.want("refused", "") },
			"confirmed": func(s *spot, _ bool) { s.decided("refuse"); s.want("refused", "y") }, // the feed's rows are the server's
		},
		"`log-gap` below it (restored server)": {
			"pending": stays("pending", "x", gap), "denied, refused": stays("denied, refused", "", gap),
			"acked": stays("pending", "x", gap), "held": stays("pending", "x", gap), "confirmed": stays("pending", "y", gap),
		},
		"fork at or below it": {"pending": forked, "acked": forked, "held": forked, "confirmed": forked, "denied, refused": forked},
		"root left": {
			"pending": func(s *spot, _ bool) {
				left(s)
				s.want("pending", "x")
				if s.next() == nil {
					s.t.Error("it is not sent")
				}
			},
			"acked": func(s *spot, _ bool) { left(s); s.want("acked", "x"); s.pass(false); s.want("confirmed", "") },
			"held":  stays("held", "x", left), "confirmed": stays("confirmed", "", left),
		},
		"35 days after its acknowledgement": {
			"pending": stays("pending", "x", old), "held": stays("held", "x", old),
			"acked":           func(s *spot, _ bool) { old(s); s.want("acked", "x"); s.pass(true); old(s); s.want("", "y") },
			"confirmed":       stays("", "y", old),
			"denied, refused": func(s *spot, _ bool) { old(s); s.want("", "") },
			"moved": func(s *spot, _ bool) {
				old(s)
				if s.next() == nil || s.shows() != "x" {
					s.t.Error("what it was recorded as again is gone too")
				}
			},
		},
		"process restart": {
			"pending": stays("pending", "x", restart), "acked": stays("acked", "x", restart), "held": stays("held", "x", restart),
			"confirmed": stays("confirmed", "y", restart), "denied, refused": stays("denied, refused", "", restart), "moved": stays("moved", "x", restart),
		},
	}
}

// TestEveryCellOfAChange plays every cell of the table of a change's states. A
// cell of PROTOCOL.md without a case fails, and so does a case without a cell.
func TestEveryCellOfAChange(t *testing.T) {
	table := prototest.States(t, "../../syncproto/PROTOCOL.md", "Each change has a state of its own", "| event | pending |")
	prototest.Play(t, table, changePlays(), 30, func(t *testing.T, state string, play changePlay) {
		play(inState(t, state, false), false)
		if state == "denied, refused" {
			t.Run("refused", func(t *testing.T) { play(inState(t, state, true), true) })
		}
	})
}
