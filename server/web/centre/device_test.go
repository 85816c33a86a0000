package centre_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"siteledger/server/office/benchtest"
)

// TestPagesOfAPhoneInUse: a phone that has been heard from stands on all pages
// that show phones, with its clock and its log.
func TestPagesOfAPhoneInUse(t *testing.T) {
	d := openDoors(t)
	s := d.Finished()
	page := "/centre/devices/" + s.Phone.Device.ID.String()
	for _, path := range []string{"/centre/people", "/centre/phones", page} {
		code, body, _ := d.ask(t, "supervisor", path, nil)
		if code != http.StatusOK {
			t.Fatalf("%s: %d %s", path, code, body)
		}
		want(t, body, "Redmi 12", "李师傅")
		if path != page {
			want(t, body, `href="`+page+`"`)
		}
		if code, _, _ := d.ask(t, "supervisor", path, nil, true); code != http.StatusOK {
			t.Errorf("%s in English: %d", path, code)
		}
	}
	_, body, _ := d.ask(t, "supervisor", page, nil)
	want(t, body, "时钟正常", "0 秒", "从第几条起", "到第几条", "授权退出", "上传完后清空")
	code, body, _ := d.ask(t, "clerk", "/centre/phones", nil)
	if wantNot(t, body, `href="`+page+`"`); code != http.StatusOK {
		t.Errorf("a clerk's list: %d", code)
	}
	for who, status := range map[string]int{"clerk": http.StatusForbidden, "stranger": http.StatusForbidden, "adjudicator": http.StatusForbidden} {
		if code, _, _ := d.ask(t, who, page, nil); code != status {
			t.Errorf("%s: %d, want %d", who, code, status)
		}
	}
	if code, _, _ := d.ask(t, "supervisor", "/centre/devices/"+uuid.NewString(), nil); code != http.StatusNotFound {
		t.Errorf("no such phone: %d", code)
	}
}

// TestAskingAPhone: the forms of a phone's page, what they refuse, and what the
// page says of a range that came again.
func TestAskingAPhone(t *testing.T) {
	d := openDoors(t)
	s := d.Finished()
	page := "/centre/devices/" + s.Phone.Device.ID.String()
	ask := func(who string, form url.Values) (int, string) {
		code, body, _ := d.ask(t, who, page+"/instruct", form)
		return code, body
	}
	for name, c := range map[string]struct {
		form url.Values
		says string
	}{
		"no number":      {url.Values{"kind": {"resend"}, "from": {"x"}, "to": {"77"}}, "从 1 开始的整数"},
		"backwards":      {url.Values{"kind": {"resend"}, "from": {"9"}, "to": {"3"}}, "不小于"},
		"an end of text": {url.Values{"kind": {"resend"}, "from": {"1"}, "to": {"the end"}}, "不小于"},
		"an empty word":  {url.Values{"kind": {"message"}, "text": {"  "}}, "请写明"},
		"markup":         {url.Values{"kind": {"<script>"}, "text": {"<script>alert(1)</script>"}}, "&lt;script&gt;"},
	} {
		code, body := ask("supervisor", c.form)
		if code != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", name, code)
		}
		want(t, body, c.says)
		wantNot(t, body, "<script>alert", "18446744073709551615")
	}
	for _, who := range []string{"clerk", "stranger", "admin"} {
		if code, _ := ask(who, url.Values{"kind": {"wipe"}}); code != http.StatusForbidden {
			t.Errorf("%s asked a phone to wipe itself: %d", who, code)
		}
	}
	d.Pass(time.Minute)
	if code, body := ask("supervisor", url.Values{"kind": {"resend"}, "from": {"2"}, "to": {"5"}}); code != http.StatusSeeOther {
		t.Fatalf("%d %s", code, body)
	}
	_, body, _ := d.ask(t, "supervisor", page, nil)
	want(t, body, "重发日志", "尚未答复")
	wantNot(t, body, "逐字节")
	rows, err := d.Store.StateRows(t.Context(), d.Centre, "instruction", "person", s.Phone.Device.Person)
	if err != nil || len(rows) != 1 || !strings.Contains(rows[0].Text("args"), `"to":5`) {
		t.Fatalf("%v %v", rows, err)
	}
	d.Pass(time.Minute)
	s.Phone.Record(benchtest.Insert("instruction_ack", benchtest.NewID(), map[string]any{"instruction": rows[0].ID[:], "state": "done"}))
	s.Phone.Push()
	_, body, _ = d.ask(t, "supervisor", page, nil)
	want(t, body, "已完成", "第 2–5 条已与服务器逐字节核对,一致")
	_, body, _ = d.ask(t, "supervisor", page, nil, true)
	want(t, body, "2–5 compared with the server")
}

// TestPermitIsShownOnce: the code that lets a phone sign out stands on one
// answer and in no address.
func TestPermitIsShownOnce(t *testing.T) {
	w := world(t)
	li := w.People["li"].ID
	dev := w.Insert(w.Centre, "device", map[string]any{"person": li[:], "model": "Mate 60", "public_key": make([]byte, 32), "enrolled_at": w.Now.UnixMilli()})
	theirs := w.Insert(w.Other, "device", map[string]any{"person": li[:], "public_key": make([]byte, 32), "enrolled_at": w.Now.UnixMilli()})
	boss, page := w.SignIn("boss"), "/centre/devices/"+dev.String()
	code := boss.Post(page+"/permit", nil).Want(200).All("#permit")
	if len(code) != 1 || strings.Count(code[0], ".") != 2 {
		t.Fatalf("permit %q", code)
	}
	boss.Get(page).Want(200).Lacks("main", code[0])
	w.SignIn("clerk").Post(page+"/permit", nil).Want(403)
	boss.Post("/centre/devices/"+theirs.String()+"/permit", nil).Want(404)
	boss.Get("/centre/devices/" + theirs.String()).Want(404)
	boss.Post("/centre/devices/"+theirs.String()+"/instruct", url.Values{"kind": {"wipe"}}).Want(404)
}
