package centre_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"siteledger/server/auth"
	"siteledger/server/bundle"
	"siteledger/server/handout"
	"siteledger/server/office/benchtest"
)

func (d *doors) now() time.Time { return d.Now }

// evidence is a counter over the kit's world, with the key of its office logs.
func (d *doors) evidence(t *testing.T) *bundle.Counter {
	t.Helper()
	seed := sha256.Sum256([]byte("bench"))
	m, err := bundle.New(bundle.Config{Files: d.Store, Archive: d.Store, Records: d.Store, Originals: d, Signer: auth.NewKeys(ed25519.NewKeyFromSeed(seed[:])), Schema: d.Schema, Now: d.now})
	if err != nil {
		t.Fatal(err)
	}
	return bundle.NewCounter(m, d.Store, slog.New(slog.DiscardHandler))
}

func (d *doors) handouts(t *testing.T) *handout.Desk {
	t.Helper()
	h, err := handout.New(d.Store, d.now, rand.Reader, benchtest.NewID)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestEvidenceOnlyOfOnesOwn(t *testing.T) {
	d := openDoors(t)
	s := d.Finished()
	d.ArriveAll(s)
	_, page, _ := d.ask(t, "clerk", "/centre/jobs/"+s.Job.String(), nil)
	want(t, page, "证据包", "/evidence")
	job, defect := "/centre/jobs/"+s.Job.String()+"/evidence", "/headquarters/defects/"+d.Centre.String()+"/"+s.Defect.String()+"/evidence"
	for _, c := range []struct {
		who, path string
		code      int
	}{
		{"clerk", job, http.StatusOK}, {"supervisor", job, http.StatusOK}, {"stranger", job, http.StatusNotFound},
		{"adjudicator", job, http.StatusForbidden}, {"admin", job, http.StatusForbidden}, {"nobody", job, http.StatusUnauthorized},
		{"adjudicator", defect, http.StatusOK}, {"clerk", defect, http.StatusForbidden}, {"admin", defect, http.StatusForbidden},
		{"adjudicator", strings.Replace(defect, d.Centre.String(), d.Other.String(), 1), http.StatusNotFound},
		{"clerk", "/centre/jobs/" + uuid.NewString() + "/evidence", http.StatusNotFound},
	} {
		code, body, h := d.ask(t, c.who, c.path, url.Values{})
		if code == http.StatusSeeOther && c.code == http.StatusUnauthorized {
			continue
		}
		if code != c.code || (code == http.StatusOK) != strings.HasPrefix(body, "PK\x03\x04") {
			t.Errorf("%s asks for %s: %d, want %d", c.who, c.path, code, c.code)
		}
		if code == http.StatusOK && (!strings.HasPrefix(h.Get("Content-Disposition"), `attachment; filename="evidence-S2611040001-`) || h.Get("Cache-Control") != "no-store") {
			t.Errorf("%s: %v", c.path, h)
		}
	}
	events, err := d.Store.EventsOf(context.Background(), s.Job, 10)
	if err != nil || len(events) != 2 || events[0].Action != bundle.ActionTaken {
		t.Errorf("events of the job: %+v, %v", events, err)
	}
	_, queue, _ := d.ask(t, "adjudicator", "/headquarters/", nil)
	if !regexp.MustCompile(`[0-9a-f]{4}( [0-9a-f]{4}){15}`).MatchString(queue) {
		t.Error("headquarters' first page has no fingerprint")
	}
}

// open asks for a page without any sign-in, from an address.
func (d *doors) open(path, remote string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "http://desk.example"+path, nil)
	r.RemoteAddr = remote + ":1234"
	w := httptest.NewRecorder()
	d.site.ServeHTTP(w, r)
	return w
}

func TestCustomersCopy(t *testing.T) {
	d := openDoors(t)
	s := d.Finished()
	d.ArriveAll(s)
	at := "/centre/jobs/" + s.Job.String() + "/visits/" + s.Visit.String() + "/copy"
	if code, _, _ := d.ask(t, "stranger", at, url.Values{}); code != http.StatusNotFound {
		t.Fatalf("a clerk of another centre made a link: %d", code)
	}
	code, page, _ := d.ask(t, "clerk", at, url.Values{})
	found := regexp.MustCompile(`https://ledger\.example(/copy/[A-Za-z0-9_-]{22})`).FindStringSubmatch(page)
	if code != http.StatusOK || found == nil {
		t.Fatalf("%d %s", code, page)
	}
	want(t, page, "data:image/png")
	w := d.open(found[1], "198.51.100.7")
	if w.Code != http.StatusOK || w.Header().Get("Referrer-Policy") != "no-referrer" || !strings.Contains(w.Header().Get("X-Robots-Tag"), "noindex") || w.Header().Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %v", w.Code, w.Header())
	}
	body := w.Body.String()
	want(t, body, "服务确认单", "S2611040001", "张𠮷", "门板色差", "上门费", "120.00", "400-820-1234", "李师傅", "左起第二块门板比旁边偏黄", "data:image/jpeg")
	wantNot(t, body, benchtest.FirstNumber, benchtest.ByClerk, benchtest.ByPhone, "幸福里", "城东商场", "安装完成", "<script", "王芳")
	code, page, _ = d.ask(t, "clerk", at, nil)
	link := regexp.MustCompile(`/copy/([0-9a-f-]{36})/revoke`).FindStringSubmatch(page)
	if code != http.StatusOK || link == nil || strings.Contains(page, found[1]) {
		t.Fatalf("the list shows the secret again, or no link: %d", code)
	}
	for name, path := range map[string]string{"a guess": "/copy/AAAAAAAAAAAAAAAAAAAAAA", "not base64": "/copy/%00%ff", "longer": found[1] + "A", "other last bits": found[1][:len(found[1])-1] + "_"} {
		if w := d.open(path, "198.51.100.8"); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
	d.Pass(handout.Life)
	if w := d.open(found[1], "198.51.100.7"); w.Code != http.StatusNotFound {
		t.Errorf("an expired link: %d", w.Code)
	}
	d.Pass(-time.Hour)
	if code, _, _ := d.ask(t, "stranger", at+"/"+link[1]+"/revoke", url.Values{}); code != http.StatusNotFound {
		t.Errorf("a stranger took it back: %d", code)
	}
	if w := d.open(found[1], "198.51.100.7"); w.Code != http.StatusOK {
		t.Errorf("before it is taken back: %d", w.Code)
	}
	if code, _, _ := d.ask(t, "clerk", at+"/"+link[1]+"/revoke", url.Values{}); code != http.StatusSeeOther {
		t.Errorf("take back: %d", code)
	}
	if w := d.open(found[1], "198.51.100.7"); w.Code != http.StatusNotFound {
		t.Errorf("taken back: %d", w.Code)
	}
	last := 0
	for range 60 {
		last = d.open("/copy/AAAAAAAAAAAAAAAAAAAAAA", "203.0.113.9").Code
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("sixty guesses from one address end with %d", last)
	}
}

// TestDeferredCauseIsToFollow shows no text in the place of a cause that is not
// known yet.
func TestDeferredCauseIsToFollow(t *testing.T) {
	d := openDoors(t)
	s := d.Finished()
	rec := d.File(s.Job).First("service_record")
	s.Phone.Record(benchtest.Update("service_record", rec.ID, rec.Rev, map[string]any{"deferred": true}))
	s.Phone.Push()
	_, page, _ := d.ask(t, "clerk", "/centre/jobs/"+s.Job.String()+"/visits/"+s.Visit.String()+"/copy", url.Values{})
	found := regexp.MustCompile(`https://ledger\.example(/copy/[A-Za-z0-9_-]{22})`).FindStringSubmatch(page)
	if found == nil {
		t.Fatal("no link")
	}
	body := d.open(found[1], "198.51.100.7").Body.String()
	want(t, body, "待查", "to follow")
	wantNot(t, body, "批次不同")
}
