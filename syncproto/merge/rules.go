package merge

import (
	"bytes"
	"fmt"
)

// Rules is the number of the rules that new batches are folded with. The
// schema's descriptor names it too.
const Rules = 2

// RuleSet is one numbered set of merge rules. What the sets have in common is in
// [RuleSet.Column]; here is what was corrected.
type RuleSet struct {
	Number int

	// later says that a beats b under `latest`. Over all values of a column it
	// should be an order without ties, or the result hangs on who arrives first.
	later func(a, b Side) bool
	// equal decides where both wrote the same without knowing of each other.
	equal func(r RuleSet, in Input) Verdict
	// OwnRoot says that a held insert is held under the root that its row would
	// have had, and so holds back what follows there: the writer's person, or
	// the root of a parent that is held itself.
	OwnRoot bool
}

// sets are all rules that ever folded a batch, oldest first.
//
//	1  The higher (hlc, device) wins. Two logs of one device (a restored or
//	   copied phone) may hold the same hybrid time; then the first to arrive
//	   stood. Of two equal values the first to arrive gave its time, so that a
//	   third value between the two won or lost by the order of arrival.
//	2  The higher (hlc, device, epoch) wins. Of two equal values the winner's
//	   time counts from then on: `latest` gives the same value in any order.
//	   A held insert is held under its own root; before, one under a person or
//	   under a held parent stood under no root and held nothing back.
func sets() []RuleSet {
	return []RuleSet{
		{Number: 1, later: laterByDevice, equal: equalStays},
		{Number: 2, later: laterByEpoch, equal: equalCounts, OwnRoot: true},
	}
}

// ByNumber finds the rules with a number; an error for one that this build does
// not have.
func ByNumber(n int) (RuleSet, error) {
	for _, r := range sets() {
		if r.Number == n {
			return r, nil
		}
	}
	return RuleSet{}, fmt.Errorf("merge rules %d are unknown", n)
}

func laterByDevice(a, b Side) bool {
	if a.HLC != b.HLC {
		return a.HLC > b.HLC
	}
	return bytes.Compare(a.Device[:], b.Device[:]) > 0
}

func laterByEpoch(a, b Side) bool {
	if a.HLC == b.HLC && a.Device == b.Device {
		return bytes.Compare(a.Epoch[:], b.Epoch[:]) > 0
	}
	return laterByDevice(a, b)
}

func equalStays(RuleSet, Input) Verdict { return bothSame }

func equalCounts(r RuleSet, in Input) Verdict {
	v := bothSame
	v.Restamp = r.differ(in).Take
	return v
}
