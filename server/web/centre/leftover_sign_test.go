package centre_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"siteledger/server/office"
)

const (
	drawn      = "1|360|100 200 0 20 -30 16 20 -30 16 30 60 16 40 -20 18 30 30 16|400 100 200 10 80 16 10 60 16 40 -30 16"
	drawnAgain = "1|360|120 200 0 20 -30 16 20 -30 16 30 60 16 40 -20 18 30 30 16|400 100 200 10 80 16 10 60 16 40 -30 16"
)

var shownDigest = regexp.MustCompile(`name="shown" value="([0-9a-f]{64})"`)

// TestStaffSignAtTheCentre: the store's head signs on the centre's screen what
// the screen shows; the paper has the drawing; a change asks for a new one
// everywhere (SF-06, SF-07).
func TestStaffSignAtTheCentre(t *testing.T) {
	d := openDoors(t)
	s := d.Finished()
	path := d.defectPath(s)
	form := url.Values{"form": {"1"}, "class": {"hq"}, "order_time": {"2026-08-01"}, "delivery_date": {"2026-09-01"}}
	for _, c := range office.LeftoverColumns() {
		if form.Get(c) == "" {
			form.Set(c, "写了"+c)
		}
	}
	_, body, _ := d.ask(t, "clerk", path, nil)
	has(t, body, "先填处理单")
	if code, _, _ := d.ask(t, "clerk", path+"/form", form); code != http.StatusSeeOther {
		t.Fatal(code)
	}
	sign := func(who, strokes, name string, status int, says ...string) {
		t.Helper()
		_, body, _ := d.ask(t, "clerk", path, nil)
		m := shownDigest.FindStringSubmatch(body)
		if m == nil {
			t.Fatal("the page has nothing to sign")
		}
		code, body, _ := d.ask(t, who, path+"/sign", url.Values{"shown": {m[1]}, "signer": {"designer"}, "name": {name}, "strokes": {strokes}})
		if code != status {
			t.Errorf("%s signs %q: %d, want %d", who, strokes, code, status)
		}
		has(t, body, says...)
	}
	_, body, _ = d.ask(t, "clerk", path, nil)
	has(t, body, "未签,未提交", "修改及重做内容 Change or remake: 写了change_content", "data-pad")
	_, body, _ = d.ask(t, "clerk", "/centre/jobs/"+s.Job.String()+"/slip", nil)
	has(t, body, "未签,未提交", "商场经理(设计员或商场负责人亲手签名)")
	_, body, _ = d.ask(t, "clerk", path, nil)
	has(t, body, "总部不能作最终判定")
	board := func(says string) {
		t.Helper()
		_, body, _ := d.ask(t, "clerk", "/centre/", nil)
		if strings.Contains(body, "遗留单待签名") != (says != "") || !strings.Contains(body, says) || (says != "") != strings.Contains(body, path+"#staff-sign") {
			t.Errorf("the board does not tell %q of the order", says)
		}
	}
	board("未签,未提交")
	sign("clerk", "林设计", "林设计", http.StatusUnprocessableEntity, "签名要亲手写在框里", `value="林设计"`)
	sign("stranger", drawn, "林设计", http.StatusNotFound)
	sign("adjudicator", drawn, "林设计", http.StatusForbidden)
	sign("clerk", drawn, "<b>林</b>设计", http.StatusSeeOther)
	board("")
	_, body, _ = d.ask(t, "supervisor", path, nil)
	has(t, body, "已签,已提交", "&lt;b&gt;林&lt;/b&gt;设计", "/centre/photos/")
	_, body, _ = d.ask(t, "clerk", "/centre/jobs/"+s.Job.String()+"/slip", nil)
	has(t, body, "设计员 &lt;b&gt;林&lt;/b&gt;设计", "/centre/photos/")

	order, err := d.Store.StateRows(t.Context(), d.Centre, "leftover_order", "defect", s.Defect)
	if err != nil || len(order) != 1 {
		t.Fatal(order, err)
	}
	form.Set("base", strconv.FormatUint(order[0].Rev, 10))
	form.Set("material", "换了材料")
	if code, _, _ := d.ask(t, "clerk", path+"/form", form); code != http.StatusSeeOther {
		t.Fatal(code)
	}
	board("要重签")
	_, body, _ = d.ask(t, "clerk", path, nil)
	has(t, body, "签后有改动,要重签", "签后改过:", "材料名称")
	_, body, _ = d.ask(t, "clerk", "/centre/jobs/"+s.Job.String()+"/slip", nil)
	has(t, body, "已失效,签后有改动,需重签")
	sign("clerk", drawn, "<b>林</b>设计", http.StatusUnprocessableEntity, "这份笔迹已经用在别处")
	sign("supervisor", drawnAgain, "陈店长", http.StatusSeeOther)
	_, body, _ = d.ask(t, "clerk", path, nil)
	has(t, body, "已签,已提交", "陈店长")
}
