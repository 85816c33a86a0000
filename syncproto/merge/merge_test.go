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
	for _, c := range cases {
		if got := merge.Column(c.in); got != c.want {
			t.Errorf("%s: got %+v, want %+v", c.name, got, c.want)
		}
	}
}

// TestLatestInAnyOrder: three concurrent values end as the same one in
// whichever order they arrive, and each losing value is reported once.
func TestLatestInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var sides []merge.Side
		for i := range 3 {
			sides = append(sides, merge.Side{Value: int64(i), HLC: rapid.Uint64Range(1, 3).Draw(t, "hlc"), Device: uuid.UUID{byte(i)}})
		}
		settle := func(order []int) schema.Value {
			standing, lost := sides[order[0]], 0
			for _, i := range order[1:] {
				v := merge.Column(merge.Input{Rule: schema.Latest, Standing: standing, New: sides[i], Concurrent: true})
				if v.Lost != merge.None {
					lost++
				}
				if v.Take {
					standing = sides[i]
				}
			}
			if lost != 2 {
				t.Fatalf("%d of 2 losing values reported", lost)
			}
			return standing.Value
		}
		want := settle([]int{0, 1, 2})
		for _, order := range [][]int{{0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
			if got := settle(order); got != want {
				t.Fatalf("order %v gives %v, want %v", order, got, want)
			}
		}
	})
}
