package headquarters_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
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
	"siteledger/server/web"
	"siteledger/server/web/headquarters"
	"siteledger/syncproto"
	"siteledger/syncproto/schema"
)

// desk is headquarters' door over a real store. A cookie is the person's name.
type desk struct {
	*benchtest.World
	site   *web.Site
	people map[string]web.Person
	kind   string // media type of every stored file
}

// SignIn implements web.Sessions.
func (d *desk) SignIn(context.Context, string, string, string) (string, web.Person, error) {
	return "", web.Person{}, fault.New(fault.SignedOut, "no")
}

// Session implements web.Sessions.
func (d *desk) Session(_ context.Context, token string) (web.Person, string, error) {
	p, ok := d.people[token]
	if !ok {
		return p, "", fault.New(fault.SignedOut, "no")
	}
	return p, "form-token", nil
}

// SignOut implements web.Sessions.
func (d *desk) SignOut(context.Context, string) error { return nil }

// Open gives the bytes of a file that the centre's log says is present.
func (d *desk) Open(ctx context.Context, centre uuid.UUID, sha [32]byte) (io.ReadSeekCloser, blob.Info, error) {
	ok, err := d.Store.BlobPresent(ctx, centre, sha)
	if err != nil || !ok {
		return nil, blob.Info{}, web.NotFound()
	}
	return struct {
		*bytes.Reader
		io.Closer
	}{bytes.NewReader([]byte("0123456789")), io.NopCloser(nil)}, blob.Info{Size: 10, Type: d.kind}, nil
}

// Keep takes a drawing in as the blob service does: by its hash, and present.
func (d *desk) Keep(_ context.Context, _, _ uuid.UUID, purpose, mediaType string, r io.ReadSeeker) ([32]byte, int64, error) {
	b, err := io.ReadAll(r)
	if err != nil {
		return [32]byte{}, 0, err
	}
	if purpose != syncproto.PurposeDocument || bytes.HasPrefix(b, []byte("<html")) {
		return [32]byte{}, 0, fault.New(syncproto.BlobType, "the bytes are not "+mediaType)
	}
	sha := sha256.Sum256(b)
	d.Arrive(benchtest.NewID(), sha[:])
	return sha, int64(len(b)), nil
}

func openDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{World: benchtest.Open(t), people: map[string]web.Person{}, kind: "image/jpeg"}
	for name, who := range map[string]office.Who{"clerk": d.Clerk, "supervisor": d.Supervisor, "adjudicator": d.Adjudicator, "second": d.Second, "admin": d.Admin} {
		d.people[name] = web.Person{ID: who.Person, Centre: who.Centre, Name: name, Login: name, Role: who.Role, Active: true}
	}
	area, err := headquarters.New(headquarters.Config{Files: d.Store, Bench: d.Bench, Photos: d, Claims: d.Store, Schema: d.Schema})
	if err != nil {
		t.Fatal(err)
	}
	d.site, err = web.New(web.Config{Sessions: d, Areas: []web.Area{area}, Schema: schema.MustCurrent(), Now: func() time.Time { return d.Now }, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *desk) ask(t *testing.T, who, path string, form url.Values, lang ...string) (int, string, http.Header) {
	t.Helper()
	method, body := http.MethodGet, io.Reader(nil)
	if form != nil {
		form.Set("csrf", "form-token")
		method, body = http.MethodPost, strings.NewReader(form.Encode())
	}
	r := httptest.NewRequest(method, "http://hq.example"+path, body)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if who != "" {
		r.AddCookie(&http.Cookie{Name: "siteledger-session", Value: who})
	}
	for _, l := range lang {
		r.Header.Set("Accept-Language", l)
	}
	w := httptest.NewRecorder()
	d.site.ServeHTTP(w, r)
	return w.Code, w.Body.String(), w.Header()
}

func (d *desk) path(s *benchtest.Story) string {
	return "/headquarters/defects/" + d.Centre.String() + "/" + s.Defect.String()
}

func want(t *testing.T, body string, texts ...string) {
	t.Helper()
	for _, s := range texts {
		if !strings.Contains(body, s) {
			t.Errorf("the page lacks %q", s)
		}
	}
}

func TestOnlyHeadquartersEnters(t *testing.T) {
	d := openDesk(t)
	s := d.Finished()
	d.ArriveAll(s)
	photo := "/headquarters/photos/" + d.Centre.String() + "/" + hex.EncodeToString(s.FullSum)
	verdict := url.Values{"verdict": {"hq"}, "party": {"总部"}, "percent": {"100"}, "reason": {"批次"}, "remedy": {"remake"}}
	for _, path := range []string{"/headquarters/", d.path(s), photo} {
		for who, status := range map[string]int{"clerk": 403, "supervisor": 403, "": 303, "adjudicator": 200, "admin": 200} {
			if code, _, _ := d.ask(t, who, path, nil); code != status {
				t.Errorf("GET %s as %q: %d, want %d", path, who, code, status)
			}
		}
	}
	for _, action := range []string{"/verdict", "/take", "/urge", "/received", "/opinion", "/mark", "/annex", "/evidence"} {
		for _, who := range []string{"clerk", "supervisor", "admin"} {
			if code, _, _ := d.ask(t, who, d.path(s)+action, verdict); code != http.StatusForbidden {
				t.Errorf("POST %s as %s: %d", action, who, code)
			}
		}
	}
	if n := len(d.File(s.Job).All("adjudication")); n != 0 {
		t.Fatalf("%d verdicts were written by people who may not", n)
	}
}

func TestQueueShowsAllCentres(t *testing.T) {
	d := openDesk(t)
	s := d.Finished()
	code, body, _ := d.ask(t, "adjudicator", "/headquarters/", nil)
	if code != http.StatusOK {
		t.Fatalf("%d %s", code, body)
	}
	want(t, body, "门板色差", "城东服务中心", "HT-2026-0117", "证据齐全", "还在手机上", d.path(s))
	d.Arrive(s.Phone.Device.ID, s.Previews...)
	_, body, _ = d.ask(t, "adjudicator", "/headquarters/", nil, "en")
	want(t, body, hex.EncodeToString(s.Previews[0]), hex.EncodeToString(s.Previews[1]), "Door-panel colour difference", "Evidence complete")
	_, body, _ = d.ask(t, "adjudicator", "/headquarters/?state=retake", nil)
	want(t, body, "今日已清")
}

func TestDefectPageHasWhatAVerdictNeeds(t *testing.T) {
	d := openDesk(t)
	s := d.Finished()
	d.Arrive(s.Phone.Device.ID, s.Previews[0], s.FullSum)
	code, body, _ := d.ask(t, "adjudicator", d.path(s), nil)
	if code != http.StatusOK {
		t.Fatalf("%d %s", code, body)
	}
	want(t, body, "左起第二块门板比旁边偏黄", "598", "596", "-2 mm", "模压门板 E0", "直边", "PVC 同色", "安装完成,客户满意", "哈希已核对", "同一平面 ✓",
		"原图在 李师傅 手机", "催传", `data-pane="full"`, `data-pane="close"`, `data-key="9"`)
	if strings.Contains(body, benchtest.ByPhone) || strings.Contains(body, benchtest.ByClerk) || strings.Contains(body, "幸福里") {
		t.Error("headquarters sees the customer's number or address")
	}
	for _, bad := range []string{"/headquarters/defects/" + d.Other.String() + "/" + s.Defect.String(), "/headquarters/defects/" + d.Centre.String() + "/" + benchtest.NewID().String(), "/headquarters/defects/x/y"} {
		if code, _, _ := d.ask(t, "adjudicator", bad, nil); code != http.StatusNotFound {
			t.Errorf("%s: %d", bad, code)
		}
	}
}

func TestVerdictComesBackWithWhatWasTyped(t *testing.T) {
	d := openDesk(t)
	s := d.Finished()
	form := url.Values{"verdict": {"hq"}, "party": {"总部", "商场"}, "percent": {"60", "30"}, "share_reason": {"", ""}, "reason": {"批次色差<b>"}, "remedy": {"remake"}, "text_store": {"重做"}}
	code, body, _ := d.ask(t, "adjudicator", d.path(s)+"/verdict", form)
	if code != http.StatusUnprocessableEntity {
		t.Fatalf("%d", code)
	}
	want(t, body, "责任比例合计是 90%", "批次色差&lt;b&gt;", `value="60"`, `value="30"`, "重做")
	form.Set("percent", "6O")
	if code, _, _ := d.ask(t, "adjudicator", d.path(s)+"/verdict", form); code != http.StatusUnprocessableEntity {
		t.Fatalf("a percent that is no number: %d", code)
	}
	form["percent"] = []string{"60", "40"}
	form.Set("base", "1")
	code, body, _ = d.ask(t, "adjudicator", d.path(s)+"/verdict", form)
	if code != http.StatusConflict {
		t.Fatalf("an old screen: %d", code)
	}
	want(t, body, "请重新看一眼", "重做")
	form.Del("base")
	code, _, h := d.ask(t, "adjudicator", d.path(s)+"/verdict", form)
	if code != http.StatusSeeOther || h.Get("Location") != "/headquarters/" {
		t.Fatalf("%d %s", code, h.Get("Location"))
	}
	_, body, _ = d.ask(t, "second", d.path(s), nil)
	want(t, body, "总部差错", "总部 60%", "商场 40%", "已判定")
}

func TestRetakeAndReturnFromThePage(t *testing.T) {
	d := openDesk(t)
	s := d.Finished()
	code, body, _ := d.ask(t, "adjudicator", d.path(s)+"/verdict", url.Values{"verdict": {"retake"}, "wanted": {"full"}})
	if code != http.StatusUnprocessableEntity {
		t.Fatalf("a retake without what is missing: %d", code)
	}
	want(t, body, "判定不了时要写明照片缺什么")
	code, _, _ = d.ask(t, "adjudicator", d.path(s)+"/verdict", url.Values{"verdict": {"retake"}, "wanted": {"full"}, "lack": {"full", "blur", "<script>"}})
	if code != http.StatusSeeOther {
		t.Fatalf("%d", code)
	}
	a := d.File(s.Job).First("adjudication")
	if a.Text("lacks") != "没有全景;不清晰" || a.Text("wanted_role") != "full" {
		t.Fatalf("%v", a.Cols)
	}
	_, body, _ = d.ask(t, "second", d.path(s), nil)
	want(t, body, "已要求补拍")

	s = d.Finished()
	code, _, _ = d.ask(t, "adjudicator", d.path(s)+"/verdict", url.Values{"verdict": {"return"}, "lack": {"touch"}, "cost": {"180.5"}})
	if ship := d.File(s.Job).First("return_shipment"); code != http.StatusSeeOther || ship.Int("cost") != 18050 {
		t.Fatalf("%d %v", code, ship.Cols)
	}
}

func TestPhotosStream(t *testing.T) {
	d := openDesk(t)
	s := d.Finished()
	path := "/headquarters/photos/" + d.Centre.String() + "/" + hex.EncodeToString(s.FullSum)
	if code, _, _ := d.ask(t, "adjudicator", path, nil); code != http.StatusNotFound {
		t.Fatalf("a photo that is not in: %d", code)
	}
	d.ArriveAll(s)
	code, body, h := d.ask(t, "adjudicator", path, nil)
	if code != http.StatusOK || body != "0123456789" || h.Get("Content-Type") != "image/jpeg" || !strings.HasPrefix(h.Get("Cache-Control"), "private") || h.Get("X-Content-Type-Options") != "nosniff" {
		t.Fatalf("%d %q %v", code, body, h)
	}
	other := "/headquarters/photos/" + d.Other.String() + "/" + hex.EncodeToString(s.FullSum)
	sign := "/headquarters/photos/" + d.Centre.String() + "/" + hex.EncodeToString(s.Image)
	after := "/headquarters/photos/" + d.Centre.String() + "/" + hex.EncodeToString(s.AfterSum)
	for _, bad := range []string{other, sign, after, path + "00", "/headquarters/photos/x/y"} {
		if code, _, _ := d.ask(t, "adjudicator", bad, nil); code != http.StatusNotFound {
			t.Errorf("%s: %d", bad, code)
		}
	}
	d.kind = "text/html"
	_, _, h = d.ask(t, "adjudicator", path, nil)
	if h.Get("Content-Type") != "application/octet-stream" || h.Get("Content-Disposition") != "attachment" {
		t.Fatalf("a file that is no picture would be shown: %v", h)
	}
}
