package centre_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"siteledger/server/office/benchtest"
	"siteledger/server/report"
)

// TestClockCaseClaimTakeOverAndUndo follows one doubtful clock across two
// desks: noticed, claimed, taken over, decided, late, undone.
func TestClockCaseClaimTakeOverAndUndo(t *testing.T) {
	d := openDoors(t)
	s := d.Finished()
	d.Pass(3 * time.Hour)
	// The phone's monotonic clock stands still in this kit, so that hours later
	// its new record seems to be of the past.
	s.Phone.Record(benchtest.Insert("note", benchtest.NewID(), map[string]any{"job": s.Job[:], "kind": "note", "text": "补记", "at": d.Now.UnixMilli()}))
	d.Pass(3 * time.Hour)
	s.Phone.Push()
	items, _, err := d.Store.Queue(t.Context(), d.Centre, d.Now)
	if err != nil {
		t.Fatal(err)
	}
	var id uuid.UUID
	for _, it := range items {
		if it.Kind == report.CaseClock {
			id = it.ID
		}
	}
	if id == uuid.Nil {
		t.Fatalf("no clock case in %+v", items)
	}
	at := "/centre/reconcile?at=case." + id.String()
	_, body, _ := d.ask(t, "clerk", at, nil)
	want(t, body, "以时间区间为准", "以手机时间为准", "同类事项一起裁决")
	_, body, _ = d.ask(t, "supervisor", at, nil)
	want(t, body, "正在由 王芳 处理", "接手")
	form := url.Values{"case": {id.String()}, "verdict": {"accept"}}
	if code, body, _ := d.ask(t, "supervisor", "/centre/reconcile/decide", form); code != http.StatusConflict || !strings.Contains(body, "正在由别人处理") {
		t.Fatalf("deciding over somebody's head: %d", code)
	}
	if code, _, _ := d.ask(t, "supervisor", "/centre/reconcile/take", url.Values{"case": {id.String()}}); code != http.StatusSeeOther {
		t.Fatalf("take over: %d", code)
	}
	if code, _, _ := d.ask(t, "supervisor", "/centre/reconcile/decide", form); code != http.StatusSeeOther {
		t.Fatalf("decide: %d", code)
	}
	form = url.Values{"case": {id.String()}, "verdict": {"keep"}, "reason": {"客户说的是手机时间"}}
	code, body, _ := d.ask(t, "clerk", "/centre/reconcile/decide", form)
	if code != http.StatusConflict {
		t.Fatalf("the second tab: %d", code)
	}
	want(t, body, "赵敏 已于", "您刚才的裁决没有生效", "客户说的是手机时间")
	if code, _, _ := d.ask(t, "clerk", "/centre/reconcile/revise", url.Values{"case": {id.String()}, "undo": {"1"}}); code != http.StatusSeeOther {
		t.Fatalf("undo: %d", code)
	}
	_, body, _ = d.ask(t, "clerk", at, nil)
	want(t, body, "更正上一次裁决")
	if code, _, _ := d.ask(t, "stranger", at, nil); code != http.StatusNotFound {
		t.Errorf("another centre's clerk sees the case: %d", code)
	}
}

// TestDeniedAndSetAsideAreListed shows what had no effect, and lets only a
// supervisor take the bytes out.
func TestDeniedAndSetAsideAreListed(t *testing.T) {
	d := openDoors(t)
	s := d.Finished()
	s.Phone.Record(benchtest.Insert("fee_standard", benchtest.NewID(), map[string]any{"version": "<b>伪造</b>"}))
	s.Phone.Push()
	_, body, _ := d.ask(t, "clerk", "/centre/reconcile/aside", nil)
	want(t, body, "&lt;b&gt;伪造&lt;/b&gt;", "该角色不能写这一栏")
	if code, _, _ := d.ask(t, "clerk", "/centre/reconcile/aside/1", nil); code != http.StatusForbidden {
		t.Errorf("a clerk exports bytes: %d", code)
	}
	if code, _, _ := d.ask(t, "supervisor", "/centre/reconcile/aside/1", nil); code != http.StatusNotFound {
		t.Errorf("no such batch: %d", code)
	}
	if code, _, _ := d.ask(t, "clerk", "/centre/reconcile/aside?kind=aside", nil); code != http.StatusOK {
		t.Errorf("set aside: %d", code)
	}
}
