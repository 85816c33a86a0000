package phone

import (
	"strings"
	"testing"

	"siteledger/syncproto"
	"siteledger/syncproto/fieldwork"
)

// TestMarksShowOfflineWithTheRequest: what headquarters drew came with the
// request to take a photo again, and is shown over the photo, also without a
// network; marks that make no sense cost the words nothing.
func TestMarksShowOfflineWithTheRequest(t *testing.T) {
	o := newOffice(t)
	o.standing(morning())
	seed := o.job(morning().AddDate(0, 0, -2), map[string]any{"status": "finished"}, nil)
	for i, marks := range []string{"", "no marks <script>", ""} {
		defect, verdict, photo, ask := newID(t), newID(t), newID(t), newID(t)
		o.put("defect", defect, seed.job, map[string]any{"job": seed.job, "no": i + 1, "class": "door_colour", "text": "右侧第三块门板比旁边偏黄", "status": "retake"})
		o.put("photo", photo, seed.job, map[string]any{"job": seed.job, "defect": defect, "role": "full", "original": make([]byte, 32), "original_size": 1000, "original_type": "image/jpeg",
			"taken_at": morning().UnixMilli(), "width": 4000, "height": 3000})
		o.put("adjudication", verdict, seed.job, map[string]any{"defect": defect, "verdict": "retake", "lacks": "看不出位置", "wanted_role": "full", "adjudicator": newID(t), "at": morning().UnixMilli()})
		if i == 2 {
			marks = fieldwork.WriteMarks([]fieldwork.PhotoMarks{{Photo: photo, Shapes: []fieldwork.Shape{{Kind: "box", At: [4]float64{0.25, 0.5, 0.75, 0.9}},
				{Kind: "length", At: [4]float64{0.1, 0.2, 0.3, 0.2}, MM: 182.5}}}, {Photo: newID(t), Shapes: []fieldwork.Shape{{Kind: "box"}}}}, 3000)
		}
		o.asks = []any{map[string]any{"id": ask[:], "kind": syncproto.KindRetake, "args": map[string]any{"job": seed.job.String(), "defect": defect.String(), "adjudication": verdict.String(), "role": "full", "text": "看不出位置", "marks": marks}}}
		k := newPhone(t, o)
		o.server.Close() // no network from here on
		body := k.get("/job/" + seed.job.String() + "/retake/" + defect.String()).ok().says("看不出位置").body
		if shown := strings.Contains(body, "marked-view"); shown != (i == 2) {
			t.Fatalf("marks %q: shown %v", marks, shown)
		}
		if i < 2 {
			o = newOffice(t)
			o.standing(morning())
			seed = o.job(morning().AddDate(0, 0, -2), map[string]any{"status": "finished"}, nil)
			continue
		}
		for _, want := range []string{`viewBox="0 0 1000 750"`, `d="M250 375H750V675H250Z"`, "182.5 mm", "总部在照片上标出的位置", "不在本机"} {
			if !strings.Contains(body, want) {
				t.Errorf("the page lacks %q", want)
			}
		}
		if strings.Count(body, "<figure class=\"marked\"") != 1 {
			t.Error("marks of a photo that is not this defect's are shown")
		}
	}
}
