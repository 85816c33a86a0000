package phone

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

func TestEnrolByPage(t *testing.T) {
	o := newOffice(t)
	k := &phoneKit{tb: t, office: o, dir: t.TempDir(), now: &clock{t: morning()}, free: 20 << 30, cut: true}
	k.open()
	t.Cleanup(k.close)
	if at := k.get("/me").ok().says(o.server.URL, "登记这台手机").at; at != "/enrol" {
		t.Fatalf("a new phone shows %s", at)
	}
	k.post("/enrol", "code", "").is(http.StatusUnprocessableEntity).says("请输入登记码")
	k.post("/enrol", "code", "OPEN-1234").is(http.StatusServiceUnavailable).says("OPEN-1234") // kept as typed
	k.cut = false
	k.post("/enrol", "code", "WRONG").is(http.StatusUnprocessableEntity)
	k.post("/enrol", "code", " OPEN-1234 ").ok().says("登记成功", "今天没有派单")
	k.post("/me/lang", "lang", "en").ok().says("Last successful sync")
	k.get("/").ok().says("No jobs today", "never synced")
	k.post("/me/lang", "lang", "de").is(http.StatusUnprocessableEntity)
}

func TestHomeShowsJobsByTime(t *testing.T) {
	o := newOffice(t)
	o.standing(morning())
	o.job(morning().Add(70*time.Minute), nil, nil)
	o.job(morning().Add(20*time.Minute), map[string]any{"warranty": "out", "kind": "install"}, map[string]any{"community": "翠苑三区", "name": "陈𠮷祥"})
	o.job(morning().Add(-3*time.Hour), nil, map[string]any{"community": "彩虹城", "name": "䶮先生"})
	o.job(morning().Add(3*time.Hour), map[string]any{"status": "cancelled"}, map[string]any{"community": "白马湖"})
	o.job(morning().Add(26*time.Hour), nil, map[string]any{"community": "钱江湾"})
	stranger := newID(t)
	o.put("job", stranger, stranger, map[string]any{"kind": "repair", "intake_at": morning().UnixMilli(), "asked_work": "x", "warranty": "in", "status": "dispatched", "slot_from": morning().UnixMilli()})
	k := newPhone(t, o)
	a := k.get("/").ok().says("剩 1小时10分", "剩 20分钟", "已超时 1小时30分", "已取消", "陈𠮷祥", "䶮先生", "明天", "保外", "保内", "安装")
	order(t, a.body, "彩虹城", "翠苑三区", "春江花园", "白马湖", "钱江湾")
	if n := strings.Count(a.body, `class="slip`); n != 5 {
		t.Fatalf("%d slips, want 5: a job of somebody else is not mine", n)
	}
}

func order(t *testing.T, body string, texts ...string) {
	t.Helper()
	at := -1
	for _, s := range texts {
		i := strings.Index(body, s)
		if i < 0 || i < at {
			t.Fatalf("%q is at %d, behind %d", s, i, at)
		}
		at = i
	}
}

func TestEmptyHomeNamesTheNextJob(t *testing.T) {
	o := newOffice(t)
	o.job(morning().Add(28*time.Hour), nil, nil)
	k := newPhone(t, o)
	k.get("/").ok().says("今天没有派单", "下一单 明天 12:50")
}

func TestWrongClockSaysSo(t *testing.T) {
	o := newOffice(t)
	k := &phoneKit{tb: t, office: o, dir: t.TempDir(), now: &clock{t: morning().Add(-11 * time.Minute)}, free: 20 << 30}
	k.open()
	t.Cleanup(k.close)
	k.post("/enrol", "code", o.code).ok().says("手机时间比服务器慢 11分钟,记录不受影响,请校时")
}

func TestCorrectedPhoneNumber(t *testing.T) {
	o := newOffice(t)
	seed := o.job(morning(), nil, nil)
	k := newPhone(t, o)
	base := "/job/" + seed.job.String()
	k.get(base).ok().says("13800138000", `href="tel:13800138000"`)
	k.post(base+"/contact", "phone", "12").is(http.StatusUnprocessableEntity).says("这不像电话号码")
	k.post(base+"/contact", "phone", "139-0000-1111").ok().says("139-0000-1111", "号码已改")
	if c := k.one("job_contact"); c.Text("phone") != "139-0000-1111" {
		t.Fatalf("contact %v", c.Cols)
	}
}

func TestStepsBeforeArriving(t *testing.T) {
	o := newOffice(t)
	o.standing(morning())
	seed := o.job(morning().Add(4*time.Hour), nil, nil) // 12:50, in the quiet hours
	k := newPhone(t, o)
	base := "/job/" + seed.job.String()
	k.get(base).ok().says("预约落在小区安静时段 12:00–14:00", "雅居 A7", "PET 亮光", "调整铰链", "姓李,您看12:50方便吗", "北门登记")
	for _, path := range []string{"/work", "/fee", "/part", "/finish", "/done", "/defect"} {
		k.get(base + path).is(http.StatusUnprocessableEntity).says("请先点“到达”")
	}
	k.photo(base, "before", 1).is(http.StatusUnprocessableEntity).says("请先点“到达”")
	k.post(base+"/delay", "minutes", "30").ok()
	k.post(base + "/depart").ok()
	k.post(base + "/depart").ok()
	if n := len(k.rows("visit")); n != 1 {
		t.Fatalf("%d visits", n)
	}
	kinds := []string{}
	for _, e := range k.rows("visit_event") {
		kinds = append(kinds, e.Text("kind")+" "+e.Text("detail"))
	}
	if got := strings.Join(kinds, ", "); got != "delay +30 min, depart 话术 script v3" {
		t.Fatalf("events: %s", got)
	}
	if s := k.one("job").Text("status"); s != "departed" {
		t.Fatalf("job is %s", s)
	}
}

func TestNobodyAtHome(t *testing.T) {
	k, base := arrived(t, nil)
	k.post(base+"/absent").ok().says("客户不在", "不在场")
	k.post(base + "/absent").ok()
	k.post(base + "/done").ok().says("上门已结束")
	if s := k.one("signature"); s.Text("outcome") != "absent" {
		t.Fatalf("signature %v", s.Cols)
	}
	if v := k.one("visit"); v.Text("outcome") != "absent" {
		t.Fatalf("visit %v", v.Cols)
	}
}

// A job that the office cancelled while the technician was on his way: what is
// done is kept, and the visit can end with what there is.
func TestCancelledOnTheWay(t *testing.T) {
	o := newOffice(t)
	seed := o.job(morning(), nil, nil)
	k := newPhone(t, o)
	base := "/job/" + seed.job.String()
	k.post(base+"/delay", "minutes", "15").ok()
	cols := map[string]any{}
	for name, v := range k.one("job").Cols {
		cols[name] = v
	}
	cols["status"], cols["cancel_reason"] = "cancelled", "客户改期"
	o.put("job", seed.job, seed.job, cols)
	k.sync()
	k.get("/").ok().says("已取消")
	k.get(base).ok().says("这单已取消", "客户改期", "已经做的记录都保留")
	k.post(base + "/arrive").ok()
	k.post(base+"/record", "fault", "门板色差", "deferred_shown", "1").ok()
	k.post(base + "/done").ok().says("上门已结束")
	if s := k.one("job").Text("status"); s != "cancelled" {
		t.Fatalf("job is %s", s)
	}
}

// A verdict that wants a photo shows on home, opens exactly that photo, and
// goes back only with it (AD-07).
func TestRetake(t *testing.T) {
	o := newOffice(t)
	o.standing(morning())
	seed := o.job(morning().AddDate(0, 0, -2), map[string]any{"status": "finished"}, nil)
	defect, verdict := newID(t), newID(t)
	o.put("defect", defect, seed.job, map[string]any{"job": seed.job, "no": 1, "class": "door_colour", "text": "右侧第三块门板比旁边偏黄", "status": "retake"})
	for i, role := range []string{"full", "close"} { // what was sent the first time
		o.put("photo", newID(t), seed.job, map[string]any{"job": seed.job, "defect": defect, "role": role, "original": make([]byte, 32), "original_size": 1000 + i, "original_type": "image/jpeg", "taken_at": morning().UnixMilli(), "same_plane": true})
	}
	o.put("adjudication", verdict, seed.job, map[string]any{"defect": defect, "verdict": "retake", "lacks": "看不出位置", "wanted_role": "full", "adjudicator": newID(t), "at": morning().UnixMilli()})
	k := newPhone(t, o)
	page := "/job/" + seed.job.String() + "/retake/" + defect.String()
	k.get("/").ok().says("要补拍", "补拍 1")
	k.get("/job/"+seed.job.String()).ok().says(page, "总部要求补拍")
	k.get(page).ok().says("总部要一张:全景", "看不出位置")
	k.post(page).is(http.StatusUnprocessableEntity).says("还没有补拍要的那一张")
	k.photo("/job/"+seed.job.String(), "full", 5, "defect", defect.String(), "retake_of", newID(t).String(), "back", page).is(http.StatusUnprocessableEntity).says("这次补拍已经结束")
	k.photo("/job/"+seed.job.String(), "full", 5, "defect", defect.String(), "retake_of", verdict.String(), "same_plane", "1", "back", page).ok()
	k.post(page).ok().says("补拍已交回判定")
	if d := k.one("defect"); d.Text("status") != "submitted" {
		t.Fatalf("defect %v", d.Cols)
	}
	for _, p := range k.rows("photo") {
		if p.Int("original_size") > 1001 && (p.UUID("retake_of") != verdict || p.Text("role") != "full" || p.UUID("visit") != uuid.Nil) {
			t.Fatalf("photo %v", p.Cols)
		}
	}
	k.get("/").ok().silent("要补拍")
}

func TestVerdictShows(t *testing.T) {
	o := newOffice(t)
	seed := o.job(morning().AddDate(0, 0, -2), map[string]any{"status": "registered"}, nil)
	defect, verdict := newID(t), newID(t)
	o.put("defect", defect, seed.job, map[string]any{"job": seed.job, "no": 1, "class": "top_crack", "text": "水槽左边裂缝", "status": "judged"})
	o.put("adjudication", verdict, seed.job, map[string]any{"defect": defect, "verdict": "hq", "remedy": "remake", "text_store": "总部重做台面", "adjudicator": newID(t), "at": morning().UnixMilli()})
	o.put("responsibility", newID(t), seed.job, map[string]any{"adjudication": verdict, "party": "工厂", "percent": 70})
	o.put("responsibility", newID(t), seed.job, map[string]any{"adjudication": verdict, "party": "商场", "percent": 30})
	k := newPhone(t, o)
	k.get("/job/"+seed.job.String()).ok().says("总部差错", "70%", "工厂", "30%", "重做", "总部重做台面")
	k.post("/me/lang", "lang", "en").ok()
	k.get("/job/"+seed.job.String()).ok().says("Headquarters&#39; fault", "Remake", "Countertop crack")
}

func TestFoundOnTheSpot(t *testing.T) {
	o := newOffice(t)
	o.standing(morning())
	seed := o.job(morning(), nil, nil)
	k := newPhone(t, o)
	page := k.get("/found?from="+seed.job.String()).ok().says("王秀英", "13800138000", "春江花园")
	id := page.hidden("id")
	full := []string{"id", id, "from", seed.job.String(), "kind", "repair", "name", "邻居䶮女士", "phone", "", "community", "春江花园", "address", strings.Repeat("长", 200), "warranty", "unknown"}
	k.post("/found", full...).is(http.StatusUnprocessableEntity).says("请写要做什么", "邻居䶮女士")
	full = append(full, "work", "衣柜移门脱轨")
	k.post("/found", full...).ok().says("现在可以干活", "衣柜移门脱轨", "现场发现", "已到达", "邻居䶮女士")
	k.post("/found", full...).ok() // a double tap
	jobs := 0
	for _, j := range k.rows("job") {
		if j.Bool("found_on_spot") {
			jobs++
			if j.Text("status") != "arrived" || j.Text("channel") != "site" || j.UUID("origin") != seed.job {
				t.Fatalf("job %v", j.Cols)
			}
		}
	}
	if jobs != 1 || len(k.rows("assignment")) != 2 {
		t.Fatalf("%d jobs, %d assignments", jobs, len(k.rows("assignment")))
	}
}

func TestFees(t *testing.T) {
	k, base := arrived(t, map[string]any{"warranty": "out"})
	item := k.standardID(t, "F02")
	k.post(base + "/standard").ok()
	k.post(base + "/standard").ok()
	shown := 0
	for _, e := range k.rows("visit_event") {
		if e.Text("kind") == "standard" {
			shown++
			if e.Text("standard_version") != "2026-11" {
				t.Fatalf("event %v", e.Cols)
			}
		}
	}
	if shown != 1 {
		t.Fatalf("shown %d times", shown)
	}
	add := func(pairs ...string) answer {
		return k.post(base+"/fee", append([]string{"id", newID(t).String(), "item", item, "quantity", "2"}, pairs...)...)
	}
	add("charged", "60.01").is(http.StatusUnprocessableEntity).says("不得多收")
	add("charged", "40").is(http.StatusUnprocessableEntity).says("低于标准要写原因", `value="40"`)
	add("card", "abc").is(http.StatusUnprocessableEntity).says("金额请填数字", "abc")
	k.post(base+"/fee", "id", newID(t).String(), "item", newID(t).String()).is(http.StatusUnprocessableEntity).says("请先选收费项目")
	add("charged", "40", "reason", "老客户").ok().says("低于标准", "¥40")
	add("card", "90").ok().says("¥100", "¥60") // the card is higher: the standard applies
	k.post(base+"/waiver", "id", newID(t).String(), "amount", "30", "reason", "嫌贵").is(http.StatusUnprocessableEntity).says("三保规定")
	k.post(base+"/waiver", "id", newID(t).String(), "amount", "3000", "reason", "嫌贵", "explained", "1").is(http.StatusUnprocessableEntity).says("减免不能超过")
	k.post(base+"/waiver", "id", newID(t).String(), "amount", "30", "reason", "嫌贵", "explained", "1").ok().says("待批", "开收据 ¥100")
	k.post(base+"/receipt", "id", newID(t).String()).is(http.StatusUnprocessableEntity).says("请选收款方式")
	k.post(base+"/receipt", "id", newID(t).String(), "way", "qr").ok().says("SC01-000123")
	add().ok().says("开收据 ¥60")
	k.post(base+"/receipt", "id", newID(t).String(), "way", "cash").ok().says("SC01-000124")
	k.post(base+"/receipt", "id", newID(t).String(), "way", "cash").is(http.StatusUnprocessableEntity).says("没有要开收据的金额")
}

func TestPartsInWarrantyNeedTheOldPart(t *testing.T) {
	k, base := arrived(t, map[string]any{"warranty": "in"})
	k.post(base+"/part", "id", newID(t).String(), "name", "阻尼铰链", "quantity", "2").is(http.StatusUnprocessableEntity).says("旧件编号", "阻尼铰链")
	k.post(base+"/part", "id", newID(t).String(), "name", "阻尼铰链", "quantity", "2", "old_part_no", "J-881").ok().says("J-881", "× 2")
	k.post(base+"/part", "id", newID(t).String(), "name", "拉手", "quantity", "0").is(http.StatusUnprocessableEntity).says("数量请填")
}

func TestWrongSizeDefect(t *testing.T) {
	k, base := arrived(t, nil)
	page := k.post(base+"/defect", "id", newID(t).String(), "class", "wrong_size").ok()
	defect := base + "/defect/" + lastPath(page.at)
	k.post(defect+"/submit", "text", "抽屉面板短了一截", "drawing_size", "598", "actual_size", "abc").is(http.StatusUnprocessableEntity).
		says("尺寸请填毫米整数", "abc", "抽屉面板短了一截", "还缺一张局部照片")
	k.post(defect+"/submit", "actual_size", "590").is(http.StatusUnprocessableEntity).says("-8 mm", "抽屉面板短了一截")
	for i, role := range []string{"full", "close"} {
		k.photo(base, role, uint64(30+i), "defect", lastPath(page.at)).ok()
	}
	k.post(defect + "/submit").is(http.StatusUnprocessableEntity).says("还没有带卷尺的标尺照片")
	k.photo(base, "scale", 34, "defect", lastPath(page.at)).ok()
	k.post(defect + "/submit").ok()
	if d := k.one("defect"); d.Text("status") != "submitted" || d.Int("actual_size") != 590 || d.Int("drawing_size") != 598 {
		t.Fatalf("defect %v", d.Cols)
	}
	k.post(defect+"/submit", "text", "later").ok() // after it was handed in nothing changes
	if d := k.one("defect"); d.Text("text") != "抽屉面板短了一截" {
		t.Fatalf("defect %v", d.Cols)
	}
}

// A crack goes to the judge with a photo that shows the whole of it, or with the
// reason why there is none (DE-04).
func TestCrackIsWholeInOnePhoto(t *testing.T) {
	k, base := arrived(t, nil)
	page := k.post(base+"/defect", "id", newID(t).String(), "class", "top_crack").ok()
	id := lastPath(page.at)
	defect := base + "/defect/" + id
	for i, role := range []string{"full", "close"} {
		k.photo(base, role, uint64(30+i), "defect", id).ok()
	}
	k.get(defect).ok().says("整条裂缝都在画面内").silent("资料齐了")
	k.post(defect+"/submit", "text", "台面右角开裂").is(http.StatusUnprocessableEntity).says("还没有一张确认“整条裂缝都在画面内”的照片")
	if d := k.one("defect"); d.Text("status") != "open" || d.Text("text") != "台面右角开裂" {
		t.Fatalf("defect %v", d.Cols)
	}
	k.post(defect+"/submit", "skip_whole", "裂到墙里,拍不全").ok()
	skip := k.one("shot_skip")
	if d := k.one("defect"); d.Text("status") != "submitted" || skip.Text("reason") != "裂到墙里,拍不全" || skip.UUID("defect") != d.ID {
		t.Fatalf("defect %v, reason %v", d.Cols, skip.Cols)
	}

	page = k.post(base+"/defect", "id", newID(t).String(), "class", "door_crack").ok()
	id = lastPath(page.at)
	k.photo(base, "full", 40, "defect", id, "whole", "1").ok()
	k.photo(base, "close", 41, "defect", id).ok()
	k.get(base + "/defect/" + id).ok().silent("还没有一张确认")
	k.post(base+"/defect/"+id+"/submit", "text", "门板下沿开裂").ok().says("待判定")
}

// What is deferred is shown as such and written later, by its day (OR-14).
func TestDeferredCause(t *testing.T) {
	k, base := arrived(t, nil)
	k.script(base+"/record", "fault", "台面裂", "deferred_shown", "1", "deferred", "1").is(http.StatusNoContent)
	r := k.one("service_record")
	due := time.UnixMilli(r.Int("deferred_due")).In(morning().Location())
	if !r.Bool("deferred") || due.Format("2006-01-02 15:04") != "2026-11-20 18:00" {
		t.Fatalf("deferred until %v", due)
	}
	k.post(base + "/absent").ok()
	k.post(base + "/done").ok()
	k.get("/").ok().says("要补填", "明天 18:00 前补填")
	k.script(base+"/record", "cause", "开孔圆角太小", "measure", "重做", "deferred_shown", "1").is(http.StatusNoContent)
	k.get("/").ok().silent("要补填")
}

func TestSignOutRefusesUnsentWork(t *testing.T) {
	k, base := arrived(t, nil)
	k.photo(base, "before", 1).ok()
	k.get("/me/leave").ok().says("王秀英", "春江花园", "主管授权码")
	k.post("/me/leave").is(http.StatusUnprocessableEntity).says("未上传的工作")
	k.post("/me/leave", "code", "123456").is(http.StatusUnprocessableEntity).says("授权码不对", "王秀英")
	k.get(base).ok().says("已到达")
}

func TestQuestionOfTheOffice(t *testing.T) {
	o := newOffice(t)
	seed := o.job(morning(), nil, nil)
	o.put("note", newID(t), seed.job, map[string]any{"job": seed.job, "kind": "question", "text": "旧台面带回来了吗?", "at": morning().UnixMilli()})
	k := newPhone(t, o)
	base := "/job/" + seed.job.String()
	k.get("/").ok().says("中心在问")
	id := k.get(base).ok().says("旧台面带回来了吗?").hidden("id")
	k.post(base+"/answer", "id", id, "text", "").is(http.StatusUnprocessableEntity)
	k.post(base+"/answer", "id", id, "text", "带回来了").ok()
	k.post(base+"/answer", "id", id, "text", "带回来了").ok()
	k.get("/").ok().silent("中心在问")
	if n := len(k.rows("note")); n != 2 {
		t.Fatalf("%d notes", n)
	}
}

func TestFixDoubtCallAfterThreeHours(t *testing.T) {
	k, base := arrived(t, nil)
	k.post(base + "/absent").ok()
	k.post(base+"/done", "uncertain_fix", "1").ok()
	k.get("/").ok().says("12:10 给 王秀英 打回访电话")
	k.now.add(3*time.Hour + time.Minute)
	id := k.get("/").ok().says("请给 王秀英 打回访电话").hidden("id")
	k.post(base+"/called", "id", id, "result", "good").ok()
	k.get("/").ok().silent("打回访电话")
	if n := k.one("note"); n.Text("text") != "3小时回访: 修好了" {
		t.Fatalf("note %v", n.Cols)
	}
}

func TestChangeAfterSigningEndsTheSignature(t *testing.T) {
	k, base := arrived(t, nil)
	k.shots(base)
	k.post(base+"/record", "fault", "铰链松", "cause", "螺丝松", "measure", "拧紧", "deferred_shown", "1").ok()
	k.post(base+"/selfcheck", "ticks_shown", "1", "training_done", "1", "restored", "1", "cleaned", "1", "warranty_card", "1",
		"outcome", "solved", "check_product", "1", "check_site", "1", "check_tools", "1").ok()
	k.post(base+"/handover", "pin", "2580").ok()
	shown := k.get(base + "/handover").ok().hidden("shown")
	k.post(base+"/sign", "strokes", drawn, "outcome", "signed", "shown", shown).ok()
	k.post(base+"/unlock", "pin", "2580").ok()
	k.script(base+"/record", "measure", "换新铰链").is(http.StatusNoContent)
	k.get(base).ok().says("签名后内容改过")
	k.post(base + "/done").is(http.StatusUnprocessableEntity).says("请先完成:交给顾客")
}

func TestLockedAgainstAJobThatLeft(t *testing.T) {
	k, _ := arrived(t, nil)
	if err := reopenSettings(t, k.dir, newID(t).String()); err != nil {
		t.Fatal(err)
	}
	again := k.killed() // its first page is the lock's, which has nothing to show
	if at := again.get("/").ok().says("春江花园").at; at != "/" {
		t.Fatalf("shows %s", at)
	}
}

func reopenSettings(t *testing.T, dir, job string) error {
	t.Helper()
	s, err := openSettings(dir)
	if err != nil {
		return err
	}
	return s.update(func(f *settingsFile) { f.LockedJob = job })
}

func TestPINWaits(t *testing.T) {
	s := &settings{}
	if err := s.setPIN("2580", strings.NewReader(strings.Repeat("s", 64))); err != nil {
		t.Fatal(err)
	}
	now := morning()
	for range pinTries {
		if ok, wait, err := s.checkPIN("1111", now); ok || wait > 0 || err != nil {
			t.Fatalf("%v %v %v", ok, wait, err)
		}
	}
	if ok, wait, _ := s.checkPIN("2580", now); ok || wait <= 0 {
		t.Fatal("no wait after too many tries")
	}
	if ok, wait, err := s.checkPIN("2580", now.Add(pinPause+time.Second)); !ok || wait > 0 || err != nil {
		t.Fatalf("%v %v %v", ok, wait, err)
	}
	if ok, _, _ := (&settings{}).checkPIN("", now); ok {
		t.Fatal("no PIN was taken for one")
	}
}
