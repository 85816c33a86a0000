package headquarters_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"siteledger/server/office/benchtest"
	"siteledger/server/web"
)

// judgeHere sends a verdict as the open page's script does: the answer is the
// page that comes next.
func (d *desk) judgeHere(who string, s *benchtest.Story, form url.Values) *httptest.ResponseRecorder {
	form.Set("csrf", "form-token")
	r := httptest.NewRequest(http.MethodPost, "http://hq.example"+d.path(s)+"/verdict", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set(web.FollowHeader, "1")
	r.AddCookie(&http.Cookie{Name: "siteledger-session", Value: who})
	w := httptest.NewRecorder()
	d.site.ServeHTTP(w, r)
	return w
}

// TestVerdictBringsTheNextCase: the answer to a verdict is the page of the next
// case itself, as the queue is once the verdict is written: with the message, taken
// for this person, past what somebody else has open or has closed meanwhile, and
// without anything of the form that was sent. A refused verdict shows no other case.
func TestVerdictBringsTheNextCase(t *testing.T) {
	d := openDesk(t)
	first, closed, open, next := d.Finished(), d.Finished(), d.Finished(), d.Finished()
	form := func() url.Values {
		return url.Values{"verdict": {"hq"}, "party": {"总部"}, "percent": {"100"}, "share_reason": {""}, "reason": {"色差<u>"}, "remedy": {"remake"}}
	}
	d.ask(t, "adjudicator", d.path(first), nil) // its script knows `closed` as the next one
	d.ask(t, "second", d.path(closed)+"/verdict", form())
	d.ask(t, "second", d.path(open), nil)

	w := d.judgeHere("adjudicator", first, form())
	if at := w.Header().Get("Content-Location"); w.Code != http.StatusOK || at != d.path(next) {
		t.Fatalf("%d, the page of %q, want that of %s", w.Code, at, d.path(next))
	}
	want(t, w.Body.String(), "已提交", `action="`+d.path(next)+`/verdict"`, "2 / 2")
	if strings.Contains(w.Body.String(), "色差&lt;u&gt;</textarea>") {
		t.Error("what was typed for the case before stands in the next one's form")
	}
	if d.Row("defect", first.Defect).Text("status") != "judged" {
		t.Error("the next case is shown, and the verdict is not written")
	}
	if set := w.Header().Values("Set-Cookie"); len(set) == 0 || !strings.Contains(set[len(set)-1], "siteledger-flash=;") {
		t.Errorf("the message would be shown again: %q", set)
	}
	if _, body, _ := d.ask(t, "second", d.path(next), nil); !strings.Contains(body, "正在判定这一条") {
		t.Error("the next case is shown and not taken")
	}

	w = d.judgeHere("adjudicator", open, form())
	if w.Code != http.StatusConflict || w.Header().Get("Content-Location") != "" {
		t.Fatalf("a verdict over somebody's head: %d, and on to %q", w.Code, w.Header().Get("Content-Location"))
	}
	want(t, w.Body.String(), "您的判定没有提交", `action="`+d.path(open)+`/take"`)
	if w := d.judgeHere("adjudicator", next, form()); w.Header().Get("Content-Location") != "/headquarters/" {
		t.Errorf("nothing is left, and it goes on to %q", w.Header().Get("Content-Location"))
	}
	if w := d.judgeHere("", next, form()); w.Code == http.StatusOK {
		t.Errorf("a stranger: %d", w.Code)
	}
}
