package clientsdk_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	clientsdk "siteledger/client-sdk"
	"siteledger/syncproto"
)

func jpeg(text string) []byte { return append([]byte("\xff\xd8\xff"), text...) }

func (d *desk) attach(c *clientsdk.Client, purpose, text string) clientsdk.Attachment {
	d.t.Helper()
	a, err := c.Attach(d.t.Context(), bytes.NewReader(jpeg(text)), purpose, "image/jpeg")
	if err != nil {
		d.t.Fatal(err)
	}
	return a
}

// photo stores a photo with its preview and names both in a row.
func (d *desk) photo(c *clientsdk.Client, job uuid.UUID, text string) (sha string) {
	d.t.Helper()
	original, preview := d.attach(c, syncproto.PurposePhoto, text), d.attach(c, syncproto.PurposePreview, "small "+text)
	if err := c.Edit(d.t.Context(), func(e *clientsdk.Edit) error {
		_, err := e.Insert("photo", map[string]any{"job": job, "role": "full", "original": original.SHA256, "original_size": original.Size,
			"original_type": "image/jpeg", "preview": preview.SHA256, "preview_size": preview.Size, "taken_at": d.now()})
		return err
	}); err != nil {
		d.t.Fatal(err)
	}
	return hex.EncodeToString(original.SHA256[:])
}

func (d *desk) uploads(c *clientsdk.Client) map[string]clientsdk.Upload {
	d.t.Helper()
	out := map[string]clientsdk.Upload{}
	for _, u := range d.status(c).Uploads {
		out[hex.EncodeToString(u.SHA256[:])] = u
	}
	return out
}

func TestPhotosGoPreviewsFirst(t *testing.T) {
	d := newDesk(t)
	c, dir, job := d.enrolled()
	sha := d.photo(c, job, "one")
	d.photo(c, job, "two")
	loose := d.attach(c, syncproto.PurposePhoto, "no row names it")
	if st := d.status(c); st.OnlyHere != 2 || st.Unattached != 1 {
		t.Errorf("only here: %d, unattached: %d", st.OnlyHere, st.Unattached)
	}
	var order []string
	d.s.set(func() {
		d.s.hook = func(r *http.Request) (*http.Response, error) {
			if r.URL.Host == "store.test" {
				d.s.mu.Lock()
				order = append(order, d.s.blobs[strings.TrimPrefix(r.URL.Path, "/")].plan.Purpose)
				d.s.mu.Unlock()
			}
			return nil, nil
		}
	})
	if r := d.sync(c); r.Uploaded != 4 || r.Waiting != 0 {
		t.Errorf("round %+v", r)
	}
	if got := fmt.Sprint(order); got != "[preview preview photo photo]" {
		t.Errorf("order %s", got)
	}
	up := d.uploads(c)
	if up[sha].State != clientsdk.Verified || up[hex.EncodeToString(loose.SHA256[:])].State != clientsdk.Stored {
		t.Errorf("states %+v", up)
	}
	if f, err := os.ReadFile(filepath.Join(dir, "photos", sha[:2], sha)); err != nil || !bytes.Equal(f, jpeg("one")) {
		t.Errorf("the file: %v", err)
	}
	unsent, err := c.Unsent(t.Context())
	if err != nil || len(unsent) != 0 {
		t.Errorf("unsent %v %v", unsent, err)
	}
}

func TestPhotoIsUploadedOnlyByReceipt(t *testing.T) {
	wrong := map[string]func(d *desk){
		"portal answers the store": func(d *desk) {
			d.s.hook = func(r *http.Request) (*http.Response, error) {
				if r.URL.Host == "store.test" {
					return page(), nil
				}
				return nil, nil
			}
		},
		"store says yes and keeps nothing": func(d *desk) {
			d.s.hook = func(r *http.Request) (*http.Response, error) {
				if r.URL.Host == "store.test" {
					return answer(200, "application/xml", ""), nil
				}
				return nil, nil
			}
		},
		"commit answered by a portal": func(d *desk) {
			d.s.hook = func(r *http.Request) (*http.Response, error) {
				if r.URL.Path == syncproto.PathBlobCommit {
					return page(), nil
				}
				return nil, nil
			}
		},
		"receipt for another file": func(d *desk) {
			other := d.s.jws(syncproto.BlobReceipt{History: d.s.history, SHA256: strings.Repeat("0", 64), Size: 3})
			d.s.hook = func(r *http.Request) (*http.Response, error) {
				if r.URL.Path == syncproto.PathBlobCommit {
					body, err := io.ReadAll(r.Body)
					if err != nil {
						return nil, err
					}
					return answer(200, "application/json", fmt.Sprintf(`{"sha256":%q,"size":3,"receipt":%q}`, between(string(body), `"sha256":"`, `"`), other)), nil
				}
				return nil, nil
			}
		},
		"connection cut": func(d *desk) {
			d.s.hook = func(r *http.Request) (*http.Response, error) {
				if r.URL.Host == "store.test" {
					return nil, errCut
				}
				return nil, nil
			}
		},
	}
	for name, breakIt := range wrong {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			c, _, job := d.enrolled()
			sha := d.photo(c, job, "one")
			d.s.set(func() { breakIt(d) })
			_, _ = c.Sync(t.Context())
			if u := d.uploads(c)[sha]; u.State == clientsdk.Verified || u.Reason == "" || u.NextTry.IsZero() {
				t.Errorf("state %+v", u)
			}
			d.s.set(func() { d.s.hook = nil })
			d.pass(2 * time.Hour)
			d.sync(c)
			if u := d.uploads(c)[sha]; u.State != clientsdk.Verified {
				t.Errorf("afterwards: %+v", u)
			}
		})
	}
}

// TestReceiptOfEachOtherFile: a receipt that the server signed, but for another
// size, device, file or history, frees nothing.
func TestReceiptOfEachOtherFile(t *testing.T) {
	for name, change := range map[string]func(*syncproto.BlobReceipt){
		"file":    func(r *syncproto.BlobReceipt) { r.SHA256 = strings.Repeat("0", 64) },
		"size":    func(r *syncproto.BlobReceipt) { r.Size++ },
		"device":  func(r *syncproto.BlobReceipt) { r.Device = uuid.New() },
		"history": func(r *syncproto.BlobReceipt) { r.History = uuid.New() },
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			c, _, job := d.enrolled()
			sha := d.photo(c, job, "one")
			me, ok := c.Identity()
			if !ok {
				t.Fatal("not enrolled")
			}
			r := syncproto.BlobReceipt{History: d.s.history, SHA256: sha, Size: int64(len(jpeg("one"))), At: d.now().UnixMilli(), Device: me.Device}
			change(&r)
			d.s.set(func() {
				token := d.s.jws(r)
				d.s.hook = func(q *http.Request) (*http.Response, error) {
					if q.URL.Path != syncproto.PathBlobCommit {
						return nil, nil
					}
					body, err := io.ReadAll(q.Body)
					if err != nil || !strings.Contains(string(body), sha) {
						q.Body = io.NopCloser(bytes.NewReader(body))
						return nil, err
					}
					return answer(200, "application/json", fmt.Sprintf(`{"sha256":%q,"size":%d,"receipt":%q}`, sha, r.Size, token)), nil
				}
			})
			_, _ = c.Sync(t.Context())
			if u := d.uploads(c)[sha]; u.State == clientsdk.Verified {
				t.Errorf("verified by a receipt for another %s", name)
			}
		})
	}
}

func between(s, a, b string) string {
	_, s, _ = strings.Cut(s, a)
	s, _, _ = strings.Cut(s, b)
	return s
}

func TestOneBadPhotoKeepsNoneBack(t *testing.T) {
	d := newDesk(t)
	c, dir, job := d.enrolled()
	bad := d.photo(c, job, "damaged")
	if err := os.WriteFile(filepath.Join(dir, "photos", bad[:2], bad), jpeg("DAMAGED"), 0o600); err != nil {
		t.Fatal(err)
	}
	heic, err := c.Attach(t.Context(), strings.NewReader("\x00\x00\x00\x18ftypheic...."), syncproto.PurposeSignature, "image/heic")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Edit(t.Context(), func(e *clientsdk.Edit) error {
		_, err := e.Insert("photo", map[string]any{"job": job, "role": "close", "original": heic.SHA256, "original_size": heic.Size, "original_type": "image/heic", "taken_at": d.now()})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	good := d.photo(c, job, "good")
	d.sync(c)
	up := d.uploads(c)
	if up[good].State != clientsdk.Verified {
		t.Errorf("good: %+v", up[good])
	}
	if up[bad].State != clientsdk.Attention || up[bad].Reason != "damaged" {
		t.Errorf("damaged: %+v", up[bad])
	}
	if u := up[hex.EncodeToString(heic.SHA256[:])]; u.State != clientsdk.Attention || u.Reason != "blob-type" {
		t.Errorf("refused type: %+v", u)
	}
	// The photo is taken again: the same hash, whole bytes.
	if err := c.RetryUpload(t.Context(), heic.SHA256); err != nil {
		t.Fatal(err)
	}
	if a := d.attach(c, syncproto.PurposePhoto, "damaged"); hex.EncodeToString(a.SHA256[:]) != bad {
		t.Fatal("another hash")
	}
	d.sync(c)
	if u := d.uploads(c)[bad]; u.State != clientsdk.Verified {
		t.Errorf("taken again: %+v", u)
	}
}

func TestPartsAreResumed(t *testing.T) {
	d := newDesk(t)
	c, dir, job := d.enrolled()
	d.s.set(func() { d.s.partSize = 10 })
	sha := d.photo(c, job, strings.Repeat("x", 32))
	puts := map[string]int{}
	cut := true
	d.s.set(func() {
		d.s.hook = func(r *http.Request) (*http.Response, error) {
			if r.URL.Host != "store.test" || !strings.Contains(r.URL.Path, sha) {
				return nil, nil
			}
			part := r.URL.Query().Get("part")
			if cut && part == "3" {
				return nil, errCut
			}
			puts[part]++
			return nil, nil
		}
	})
	_, _ = c.Sync(t.Context())
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	cut = false
	d.pass(time.Hour)
	c = d.phone(dir)
	d.sync(c)
	if u := d.uploads(c)[sha]; u.State != clientsdk.Verified {
		t.Errorf("state %+v", u)
	}
	if fmt.Sprint(puts) != "map[1:1 2:1 3:1 4:1]" {
		t.Errorf("parts sent %v", puts)
	}
}

func TestCommitAnswerLost(t *testing.T) {
	d := newDesk(t)
	c, _, job := d.enrolled()
	sha := d.photo(c, job, "one")
	d.loseOnce(syncproto.PathBlobCommit)
	_, _ = c.Sync(t.Context())
	d.pass(time.Hour)
	d.sync(c)
	if u := d.uploads(c)[sha]; u.State != clientsdk.Verified {
		t.Errorf("state %+v", u)
	}
	if n := d.s.count("PUT /" + sha); n != 1 {
		t.Errorf("%d uploads of the same photo", n)
	}
}

func TestFullDiskSaysSoBefore(t *testing.T) {
	free := int64(1 << 40)
	d := newDesk(t)
	c, dir, job := d.enrolled(func(cfg *clientsdk.Config) {
		cfg.FreeBytes = func(string) (int64, error) { return free, nil }
		cfg.Reserve = 1000
	})
	sha := d.photo(c, job, "kept")
	d.sync(c)
	free = 1000
	if err := c.CanCapture(t.Context(), 500); !errors.Is(err, clientsdk.ErrStorageFull) {
		t.Errorf("got %v", err)
	}
	_, err := c.Attach(t.Context(), bytes.NewReader(jpeg("no room")), syncproto.PurposePhoto, "image/jpeg")
	wantCode(t, err, clientsdk.CodeStorageFull)
	entries, err := os.ReadDir(filepath.Join(dir, "photos", "tmp"))
	if err != nil || len(entries) != 0 {
		t.Errorf("something was written: %v %v", entries, err)
	}
	// What the server has for sure has made room already; the receipt stays.
	sum := [32]byte{}
	b, err := hex.DecodeString(sha)
	if err != nil {
		t.Fatal(err)
	}
	copy(sum[:], b)
	if _, err := c.OpenAttachment(sum); clientsdk.CodeOf(err) != clientsdk.CodeBlobAbsent {
		t.Errorf("the verified original was not freed: %v", err)
	}
	if u := d.uploads(c)[sha]; u.State != clientsdk.Verified || u.Local {
		t.Errorf("state %+v", u)
	}
	free = 1 << 40
	if err := c.CanCapture(t.Context(), 500); err != nil {
		t.Error(err)
	}
}

func TestUnverifiedPhotoIsNeverFreed(t *testing.T) {
	free := int64(1 << 40)
	d := newDesk(t)
	c, _, job := d.enrolled(func(cfg *clientsdk.Config) {
		cfg.FreeBytes = func(string) (int64, error) { return free, nil }
	})
	d.photo(c, job, "waiting")
	free = 0
	wantCode(t, c.CanCapture(t.Context(), 1), clientsdk.CodeStorageFull)
	f, err := c.OpenAttachment(sha256.Sum256(jpeg("waiting")))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsNoPhotoIsRefused(t *testing.T) {
	d := newDesk(t)
	c, _, _ := d.enrolled()
	for _, in := range []struct{ body, purpose, mediaType string }{
		{"<html><script>alert(1)</script>", syncproto.PurposePhoto, "image/jpeg"},
		{"<svg onload=x>", syncproto.PurposePhoto, "image/svg+xml"},
		{"%PDF-1.7", syncproto.PurposePhoto, "application/pdf"},
		{"", syncproto.PurposePhoto, "image/jpeg"},
		{"\xff\xd8\xff", "holiday", "image/jpeg"},
	} {
		if _, err := c.Attach(t.Context(), strings.NewReader(in.body), in.purpose, in.mediaType); clientsdk.CodeOf(err) != clientsdk.CodeBlobType {
			t.Errorf("%q: got %v", in.body, err)
		}
	}
	big := append(jpeg(""), make([]byte, 33<<10)...)
	_, err := c.Attach(t.Context(), bytes.NewReader(big), syncproto.PurposePreview, "image/jpeg")
	wantCode(t, err, clientsdk.CodeTooLarge)
}

func TestOfficeAsksForAnOriginal(t *testing.T) {
	d := newDesk(t)
	metered := true
	c, _, job := d.enrolled(func(cfg *clientsdk.Config) { cfg.Metered = func() bool { return metered } })
	if err := c.SetUploadRule(t.Context(), clientsdk.UploadWiFi); err != nil {
		t.Fatal(err)
	}
	first, wanted := d.photo(c, job, "first"), d.photo(c, job, "wanted")
	d.sync(c)
	if u := d.uploads(c)[wanted]; u.State != clientsdk.Queued || !u.Waits {
		t.Errorf("an original went over a metered network: %+v", u)
	}
	d.s.order(syncproto.KindUpload, map[string]any{"sha256": wanted})
	d.sync(c)
	up := d.uploads(c)
	if up[wanted].State != clientsdk.Verified || up[first].State != clientsdk.Queued {
		t.Errorf("wanted %+v, first %+v", up[wanted], up[first])
	}
	metered = false
	d.sync(c)
	if u := d.uploads(c)[first]; u.State != clientsdk.Verified {
		t.Errorf("first %+v", u)
	}
}
