package bundle_test

import (
	"testing"

	"siteledger/server/bundle"
	"siteledger/server/office/benchtest"
)

// TestPlaceOfAPhoto: where a photo was taken is evidence: it stands at the photo
// and in the story, in the bundle of the job and of the problem.
func TestPlaceOfAPhoto(t *testing.T) {
	w := benchtest.Open(t)
	d := newDesk(t, w)
	s := w.Finished()
	at := w.Now.UnixMilli()
	s.Phone.Record(benchtest.Insert("visit_event", benchtest.NewID(), map[string]any{"visit": s.Visit[:], "kind": "arrive", "at": at,
		"latitude": int64(302_500_000), "longitude": int64(1_201_700_000), "accuracy": int64(8), "fix_at": at}))
	sum := benchtest.Sum("far")
	s.Phone.Record(benchtest.Insert("photo", benchtest.NewID(), map[string]any{"job": s.Job[:], "visit": s.Visit[:], "defect": s.Defect[:], "role": "full", "original": sum,
		"original_size": int64(3), "original_type": "image/jpeg", "taken_at": at, "source": "camera", "latitude": int64(302_950_001), "longitude": int64(1_201_700_000),
		"accuracy": int64(12), "fix_at": at, "fix_source": "device"}))
	s.Phone.Push()
	d.shelf.put("far")
	w.ArriveAll(s)
	w.Arrive(s.Phone.Device.ID, sum)
	for name, subject := range map[string]bundle.Subject{"the job": {Centre: w.Centre, Job: s.Job}, "the problem": {Centre: w.Centre, Job: s.Job, Defect: s.Defect}} {
		raw := d.bundle(subject)
		page, _ := texts(t, raw)
		wants(t, name, page, "位置 position 30.2950001, 120.1700000 ±12 m · 距到达处 5004 m from the arrival", "30.2500000")
		if v := check(t, raw, fingerprint(t)); v.State != bundle.Verified {
			t.Errorf("%s: %+v", name, v)
		}
	}
}
