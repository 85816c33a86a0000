package centre_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"siteledger/server/office/benchtest"
	"siteledger/syncproto/fieldwork"
)

// sited is a finished visit whose arrival and photos have positions: one photo
// was taken at home, one 5 km away, and of one another app made the position up.
func (d *doors) sited(t *testing.T) *benchtest.Story {
	t.Helper()
	s := d.Finished()
	at := d.Now.UnixMilli()
	s.Phone.Record(benchtest.Insert("visit_event", benchtest.NewID(), map[string]any{"visit": s.Visit[:], "kind": "arrive", "at": at,
		"latitude": int64(302_500_000), "longitude": int64(1_201_700_000), "accuracy": int64(8), "fix_at": at}))
	var sums [][]byte
	for i, p := range []map[string]any{
		{"latitude": int64(302_504_000), "accuracy": int64(12), "fix_source": "device"},
		{"latitude": int64(302_950_000), "accuracy": int64(12), "fix_source": "exif", "role": "close"},
		{"latitude": int64(302_500_000), "fix_source": "device", "mocked": true, "role": "compare"},
		{"latitude": nil, "longitude": nil, "role": "scale"},
	} {
		sum := benchtest.Sum(string(rune('a' + i)))
		sums = append(sums, sum)
		cols := map[string]any{"job": s.Job[:], "visit": s.Visit[:], "defect": s.Defect[:], "role": "full", "original": sum, "original_size": int64(1000), "original_type": "image/jpeg",
			"taken_at": at, "source": "camera", "longitude": int64(1_201_700_000), "fix_at": at}
		for k, v := range p {
			cols[k] = v
		}
		s.Phone.Record(benchtest.Insert("photo", benchtest.NewID(), cols))
	}
	s.Phone.Push()
	d.ArriveAll(s)
	d.Arrive(s.Phone.Device.ID, sums...)
	return s
}

// TestPhotoTakenElsewhere: who judges and the service centre see how far away a
// photo was taken, and that a position was made up; what has none has no doubt.
// Nothing follows from it, the customer's copy has no position, and another
// centre has nothing at all.
func TestPhotoTakenElsewhere(t *testing.T) {
	d := openDoors(t)
	s := d.sited(t)
	job, defect := "/centre/jobs/"+s.Job.String(), "/headquarters/defects/"+d.Centre.String()+"/"+s.Defect.String()
	for who, path := range map[string]string{"clerk": job, "adjudicator": defect, "admin": defect} {
		_, page, _ := d.ask(t, who, path, nil)
		want(t, page, "离到达处远", "拍摄位置离这次点“到达”的地方 5.0 km", "模拟定位", "距到达处 44 m ±12 m", "距到达处 5.0 km ±12 m(照片文件)")
	}
	if s := d.Row("defect", s.Defect).Text("status"); s != "submitted" {
		t.Errorf("a doubt made the problem %s", s)
	}
	if code, _, _ := d.ask(t, "stranger", job, nil); code != http.StatusNotFound {
		t.Errorf("another centre: %d", code)
	}
	_, page, _ := d.ask(t, "clerk", job+"/visits/"+s.Visit.String()+"/copy", url.Values{})
	link := regexp.MustCompile(`https://ledger\.example(/copy/[A-Za-z0-9_-]{22})`).FindStringSubmatch(page)
	if link == nil {
		t.Fatal("no link to the customer's copy")
	}
	_, slip, _ := d.ask(t, "clerk", job+"/slip", nil)
	for name, text := range map[string]string{"the customer's copy": d.open(link[1], "198.51.100.7").Body.String(), "the slip": slip} {
		wantNot(t, text, "30.25", "120.17", "302504", "位置", "纬度", "到达处")
		if !strings.Contains(text, "S2611040001") {
			t.Errorf("%s is not there", name)
		}
	}
}

// TestAddressPoint: a clerk takes the point of an address from a map; it is kept
// in WGS-84, judged against, and does not outlive its address.
func TestAddressPoint(t *testing.T) {
	d := openDoors(t)
	s := d.sited(t)
	job := "/centre/jobs/" + s.Job.String()
	row := d.Row("job_contact", s.Contact)
	form := func(pairs ...string) url.Values {
		f := url.Values{"contact": {s.Contact.String()}, "base": {"0"}, "name": {row.Text("name")}, "phone": {row.Text("phone")}, "address": {row.Text("address")}, "note": {row.Text("note")}}
		for i := 0; i < len(pairs); i += 2 {
			f.Set(pairs[i], pairs[i+1])
		}
		return f
	}
	for _, bad := range []string{"30.25", "abc, def", "91, 181", "NaN, 3"} {
		if code, page, _ := d.ask(t, "clerk", job+"/contact", form("point", bad, "map", "wgs")); code != http.StatusUnprocessableEntity || !strings.Contains(page, "坐标看不懂") || !strings.Contains(page, bad) {
			t.Fatalf("%q: %d", bad, code)
		}
	}
	if code, _, _ := d.ask(t, "clerk", job+"/contact", form("point", "120.17455, 30.24755", "map", "gcj")); code != http.StatusSeeOther {
		t.Fatalf("a point of 高德: %d", code)
	}
	home, _ := fieldwork.Place{}.At(30.25, 120.17)
	if p, ok := fieldwork.PlaceOf(d.Row("job_contact", s.Contact)); !ok || p.Metres(home) > 60 {
		t.Fatalf("kept as %+v, %.0f m off", p, p.Metres(home))
	}
	_, page, _ := d.ask(t, "clerk", job, nil)
	want(t, page, "离地址远", "拍摄位置离地址", "30.2")
	kept := regexp.MustCompile(`name="point" value="([^"]+)"`).FindStringSubmatch(page)
	if kept == nil {
		t.Fatal("the form does not show the point")
	}
	// The same point is no change; a form without the field leaves it; a clerk of
	// another centre finds no job.
	for _, f := range []url.Values{form("point", kept[1], "map", "wgs"), form()} {
		if code, _, _ := d.ask(t, "clerk", job+"/contact", f); code != http.StatusSeeOther || d.Row("job_contact", s.Contact).Cols["latitude"] == nil {
			t.Fatalf("the point is gone: %d", code)
		}
	}
	if code, _, _ := d.ask(t, "stranger", job+"/contact", form("point", "1, 1", "map", "wgs")); code != http.StatusNotFound {
		t.Errorf("a stranger: %d", code)
	}
	if code, _, _ := d.ask(t, "clerk", job+"/contact", form("point", kept[1], "map", "wgs", "address", "别处 1 号", "verified", "回拨确认")); code != http.StatusSeeOther {
		t.Fatalf("another address: %d", code)
	}
	if r := d.Row("job_contact", s.Contact); r.Cols["latitude"] != nil || r.Cols["longitude"] != nil || r.Text("address") != "别处 1 号" {
		t.Errorf("the old point stayed: %v", r.Cols)
	}
}
