package centre_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"siteledger/server/office"
	"siteledger/server/office/benchtest"
	"siteledger/server/web/webtest"
)

func (d *doors) defectPath(s *benchtest.Story) string {
	return "/centre/jobs/" + s.Job.String() + "/defects/" + s.Defect.String()
}

func (d *doors) attach(t *testing.T, who, path, name string, body []byte) int {
	t.Helper()
	r := webtest.FileForm(t, "http://site.example"+path, "file", name, body, map[string]string{"csrf": "form-token", "actual_size": "1"})
	r.AddCookie(&http.Cookie{Name: "siteledger-session", Value: who})
	rec := httptest.NewRecorder()
	d.site.ServeHTTP(rec, r)
	return rec.Code
}

func has(t *testing.T, body string, texts ...string) {
	t.Helper()
	for _, s := range texts {
		if !strings.Contains(body, s) {
			t.Errorf("the page lacks %q", s)
		}
	}
}

func TestLeftoverFormAtTheCentre(t *testing.T) {
	d := openDoors(t)
	s := d.Finished()
	path := d.defectPath(s)
	_, body, _ := d.ask(t, "clerk", path, nil)
	has(t, body, "遗留问题处理单", "HT-2026-0117", "张𠮷", "幸福里 3 幢 1201", "模压门板 E0", "修改及重做内容", "PVC 同色")
	form := url.Values{"form": {"1"}, "class": {"hq"}, "order_time": {"2026-08-01"}, "delivery_date": {"2026-09-01"}}
	for _, c := range office.LeftoverColumns() {
		if form.Get(c) == "" {
			form.Set(c, "写了"+c)
		}
	}
	form.Set("change_content", "")
	form.Set("edge_band", "")
	code, body, _ := d.ask(t, "clerk", path+"/form", form)
	if code != http.StatusUnprocessableEntity {
		t.Fatal(code)
	}
	has(t, body, "请填写“修改及重做内容”。", "请填写“封边材料”。", `value="写了material"`)
	form.Set("change_content", "重做第二块门板")
	form.Set("edge_band", "PVC")
	if code, _, _ := d.ask(t, "clerk", path+"/form", form); code != http.StatusSeeOther {
		t.Fatal(code)
	}
	_, body, _ = d.ask(t, "supervisor", path, nil)
	has(t, body, "重做第二块门板", `value="2026-09-01"`)
	_, body, _ = d.ask(t, "clerk", "/centre/jobs/"+s.Job.String()+"/slip", nil)
	has(t, body, "修改及重做内容", "重做第二块门板", "下单原因", "写了reason", "写了judgement", "填报的遗留问题处理单", "2026-09-01")
	if strings.Contains(body, "还缺以下必填项") {
		t.Error("the printed form calls a filed one incomplete")
	}
	if code, _, _ := d.ask(t, "stranger", path, nil); code != http.StatusNotFound {
		t.Errorf("another centre's clerk: %d", code)
	}
	if code, _, _ := d.ask(t, "adjudicator", path, nil); code != http.StatusForbidden {
		t.Errorf("an adjudicator at the centre's door: %d", code)
	}
}

func TestAppealAndRemedyAtTheCentre(t *testing.T) {
	d := openDoors(t)
	s := d.Finished()
	path := d.defectPath(s)
	verdict := func(who office.Who, remedy string) {
		t.Helper()
		_, err := d.Bench.Adjudicate(t.Context(), who, d.Centre, office.Judgement{Defect: s.Defect, Verdict: "store", Remedy: remedy, Reason: "安装不当", Split: []office.Share{{Party: "商场", Percent: 100}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	verdict(d.Adjudicator, "discount")
	appeal := url.Values{"text": {"批次证明见附件"}}
	if code, _, _ := d.ask(t, "clerk", path+"/appeal", appeal); code != http.StatusForbidden {
		t.Errorf("a clerk appeals: %d", code)
	}
	code, body, _ := d.ask(t, "supervisor", path+"/appeal", appeal)
	if code != http.StatusUnprocessableEntity {
		t.Fatal(code)
	}
	has(t, body, "复议要有新证据")
	if code := d.attach(t, "clerk", path+"/annex", "批次.pdf", []byte("%PDF-1.7")); code != http.StatusSeeOther {
		t.Fatal(code)
	}
	if code, _, _ := d.ask(t, "supervisor", path+"/appeal", appeal); code != http.StatusSeeOther {
		t.Fatal(code)
	}
	_, body, _ = d.ask(t, "supervisor", path, nil)
	has(t, body, "批次.pdf", "判定后在这里办理处理方案")
	verdict(d.Second, "gift")

	remedy := func() url.Values {
		rows, err := d.Store.StateRows(t.Context(), d.Centre, "remedy", "defect", s.Defect)
		if err != nil || len(rows) != 2 {
			t.Fatal(rows, err)
		}
		return url.Values{"remedy": {rows[1].ID.String()}}
	}
	step := func(who, to string, status int, says string) {
		t.Helper()
		form := remedy()
		form.Set("to", to)
		form.Set("register_no", "ZP-1")
		code, body, _ := d.ask(t, who, path+"/step", form)
		if code != status || !strings.Contains(body, says) {
			t.Errorf("%s to %s: %d, want %d %q", who, to, code, status, says)
		}
	}
	step("clerk", "registered", http.StatusUnprocessableEntity, "请按步骤办理")
	step("clerk", "approved", http.StatusForbidden, "")
	step("supervisor", "approved", http.StatusSeeOther, "")
	step("clerk", "registered", http.StatusUnprocessableEntity, "先征得顾客同意")
	form := remedy()
	form.Set("answer", "agreed")
	if code, _, _ := d.ask(t, "clerk", path+"/answer", form); code != http.StatusSeeOther {
		t.Fatal(code)
	}
	step("clerk", "registered", http.StatusSeeOther, "")
	step("clerk", "done", http.StatusSeeOther, "")
	_, body, _ = d.ask(t, "clerk", path, nil)
	has(t, body, "赠送护理品", "已完成", "同意")
}
