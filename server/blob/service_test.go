package blob_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"siteledger/server/blob"
	"siteledger/server/blob/blobtest"
	"siteledger/server/blob/embedded"
	"siteledger/server/fault"
	"siteledger/server/ledger"
	"siteledger/syncproto"
)

const partSize = 5 << 20

// shop is a service over the embedded storage, with two phones of one centre.
type shop struct {
	*testing.T
	ctx     context.Context
	dir     string
	mem     *memory
	svc     *blob.Service
	cfg     blob.Config
	deps    blob.Deps
	a, b    ledger.Device
	now     time.Time
	address string
	web     *http.Server
	store   *embedded.Server
}

func open(t *testing.T) *shop {
	t.Helper()
	s := &shop{T: t, ctx: context.Background(), dir: t.TempDir(), mem: newMemory(), address: "127.0.0.1:0", now: time.Now()}
	s.up()
	t.Cleanup(s.down)
	centre := uuid.New()
	s.a = ledger.Device{ID: uuid.New(), Person: uuid.New(), Centre: centre}
	s.b = ledger.Device{ID: uuid.New(), Person: uuid.New(), Centre: centre}
	s.cfg = blob.Config{Endpoint: "http://" + s.address, AccessKey: "sitekey", SecretKey: "a secret of the test run", Bucket: "photos", PartSize: partSize}
	s.deps = blob.Deps{
		Uploads: s.mem, Stale: s.mem, Catalogue: s.mem, Audience: s.mem, Journal: s.mem, Signer: s.mem,
		History: uuid.New(), Now: func() time.Time { return s.now }, NewID: uuid.NewV7, Log: slog.New(slog.DiscardHandler),
	}
	s.remake()
	return s
}

// remake is a new server process over the same rows and storage.
func (s *shop) remake() {
	s.Helper()
	svc, err := blob.New(s.cfg, s.deps)
	if err != nil {
		s.Fatal(err)
	}
	s.svc = svc
}

func (s *shop) up() {
	s.Helper()
	st, err := embedded.New(embedded.Config{Dir: s.dir, AccessKey: "sitekey", SecretKey: "a secret of the test run", Bucket: "photos"})
	if err != nil {
		s.Fatal(err)
	}
	l, err := net.Listen("tcp", s.address)
	if err != nil {
		s.Fatal(err)
	}
	s.address, s.store, s.web = l.Addr().String(), st, &http.Server{Handler: st}
	go s.web.Serve(l)
}

func (s *shop) down() { s.web.Close(); s.store.Close() }

// file is where a device's copy lies on the disk.
func (s *shop) file(dev ledger.Device, body []byte) string {
	return filepath.Join(s.dir, "photos", filepath.FromSlash(blob.ObjectKey(dev.Centre, sha256.Sum256(body), dev.ID)))
}

func (s *shop) wantFile(dev ledger.Device, body []byte, there bool) {
	s.Helper()
	if _, err := os.Stat(s.file(dev, body)); (err == nil) != there {
		s.Fatalf("object on disk: %v, want there = %v", err, there)
	}
}

// photo is a JPEG of a size: a header that decodes, then noise.
func photo(seed uint64, size int) []byte {
	var b bytes.Buffer
	_ = jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 8, 8)), nil)
	return append(b.Bytes(), blobtest.Noise(seed, size-b.Len())...)
}

func hexOf(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

func ask(body []byte, mediaType, purpose string) syncproto.PlanBlob {
	return syncproto.PlanBlob{SHA256: hexOf(body), Size: int64(len(body)), Type: mediaType, Purpose: purpose}
}

func (s *shop) plan(dev ledger.Device, blobs ...syncproto.PlanBlob) []syncproto.PlannedBlob {
	s.Helper()
	out, err := s.svc.Plan(s.ctx, dev, blobs)
	if err != nil {
		s.Fatal(err)
	}
	return out
}

func (s *shop) planPhoto(dev ledger.Device, body []byte, state string) syncproto.PlannedBlob {
	s.Helper()
	p := s.plan(dev, ask(body, "image/jpeg", "photo"))[0]
	if p.State != state || p.SHA256 != hexOf(body) {
		s.Fatalf("planned %+v, want %s", p, state)
	}
	return p
}

// send uploads as a phone does: the given headers, nothing else.
func (s *shop) send(link string, headers map[string]string, body []byte) (status int, etag string) {
	s.Helper()
	r, err := http.NewRequest(http.MethodPut, link, bytes.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	if n, err := strconv.ParseInt(headers["content-length"], 10, 64); err != nil || n != int64(len(body)) {
		s.Logf("sending %d bytes where %q were signed", len(body), headers["content-length"])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, ""
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, resp.Header.Get("ETag")
}

func (s *shop) upload(p syncproto.PlannedBlob, body []byte) {
	s.Helper()
	if status, _ := s.send(p.URL, p.Headers, body); status != 200 {
		s.Fatalf("upload: %d", status)
	}
}

func (s *shop) commit(dev ledger.Device, body []byte) syncproto.CommitAnswer {
	s.Helper()
	out, err := s.svc.Commit(s.ctx, dev, syncproto.CommitRequest{SHA256: hexOf(body)})
	if err != nil {
		s.Fatal(err)
	}
	return out
}

func (s *shop) wantCommit(dev ledger.Device, body []byte, code syncproto.Code) {
	s.Helper()
	_, err := s.svc.Commit(s.ctx, dev, syncproto.CommitRequest{SHA256: hexOf(body)})
	wantCode(s.T, err, code)
}

func wantCode(t *testing.T, err error, code syncproto.Code) {
	t.Helper()
	if err == nil || fault.CodeOf(err) != code {
		t.Fatalf("%v, want %s", err, code)
	}
}

func (s *shop) store1(dev ledger.Device, body []byte) syncproto.CommitAnswer {
	s.Helper()
	s.upload(s.planPhoto(dev, body, "put"), body)
	return s.commit(dev, body)
}

func TestPlanPutCommit(t *testing.T) {
	s := open(t)
	body := photo(1, 200_000)
	got := s.store1(s.a, body)
	want := fmt.Sprintf("%s %s 200000 %s #1", s.deps.History, hexOf(body), s.a.ID)
	if got.SHA256 != hexOf(body) || got.Size != 200_000 || got.Receipt != want {
		t.Fatalf("answer %+v, want receipt %q", got, want)
	}
	if len(s.mem.edits) != 1 {
		t.Fatalf("%d journal entries", len(s.mem.edits))
	}
	cols := s.mem.edits[0].Cols
	if cols["type"] != "image/jpeg" || cols["purpose"] != "photo" || !bytes.Equal(cols["device"].([]byte), s.a.ID[:]) || cols["at"] != s.now.UnixMilli() {
		t.Fatalf("entry %v", cols)
	}
	if again := s.commit(s.a, body); again != got {
		t.Fatalf("second commit %+v, want the same", again)
	}
	if p := s.planPhoto(s.a, body, "have"); p.Receipt != got.Receipt || p.URL != "" {
		t.Fatalf("plan of a stored blob: %+v", p)
	}
	if len(s.mem.edits) != 1 {
		t.Fatal("the journal was written twice")
	}
}

func TestAnotherDeviceMustBringItsOwnBytes(t *testing.T) {
	s := open(t)
	body := photo(1, 5000)
	s.store1(s.a, body)
	p := s.planPhoto(s.b, body, "put")
	s.wantCommit(s.b, body, syncproto.BlobAbsent)
	s.upload(p, body)
	if r := s.commit(s.b, body); !strings.Contains(r.Receipt, s.b.ID.String()) {
		t.Fatalf("receipt %q", r.Receipt)
	}
	if len(s.mem.edits) != 1 {
		t.Fatalf("%d journal entries for one blob, want 1", len(s.mem.edits))
	}
}

func TestPlanRefusesWhatIsNotAllowed(t *testing.T) {
	s := open(t)
	b := photo(1, 5000)
	sized := func(size int64, mediaType, purpose string) syncproto.PlanBlob {
		return syncproto.PlanBlob{SHA256: hexOf(b), Size: size, Type: mediaType, Purpose: purpose}
	}
	for name, tc := range map[string]struct {
		blob syncproto.PlanBlob
		code syncproto.Code
		max  int64
	}{
		"html":               {sized(10, "text/html", "document"), syncproto.BlobType, 0},
		"svg":                {sized(10, "image/svg+xml", "photo"), syncproto.BlobType, 0},
		"gif":                {sized(10, "image/gif", "photo"), syncproto.BlobType, 0},
		"type with more":     {sized(10, "image/jpeg; charset=x", "photo"), syncproto.BlobType, 0},
		"pdf as photo":       {sized(10, "application/pdf", "photo"), syncproto.BlobType, 0},
		"dwg as receipt":     {sized(10, "image/vnd.dwg", "receipt"), syncproto.BlobType, 0},
		"preview too large":  {sized(32<<10+1, "image/jpeg", "preview"), syncproto.BlobTooLarge, 32 << 10},
		"signature too big":  {sized(1<<20+1, "image/png", "signature"), syncproto.BlobTooLarge, 1 << 20},
		"photo too large":    {sized(50<<20+1, "image/jpeg", "photo"), syncproto.BlobTooLarge, 50 << 20},
		"document too large": {sized(50<<20+1, "application/pdf", "document"), syncproto.BlobTooLarge, 50 << 20},
		"empty":              {sized(0, "image/jpeg", "photo"), syncproto.BodyInvalid, 0},
		"negative":           {sized(-1, "image/jpeg", "photo"), syncproto.BodyInvalid, 0},
		"no purpose":         {sized(10, "image/jpeg", ""), syncproto.BodyInvalid, 0},
		"upper case hash":    {syncproto.PlanBlob{SHA256: strings.ToUpper(hexOf(b)), Size: 1, Type: "image/jpeg", Purpose: "photo"}, syncproto.BodyInvalid, 0},
		"hash with a path":   {syncproto.PlanBlob{SHA256: "../" + hexOf(b)[3:], Size: 1, Type: "image/jpeg", Purpose: "photo"}, syncproto.BodyInvalid, 0},
	} {
		_, err := s.svc.Plan(s.ctx, s.a, []syncproto.PlanBlob{ask(b, "image/jpeg", "photo"), tc.blob})
		f := fault.Of(err)
		if err == nil || f.Code != tc.code || f.Max != tc.max || (tc.max > 0 && f.Limit != tc.blob.Purpose) {
			t.Errorf("%s: %v (limit %q, max %d), want %s", name, err, f.Limit, f.Max, tc.code)
		}
	}
	if len(s.mem.rows) > 0 {
		t.Fatal("a refused plan left rows")
	}
	for name, ok := range map[string]syncproto.PlanBlob{
		"preview": sized(32<<10, "image/webp", "preview"), "signature": sized(1<<20, "image/png", "signature"), "photo": sized(50<<20, "image/heic", "photo"),
		"receipt": sized(10, "application/pdf", "receipt"), "document": sized(10, "image/vnd.dxf", "document"),
	} {
		if _, err := s.svc.Plan(s.ctx, s.a, []syncproto.PlanBlob{ok}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPlanIsBounded(t *testing.T) {
	s := open(t)
	_, err := s.svc.Plan(s.ctx, s.a, make([]syncproto.PlanBlob, 201))
	wantCode(t, err, syncproto.BatchTooLong)
	s.cfg.MaxOpen = 2
	s.remake()
	s.planPhoto(s.a, photo(1, 900), "put")
	s.planPhoto(s.a, photo(2, 900), "put")
	_, err = s.svc.Plan(s.ctx, s.a, []syncproto.PlanBlob{ask(photo(3, 900), "image/jpeg", "photo")})
	wantCode(t, err, syncproto.Busy)
	s.planPhoto(s.a, photo(2, 900), "put")
	s.planPhoto(s.b, photo(3, 900), "put")
	if got := s.plan(s.a, ask(photo(2, 900), "image/jpeg", "photo"), ask(photo(2, 900), "image/jpeg", "receipt")); len(got) != 2 || got[1].URL != got[0].URL {
		t.Fatalf("the same blob twice: %+v", got)
	}
}

func TestHTMLThatClaimsToBeAPhotoIsRefusedAndRemoved(t *testing.T) {
	s := open(t)
	for mediaType, purpose := range map[string]string{
		"image/jpeg": "photo", "image/png": "photo", "image/webp": "photo", "image/heic": "photo", "application/pdf": "receipt", "image/vnd.dxf": "document", "image/vnd.dwg": "document",
	} {
		for _, text := range []string{"<!DOCTYPE html><script>alert(1)</script>", "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "  0\nSECTION\n<script>alert(1)</script>", "\xff\xd8"} {
			body := []byte(text + mediaType)
			s.upload(s.plan(s.a, ask(body, mediaType, purpose))[0], body)
			s.wantCommit(s.a, body, syncproto.BlobType)
			s.wantFile(s.a, body, false)
			if p := s.plan(s.a, ask(body, mediaType, purpose))[0]; p.State != "put" {
				t.Fatalf("%s: planned %s after it was refused", mediaType, p.State)
			}
		}
	}
	if len(s.mem.edits) > 0 {
		t.Fatal("the journal says that something is present")
	}
}

func TestEachAllowedTypeIsTaken(t *testing.T) {
	s := open(t)
	for mediaType, begin := range map[string]string{
		"image/jpeg": "\xff\xd8\xff\xe1", "image/png": "\x89PNG\r\n\x1a\n", "image/webp": "RIFF\x10\x00\x00\x00WEBPVP8 ", "image/heic": "\x00\x00\x00\x18ftypheic\x00\x00\x00\x00",
		"application/pdf": "%PDF-1.7\n", "image/vnd.dxf": "999\r\nmade by hand\r\n  0\r\nSECTION\r\n  2\r\nHEADER\r\n", "application/dxf": "AutoCAD Binary DXF\r\n\x1a\x00", "image/vnd.dwg": "AC1032",
	} {
		body := []byte(begin + "and the rest")
		s.upload(s.plan(s.a, ask(body, mediaType, "document"))[0], body)
		s.commit(s.a, body)
	}
}

func TestPixelBombIsRefused(t *testing.T) {
	s := open(t)
	// A PNG of a few bytes that says it is 60,000 × 60,000.
	body := []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\xea\x60\x00\x00\xea\x60\x08\x06\x00\x00\x00\x12\x34\x56\x78")
	crc := []byte{0, 0, 0, 0}
	copy(body[29:], pngCRC(body[12:29], crc))
	s.upload(s.plan(s.a, ask(body, "image/png", "photo"))[0], body)
	s.wantCommit(s.a, body, syncproto.BlobType)
	s.wantFile(s.a, body, false)
}

func TestCommitOfWhatIsNotThere(t *testing.T) {
	s := open(t)
	body := photo(1, 5000)
	s.wantCommit(s.a, body, syncproto.BlobAbsent) // never planned
	s.planPhoto(s.a, body, "put")
	s.wantCommit(s.a, body, syncproto.BlobAbsent) // never uploaded
	s.wantCommit(s.b, body, syncproto.BlobAbsent) // planned by somebody else
	_, err := s.svc.Commit(s.ctx, s.a, syncproto.CommitRequest{SHA256: "abc"})
	wantCode(t, err, syncproto.BodyInvalid)
}

func TestPhotoTruncatedAt99PercentIsNeverPresent(t *testing.T) {
	s := open(t)
	body := photo(1, 300_000)
	p := s.planPhoto(s.a, body, "put")
	for _, cut := range [][]byte{body[:297_000], append(bytes.Clone(body[:297_000]), make([]byte, 3000)...)} {
		if status, _ := s.send(p.URL, p.Headers, cut); status == 200 {
			t.Fatal("the storage took it")
		}
		s.wantCommit(s.a, body, syncproto.BlobAbsent)
	}
	s.upload(s.planPhoto(s.a, body, "put"), body)
	s.commit(s.a, body)
}

// The storage itself can't know the whole's hash while parts arrive: what they
// make together is judged at commit.
func TestWrongBytesInPartsAreRemovedAndSentAgain(t *testing.T) {
	s := open(t)
	body := photo(1, partSize+1000)
	wrong := bytes.Clone(body)
	wrong[partSize+10] ^= 1
	p := s.planPhoto(s.a, body, "parts")
	s.sendParts(p, wrong)
	s.wantCommit(s.a, body, syncproto.BlobMismatch)
	s.wantFile(s.a, body, false)
	again := s.planPhoto(s.a, body, "parts")
	if again.Upload == p.Upload || again.Parts[0].Done {
		t.Fatalf("the refused upload is offered again: %+v", again)
	}
	s.sendParts(again, body)
	s.commit(s.a, body)
	s.wantFile(s.a, body, true)
}

func (s *shop) sendParts(p syncproto.PlannedBlob, body []byte) {
	s.Helper()
	for _, part := range p.Parts {
		if part.Done {
			continue
		}
		from := int64(part.Number-1) * p.PartSize
		if status, etag := s.send(part.URL, part.Headers, body[from:min(from+p.PartSize, int64(len(body)))]); status != 200 || etag == "" {
			s.Fatalf("part %d: %d", part.Number, status)
		}
	}
}

func TestPartsAreResumedOverARestart(t *testing.T) {
	s := open(t)
	body := photo(1, 2*partSize+1000)
	p := s.planPhoto(s.a, body, "parts")
	if len(p.Parts) != 3 || p.PartSize != partSize || p.Upload == "" {
		t.Fatalf("plan: %+v", p)
	}
	_, etag := s.send(p.Parts[0].URL, p.Parts[0].Headers, body[:partSize])
	s.wantCommit(s.a, body, syncproto.UploadIncomplete)

	s.down()
	s.up()
	s.remake()
	again := s.planPhoto(s.a, body, "parts")
	if again.Upload != p.Upload || !again.Parts[0].Done || again.Parts[0].ETag != strings.Trim(etag, `"`) || again.Parts[0].URL != "" {
		t.Fatalf("plan after the restart: %+v", again)
	}
	if again.Parts[1].Done || again.Parts[1].URL == "" {
		t.Fatalf("part 2: %+v", again.Parts[1])
	}
	s.sendParts(again, body)
	_, err := s.svc.Commit(s.ctx, s.a, syncproto.CommitRequest{SHA256: hexOf(body), Upload: "another"})
	wantCode(t, err, syncproto.UploadIncomplete)
	s.commit(s.a, body)
	if got, err := os.ReadFile(s.file(s.a, body)); err != nil || !bytes.Equal(got, body) {
		t.Fatal("not what was sent")
	}
	s.planPhoto(s.a, body, "have")
}

func TestLostCommitIsFoundByTheNextPlan(t *testing.T) {
	s := open(t)
	small, large := photo(1, 5000), photo(2, partSize+5)
	s.upload(s.planPhoto(s.a, small, "put"), small)
	if p := s.planPhoto(s.a, small, "have"); p.Receipt == "" {
		t.Fatal("no receipt")
	}
	// The server dies between joining the parts and saying so.
	p := s.planPhoto(s.a, large, "parts")
	s.sendParts(p, large)
	s.mem.writeErr = errors.New("the server dies")
	if _, err := s.svc.Commit(s.ctx, s.a, syncproto.CommitRequest{SHA256: hexOf(large)}); err == nil {
		t.Fatal("committed without a journal")
	}
	s.mem.writeErr = nil
	s.remake()
	if c := s.commit(s.a, large); c.Receipt == "" {
		t.Fatal("no receipt")
	}
	if len(s.mem.edits) != 2 {
		t.Fatalf("%d journal entries, want 2", len(s.mem.edits))
	}
}

func TestPlanRemovesWrongBytesThatWereNeverCommitted(t *testing.T) {
	s := open(t)
	body := photo(1, 5000)
	s.upload(s.planPhoto(s.a, body, "put"), body)
	flip(t, s.file(s.a, body), 4000)
	p := s.planPhoto(s.a, body, "put")
	s.wantFile(s.a, body, false)
	s.upload(p, body)
	s.commit(s.a, body)
}

func TestCrashAfterTheJournalWritesItOnce(t *testing.T) {
	s := open(t)
	body := photo(1, 5000)
	s.upload(s.planPhoto(s.a, body, "put"), body)
	s.mem.saveFail = errors.New("the server dies")
	if _, err := s.svc.Commit(s.ctx, s.a, syncproto.CommitRequest{SHA256: hexOf(body)}); err == nil {
		t.Fatal("a receipt that is nowhere kept")
	}
	s.mem.saveFail = nil
	s.commit(s.a, body)
	if len(s.mem.edits) != 1 {
		t.Fatalf("%d journal entries, want 1", len(s.mem.edits))
	}
}

func TestConcurrentCommitsAgree(t *testing.T) {
	s := open(t)
	body := photo(1, 100_000)
	s.upload(s.planPhoto(s.a, body, "put"), body)
	s.upload(s.planPhoto(s.b, body, "put"), body)
	receipts := make([]string, 12)
	var wg sync.WaitGroup
	for i := range receipts {
		dev := []ledger.Device{s.a, s.b}[i%2]
		wg.Go(func() {
			c, err := s.svc.Commit(s.ctx, dev, syncproto.CommitRequest{SHA256: hexOf(body)})
			if err != nil {
				t.Error(err)
			}
			receipts[i] = c.Receipt
		})
	}
	wg.Wait()
	for i := range receipts {
		if receipts[i] != receipts[i%2] {
			t.Fatalf("receipts differ: %q", receipts)
		}
	}
	if len(s.mem.edits) != 1 {
		t.Fatalf("%d journal entries, want 1", len(s.mem.edits))
	}
}

func TestStoredBlobThatIsGoneIsAskedForAgain(t *testing.T) {
	s := open(t)
	body, cut := photo(1, 5000), photo(2, 5000)
	s.store1(s.a, body)
	s.store1(s.a, cut)
	if err := os.Remove(s.file(s.a, body)); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(s.file(s.a, cut), 4000); err != nil {
		t.Fatal(err)
	}
	for _, b := range [][]byte{body, cut} {
		s.wantCommit(s.a, b, syncproto.BlobAbsent) // no receipt for what is not there
		s.store1(s.a, b)
		s.planPhoto(s.a, b, "have")
	}
}

func TestNewHistorySignsANewReceipt(t *testing.T) {
	s := open(t)
	body := photo(1, 5000)
	first := s.store1(s.a, body)
	s.deps.History = uuid.New()
	s.remake()
	p := s.planPhoto(s.a, body, "have")
	if p.Receipt == first.Receipt || !strings.HasPrefix(p.Receipt, s.deps.History.String()) {
		t.Fatalf("receipt %q", p.Receipt)
	}
	if c := s.commit(s.a, body); c.Receipt != p.Receipt {
		t.Fatalf("receipt %q, want %q again", c.Receipt, p.Receipt)
	}
}

func TestPlanOfAnotherSizeForTheSameHashIsRefused(t *testing.T) {
	s := open(t)
	body := photo(1, 5000)
	s.store1(s.a, body)
	lie := ask(body, "image/jpeg", "photo")
	lie.Size++
	_, err := s.svc.Plan(s.ctx, s.a, []syncproto.PlanBlob{lie})
	wantCode(t, err, syncproto.BlobMismatch)
}

func TestUploadURLIsForThePublicAddressAndBinds(t *testing.T) {
	s := open(t)
	s.cfg.PublicEndpoint = "https://photos.example.cn:9443"
	s.remake()
	body := photo(1, 5000)
	p := s.planPhoto(s.a, body, "put")
	if !strings.HasPrefix(p.URL, "https://photos.example.cn:9443/photos/"+blob.ObjectKey(s.a.Centre, sha256.Sum256(body), s.a.ID)+"?") {
		t.Fatalf("URL %s", p.URL)
	}
	for _, want := range []string{"X-Amz-Expires=900", "content-length", "host", "if-none-match", "x-amz-checksum-sha256"} {
		if !strings.Contains(p.URL, want) {
			t.Errorf("URL lacks %s: %s", want, p.URL)
		}
	}
	// As a proxy would pass it on: the address of the storage, the public name.
	r, err := http.NewRequest(http.MethodPut, strings.Replace(p.URL, "https://photos.example.cn:9443", "http://"+s.address, 1), bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "photos.example.cn:9443"
	for name, value := range p.Headers {
		r.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 200 {
		t.Fatalf("upload by the public name: %d", resp.StatusCode)
	}
	s.commit(s.a, body)
}
