package centre_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"siteledger/server/handout"
	"siteledger/server/office"
	"siteledger/server/office/benchtest"
	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

// signedNow binds the customer's signature to the visit as it is now, by a
// drawing or by a code.
func (d *doors) signedNow(t *testing.T, s *benchtest.Story, cols map[string]any) {
	t.Helper()
	f := d.File(s.Job)
	visit, _ := f.Find("visit", s.Visit)
	content, hash := fieldwork.Bound(office.VisitRows(&f, visit))
	all := map[string]any{"visit": s.Visit[:], "signer": "customer", "outcome": "signed", "image": s.Image, "image_size": int64(9000), "strokes": drawn,
		"content": content, "content_hash": hash[:], "at": d.Now.UnixMilli()}
	for k, v := range cols {
		if all[k] = v; v == nil {
			delete(all, k)
		}
	}
	s.Phone.Record(benchtest.Insert("signature", benchtest.NewID(), all))
	s.Phone.Push()
}

// TestSupersededIsSeenEverywhere: a change of what the customer signed shows on
// the job's page, among what is missing, on paper and on the customer's copy; a
// change of what he was not shown does not (SF-07).
func TestSupersededIsSeenEverywhere(t *testing.T) {
	d := openDoors(t)
	s := d.Finished()
	d.ArriveAll(s)
	d.signedNow(t, s, nil)
	job := "/centre/jobs/" + s.Job.String()
	copies := d.copyLink(t, job+"/visits/"+s.Visit.String()+"/copy")
	hq := "/headquarters/defects/" + d.Centre.String() + "/" + s.Defect.String()
	stands := func(want bool) {
		t.Helper()
		for path, words := range map[string]string{job: "要请顾客重签", job + "/slip": "已失效,签后有改动,需重签", copies: "已失效,需重签", hq: "签后有改动", hq + "/print": "签后有改动"} {
			who := "clerk"
			if strings.HasPrefix(path, hq) {
				who = "adjudicator"
			}
			_, body, _ := d.ask(t, who, path, nil)
			if strings.Contains(body, words) == want {
				t.Errorf("%s: says %q: %v", path, words, !want)
			}
		}
	}
	stands(true)
	d.Write(d.Centre, benchtest.System(), benchtest.Update("visit", s.Visit, d.Row("visit", s.Visit).Rev, map[string]any{"note": "内部备注"}),
		benchtest.Update("job", s.Job, d.Row("job", s.Job).Rev, map[string]any{"agreed_with": "家人"}))
	stands(true)
	d.Write(d.Centre, benchtest.System(), benchtest.Update("fee_line", s.Fee, d.Row("fee_line", s.Fee).Rev, map[string]any{"charged": int64(11900)}))
	stands(false)
	d.signedNow(t, s, map[string]any{"outcome": "refused", "image": nil, "image_size": nil, "strokes": nil})
	_, body, _ := d.ask(t, "clerk", job, nil)
	if strings.Contains(body, "要请顾客重签") {
		t.Error("a customer who was asked again and declined is asked a third time")
	}
}

// copyLink makes a customer's copy and gives its path.
func (d *doors) copyLink(t *testing.T, path string) string {
	t.Helper()
	code, body, _ := d.ask(t, "clerk", path, url.Values{})
	m := regexp.MustCompile(`/copy/[A-Za-z0-9_-]{22}`).FindString(body)
	if code != http.StatusOK || m == "" {
		t.Fatalf("%d, no link", code)
	}
	return m
}

// TestConfirmedByCode: the code is made at the desk, hidden from phones, and
// what the customer gave is held against it.
func TestConfirmedByCode(t *testing.T) {
	d := openDoors(t)
	s := d.Finished()
	d.ArriveAll(s)
	job := "/centre/jobs/" + s.Job.String()
	if code, _, _ := d.ask(t, "stranger", job+"/code", url.Values{}); code == http.StatusSeeOther {
		t.Error("another centre's clerk made a code")
	}
	if code, _, _ := d.ask(t, "clerk", job+"/code", url.Values{}); code != http.StatusSeeOther {
		t.Fatal(code)
	}
	code := d.Row("job", s.Job).Text("customer_code")
	_, body, _ := d.ask(t, "clerk", job, nil)
	has(t, body, code, "电话里告诉顾客")
	if !fieldwork.ValidCode(code) {
		t.Fatalf("the code is %q", code)
	}
	if d.Schema.Table("job").Column("customer_code").MayRead(schema.Installer) {
		t.Fatal("the technician's phone is shown the code")
	}
	wrong := "000000"
	if code == wrong {
		wrong = "111111"
	}
	d.signedNow(t, s, map[string]any{"outcome": "code", "code": wrong, "image": nil, "image_size": nil, "strokes": nil})
	_, body, _ = d.ask(t, "clerk", job, nil)
	has(t, body, "确认码不对")
	_, body, _ = d.ask(t, "clerk", job+"/register", nil)
	has(t, body, "确认码与本单的不一致")
	d.signedNow(t, s, map[string]any{"outcome": "code", "code": code, "image": nil, "image_size": nil, "strokes": nil})
	_, body, _ = d.ask(t, "clerk", job, nil)
	has(t, body, "确认码对", "内容一致")
}

// TestShotListAtTheCentre: what a visit photographed of its list, left out for
// a reason, and simply did not take, is told apart; none of it keeps the job
// from being complete (DE-09).
func TestShotListAtTheCentre(t *testing.T) {
	d := openDoors(t)
	s := d.Finished()
	s.Phone.Record(benchtest.Insert("shot_skip", benchtest.NewID(), map[string]any{"visit": s.Visit[:], "role": "nameplate", "reason": "门板<i>没有</i>铭牌", "at": d.Now.UnixMilli()}))
	s.Phone.Push()
	d.ArriveAll(s)
	_, body, _ := d.ask(t, "clerk", "/centre/jobs/"+s.Job.String(), nil)
	has(t, body, "照片清单", "门板&lt;i&gt;没有&lt;/i&gt;铭牌", "没拍:入户", "不影响齐全")
	if !d.Row("job", s.Job).Bool("complete") {
		t.Error("photos that were not taken keep the job from being complete")
	}
}

// TestCopyLinkOfAPhone: a link that a phone made without a network works once
// its row is here, is listed and taken back like the desk's own, ends like them,
// and cannot be turned to another visit (SF-08).
func TestCopyLinkOfAPhone(t *testing.T) {
	d := openDoors(t)
	s, other := d.Finished(), d.Finished()
	d.ArriveAll(s)
	d.Write(d.Centre, benchtest.System(), benchtest.Update("job", other.Job, d.Row("job", other.Job).Rev, map[string]any{"asked_work": "别家的活"}))
	secret := []byte("sixteen bytes ..")
	sum := sha256.Sum256(secret)
	at := "/copy/" + base64.RawURLEncoding.EncodeToString(secret)
	if w := d.open(at, "198.51.100.7"); w.Code != http.StatusNotFound {
		t.Fatalf("before the phone has sent it: %d", w.Code)
	}
	link := benchtest.NewID()
	s.Phone.Record(benchtest.Insert("copy_link", link, map[string]any{"visit": s.Visit[:], "token_hash": sum[:], "at": d.Now.Add(-999 * time.Hour).UnixMilli()}))
	s.Phone.Push()
	other.Phone.Record(benchtest.Insert("copy_link", benchtest.NewID(), map[string]any{"visit": other.Visit[:], "token_hash": sum[:], "at": int64(1)}))
	other.Phone.Push()
	w := d.open(at, "198.51.100.7")
	if w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	want(t, w.Body.String(), "服务确认单", d.Row("job", s.Job).Text("job_no"))
	wantNot(t, w.Body.String(), "别家的活", "幸福里")

	list := "/centre/jobs/" + s.Job.String() + "/visits/" + s.Visit.String() + "/copy"
	_, page, _ := d.ask(t, "clerk", list, nil)
	want(t, page, "李师傅", list+"/"+link.String()+"/revoke")
	if code, _, _ := d.ask(t, "stranger", list+"/"+link.String()+"/revoke", url.Values{}); code != http.StatusNotFound {
		t.Errorf("a stranger took it back: %d", code)
	}
	d.Pass(handout.Life)
	if w := d.open(at, "198.51.100.7"); w.Code != http.StatusNotFound {
		t.Errorf("expired: %d", w.Code)
	}
	d.Pass(-time.Hour)
	if w := d.open(at, "198.51.100.7"); w.Code != http.StatusOK {
		t.Errorf("in its last hour: %d", w.Code)
	}
	if code, _, _ := d.ask(t, "clerk", list+"/"+link.String()+"/revoke", url.Values{}); code != http.StatusSeeOther {
		t.Fatalf("take back: %d", code)
	}
	if w := d.open(at, "198.51.100.7"); w.Code != http.StatusNotFound {
		t.Errorf("taken back: %d", w.Code)
	}
}

// TestCopyLinkTakenBackUnopened: a phone's link is taken back before anybody
// opened it.
func TestCopyLinkTakenBackUnopened(t *testing.T) {
	d := openDoors(t)
	s := d.Finished()
	secret := []byte("sixteen bytes ::")
	sum := sha256.Sum256(secret)
	link := benchtest.NewID()
	s.Phone.Record(benchtest.Insert("copy_link", link, map[string]any{"visit": s.Visit[:], "token_hash": sum[:], "at": d.Now.UnixMilli()}))
	s.Phone.Push()
	list := "/centre/jobs/" + s.Job.String() + "/visits/" + s.Visit.String() + "/copy"
	if code, _, _ := d.ask(t, "clerk", list+"/"+link.String()+"/revoke", url.Values{}); code != http.StatusSeeOther {
		t.Fatal("not taken back")
	}
	if w := d.open("/copy/"+base64.RawURLEncoding.EncodeToString(secret), "198.51.100.7"); w.Code != http.StatusNotFound {
		t.Errorf("taken back: %d", w.Code)
	}
}
