package outbox

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Phase is what the sync is doing when it is not running.
type Phase string

// The phases. All but Ready have a timer.
const (
	Ready   Phase = "ready"   // nothing failed: go when there is something to do
	Waiting Phase = "waiting" // failed: go when the timer fires
	SignIn  Phase = "signin"  // the session ended: a person gets a code; the log waits
	Revoked Phase = "revoked" // the device was revoked: as SignIn
)

// Event is how a round ended, or what happened outside of one.
type Event string

// The events.
const (
	Done         Event = "done"      // the round did all of its work
	NoAnswer     Event = "no-answer" // no network, a cut, a timeout
	Foreign      Event = "foreign"   // something else than our server answered
	Busy         Event = "busy"      // 429, 503, with or without Retry-After
	Failed       Event = "failed"    // any other refusal or failure
	TokenRefused Event = "token-refused"
	RevokedEvent Event = "revoked"
	Enrolled     Event = "enrolled" // a person entered a new code
	Nudged       Event = "nudged"   // the network came back, or somebody pressed the button
)

// Phases and Events list all, for the table and its test.
func Phases() []Phase { return []Phase{Ready, Waiting, SignIn, Revoked} }

// Events lists all events.
func Events() []Event {
	return []Event{Done, NoAnswer, Foreign, Busy, Failed, TokenRefused, RevokedEvent, Enrolled, Nudged}
}

// State is where the sync stands. It is kept in the file, so that a killed app
// waits on where it was.
type State struct {
	Phase    Phase
	Attempts int       // failures in a row
	SetAt    time.Time // when the timer was set, by this phone's clock
	NextAt   time.Time // when it fires
	Code     string    // of the last failure
}

// Policy bounds the waits.
type Policy struct {
	Min, Max time.Duration
	// Slow is the timer of states that wait for a person: the server may have
	// been wrong, so it is asked again.
	Slow time.Duration
}

// Next is the whole table of phase × event:
//
//	          ready          waiting        signin         revoked
//	done      ready          ready          ready          ready
//	no-answer waiting        waiting        signin, later  revoked, later
//	foreign   waiting        waiting        signin, later  revoked, later
//	busy      waiting        waiting        signin, later  revoked, later
//	failed    waiting        waiting        signin, later  revoked, later
//	token-ref signin         signin         signin, later  signin, later
//	revoked   revoked        revoked        revoked        revoked, later
//	enrolled  ready          ready          ready          ready
//	nudged    ready          now (1)        signin, now    revoked, now
//
// "later" sets the timer anew; every cell but ready has a timer, so nothing
// waits for an event that may never come. (1) A wait that the server asked for
// by Retry-After is kept.
//
// random is a number in [0, 1) for the jitter.
func (p Policy) Next(s State, ev Event, now time.Time, retryAfter time.Duration, random float64) State {
	switch ev {
	case Done, Enrolled:
		return State{Phase: Ready}
	case Nudged:
		if s.Phase == Ready || (s.Phase == Waiting && s.Code == string(Busy)) {
			return s
		}
		s.SetAt, s.NextAt = now, now
		return s
	}
	next := State{Phase: Waiting, Attempts: s.Attempts + 1, SetAt: now, Code: string(ev)}
	switch {
	case ev == TokenRefused:
		next.Phase = SignIn
	case ev == RevokedEvent:
		next.Phase = Revoked
	case s.Phase == SignIn || s.Phase == Revoked:
		next.Phase, next.Code = s.Phase, s.Code
	}
	if next.Phase != Waiting {
		next.NextAt = now.Add(p.Slow)
		return next
	}
	next.NextAt = now.Add(max(retryAfter, p.Delay(next.Attempts, random)))
	return next
}

// Delay is the wait after the n-th failure in a row: between half of and the
// whole of min(Max, Min·2ⁿ⁻¹), so that many phones don't come back at once.
func (p Policy) Delay(attempts int, random float64) time.Duration {
	d := p.Min
	for i := 1; i < attempts && d < p.Max; i++ {
		d *= 2
	}
	d = min(d, p.Max)
	return d/2 + time.Duration(random*float64(d/2))
}

// Wait is how long until the timer fires; 0 for now. A clock that went back
// behind the moment at which the timer was set ends the wait.
func (s State) Wait(now time.Time) time.Duration {
	if s.Phase == Ready || !s.NextAt.After(now) || now.Before(s.SetAt) {
		return 0
	}
	return s.NextAt.Sub(now)
}

// LoadState reads where the sync stands.
func (o *Outbox) LoadState(ctx context.Context, tx *sql.Tx) (State, error) {
	var s State
	var set, next int64
	if err := tx.QueryRowContext(ctx, `SELECT phase, attempts, set_at, next_at, code FROM sync_state WHERE id = 1`).
		Scan(&s.Phase, &s.Attempts, &set, &next, &s.Code); err != nil {
		return State{}, fmt.Errorf("sync state: %w", err)
	}
	s.SetAt, s.NextAt = time.UnixMilli(set), time.UnixMilli(next)
	return s, nil
}

// SaveState writes where the sync stands.
func (o *Outbox) SaveState(ctx context.Context, tx *sql.Tx, s State) error {
	millis := func(t time.Time) int64 {
		if t.IsZero() {
			return 0
		}
		return t.UnixMilli()
	}
	if _, err := tx.ExecContext(ctx, `UPDATE sync_state SET phase = $1, attempts = $2, set_at = $3, next_at = $4, code = $5 WHERE id = 1`,
		string(s.Phase), s.Attempts, millis(s.SetAt), millis(s.NextAt), s.Code); err != nil {
		return fmt.Errorf("sync state: %w", err)
	}
	return nil
}
