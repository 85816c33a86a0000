package centre_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"siteledger/server/web/webtest"

	"github.com/google/uuid"
)

// call is the form of an ordinary call; more changes fields.
func call(more ...string) url.Values {
	f := url.Values{"name": {"欧阳小𠮷"}, "phone": {"138 0000-1234"}, "address": {"幸福里 3 栋 1202"}, "kind": {"aftersale"}, "channel": {"phone"},
		"asked_work": {"门板有色差"}, "contract_no": {"HT-2026-088"}, "category": {"kitchen"}, "model": {"K-300"}, "warranty_until": {"2027-05-01"},
		"day": {"2026-11-22"}, "from": {"14:00"}, "to": {"16:00"}, "agreed_with": {"本人"}, "answered": {"1"}}
	for i := 0; i+1 < len(more); i += 2 {
		f.Set(more[i], more[i+1])
	}
	return f
}

// takeIn posts a call and gives the job's id and page.
func takeIn(t *testing.T, b *webtest.Browser, f url.Values) (uuid.UUID, *webtest.Doc) {
	t.Helper()
	d := b.Post("/centre/intake", f).Want(303)
	id, err := uuid.Parse(strings.TrimPrefix(d.Header.Get("Location"), "/centre/jobs/"))
	if err != nil {
		t.Fatal(err)
	}
	return id, b.Follow(d).Want(200)
}

func TestIntakeMakesTheWholeJob(t *testing.T) {
	w := world(t)
	b := w.SignIn("clerk")
	li := w.People["li"].ID
	id, page := takeIn(t, b, call("lead", li.String()))
	page.Has("h1", "SH261122-001").Has("#contact-phone", "138 0000-1234").Has("#job-slot", "14:00–16:00").Has(".flash", "SH261122-001")
	page.Has("aside li", "李师傅").Has(".pill", "已派工").Has(".pill", "答复 准时")
	job := w.Row("job", id)
	if job.Text("warranty") != "in" || job.Text("contract_no") != "HT-2026-088" || job.Text("product") != "橱柜 K-300" {
		t.Errorf("job %v", job.Cols)
	}
	// The second call of the same customer picks the file and carries the history.
	found := b.Get("/centre/intake?find=" + url.QueryEscape("小𠮷")).Want(200)
	found.Has("table a", "欧阳小𠮷")
	picked := b.Get(found.Attr("table a", "href")).Want(200)
	picked.Has(".contract", "HT-2026-088").Has(".contract .pill", "保内")
	if picked.Attr("[name=phone]", "value") != "138 0000-1234" {
		t.Error("the file's phone is not in the form")
	}
	_, second := takeIn(t, b, url.Values{"customer": {picked.Attr("[name=customer]", "value")}, "customer_base": {picked.Attr("[name=customer_base]", "value")},
		"name": {"欧阳小𠮷"}, "phone": {"13900009999"}, "address": {"幸福里 3 栋 1202"}, "contract": {picked.Attr(".contract input[type=radio]", "value")},
		"kind": {"repair"}, "channel": {"phone"}, "asked_work": {"抽屉卡住"}})
	second.Has("h1", "SH261122-002").Has(".plain-list", "门板有色差").Has("#job-slot", "未预约").Has("td", "K-300")
	b.Get(found.Attr("table a", "href")).Has("main", "")
	if got := w.Row("customer", uuid.MustParse(picked.Attr("[name=customer]", "value"))).Text("phone"); got != "13900009999" {
		t.Errorf("the file was not corrected: %s", got)
	}
}

func TestIntakeComesBackAsTyped(t *testing.T) {
	w := world(t)
	b := w.SignIn("clerk")
	d := b.Post("/centre/intake", call("phone", "打他手机", "to", "13:00", "asked_work", "")).Want(422)
	d.Has(".flash-bad", "电话号码看起来不对").Has(".flash-bad", "预约的止要晚于起").Has(".flash-bad", "请填写“售服内容”")
	if d.Attr("[name=name]", "value") != "欧阳小𠮷" || d.Attr("[name=from]", "value") != "14:00" || d.Attr("[name=contract_no]", "value") != "HT-2026-088" {
		t.Error("typed text was lost")
	}
	b.Lang = "en"
	b.Post("/centre/intake", call("name", "")).Want(422).Has(".flash-bad", "Please fill in “Customer”.")
	b.Get("/centre/jobs").Want(200).Has(".empty", "No job fits.")
}

func TestIntakeRefusesForeignThings(t *testing.T) {
	w := world(t)
	theirs := w.Insert(w.Other, "customer", map[string]any{"name": "别家客户", "phone": "13700000000"})
	b := w.SignIn("clerk")
	b.Get("/centre/intake?customer=" + theirs.String()).Want(404)
	b.Get("/centre/customers/" + theirs.String()).Want(404)
	b.Post("/centre/intake", call("customer", theirs.String())).Want(404)
	b.Post("/centre/intake", call("lead", w.People["zhao"].ID.String())).Want(422).Has(".flash-bad", "不是本中心的安装师傅")
	b.Post("/centre/intake", call("lead", w.People["clerk2"].ID.String())).Want(422)
	b.Post("/centre/intake", call("community", uuid.NewString())).Want(422)
	b.Get("/centre/search?q="+url.QueryEscape("别家")).Want(200).Lacks("main", "13700000000")
}

// Whatever is typed stands on every page as text.
func TestMarkupIsText(t *testing.T) {
	w := world(t)
	b := w.SignIn("clerk")
	evil := `"><script>alert(1)</script><img src=x onerror=alert(2)>`
	f := call()
	for _, field := range []string{"name", "address", "customer_note", "contract_no", "store", "designer", "model", "material", "edge_profile", "edge_band", "drawing_size", "serial", "asked_work", "agreed_with"} {
		f.Set(field, fmt.Sprintf("%.12s", field)+evil[:min(len(evil), 44)])
	}
	f.Set("reason", evil)
	id, job := takeIn(t, b, f)
	job.Has("main", "<script>alert(1)</script>")
	b.Post("/centre/jobs/"+id.String()+"/note", url.Values{"kind": {"note"}, "text": {evil}}).Want(303)
	refused := b.Post("/centre/intake", func() url.Values {
		g := url.Values{}
		for k, v := range f {
			g[k] = v
		}
		g.Set("phone", evil)
		g.Set("find", evil)
		return g
	}())
	refused.Want(422)
	pages := []*webtest.Doc{job, refused, b.Get("/centre/jobs/" + id.String())}
	for _, path := range []string{"/centre/", "/centre/jobs", "/centre/customers", "/centre/search?q=" + url.QueryEscape(evil), "/centre/search?q=" + url.QueryEscape("name"), "/centre/intake?find=" + url.QueryEscape(evil),
		"/centre/jobs/" + id.String() + "/slip", "/centre/jobs/" + id.String() + "/timeline", "/centre/reconcile"} {
		pages = append(pages, b.Get(path).Want(200))
	}
	for _, p := range pages {
		if strings.Contains(p.Body, "<script>alert") || strings.Contains(p.Body, "<img src=x") {
			t.Errorf("%s: markup came through", p.Path)
		}
		if n := len(p.All("[onerror]")); n != 0 {
			t.Errorf("%s: %d handlers", p.Path, n)
		}
	}
}
