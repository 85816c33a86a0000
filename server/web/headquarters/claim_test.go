package headquarters_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// TestOneAdjudicatorAtATime: who opens a case has it for some minutes; another
// one sees who, cannot judge over his head, may take it over, and what he
// typed is still there when he comes too late.
func TestOneAdjudicatorAtATime(t *testing.T) {
	d := openDesk(t)
	s, behind := d.Finished(), d.Finished()
	form := url.Values{"verdict": {"hq"}, "party": {"总部"}, "percent": {"100"}, "share_reason": {""}, "reason": {"批次色差<b>"}, "remedy": {"remake"}}
	d.ask(t, "adjudicator", d.path(s), nil)
	_, body, _ := d.ask(t, "second", d.path(s), nil)
	want(t, body, "正在判定这一条", "接手", "data-locked", "另一位判定员正在判定这一条")
	_, body, _ = d.ask(t, "second", "/headquarters/", nil)
	want(t, body, "周判 正在判定")
	if _, body, _ = d.ask(t, "admin", d.path(s), nil); !strings.Contains(body, "您可以查看") {
		t.Error("somebody who only looks is told of a lock")
	}
	code, body, _ := d.ask(t, "second", d.path(s)+"/verdict", form)
	if code != http.StatusConflict || d.Row("defect", s.Defect).Text("status") != "submitted" {
		t.Fatalf("a verdict over somebody's head: %d", code)
	}
	want(t, body, "您的判定没有提交", "批次色差&lt;b&gt;", "您刚才填的")
	if code, _, _ := d.ask(t, "second", d.path(s)+"/take", url.Values{}); code != http.StatusSeeOther {
		t.Fatalf("take over: %d", code)
	}
	if code, body, _ := d.ask(t, "adjudicator", d.path(s)+"/verdict", form); code != http.StatusConflict || !strings.Contains(body, "正在判定这一条") {
		t.Fatalf("he whose case was taken over judges: %d", code)
	}
	// The next case is one that nobody has open.
	d.ask(t, "adjudicator", d.path(behind), nil)
	code, _, h := d.ask(t, "second", d.path(s)+"/verdict", form)
	if code != http.StatusSeeOther || h.Get("Location") != "/headquarters/" {
		t.Fatalf("%d, and on to %s, which somebody has open", code, h.Get("Location"))
	}
	// Another tab of the same person, and the one who lost it: closed, by whom
	// and when, and nothing that was typed is lost.
	code, body, _ = d.ask(t, "second", d.path(s)+"/verdict", form)
	if code != http.StatusConflict {
		t.Fatalf("a second verdict: %d", code)
	}
	want(t, body, "您已于", "您刚才的判定没有生效", "批次色差&lt;b&gt;", "data-locked")
	_, body, _ = d.ask(t, "adjudicator", d.path(s), nil)
	want(t, body, "处理:总部差错", "data-locked")
	if n := len(d.File(s.Job).All("adjudication")); n != 1 {
		t.Fatalf("%d verdicts", n)
	}
	if code, _, _ := d.ask(t, "second", d.path(behind)+"/leave", url.Values{}); code != http.StatusNoContent {
		t.Fatalf("leave: %d", code)
	}
	if _, body, _ = d.ask(t, "second", d.path(behind), nil); !strings.Contains(body, "正在判定这一条") {
		t.Error("somebody gives back what another one has")
	}
	if d.ask(t, "adjudicator", d.path(behind)+"/leave", url.Values{}); strings.Contains(second(d.ask(t, "second", d.path(behind), nil)), "正在判定这一条") {
		t.Error("a case that was left is still locked")
	}
	d.ask(t, "second", d.path(behind)+"/leave", url.Values{})
	d.ask(t, "adjudicator", d.path(behind), nil)
	d.Pass(time.Hour)
	_, body, _ = d.ask(t, "second", d.path(behind), nil)
	if strings.Contains(body, "正在判定这一条") {
		t.Error("a case is locked for ever")
	}
}

func second(_ int, body string, _ http.Header) string { return body }
