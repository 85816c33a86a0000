package blob_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"siteledger/server/blob"
	"siteledger/syncproto"
)

func pngCRC(chunk, into []byte) []byte {
	binary.BigEndian.PutUint32(into, crc32.ChecksumIEEE(chunk))
	return into
}

func TestDownloadOnlyWhereARowNamesIt(t *testing.T) {
	s := open(t)
	body := photo(1, 5000)
	sha := sha256.Sum256(body)
	s.store1(s.a, body)
	_, err := s.svc.PresignGet(s.ctx, s.b, sha)
	wantCode(t, err, syncproto.NotFound)
	s.mem.visible[s.b.Person.String()+string(sha[:])] = true
	link, err := s.svc.PresignGet(s.ctx, s.b, sha)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Get(link)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 || !bytes.Equal(got, body) {
		t.Fatalf("%d, %d bytes, %v", resp.StatusCode, len(got), err)
	}
	if resp.Header.Get("Content-Type") != "image/jpeg" || resp.Header.Get("Content-Disposition") != "attachment" || resp.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Fatalf("headers %v", resp.Header)
	}

	absent := sha256.Sum256([]byte("named, not present"))
	s.mem.visible[s.b.Person.String()+string(absent[:])] = true
	_, err = s.svc.PresignGet(s.ctx, s.b, absent)
	wantCode(t, err, syncproto.NotFound)
}

func TestDownloadURLEndsAfterAMinute(t *testing.T) {
	s := open(t)
	body := photo(1, 5000)
	sha := sha256.Sum256(body)
	s.store1(s.a, body)
	s.mem.visible[s.a.Person.String()+string(sha[:])] = true
	link, err := s.svc.PresignGet(s.ctx, s.a, sha)
	if err != nil {
		t.Fatal(err)
	}
	u, err := http.NewRequest(http.MethodGet, link, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := u.URL.Query().Get("X-Amz-Expires"); got != "60" {
		t.Fatalf("lives %s seconds", got)
	}
}

func TestOpenReadsAndSeeksWithinTheCentre(t *testing.T) {
	s := open(t)
	body := photo(1, 500_000)
	sha := sha256.Sum256(body)
	s.store1(s.a, body)
	s.now = s.now.Add(time.Second)
	s.store1(s.b, body)
	if err := os.Remove(s.file(s.a, body)); err != nil {
		t.Fatal(err)
	}
	r, info, err := s.svc.Open(s.ctx, s.a.Centre, sha) // the other copy serves
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if info != (blob.Info{Size: 500_000, Type: "image/jpeg", Purpose: "photo"}) {
		t.Fatalf("info %+v", info)
	}
	if _, err := r.Seek(400_000, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, body[400_000:]) {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	_, _, err = s.svc.Open(s.ctx, uuid.New(), sha)
	wantCode(t, err, syncproto.NotFound)
}

func TestVerifyNamesWhatIsNotRight(t *testing.T) {
	s := open(t)
	good, flipped, gone, cut := photo(1, 5000), photo(2, 5000), photo(3, 5000), photo(4, 5000)
	for _, b := range [][]byte{good, flipped, gone, cut} {
		s.store1(s.a, b)
	}
	unknown := blob.Ref{Centre: s.a.Centre, SHA256: sha256.Sum256([]byte("no copy")), Size: 7}
	s.mem.present = append(s.mem.present, unknown)
	flip(t, s.file(s.a, flipped), 4321)
	if err := errors.Join(os.Remove(s.file(s.a, gone)), os.Truncate(s.file(s.a, cut), 4999)); err != nil {
		t.Fatal(err)
	}
	want := map[[32]byte]string{sha256.Sum256(flipped): blob.FaultMismatch, sha256.Sum256(gone): blob.FaultMissing, sha256.Sum256(cut): blob.FaultMismatch, unknown.SHA256: blob.FaultMissing}
	var last blob.Progress
	err := s.svc.VerifyProgress(s.ctx, func(f blob.Fault) error {
		if want[f.SHA256] != f.Kind {
			t.Errorf("fault %+v", f)
		}
		if f.SHA256 != unknown.SHA256 && f.Key != blob.ObjectKey(s.a.Centre, f.SHA256, s.a.ID) {
			t.Errorf("key %q", f.Key)
		}
		delete(want, f.SHA256)
		return nil
	}, func(p blob.Progress) { last = p })
	if err != nil || len(want) > 0 {
		t.Fatalf("%v; not reported: %v", err, want)
	}
	if last != (blob.Progress{Blobs: 5, Bytes: 20_007, Faults: 4}) {
		t.Fatalf("progress %+v", last)
	}
	stop := errors.New("enough")
	if err := s.svc.Verify(s.ctx, func(blob.Fault) error { return stop }); !errors.Is(err, stop) {
		t.Fatalf("%v, want the report's own error", err)
	}
}

func flip(t *testing.T, file string, at int) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	b[at] ^= 1
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestStorageThatIsAwayIsBusyAndCostsNothing(t *testing.T) {
	s := open(t)
	body, next := photo(1, 5000), photo(2, partSize)
	s.upload(s.planPhoto(s.a, body, "put"), body)
	s.down()
	s.wantCommit(s.a, body, syncproto.Busy)
	_, err := s.svc.Plan(s.ctx, s.a, []syncproto.PlanBlob{ask(next, "image/jpeg", "photo")})
	wantCode(t, err, syncproto.Busy)
	if err := s.svc.Verify(s.ctx, func(f blob.Fault) error { t.Errorf("fault %+v", f); return nil }); err != nil {
		t.Fatal(err) // nothing is present yet
	}
	if err := s.svc.Ready(s.ctx); err == nil {
		t.Fatal("ready without a storage")
	}
	s.up()
	if err := s.svc.Ready(s.ctx); err != nil {
		t.Fatal(err)
	}
	s.commit(s.a, body)
}

// breaking cuts each answer's body after some bytes.
type breaking struct{ after int64 }

func (b breaking) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err == nil && r.Method == http.MethodGet {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(io.LimitReader(resp.Body, b.after), broken{}), resp.Body}
	}
	return resp, err
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

// A read that breaks off says nothing about the object: it must not be taken
// for wrong bytes and deleted.
func TestBrokenReadBackIsNotAMismatch(t *testing.T) {
	s := open(t)
	body := photo(1, 600_000)
	s.upload(s.planPhoto(s.a, body, "put"), body)
	for _, after := range []int64{0, 1000, 599_999} {
		s.cfg.Transport = breaking{after}
		s.remake()
		s.wantCommit(s.a, body, syncproto.Busy)
		s.wantFile(s.a, body, true)
	}
	s.cfg.Transport = nil
	s.remake()
	s.commit(s.a, body)
}

func TestSweepForgetsWhatNobodyFinished(t *testing.T) {
	s := open(t)
	never, uploaded, parts, done, fresh := photo(1, 5000), photo(2, 5000), photo(3, partSize+1), photo(4, 5000), photo(5, 5000)
	s.planPhoto(s.a, never, "put")
	s.upload(s.planPhoto(s.a, uploaded, "put"), uploaded)
	p := s.planPhoto(s.a, parts, "parts")
	if status, _ := s.send(p.Parts[0].URL, p.Parts[0].Headers, parts[:partSize]); status != 200 {
		t.Fatal(status)
	}
	s.store1(s.a, done)
	s.now = s.now.Add(36 * 24 * time.Hour)
	s.planPhoto(s.a, fresh, "put")
	n, err := s.svc.Sweep(s.ctx)
	if err != nil || n != 3 {
		t.Fatalf("swept %d, %v; want 3", n, err)
	}
	s.wantFile(s.a, uploaded, false)
	s.wantFile(s.a, done, true)
	if left, err := os.ReadDir(filepath.Join(s.dir, ".uploads")); err != nil || len(left) > 0 {
		t.Fatalf("parts left: %v %v", left, err)
	}
	if len(s.mem.rows) != 2 {
		t.Fatalf("%d rows left, want 2", len(s.mem.rows))
	}
	s.planPhoto(s.a, done, "have")
}

func TestBadSettingsAreRefusedTogether(t *testing.T) {
	good := blob.Config{Endpoint: "http://127.0.0.1:9000", AccessKey: "k", SecretKey: "s", Bucket: "b"}
	if _, err := blob.New(good, blob.Deps{}); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(c *blob.Config){
		"no scheme":       func(c *blob.Config) { c.Endpoint = "127.0.0.1:9000" },
		"a path":          func(c *blob.Config) { c.Endpoint = "http://127.0.0.1:9000/s3" },
		"a query":         func(c *blob.Config) { c.PublicEndpoint = "https://x.example/?a=b" },
		"a user":          func(c *blob.Config) { c.PublicEndpoint = "https://a:b@x.example" },
		"file scheme":     func(c *blob.Config) { c.Endpoint = "file:///etc" },
		"tiny parts":      func(c *blob.Config) { c.PartSize = 1 << 20 },
		"no keys":         func(c *blob.Config) { c.SecretKey = "" },
		"URLs for a year": func(c *blob.Config) { c.PutLife = 365 * 24 * time.Hour },
	} {
		c := good
		change(&c)
		if _, err := blob.New(c, blob.Deps{}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
