package phone

import (
	"bytes"
	"context"
	"encoding/hex"
	"image"
	"image/jpeg"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	clientsdk "siteledger/client-sdk"
	"siteledger/syncproto/fieldwork"
)

// picture draws a noisy JPEG, another one for each seed.
func jpegPhoto(tb testing.TB, seed uint64) []byte {
	tb.Helper()
	rnd := rand.New(rand.NewPCG(seed, 7))
	img := image.NewRGBA(image.Rect(0, 0, 800, 600))
	for i := range img.Pix {
		img.Pix[i] = uint8(120 + 40*((i/64)%2) + rnd.IntN(24))
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, &jpeg.Options{Quality: 85}); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

// drawn is what a hand draws in half a second.
const drawn = "1|360|100 200 0 20 -30 16 20 -30 16 30 60 16 40 -20 18 30 30 16|400 100 200 10 80 16 10 60 16 40 -30 16"

// arrived is a phone whose job is open on the site.
func arrived(t *testing.T, cols map[string]any) (*phoneKit, string) {
	t.Helper()
	o := newOffice(t)
	o.standing(morning())
	seed := o.job(morning().Add(10*time.Minute), cols, nil)
	k := newPhone(t, o)
	base := "/job/" + seed.job.String()
	k.post(base + "/depart").ok().says("已记录出发")
	k.now.add(20 * time.Minute)
	k.post(base + "/arrive").ok()
	return k, base
}

func lastPath(p string) string { return p[strings.LastIndexByte(p, '/')+1:] }

// photo takes one.
func (k *phoneKit) photo(base, role string, seed uint64, pairs ...string) answer {
	k.tb.Helper()
	if !slices.Contains(pairs, "back") {
		pairs = append(pairs, "back", base)
	}
	return k.upload(base+"/photo", "photo", jpegPhoto(k.tb, seed), append(pairs, "role", role, "source", "camera")...)
}

// The main job, offline from the first tap to the last: what the story's
// browser test does with a server, done here without any network.
func TestVisitWithoutNetwork(t *testing.T) {
	k, base := arrived(t, map[string]any{"warranty": "out"})
	k.get("/").ok().says("春江花园", "王秀英", "已到达", "保外", "件待上传", "上次成功 08:50")

	k.photo(base, "before", 1).ok()
	k.post(base+"/record", "fault", "门板色差", "deferred_shown", "1", "deferred", "1").ok()

	// The defect: refused without its full view, with everything typed kept.
	page := k.post(base+"/defect", "id", newID(t).String(), "class", "door_colour").ok()
	defect := base + "/defect/" + lastPath(page.at)
	k.photo(base, "close", 2, "defect", lastPath(page.at), "back", defect).ok()
	k.post(defect+"/submit", "text", "左起第二块门板比旁边偏黄").is(http.StatusUnprocessableEntity).
		says("还不能提交", "还缺一张全景照片", "同一平面", "左起第二块门板比旁边偏黄").silent("还缺一张局部照片")
	if d := k.one("defect"); d.Text("status") != "open" || d.Text("text") != "左起第二块门板比旁边偏黄" {
		t.Fatalf("after the refusal: %v", d.Cols)
	}
	k.photo(base, "full", 3, "defect", lastPath(page.at), "same_plane", "1", "back", defect).ok().says("资料齐了").silent("还缺一张全景照片")
	k.post(defect+"/submit", "text", "左起第二块门板比旁边偏黄").ok().says("待判定")
	if d := k.one("defect"); d.Text("status") != "submitted" || d.UUID("item") == uuid.Nil {
		t.Fatalf("submitted: %v", d.Cols)
	}

	// The fee: first the standard, then a line at the lower price, then a receipt.
	fee := k.get(base + "/fee").ok().says("先请客户过目标准").silent("开收据")
	item := k.standardID(t, "F03")
	k.post(base+"/fee", "id", newID(t).String(), "item", item, "quantity", "1").is(http.StatusUnprocessableEntity).says("收费之前要先请客户过目收费标准")
	k.get(base+"/standard").ok().says("请客户过目", "上门检测费", "¥50", "2026-11").silent("未来的价格")
	k.post(base + "/standard").ok()
	k.post(base+"/fee", "id", newID(t).String(), "item", item, "quantity", "1", "card", "100").ok().says("¥100", "保修证标准", "取较低的")
	line := k.one("fee_line")
	if line.Int("charged") != 10000 || line.Int("standard_price") != 12000 || line.Int("card_price") != 10000 || line.Text("basis") != "card" || line.Text("standard_version") != "2026-11" {
		t.Fatalf("fee line %v", line.Cols)
	}
	id := newID(t).String()
	k.post(base+"/receipt", "id", id, "way", "cash", "invoice", "post", "payer", "王秀英").ok().says("SC01-000123")
	k.post(base+"/receipt", "id", id, "way", "cash").ok() // a double tap
	if r := k.one("receipt"); r.Text("no") != "SC01-000123" || r.Int("amount") != 10000 || r.Text("invoice") != "post" {
		t.Fatalf("receipt %v", r.Cols)
	}
	_ = fee

	k.finishAndSign(base)
	k.closeAndCheck(base)
}

// shots takes every photo of the visit's list.
func (k *phoneKit) shots(base string) {
	for i, role := range []string{"entrance", "nameplate", "before", "during", "after", "close"} {
		k.photo(base, role, uint64(40+i)).ok()
	}
}

// standardID finds a price of the standard in force.
func (k *phoneKit) standardID(tb testing.TB, item string) string {
	tb.Helper()
	for _, r := range k.rows("fee_standard") {
		if r.Text("item") == item && r.Text("version") == "2026-11" {
			return r.ID.String()
		}
	}
	tb.Fatalf("no price for %s", item)
	return ""
}

// finishAndSign goes from the self-check to the customer's signature.
func (k *phoneKit) finishAndSign(base string) {
	t := k.tb
	ticks := []string{"ticks_shown", "1", "training_done", "1", "restored", "1", "cleaned", "1", "warranty_card", "1"}
	all := append(append([]string{}, ticks...), "outcome", "judge", "check_product", "1", "check_site", "1", "check_tools", "1")
	k.post(base + "/handover").is(http.StatusUnprocessableEntity)
	k.post(base+"/selfcheck", ticks...).is(http.StatusUnprocessableEntity).says("还缺完工照片")
	k.photo(base, "after", 4).ok()
	k.post(base+"/selfcheck", ticks...).is(http.StatusUnprocessableEntity).says("照片清单里还有没拍的", "入户门或门牌")
	k.photo(base, "entrance", 14).ok()
	k.post(base+"/selfcheck", append(append([]string{}, ticks...), "skip_nameplate", "门板没有铭牌", "no_photo", "顾客不让拍")...).is(http.StatusUnprocessableEntity).says("没拍:门板没有铭牌", "没拍:顾客不让拍")
	if n := len(k.rows("shot_skip")); n != 2 { // the nameplate and the work itself
		t.Fatalf("%d photos left out", n)
	}
	k.post(base+"/selfcheck", append(ticks, "check_tools", "1")...).is(http.StatusUnprocessableEntity).
		says("请选这次上门的结果", `name="check_tools" value="1" checked`).silent(`name="check_site" value="1" checked`)
	k.post(base+"/selfcheck", all...).ok().says("请把手机交给顾客")

	k.post(base+"/handover", "pin", "12").is(http.StatusUnprocessableEntity).says("密码要 4 到 6 位数字")
	customer := k.post(base+"/handover", "pin", "2580").ok().says("王秀英,您好", "¥100", "待鉴定", "签名", "不签", "稍后", "无法签", "凭确认码")

	// Locked: every other page leads back here, and a wrong PIN does too.
	if at := k.get("/me").ok().at; at != base+"/handover" {
		t.Fatalf("locked phone shows %s", at)
	}
	k.post(base+"/unlock", "pin", "0000").is(http.StatusUnprocessableEntity).says("密码不对")
	shown := customer.hidden("shown")
	for _, none := range []string{"", "王秀英", "1|360|10 10 0", "1|360|10 10 0 1 1 1" + strings.Repeat(" 50 20 0", 12)} {
		k.post(base+"/sign", "strokes", none, "outcome", "signed", "shown", shown).is(http.StatusUnprocessableEntity).says("请先在框里签名")
	}
	k.post(base+"/sign", "code", "48", "outcome", "code", "shown", shown).is(http.StatusUnprocessableEntity).says("请填服务中心告诉您的确认码")
	k.post(base+"/sign", "strokes", drawn, "outcome", "signed", "shown", strings.Repeat("0", 64)).is(http.StatusUnprocessableEntity).says("内容刚刚变了")
	k.post(base+"/sign", "strokes", drawn, "outcome", "signed", "shown", shown, "quality", "5", "attitude", "4", "comment", "很好").ok().says("谢谢")

	// Signed, and still in the customer's hands.
	for _, at := range []string{"/", base, base + "/done", "/finished"} {
		if got := k.get(at).ok().silent("故障与处理").at; got != base+"/handover" {
			t.Fatalf("after the signature %s shows %s", at, got)
		}
	}
	k.post(base+"/sign", "strokes", drawn, "outcome", "signed", "shown", shown).silent("谢谢")
	k.post(base+"/unlock", "pin", "0000").is(http.StatusUnprocessableEntity).says("密码不对")
	k.post(base+"/unlock", "pin", "2580").ok()
}

// closeAndCheck ends the visit and looks at every row of it.
func (k *phoneKit) closeAndCheck(base string) {
	tb := k.tb
	job, err := uuid.Parse(lastPath(base))
	if err != nil {
		tb.Fatal(err)
	}
	k.post(base+"/done", "uncertain_fix", "1").ok().says("上门已结束", "已存本机")
	var f *jobFile
	if err := k.client.View(context.Background(), func(v *clientsdk.View) error {
		f, err = loadJob(v, job, k.office.person)
		return err
	}); err != nil {
		tb.Fatal(err)
	}
	if f.Visit != nil || len(f.Past) != 1 || f.Job.Text("status") != "finished" {
		tb.Fatalf("job after the visit: %v", f.Job.Cols)
	}
	v := f.Past[0]
	closed := v.Closes[0]
	if int(closed.Int("photos")) != len(v.Photos) || int(closed.Int("rows")) != v.Count {
		tb.Fatalf("closing row says %d rows, %d photos; there are %d and %d", closed.Int("rows"), closed.Int("photos"), v.Count, len(v.Photos))
	}
	if got := fieldwork.StateOf(v.VisitRows); got != fieldwork.SignatureCovers {
		tb.Fatalf("signature %s", got)
	}
	if broken := fieldwork.CheckOrder(fieldwork.Steps(v.VisitRows)); len(broken) > 0 {
		tb.Fatalf("order of work: %v", broken)
	}
	s, _ := v.signature()
	content, hash := fieldwork.Bound(v.VisitRows)
	if s.Text("content") != content || !bytes.Equal(s.Bytes("content_hash"), hash[:]) || len(s.Bytes("image")) != 32 || s.Text("strokes") != drawn {
		tb.Fatalf("signature %v", s.Cols)
	}
	if v.Rating == nil || v.Rating.Int("quality") != 5 || !v.Rating.Bool("handover") {
		tb.Fatalf("rating %v", v.Rating)
	}
	k.get("/finished").ok().says("春江花园", "需判定", "已签", "资料未齐")
	k.get("/uploads").ok().says("春江花园", "排队")
	k.get("/").ok().says("给 王秀英 打回访电话", "今天没有派单")
}

// A kill at any moment loses nothing: the files as they lie are a whole phone,
// words that were only typed included, and the customer's page stays locked.
func TestKilledPhoneShowsEverything(t *testing.T) {
	k, base := arrived(t, nil)
	page := k.post(base+"/defect", "id", newID(t).String(), "class", "door_colour").ok()
	defect := base + "/defect/" + lastPath(page.at)
	k.photo(base, "full", 3, "defect", lastPath(page.at), "same_plane", "1", "back", defect).ok()
	k.script(defect, "text", "左起第二块门").is(http.StatusNoContent)
	k.script(base+"/record", "fault", "门板色差,左起", "deferred_shown", "1").is(http.StatusNoContent)

	again := k.killed()
	again.get(base).ok().says("08:50 出发", "门板色差,左起")
	again.get(defect).ok().says("左起第二块门", "还缺一张局部照片").silent("还缺一张全景照片")
	photo := again.one("photo")
	got := again.get("/photo/" + photo.ID.String() + "/original").ok()
	if got.body != string(jpegPhoto(t, 3)) {
		t.Fatal("the original is not the bytes that were taken")
	}
}

// script posts as the page's autosave does.
func (k *phoneKit) script(path string, pairs ...string) answer {
	k.tb.Helper()
	body := strings.NewReader(form(pairs...))
	r, err := http.NewRequest(http.MethodPost, k.app.URL+path, body)
	if err != nil {
		k.tb.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("X-Phone-Script", "1")
	return k.do(r)
}

func TestLockSurvivesAKill(t *testing.T) {
	k, base := arrived(t, nil)
	k.shots(base)
	k.post(base+"/record", "fault", "铰链松", "cause", "螺丝松", "measure", "拧紧", "deferred_shown", "1").ok()
	k.post(base+"/selfcheck", "ticks_shown", "1", "training_done", "1", "restored", "1", "cleaned", "1", "warranty_card", "1",
		"outcome", "solved", "check_product", "1", "check_site", "1", "check_tools", "1").ok()
	k.post(base+"/handover", "pin", "2580").ok()
	again := k.killed()
	if at := again.get("/").ok().at; at != base+"/handover" {
		t.Fatalf("after the kill the phone shows %s", at)
	}
	again.post(base+"/unlock", "pin", "2580").ok().says("故障与处理")
	again.post(base + "/handover").ok() // the PIN is known by now
	page := again.get(base + "/handover").ok()
	again.post(base+"/sign", "outcome", "refused", "shown", page.hidden("shown")).ok()
	again = again.killed()
	if at := again.get("/").ok().says("谢谢").at; at != base+"/handover" {
		t.Fatalf("after the answer and a kill the phone shows %s", at)
	}
	again.post(base+"/unlock", "pin", "2580").ok()
	s := again.one("signature")
	if s.Text("outcome") != "refused" || s.Bytes("image") != nil || len(again.rows("rating")) != 0 {
		t.Fatalf("refusal %v", s.Cols)
	}
	again.post(base+"/done").ok().says("上门已结束", "拒签")
}

func TestPhotoRowSaysWhatWasTaken(t *testing.T) {
	k, base := arrived(t, nil)
	k.photo(base, "nameplate", 9).ok().says("照片已存本机")
	p := k.one("photo")
	if p.Text("original_type") != "image/jpeg" || p.Int("width") != 800 || p.Int("height") != 600 || p.Int("orientation") != 1 ||
		p.Text("source") != "camera" || p.Int("blur") <= 0 || p.Int("taken_at") != k.now.Now().UnixMilli() {
		t.Fatalf("photo %v", p.Cols)
	}
	if n := p.Int("preview_size"); n <= 0 || n > 32<<10 {
		t.Fatalf("preview of %d bytes", n)
	}
	f, err := k.client.OpenAttachment([32]byte(p.Bytes("original")))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil || !bytes.Equal(b, jpegPhoto(t, 9)) {
		t.Fatalf("stored %d bytes, %v", len(b), err)
	}
	k.photo(base, "nameplate", 9).ok() // the same form again
	if n := len(k.rows("photo")); n != 1 {
		t.Fatalf("%d photos after a double tap", n)
	}
	k.get("/photo/"+p.ID.String()).ok().says("排队", hex.EncodeToString(p.Bytes("original"))[:16])
}

func TestPhotoRefused(t *testing.T) {
	k, base := arrived(t, nil)
	whole := jpegPhoto(t, 1)
	for name, c := range map[string]struct {
		file []byte
		says string
	}{
		"html":      {[]byte("<!doctype html><title>Wi-Fi sign-in</title>"), "这不是照片"},
		"truncated": {whole[:len(whole)*99/100], "照片不完整"},
		"empty":     {nil, "没有收到照片"},
	} {
		t.Run(name, func(t *testing.T) {
			k.upload(base+"/photo", "photo", c.file, "role", "before", "back", base).is(http.StatusUnprocessableEntity).says(c.says)
			if n := len(k.rows("photo")); n != 0 {
				t.Fatalf("%d rows", n)
			}
		})
	}
	st, err := k.client.Status(context.Background())
	if err != nil || len(st.Uploads) != 0 {
		t.Fatalf("%d uploads of refused files, %v", len(st.Uploads), err)
	}
}

// A full disk says so before the camera opens, and keeps what is there.
func TestFullDisk(t *testing.T) {
	k, base := arrived(t, nil)
	k.photo(base, "before", 1).ok()
	k.free = 10 << 20
	k.get(base).ok().says("手机存储空间不足").silent(`type="file"`)
	k.photo(base, "during", 2).is(http.StatusInsufficientStorage).says("手机存储空间不足")
	if n := len(k.rows("photo")); n != 1 {
		t.Fatalf("%d photos", n)
	}
	k.get("/").ok().says("10.0 MB")
}
