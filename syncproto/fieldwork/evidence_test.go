package fieldwork_test

import (
	"slices"
	"strings"
	"testing"

	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

const goodText = "左起第二块门板比旁边偏黄"

func defect(class string, c cols) schema.Row {
	return with(row("defect", 10, cols{"job": ref(1), "class": class, "text": goodText, "status": "open"}), c)
}

func photo(n uint64, role string, c cols) schema.Row {
	return with(row("photo", n, cols{"job": ref(1), "defect": ref(10), "role": role}), c)
}

func codes(list []fieldwork.Missing) []string {
	out := []string{}
	for _, m := range list {
		out = append(out, m.Code)
	}
	return out
}

func TestMissingEvidence(t *testing.T) {
	full, near := photo(20, "full", nil), photo(21, "close", nil)
	plane := cols{"same_plane": true}
	sizes := cols{"drawing_size": int64(2400), "actual_size": int64(2390)}
	both := []schema.Row{full, near}
	for _, tc := range []struct {
		name   string
		defect schema.Row
		photos []schema.Row
		want   []string
	}{
		{"crack with both", defect("top_crack", nil), both, nil},
		{"crack without photos", defect("top_crack", nil), nil, []string{"full", "close"}},
		{"five close-ups, no full view", defect("door_crack", nil), []schema.Row{near, photo(22, "close", nil), photo(23, "close", nil), photo(24, "close", nil), photo(25, "close", nil)}, []string{"full"}},
		{"full view only", defect("door_warp", nil), []schema.Row{full}, []string{"close"}},
		{"warped top with both", defect("top_warp", nil), both, nil},
		{"warped door with both", defect("door_warp", nil), both, nil},
		{"door crack with both", defect("door_crack", nil), both, nil},
		{"door colour without same plane", defect("door_colour", nil), both, []string{"same-plane"}},
		{"door colour, plane on the close-up", defect("door_colour", nil), []schema.Row{full, photo(21, "close", plane)}, nil},
		{"top colour, plane on the close-up", defect("top_colour", nil), []schema.Row{full, photo(21, "close", plane)}, []string{"same-plane"}},
		{"top colour, plane on the full view", defect("top_colour", nil), []schema.Row{photo(20, "full", plane), near}, nil},
		{"top colour, plane on the comparison", defect("top_colour", nil), []schema.Row{full, near, photo(22, "compare", plane)}, nil},
		{"same plane said no", defect("door_colour", nil), []schema.Row{full, photo(21, "close", cols{"same_plane": false})}, []string{"same-plane"}},
		{"wrong size with sizes", defect("wrong_size", sizes), both, nil},
		{"wrong size without sizes", defect("wrong_size", nil), both, []string{"drawing-size", "actual-size"}},
		{"wrong size without produced size", defect("wrong_size", cols{"drawing_size": int64(5)}), both, []string{"actual-size"}},
		{"other with a close-up", defect("other", nil), []schema.Row{near}, nil},
		{"other with a full view only", defect("other", nil), []schema.Row{full}, []string{"close"}},
		{"no text", defect("top_warp", cols{"text": ""}), both, []string{"text"}},
		{"empty phrase", defect("top_warp", cols{"text": "质量问题。"}), both, []string{"text"}},
		{"other needs text too", defect("other", cols{"text": "坏"}), []schema.Row{near}, []string{"text"}},
		{"photo of another defect", defect("top_warp", nil), []schema.Row{full, photo(21, "close", cols{"defect": ref(11)})}, []string{"close"}},
		{"photo of another job", defect("top_warp", nil), []schema.Row{full, photo(21, "close", cols{"job": ref(2)})}, []string{"close"}},
		{"unknown class is never free", defect("new_class", nil), nil, []string{"full", "close"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := fieldwork.MissingEvidence(tc.defect, tc.photos)
			if tc.want == nil {
				tc.want = []string{}
			}
			if !slices.Equal(codes(got), tc.want) {
				t.Errorf("missing %v, want %v", codes(got), tc.want)
			}
			for _, m := range got {
				if !strings.HasSuffix(m.ZH, "。") || !strings.HasSuffix(m.EN, ".") || m.In("en") != m.EN || m.In("zh-CN") != m.ZH {
					t.Errorf("not two full sentences: %+v", m)
				}
			}
		})
	}
}

func TestMissingFullViewSaysWhatToDo(t *testing.T) {
	got := fieldwork.MissingEvidence(defect("door_colour", nil), []schema.Row{photo(21, "close", cols{"same_plane": true})})
	if len(got) != 1 || got[0].ZH != "还缺一张全景照片:请后退几步,把有问题的位置和周围一起拍进来。" {
		t.Errorf("got %+v", got)
	}
}

func TestDeletedPhotoProvesNothing(t *testing.T) {
	gone := photo(20, "full", nil)
	gone.Deleted = true
	got := fieldwork.MissingEvidence(defect("top_warp", nil), []schema.Row{gone, photo(21, "close", nil)})
	if !slices.Equal(codes(got), []string{"full"}) {
		t.Errorf("missing %v", codes(got))
	}
}

func TestWarnings(t *testing.T) {
	full, near, scale := photo(20, "full", nil), photo(21, "close", nil), photo(22, "scale", nil)
	for _, tc := range []struct {
		name   string
		defect schema.Row
		photos []schema.Row
		want   []string
	}{
		{"crack without scale", defect("top_crack", nil), []schema.Row{full, near}, []string{"whole", "scale"}},
		{"crack with scale", defect("door_crack", nil), []schema.Row{full, photo(21, "close", cols{"whole": true}), scale}, []string{}},
		{"warp needs no scale", defect("top_warp", nil), []schema.Row{full, near}, []string{}},
		{"size without scale", defect("wrong_size", cols{"drawing_size": int64(10), "actual_size": int64(11)}), []schema.Row{full, near}, []string{"tape"}},
		{"equal sizes", defect("wrong_size", cols{"drawing_size": int64(10), "actual_size": int64(10)}), []schema.Row{full, near, scale}, []string{"sizes-equal"}},
		{"blurred colour", defect("door_colour", nil), []schema.Row{photo(20, "full", cols{"blur": int64(99)})}, []string{"blur"}},
		{"sharp colour", defect("door_colour", nil), []schema.Row{photo(20, "full", cols{"blur": int64(100)})}, []string{}},
		{"sharpness not measured", defect("door_colour", nil), []schema.Row{full}, []string{}},
		{"blurred crack is no colour", defect("top_warp", nil), []schema.Row{photo(20, "full", cols{"blur": int64(1)})}, []string{}},
		{"from the gallery", defect("other", nil), []schema.Row{photo(21, "close", cols{"source": "gallery"})}, []string{"gallery"}},
		{"from the camera", defect("other", nil), []schema.Row{photo(21, "close", cols{"source": "camera"})}, []string{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := codes(fieldwork.Warnings(tc.defect, tc.photos)); !slices.Equal(got, tc.want) {
				t.Errorf("warnings %v, want %v", got, tc.want)
			}
		})
	}
}

func TestConcrete(t *testing.T) {
	for text, want := range map[string]bool{
		"台面开裂": true, "色差": false, "    ": false, "。。。。。。": false, "质量问题": false, "质 量 问 题!": false,
		"有质量问题": false, "产品质量问题": false, "质量问题:门板起泡": true, "Quality problem": false, "edge swollen": true, "𠮷𠮷𠮷𠮷": true,
	} {
		if got := fieldwork.Concrete(text); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func TestSizeDifference(t *testing.T) {
	if n, ok := fieldwork.SizeDifference(defect("wrong_size", cols{"drawing_size": int64(2400), "actual_size": int64(2390)})); !ok || n != -10 {
		t.Errorf("got %d, %v", n, ok)
	}
	if _, ok := fieldwork.SizeDifference(defect("wrong_size", cols{"drawing_size": int64(2400)})); ok {
		t.Error("a difference without the produced size")
	}
}

// The packs and the schema name the same classes and roles.
func TestPacksMatchSchema(t *testing.T) {
	d := schema.MustCurrent()
	roles := d.Table("photo").Column("role").Values
	for _, class := range d.Table("defect").Column("class").Values {
		p := fieldwork.PackOf(class)
		if class != fieldwork.OtherClass && !slices.Equal(p.Roles, []string{"full", "close"}) {
			t.Errorf("%s: roles %v", class, p.Roles)
		}
		for _, role := range slices.Concat(p.Roles, p.Advised, p.SamePlaneRoles) {
			if !slices.Contains(roles, role) {
				t.Errorf("%s: role %s is not in the schema", class, role)
			}
		}
		if p.SamePlane != strings.HasSuffix(class, "_colour") || p.Sizes != (class == "wrong_size") {
			t.Errorf("%s: %+v", class, p)
		}
	}
}
