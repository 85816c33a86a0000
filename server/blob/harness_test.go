package blob_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"image"
	"image/jpeg"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
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
