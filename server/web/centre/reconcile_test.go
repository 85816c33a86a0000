package centre_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"siteledger/server/blob"
	"siteledger/server/fault"
	"siteledger/server/office"
	"siteledger/server/office/benchtest"
	"siteledger/server/report"
	"siteledger/server/store"
	"siteledger/server/web"
	"siteledger/server/web/centre"
	"siteledger/server/web/headquarters"
	"siteledger/syncproto/schema"
)

// doors are both doors over one real store. A cookie is the person's name.
type doors struct {
	*benchtest.World
	site   *web.Site
	people map[string]web.Person
}

// SignIn implements web.Sessions.
func (d *doors) SignIn(context.Context, string, string, string) (string, web.Person, error) {
	return "", web.Person{}, fault.New(fault.SignedOut, "no")
}

// Session implements web.Sessions.
func (d *doors) Session(_ context.Context, token string) (web.Person, string, error) {
	p, ok := d.people[token]
	if !ok {
		return p, "", fault.New(fault.SignedOut, "no")
	}
	return p, "form-token", nil
}

// SignOut implements web.Sessions.
func (d *doors) SignOut(context.Context, string) error { return nil }

// Open implements the doors' photos: every file is a tiny picture.
func (d *doors) Open(ctx context.Context, centre uuid.UUID, sha [32]byte) (io.ReadSeekCloser, blob.Info, error) {
	ok, err := d.Store.BlobPresent(ctx, centre, sha)
	if err != nil || !ok {
		return nil, blob.Info{}, web.NotFound()
	}
	return struct {
		*bytes.Reader
		io.Closer
	}{bytes.NewReader([]byte("\xff\xd8\xff\xe0 picture")), io.NopCloser(nil)}, blob.Info{Size: 12, Type: "image/jpeg"}, nil
}

// Keep takes a drawing in as the blob service does: by its hash, and present.
func (d *doors) Keep(_ context.Context, _, _ uuid.UUID, _, _ string, r io.ReadSeeker) ([32]byte, int64, error) {
	b, err := io.ReadAll(r)
	sha := sha256.Sum256(b)
	d.Arrive(benchtest.NewID(), sha[:])
	return sha, int64(len(b)), err
}

func openDoors(t *testing.T) *doors {
	t.Helper()
	d := &doors{World: benchtest.Open(t), people: map[string]web.Person{}}
	for name, who := range map[string]office.Who{"clerk": d.Clerk, "supervisor": d.Supervisor, "stranger": d.Stranger, "adjudicator": d.Adjudicator, "admin": d.Admin} {
		d.people[name] = web.Person{ID: who.Person, Centre: who.Centre, Name: name, Login: name, Role: who.Role, Active: true}
	}
	now := func() time.Time { return d.Now }
	off, err := office.New(d.Ledger, d.Store, d.Schema, now, benchtest.NewID, web.DefaultZone())
	if err != nil {
		t.Fatal(err)
	}
	reports := struct {
		*store.Store
		report.JobHistory
	}{d.Store, d.History}
	defects, err := centre.NewDefects(centre.DefectConfig{Files: d.Store, Bench: d.Bench, Drawings: d, Schema: d.Schema})
	if err != nil {
		t.Fatal(err)
	}
	one, err := centre.New(centre.Config{Defects: defects, Office: off, Uploads: d.Bench, Reports: reports, Photos: d, Accounts: struct{ centre.Accounts }{}, Schema: d.Schema, Server: "https://ledger.example",
		Evidence: d.evidence(t), Handouts: d.handouts(t),
		Reconciliation: centre.NewReconciliation(centre.ReconcileConfig{Files: d.Store, Rows: d.Store, Facts: d.History, Cases: d.Bench, Slips: d.Bench, Shelf: report.Shelf{Store: d.Store}, Claims: d.Store, Schema: d.Schema})})
	if err != nil {
		t.Fatal(err)
	}
	two, err := headquarters.New(headquarters.Config{Files: d.Store, Bench: d.Bench, Photos: d, Evidence: d.evidence(t), Schema: d.Schema})
	if err != nil {
		t.Fatal(err)
	}
	d.site, err = web.New(web.Config{Sessions: d, Areas: []web.Area{one, two}, Schema: schema.MustCurrent(), Now: now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// ask sends one request as somebody; a form goes by POST.
func (d *doors) ask(t *testing.T, who, path string, form url.Values, english ...bool) (int, string, http.Header) {
	t.Helper()
	method, body := http.MethodGet, io.Reader(nil)
	if form != nil {
		form.Set("csrf", "form-token")
		method, body = http.MethodPost, strings.NewReader(form.Encode())
	}
	r := httptest.NewRequest(method, "http://desk.example"+path, body)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.AddCookie(&http.Cookie{Name: "siteledger-session", Value: who})
	if len(english) > 0 {
		r.Header.Set("Accept-Language", "en")
	}
	w := httptest.NewRecorder()
	d.site.ServeHTTP(w, r)
	return w.Code, w.Body.String(), w.Header()
}

func want(t *testing.T, body string, texts ...string) {
	t.Helper()
	for _, s := range texts {
		if !strings.Contains(body, s) {
			t.Errorf("the page lacks %q", s)
		}
	}
}

func wantNot(t *testing.T, body string, texts ...string) {
	t.Helper()
	for _, s := range texts {
		if strings.Contains(body, s) {
			t.Errorf("the page must not have %q", s)
		}
	}
}

func TestReconcileShowsBothValuesWithWhoWhenAndRule(t *testing.T) {
	d := openDoors(t)
	s := d.Finished()
	c := d.Case(s.Job, report.CaseMerged, "phone")
	code, body, _ := d.ask(t, "clerk", "/centre/reconcile?at=case."+c.ID.String(), nil)
	if code != http.StatusOK {
		t.Fatalf("%d %s", code, body)
	}
	want(t, body, "联系电话按最后修改为准:自动采用了 李师傅 2026-11-04 14:20 的值", "13<mark>9</mark>0000123<mark>4</mark>", "13<mark>8</mark>0000123<mark>5</mark>",
		"王芳", "2026-11-04 17:20", "缺证据", "反馈单未登记", "个文件还在 李师傅 的手机上", "未齐", `data-key="a"`, "¥120.00")
	_, body, _ = d.ask(t, "clerk", "/centre/reconcile?at=case."+c.ID.String(), nil, true)
	want(t, body, "the latest change counts", "Standing value", "files only on a phone", "Not complete")
	wantNot(t, body, "reconcile.filter", "reconcile.bulk", "case.rule", "queue.kind", "register.")
}

func TestReconcileEveryKindOfMatter(t *testing.T) {
	d := openDoors(t)
	s := d.Finished()
	s.Phone.Record(benchtest.Insert("waiver", s.Waiver, map[string]any{"visit": s.Visit[:], "amount": int64(2000), "currency": "CNY", "reason": "客户嫌贵", "status": "pending"}))
	s.Phone.Push()
	other := d.Phone("陈师傅")
	other.Record(benchtest.Insert("note", benchtest.NewID(), map[string]any{"job": s.Job[:], "kind": "note", "text": "顺路看过", "at": d.Now.UnixMilli()}))
	other.Push()
	items, _, err := d.Store.Queue(context.Background(), d.Centre, d.Now)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]string{}
	for _, it := range items {
		at := it.Kind + "." + it.ID.String()
		if it.Kind == report.CaseHeld || it.Kind == report.CaseHandover || it.Kind == report.CaseMerged {
			at = "case." + it.ID.String()
		}
		kinds[it.Kind] = at
	}
	for _, k := range []string{report.CaseMerged, report.CaseHeld, "evidence", "slip", "waiver"} {
		at := kinds[k]
		if at == "" {
			t.Errorf("the queue has no %s: %v", k, kinds)
			continue
		}
		code, body, _ := d.ask(t, "clerk", "/centre/reconcile?at="+at, nil)
		if code != http.StatusOK {
			t.Errorf("%s: %d", k, code)
		}
		wantNot(t, body, "queue.kind", "case.rule")
		if code, _, _ := d.ask(t, "stranger", "/centre/reconcile?at="+at, nil); code != http.StatusNotFound {
			t.Errorf("%s of another centre: %d", k, code)
		}
	}
	for _, bad := range []string{"case.x", "case." + benchtest.NewID().String(), "nonsense", "slip." + benchtest.NewID().String()} {
		if code, _, _ := d.ask(t, "clerk", "/centre/reconcile?at="+bad, nil); code != http.StatusNotFound {
			t.Errorf("%s: %d", bad, code)
		}
	}
}

func TestDecidingGoesOnToTheNextAndUndoes(t *testing.T) {
	d := openDoors(t)
	s := d.Finished()
	c := d.Case(s.Job, report.CaseMerged, "phone")
	next := "slip." + s.Job.String()
	code, body, h := d.ask(t, "clerk", "/centre/reconcile/decide", url.Values{"case": {c.ID.String()}, "verdict": {"other"}, "next": {next}, "f": {"0"}})
	if code != http.StatusSeeOther || !strings.Contains(h.Get("Location"), "at=slip.") || !strings.Contains(h.Get("Location"), "undo="+c.ID.String()) {
		t.Fatalf("%d %s %s", code, h.Get("Location"), body)
	}
	_, body, _ = d.ask(t, "clerk", h.Get("Location"), nil)
	want(t, body, `data-key="u"`, "反馈单登记")
	code, _, _ = d.ask(t, "clerk", "/centre/reconcile/revise", url.Values{"case": {c.ID.String()}, "undo": {"1"}})
	if got := d.Row("job_contact", s.Contact).Text("phone"); code != http.StatusSeeOther || got != benchtest.ByPhone {
		t.Fatalf("after the undo: %d %s", code, got)
	}
}

func TestAStaleCaseIsLockedAndKeepsWhatWasTyped(t *testing.T) {
	d := openDoors(t)
	s := d.Finished()
	c := d.Case(s.Job, report.CaseMerged, "phone")
	if _, err := d.Bench.Decide(context.Background(), d.Supervisor, office.Ruling{Case: c.ID, Verdict: office.VerdictAccept}); err != nil {
		t.Fatal(err)
	}
	code, body, _ := d.ask(t, "clerk", "/centre/reconcile/decide", url.Values{"case": {c.ID.String()}, "verdict": {"edit"}, "value": {"13700001111"}, "reason": {"刚打电话核实过"}})
	if code != http.StatusConflict {
		t.Fatalf("%d", code)
	}
	want(t, body, "赵敏", "已于", "13700001111", "刚打电话核实过", "这一项刚刚已被裁决")
	if got := d.Row("job_contact", s.Contact).Text("phone"); got != benchtest.ByPhone {
		t.Fatalf("a refused decision wrote %s", got)
	}
}

func TestTypedMarkupIsText(t *testing.T) {
	d := openDoors(t)
	s := d.Finished()
	c := d.Case(s.Job, report.CaseMerged, "phone")
	_, body, _ := d.ask(t, "clerk", "/centre/reconcile/decide", url.Values{"case": {c.ID.String()}, "verdict": {"nonsense"}, "reason": {`</textarea><script>alert(1)</script>`}})
	wantNot(t, body, "<script>alert(1)")
	want(t, body, "&lt;script&gt;")
}

func TestRegistrationPage(t *testing.T) {
	d := openDoors(t)
	s := d.Finished()
	path := "/centre/jobs/" + s.Job.String() + "/register"
	_, body, _ := d.ask(t, "clerk", path, nil)
	want(t, body, "3 张原图还没有收到", "签名图还没有收到", "已由记录证实", "未齐")
	code, body, _ := d.ask(t, "clerk", path, url.Values{"tick": {"photos", "fees"}, "reason": {"客户催得急"}, "base": {"1"}})
	if code != http.StatusConflict {
		t.Fatalf("an old screen: %d", code)
	}
	want(t, body, "客户催得急")
	d.ArriveAll(s)
	code, body, _ = d.ask(t, "clerk", path, url.Values{"tick": {"photos", "signature", "fees", "rating", "record", "file"}, "reason": {"电话已核对"}})
	if code != http.StatusSeeOther {
		t.Fatal(body)
	}
	if code != http.StatusSeeOther || d.Row("job", s.Job).Text("status") != "registered" {
		t.Fatalf("%d %v", code, d.Row("job", s.Job).Text("status"))
	}
	_, body, _ = d.ask(t, "clerk", path, nil)
	want(t, body, "王芳 已于", "齐全")
	for who, status := range map[string]int{"stranger": http.StatusNotFound, "adjudicator": http.StatusForbidden} {
		if code, _, _ := d.ask(t, who, path, nil); code != status {
			t.Errorf("%s: %d, want %d", who, code, status)
		}
	}
}

func TestSlipHoldsNothingInternal(t *testing.T) {
	d := openDoors(t)
	s := d.Finished()
	rec := d.File(s.Job).First("service_record")
	s.Phone.Record(benchtest.Update("service_record", rec.ID, 1<<40, map[string]any{"deferred": true}))
	s.Phone.Push()
	path := "/centre/jobs/" + s.Job.String() + "/slip"
	code, body, _ := d.ask(t, "clerk", path, nil)
	if code != http.StatusOK {
		t.Fatalf("%d", code)
	}
	want(t, body, "售服顾客反馈单", "遗留问题处理单", "400-820-1234", "待鉴定", "还缺以下必填项", "交货日期", "判定内容", "HT-2026-0117", "模压门板", "slip.css")
	wantNot(t, body, "批次不同", "上报总部判定")
	if code, _, _ := d.ask(t, "stranger", path, nil); code != http.StatusNotFound {
		t.Fatalf("another centre's slip: %d", code)
	}
}

func TestUrgeFromTheQueue(t *testing.T) {
	d := openDoors(t)
	s := d.Finished()
	code, _, h := d.ask(t, "clerk", "/centre/reconcile/urge", url.Values{"photo": {s.Full.String(), s.After.String()}, "back": {"//evil.example/"}})
	if code != http.StatusSeeOther || h.Get("Location") != "/" {
		t.Fatalf("%d to %q", code, h.Get("Location"))
	}
	rows, err := d.Store.StateRows(context.Background(), d.Centre, "instruction", "person", s.Phone.Device.Person)
	if err != nil || len(rows) != 2 {
		t.Fatalf("%d instructions, %v", len(rows), err)
	}
}
