package headquarters_test

import (
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"siteledger/server/office"
	"siteledger/server/office/benchtest"
	"siteledger/server/web/webtest"
)

// upload posts a form with a file.
func (d *desk) upload(t *testing.T, who, path, name string, body []byte, fields map[string]string) (int, string) {
	t.Helper()
	fields["csrf"] = "form-token"
	r := webtest.FileForm(t, "http://hq.example"+path, "file", name, body, fields)
	r.AddCookie(&http.Cookie{Name: "siteledger-session", Value: who})
	rec := httptest.NewRecorder()
	d.site.ServeHTTP(rec, r)
	return rec.Code, rec.Body.String()
}

func TestDrawingsComeAndGo(t *testing.T) {
	d := openDesk(t)
	s := d.Finished()
	path := d.path(s) + "/annex"
	for name, c := range map[string]struct {
		file, bytes string
		fields      map[string]string
		says        string
	}{
		"no confirmation of actual size": {"a.dwg", "AC1032", map[string]string{}, "实际尺寸"},
		"another type":                   {"a.exe", "MZ", map[string]string{"actual_size": "1"}, "只收 dwg、dxf、pdf"},
		"a page by another name":         {"a.pdf", "<html>", map[string]string{"actual_size": "1"}, "内容与扩展名不符"},
	} {
		code, body := d.upload(t, "adjudicator", path, c.file, []byte(c.bytes), c.fields)
		if code != http.StatusUnprocessableEntity || !strings.Contains(body, c.says) {
			t.Errorf("%s: %d", name, code)
		}
	}
	if code, _ := d.upload(t, "adjudicator", path, "台面 图.DWG", []byte("AC1032 drawing"), map[string]string{"actual_size": "1"}); code != http.StatusSeeOther {
		t.Fatalf("%d", code)
	}
	rows, err := d.Store.StateRows(t.Context(), d.Centre, "drawing_annex", "defect", s.Defect)
	if err != nil || len(rows) != 1 || rows[0].Text("file_type") != "image/vnd.dwg" {
		t.Fatal(rows, err)
	}
	link := path + "/" + rows[0].ID.String()
	_, body, _ := d.ask(t, "second", d.path(s), nil)
	want(t, body, "台面 图.DWG", link)
	code, _, h := d.ask(t, "admin", link, nil)
	if code != http.StatusOK || h.Get("Content-Type") != "application/octet-stream" || !strings.HasPrefix(h.Get("Content-Disposition"), "attachment") {
		t.Fatalf("%d %v", code, h)
	}
	other := d.Finished()
	for _, bad := range []string{d.path(other) + "/annex/" + rows[0].ID.String(), path + "/" + benchtest.NewID().String(), path + "/x"} {
		if code, _, _ := d.ask(t, "adjudicator", bad, nil); code != http.StatusNotFound {
			t.Errorf("%s: %d", bad, code)
		}
	}
}

func TestFormIsShownWithAllItsFields(t *testing.T) {
	d := openDesk(t)
	s := d.Finished()
	labels := []string{"合同号", "顾客名称", "地址", "联系电话", "下单时间", "交货日期", "判定内容", "修改及重做内容", "材料名称", "边型", "封边材料", "重做或修改前的图纸尺寸", "下单原因"}
	for _, page := range []string{d.path(s), d.path(s) + "/print"} {
		_, body, _ := d.ask(t, "adjudicator", page, nil)
		want(t, body, append(labels, "遗留问题处理单", "张**", "****1234", "缺 3 项")...)
		if strings.Contains(body, "幸福里") || strings.Contains(body, benchtest.FirstNumber) {
			t.Errorf("%s shows the customer", page)
		}
	}
	in := office.Leftover{Defect: s.Defect, Class: "store", Texts: map[string]string{}, Times: map[string]int64{"order_time": 1_790_000_000_000, "delivery_date": 1_791_000_000_000}}
	for _, c := range office.LeftoverColumns() {
		in.Texts[c] = "填好的" + c
	}
	if err := d.Bench.File(t.Context(), d.Clerk, d.Centre, in); err != nil {
		t.Fatal(err)
	}
	_, body, _ := d.ask(t, "adjudicator", d.path(s), nil)
	want(t, body, "已填齐", "填好的change_content", "申报:商场或售后遗留", `id="unsigned"`, "还没有亲笔签名,不算提交")
	form := url.Values{"verdict": {"hq"}, "party": {"总部"}, "percent": {"100"}, "share_reason": {""}, "reason": {"批次色差"}, "remedy": {"remake"}}
	if code, body, _ := d.ask(t, "adjudicator", d.path(s)+"/verdict", form); code != http.StatusUnprocessableEntity || !strings.Contains(body, "没有设计员或商场负责人的亲笔签名") {
		t.Fatalf("an unsigned order is judged: %d", code)
	}
	_, body, _ = d.ask(t, "adjudicator", d.path(s)+"/print", nil, "en")
	want(t, body, "What to change or remake", "Leftover order")
	_, body, _ = d.ask(t, "adjudicator", "/headquarters/", nil)
	want(t, body, "处理单未签名")
}

func TestMarksAreDrawnOverThePhoto(t *testing.T) {
	d := openDesk(t)
	s := d.Finished()
	d.ArriveAll(s)
	form := url.Values{"photo": {s.Full.String()}, "shapes": {`[{"k":"box","p":[0.1,0.2,0.3,0.4]}]`}}
	if code, _, _ := d.ask(t, "adjudicator", d.path(s)+"/mark", form); code != http.StatusSeeOther {
		t.Fatalf("%d", code)
	}
	_, body, _ := d.ask(t, "second", d.path(s), nil)
	want(t, body, `data-marks="box,0.1,0.2,0.3,0.4"`, "标注:周判", hex.EncodeToString(s.FullSum))
	form.Set("shapes", `[{"k":"box","p":[0,0,9,0]}]`)
	if code, body, _ := d.ask(t, "adjudicator", d.path(s)+"/mark", form); code != http.StatusUnprocessableEntity || !strings.Contains(body, "标注内容不能读") {
		t.Fatalf("%d", code)
	}
}

func TestOpinionsAreNamedAndDecideNothing(t *testing.T) {
	d := openDesk(t)
	s := d.Finished()
	if err := d.Bench.Advise(t.Context(), d.Clerk, d.Centre, s.Defect, "批次号对得上"); err != nil {
		t.Fatal(err)
	}
	if code, _, _ := d.ask(t, "second", d.path(s)+"/opinion", url.Values{"text": {"同意重做<i>"}}); code != http.StatusSeeOther {
		t.Fatal(code)
	}
	if code, _, _ := d.ask(t, "second", d.path(s)+"/opinion", url.Values{"text": {""}}); code != http.StatusUnprocessableEntity {
		t.Fatal(code)
	}
	d.Pass(time.Hour) // the second one has it open no more
	_, body, _ := d.ask(t, "adjudicator", d.path(s), nil)
	want(t, body, "王芳", "批次号对得上", "吴复", "同意重做&lt;i&gt;", "建议", `value="hq"`)
}

// The second person does not see the first verdict before he has given his own;
// the first one cannot judge again.
func TestAppealIsBlind(t *testing.T) {
	d := openDesk(t)
	s := d.Finished()
	form := url.Values{"verdict": {"store"}, "party": {"商场"}, "percent": {"100"}, "share_reason": {""}, "reason": {"当初的依据"}, "remedy": {"discount"}}
	if code, _, _ := d.ask(t, "adjudicator", d.path(s)+"/verdict", form); code != http.StatusSeeOther {
		t.Fatal(code)
	}
	_, body, _ := d.ask(t, "second", d.path(s), nil)
	want(t, body, "当初的依据", "处理方案", "优惠折扣", "待批")
	a := office.Annex{Defect: s.Defect, Name: "批次.pdf", SHA: [32]byte(benchtest.Sum("batch")), Size: 10, Type: "application/pdf", ActualSize: true}
	if err := d.Bench.Attach(t.Context(), d.Clerk, d.Centre, a); err != nil {
		t.Fatal(err)
	}
	if err := d.Bench.Appeal(t.Context(), d.Supervisor, d.Centre, s.Defect, 0, "批次证明见附件"); err != nil {
		t.Fatal(err)
	}
	_, body, _ = d.ask(t, "second", "/headquarters/", nil)
	want(t, body, "复议")
	_, body, _ = d.ask(t, "second", d.path(s), nil)
	want(t, body, "批次证明见附件", "第一次判定已隐去", `value="hq"`)
	if strings.Contains(body, "当初的依据") || strings.Contains(body, "优惠折扣</h3>") {
		t.Error("the first verdict is shown to the one who judges the appeal")
	}
	if strings.Contains(body, "data-locked") {
		t.Error("that the case was closed once locks the appeal")
	}
	_, body, _ = d.ask(t, "adjudicator", d.path(s), nil)
	want(t, body, "要由另一位判定员判定", "当初的依据")
	if strings.Contains(body, "data-judge") {
		t.Error("the first adjudicator is given the verdict bar")
	}
	d.Pass(time.Hour) // nobody has it open any more
	if code, _, _ := d.ask(t, "adjudicator", d.path(s)+"/verdict", form); code != http.StatusForbidden {
		t.Fatal(code)
	}
}

func TestPrecedentsOfTheSameClass(t *testing.T) {
	d := openDesk(t)
	for i, verdict := range []string{"hq", "hq", "hq", "store"} {
		s := d.Finished()
		form := url.Values{"verdict": {verdict}, "party": {"x"}, "percent": {"100"}, "share_reason": {""}, "reason": {fmt.Sprint("先例依据", i)}, "remedy": {"none"}}
		if code, _, _ := d.ask(t, "adjudicator", d.path(s)+"/verdict", form); code != http.StatusSeeOther {
			t.Fatal(code)
		}
	}
	s := d.Finished()
	_, body, _ := d.ask(t, "adjudicator", d.path(s), nil)
	want(t, body, "近 4 例", "总部差错 75%", "商场或售后 25%", "同材料 4 例", "先例依据3")
	_, body, _ = d.ask(t, "adjudicator", "/headquarters/", nil)
	want(t, body, "近 7 天判定 · 100% 凭照片")
}

// After a verdict comes the next case that can be judged, as the queue is then.
func TestVerdictLeadsToTheNextCase(t *testing.T) {
	d := openDesk(t)
	first, second, third := d.Finished(), d.Finished(), d.Finished()
	form := url.Values{"verdict": {"hq"}, "party": {"总部"}, "percent": {"100"}, "share_reason": {""}, "reason": {"批次"}, "remedy": {"remake"}}
	if code, _, _ := d.ask(t, "second", d.path(second)+"/verdict", form); code != http.StatusSeeOther {
		t.Fatal(code)
	}
	_, _, h := d.ask(t, "adjudicator", d.path(first)+"/verdict", form)
	if got := h.Get("Location"); got != d.path(third) {
		t.Fatalf("after the first: %s, want the third", got)
	}
	_, _, h = d.ask(t, "adjudicator", d.path(third)+"/verdict", form)
	if got := h.Get("Location"); got != "/headquarters/" {
		t.Fatalf("after the last: %s", got)
	}
}
