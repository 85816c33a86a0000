package headquarters_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"siteledger/server/office/benchtest"
)

// TestABatchIsJudgedOnce: cases of the same class and product are marked in the
// queue, offered beside each other, and judged with one verdict where somebody
// ticks them; what changed meanwhile, is of another class, or somebody else has
// open, is left and said.
func TestABatchIsJudgedOnce(t *testing.T) {
	d := openDesk(t)
	first, second, changed, open, other := d.Finished(), d.Finished(), d.Finished(), d.Finished(), d.Finished()
	d.Write(d.Centre, benchtest.System(), benchtest.Update("defect", other.Defect, d.Row("defect", other.Defect).Rev, map[string]any{"class": "wrong_size"}))
	_, body, _ := d.ask(t, "adjudicator", "/headquarters/", nil)
	want(t, body, "同类同产品 +3")
	if n := strings.Count(body, "同类同产品 +"); n != 4 {
		t.Errorf("%d cases are marked as one batch, want 4", n)
	}
	value := func(s *benchtest.Story) string {
		return fmt.Sprintf("%s.%s.%d", d.Centre, s.Defect, d.Row("defect", s.Defect).Rev)
	}
	_, body, _ = d.ask(t, "adjudicator", d.path(first), nil)
	want(t, body, "可能是同一批次", "3 条待判定", value(second), `form="judge"`)
	if strings.Contains(body, value(other)) {
		t.Error("a case of another class is offered")
	}
	form := url.Values{"verdict": {"hq"}, "party": {"总部"}, "percent": {"100"}, "share_reason": {""}, "reason": {"批次色差"}, "remedy": {"remake"}, "also": {value(second), value(changed), value(open), value(other), value(first)}}
	d.Write(d.Centre, benchtest.System(), benchtest.Update("defect", changed.Defect, d.Row("defect", changed.Defect).Rev, map[string]any{"text": "又补充了一句"}))
	d.ask(t, "second", d.path(open), nil)
	form.Set("percent", "90")
	if code, body, _ := d.ask(t, "adjudicator", d.path(first)+"/verdict", form); code != http.StatusUnprocessableEntity || !strings.Contains(body, value(second)+`" form="judge" checked`) {
		t.Fatalf("a refused verdict: %d, or the ticks are lost", code)
	}
	if n := len(d.File(second.Job).All("adjudication")); n != 0 {
		t.Fatal("a refused verdict was given to the others")
	}
	form.Set("percent", "100")
	if code, _, _ := d.ask(t, "adjudicator", d.path(first)+"/verdict", form); code != http.StatusSeeOther {
		t.Fatal(code)
	}
	for s, status := range map[*benchtest.Story]string{first: "judged", second: "judged", changed: "submitted", open: "submitted", other: "submitted"} {
		if got := d.Row("defect", s.Defect).Text("status"); got != status {
			t.Errorf("a case is %s, want %s", got, status)
		}
	}
	a := d.File(second.Job).First("adjudication")
	if a.Text("reason") != "批次色差" || a.UUID("adjudicator") != d.Adjudicator.Person || len(d.File(second.Job).Where("responsibility", "adjudication", a.ID)) != 1 {
		t.Errorf("%v", a.Cols)
	}
	for _, bad := range []string{"x", "a.b.c", d.Centre.String() + "." + second.Defect.String() + ".-1"} {
		form["also"] = []string{bad}
		if code, _, _ := d.ask(t, "adjudicator", d.path(changed)+"/verdict", form); code != http.StatusUnprocessableEntity {
			t.Errorf("%q: %d", bad, code)
		}
	}
	form["also"] = make([]string, 60)
	for i := range form["also"] {
		form["also"][i] = value(second)
	}
	if code, _, _ := d.ask(t, "adjudicator", d.path(changed)+"/verdict", form); code != http.StatusUnprocessableEntity {
		t.Errorf("sixty at once: %d", code)
	}
	// Another centre's case by a name that was made up changes nothing there.
	form["also"] = []string{fmt.Sprintf("%s.%s.1", d.Other, second.Defect)}
	if code, _, _ := d.ask(t, "adjudicator", d.path(changed)+"/verdict", form); code != http.StatusSeeOther {
		t.Errorf("a made-up case: %d", code)
	}
	form["also"] = []string{value(other)}
	form.Set("verdict", "retake")
	form.Set("lack", "full")
	form.Set("wanted", "full")
	d.Pass(1 << 40)
	if code, _, _ := d.ask(t, "adjudicator", d.path(open)+"/verdict", form); code != http.StatusUnprocessableEntity {
		t.Errorf("a photo is asked for in two cases at once: %d", code)
	}
}

// TestCracksAreJudgedOneByOne: each whole crack must be seen.
func TestCracksAreJudgedOneByOne(t *testing.T) {
	d := openDesk(t)
	first, second := d.Finished(), d.Finished()
	for _, s := range []*benchtest.Story{first, second} {
		d.Write(d.Centre, benchtest.System(), benchtest.Update("defect", s.Defect, d.Row("defect", s.Defect).Rev, map[string]any{"class": "door_crack"}))
	}
	_, body, _ := d.ask(t, "adjudicator", d.path(first), nil)
	want(t, body, "可能是同一批次", "不能一起判定")
	form := url.Values{"verdict": {"hq"}, "party": {"总部"}, "percent": {"100"}, "share_reason": {""}, "reason": {"批次"}, "remedy": {"remake"}, "whole_crack": {"1"},
		"also": {fmt.Sprintf("%s.%s.%d", d.Centre, second.Defect, d.Row("defect", second.Defect).Rev)}}
	if code, _, _ := d.ask(t, "adjudicator", d.path(first)+"/verdict", form); code != http.StatusUnprocessableEntity {
		t.Fatal(code)
	}
	if got := d.Row("defect", first.Defect).Text("status"); got != "submitted" {
		t.Errorf("the first is %s", got)
	}
}
