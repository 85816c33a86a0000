// Package merge decides what becomes of one column when two logs wrote it
// without knowing of each other. It is a pure function of its input: no clock,
// no map order, no randomness, so that a rebuild of the state from the ledger
// takes the same decisions.
//
// It never throws a value away: whichever side loses is reported, and the
// caller keeps it readable (promise P5). The answer is a [Verdict], never an
// error.
//
// A rule that is corrected gets a new number, and the old one stays: a batch is
// folded again by the rules that folded it first ([ByNumber]).
package merge

import (
	"github.com/google/uuid"

	"siteledger/syncproto"
	"siteledger/syncproto/schema"
)

// Side is one of the two values and who wrote it.
type Side struct {
	Value    schema.Value
	HLC      uint64 // clamped to the time of receipt
	Device   uuid.UUID
	Epoch    uuid.UUID
	Office   bool // written in an office log
	Assigned bool // written by an installer who is on the job's crew
}

// Input is one column's question.
type Input struct {
	Rule       schema.Rule
	Standing   Side
	New        Side
	Concurrent bool // the standing value came from another log, after the new one's base
	Crew       bool // the job has an assignment
}

// Verdict is the answer. Take says that the new value now stands. Restamp says
// that the value stays, and counts from now on as written by the new side. Lost
// names the side whose value must be kept as a loser; None where nothing was
// lost.
type Verdict struct {
	Take    bool
	Restamp bool
	Lost    Lost
	Outcome syncproto.OutcomeCode // "", Merged or Conflict, of the new change
}

// Lost names a losing side.
type Lost uint8

// The losing sides.
const (
	None Lost = iota
	LostNew
	LostStanding
)

var (
	same       = Verdict{}
	bothSame   = Verdict{Outcome: syncproto.Merged}
	take       = Verdict{Take: true}
	takeOver   = Verdict{Take: true, Lost: LostStanding}
	takeAsk    = Verdict{Take: true, Lost: LostStanding, Outcome: syncproto.Conflict}
	keepMerged = Verdict{Lost: LostNew, Outcome: syncproto.Merged}
	keepAsk    = Verdict{Lost: LostNew, Outcome: syncproto.Conflict}
)

// Column decides. A fact or state column never comes here with a concurrent
// value: facts are insert only, and a state's steps are checked one by one.
func (r RuleSet) Column(in Input) Verdict {
	if schema.Equal(in.Standing.Value, in.New.Value) {
		if in.Concurrent {
			return r.equal(r, in)
		}
		return same
	}
	if !in.Concurrent {
		return take
	}
	return r.differ(in)
}

// differ decides between two values that were written without knowing of each
// other.
func (r RuleSet) differ(in Input) Verdict {
	switch in.Rule {
	case schema.Review:
		return keepAsk
	case schema.Office:
		if in.Crew && in.Standing.Office != in.New.Office {
			if in.New.Office {
				return takeAsk
			}
			return keepAsk
		}
	case schema.Site:
		if in.Crew && in.Standing.Office != in.New.Office {
			if in.New.Assigned {
				return takeAsk
			}
			if in.Standing.Assigned {
				return keepAsk
			}
		}
	}
	if r.later(in.New, in.Standing) {
		return takeOver
	}
	return keepMerged
}
