package fieldwork_test

import (
	"slices"
	"strings"
	"testing"

	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

// TestShotLists: every kind of job that has a visit has a list, of roles that
// the schema knows, with an arrival and an end, and words in both languages.
func TestShotLists(t *testing.T) {
	roles := schema.MustCurrent().Table("photo").Column("role").Values
	for _, kind := range append(slices.Clone(schema.MustCurrent().Table("job").Column("kind").Values), "a later kind") {
		list := fieldwork.ShotList(kind)
		if kind == "expedite" {
			if list != nil {
				t.Error("a job without a visit has a shot list")
			}
			continue
		}
		if len(list) < 3 {
			t.Errorf("%s: %d shots", kind, len(list))
		}
		seen := map[string]bool{}
		for _, s := range list {
			if !slices.Contains(roles, s.Role) || s.ZH == "" || s.EN == "" || s.In("en") != s.EN || s.In("zh-CN") != s.ZH {
				t.Errorf("%s: %+v", kind, s)
			}
			if seen[s.Role] {
				t.Errorf("%s: %s is asked for twice", kind, s.Role)
			}
			seen[s.Role] = true
		}
	}
	// The field worker's rule itself: entrance, nameplate, what was damaged, then
	// the whole and the detail.
	var got []string
	for _, s := range fieldwork.ShotList("repair") {
		got = append(got, s.Role)
	}
	if strings.Join(got, " ") != "entrance nameplate before during after close" {
		t.Errorf("a repair asks for %v", got)
	}
}

func TestMissingShots(t *testing.T) {
	visit := row("visit", 1, nil)
	shot := func(n uint64, role string, c cols) schema.Row {
		return with(row("photo", n, cols{"visit": ref(1), "role": role}), c)
	}
	skip := func(n uint64, role, reason string, c cols) schema.Row {
		return with(row("shot_skip", n, cols{"visit": ref(1), "role": role, "reason": reason}), c)
	}
	missing := func(photos, skips []schema.Row) string {
		var out []string
		for _, m := range fieldwork.MissingShots("maintain", visit, photos, skips) {
			out = append(out, m.Role)
		}
		return strings.Join(out, " ")
	}
	gone := shot(9, "after", nil)
	gone.Deleted = true
	for name, tc := range map[string]struct {
		photos, skips []schema.Row
		want          string
	}{
		"nothing":                   {nil, nil, "nameplate before after"},
		"all taken":                 {[]schema.Row{shot(2, "nameplate", nil), shot(3, "before", nil), shot(4, "after", nil)}, nil, ""},
		"one with a reason":         {[]schema.Row{shot(2, "nameplate", nil), shot(4, "after", nil)}, []schema.Row{skip(5, "before", "新机", nil)}, ""},
		"a reason of another visit": {nil, []schema.Row{skip(5, "before", "新机", cols{"visit": ref(7)})}, "nameplate before after"},
		"a reason of a defect":      {nil, []schema.Row{skip(5, "before", "新机", cols{"defect": ref(7)})}, "nameplate before after"},
		"a photo of another visit":  {[]schema.Row{shot(2, "after", cols{"visit": ref(7)})}, nil, "nameplate before after"},
		"a deleted photo":           {[]schema.Row{gone}, nil, "nameplate before after"},
	} {
		if got := missing(tc.photos, tc.skips); got != tc.want {
			t.Errorf("%s: missing %q, want %q", name, got, tc.want)
		}
	}
	states := fieldwork.ShotsOf("maintain", visit, nil, []schema.Row{skip(6, "after", "后写的", nil), skip(5, "after", "先写的", nil)})
	if states[2].Reason != "后写的" {
		t.Errorf("the reason is %q, not the newest", states[2].Reason)
	}
}

// TestPackOfEachClass holds the rule pack of each of the seven classes against
// what the trade wrote down (DE-01 to DE-07): what a bare defect lacks, and that
// it lacks nothing when just that is there.
func TestPackOfEachClass(t *testing.T) {
	plane, whole := cols{"same_plane": true}, cols{"whole": true}
	sizes := cols{"drawing_size": int64(600), "actual_size": int64(598)}
	for _, tc := range []struct {
		class  string
		bare   string // what is refused without photos and words
		wanted string // what the phone asks for beyond that
		set    cols
		photos []schema.Row
	}{
		{"top_crack", "full close text", "whole", nil, []schema.Row{photo(20, "full", nil), photo(21, "close", whole)}},
		{"door_crack", "full close text", "whole", nil, []schema.Row{photo(20, "full", whole), photo(21, "close", nil)}},
		{"top_warp", "full close text", "", nil, []schema.Row{photo(20, "full", nil), photo(21, "close", nil)}},
		{"door_warp", "full close text", "", nil, []schema.Row{photo(20, "full", nil), photo(21, "close", nil)}},
		{"top_colour", "full close same-plane text", "", nil, []schema.Row{photo(20, "full", nil), photo(21, "close", nil), photo(22, "compare", plane)}},
		{"door_colour", "full close same-plane text", "", nil, []schema.Row{photo(20, "full", nil), photo(21, "close", plane)}},
		{"wrong_size", "full close drawing-size actual-size text", "tape", sizes, []schema.Row{photo(20, "full", nil), photo(21, "close", nil), photo(22, "scale", nil)}},
	} {
		t.Run(tc.class, func(t *testing.T) {
			bare := defect(tc.class, cols{"text": "质量问题"})
			if got := strings.Join(codes(fieldwork.MissingEvidence(bare, nil)), " "); got != tc.bare {
				t.Errorf("a bare one lacks %q, want %q", got, tc.bare)
			}
			if got := strings.Join(codes(fieldwork.Wanted(bare, nil, nil)), " "); got != tc.wanted {
				t.Errorf("the phone asks for %q, want %q", got, tc.wanted)
			}
			good := defect(tc.class, tc.set)
			if got := fieldwork.MissingEvidence(good, tc.photos); len(got) != 0 {
				t.Errorf("a good one lacks %v", codes(got))
			}
			if got := fieldwork.Wanted(good, tc.photos, nil); len(got) != 0 {
				t.Errorf("the phone still asks for %v", codes(got))
			}
			for i := range tc.photos { // each photo is needed
				rest := slices.Delete(slices.Clone(tc.photos), i, i+1)
				if len(fieldwork.MissingEvidence(good, rest))+len(fieldwork.Wanted(good, rest, nil)) == 0 {
					t.Errorf("without its %s photo nothing is missing", tc.photos[i].Text("role"))
				}
			}
		})
	}
}

// TestWantedLetsGoForAReason: what the phone asks for may be left out with a
// reason for this very defect.
func TestWantedLetsGoForAReason(t *testing.T) {
	d := defect("top_crack", nil)
	skip := func(c cols) schema.Row {
		return with(row("shot_skip", 30, cols{"visit": ref(1), "defect": ref(10), "role": "close", "reason": "裂缝太长,一张拍不下"}), c)
	}
	if got := fieldwork.Wanted(d, nil, []schema.Row{skip(nil)}); len(got) != 0 {
		t.Errorf("asks for %v in spite of a reason", codes(got))
	}
	for name, s := range map[string]schema.Row{"another defect": skip(cols{"defect": ref(11)}), "another role": skip(cols{"role": "full"}), "the visit's": skip(cols{"defect": nil})} {
		if got := fieldwork.Wanted(d, nil, []schema.Row{s}); len(got) != 1 {
			t.Errorf("%s: asks for %v", name, codes(got))
		}
	}
}
