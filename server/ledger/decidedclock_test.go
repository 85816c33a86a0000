package ledger_test

import "testing"

// TestDecidedClockStaysDecided: what a person decided about a phone's clock holds
// for all that comes of the same boot, and a decision that compensates it turns
// all of it over (P10).
func TestDecidedClockStaysDecided(t *testing.T) {
	w := openWorld(t)
	p := w.phone("李师傅")
	job, _ := w.job(p.dev.Person)
	p.wall = 2 * 3600_000
	p.checkIn(job)
	p.push()
	kase := w.cases()["clock"][0]
	stand := func(want int) {
		t.Helper()
		if n := w.count("SELECT count(*) FROM event_time WHERE stands = 1"); n != want {
			t.Errorf("%d intervals stand, want %d", n, want)
		}
	}
	first := newID()
	w.write(w.clerk, insert("decision", first, map[string]any{"case": kase[:], "verdict": "keep", "at": w.now.UnixMilli(), "by": w.clerk.Person[:]}))
	stand(0)
	p.checkIn(job)
	p.push()
	stand(0)
	w.write(w.clerk, insert("decision", newID(), map[string]any{"case": first[:], "verdict": "accept", "at": w.now.UnixMilli(), "by": w.clerk.Person[:]}))
	stand(4)
	if d := w.rebuilt(); len(d) > 0 {
		t.Errorf("rebuilt: %v", d)
	}
}
