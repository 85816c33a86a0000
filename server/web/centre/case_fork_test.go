package centre_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/server/office/benchtest"
	"siteledger/server/report"
	"siteledger/syncproto"
)

// TestForkPageShowsBothEnds: a copied phone goes on under the same numbers. The
// page says where, shows what was set aside, and gives the bytes to a
// supervisor alone, exactly as they were recorded.
func TestForkPageShowsBothEnds(t *testing.T) {
	d := openDoors(t)
	s := d.Finished()
	twin := s.Phone.Twin()
	note := func(text string) {
		twin.Record(benchtest.Insert("note", benchtest.NewID(), map[string]any{"job": s.Job[:], "kind": "note", "text": text, "at": d.Now.UnixMilli()}))
	}
	s.Phone.Record(benchtest.Insert("note", benchtest.NewID(), map[string]any{"job": s.Job[:], "kind": "note", "text": "原来的手机", "at": d.Now.UnixMilli()}))
	s.Phone.Push()
	note("<b>副本</b>")
	if _, err := twin.TryPush(); fault.CodeOf(err) != syncproto.LogForked {
		t.Fatalf("the copy's push: %v", err)
	}
	items, _, err := d.Store.Queue(t.Context(), d.Centre, d.Now)
	if err != nil {
		t.Fatal(err)
	}
	var id uuid.UUID
	for _, it := range items {
		if it.Kind == report.CaseFork {
			id = it.ID
		}
	}
	at := "/centre/reconcile?at=case." + id.String()
	code, body, _ := d.ask(t, "clerk", at, nil)
	if code != http.StatusOK {
		t.Fatalf("%d", code)
	}
	want(t, body, "日志分叉", "&lt;b&gt;副本&lt;/b&gt;", "李师傅")
	wantNot(t, body, "<b>副本</b>")
	_, body, _ = d.ask(t, "supervisor", at, nil, true)
	want(t, body, "Forked log", "Where it forked")
	if code, _, _ := d.ask(t, "stranger", at, nil); code != http.StatusNotFound {
		t.Errorf("another centre's clerk: %d", code)
	}
	_, body, _ = d.ask(t, "supervisor", "/centre/reconcile/aside?kind=aside", nil)
	_, rest, found := strings.Cut(body, `href="/centre/reconcile/aside/`)
	if !found {
		t.Fatal("a supervisor is offered no bytes")
	}
	path := "/centre/reconcile/aside/" + rest[:strings.IndexByte(rest, '"')]
	for who, status := range map[string]int{"clerk": http.StatusForbidden, "stranger": http.StatusForbidden, "adjudicator": http.StatusForbidden} {
		if code, _, _ := d.ask(t, who, path, nil); code != status {
			t.Errorf("%s exports bytes: %d, want %d", who, code, status)
		}
	}
	_, clerks, _ := d.ask(t, "clerk", "/centre/reconcile/aside?kind=aside", nil)
	wantNot(t, clerks, path)
	code, body, h := d.ask(t, "supervisor", path, nil)
	var changes [][]byte
	if err := cbor.Unmarshal([]byte(body), &changes); err != nil || code != http.StatusOK || len(changes) != 1 || !strings.Contains(string(changes[0]), "<b>副本</b>") {
		t.Errorf("bytes: %d, %d changes, %v", code, len(changes), err)
	}
	if !strings.Contains(h.Get("Content-Disposition"), "attachment") || strings.Contains(h.Get("Content-Type"), "html") {
		t.Errorf("the bytes go out as %q %q", h.Get("Content-Type"), h.Get("Content-Disposition"))
	}
	if code, _, _ := d.ask(t, "clerk", "/centre/reconcile/decide", url.Values{"case": {id.String()}, "verdict": {"accept"}}); code != http.StatusSeeOther {
		t.Errorf("noted: %d", code)
	}
}

// TestClaimRunsOut: who has a case open keeps others from deciding it while he
// is there, and not for ever.
func TestClaimRunsOut(t *testing.T) {
	d := openDoors(t)
	s := d.Finished()
	c := d.Case(s.Job, report.CaseMerged, "phone")
	at := "/centre/reconcile?at=case." + c.ID.String()
	d.ask(t, "clerk", at, nil)
	_, body, _ := d.ask(t, "supervisor", at, nil)
	want(t, body, "正在由 王芳 处理")
	form := url.Values{"case": {c.ID.String()}, "verdict": {"accept"}}
	if code, _, _ := d.ask(t, "supervisor", "/centre/reconcile/decide", form); code != http.StatusConflict {
		t.Errorf("deciding over somebody's head: %d", code)
	}
	if code, _, _ := d.ask(t, "stranger", "/centre/reconcile/take", url.Values{"case": {c.ID.String()}}); code != http.StatusNotFound {
		t.Errorf("another centre takes the case over: %d", code)
	}
	d.Pass(time.Hour)
	_, body, _ = d.ask(t, "supervisor", at, nil)
	wantNot(t, body, "正在由 王芳 处理")
	if code, _, _ := d.ask(t, "clerk", "/centre/reconcile/decide", form); code != http.StatusConflict {
		t.Errorf("the first one, whose claim ran out: %d", code)
	}
	if code, _, _ := d.ask(t, "supervisor", "/centre/reconcile/decide", form); code != http.StatusSeeOther {
		t.Errorf("decide: %d", code)
	}
}
