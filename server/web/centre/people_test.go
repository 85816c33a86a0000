package centre_test

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"
)

func TestPeople(t *testing.T) {
	w := world(t)
	b := w.SignIn("boss")
	page := b.Get("/centre/people").Want(200)
	page.Has("td b", "李师傅").Has("td", "安装师傅").Lacks("td", "赵师傅")

	added := b.Post("/centre/people", url.Values{"name": {"新客服"}, "login": {"xin"}, "role": {"clerk"}}).Want(200)
	password := added.All("#new-password")
	if len(password) != 1 || len(password[0]) < 10 {
		t.Fatalf("password %q", password)
	}
	b.Get("/centre/people").Has("td b", "新客服").Lacks("main", password[0])
	if d := w.Stranger().Post("/signin", url.Values{"login": {"xin"}, "password": {password[0]}}); d.Status != 303 {
		t.Errorf("the new password does not sign in: %d", d.Status)
	}
	b.Post("/centre/people", url.Values{"name": {"又一个"}, "login": {"xin"}, "role": {"clerk"}}).Want(422).Has(".flash-bad", "")
	b.Post("/centre/people", url.Values{"name": {""}, "login": {"y"}, "role": {"clerk"}}).Want(422).Has(".flash-bad", "请填写“姓名”")
	for _, role := range []string{"supervisor", "adjudicator", "admin", "server", ""} {
		if d := b.Post("/centre/people", url.Values{"name": {"越权"}, "login": {"z" + role}, "role": {role}}); d.Status != 403 {
			t.Errorf("a supervisor gave the role %q: %d", role, d.Status)
		}
	}

	li := w.People["li"].ID.String()
	code := b.Post("/centre/people/"+li+"/code", nil).Want(200)
	if got := code.All("#new-code"); len(got) != 1 || len(got[0]) < 8 {
		t.Errorf("code %q", got)
	}
	if src := code.Attr(".qr img", "src"); !strings.HasPrefix(src, "data:image/png;base64,") {
		t.Errorf("QR is %.40s", src)
	}
	b.Follow(b.Post("/centre/people/"+li+"/active", nil)).Has(".flash", "李师傅 已停用").Has("tr.gone", "李师傅")
	b.Follow(b.Post("/centre/people/"+li+"/active", url.Values{"active": {"1"}})).Has(".flash", "李师傅 已恢复")
	reset := b.Post("/centre/people/"+w.People["clerk2"].ID.String()+"/password", nil).Want(200)
	if len(reset.All("#new-password")) != 1 {
		t.Error("no new password")
	}
	for _, foreign := range []string{"zhao", "clerk-b", "admin"} {
		id := w.People[foreign].ID.String()
		for _, act := range []string{"/password", "/active", "/code"} {
			b.Post("/centre/people/"+id+act, nil).Want(404)
		}
	}
}

func TestAdministratorsChooseACentre(t *testing.T) {
	w := world(t)
	b := w.SignIn("admin")
	b.Get("/centre/people?centre="+w.Other.String()).Want(200).Has("td b", "赵师傅").Lacks("td b", "李师傅")
	b.Get("/centre/people?centre=" + uuid.NewString()).Want(404)
	d := b.Post("/centre/people", url.Values{"centre": {w.Other.String()}, "name": {"新主管"}, "login": {"boss-b"}, "role": {"supervisor"}}).Want(200)
	if len(d.All("#new-password")) != 1 {
		t.Error("no password")
	}
	b.Post("/centre/people", url.Values{"centre": {w.HQ.String()}, "name": {"总部师傅"}, "login": {"hq-li"}, "role": {"installer"}}).Want(403)
	b.Post("/centre/people/"+w.People["zhao"].ID.String()+"/active", url.Values{"centre": {w.Other.String()}}).Want(303)
	// A supervisor who names another centre gets the own one.
	w.SignIn("boss").Get("/centre/people?centre="+w.Other.String()).Want(200).Lacks("td b", "赵师傅").Has("td b", "李师傅")
}

func TestPhones(t *testing.T) {
	w := world(t)
	li := w.People["li"].ID
	dev := w.Insert(w.Centre, "device", map[string]any{"person": li[:], "model": "Mate 60", "public_key": make([]byte, 32), "enrolled_at": w.Now.UnixMilli() - 3*86400_000})
	b := w.SignIn("clerk")
	b.Get("/centre/phones").Want(200).Has("td", "Mate 60").Has(".pill", "静默 · 还没有联系").Has("h1", "手机")
	b.Get("/centre/").Has(".glance a", "手机静默")
	boss := w.SignIn("boss")
	boss.Follow(boss.Post("/centre/devices/"+dev.String()+"/revoke", nil)).Has(".flash", "手机已注销")
	b.Get("/centre/phones").Has(".pill", "已注销")
	theirs := w.Insert(w.Other, "device", map[string]any{"person": li[:], "public_key": make([]byte, 32), "enrolled_at": w.Now.UnixMilli()})
	boss.Post("/centre/devices/"+theirs.String()+"/revoke", nil).Want(404)
}

func TestSearch(t *testing.T) {
	w := world(t)
	b := w.SignIn("clerk")
	takeIn(t, b, call())
	takeIn(t, b, call("name", "诸葛%_明", "phone", "+86 139-8888-7777", "contract_no", "HT-2026-099", "address", "江南里 9 号"))
	for q, want := range map[string]string{
		"小𠮷": "欧阳小𠮷", "欧阳": "欧阳小𠮷", "1234": "欧阳小𠮷", "00001234": "欧阳小𠮷", "7777": "诸葛%_明", "8887777": "诸葛%_明",
		"HT-2026-099": "诸葛%_明", "sh261122-001": "欧阳小𠮷", "261122": "欧阳小𠮷", "%_": "诸葛%_明", "江南": "诸葛%_明",
	} {
		d := b.Get("/centre/search?q=" + url.QueryEscape(q)).Want(200)
		d.Has("main b", want)
		other := map[string]string{"欧阳小𠮷": "诸葛%_明", "诸葛%_明": "欧阳小𠮷"}[want]
		if q != "261122" {
			d.Lacks("main b", other)
		}
	}
	for _, short := range []string{"a", "12", "", " "} {
		b.Get("/centre/search?q="+url.QueryEscape(short)).Want(200).Has("main", "请至少输入")
	}
	b.Get("/centre/search?q="+url.QueryEscape("'; DROP TABLE state_job; --")).Want(200).Has(".empty", "没有找到工单")
}

func TestJobLists(t *testing.T) {
	w := world(t)
	b := w.SignIn("clerk")
	li := w.People["li"].ID
	takeIn(t, b, call("lead", li.String()))
	takeIn(t, b, call("contract_no", "", "category", "", "name", "=HYPERLINK(1)", "day", "2026-11-23"))
	b.Get("/centre/jobs").Has("td", "SH261122-001").Has("td", "SH261122-002")
	b.Get("/centre/jobs?status=new").Lacks("td", "SH261122-001").Has("td", "SH261122-002")
	b.Get("/centre/jobs?person="+li.String()).Has("td", "SH261122-001").Lacks("td", "SH261122-002")
	b.Get("/centre/jobs?day=2026-11-23").Lacks("td", "SH261122-001").Has("td", "SH261122-002")
	b.Get("/centre/jobs?status=nonsense&day=x&page=-3").Want(200).Has("td", "SH261122-001")
	csv := b.Get("/centre/jobs/export?status=new").Want(200)
	if !strings.Contains(csv.Body, "'=HYPERLINK(1)") || strings.Contains(csv.Body, ",=HYPERLINK") || !strings.Contains(csv.Body, "王芳") || strings.Contains(csv.Body, "001") {
		t.Errorf("export %s", csv.Body)
	}
	board := b.Get("/centre/").Want(200)
	board.Has(".slot.st-dispatched", "欧阳小𠮷").Has(".board-row", "本月 1 单").Has(".glance a", "接单未派工")
	b.Get("/centre/?day=2026-11-23").Has(".board-row.nobody", "=HYPERLINK(1)")
	w.Now = w.Now.AddDate(0, 0, 2)
	late := w.SignIn("clerk").Get("/centre/").Want(200)
	late.Has("#risk td", "SH261122-002").Has("#risk .pill", "上门 超").Lacks("#risk td", "SH261122-001")
}

func TestReportsKnowNoOtherCentre(t *testing.T) {
	w := world(t)
	takeIn(t, w.SignIn("clerk"), call())
	ctx := context.Background()
	if n, err := w.Store.KnownContracts(ctx, w.Other); err != nil || len(n) != 0 {
		t.Errorf("contracts %v %v", n, err)
	}
	if n, err := w.Store.KnownCustomers(ctx, w.Other); err != nil || len(n) != 0 {
		t.Errorf("customers %v %v", n, err)
	}
	if no, err := w.Store.LastJobNo(ctx, w.Other, "SH"); err != nil || no != "" {
		t.Errorf("number %q %v", no, err)
	}
	theirs := w.SignIn("clerk-b")
	theirs.Get("/centre/").Want(200).Lacks("main", "欧阳")
	_, page := takeIn(t, theirs, call())
	page.Has("h1", "SH261122-001")
	loads, err := w.Store.Loads(ctx, w.Centre, 0, w.Now.AddDate(0, 1, 0).UnixMilli())
	if err != nil || len(loads) != 2 {
		t.Errorf("loads %v %v", loads, err)
	}
}
