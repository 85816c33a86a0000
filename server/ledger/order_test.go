package ledger_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"siteledger/server/ledger"
	"siteledger/server/store/storetest"
	"siteledger/syncproto"
	"siteledger/syncproto/schema"
)

// stalled is a ledger on the world's store whose transactions stop before
// their commit until they are let go.
func (w *world) stalled() (led *ledger.Ledger, reached <-chan struct{}, goOn func()) {
	w.Helper()
	at, free := make(chan struct{}), make(chan struct{})
	led, err := ledger.New(ledger.Config{
		Update: func(ctx context.Context, centre uuid.UUID, fn func(ledger.Tx) error) error {
			return w.st.UpdateCentre(ctx, centre, func(tx ledger.Tx) error {
				err := fn(tx)
				close(at)
				<-free
				return err
			})
		},
		Create: w.st.CreateStream, History: w.history, Schema: schema.MustCurrent(), Signer: w.key, Limits: syncproto.DefaultLimits(),
		Now: func() time.Time { return w.now }, NewID: newID, Salt: func() [16]byte { return newID() },
	})
	if err != nil {
		w.Fatal(err)
	}
	return led, at, sync.OnceFunc(func() { close(free) })
}

// TestFeedPassesNoLateCommit: one transaction is slow to commit, eight phones
// write meanwhile, and a reader pulls all the time. It misses no row: a rev is
// given when those before it are committed.
func TestFeedPassesNoLateCommit(t *testing.T) {
	const writers, each = 8, 5
	w := openWorld(t)
	reader := w.phone("读者")
	job, _ := w.job(reader.dev.Person)
	_, page := reader.pullAll("", 100)
	seen, cursor := map[uuid.UUID]bool{}, page.Next
	look := func() {
		rows, page := reader.pullAll(cursor, 3)
		for id := range rows {
			seen[id] = true
		}
		cursor = page.Next
	}
	note := func() ledger.Edit {
		return insert("note", newID(), map[string]any{"job": job[:], "kind": "note", "text": "x", "at": w.now.UnixMilli()})
	}

	slow, reached, goOn := w.stalled()
	defer goOn()
	late := note()
	var wg sync.WaitGroup
	failed := make(chan error, writers*each+1)
	wg.Go(func() {
		_, err := slow.Write(context.Background(), w.centre, w.clerk, []ledger.Edit{late})
		failed <- err
	})
	<-reached
	var mu sync.Mutex
	want := []uuid.UUID{late.Row}
	for range writers {
		wg.Go(func() {
			for range each {
				n := note()
				_, err := w.led.Write(context.Background(), w.centre, w.clerk, []ledger.Edit{n})
				failed <- err
				mu.Lock()
				want = append(want, n.Row)
				mu.Unlock()
			}
		})
	}
	if storetest.Turn() == "postgres" {
		w.otherCentreGoesOn()
	}
	look()
	if len(seen) != 0 {
		t.Errorf("%d rows were seen before the slow transaction's commit", len(seen))
	}
	goOn()
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
			look()
		}
	}
	look()
	for range writers*each + 1 {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
	for _, id := range want {
		if !seen[id] {
			t.Errorf("row %s was never delivered", id)
		}
	}
}

// otherCentreGoesOn writes to another centre while this one is held up.
func (w *world) otherCentreGoesOn() {
	w.Helper()
	other := newID()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := w.led.CreateStream(ctx, other, false); err != nil {
		w.Fatal(err)
	}
	if _, err := w.led.Write(ctx, other, system, []ledger.Edit{insert("person", newID(), map[string]any{"name": "别处", "role": "clerk", "active": true})}); err != nil {
		w.Errorf("another centre waits: %v", err)
	}
}

// TestNaiveCursorLosesARow is the control: a number from a sequence, taken
// without the lock, is passed by a reader before its row is committed.
func TestNaiveCursorLosesARow(t *testing.T) {
	ctx := context.Background()
	connect := func(url string) *pgx.Conn {
		c, err := pgx.Connect(ctx, url)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close(ctx) })
		return c
	}
	url := storetest.Postgres(t).URL
	a, b := connect(url), connect(url)
	run := func(c *pgx.Conn, text string) {
		if _, err := c.Exec(ctx, text); err != nil {
			t.Fatal(err)
		}
	}
	cursor := 0
	pull := func() (n int) {
		err := b.QueryRow(ctx, fmt.Sprintf("SELECT count(*), coalesce(max(seq), %d) FROM naive WHERE seq > %d", cursor, cursor)).Scan(&n, &cursor)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	run(a, "CREATE TABLE naive (seq BIGSERIAL PRIMARY KEY)")
	run(a, "BEGIN; INSERT INTO naive DEFAULT VALUES")
	run(b, "INSERT INTO naive DEFAULT VALUES")
	got := pull()
	run(a, "COMMIT")
	if got += pull(); got != 1 {
		t.Errorf("the naive reader saw %d of 2 rows: the control does not show the loss any more", got)
	}
}

// TestPushInFewTrips: a batch of a hundred changes asks the database a handful
// of questions, not one for each change.
func TestPushInFewTrips(t *testing.T) {
	w := openWorld(t)
	if storetest.Turn() != "postgres" {
		return // a file is not asked over a network
	}
	p := w.phone("李师傅")
	job, _ := w.job(p.dev.Person)
	visit := newID()
	for batch := range 3 {
		if batch == 0 {
			p.record(insert("visit", visit, map[string]any{"job": job[:], "person": p.dev.Person[:], "started_at": w.now.UnixMilli()}))
		}
		for range 100 {
			p.record(insert("note", newID(), map[string]any{"job": job[:], "kind": "note", "text": "x", "at": w.now.UnixMilli(), "author": p.dev.Person[:]}))
		}
		before := w.st.Load().Trips
		if a := p.push(); len(a.Outcomes) > 0 {
			t.Errorf("not plainly applied: %+v", a.Outcomes[0])
		}
		trips := w.st.Load().Trips - before
		t.Logf("batch %d: %d trips", batch, trips)
		if trips > 10 {
			t.Errorf("batch %d needed %d trips", batch, trips)
		}
	}
}

// TestNULIsHeldAndTheLogGoesOn: a text that no database need keep, and a table
// whose name is one, become cases on either engine.
func TestNULIsHeldAndTheLogGoesOn(t *testing.T) {
	w := openWorld(t)
	p := w.phone("李师傅")
	job, _ := w.job(p.dev.Person)
	note := func(text string) ledger.Edit {
		return insert("note", newID(), map[string]any{"job": job[:], "kind": "note", "text": text, "at": w.now.UnixMilli()})
	}
	good := note("好")
	p.record(note("a\x00b"))
	p.record(insert("no\x00te", newID(), map[string]any{"col\x00umn": "x"}))
	p.record(good)
	a := p.push()
	codes := map[uint64]syncproto.Reason{}
	for _, o := range a.Outcomes {
		codes[o.Seq] = o.Reason
	}
	if a.Acked != 3 || codes[1] != syncproto.BadValue || codes[2] != syncproto.UnknownTable {
		t.Errorf("acked %d, outcomes %+v", a.Acked, a.Outcomes)
	}
}
