// Package merge decides what becomes of one column when two logs wrote it
// without knowing of each other. It is a pure function of its input: no clock,
// no map order, no randomness, so that a rebuild of the state from the ledger
// takes the same decisions.
//
// It never throws a value away: whichever side loses is reported, and the
// caller keeps it readable (promise P5). The answer is a [Verdict], never an
// error.
package merge

import (
	"bytes"

	"github.com/google/uuid"

	"siteledger/syncproto"
	"siteledger/syncproto/schema"
)

// Rules is the number of the merge rules in this package. A corrected rule
// gets a new number, and a rebuild uses the number that the batch was stored
// with.
const Rules = 1

// Side is one of the two values and who wrote it.
type Side struct {
	Value    schema.Value
	HLC      uint64 // clamped to the time of receipt
	Device   uuid.UUID
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

// Verdict is the answer. Take says that the new value now stands. Lost names
// the side whose value must be kept as a loser; None where nothing was lost.
type Verdict struct {
	Take    bool
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
func Column(in Input) Verdict {
	if schema.Equal(in.Standing.Value, in.New.Value) {
		if in.Concurrent {
			return bothSame
		}
		return same
	}
	if !in.Concurrent {
		return take
	}
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
	return latest(in)
}

// latest: the higher (hlc, device) wins, in whichever order the two arrive.
func latest(in Input) Verdict {
	if later(in.New, in.Standing) {
		return takeOver
	}
	return keepMerged
}

func later(a, b Side) bool {
	if a.HLC != b.HLC {
		return a.HLC > b.HLC
	}
	return bytes.Compare(a.Device[:], b.Device[:]) > 0
}
