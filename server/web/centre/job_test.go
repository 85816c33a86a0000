package centre_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"testing"
	"time"

	"github.com/google/uuid"
)

func TestDispatchMoveCorrectCancel(t *testing.T) {
	w := world(t)
	b := w.SignIn("clerk")
	id, page := takeIn(t, b, call())
	at := "/centre/jobs/" + id.String()
	page.Has(".pill", "已接单").Has("aside", "未派人")
	li, wang := w.People["li"].ID.String(), w.People["wang"].ID.String()

	b.Post(at+"/crew", url.Values{"base": {page.Attr("[name=base]", "value")}}).Want(422).Has(".flash-bad", "至少选择一位师傅")
	page = b.Follow(b.Post(at+"/crew", url.Values{"base": {page.Attr("[name=base]", "value")}, "shown": {""}, "lead": {li}, "crew": {wang}}))
	page.Has(".pill", "已派工").Has("aside li", "李师傅").Has("aside li", "王师傅")
	b.Get("/centre/").Want(200).Has(".board-row", "李师傅").Has(".slot b", "14:00 欧阳小𠮷")

	// The screen still shows li and wang; meanwhile somebody takes wang off.
	other := w.SignIn("clerk2")
	other.Post(at+"/crew", url.Values{"shown": {li + " " + wang}, "lead": {li}, "reason": {"一人够了"}}).Want(303)
	b.Post(at+"/crew", url.Values{"shown": {li + " " + wang}, "lead": {wang}}).Want(409).Has(".flash-bad", "陈静")

	page = b.Get(at)
	old := page.Attr("#act-slot [name=base]", "value")
	b.Follow(b.Post(at+"/slot", url.Values{"base": {old}, "day": {"2026-11-23"}, "from": {"09:00"}, "to": {"11:00"}})).Has("#job-slot", "09:00–11:00")
	stale := other.Post(at+"/slot", url.Values{"base": {old}, "day": {"2026-11-24"}, "from": {"10:30"}, "to": {"11:30"}}).Want(409)
	stale.Has(".flash-bad", "王芳").Has("#job-slot", "09:00–11:00")
	if stale.Attr("#act-slot [name=from]", "value") != "10:30" {
		t.Error("the slot typed was lost")
	}
	// Submitting the page that came back is taken: it has the new base.
	other.Post(at+"/slot", url.Values{"base": {stale.Attr("#act-slot [name=base]", "value")}, "day": {"2026-11-24"}, "from": {"10:30"}, "to": {"11:30"}}).Want(303)

	contact := url.Values{"contact": {page.Attr("[name=contact]", "value")}, "base": {page.Attr("#act-contact [name=base]", "value")}, "name": {"欧阳小𠮷"}, "phone": {"13911112222"}, "address": {"幸福里 3 栋 1202"}}
	b.Post(at+"/contact", contact).Want(422).Has(".flash-bad", "核实了身份")
	contact.Set("verified", "回拨确认")
	b.Follow(b.Post(at+"/contact", contact)).Has("#contact-phone", "13911112222").Has(".notes", "回拨确认")
	if got := w.Row("customer", w.Row("job", id).UUID("customer")).Text("phone"); got != "13911112222" {
		t.Errorf("customer's file has %s", got)
	}

	b.Post(at+"/cancel", url.Values{"reason": {""}}).Want(422)
	b.Follow(b.Post(at+"/cancel", url.Values{"base": {b.Get(at).Attr("#act-cancel [name=base]", "value")}, "reason": {"顾客改期"}})).Has(".pill", "已取消").Has("dd", "顾客改期")
	b.Post(at+"/slot", url.Values{"day": {"2026-11-25"}, "from": {"10:30"}, "to": {"11:30"}}).Want(422)
	b.Post(at+"/crew", url.Values{"lead": {li}}).Want(422).Has(".flash-bad", "原因")
	b.Follow(b.Post(at+"/crew", url.Values{"lead": {li}, "reason": {"顾客又要了"}})).Has(".pill", "已派工")
}

func TestOtherCentresJobsAreNotThere(t *testing.T) {
	w := world(t)
	id, _ := takeIn(t, w.SignIn("clerk"), call())
	b := w.SignIn("clerk-b")
	at := "/centre/jobs/" + id.String()
	for _, path := range []string{at, at + "/timeline", at + "/slip", at + "/register"} {
		b.Get(path).Want(404)
	}
	for path, form := range map[string]url.Values{
		at + "/slot":    {"day": {"2026-11-25"}, "from": {"10:30"}, "to": {"11:30"}},
		at + "/contact": {"contact": {uuid.NewString()}, "name": {"x"}, "phone": {"13800001111"}},
		at + "/crew":    {"lead": {w.People["zhao"].ID.String()}},
		at + "/cancel":  {"reason": {"x"}},
		at + "/note":    {"kind": {"note"}, "text": {"x"}},
	} {
		b.Post(path, form).Want(404)
	}
	b.Get("/centre/jobs").Has(".empty", "没有符合的工单")
	if w.Row("job", id).Text("status") != "new" {
		t.Error("the job was changed")
	}
}

func TestPhotosStayInTheirCentre(t *testing.T) {
	w := world(t)
	sha := sha256.Sum256([]byte("picture"))
	w.Photos[w.Centre] = map[[32]byte][]byte{sha: []byte("picture")}
	path := "/centre/photos/" + hex.EncodeToString(sha[:])
	d := w.SignIn("clerk").Get(path).Want(200)
	if d.Body != "picture" || d.Header.Get("Content-Type") != "image/jpeg" || d.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%v", d.Header)
	}
	w.SignIn("clerk-b").Get(path).Want(404)
	w.SignIn("clerk").Get("/centre/photos/zz").Want(404)
	w.Stranger().Get(path).Want(303)
}

func TestVisitShowsOnTheJobsPage(t *testing.T) {
	w := world(t)
	b := w.SignIn("clerk")
	id, _ := takeIn(t, b, call("lead", w.People["li"].ID.String()))
	li := w.People["li"].ID
	at := func(h, m int) int64 {
		return time.Date(2026, 11, 22, h, m, 0, 0, time.FixedZone("", 8*3600)).UnixMilli()
	}
	visit := w.Insert(w.Centre, "visit", map[string]any{"job": id[:], "person": li[:], "started_at": at(14, 2), "outcome": "judge"})
	w.Insert(w.Centre, "visit_event", map[string]any{"visit": visit[:], "kind": "arrive", "at": at(14, 2)})
	w.Insert(w.Centre, "service_record", map[string]any{"visit": visit[:], "fault": "左上门板偏黄", "deferred": true, "deferred_due": at(18, 0)})
	w.Insert(w.Centre, "fee_line", map[string]any{"visit": visit[:], "item": "A1", "name": "上门费", "standard_version": "2026-1", "quantity": int64(1), "standard_price": int64(12000), "card_price": int64(10000), "charged": int64(10000), "currency": "CNY", "basis": "card"})
	defect := w.Insert(w.Centre, "defect", map[string]any{"job": id[:], "visit": visit[:], "no": int64(1), "class": "door_colour", "text": "左门比右门黄", "status": "open"})
	sha := sha256.Sum256([]byte("photo"))
	w.Insert(w.Centre, "photo", map[string]any{"job": id[:], "visit": visit[:], "defect": defect[:], "role": "close", "original": sha[:], "original_size": int64(5), "original_type": "image/jpeg", "taken_at": at(14, 10)})
	w.Now = w.Now.Add(6 * time.Hour)
	d := b.Get("/centre/jobs/" + id.String()).Want(200)
	d.Has(".visit", "左上门板偏黄").Has(".visit .pill", "稍后填写").Has(".visit .total", "¥100.00").Has(".visit .pill", "上门未收口")
	d.Has(".defect", "门板色差").Has(".defect .missing", "全景").Has(".defect figure", "局部").Has("#completeness", "未齐").Has(".pill", "上门 准时")
	b.Follow(b.Post("/centre/jobs/"+id.String()+"/upload", url.Values{"photo": {d.Attr("#ask-upload [name=photo]", "value")}})).Has(".flash", "1 张原图")
	rows, err := w.Store.StateRows(context.Background(), w.Centre, "instruction", "person", uuid.Nil)
	if err != nil {
		t.Fatal(err)
	}
	all, err := w.Store.StateRows(context.Background(), w.Centre, "instruction", "person", li)
	if err != nil {
		t.Fatal(err)
	}
	if len(rows)+len(all) != 1 {
		t.Errorf("%d instructions", len(rows)+len(all))
	}
	if _, err := w.Store.StateRows(context.Background(), w.Centre, "job", "status; DROP", li); err == nil {
		t.Error("an unknown column was read")
	}
}

func TestJobFoundOnTheSpotGetsANumber(t *testing.T) {
	w := world(t)
	id := w.Insert(w.Centre, "job", map[string]any{"kind": "repair", "channel": "site", "found_on_spot": true, "intake_at": w.Now.UnixMilli(), "asked_work": "顺手修水龙头", "warranty": "unknown", "status": "dispatched"})
	b := w.SignIn("clerk")
	b.Get("/centre/jobs/"+id.String()).Want(200).Has("h1", "现场单(未编号)")
	b.Get("/centre/jobs").Has("td .pill", "现场发现")
	for range 2 {
		b.Follow(b.Post("/centre/jobs/"+id.String()+"/number", nil)).Has("h1", "SH261122-001")
	}
	w.SignIn("clerk-b").Post("/centre/jobs/"+id.String()+"/number", nil).Want(404)
}
