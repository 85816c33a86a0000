package merge_test

import (
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"siteledger/syncproto"
	"siteledger/syncproto/merge"
	"siteledger/syncproto/schema"
)

var (
	devA = uuid.MustParse("0190aaaa-0000-7000-8000-000000000001")
	devB = uuid.MustParse("0190aaaa-0000-7000-8000-000000000002")
)

func TestColumn(t *testing.T) {
	phone := merge.Side{Value: "phone", HLC: 10, Device: devA, Assigned: true}
	office := merge.Side{Value: "office", HLC: 20, Device: devB, Office: true}
	other := merge.Side{Value: "other", HLC: 5, Device: devB}
	cases := []struct {
		name string
		in   merge.Input
		want merge.Verdict
	}{
		{"nobody wrote since", merge.Input{Rule: schema.Review, Standing: office, New: phone}, merge.Verdict{Take: true}},
		{"equal, alone", merge.Input{Rule: schema.Latest, Standing: phone, New: phone}, merge.Verdict{}},
		{"equal, concurrent", merge.Input{Rule: schema.Review, Standing: phone, New: phone, Concurrent: true}, merge.Verdict{Outcome: syncproto.Merged}},
		{"latest: later wins", merge.Input{Rule: schema.Latest, Standing: phone, New: office, Concurrent: true}, merge.Verdict{Take: true, Lost: merge.LostStanding}},
		{"latest: earlier loses", merge.Input{Rule: schema.Latest, Standing: office, New: phone, Concurrent: true}, merge.Verdict{Lost: merge.LostNew, Outcome: syncproto.Merged}},
		{"office: the phone's is a conflict", merge.Input{Rule: schema.Office, Crew: true, Standing: office, New: phone, Concurrent: true}, merge.Verdict{Lost: merge.LostNew, Outcome: syncproto.Conflict}},
		{"office: the office takes over", merge.Input{Rule: schema.Office, Crew: true, Standing: phone, New: office, Concurrent: true}, merge.Verdict{Take: true, Lost: merge.LostStanding, Outcome: syncproto.Conflict}},
		{"office without crew is latest", merge.Input{Rule: schema.Office, Standing: office, New: phone, Concurrent: true}, merge.Verdict{Lost: merge.LostNew, Outcome: syncproto.Merged}},
		{"site: the installer takes over", merge.Input{Rule: schema.Site, Crew: true, Standing: office, New: phone, Concurrent: true}, merge.Verdict{Take: true, Lost: merge.LostStanding, Outcome: syncproto.Conflict}},
		{"site: the office's is a conflict", merge.Input{Rule: schema.Site, Crew: true, Standing: phone, New: office, Concurrent: true}, merge.Verdict{Lost: merge.LostNew, Outcome: syncproto.Conflict}},
		{"site: two phones is latest", merge.Input{Rule: schema.Site, Crew: true, Standing: phone, New: other, Concurrent: true}, merge.Verdict{Lost: merge.LostNew, Outcome: syncproto.Merged}},
		{"review: the first stands", merge.Input{Rule: schema.Review, Standing: phone, New: office, Concurrent: true}, merge.Verdict{Lost: merge.LostNew, Outcome: syncproto.Conflict}},
		{"review: the first stands, the other way round", merge.Input{Rule: schema.Review, Standing: office, New: phone, Concurrent: true}, merge.Verdict{Lost: merge.LostNew, Outcome: syncproto.Conflict}},
	}
	for _, n := range []int{1, 2} {
		for _, c := range cases {
			if got := rules(t, n).Column(c.in); got != c.want {
				t.Errorf("rules %d, %s: got %+v, want %+v", n, c.name, got, c.want)
			}
		}
	}
}

func rules(t testing.TB, n int) merge.RuleSet {
	t.Helper()
	r, err := merge.ByNumber(n)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// orders are the ways in which three values can arrive.
var orders = [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}}

// settle lets concurrent values arrive in an order and gives the one that
// stands in the end, and how many others were lost or were the same.
func settle(r merge.RuleSet, sides []merge.Side, order []int) (value schema.Value, seen int) {
	standing := sides[order[0]]
	for _, i := range order[1:] {
		v := r.Column(merge.Input{Rule: schema.Latest, Standing: standing, New: sides[i], Concurrent: true})
		if v.Lost != merge.None || v.Outcome == syncproto.Merged {
			seen++
		}
		if v.Take || v.Restamp {
			standing = sides[i]
		}
	}
	return standing.Value, seen
}

// TestLatestInAnyOrder: three concurrent values, some of them equal, some of
// two logs of one device at the same hybrid time, end as the same one in
// whichever order they arrive, and each losing value is reported once.
func TestLatestInAnyOrder(t *testing.T) {
	r := rules(t, merge.Rules)
	rapid.Check(t, func(t *rapid.T) {
		var sides []merge.Side
		for i := range 3 {
			sides = append(sides, merge.Side{Value: rapid.Int64Range(0, 2).Draw(t, "value"), HLC: rapid.Uint64Range(1, 3).Draw(t, "hlc"),
				Device: uuid.UUID{rapid.Byte().Draw(t, "device") % 2}, Epoch: uuid.UUID{byte(i)}})
		}
		want, _ := settle(r, sides, orders[0])
		for _, order := range orders {
			got, seen := settle(r, sides, order)
			if got != want {
				t.Fatalf("order %v gives %v, want %v", order, got, want)
			}
			if seen != 2 {
				t.Fatalf("order %v: %d of 2 other values reported", order, seen)
			}
		}
	})
}

// TestWhatRules2Corrected names the two cases in which rules 1 depend on the
// order of arrival. They must go on doing so: a batch that they folded is
// folded the same way again.
func TestWhatRules2Corrected(t *testing.T) {
	for name, sides := range map[string][]merge.Side{
		"equal values around a third": {{Value: "x", HLC: 10, Device: devA}, {Value: "x", HLC: 30, Device: devB}, {Value: "y", HLC: 20, Device: uuid.UUID{3}}},
		"two logs of one phone":       {{Value: "x", HLC: 10, Device: devA, Epoch: uuid.UUID{1}}, {Value: "y", HLC: 10, Device: devA, Epoch: uuid.UUID{2}}, {Value: "z", HLC: 1, Device: devB}},
	} {
		for n, want := range map[int]int{1: 2, 2: 1} {
			results := map[schema.Value]bool{}
			for _, order := range orders {
				v, _ := settle(rules(t, n), sides, order)
				results[v] = true
			}
			if len(results) != want {
				t.Errorf("%s: rules %d end in %d values, want %d", name, n, len(results), want)
			}
		}
	}
	if _, err := merge.ByNumber(merge.Rules + 1); err == nil {
		t.Error("rules that do not exist were found")
	}
	// A value that must wait for a person keeps its writer.
	v := rules(t, 2).Column(merge.Input{Rule: schema.Review, Concurrent: true, Standing: merge.Side{Value: "x", HLC: 1}, New: merge.Side{Value: "x", HLC: 9}})
	if v.Restamp {
		t.Error("the first amount got another writer")
	}
	// The office's equal value counts as the office's.
	v = rules(t, 2).Column(merge.Input{Rule: schema.Office, Crew: true, Concurrent: true, Standing: merge.Side{Value: "x", HLC: 9}, New: merge.Side{Value: "x", HLC: 1, Office: true}})
	if !v.Restamp {
		t.Error("the office's word counts as a phone's")
	}
}
