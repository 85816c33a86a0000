package api

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestHallIsFair: a device that asks for much does not keep the others out: a
// place that gets free goes to the devices in turn.
func TestHallIsFair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall("push", 1, 100, time.Minute)
		leave, err := h.enter(t.Context(), "greedy")
		if err != nil {
			t.Fatal(err)
		}
		var order []string
		ask := func(device string) {
			go func() {
				leave, err := h.enter(t.Context(), device)
				if err != nil {
					t.Error(err)
					return
				}
				order = append(order, device) // one at a time: the hall has one place
				leave()
			}()
			synctest.Wait()
		}
		for range 20 {
			ask("greedy")
		}
		ask("a")
		ask("b")
		leave()
		leave() // leaving twice gives nothing away
		synctest.Wait()
		if len(order) != 22 || order[1] != "a" || order[2] != "b" {
			t.Errorf("order %v", order)
		}
		if inside, waiting := h.load(); inside != 0 || waiting != 0 || len(h.lines) != 0 || len(h.turns) != 0 {
			t.Errorf("%d inside, %d waiting, %v", inside, waiting, h.turns)
		}
	})
}

// TestHallBounds: too many waiting, and waiting too long, are told to come
// back; a caller that is gone gives its place in the line up.
func TestHallBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refused := 0
		h := newHall("pull", 1, 2, time.Second)
		h.refused = func(string) { refused++ }
		leave, err := h.enter(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		gone, waited := make(chan error, 1), make(chan error, 1)
		go func() { _, err := h.enter(ctx, "b"); gone <- err }()
		synctest.Wait()
		go func() { _, err := h.enter(t.Context(), "b"); waited <- err }()
		synctest.Wait()
		var full *hallError
		if _, err := h.enter(t.Context(), "c"); !errors.As(err, &full) {
			t.Errorf("a third in the line: %v", err)
		}
		cancel()
		if err := <-gone; !errors.Is(err, context.Canceled) {
			t.Errorf("gone: %v", err)
		}
		if err := <-waited; !errors.As(err, &full) { // after a second of the bubble's time
			t.Errorf("waited in vain: %v", err)
		}
		leave()
		if inside, waiting := h.load(); inside != 0 || waiting != 0 || len(h.turns) != 0 || refused != 2 {
			t.Errorf("%d inside, %d waiting, %d refused", inside, waiting, refused)
		}
	})
}

// TestQuotas: a share is never passed, by all together or by one.
func TestQuotas(t *testing.T) {
	q := &quota{most: 100, each: 40, held: map[string]int64{}}
	for _, step := range []struct {
		key  string
		n    int64
		want bool
	}{{"a", 40, true}, {"a", 1, false}, {"b", 40, true}, {"c", 20, true}, {"d", 1, false}} {
		if got := q.take(step.key, step.n, step.n); got != step.want {
			t.Errorf("%s takes %d: %v", step.key, step.n, got)
		}
	}
	if q.take("e", 1, smallBody+1) {
		t.Error("a large body took the last quarter")
	}
	q.give("a", 40)
	if !q.take("d", 40, 40) || q.bytes() != 100 || len(q.held) != 3 {
		t.Errorf("%v bytes, %v", q.bytes(), q.held)
	}
}

// TestDecodingWaits: who finds the decoding half used up waits for it, and not
// for ever.
func TestDecodingWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(20, 10, time.Second)
		free, err := b.decodes(t.Context(), 8)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.decodes(t.Context(), 5); err == nil {
			t.Error("13 of 10 bytes")
		}
		go func() { time.Sleep(time.Second / 2); free(); free() }()
		if _, err := b.decodes(t.Context(), 1000); err != nil { // the largest there may be
			t.Error(err)
		}
	})
}
