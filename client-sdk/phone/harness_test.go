package phone

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/textproto"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/uuid"

	clientsdk "siteledger/client-sdk"
	"siteledger/syncproto"
	"siteledger/syncproto/schema"
)

// office is a sync server of the fewest words: it enrols a phone and hands out
// its rows, once, and can be cut off. What it says follows the protocol; the
// phone's client is the real one.
type office struct {
	tb      testing.TB
	server  *httptest.Server
	history uuid.UUID
	device  uuid.UUID
	person  uuid.UUID
	centre  uuid.UUID
	public  ed25519.PublicKey

	mu   sync.Mutex
	asks []any // instructions
	rows []map[string]any
	rev  uint64
	code string
}

func newOffice(tb testing.TB) *office {
	tb.Helper()
	public, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		tb.Fatal(err)
	}
	o := &office{tb: tb, history: newID(tb), device: newID(tb), person: newID(tb), centre: newID(tb), public: public, code: "OPEN-1234"}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+syncproto.PathEnrol, o.enrol)
	mux.HandleFunc("GET "+syncproto.PathPull, o.pull)
	mux.HandleFunc("POST "+syncproto.PathPush, func(w http.ResponseWriter, _ *http.Request) { problem(w, syncproto.Forbidden) })
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { problem(w, syncproto.Busy) })
	o.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", morning().UTC().Format(http.TimeFormat))
		mux.ServeHTTP(w, r)
	}))
	tb.Cleanup(o.server.Close)
	return o
}

func problem(w http.ResponseWriter, code syncproto.Code) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(syncproto.Status(code))
	_ = json.NewEncoder(w).Encode(syncproto.Problem{Title: string(code), Status: syncproto.Status(code), Code: code})
}

func newID(tb testing.TB) uuid.UUID {
	tb.Helper()
	id, err := uuid.NewV7()
	if err != nil {
		tb.Fatal(err)
	}
	return id
}

func (o *office) enrol(w http.ResponseWriter, r *http.Request) {
	var req syncproto.EnrolRequest
	if err := json.NewDecoder(r.Body).Decode(&req); err != nil || req.Code != o.code {
		problem(w, syncproto.CodeInvalid)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(syncproto.EnrolAnswer{
		Device: o.device, Person: o.person, Centre: o.centre, History: o.history,
		AccessToken: "access", ExpiresIn: 3600, RefreshToken: "refresh", Schema: schema.Current,
		ServerKeys:    []syncproto.ServerKey{{KID: "k1", PublicKey: o.public}},
		ReceiptRanges: []syncproto.ReceiptRange{{Prefix: "SC01", From: 123, To: 400}},
	})
}

// put makes or replaces a row of the feed.
func (o *office) put(table string, id, root uuid.UUID, cols map[string]any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.rev++
	full := map[string]any{}
	for _, c := range schema.MustCurrent().Table(table).Columns {
		full[c.Name] = nil
	}
	for k, v := range cols {
		if u, ok := v.(uuid.UUID); ok {
			v = u[:]
		}
		if n, ok := v.(int); ok {
			v = int64(n)
		}
		full[k] = v
	}
	o.rows = append(o.rows, map[string]any{"table": table, "row": id[:], "root": root[:], "rev": o.rev, "cols": full})
}

func (o *office) pull(w http.ResponseWriter, _ *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	b, err := cbor.Marshal(map[string]any{
		"history": o.history[:], "rows": o.rows, "removed": []any{}, "instructions": append([]any{}, o.asks...), "hlc": uint64(0), "next": "c1", "more": false, "passed": nil,
	})
	if err != nil {
		o.tb.Error(err)
		return
	}
	o.rows = nil
	w.Header().Set("Content-Type", syncproto.TypeCBOR)
	_, _ = w.Write(b)
}

// jobSeed is one job as an office hands it out.
type jobSeed struct {
	job, contact, item uuid.UUID
}

// job puts a whole job into the feed; cols and who overwrite the ordinary ones.
func (o *office) job(from time.Time, cols, who map[string]any) jobSeed {
	s := jobSeed{newID(o.tb), newID(o.tb), newID(o.tb)}
	job := map[string]any{
		"job_no": "A-1042", "kind": "aftersale", "channel": "phone", "intake_at": from.Add(-20 * time.Hour).UnixMilli(), "asked_work": "橱柜门板色差,左起第二块偏黄",
		"warranty": "in", "slot_from": from.UnixMilli(), "slot_to": from.Add(90 * time.Minute).UnixMilli(), "contract_no": "HT-2025-0318", "status": "dispatched",
	}
	contact := map[string]any{"job": s.job, "name": "王秀英", "phone": "13800138000", "address": "滨江区春江花园 8 幢 1203", "community": "春江花园", "gate_rule": "北门登记", "quiet_from": 720, "quiet_to": 840}
	for k, v := range cols {
		job[k] = v
	}
	for k, v := range who {
		contact[k] = v
	}
	o.put("job", s.job, s.job, job)
	o.put("job_contact", s.contact, s.job, contact)
	o.put("job_item", s.item, s.job, map[string]any{"job": s.job, "contract_no": "HT-2025-0318", "category": "kitchen", "model": "雅居 A7", "material": "PET 亮光", "edge_profile": "直边", "edge_band": "PVC 1mm", "drawing_size": "598×720", "store": "城西商场", "installed_at": from.AddDate(0, -5, 0).UnixMilli(), "warranty_until": from.AddDate(0, 7, 0).UnixMilli()})
	o.put("job_history", newID(o.tb), s.job, map[string]any{"job": s.job, "at": from.AddDate(0, -3, 0).UnixMilli(), "job_no": "A-0877", "summary": "调整铰链"})
	o.put("assignment", newID(o.tb), s.job, map[string]any{"job": s.job, "person": o.person, "active": true, "lead": true})
	return s
}

// standing puts what every phone has: the centre, the person, prices, phrases.
func (o *office) standing(now time.Time) {
	o.put("centre", o.centre, o.centre, map[string]any{"name": "滨江服务中心", "name_en": "Binjiang service centre", "phone": "0571-88001234"})
	o.put("person", o.person, o.centre, map[string]any{"name": "李师傅", "role": "installer", "active": true})
	from := now.AddDate(0, -1, 0).UnixMilli()
	hq := newID(o.tb)
	for _, p := range []struct {
		item, name, en, unit string
		price                int64
	}{
		{"F01", "上门检测费", "Call-out", "次", 5000}, {"F02", "更换铰链", "Replace hinge", "只", 3000}, {"F03", "门板重新调整", "Adjust a panel", "块", 12000},
	} {
		o.put("fee_standard", newID(o.tb), hq, map[string]any{"version": "2026-11", "item": p.item, "name": p.name, "name_en": p.en, "unit": p.unit, "price": p.price, "currency": "CNY", "valid_from": from, "approved": true})
	}
	o.put("fee_standard", newID(o.tb), hq, map[string]any{"version": "2027-01", "item": "F01", "name": "未来的价格", "price": int64(9900), "currency": "CNY", "valid_from": now.AddDate(0, 2, 0).UnixMilli(), "approved": true})
	for step, text := range map[string]string{"booking": "您好,我是品牌橱柜的售服,姓{姓},您看{时间}方便吗?大约半小时后到。", "arrival": "您好,打扰了,我先看一下情况。", "finish": "已经修好,请您看一下。"} {
		o.put("script", newID(o.tb), hq, map[string]any{"step": step, "text": text, "version": "v3"})
	}
}

// phoneKit is a phone with its pages, without any network after it enrolled.
type phoneKit struct {
	tb     testing.TB
	office *office
	dir    string
	now    *clock
	free   int64
	client *clientsdk.Client
	app    *httptest.Server
	pages  *App
	web    *http.Client
	cut    bool
	paid   bool // its network costs money
}

type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

const testToken = "test-token-0123456789"

// morning is a Thursday, ten to nine in China.
func morning() time.Time {
	return time.Date(2026, 11, 19, 8, 50, 0, 0, time.FixedZone("UTC+8", 8*3600))
}

// newPhone enrols a phone at the office, pulls once and cuts the network.
func newPhone(tb testing.TB, o *office) *phoneKit {
	tb.Helper()
	k := &phoneKit{tb: tb, office: o, dir: tb.TempDir(), now: &clock{t: morning()}, free: 20 << 30}
	k.open()
	if err := k.client.Enrol(context.Background(), o.code); err != nil {
		tb.Fatalf("enrol: %v", err)
	}
	k.sync()
	k.cut = true
	tb.Cleanup(k.close)
	return k
}

func (k *phoneKit) open() {
	k.tb.Helper()
	c, err := clientsdk.Open(clientsdk.Config{
		Dir: k.dir, Server: k.office.server.URL, Now: k.now.Now, Platform: "test", Model: "test", App: "test",
		FreeBytes: func(string) (int64, error) { return k.free, nil },
		HTTP:      &http.Client{Transport: cutter{k}}, Metered: func() bool { return k.paid },
	})
	if err != nil {
		k.tb.Fatalf("open: %v", err)
	}
	k.client = c
	h, err := New(Config{Client: c, Token: testToken, Server: k.office.server.URL, Dir: k.dir, Lang: "zh-CN", Zone: time.FixedZone("UTC+8", 8*3600), Now: k.now.Now})
	if err != nil {
		k.tb.Fatal(err)
	}
	k.app, k.pages = httptest.NewServer(h), h
	jar, err := cookiejar.New(nil)
	if err != nil {
		k.tb.Fatal(err)
	}
	k.web = &http.Client{Jar: jar, Timeout: 20 * time.Second}
	k.get("/?t=" + testToken)
}

// cutter is the network: gone once the kit says so.
type cutter struct{ k *phoneKit }

func (c cutter) RoundTrip(r *http.Request) (*http.Response, error) {
	if c.k.cut {
		return nil, io.ErrUnexpectedEOF
	}
	return http.DefaultTransport.RoundTrip(r)
}

func (k *phoneKit) close() {
	k.app.Close()
	_ = k.client.Close()
}

// sync lets the phone hear the office once.
func (k *phoneKit) sync() {
	k.tb.Helper()
	was := k.cut
	k.cut = false
	_, err := k.client.Sync(context.Background())
	k.cut = was
	if c := clientsdk.CodeOf(err); err != nil && c != clientsdk.CodeBusy && c != clientsdk.CodeRefused {
		k.tb.Fatalf("sync: %v", err)
	}
}

// killed is a phone whose process died: the files as they are at this moment,
// opened by a new process.
func (k *phoneKit) killed() *phoneKit {
	k.tb.Helper()
	next := &phoneKit{tb: k.tb, office: k.office, dir: k.tb.TempDir(), now: k.now, free: k.free, cut: true}
	if err := os.CopyFS(filepath.Join(next.dir, "data"), os.DirFS(k.dir)); err != nil {
		k.tb.Fatal(err)
	}
	next.dir = filepath.Join(next.dir, "data")
	next.open()
	k.tb.Cleanup(next.close)
	return next
}

// answer is what the pages said.
type answer struct {
	tb     testing.TB
	status int
	body   string
	at     string // address after redirects
	header http.Header
}

func (k *phoneKit) do(r *http.Request) answer {
	k.tb.Helper()
	res, err := k.web.Do(r)
	if err != nil {
		k.tb.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		k.tb.Fatal(err)
	}
	return answer{k.tb, res.StatusCode, string(b), res.Request.URL.Path, res.Header}
}

func (k *phoneKit) get(path string) answer {
	k.tb.Helper()
	r, err := http.NewRequest(http.MethodGet, k.app.URL+path, nil)
	if err != nil {
		k.tb.Fatal(err)
	}
	return k.do(r)
}

// post sends a form as a web view does; pairs are names and values.
func (k *phoneKit) post(path string, pairs ...string) answer {
	k.tb.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	r, err := http.NewRequest(http.MethodPost, k.app.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		k.tb.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", k.app.URL)
	return k.do(r)
}

// upload sends a form with one file.
func (k *phoneKit) upload(path, field string, file []byte, pairs ...string) answer {
	k.tb.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for i := 0; i+1 < len(pairs); i += 2 {
		if err := w.WriteField(pairs[i], pairs[i+1]); err != nil {
			k.tb.Fatal(err)
		}
	}
	part, err := w.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {`form-data; name="` + field + `"; filename="IMG_1.jpg"`}, "Content-Type": {"image/jpeg"},
	})
	if err != nil {
		k.tb.Fatal(err)
	}
	if _, err := part.Write(file); err != nil {
		k.tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		k.tb.Fatal(err)
	}
	r, err := http.NewRequest(http.MethodPost, k.app.URL+path, &body)
	if err != nil {
		k.tb.Fatal(err)
	}
	r.Header.Set("Content-Type", w.FormDataContentType())
	r.Header.Set("Origin", k.app.URL)
	return k.do(r)
}

// rows reads the phone's rows of a table.
func (k *phoneKit) rows(table string) []schema.Row {
	k.tb.Helper()
	var out []schema.Row
	err := k.client.View(context.Background(), func(v *clientsdk.View) error {
		var err error
		out, err = v.Rows(table, clientsdk.Query{})
		return err
	})
	if err != nil {
		k.tb.Fatal(err)
	}
	return out
}

// one reads the only row of a table.
func (k *phoneKit) one(table string) schema.Row {
	k.tb.Helper()
	found := k.rows(table)
	if len(found) != 1 {
		k.tb.Fatalf("%d rows of %s, want 1", len(found), table)
	}
	return found[0]
}

// ok fails unless the page came.
func (a answer) ok() answer {
	a.tb.Helper()
	return a.is(http.StatusOK)
}

func (a answer) is(status int) answer {
	a.tb.Helper()
	if a.status != status {
		a.tb.Fatalf("%s: status %d, want %d\n%s", a.at, a.status, status, a.visible())
	}
	return a
}

// says fails unless the page shows each text.
func (a answer) says(texts ...string) answer {
	a.tb.Helper()
	for _, t := range texts {
		if !strings.Contains(a.body, t) {
			a.tb.Fatalf("%s does not say %q\n%s", a.at, t, a.visible())
		}
	}
	return a
}

func (a answer) silent(texts ...string) answer {
	a.tb.Helper()
	for _, t := range texts {
		if strings.Contains(a.body, t) {
			a.tb.Fatalf("%s says %q\n%s", a.at, t, a.visible())
		}
	}
	return a
}

// visible is the page without its markup, for failures.
func (a answer) visible() string {
	var out strings.Builder
	depth := 0
	for _, r := range a.body {
		switch {
		case r == '<':
			depth++
		case r == '>':
			depth--
			out.WriteByte(' ')
		case depth == 0:
			out.WriteRune(r)
		}
	}
	return strings.Join(strings.Fields(out.String()), " ")
}

// hidden reads a hidden field of the page's form.
func (a answer) hidden(name string) string {
	a.tb.Helper()
	_, rest, ok := strings.Cut(a.body, `name="`+name+`" value="`)
	if !ok {
		a.tb.Fatalf("%s has no field %q\n%s", a.at, name, a.visible())
	}
	value, _, _ := strings.Cut(rest, `"`)
	return value
}

func form(pairs ...string) string {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v.Encode()
}
