package ledger_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/server/ledger"
	"siteledger/server/store/storetest"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/prototest"
)

// cell is a log in one of the table's states: unknown with two changes to send,
// or known with two sent and two more to send.
type cell struct {
	*phone
	n   uint64 // what the server has
	job uuid.UUID
}

func (c *cell) note(text string) ledger.Edit {
	return insert("note", newID(), map[string]any{"job": c.job[:], "kind": "note", "text": text, "at": int64(1)})
}

func openCell(t *testing.T, state string) *cell {
	t.Helper()
	w := openWorld(t)
	c := &cell{phone: w.phone("李师傅")}
	c.job, _ = w.job(c.dev.Person)
	if state != "unknown" {
		c.record(c.note("1"))
		c.record(c.note("<no such table>"), insert("nothing", newID(), map[string]any{}))
		c.push()
		c.n = c.acked
	}
	c.record(c.note("x"))
	c.record(c.note("y"))
	return c
}

// has wants that the server is at a number of the log.
func (c *cell) has(n uint64) {
	c.Helper()
	if got := c.count("SELECT coalesce(max(acked), 0) FROM log WHERE device = $1 AND epoch = $2", c.dev.ID[:], c.epoch[:]); got != int(n) {
		c.Errorf("the server is at %d of the log, want %d", got, n)
	}
}

// refused wants a refusal that names what the server has.
func (c *cell) refused(err error, code syncproto.Code) *fault.Error {
	c.Helper()
	f := fault.Of(err)
	if f == nil || f.Code != code || f.Acked == nil || *f.Acked != c.n {
		c.Fatalf("got %v, want %s with acked %d", err, code, c.n)
	}
	c.has(c.n)
	return f
}

func (c *cell) send(from uint64) (*syncproto.PushAnswer, error) {
	return c.led.Push(context.Background(), c.dev, c.request(from, uint64(len(c.log))))
}

// settles sends what the server lacks: it must arrive, once, whatever was before.
func (c *cell) settles() {
	c.Helper()
	a, err := c.send(c.n + 1)
	if err != nil || a.Acked != uint64(len(c.log)) || uuid.UUID(a.Head[:16]) != uuid.UUID(c.heads[len(c.log)][:16]) {
		c.Fatalf("after it: %v %+v", err, a)
	}
	c.has(uint64(len(c.log)))
	c.once()
}

// once wants each note to stand once, and a repeated push to change nothing.
func (c *cell) once() {
	c.Helper()
	want := 2
	if c.n > 0 {
		want++
	}
	rev := c.count("SELECT max(rev) FROM stream WHERE centre = $1", c.centre[:])
	a, err := c.send(1)
	if err != nil || a.Acked != uint64(len(c.log)) {
		c.Errorf("the whole log once more: %v", err)
	}
	if held := len(a.Outcomes); c.n > 0 && held != 2 || c.n == 0 && held != 0 {
		c.Errorf("outcomes given again: %+v", a.Outcomes)
	}
	if n := c.count("SELECT count(*) FROM state_note WHERE root = $1", c.job[:]); n != want {
		c.Errorf("%d notes, want %d", n, want)
	}
	if again := c.count("SELECT max(rev) FROM stream WHERE centre = $1", c.centre[:]); again != rev {
		c.Error("a repeated push gave new revs")
	}
}

// failing is the same server with a commit that goes wrong.
func (c *cell) failing(update func(ctx context.Context, centre uuid.UUID, fn func(ledger.Tx) error) error) *ledger.Ledger {
	c.Helper()
	cfg := c.led.Config
	cfg.Update = update
	l, err := ledger.New(cfg)
	if err != nil {
		c.Fatal(err)
	}
	return l
}

var errCrash = errors.New("crash")

// plays are what happens in each cell. A case ends with all that the phone
// recorded on the server, but where the table says that it never will be.
func plays() map[string]func(*cell) {
	return map[string]func(*cell){
		"push, from = n + 1, prev = h(n)": (*cell).settles,
		"push, from ≤ n, overlap equal": func(c *cell) {
			a, err := c.send(1)
			if err != nil || a.Acked != uint64(len(c.log)) {
				c.Fatalf("overlap: %v", err)
			}
			c.once()
		},
		"push, from > n + 1": func(c *cell) {
			c.refusedGap()
			c.settles()
		},
		"push, overlap or prev differs": func(c *cell) {
			twin := *c.phone
			twin.log, twin.heads = nil, []changelog.Hash{changelog.Genesis(c.dev.ID, c.epoch)}
			if c.n == 0 {
				twin.heads[0][0]++ // another beginning
			}
			for range c.n + 1 {
				twin.record(c.note("twin"))
			}
			_, err := twin.led.Push(context.Background(), twin.dev, twin.request(1, uint64(len(twin.log))))
			f := c.refused(err, syncproto.LogForked)
			if f.Common == nil || *f.Common != 0 {
				c.Errorf("common is %v", f.Common)
			}
			if n := c.count("SELECT count(*) FROM quarantine WHERE device = $1 AND code = 'log-forked'", c.dev.ID[:]); n != 1 {
				c.Errorf("%d batches set aside", n)
			}
			if len(c.cases()["fork"]) != 1 {
				c.Errorf("cases %v", c.cases())
			}
			c.settles()
		},
		"push with another history": func(c *cell) {
			req := c.request(c.n+1, uint64(len(c.log)))
			other := newID()
			req.History = other[:]
			_, err := c.led.Push(context.Background(), c.dev, req)
			c.refused(err, syncproto.HistoryChanged)
			c.settles()
		},
		"two pushes at once": func(c *cell) {
			var wg sync.WaitGroup
			for range 2 {
				wg.Go(func() {
					if a, err := c.send(c.n + 1); err != nil || a.Acked != uint64(len(c.log)) {
						c.Errorf("one of two: %v", err)
					}
				})
			}
			wg.Wait()
			c.once()
		},
		"the answer is lost": func(c *cell) {
			if _, err := c.send(c.n + 1); err != nil {
				c.Fatal(err)
			}
			c.settles()
		},
		"crash before the commit": func(c *cell) {
			l := c.failing(func(ctx context.Context, centre uuid.UUID, fn func(ledger.Tx) error) error {
				return c.st.UpdateCentre(ctx, centre, func(tx ledger.Tx) error { return errors.Join(fn(tx), errCrash) })
			})
			if _, err := l.Push(context.Background(), c.dev, c.request(c.n+1, uint64(len(c.log)))); !errors.Is(err, errCrash) {
				c.Fatalf("got %v", err)
			}
			c.has(c.n)
			c.settles()
		},
		"crash behind the commit": func(c *cell) {
			l := c.failing(func(ctx context.Context, centre uuid.UUID, fn func(ledger.Tx) error) error {
				return errors.Join(c.st.UpdateCentre(ctx, centre, fn), errCrash)
			})
			if _, err := l.Push(context.Background(), c.dev, c.request(c.n+1, uint64(len(c.log)))); !errors.Is(err, errCrash) {
				c.Fatalf("got %v", err)
			}
			c.has(uint64(len(c.log)))
			c.settles()
		},
		"device revoked": func(c *cell) {
			c.dev.Revoked = true
			if _, err := c.send(c.n + 1); fault.CodeOf(err) != syncproto.DeviceRevoked {
				c.Fatalf("got %v", err)
			}
			c.has(c.n)
			if n := c.count("SELECT count(*) FROM quarantine WHERE device = $1 AND code = 'device-revoked'", c.dev.ID[:]); n != 1 {
				c.Errorf("%d batches set aside", n)
			}
		},
		"restore from a backup": func(c *cell) {
			last := c.count("SELECT max(rev) FROM stream WHERE centre = $1", c.centre[:])
			cfg := c.led.Config
			cfg.History = newID()
			l, err := ledger.New(cfg)
			if err != nil {
				c.Fatal(err)
			}
			if err := l.BeginHistory(context.Background(), c.centre, newID(), uint64(last)+1<<40); err != nil {
				c.Fatal(err)
			}
			c.led = l
			_, err = c.send(c.n + 1)
			c.refused(err, syncproto.HistoryChanged)
			c.history = cfg.History
			c.settles()
			if rev := c.count("SELECT max(rev) FROM stream WHERE centre = $1", c.centre[:]); rev <= last+1<<40 {
				c.Errorf("rev %d is one of the past", rev)
			}
		},
		"too many calls": func(c *cell) {
			l := c.failing(func(context.Context, uuid.UUID, func(ledger.Tx) error) error {
				return fault.New(syncproto.Busy, "busy")
			})
			if _, err := l.Push(context.Background(), c.dev, c.request(c.n+1, uint64(len(c.log)))); fault.CodeOf(err) != syncproto.Busy {
				c.Fatalf("got %v", err)
			}
			c.has(c.n)
			c.settles()
		},
	}
}

// refusedGap sends all but the next change.
func (c *cell) refusedGap() {
	c.Helper()
	_, err := c.led.Push(context.Background(), c.dev, c.request(c.n+2, uint64(len(c.log))))
	c.refused(err, syncproto.LogGap)
}

// TestEveryCellOfTheServer plays every cell of the server's table. A cell
// without a case fails, and so does a case without a row.
func TestEveryCellOfTheServer(t *testing.T) {
	table := prototest.States(t, "../../syncproto/PROTOCOL.md", "### The server: state × event", "| event | unknown |")
	cases := map[string]map[string]func(*cell){}
	for event, play := range plays() {
		cases[event] = map[string]func(*cell){}
		for state := range table.Cells[event] {
			cases[event][state] = play
		}
	}
	// What hangs on the store's transactions is played on every engine.
	commits := map[string]bool{"two pushes at once": true, "crash before the commit": true, "crash behind the commit": true}
	if storetest.Turn() != "sqlite" {
		for event := range cases {
			if !commits[event] {
				delete(cases, event)
				delete(table.Cells, event)
			}
		}
	}
	prototest.Play(t, table, cases, len(commits), func(t *testing.T, state string, play func(*cell)) {
		play(openCell(t, state))
	})
}
