package e2e_test

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	_ "modernc.org/sqlite" // the server's file is read, and damaged, from outside

	"siteledger/server/demo/cable"
	"siteledger/server/demo/scene"
	"siteledger/server/web"
	"siteledger/syncproto/fieldwork"
)

// post sends a form.
func (v *visitor) post(path string, pairs ...string) page {
	v.tb.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	req, err := http.NewRequest(http.MethodPost, v.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		v.tb.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", v.base)
	return v.do(req)
}

// upload sends a form with one file.
func (v *visitor) upload(path, field, name, kind string, file []byte, pairs ...string) page {
	v.tb.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for i := 0; i+1 < len(pairs); i += 2 {
		if err := w.WriteField(pairs[i], pairs[i+1]); err != nil {
			v.tb.Fatal(err)
		}
	}
	part, err := w.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {`form-data; name="` + field + `"; filename="` + name + `"`}, "Content-Type": {kind},
	})
	if err != nil {
		v.tb.Fatal(err)
	}
	_, werr := part.Write(file)
	if err := w.Close(); err != nil || werr != nil {
		v.tb.Fatal(err, werr)
	}
	req, err := http.NewRequest(http.MethodPost, v.base+path, &body)
	if err != nil {
		v.tb.Fatal(err)
	}
	req.Header.Set("Content-Type", w.FormDataContentType())
	req.Header.Set("Origin", v.base)
	return v.do(req)
}

// site is a server in a process of its own on sample data, and the network
// between it and its phones.
type site struct {
	*process
	data            string
	url             string
	server, storage *cable.Cable
	info            demoInfo
}

// startSite fills a folder with the sample month by the demo, stops it, and
// serves the folder with the server's own program.
func startSite(t *testing.T) *site {
	t.Helper()
	s := &site{data: t.TempDir()}
	demo, info := startDemo(t, s.data)
	demo.stop()
	s.info = info
	for _, c := range []**cable.Cable{&s.server, &s.storage} {
		var err error
		if *c, err = cable.Listen("127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = (*c).Close() })
	}
	s.serve(t)
	return s
}

func (s *site) serve(t *testing.T) {
	t.Helper()
	s.process = start(t, "server", "serve", "-data", s.data, "-listen", "127.0.0.1:0", "-s3.listen", "127.0.0.1:0",
		"-s3.public_endpoint", "http://"+s.storage.Addr(), "-log.format", "json")
	var at struct{ Address, URL, Photos string }
	if err := json.Unmarshal([]byte(s.await(s.err, `^\{.*"msg":"listening".*`)[0]), &at); err != nil {
		t.Fatal(err)
	}
	s.url = at.URL
	s.server.Connect(at.Address)
	s.storage.Connect(at.Photos)
}

func (s *site) cut(t *testing.T) {
	t.Helper()
	if err := s.server.Cut(); err != nil {
		t.Fatal(err)
	}
	if err := s.storage.Cut(); err != nil {
		t.Fatal(err)
	}
}

func (s *site) restore(t *testing.T) {
	t.Helper()
	if err := s.server.Restore(); err != nil {
		t.Fatal(err)
	}
	if err := s.storage.Restore(); err != nil {
		t.Fatal(err)
	}
}

// handset is the phone's program in a process of its own.
type handset struct {
	*process
	data string
	*visitor
}

func (s *site) handset(t *testing.T, data, code string) *handset {
	t.Helper()
	args := []string{"-json", "-data", data, "-server", "http://" + s.server.Addr()}
	if code != "" {
		args = append(args, "-code", code)
	}
	p := start(t, "client-sdk/cmd/phone", args...)
	var at struct{ URL string }
	if err := json.Unmarshal([]byte(p.await(p.out, `^\{.*\}$`)[0]), &at); err != nil {
		t.Fatal(err)
	}
	return &handset{p, data, newVisitor(t, at.URL)}
}

// until waits for a page to say something.
func (h *handset) until(path, words string) page {
	h.visitor.tb.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for {
		p := h.get(path).is(http.StatusOK)
		if strings.Contains(p.body, words) {
			return p
		}
		if time.Now().After(deadline) {
			h.visitor.tb.Fatalf("%s never said %q:\n%s", path, words, p.body)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func id(tb testing.TB) string {
	tb.Helper()
	u, err := uuid.NewV7()
	if err != nil {
		tb.Fatal(err)
	}
	return u.String()
}

// picture is a photograph of the story's kitchen.
func picture(view scene.View, n string) []byte {
	return scene.NewStudio().Photo(scene.Spec{
		Seed: 77, ID: "E2E " + n, Fault: scene.DoorColour, View: view, Width: 1600, Height: 1200, Orientation: 1, Taken: time.Now().In(web.DefaultZone()), Model: "E2E",
	})
}

// TestProcesses plays the main job with the programs that are shipped, each in
// a process of its own: enrolment by a code from the command line, a visit with
// the network cut, kill -9 of the phone in its middle, everything sent when the
// network is back, a server that drains on SIGTERM, verify over the result, and
// a flipped byte named, in the log and in a photo.
func TestProcesses(t *testing.T) {
	s := startSite(t)
	code, exit := call(t, "server", "device", "code", "-person", s.info.Person, "-data", s.data)
	if exit != 0 {
		t.Fatal("no code while the server runs")
	}
	data := filepath.Join(t.TempDir(), "phone")
	h := s.handset(t, data, printedCode(t, code))
	job := h.until("/", "/job/").find(`href="(/job/[0-9a-f-]{36})"`)
	s.cut(t)

	h.post(job + "/depart").is(http.StatusOK)
	h.post(job + "/arrive").is(http.StatusOK)
	h.upload(job+"/photo", "photo", "a.jpg", "image/jpeg", picture(scene.Before, "before"), "role", "before", "source", "camera", "back", job).is(http.StatusOK)
	h.post(job+"/record", "fault", "门板色差", "cause", "批次不同", "measure", "拍照上报", "deferred_shown", "1").is(http.StatusOK)
	at := h.post(job+"/defect", "id", id(t), "class", "door_colour").is(http.StatusOK).path
	defect := at[strings.LastIndexByte(at, '/')+1:]
	closeUp := picture(scene.Close, "close")
	h.upload(job+"/photo", "photo", "b.jpg", "image/jpeg", closeUp, "role", "close", "source", "camera", "defect", defect, "back", at).is(http.StatusOK)
	h.post(at+"/submit", "text", "左起第二块门板比旁边偏黄").is(http.StatusUnprocessableEntity).says("全景")

	// In the middle of it the phone dies, and starts again from the same folder.
	h.kill()
	h = s.handset(t, data, "")
	h.get(job+"/work").is(http.StatusOK).says("门板色差", "批次不同", "拍照上报")
	h.get(at).is(http.StatusOK).says("左起第二块门板比旁边偏黄")

	h.upload(job+"/photo", "photo", "c.jpg", "image/jpeg", picture(scene.Full, "full"), "role", "full", "source", "camera", "same_plane", "1", "defect", defect, "back", at).is(http.StatusOK)
	h.post(at+"/submit", "text", "左起第二块门板比旁边偏黄").is(http.StatusOK).says("待判定")
	charge(t, h, job)
	finish(t, h, job)
	h.get("/uploads").is(http.StatusOK).says("排队")

	s.restore(t)
	h.until("/uploads", "都已上传")
	h.stop()
	s.stop()
	checkStored(t, s.data, strings.TrimPrefix(job, "/job/"), defect)
	checkVerify(t, s.data)
}

// printedCode finds the code in what the command printed.
func printedCode(t *testing.T, out string) string {
	t.Helper()
	fields := strings.Fields(out)
	if len(fields) == 0 {
		t.Fatal("the command printed no code")
	}
	return fields[0]
}

// charge shows the standard, puts one of its items on the slip and issues a
// receipt from the phone's own numbers.
func charge(t *testing.T, h *handset, job string) {
	t.Helper()
	h.post(job + "/standard").is(http.StatusOK)
	item := h.get(job + "/fee").is(http.StatusOK).find(`name="item" value="([0-9a-f-]{36})"`)
	h.post(job+"/fee", "id", id(t), "item", item, "quantity", "1").is(http.StatusOK)
	no := h.post(job+"/receipt", "id", id(t), "way", "cash", "invoice", "none", "payer", "王秀英").is(http.StatusOK).find(`data-receipt="([^"]+)"`)
	if _, n, err := fieldwork.Parse(no); err != nil || n < 1 {
		t.Errorf("receipt %q: %v", no, err)
	}
}

// finish goes from the after photo to the closed visit.
func finish(t *testing.T, h *handset, job string) {
	t.Helper()
	h.upload(job+"/photo", "photo", "d.jpg", "image/jpeg", picture(scene.After, "after"), "role", "after", "source", "camera", "back", job).is(http.StatusOK)
	h.post(job+"/selfcheck", "no_photo", "顾客不让拍", "ticks_shown", "1", "training_done", "1", "restored", "1", "cleaned", "1", "warranty_card", "1",
		"outcome", "judge", "check_product", "1", "check_site", "1", "check_tools", "1").is(http.StatusOK)
	shown := h.post(job+"/handover", "pin", "2580").is(http.StatusOK).find(`name="shown" value="([0-9a-f]{64})"`)
	const strokes = "1|360|100 200 0 20 -30 16 20 -30 16 30 60 16 40 -20 18 30 30 16|400 100 200 10 80 16 10 60 16 40 -30 16"
	h.post(job+"/sign", "strokes", strokes, "outcome", fieldwork.Signed, "shown", shown, "quality", "5", "attitude", "5").is(http.StatusOK)
	h.post(job+"/unlock", "pin", "2580").is(http.StatusOK)
	h.post(job + "/done").is(http.StatusOK)
}

func openFile(t *testing.T, data string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(data, "server.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// checkStored looks into the server's file: the visit is there whole, signed,
// and every byte of it is in; only the open case keeps the job from complete.
func checkStored(t *testing.T, data, job, defect string) {
	t.Helper()
	db := openFile(t, data)
	j, d := uuid.MustParse(job), uuid.MustParse(defect)
	var status, state string
	if err := db.QueryRow(`SELECT status FROM state_job WHERE id = $1`, j[:]).Scan(&status); err != nil || status != "finished" {
		t.Errorf("job is %q, %v", status, err)
	}
	if err := db.QueryRow(`SELECT status FROM state_defect WHERE id = $1`, d[:]).Scan(&state); err != nil || state != "submitted" {
		t.Errorf("defect is %q, %v", state, err)
	}
	var photos, present, missing int
	if err := db.QueryRow(`SELECT count(*) FROM state_photo WHERE root = $1`, j[:]).Scan(&photos); err != nil || photos != 4 {
		t.Errorf("%d photos, %v", photos, err)
	}
	if err := db.QueryRow(`
		SELECT count(p.sha256), count(*) - count(p.sha256)
		FROM blob_ref r LEFT JOIN blob_present p ON p.centre = r.centre AND p.sha256 = r.sha256
		WHERE r.root = $1`, j[:]).Scan(&present, &missing); err != nil || missing != 0 || present < 5 {
		t.Errorf("%d files present, %d missing, %v", present, missing, err)
	}
}

// checkVerify runs verify on sound data and on data with one byte changed.
func checkVerify(t *testing.T, data string) {
	t.Helper()
	type verdict struct {
		OK      bool
		Changes int
		Blobs   int
		Log     []map[string]any
		Photos  []struct{ SHA256 string }
	}
	verify := func() (v verdict, exit int) {
		out, exit := call(t, "server", "verify", "-data", data, "-json")
		if err := json.Unmarshal([]byte(out), &v); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return v, exit
	}
	if v, exit := verify(); exit != 0 || !v.OK || v.Changes < 10000 || v.Blobs < 250 {
		t.Fatalf("verify of sound data: exit %d, %+v", exit, v)
	}

	db := openFile(t, data)
	var pos, first, last int64
	var device, body []byte
	if err := db.QueryRow(`SELECT pos, device, first, last, body FROM ledger WHERE last - first > 20 ORDER BY pos DESC LIMIT 1`).Scan(&pos, &device, &first, &last, &body); err != nil {
		t.Fatal(err)
	}
	body[len(body)/2] ^= 0x40
	if _, err := db.Exec(`UPDATE ledger SET body = $1 WHERE pos = $2 AND device = $3`, body, pos, device); err != nil {
		t.Fatal(err)
	}
	v, exit := verify()
	if exit != 1 || v.OK || len(v.Log) != 1 {
		t.Fatalf("verify of a changed log: exit %d, %+v", exit, v)
	}
	named, err := json.Marshal(v.Log[0])
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(strings.ToLower(string(named)), uuid.UUID(device).String()) {
		t.Errorf("verify does not name the log %s: %s", uuid.UUID(device), named)
	}
	t.Logf("changed log: %s", named)
	body[len(body)/2] ^= 0x40
	if _, err := db.Exec(`UPDATE ledger SET body = $1 WHERE pos = $2 AND device = $3`, body, pos, device); err != nil {
		t.Fatal(err)
	}

	sha := flipPhoto(t, data)
	v, exit = verify()
	if exit != 1 || v.OK || len(v.Photos) != 1 || v.Photos[0].SHA256 != sha {
		t.Fatalf("verify of a changed photo %s: exit %d, %+v", sha, exit, v)
	}
}

// flipPhoto changes one byte of one stored photo and gives its name.
func flipPhoto(t *testing.T, data string) (sha string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(data, "blobs", "*", "*", "*", "*"))
	if err != nil || len(files) < 250 {
		t.Fatalf("%d stored files, %v", len(files), err)
	}
	path := files[len(files)/2]
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return filepath.Base(filepath.Dir(path))
}
