package phone

import (
	"encoding/binary"
	"net/http"
	"strings"
	"testing"
	"time"
)

// fixed sends a fix that the web view measured just now.
func (k *phoneKit) fixed(lat, lon string) {
	k.tb.Helper()
	k.post("/position", "lat", lat, "lon", lon, "metres", "12.3", "age", "1500").is(http.StatusNoContent)
}

// gpsJPEG is a photo whose file says 30°15'30" north, 120°10'12" east.
func gpsJPEG(tb testing.TB, seed uint64) []byte {
	tb.Helper()
	b := jpegPhoto(tb, seed)
	le := binary.LittleEndian
	tiff := []byte("II*\x00\x08\x00\x00\x00\x01\x00\x25\x88\x04\x00\x01\x00\x00\x00\x1a\x00\x00\x00\x00\x00\x00\x00\x04\x00")
	for i, ref := range []string{"N", "", "E", ""} {
		tiff = le.AppendUint16(tiff, uint16(i+1))
		if ref != "" {
			tiff = append(tiff, 2, 0, 2, 0, 0, 0, ref[0], 0, 0, 0)
			continue
		}
		tiff = append(tiff, 5, 0, 3, 0, 0, 0, byte(80+24*(i/2)), 0, 0, 0)
	}
	tiff = le.AppendUint32(tiff, 0)
	for _, n := range []uint32{30, 15, 30, 120, 10, 12} {
		tiff = le.AppendUint32(le.AppendUint32(tiff, n), 1)
	}
	app := append([]byte("Exif\x00\x00"), tiff...)
	out := append([]byte{0xff, 0xd8, 0xff, 0xe1}, binary.BigEndian.AppendUint16(nil, uint16(len(app)+2))...)
	return append(append(out, app...), b[2:]...)
}

// TestPositionIsAskedOnce: the question stands on the visit's page until it is
// answered, both answers weigh the same, and me changes the answer. Without a
// yes no row has a position, whatever the web view or a file say.
func TestPositionIsAskedOnce(t *testing.T) {
	k, base := arrived(t, nil)
	k.get(base).ok().says("照片记位置", "不记也一样")
	k.fixed("30.25", "120.17")
	k.upload(base+"/photo", "photo", gpsJPEG(t, 1), "role", "before", "source", "camera", "back", base).ok()
	if p := k.one("photo"); p.Cols["latitude"] != nil || p.Cols["fix_source"] != nil {
		t.Fatalf("a position that nobody agreed to: %v", p.Cols)
	}
	k.post("/me/place", "answer", "maybe").is(http.StatusUnprocessableEntity)
	k.post("/me/place", "answer", "no", "back", base).ok().says("照片不记位置")
	if page := k.get(base).ok(); strings.Contains(page.body, `id="place"`) || strings.Contains(page.body, "data-place") {
		t.Error("asked again")
	}
	k.fixed("30.25", "120.17")
	k.upload(base+"/photo", "photo", gpsJPEG(t, 2), "role", "during", "source", "gallery", "back", base).ok()
	k.post("/me/place", "answer", "yes").ok().says("以后的照片会记位置")
	if page := k.get(base).ok(); !strings.Contains(page.body, "data-place") {
		t.Error("the page does not ask the web view")
	}
	// What was said before the yes is not kept.
	k.photo(base, "after", 3).ok()
	for _, p := range k.rows("photo") {
		if p.Cols["latitude"] != nil {
			t.Errorf("%s has a position: %v", p.Text("role"), p.Cols)
		}
	}
	// The answer outlives the app.
	if page := k.killed().get(base).ok(); !strings.Contains(page.body, "data-place") {
		t.Error("the answer is gone")
	}
}

// TestPositionOfAPhoto: the last fix, its error and its age; the file's where
// the phone has none and for the album; never one from the road or an old one.
func TestPositionOfAPhoto(t *testing.T) {
	k, base := arrived(t, nil)
	k.post("/me/place", "answer", "yes").ok()
	shoot := func(role, source string, seed uint64, gps bool) map[string]any {
		t.Helper()
		b := jpegPhoto(t, seed)
		if gps {
			b = gpsJPEG(t, seed)
		}
		k.upload(base+"/photo", "photo", b, "role", role, "source", source, "back", base).ok()
		rows := k.rows("photo")
		for _, r := range rows {
			if r.Text("role") == role {
				return r.Cols
			}
		}
		t.Fatalf("no photo %s in %d", role, len(rows))
		return nil
	}
	k.fixed("30.2512345", "120.1700001")
	if c := shoot("before", "camera", 1, true); c["latitude"] != int64(302512345) || c["longitude"] != int64(1201700001) || c["accuracy"] != int64(13) || c["fix_source"] != "device" || c["mocked"] != nil || c["fix_at"] != k.now.Now().Add(-1500*time.Millisecond).UnixMilli() {
		t.Fatalf("by the phone: %v", c)
	}
	if c := shoot("during", "gallery", 2, true); c["latitude"] != int64(302583333) || c["longitude"] != int64(1201700000) || c["fix_source"] != "exif" || c["accuracy"] != nil || c["fix_at"] != nil {
		t.Fatalf("of the album: %v", c)
	}
	k.now.add(11 * time.Minute)
	if c := shoot("full", "camera", 3, true); c["fix_source"] != "exif" {
		t.Fatalf("after eleven minutes: %v", c)
	}
	if c := shoot("close", "camera", 4, false); c["latitude"] != nil {
		t.Fatalf("in a cellar: %v", c)
	}
	k.get("/photo/" + k.rows("photo")[0].ID.String()).ok().says("拍摄位置")
	// The shell knows what a web view can't: that a position is made up.
	k.pages.SetPosition(31, 121, 5, k.now.Now(), true)
	k.fixed("30.25", "120.17")
	if c := shoot("compare", "camera", 5, false); c["mocked"] != true || c["latitude"] != int64(310000000) {
		t.Fatalf("made up: %v", c)
	}
	k.now.add(11 * time.Minute)
	for name, bad := range map[string][4]string{"off the globe": {"90.1", "120", "5", "0"}, "0/0": {"0", "0", "5", "0"}, "old": {"30", "120", "5", "700000"}, "future": {"30", "120", "5", "-90000"}} {
		k.post("/position", "lat", bad[0], "lon", bad[1], "metres", bad[2], "age", bad[3]).is(http.StatusNoContent)
		if p, ok := k.pages.fix.near(k.now.Now().UnixMilli(), 0, 60_000); ok {
			t.Errorf("%s is a fix: %+v", name, p)
		}
	}
	for _, bad := range []string{"NaN", "Inf", "", "1e999", "x"} {
		k.post("/position", "lat", bad, "lon", "120", "metres", "5", "age", "0").is(http.StatusUnprocessableEntity)
	}
	// An error that says nothing is left out, not the place.
	k.post("/position", "lat", "30.25", "lon", "120.17", "metres", "-1", "age", "0").is(http.StatusNoContent)
	if c := shoot("scale", "camera", 6, false); c["latitude"] == nil || c["accuracy"] != nil {
		t.Errorf("without an error: %v", c)
	}
}

// TestPositionOfAnArrival: a fix of the last minute says where somebody arrived;
// one from the road says nothing, of his photos neither.
func TestPositionOfAnArrival(t *testing.T) {
	o := newOffice(t)
	o.standing(morning())
	first, second := o.job(morning().Add(time.Hour), nil, nil), o.job(morning().Add(3*time.Hour), nil, nil)
	k := newPhone(t, o)
	k.post("/me/place", "answer", "yes").ok()
	arrive := func(job, ago string) map[string]any {
		t.Helper()
		k.post("/job/" + job + "/depart").ok()
		k.post("/position", "lat", "30.25", "lon", "120.17", "metres", "9", "age", ago).is(http.StatusNoContent)
		k.post("/job/" + job + "/arrive").ok()
		for _, e := range k.rows("visit_event") {
			if e.Text("kind") == "arrive" && e.Int("at") == k.now.Now().UnixMilli() {
				return e.Cols
			}
		}
		t.Fatal("not arrived")
		return nil
	}
	if c := arrive(first.job.String(), "20000"); c["latitude"] != int64(302500000) || c["accuracy"] != int64(9) || c["fix_at"] == nil {
		t.Errorf("arrived %v", c)
	}
	k.now.add(2 * time.Hour)
	if c := arrive(second.job.String(), "120000"); c["latitude"] != nil {
		t.Errorf("arrived by a fix of the road: %v", c)
	}
	k.photo("/job/"+second.job.String(), "before", 1).ok()
	if p := k.one("photo"); p.Cols["latitude"] != nil {
		t.Errorf("a photo by a fix of the road: %v", p.Cols)
	}
}
