package e2e_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/uuid"

	"siteledger/server/demo/scene"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
)

// wire is a phone written from PROTOCOL.md alone: it sends exactly what a test
// tells it to, also what no phone would.
type wire struct {
	tb     testing.TB
	base   string
	key    ed25519.PrivateKey
	codec  *changelog.Codec
	answer syncproto.EnrolAnswer
	epoch  uuid.UUID
	boot   uuid.UUID
	seq    uint64
	head   changelog.Hash
}

func newWire(tb testing.TB, base string) *wire {
	tb.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	codec, err := changelog.NewCodec()
	if err != nil {
		tb.Fatal(err)
	}
	return &wire{tb: tb, base: base, key: key, codec: codec, epoch: uuid.Must(uuid.NewV7()), boot: uuid.Must(uuid.NewV7())}
}

// call sends a request and gives status and problem code ("" for none).
func (w *wire) call(method, path, kind string, body []byte, token string, into any) (int, syncproto.Code) {
	w.tb.Helper()
	req, err := http.NewRequest(method, w.base+path, bytes.NewReader(body))
	if err != nil {
		w.tb.Fatal(err)
	}
	req.Header.Set("Content-Type", kind)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		w.tb.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		w.tb.Fatal(err)
	}
	if res.StatusCode/100 == 2 {
		switch {
		case into == nil:
		case strings.HasPrefix(res.Header.Get("Content-Type"), syncproto.TypeCBOR):
			err = cbor.Unmarshal(b, into)
		default:
			err = json.Unmarshal(b, into)
		}
		if err != nil {
			w.tb.Fatalf("%s: %v", path, err)
		}
		return res.StatusCode, ""
	}
	if got := res.Header.Get("Content-Type"); !strings.HasPrefix(got, syncproto.TypeProblem) {
		w.tb.Errorf("%s: refusal of type %q: %s", path, got, b)
	}
	var p syncproto.Problem
	if err := json.Unmarshal(b, &p); err != nil || p.Status != res.StatusCode || p.Title == "" {
		w.tb.Errorf("%s: not a problem: %v %s", path, err, b)
	}
	return res.StatusCode, p.Code
}

func (w *wire) json(path string, in, into any) (int, syncproto.Code) {
	w.tb.Helper()
	b, err := json.Marshal(in)
	if err != nil {
		w.tb.Fatal(err)
	}
	return w.call(http.MethodPost, path, syncproto.TypeJSON, b, w.answer.AccessToken, into)
}

func (w *wire) enrol(code string) (int, syncproto.Code) {
	w.tb.Helper()
	public := w.key.Public().(ed25519.PublicKey)
	status, refusal := w.json(syncproto.PathEnrol, syncproto.EnrolRequest{
		Code: code, PublicKey: public, Proof: ed25519.Sign(w.key, changelog.EnrolMessage(uuid.Nil, public, code)),
		Platform: "test", Model: "wire", App: "1", Schema: 1,
	}, &w.answer)
	if status == http.StatusCreated {
		w.head = changelog.Genesis(w.answer.Device, w.epoch)
	}
	return status, refusal
}

// insert encodes one change, a transaction of its own, numbered seq.
func (w *wire) insert(seq uint64, table string, cols map[string]any) []byte {
	w.tb.Helper()
	b, err := w.codec.Encode(&changelog.Change{
		Seq: seq, HLC: uint64(time.Now().UnixMilli())<<16 + seq, Wall: time.Now().UnixMilli(), Txn: seq, Last: true, Table: table,
		Row: uuid.Must(uuid.NewV7()), Op: changelog.Insert, Cols: cols, Actor: w.answer.Person, Schema: 1, Boot: w.boot, Salt: [16]byte(uuid.New()),
	})
	if err != nil {
		w.tb.Fatal(err)
	}
	return b
}

// batch makes a sound push of changes from number from on, after prev.
func (w *wire) batch(from uint64, prev changelog.Hash, changes ...[]byte) *syncproto.PushRequest {
	head := prev
	for _, c := range changes {
		head = changelog.Next(head, c)
	}
	last := from + uint64(len(changes)) - 1
	wall := time.Now().UnixMilli()
	return &syncproto.PushRequest{
		History: w.answer.History[:], Device: w.answer.Device[:], Epoch: w.epoch[:], From: from, Prev: prev[:], Changes: changes, Head: head[:],
		Signature: ed25519.Sign(w.key, changelog.PushMessage(w.answer.Device, w.epoch, last, head, w.boot, 1, wall)), Boot: w.boot[:], Mono: 1, Wall: wall,
	}
}

func (w *wire) push(req *syncproto.PushRequest) (syncproto.PushAnswer, int, syncproto.Code) {
	w.tb.Helper()
	b, err := w.codec.Marshal(req)
	if err != nil {
		w.tb.Fatal(err)
	}
	var a syncproto.PushAnswer
	status, refusal := w.call(http.MethodPost, syncproto.PathPush, syncproto.TypeCBOR, b, w.answer.AccessToken, &a)
	return a, status, refusal
}

// sound pushes changes that must be taken, and moves the log on.
func (w *wire) sound(changes ...[]byte) syncproto.PushAnswer {
	w.tb.Helper()
	req := w.batch(w.seq+1, w.head, changes...)
	a, status, refusal := w.push(req)
	if status != http.StatusOK || a.Acked != w.seq+uint64(len(changes)) {
		w.tb.Fatalf("sound push: %d %s, acked %d", status, refusal, a.Acked)
	}
	w.seq, w.head = a.Acked, changelog.Hash(req.Head)
	return a
}

// expiredCode makes a code and sets its end into the past.
func expiredCode(t *testing.T, person, data string) string {
	t.Helper()
	out, exit := call(t, "server", "device", "code", "-person", person, "-data", data)
	if exit != 0 {
		t.Fatal("no code")
	}
	if _, err := openFile(t, data).Exec(`UPDATE enrol_code SET expires_at = 1 WHERE created_at = (SELECT max(created_at) FROM enrol_code)`); err != nil {
		t.Fatal(err)
	}
	return printedCode(t, out)
}

// TestBadInput sends a running server everything that it has to refuse, and
// then shows that nothing of what was sound before is lost.
func TestBadInput(t *testing.T) {
	_, info := startDemo(t, t.TempDir())
	w := newWire(t, info.Server)
	t.Run("codes", func(t *testing.T) { badCodes(t, w, info) })
	if w.answer.AccessToken == "" {
		t.Fatal("not enrolled")
	}
	day := func(text string) map[string]any { return map[string]any{"day": "2026-11-20", "text": text} }
	w.sound(w.insert(1, "day_summary", day("一")), w.insert(2, "day_summary", day("二")))
	t.Run("tokens", func(t *testing.T) { badTokens(t, w, info) })
	t.Run("envelopes", func(t *testing.T) { badEnvelopes(t, w, day) })
	t.Run("changes", func(t *testing.T) { badChanges(t, w, day) })
	t.Run("files", func(t *testing.T) { badFiles(t, w) })
	t.Run("pulls", func(t *testing.T) { badPulls(t, w) })

	// After all of it the log goes on where it stood.
	w.tb = t
	w.sound(w.insert(w.seq+1, "day_summary", day("还在")))
	if status, refusal := w.call(http.MethodGet, syncproto.PathPull, "", nil, w.answer.AccessToken, nil); status != http.StatusOK {
		t.Errorf("pull: %d %s", status, refusal)
	}
}

func badCodes(t *testing.T, w *wire, info demoInfo) {
	w.tb = t
	for name, code := range map[string]string{"wrong": "AAAA-BBBB-CCCC", "empty": "", "huge": strings.Repeat("A", 60000), "expired": expiredCode(t, info.Person, info.Data)} {
		if status, refusal := w.enrol(code); status != http.StatusUnprocessableEntity || refusal != syncproto.CodeInvalid {
			t.Errorf("%s code: %d %s", name, status, refusal)
		}
	}
	if status, refusal := w.enrol(info.EnrolmentCode); status != http.StatusCreated {
		t.Fatalf("a sound code: %d %s", status, refusal)
	}
	other := newWire(t, info.Server)
	if status, refusal := other.enrol(info.EnrolmentCode); status != http.StatusUnprocessableEntity || refusal != syncproto.CodeInvalid {
		t.Errorf("a used code with another key: %d %s", status, refusal)
	}
}

func badTokens(t *testing.T, w *wire, info demoInfo) {
	w.tb = t
	sound := w.answer.AccessToken
	parts := strings.Split(sound, ".")
	for name, token := range map[string]string{
		"none": "", "garbage": "x.y.z", "cut": sound[:len(sound)-4], "of no algorithm": "eyJhbGciOiJub25lIn0." + parts[1] + ".",
	} {
		if status, _ := w.call(http.MethodGet, syncproto.PathPull, "", nil, token, nil); status != http.StatusUnauthorized {
			t.Errorf("token %s: %d", name, status)
		}
	}
	// A batch of another device under this token.
	req := w.batch(w.seq+1, w.head, w.insert(w.seq+1, "day_summary", map[string]any{"day": "2026-11-20"}))
	stranger := uuid.Must(uuid.NewV7())
	req.Device = stranger[:]
	if _, status, refusal := w.push(req); status != http.StatusForbidden || refusal != syncproto.WrongDevice {
		t.Errorf("another device: %d %s", status, refusal)
	}
	// People of one door at another, and of one centre in another's file.
	job := newVisitorAs(t, info, "clerk").get("/centre/jobs").is(http.StatusOK).find(`href="(/centre/jobs/[0-9a-f-]{36})`)
	for _, c := range []struct{ user, path string }{{"clerk3", job}, {"clerk", "/headquarters/"}, {"judge", "/centre/"}, {"judge", job}} {
		if p := newVisitorAs(t, info, c.user).get(c.path); p.status != http.StatusForbidden && p.status != http.StatusNotFound {
			t.Errorf("%s at %s: %d", c.user, c.path, p.status)
		}
	}
}

// newVisitorAs signs somebody in at the screens.
func newVisitorAs(t *testing.T, info demoInfo, user string) *visitor {
	t.Helper()
	v := newVisitor(t, info.Server+"/signin")
	p := v.post("/signin", "login", user, "password", info.Accounts[0].Password).is(http.StatusOK)
	if p.path == "/signin" {
		t.Fatalf("%s was not let in:\n%s", user, p.body)
	}
	return v
}

func badEnvelopes(t *testing.T, w *wire, day func(string) map[string]any) {
	w.tb = t
	next := w.insert(w.seq+1, "day_summary", day("三"))
	type step struct {
		name   string
		make   func() *syncproto.PushRequest
		status int
		code   syncproto.Code
	}
	flip := func(b []byte) []byte { c := bytes.Clone(b); c[0] ^= 1; return c }
	for _, s := range []step{
		{"gap", func() *syncproto.PushRequest {
			return w.batch(w.seq+5, w.head, w.insert(w.seq+5, "day_summary", day("五")))
		}, 409, syncproto.LogGap},
		{"fork", func() *syncproto.PushRequest {
			return w.batch(1, changelog.Genesis(w.answer.Device, w.epoch), w.insert(1, "day_summary", day("另一个一")))
		}, 409, syncproto.LogForked},
		{"broken chain", func() *syncproto.PushRequest {
			r := w.batch(w.seq+1, w.head, next)
			r.Changes = [][]byte{w.insert(w.seq+1, "day_summary", day("换过"))}
			return r
		}, 422, syncproto.ChainBroken},
		{"wrong signature", func() *syncproto.PushRequest {
			r := w.batch(w.seq+1, w.head, next)
			r.Signature = flip(r.Signature)
			return r
		}, 422, syncproto.SignatureInvalid},
		{"empty", func() *syncproto.PushRequest { return w.batch(w.seq+1, w.head) }, 422, syncproto.EnvelopeInvalid},
		{"other history", func() *syncproto.PushRequest {
			r := w.batch(w.seq+1, w.head, next)
			r.History = flip(r.History)
			return r
		}, 409, syncproto.HistoryChanged},
		{"change too large", func() *syncproto.PushRequest {
			return w.batch(w.seq+1, w.head, w.insert(w.seq+1, "day_summary", day(strings.Repeat("长", 30000))))
		}, 413, syncproto.ChangeTooLarge},
		{"batch too long", func() *syncproto.PushRequest {
			var many [][]byte
			for i := range uint64(1001) {
				many = append(many, w.insert(w.seq+1+i, "day_summary", day("多")))
			}
			return w.batch(w.seq+1, w.head, many...)
		}, 413, syncproto.BatchTooLong},
	} {
		if a, status, refusal := w.push(s.make()); status != s.status || refusal != s.code {
			t.Errorf("%s: %d %s, want %d %s (acked %d)", s.name, status, refusal, s.status, s.code, a.Acked)
		}
	}
	if status, refusal := w.call(http.MethodPost, syncproto.PathPush, syncproto.TypeCBOR, []byte("<html>"), w.answer.AccessToken, nil); status != http.StatusBadRequest && status != http.StatusUnprocessableEntity {
		t.Errorf("a page instead of CBOR: %d %s", status, refusal)
	}
	if status, _ := w.call(http.MethodPost, syncproto.PathPush, "text/html", []byte("<html>"), w.answer.AccessToken, nil); status != http.StatusUnsupportedMediaType {
		t.Errorf("HTML: %d", status)
	}
}

// badChanges are kept and acknowledged, but have no effect: the log never
// stops (P4).
func badChanges(t *testing.T, w *wire, day func(string) map[string]any) {
	w.tb = t
	job, customer := uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7())
	for _, c := range []struct {
		name   string
		change func() []byte
		code   syncproto.OutcomeCode
		reason syncproto.Reason
	}{
		{"unknown table", func() []byte { return w.insert(w.seq+1, "nonsense", day("x")) }, syncproto.Held, syncproto.UnknownTable},
		{"unknown column", func() []byte {
			return w.insert(w.seq+1, "day_summary", map[string]any{"day": "2026-11-20", "nonsense": "x"})
		}, syncproto.Held, syncproto.UnknownColumn},
		{"bad value", func() []byte { return w.insert(w.seq+1, "day_summary", map[string]any{"day": int64(7)}) }, syncproto.Held, syncproto.BadValue},
		{"table of the office", func() []byte {
			return w.insert(w.seq+1, "customer", map[string]any{"name": "某人", "phone": "1"})
		}, syncproto.Denied, syncproto.NotWriter},
		{"column of the server", func() []byte {
			return w.insert(w.seq+1, "job", map[string]any{
				"kind": "repair", "intake_at": int64(1), "asked_work": "x", "warranty": "in", "status": "new", "complete": true, "customer": customer[:],
			})
		}, syncproto.Denied, syncproto.NotWriter},
		{"a job that is not there", func() []byte {
			return w.insert(w.seq+1, "note", map[string]any{"job": job[:], "kind": "note", "text": "x", "at": int64(1)})
		}, syncproto.Held, syncproto.RowUnknown},
		{"undecodable", func() []byte { return []byte{0xff, 0x00, 0x13} }, syncproto.Held, syncproto.Undecodable},
	} {
		a := w.sound(c.change())
		if len(a.Outcomes) != 1 || a.Outcomes[0].Code != c.code || a.Outcomes[0].Reason != c.reason {
			t.Errorf("%s: outcomes %+v, want %s %s", c.name, a.Outcomes, c.code, c.reason)
		}
	}
	if a := w.sound(w.insert(w.seq+1, "day_summary", day("之后"))); len(a.Outcomes) != 1 || a.Outcomes[0].Reason != syncproto.Behind {
		t.Errorf("a sound change on the root of held ones: %+v", a.Outcomes)
	}
	found := map[string]any{"kind": "repair", "intake_at": int64(1), "asked_work": "x", "warranty": "in", "status": "new"}
	if a := w.sound(w.insert(w.seq+1, "job", found)); len(a.Outcomes) != 0 {
		t.Errorf("a sound change on another root: %+v", a.Outcomes)
	}
}

func badFiles(t *testing.T, w *wire) {
	w.tb = t
	photo := scene.NewStudio().Photo(scene.Spec{Seed: 3, ID: "WIRE", Width: 640, Height: 480, Orientation: 1, Taken: time.Unix(1e9, 0)})
	plan := func(b []byte, size int64, kind, purpose string) (syncproto.PlannedBlob, int, syncproto.Code) {
		sum := sha256.Sum256(b)
		var a syncproto.PlanAnswer
		status, refusal := w.json(syncproto.PathBlobPlan, syncproto.PlanRequest{Blobs: []syncproto.PlanBlob{
			{SHA256: hex.EncodeToString(sum[:]), Size: size, Type: kind, Purpose: purpose}}}, &a)
		if len(a.Blobs) != 1 {
			return syncproto.PlannedBlob{}, status, refusal
		}
		return a.Blobs[0], status, refusal
	}
	if _, status, refusal := plan(photo, 60<<20, "image/jpeg", syncproto.PurposePhoto); status != 413 || refusal != syncproto.BlobTooLarge {
		t.Errorf("a photo of 60 MiB: %d %s", status, refusal)
	}
	if _, status, refusal := plan(photo, int64(len(photo)), "text/html", syncproto.PurposePhoto); status != 422 || refusal != syncproto.BlobType {
		t.Errorf("a photo of type HTML: %d %s", status, refusal)
	}
	if status, refusal := w.json(syncproto.PathBlobCommit, syncproto.CommitRequest{SHA256: strings.Repeat("ab", 32)}, nil); status != 409 || refusal != syncproto.BlobAbsent {
		t.Errorf("commit of what was never planned: %d %s", status, refusal)
	}
	// Other bytes than the hash says: the storage itself refuses them.
	p, status, refusal := plan(photo, int64(len(photo)), "image/jpeg", syncproto.PurposePhoto)
	if status != http.StatusOK || p.State != syncproto.StatePut {
		t.Fatalf("plan: %d %s %+v", status, refusal, p)
	}
	wrong := bytes.Clone(photo)
	wrong[len(wrong)/2] ^= 1
	if got := put(t, p, wrong); got/100 != 4 {
		t.Errorf("wrong bytes were stored: %d", got)
	}
	if status, _ := w.json(syncproto.PathBlobCommit, syncproto.CommitRequest{SHA256: p.SHA256}, nil); status != 409 && status != 422 {
		t.Errorf("commit of what was not stored: %d", status)
	}
	if got := put(t, p, photo); got/100 != 2 {
		t.Fatalf("sound bytes: %d", got)
	}
	var a syncproto.CommitAnswer
	if status, refusal := w.json(syncproto.PathBlobCommit, syncproto.CommitRequest{SHA256: p.SHA256}, &a); status != http.StatusOK || a.Receipt == "" {
		t.Errorf("commit: %d %s", status, refusal)
	}
	// A page that calls itself a photo, as captive portals make them.
	html := []byte("<!doctype html><title>Wi-Fi</title><script>alert(1)</script>")
	p, status, refusal = plan(html, int64(len(html)), "image/jpeg", syncproto.PurposePhoto)
	if status != http.StatusOK {
		t.Fatalf("plan: %d %s", status, refusal)
	}
	put(t, p, html)
	if status, refusal := w.json(syncproto.PathBlobCommit, syncproto.CommitRequest{SHA256: p.SHA256}, nil); status != 422 || refusal != syncproto.BlobType {
		t.Errorf("a photo that is HTML: %d %s", status, refusal)
	}
	if status, refusal := w.call(http.MethodGet, syncproto.PathBlobs+p.SHA256, "", nil, w.answer.AccessToken, nil); status != http.StatusNotFound {
		t.Errorf("a file that no row names: %d %s", status, refusal)
	}
}

// put uploads to a planned address.
func put(t *testing.T, p syncproto.PlannedBlob, body []byte) int {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPut, p.URL, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range p.Headers {
		req.Header.Set(k, v)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode
}

func badPulls(t *testing.T, w *wire) {
	w.tb = t
	for query, want := range map[string]syncproto.Code{
		"?cursor=nonsense": syncproto.CursorInvalid, "?limit=0": syncproto.LimitInvalid, "?limit=5000": syncproto.LimitInvalid, "?limit=x": syncproto.LimitInvalid,
	} {
		if status, refusal := w.call(http.MethodGet, syncproto.PathPull+query, "", nil, w.answer.AccessToken, nil); status != http.StatusBadRequest || refusal != want {
			t.Errorf("pull%s: %d %s", query, status, refusal)
		}
	}
}
