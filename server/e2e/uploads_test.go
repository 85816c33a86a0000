package e2e

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	clientsdk "siteledger/client-sdk"
	"siteledger/client-sdk/phone/picture"
	"siteledger/server/demo/scene"
	"siteledger/syncproto"
)

// partBytes is the size of a part (blob.DefaultPartSize).
const partBytes = 8 << 20

// sicknesses are the ways in which a storage fails.
func sicknesses() map[string]illness {
	abort := func() { panic(http.ErrAbortHandler) }
	return map[string]illness{
		"down":    func(http.Handler, http.ResponseWriter, *http.Request) { abort() },
		"failing": func(_ http.Handler, w http.ResponseWriter, _ *http.Request) { http.Error(w, "InternalError", 500) },
		"half-written": func(next http.Handler, w http.ResponseWriter, r *http.Request) {
			if upload(r) {
				r.Body = io.NopCloser(io.MultiReader(io.LimitReader(r.Body, r.ContentLength/2), broken{}))
			}
			next.ServeHTTP(w, r)
		},
		"altering": func(next http.Handler, w http.ResponseWriter, r *http.Request) {
			if upload(r) {
				r.Body = &altered{r.Body}
			}
			next.ServeHTTP(w, r)
		},
		"forgetting": func(next http.Handler, w http.ResponseWriter, r *http.Request) {
			if !upload(r) {
				next.ServeHTTP(w, r)
				return
			}
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("ETag", `"00000000000000000000000000000000"`)
			w.WriteHeader(http.StatusOK)
		},
		"losing its answers": func(next http.Handler, w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(&answered{ResponseWriter: nowhere{}}, r)
			abort()
		},
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

type altered struct{ io.ReadCloser }

// Read implements [io.Reader].
func (a *altered) Read(p []byte) (int, error) {
	n, err := a.ReadCloser.Read(p)
	if n > 0 {
		p[n-1] ^= 1
	}
	return n, err
}

type nowhere struct{}

func (nowhere) Header() http.Header         { return http.Header{} }
func (nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (nowhere) WriteHeader(int)             {}

// TestIllStorage: whatever the storage does, no photo counts as stored whose
// bytes are not there; records go on; when it is well again every photo arrives,
// once, and nothing is written over.
func TestIllStorage(t *testing.T) {
	d := newDepot(t)
	p := d.carrier(nil)
	seed := uint64(0)
	for kind, ill := range sicknesses() {
		seed += 2
		p.keep(syncproto.PurposePhoto, jpegOf(seed, 60_000), nil)
		p.keep(syncproto.PurposePhoto, jpegOf(seed+1, partBytes+100_000), nil)
		if err := note(p.c, kind); err != nil {
			t.Fatal(err)
		}
		d.front.ill.Store(&ill)
		for range 2 {
			_, _ = p.c.Sync(d.ctx)
			for sha := range p.own {
				if err := p.c.RetryUpload(d.ctx, sha); err != nil {
					t.Fatal(err)
				}
			}
		}
		d.front.ill.Store(nil)
		st, err := p.c.Status(d.ctx)
		if err != nil || st.Pending != 0 {
			t.Errorf("%s: %d records wait for the photo storage, %v", kind, st.Pending, err)
		}
		if got := p.states(); got[clientsdk.Verified] != len(p.own)-2 || got[clientsdk.Attention] != 0 {
			t.Errorf("%s: %v of %d photos", kind, got, len(p.own))
		}
		p.arrive(30 * time.Second)
		d.whole(p)
	}
}

// TestSlowStorage: at a kilobyte a second a photo takes its time and arrives.
func TestSlowStorage(t *testing.T) {
	d := newDepot(t)
	p := d.carrier(nil)
	d.front.mu.Lock()
	d.front.watch = func(_ string, body io.ReadCloser) io.ReadCloser { return &drip{body} }
	d.front.mu.Unlock()
	p.keep(syncproto.PurposePhoto, jpegOf(1, 4000), nil)
	started := time.Now()
	p.arrive(30 * time.Second)
	if took := time.Since(started); took < 3*time.Second {
		t.Errorf("4 kB took %s: the storage was not slow", took)
	}
	d.whole(p)
}

// drip lets a kilobyte through in a second.
type drip struct{ io.ReadCloser }

// Read implements [io.Reader].
func (d *drip) Read(p []byte) (int, error) {
	<-time.After(100 * time.Millisecond)
	return d.ReadCloser.Read(p[:min(len(p), 100)])
}

// TestPhoneKilledAtEachPart: a panorama of 40 MB; the phone's process is killed
// in the middle of each of its parts. The parts that had arrived are not sent
// again.
func TestPhoneKilledAtEachPart(t *testing.T) {
	d := newDepot(t)
	p := d.carrier(nil)
	const size = 40 << 20
	sha := p.keep(syncproto.PurposePhoto, jpegOf(1, size), nil)
	if err := p.c.Close(); err != nil {
		t.Fatal(err)
	}
	exe := filepath.Join(t.TempDir(), "phone")
	if out, err := exec.Command("go", "build", "-o", exe, "siteledger/client-sdk/cmd/phone").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	const parts = size / partBytes
	for at := 1; at <= parts; at++ {
		reached, dead := make(chan struct{}), make(chan struct{})
		d.front.mu.Lock()
		d.front.watch = func(part string, body io.ReadCloser) io.ReadCloser {
			if strings.HasSuffix(part, "#"+strconv.Itoa(at)) {
				return &fuse{ReadCloser: body, left: partBytes / 2, burnt: reached, dead: dead}
			}
			return body
		}
		d.front.mu.Unlock()
		life := exec.Command(exe, "-data", p.dir, "-server", d.a.URL())
		if err := life.Start(); err != nil {
			t.Fatal(err)
		}
		select {
		case <-reached:
		case <-time.After(30 * time.Second):
			t.Errorf("part %d was never sent", at)
		}
		if err := life.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = life.Wait()
		close(dead)
		if d.present(sha) || len(d.objects()) > 0 {
			t.Fatalf("killed at part %d, and it counts as there", at)
		}
	}
	d.front.mu.Lock()
	d.front.watch = nil
	d.front.mu.Unlock()
	p.open(nil)
	p.arrive(30 * time.Second)
	d.whole(p) // each part was written once
	if n := len(d.front.stored()); n != parts {
		t.Errorf("%d parts were written, want %d: %v", n, parts, d.front.stored())
	}
	again := d.front.came() - size
	t.Logf("killed at each of %d parts: %.1f MB of %.1f MB sent again, %.1f MB for each kill", parts, float64(again)/1e6, float64(size)/1e6, float64(again)/1e6/parts)
	if again > parts*partBytes {
		t.Errorf("%d bytes were sent again after %d kills, more than a part each", again, parts)
	}
}

// fuse lets some bytes through, tells so, and ends when the phone is dead.
type fuse struct {
	io.ReadCloser
	left        int
	burnt, dead chan struct{}
}

// Read implements [io.Reader].
func (f *fuse) Read(p []byte) (int, error) {
	if f.left == 0 {
		close(f.burnt)
		<-f.dead
		return 0, io.ErrUnexpectedEOF
	}
	n, err := f.ReadCloser.Read(p[:min(len(p), f.left)])
	f.left -= n
	return n, err
}

// TestTwoPhonesWithOnePhoto: both bring the same bytes at the same time; each
// brings its own, neither writes over the other's, and the centre has it once.
func TestTwoPhonesWithOnePhoto(t *testing.T) {
	d := newDepot(t)
	one, two := d.carrier(nil), d.carrier(nil)
	for i, size := range []int64{200_000, partBytes + 5} {
		for _, p := range []*carrier{one, two} {
			p.keep(syncproto.PurposePhoto, jpegOf(uint64(i+1), size), nil)
		}
	}
	var both sync.WaitGroup
	for _, p := range []*carrier{one, two} {
		both.Go(func() {
			for range 3 {
				_, _ = p.c.Sync(d.ctx)
			}
		})
	}
	both.Wait()
	one.arrive(20 * time.Second)
	two.arrive(20 * time.Second)
	d.whole(one, two)
	for sha := range one.own {
		copies, err := d.a.Store.BlobCopies(d.ctx, d.centre, sha)
		if err != nil || len(copies) != 2 || !d.present(sha) {
			t.Errorf("%s: %d copies, %v", name(sha), len(copies), err)
		}
	}
}

// backlogVariable makes TestBacklogOverABadLine as long as a six-day absence:
// SITELEDGER_BACKLOG_MB=3000. Without it the backlog is backlogMB.
const (
	backlogVariable = "SITELEDGER_BACKLOG_MB"
	backlogMB       = 96
)

// TestBacklogOverABadLine: all photos of an absence over a line on which every
// connection breaks after 1 to 24 MB. All arrive, once, and a break costs at most
// a part.
func TestBacklogOverABadLine(t *testing.T) {
	total := int64(backlogMB)
	if v := os.Getenv(backlogVariable); v != "" {
		var err error
		if total, err = strconv.ParseInt(v, 10, 64); err != nil || total < 1 {
			t.Fatalf("%s=%q: a number of megabytes is wanted", backlogVariable, v)
		}
	}
	d := newDepot(t)
	r := rand.New(rand.NewPCG(1, 2))
	line := &meter{}
	p := d.carrier(line.transport())
	var size int64
	for i := uint64(1); size < total*1e6; i++ {
		n := 1_500_000 + r.Int64N(3_500_000)
		if i%40 == 7 {
			n = 12e6 + r.Int64N(20e6) // a panorama now and then
		}
		p.keep(syncproto.PurposePhoto, jpegOf(i, n), nil)
		size += n
	}
	line.mu.Lock()
	line.after = func() int64 { return 1e6 + r.Int64N(23e6) }
	line.mu.Unlock()
	p.c.Close() // its open connections do not break
	p.open(line.transport())
	before, started := line.sent.Load(), time.Now()
	rounds := p.arrive(time.Duration(total)*time.Second + 30*time.Second)
	took, sent := time.Since(started), line.sent.Load()-before
	d.whole(p)
	t.Logf("%d photos, %.0f MB: %d breaks, %d rounds, %.0f MB sent in %s", len(p.own), float64(size)/1e6, line.drops, rounds, float64(sent)/1e6, took.Round(time.Millisecond))
	if line.drops == 0 {
		t.Error("the line never broke")
	}
	if most := size + int64(line.drops)*partBytes + size/100; sent > most {
		t.Errorf("%d bytes sent for %d and %d breaks", sent, size, line.drops)
	}
}

// TestPreviewIsThereAfter40KB: a visit's nine photos wait; the
// first preview can be looked at in the office before the phone has sent 40 KB,
// everything on the wire counted.
func TestPreviewIsThereAfter40KB(t *testing.T) {
	d := newDepot(t)
	line := &meter{}
	var first atomic.Int64
	wire := line.transport()
	p := d.carrier(trips(func(r *http.Request) (*http.Response, error) {
		res, err := wire.RoundTrip(r)
		if err == nil && r.URL.Path == syncproto.PathBlobCommit && res.StatusCode == http.StatusOK {
			first.CompareAndSwap(0, line.sent.Load())
		}
		return res, err
	}))
	original := scene.NewStudio().Photo(scene.Spec{Seed: 1, ID: "visit", Fault: scene.DoorColour, View: scene.Full, Width: 1600, Height: 1200, Orientation: 1, Taken: time.Now(), Model: "test"})
	facts, err := picture.Inspect(original, nil, time.UTC)
	if err != nil || facts.Preview == nil {
		t.Fatal(err)
	}
	var previews [][32]byte
	for i := range byte(9) { // behind a picture's end anything may follow
		a, err := p.c.Attach(d.ctx, bytes.NewReader(append(bytes.Clone(facts.Preview), i)), syncproto.PurposePreview, "image/jpeg")
		if err != nil {
			t.Fatal(err)
		}
		p.own[a.SHA256] = true
		previews = append(previews, a.SHA256)
		p.keep(syncproto.PurposePhoto, bytes.NewReader(append(bytes.Clone(original), i)), map[string]any{"preview": a.SHA256[:], "preview_size": a.Size})
	}
	before := line.sent.Load()
	p.arrive(20 * time.Second)
	d.whole(p)
	sent := first.Load() - before
	t.Logf("the first of %d previews, of %d bytes, was there after %d bytes", len(previews), len(facts.Preview)+1, sent)
	if sent <= 0 || sent > 40_000 {
		t.Errorf("the first preview was there after %d bytes", sent)
	}
	body, _, err := d.a.Blobs.Open(d.ctx, d.centre, previews[0])
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(io.Discard, body)
	if err := errors.Join(err, body.Close()); err != nil {
		t.Error(err)
	}
}

// TestFormatsAndSizes: what cameras make goes through unchanged, whatever is
// inside, up to 50 MiB; what is no picture, or one byte more, is refused on the
// phone, and nothing of it stays.
func TestFormatsAndSizes(t *testing.T) {
	d := newDepot(t)
	p := d.carrier(nil)
	const most = 50 << 20
	turned := scene.NewStudio().Photo(scene.Spec{Seed: 1, ID: "turned", Fault: scene.DoorColour, View: scene.Close, Width: 800, Height: 600, Orientation: 6, Taken: time.Now(), Model: "test"})
	for _, c := range []struct {
		mediaType string
		body      io.Reader
		code      clientsdk.Code
	}{
		{"image/jpeg", bytes.NewReader(turned), ""},
		{"image/heic", io.MultiReader(strings.NewReader("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"), jpegOf(2, 300_000)), ""},
		{"image/webp", io.MultiReader(strings.NewReader("RIFF\x10\x00\x00\x00WEBPVP8 "), jpegOf(3, 1000)), ""},
		{"image/jpeg", jpegOf(4, most), ""},
		{"image/jpeg", jpegOf(5, most+1), clientsdk.CodeTooLarge},
		{"image/jpeg", strings.NewReader("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"), clientsdk.CodeBlobType},
		{"image/heic", bytes.NewReader(turned), clientsdk.CodeBlobType},
		{"image/jpeg", strings.NewReader("\xff\xd8"), clientsdk.CodeBlobType},
		{"image/svg+xml", strings.NewReader("<svg/>"), clientsdk.CodeBlobType},
	} {
		a, err := p.c.Attach(d.ctx, c.body, syncproto.PurposePhoto, c.mediaType)
		if (err == nil) != (c.code == "") || err != nil && clientsdk.CodeOf(err) != c.code {
			t.Errorf("%s: %v, want %q", c.mediaType, err, c.code)
		}
		if err != nil {
			continue
		}
		p.own[a.SHA256] = true
		if err := p.c.Edit(d.ctx, func(e *clientsdk.Edit) error {
			_, err := e.Insert("photo", map[string]any{"job": p.job[:], "role": "before", "taken_at": time.Now().UnixMilli(), "original": a.SHA256[:], "original_size": a.Size, "original_type": c.mediaType})
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	if left, err := os.ReadDir(filepath.Join(p.dir, "photos", "tmp")); err != nil || len(left) > 0 {
		t.Errorf("refused files left %d on the phone, %v", len(left), err)
	}
	p.arrive(30 * time.Second)
	d.whole(p)
	if len(p.own) != 4 {
		t.Errorf("%d files were taken", len(p.own))
	}
}

type trips func(*http.Request) (*http.Response, error)

// RoundTrip implements [http.RoundTripper].
func (f trips) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
