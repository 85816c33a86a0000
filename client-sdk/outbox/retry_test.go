package outbox_test

import (
	"fmt"
	"testing"
	"time"

	"siteledger/client-sdk/outbox"
)

// TestEveryPhaseAndEvent asserts the whole table of Policy.Next: where each
// cell leads, and that every state that waits has a timer.
func TestEveryPhaseAndEvent(t *testing.T) {
	p := outbox.Policy{Min: 2 * time.Second, Max: time.Minute, Slow: time.Hour}
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	want := map[outbox.Event]string{ //   ready   waiting signin  revoked
		outbox.Done:         "ready ready ready ready",
		outbox.NoAnswer:     "waiting waiting signin revoked",
		outbox.Foreign:      "waiting waiting signin revoked",
		outbox.Busy:         "waiting waiting signin revoked",
		outbox.Failed:       "waiting waiting signin revoked",
		outbox.TokenRefused: "signin signin signin signin",
		outbox.RevokedEvent: "revoked revoked revoked revoked",
		outbox.Enrolled:     "ready ready ready ready",
		outbox.Nudged:       "ready waiting signin revoked",
	}
	for _, ev := range outbox.Events() {
		got := ""
		for i, phase := range outbox.Phases() {
			s := outbox.State{Phase: phase, Attempts: i}
			if phase != outbox.Ready {
				s.SetAt, s.NextAt = now.Add(-time.Minute), now.Add(time.Minute)
			}
			next := p.Next(s, ev, now, 0, 0.5)
			got += string(next.Phase) + " "
			if next.Phase != outbox.Ready && next.NextAt.IsZero() {
				t.Errorf("%s × %s waits without a timer", phase, ev)
			}
			if wait := next.Wait(now); wait > p.Slow || (ev == outbox.Nudged && wait != 0) {
				t.Errorf("%s × %s waits %s", phase, ev, wait)
			}
		}
		if got != want[ev]+" " {
			t.Errorf("%s: %s, want %s", ev, got, want[ev])
		}
	}
}

func TestWaitsGrowAndAreBounded(t *testing.T) {
	p := outbox.Policy{Min: 2 * time.Second, Max: time.Minute}
	for attempts, most := range map[int]time.Duration{1: 2 * time.Second, 2: 4 * time.Second, 5: 32 * time.Second, 6: time.Minute, 100000: time.Minute} {
		low, high := p.Delay(attempts, 0), p.Delay(attempts, 0.999999)
		if low != most/2 || high > most || high < most*9/10 {
			t.Errorf("attempt %d: %s to %s, want up to %s", attempts, low, high, most)
		}
	}
}

func TestRetryAfterAndClockThatGoesBack(t *testing.T) {
	p := outbox.Policy{Min: 2 * time.Second, Max: time.Minute, Slow: time.Hour}
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	s := p.Next(outbox.State{Phase: outbox.Ready}, outbox.Busy, now, 10*time.Minute, 0)
	if s.Wait(now) != 10*time.Minute {
		t.Errorf("waits %s instead of what the server asked for", s.Wait(now))
	}
	if n := p.Next(s, outbox.Nudged, now, 0, 0); n.Wait(now) != 10*time.Minute {
		t.Error("a nudge shortened the server's wait")
	}
	for _, back := range []time.Duration{time.Second, 40 * 24 * time.Hour} {
		if got := s.Wait(now.Add(-back)); got != 0 {
			t.Errorf("the clock went back by %s: waits %s", back, got)
		}
	}
	if got := fmt.Sprint(s.Wait(now.Add(time.Hour))); got != "0s" {
		t.Errorf("due, but waits %s", got)
	}
}
