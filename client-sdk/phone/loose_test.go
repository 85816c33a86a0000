package phone

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// TestPhotoOfARefusedRecord: a photo whose record was refused is no upload that
// waits; its page adds it to the visit after all, or discards it.
func TestPhotoOfARefusedRecord(t *testing.T) {
	k, base := arrived(t, nil)
	k.photo(base, "before", 1).ok()
	k.photo(base, "close", 2, "defect", newID(t).String()).is(http.StatusNotFound)
	k.photo(base, "close", 3, "defect", newID(t).String()).is(http.StatusNotFound)
	if n := len(k.rows("photo")); n != 1 {
		t.Fatalf("%d photos recorded", n)
	}
	page := k.get("/uploads").ok().says("2 张照片没有归入记录")
	k.get("/notices").ok().says("2 张照片没有归入记录")
	k.get("/me/leave").ok().says("2 张照片没有归入记录", "退出后这些照片会删除")
	found := regexp.MustCompile(`href="/loose/([0-9a-f]{64})"`).FindAllStringSubmatch(page.body, -1)
	if len(found) != 2 {
		t.Fatalf("%d loose photos listed", len(found))
	}
	one, two := found[0][1], found[1][1]
	k.get("/stored/" + one).ok()

	k.get("/loose/"+one).ok().says("归入这次上门", "春江花园", "丢弃")
	k.post(base+"/loose/"+one, "role", "nonsense").is(http.StatusUnprocessableEntity)
	k.post(base+"/loose/"+one, "role", "during", "source", "camera").ok()
	var added int
	for _, r := range k.rows("photo") {
		if r.Text("role") == "during" && r.Text("source") == "gallery" && r.Bytes("preview") != nil {
			added++
		}
	}
	if added != 1 {
		t.Errorf("%d photos added", added)
	}
	k.post(base+"/loose/"+one, "role", "during").is(http.StatusNotFound)
	k.post("/loose/" + one + "/discard").is(http.StatusNotFound)
	k.get("/stored/" + one).ok()

	k.get("/uploads").ok().says("1 张照片没有归入记录")
	k.get("/loose/" + two + "/discard").ok().says("归入这次上门") // a reload changes nothing
	k.post("/loose/" + two + "/discard").ok().says("已丢弃").silent("没有归入记录")
	k.get("/stored/" + two).is(http.StatusNotFound)
	k.get("/notices").ok().silent("没有归入记录")
	k.get("/me/leave").ok().silent("没有归入记录")
	k.get("/loose/" + two).is(http.StatusNotFound)
	k.post("/loose/" + strings.Repeat("0", 64) + "/discard").is(http.StatusNotFound)
}

// TestPhotoWithoutAVisit: between visits there is nowhere to add it to yet.
func TestPhotoWithoutAVisit(t *testing.T) {
	o := newOffice(t)
	o.standing(morning())
	seed := o.job(morning(), nil, nil)
	k := newPhone(t, o)
	base := "/job/" + seed.job.String()
	k.photo(base, "before", 1).is(http.StatusUnprocessableEntity)
	sha := regexp.MustCompile(`href="/loose/([0-9a-f]{64})"`).FindStringSubmatch(k.get("/uploads").ok().body)
	if sha == nil {
		t.Fatal("the photo is not listed")
	}
	k.get("/loose/" + sha[1]).ok().says("没有进行中的上门").silent("归入这次上门")
	k.post(base+"/loose/"+sha[1], "role", "before").is(http.StatusUnprocessableEntity)
}
