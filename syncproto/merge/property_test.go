package merge_test

import (
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"siteledger/syncproto"
	"siteledger/syncproto/merge"
	"siteledger/syncproto/schema"
)

// side draws one of few values, times and writers, so that ties are common.
func side(t *rapid.T, name string) merge.Side {
	s := merge.Side{Value: rapid.Int64Range(0, 2).Draw(t, name+" value"), HLC: rapid.Uint64Range(1, 3).Draw(t, name+" hlc"),
		Device: uuid.UUID{rapid.Byte().Draw(t, name+" device") % 3}, Epoch: uuid.UUID{rapid.Byte().Draw(t, name+" epoch") % 2}}
	switch rapid.IntRange(0, 2).Draw(t, name+" who") {
	case 0:
		s.Office = true
	case 1:
		s.Assigned = true
	}
	return s
}

func question(t *rapid.T) merge.Input {
	rules := []schema.Rule{schema.Latest, schema.Office, schema.Site, schema.Review}
	return merge.Input{Rule: rapid.SampledFrom(rules).Draw(t, "rule"), Standing: side(t, "standing"), New: side(t, "new"),
		Concurrent: rapid.Bool().Draw(t, "concurrent"), Crew: rapid.Bool().Draw(t, "crew")}
}

// conflictBySpec is section 5 of PROTOCOL.md in other words: a person has to
// look where the rule is review, or where office and site, on a job with a
// crew, wrote without knowing of each other.
func conflictBySpec(in merge.Input) bool {
	if !in.Concurrent || in.Standing.Value == in.New.Value {
		return false
	}
	across := in.Crew && in.Standing.Office != in.New.Office
	installer := in.Standing.Assigned || in.New.Assigned
	switch in.Rule {
	case schema.Review:
		return true
	case schema.Office:
		return across
	case schema.Site:
		return across && installer
	}
	return false
}

// TestEveryVerdict: for every rule and every pair, under every number of the
// rules, a conflict is reported if and only if the definition says so; the
// value that does not stand is named as lost; equal values lose nothing; and
// nothing that is not concurrent is asked about.
func TestEveryVerdict(t *testing.T) {
	for _, n := range []int{1, merge.Rules} {
		r := rules(t, n)
		rapid.Check(t, func(t *rapid.T) {
			in := question(t)
			v := r.Column(in)
			if (v.Outcome == syncproto.Conflict) != conflictBySpec(in) {
				t.Fatalf("rules %d: conflict %v, the definition says %v", n, v.Outcome == syncproto.Conflict, conflictBySpec(in))
			}
			equal := in.Standing.Value == in.New.Value
			switch {
			case equal && (v.Take || v.Lost != merge.None):
				t.Fatalf("equal values: %+v", v)
			case !equal && !in.Concurrent && v != merge.Verdict{Take: true}:
				t.Fatalf("who knew the standing value: %+v", v)
			case !equal && in.Concurrent && (v.Take && v.Lost != merge.LostStanding || !v.Take && v.Lost != merge.LostNew):
				t.Fatalf("the value that does not stand is not kept: %+v", v)
			case !equal && in.Concurrent && !v.Take && v.Outcome == "":
				t.Fatalf("a silent overwrite of the new value: %+v", v)
			case in.Rule == schema.Review && in.Concurrent && v.Take:
				t.Fatalf("under review the first stands: %+v", v)
			}
			again := in
			again.New, again.Concurrent = in.Standing, false
			if r.Column(again) != (merge.Verdict{}) {
				t.Fatalf("the same write again: %+v", r.Column(again))
			}
		})
	}
}

// TestSameFromBothSides: what two writers are told does not hang on who
// arrived first: the same pair is a conflict or none, and but for review the
// same value stands.
func TestSameFromBothSides(t *testing.T) {
	r := rules(t, merge.Rules)
	rapid.Check(t, func(t *rapid.T) {
		in := question(t)
		in.Concurrent = true
		back := in
		back.Standing, back.New = in.New, in.Standing
		if in.Standing.Device == in.New.Device && in.Standing.Epoch == in.New.Epoch {
			return // one log: its own order decides
		}
		one, two := r.Column(in), r.Column(back)
		if (one.Outcome == syncproto.Conflict) != (two.Outcome == syncproto.Conflict) {
			t.Fatalf("conflict one way alone: %+v, %+v", one, two)
		}
		if in.Rule == schema.Review || in.Standing.Value == in.New.Value {
			return
		}
		stands := func(in merge.Input, v merge.Verdict) schema.Value {
			if v.Take {
				return in.New.Value
			}
			return in.Standing.Value
		}
		if a, b := stands(in, one), stands(back, two); a != b {
			t.Fatalf("%v stands one way, %v the other", a, b)
		}
	})
}
