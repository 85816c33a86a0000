package ledger_test

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"siteledger/syncproto"
)

// losers are the losing values of a column that are kept, as JSON text.
func (w *world) losers(table string, row uuid.UUID, column string) (out []string) {
	w.Helper()
	err := w.st.View(context.Background(), func(tx *sql.Tx) error {
		rows, err := tx.Query("SELECT value FROM loser WHERE centre = $1 AND tbl = $2 AND row = $3 AND col = $4", w.centre[:], table, row[:], column)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var v string
			if err := rows.Scan(&v); err != nil {
				return err
			}
			out = append(out, v)
		}
		return rows.Err()
	})
	if err != nil {
		w.Fatal(err)
	}
	return out
}

// crew is three installers on one job, each with a phone.
type crew struct {
	*world
	phones                    []*phone
	job, contact, visit, line uuid.UUID
	base                      map[uuid.UUID]uint64
}

func (w *world) crew(phones []*phone) *crew {
	w.Helper()
	c := &crew{world: w, phones: phones, visit: newID(), line: newID(), base: map[uuid.UUID]uint64{}}
	c.job, c.contact = w.job(phones[0].dev.Person)
	for _, p := range phones[1:] {
		w.write(w.clerk, insert("assignment", newID(), map[string]any{"job": c.job[:], "person": p.dev.Person[:], "active": true}))
	}
	phones[0].record(
		insert("visit", c.visit, map[string]any{"job": c.job[:], "person": phones[0].dev.Person[:], "started_at": int64(1)}),
		insert("fee_line", c.line, map[string]any{"visit": c.visit[:], "item": "A", "name": "原来", "standard_version": "1", "quantity": int64(1), "standard_price": int64(10), "charged": int64(10), "currency": "CNY", "basis": "standard"}))
	phones[0].push()
	rows, _ := phones[0].pullAll("", 500)
	for _, id := range []uuid.UUID{c.contact, c.line} {
		c.base[id] = rows[id].Rev
	}
	return c
}

// race lets the three write without knowing of each other, each at a time of
// his own, and arrive in an order; it gives the answers in that order.
func (c *crew) race(values []string, at []time.Duration, order []int) []*syncproto.PushAnswer {
	c.Helper()
	start := c.now
	for i, p := range c.phones {
		c.now = start.Add(at[i])
		p.record(update("job_contact", c.contact, c.base[c.contact], map[string]any{"note": values[i]}))
		p.record(update("fee_line", c.line, c.base[c.line], map[string]any{"name": values[i]}))
	}
	c.now = start.Add(time.Hour) // later than any of them: no time is clamped
	var out []*syncproto.PushAnswer
	for _, i := range order {
		out = append(out, c.phones[i].push())
	}
	return out
}

// TestRacesThroughTheFold: three phones write one `latest` and one `review`
// column without knowing of each other and arrive in each of the six orders.
// The `latest` value is the same in every order; every value that does not
// stand is kept; under `review` the first to arrive stands and every other one
// is an open case, told to its writer; the same bytes again change nothing; and
// a rebuild gives the same state (P2, P5, P6).
func TestRacesThroughTheFold(t *testing.T) {
	w := openWorld(t)
	phones := []*phone{w.phone("李师傅"), w.phone("陈师傅"), w.phone("赵师傅")}
	random := rand.New(rand.NewPCG(3, 9))
	orders := [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}}
	conflicts := 0
	for range max(onTurn(6), 1) {
		values, at := make([]string, 3), make([]time.Duration, 3)
		for i := range values {
			values[i] = string(rune('甲' + random.IntN(3)))
			at[i] = time.Duration(1+random.IntN(3)) * time.Second // ties are common: then the device decides
		}
		stood := map[any]bool{}
		for _, order := range orders {
			c := w.crew(phones)
			answers := c.race(values, at, order)
			rows, _ := phones[0].pullAll("", 1000)
			stood[rows[c.contact].Cols["note"]] = true
			all := slices.Compact(slices.Sorted(slices.Values(values)))
			c.allKept("job_contact", c.contact, "note", rows[c.contact].Cols["note"], all)
			c.allKept("fee_line", c.line, "name", rows[c.line].Cols["name"], all)
			if first := values[order[0]]; rows[c.line].Cols["name"] != first {
				t.Errorf("%v in order %v: %v stands under review, want %s", values, order, rows[c.line].Cols["name"], first)
			}
			for k, i := range order {
				want := k > 0 && values[i] != values[order[0]]
				told := slices.ContainsFunc(answers[k].Outcomes, func(o syncproto.Outcome) bool { return o.Code == syncproto.Conflict })
				if told != want {
					t.Errorf("%v in order %v: %d is told of a conflict %v, want %v", values, order, i, told, want)
				}
				if want {
					conflicts++
				}
			}
			if n := len(w.cases()["conflict"]); n != conflicts {
				t.Fatalf("%d open conflicts, want %d", n, conflicts)
			}
		}
		if len(stood) != 1 {
			t.Errorf("%v at %v: %v stand, each in some order", values, at, slices.Collect(maps.Keys(stood)))
		}
	}
	w.againChangesNothing(phones)
	if d := w.rebuilt(); len(d) > 0 {
		t.Errorf("rebuilt: %v", d)
	}
	t.Logf("%d conflicts in races of three", conflicts)
}

// allKept wants every value that was written either standing or kept.
func (c *crew) allKept(table string, row uuid.UUID, column string, stands any, all []string) {
	c.Helper()
	kept := c.losers(table, row, column)
	for _, v := range all {
		if v != stands && !slices.ContainsFunc(kept, func(k string) bool { return strings.Contains(k, v) }) {
			c.Errorf("%s.%s: %s neither stands (%v) nor is kept (%v)", table, column, v, stands, kept)
		}
	}
}

// againChangesNothing sends every log again from the start.
func (w *world) againChangesNothing(phones []*phone) {
	w.Helper()
	state := func() string {
		rows, page := phones[0].pullAll("", 1000)
		return fmt.Sprint(len(rows), page.Total.Sum, w.count("SELECT count(*) FROM loser"), w.count("SELECT count(*) FROM case_file"), w.count("SELECT count(*) FROM ledger"))
	}
	before := state()
	for _, p := range phones {
		if _, err := w.led.Push(context.Background(), p.dev, p.request(1, uint64(len(p.log)))); err != nil {
			w.Fatal(err)
		}
	}
	if after := state(); after != before {
		w.Errorf("the same bytes again: %s became %s", before, after)
	}
}
