package phone

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"net/http"
	"strings"
	"testing"
)

// softPhoto is a picture in which nothing is sharp; dark makes it black.
func softPhoto(tb testing.TB, dark bool) []byte {
	tb.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 800, 600))
	for y := range 600 {
		for x := range 800 {
			v := uint8(60 + x/8 + y/12)
			if dark {
				v = 3
			}
			img.SetRGBA(x, y, color.RGBA{v, v, v, 255})
		}
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, nil); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

// TestPoorPhotoIsAskedAbout: a blurred or dark photo is not recorded before its
// photographer, who has no network, takes it again or says why it stays (DE-03).
func TestPoorPhotoIsAskedAbout(t *testing.T) {
	k, base := arrived(t, nil)
	k.upload(base+"/photo", "photo", softPhoto(t, true), "role", "before", "source", "camera", "back", base).ok().says("照片太暗")
	page := k.upload(base+"/photo", "photo", softPhoto(t, false), "role", "before", "source", "camera", "back", base).ok().says("照片模糊,请重拍", "重拍", "无法再拍")
	if n := len(k.rows("photo")); n != 0 {
		t.Fatalf("%d photos recorded before anybody said why", n)
	}
	action := page.at
	_, shown, _ := strings.Cut(page.body, `<img src="`)
	shown, _, _ = strings.Cut(shown, `"`)
	k.get(shown).ok()
	fields := []string{"role", "before", "source", "camera", "back", base}
	k.post(action, fields...).is(http.StatusUnprocessableEntity).says("请说明为什么保留这张照片")
	k.post(action, append(fields, "why", "<b>")...).is(http.StatusUnprocessableEntity)
	k.post(action, append(fields, "why", "only")...).ok()
	k.post(action, append(fields, "why", "only")...).ok() // tapped twice
	p := k.one("photo")
	if p.Text("kept_reason") != "无法再拍" || p.Cols["sharpness"] == nil || p.Int("sharpness") >= 250 || p.Int("exposure") < 80 {
		t.Fatalf("recorded %v", p.Cols)
	}
	k.get("/photo/" + p.ID.String()).ok().says("无法再拍")

	// The reason in words, and a stranger's hash.
	long := strings.Repeat("暗", 300)
	k.post(action, "role", "during", "source", "camera", "back", base, "reason", long).ok()
	for _, row := range k.rows("photo") {
		if row.Text("role") == "during" && (len(row.Text("kept_reason")) > 400 || row.Text("kept_reason") == "") {
			t.Errorf("reason of %d bytes", len(row.Text("kept_reason")))
		}
	}
	k.post(base+"/keep/"+strings.Repeat("0", 64), append(fields, "why", "only")...).is(http.StatusNotFound)
	k.get("/stored/" + strings.Repeat("0", 64)).is(http.StatusNotFound)
	k.get("/stored/..%2f..%2fphone.db").is(http.StatusNotFound)

	// A good photo is not asked about.
	k.photo(base, "after", 4).ok()
	if good := k.rows("photo"); len(good) != 3 {
		t.Errorf("%d photos", len(good))
	}
}
