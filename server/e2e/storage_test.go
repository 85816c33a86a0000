package e2e

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/minio/minio-go/v7"

	clientsdk "siteledger/client-sdk"
	"siteledger/server/app"
	"siteledger/server/blob"
	"siteledger/server/blob/blobtest"
	"siteledger/server/blob/embedded"
	"siteledger/server/config"
	"siteledger/syncproto/schema"
)

// depot is a server whose photos are in an object storage that a test can make
// ill: our own endpoint, or the one that the environment names (blobtest).
type depot struct {
	t      *testing.T
	ctx    context.Context
	a      *app.App
	centre uuid.UUID
	front  *front
	bucket blobtest.Storage // behind the front
}

func newDepot(t *testing.T) *depot {
	t.Helper()
	d := &depot{t: t, ctx: context.Background()}
	var ok bool
	if d.bucket, ok = blobtest.External(t); !ok {
		d.bucket = ownStorage(t)
	}
	d.front = newFront(t, d.bucket.Endpoint)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(d.bucket.SecretKey+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	log := &logbook{}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the server said:\n%s", log)
		}
	})
	d.a, _ = runServer(t, t.TempDir(), log, func(c *config.Config) {
		c.S3.Endpoint, c.S3.Bucket, c.S3.Region = d.front.url, d.bucket.Bucket, d.bucket.Region
		c.S3.AccessKey, c.S3.SecretKeyFile, c.S3.ShipLedger = d.bucket.AccessKey, secret, false
	})
	d.centre = centreOf(t, d.a)
	t.Cleanup(d.clear)
	return d
}

// ownStorage runs our own endpoint beside the server.
func ownStorage(t *testing.T) blobtest.Storage {
	t.Helper()
	s := blobtest.Storage{AccessKey: "sitekey", SecretKey: "a secret of the test run", Region: embedded.DefaultRegion, Bucket: "photos"}
	own, err := embedded.New(embedded.Config{Dir: t.TempDir(), AccessKey: s.AccessKey, SecretKey: s.SecretKey, Region: s.Region, Bucket: s.Bucket, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(own)
	t.Cleanup(func() { web.Close(); own.Close() })
	s.Endpoint = web.URL
	return s
}

// clear leaves nothing in a storage that is not the test's own.
func (d *depot) clear() {
	core := d.bucket.Client(d.t)
	for o := range core.Client.ListObjects(d.ctx, d.bucket.Bucket, minio.ListObjectsOptions{Prefix: d.centre.String() + "/", Recursive: true}) {
		if o.Err == nil {
			_ = core.RemoveObject(d.ctx, d.bucket.Bucket, o.Key, minio.RemoveObjectOptions{})
		}
	}
}

// objects reads the whole bucket of the centre, past the front: the hash of the
// bytes under each key.
func (d *depot) objects() map[string][32]byte {
	d.t.Helper()
	core, out := d.bucket.Client(d.t), map[string][32]byte{}
	for o := range core.Client.ListObjects(d.ctx, d.bucket.Bucket, minio.ListObjectsOptions{Prefix: d.centre.String() + "/", Recursive: true}) {
		if o.Err != nil {
			d.t.Fatal(o.Err)
		}
		body, _, _, err := core.GetObject(d.ctx, d.bucket.Bucket, o.Key, minio.GetObjectOptions{})
		if err != nil {
			d.t.Fatal(err)
		}
		h := sha256.New()
		_, err = io.Copy(h, body)
		if err := errors.Join(err, body.Close()); err != nil {
			d.t.Fatal(err)
		}
		out[o.Key] = [32]byte(h.Sum(nil))
	}
	return out
}

// carrier is a real phone whose photos go to the depot.
type carrier struct {
	*depot
	c   *clientsdk.Client
	dir string
	job uuid.UUID
	id  clientsdk.Identity
	own map[[32]byte]bool // that a row names
}

// carrier enrols a phone; transport is its network, nil for a plain one.
func (d *depot) carrier(transport http.RoundTripper) *carrier {
	d.t.Helper()
	installer := person(d.t, d.a, d.centre, "李师傅", schema.Installer)
	p := &carrier{depot: d, dir: d.t.TempDir(), own: map[[32]byte]bool{}}
	p.job, _ = newJob(d.t, d.a, d.centre, installer)
	p.open(transport)
	enrol(d.t, d.a, p.c, installer)
	p.id, _ = p.c.Identity()
	if _, err := p.c.Sync(d.ctx); err != nil {
		d.t.Fatal(err)
	}
	return p
}

func (p *carrier) open(transport http.RoundTripper) {
	p.t.Helper()
	if transport == nil {
		transport = &http.Transport{}
	}
	var err error
	p.c, err = clientsdk.Open(clientsdk.Config{Dir: p.dir, Server: p.a.URL(), HTTP: &http.Client{Transport: transport},
		Backoff: clientsdk.Backoff{Min: 5 * time.Millisecond, Max: 50 * time.Millisecond}})
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { p.c.Close() })
}

// keep stores a file that a row of the job names.
func (p *carrier) keep(purpose string, body io.Reader, more map[string]any) (sha [32]byte) {
	p.t.Helper()
	a, err := p.c.Attach(p.ctx, body, purpose, "image/jpeg")
	if err != nil {
		p.t.Fatal(err)
	}
	cols := map[string]any{"job": p.job[:], "role": "before", "taken_at": time.Now().UnixMilli(), "original": a.SHA256[:], "original_size": a.Size, "original_type": "image/jpeg"}
	for k, v := range more {
		cols[k] = v
	}
	if err := p.c.Edit(p.ctx, func(e *clientsdk.Edit) error { _, err := e.Insert("photo", cols); return err }); err != nil {
		p.t.Fatal(err)
	}
	p.own[a.SHA256] = true
	return a.SHA256
}

// states counts the phone's files by their state. None is verified of which the
// bucket does not have the very bytes under the phone's own key.
func (p *carrier) states() map[clientsdk.UploadState]int {
	p.t.Helper()
	st, err := p.c.Status(p.ctx)
	if err != nil {
		p.t.Fatal(err)
	}
	there, out := p.objects(), map[clientsdk.UploadState]int{}
	for _, u := range st.Uploads {
		out[u.State]++
		if u.State == clientsdk.Verified && there[blob.ObjectKey(p.centre, u.SHA256, p.id.Device)] != u.SHA256 {
			p.t.Errorf("%x counts as verified and is not in the bucket", u.SHA256)
		}
	}
	return out
}

// arrive syncs until every file is verified; the timers of photos that failed
// are ended as a person would.
func (p *carrier) arrive(patience time.Duration) (rounds int) {
	p.t.Helper()
	for deadline := time.Now().Add(patience); ; rounds++ {
		_, failed := p.c.Sync(p.ctx)
		st, err := p.c.Status(p.ctx)
		if err != nil {
			p.t.Fatal(err)
		}
		waiting := 0
		for _, u := range st.Uploads {
			if u.State != clientsdk.Verified {
				waiting++
				if err := p.c.RetryUpload(p.ctx, u.SHA256); err != nil {
					p.t.Fatal(err)
				}
			}
		}
		if waiting == 0 && st.Pending == 0 {
			return rounds + 1
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("%d photos did not arrive: %v; %+v", waiting, failed, st.Uploads)
		}
	}
}

// whole wants each file of the phones in the bucket once, under its own key,
// with its own bytes, and nothing else.
func (d *depot) whole(phones ...*carrier) {
	d.t.Helper()
	there, want := d.objects(), 0
	for _, p := range phones {
		for sha := range p.own {
			want++
			if key := blob.ObjectKey(d.centre, sha, p.id.Device); there[key] != sha {
				d.t.Errorf("%s: other bytes, or none", key)
			}
		}
	}
	if len(there) != want {
		d.t.Errorf("%d objects for %d files", len(there), want)
	}
	for key, n := range d.front.stored() {
		if n != 1 {
			d.t.Errorf("%s was written %d times", key, n)
		}
	}
}

// jpegOf makes size bytes that begin as a photo does and that nothing can
// compress, without holding them.
func jpegOf(seed uint64, size int64) io.Reader {
	noise := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16), byte(seed >> 24)})
	return io.LimitReader(io.MultiReader(strings.NewReader("\xff\xd8\xff\xe0"), noise), size)
}

// present wants the server's word for a blob.
func (d *depot) present(sha [32]byte) bool {
	d.t.Helper()
	ok, err := d.a.Store.BlobPresent(d.ctx, d.centre, sha)
	if err != nil {
		d.t.Fatal(err)
	}
	return ok
}

func name(sha [32]byte) string { return hex.EncodeToString(sha[:]) }
