package clientsdk_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	clientsdk "siteledger/client-sdk"
	"siteledger/syncproto"
)

// shoots stores a photo of some bytes and a row that says what it shows.
func (d *desk) shoots(c *clientsdk.Client, job uuid.UUID, role string, body []byte) (sha [32]byte) {
	d.t.Helper()
	a, err := c.Attach(d.t.Context(), bytes.NewReader(body), syncproto.PurposePhoto, "image/jpeg")
	if err != nil {
		d.t.Fatal(err)
	}
	if err := c.Edit(d.t.Context(), func(e *clientsdk.Edit) error {
		_, err := e.Insert("photo", map[string]any{"job": job, "role": role, "original": a.SHA256, "original_size": a.Size, "original_type": "image/jpeg", "taken_at": d.now()})
		return err
	}); err != nil {
		d.t.Fatal(err)
	}
	return a.SHA256
}

// puts notes the blobs that reach the photo store, in their order.
func (d *desk) puts() func() []string {
	var mu sync.Mutex
	var seen []string
	d.s.set(func() {
		d.s.hook = func(r *http.Request) (*http.Response, error) {
			if r.URL.Host == "store.test" {
				mu.Lock()
				defer mu.Unlock()
				seen = append(seen, strings.TrimPrefix(r.URL.Path, "/"))
			}
			return nil, nil
		}
	})
	return func() []string { mu.Lock(); defer mu.Unlock(); return slices.Clone(seen) }
}

// TestOriginalsGoInTheOrderOfTheirUse: close-ups, full views, the rest; what is
// moved up goes before all of them, behind the small things.
func TestOriginalsGoInTheOrderOfTheirUse(t *testing.T) {
	d := newDesk(t)
	c, _, job := d.enrolled()
	name := map[string]string{}
	for _, role := range []string{"after", "full", "before", "close"} {
		sha := d.shoots(c, job, role, jpeg(role))
		name[hex.EncodeToString(sha[:])] = role
	}
	d.photo(c, job, "with a preview") // role full
	for sha := range d.uploads(c) {
		if name[sha] == "" {
			name[sha] = "late " + d.uploads(c)[sha].Purpose
		}
	}
	seen := d.puts()
	for sha, role := range name {
		if b, err := hex.DecodeString(sha); err == nil && role == "before" {
			if err := c.UploadFirst(t.Context(), false, [32]byte(b)); err != nil {
				t.Fatal(err)
			}
			if !d.uploads(c)[sha].First {
				t.Error("it is not shown as moved up")
			}
		}
	}
	d.sync(c)
	var order []string
	for _, sha := range seen() {
		order = append(order, name[sha])
	}
	want := "[late preview before close full late photo after]"
	if got := fmt.Sprint(order); got != want && got != "[late preview before close late photo full after]" {
		t.Errorf("order %s, want %s", got, want)
	}
}

// TestRulesOfAPaidNetwork: on a network that costs money each rule holds back
// its originals and nothing else, and says so; free again, all go.
func TestRulesOfAPaidNetwork(t *testing.T) {
	for _, c := range []struct {
		rule           clientsdk.UploadRule
		ordinary, huge bool // go
	}{{"", true, false}, {clientsdk.UploadAny, true, true}, {clientsdk.UploadLarge, true, false}, {clientsdk.UploadWiFi, false, false}} {
		t.Run(string(c.rule), func(t *testing.T) {
			d := newDesk(t)
			var metered atomic.Bool
			metered.Store(true)
			p, _, job := d.enrolled(func(cfg *clientsdk.Config) { cfg.Metered = metered.Load })
			d.s.set(func() { d.s.partSize = 20 << 20 })
			if c.rule != "" {
				if err := p.SetUploadRule(t.Context(), c.rule); err != nil {
					t.Fatal(err)
				}
			}
			signature := d.attach(p, syncproto.PurposeSignature, "a name")
			if err := d.name(p, job, signature); err != nil {
				t.Fatal(err)
			}
			ordinary := d.shoots(p, job, "close", append(jpeg("o"), make([]byte, 4<<20)...))
			huge := d.shoots(p, job, "full", append(jpeg("h"), make([]byte, clientsdk.LargeOriginal)...))
			preview := hex.EncodeToString(func() []byte {
				a := d.attach(p, syncproto.PurposePreview, "small")
				_ = d.name(p, job, a)
				return a.SHA256[:]
			}())
			d.sync(p)
			st, up := d.status(p), d.uploads(p)
			if !st.Metered || c.rule != "" && st.UploadRule != c.rule || c.rule == "" && st.UploadRule != clientsdk.UploadLarge {
				t.Errorf("status says metered %v, rule %q", st.Metered, st.UploadRule)
			}
			for sha, goes := range map[string]bool{preview: true, hex.EncodeToString(signature.SHA256[:]): true, hex.EncodeToString(ordinary[:]): c.ordinary, hex.EncodeToString(huge[:]): c.huge} {
				u := up[sha]
				want := clientsdk.Queued
				if goes {
					want = clientsdk.Verified
				}
				if u.State != want || u.Waits == goes || !u.NextTry.IsZero() {
					t.Errorf("%s of %d bytes is %s, waits %v until %v", u.Purpose, u.Size, u.State, u.Waits, u.NextTry)
				}
			}
			metered.Store(false)
			d.sync(p)
			if st := d.status(p); st.OnlyHere != 0 {
				t.Errorf("on a free network %d originals stay", st.OnlyHere)
			}
		})
	}
	d := newDesk(t)
	c, _, _ := d.enrolled()
	wantCode(t, c.SetUploadRule(t.Context(), "never"), clientsdk.CodeBadValue)
}

// TestSendNowGoesOverAnyNetwork: a person who says so pays for that photo and no
// other; the rule is the phone's over a restart.
func TestSendNowGoesOverAnyNetwork(t *testing.T) {
	d := newDesk(t)
	paid := func(cfg *clientsdk.Config) { cfg.Metered = func() bool { return true } }
	c, dir, job := d.enrolled(paid)
	if err := c.SetUploadRule(t.Context(), clientsdk.UploadWiFi); err != nil {
		t.Fatal(err)
	}
	now, later := d.shoots(c, job, "full", jpeg("now")), d.shoots(c, job, "close", jpeg("later"))
	if err := c.UploadFirst(t.Context(), false, later); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	c = d.phone(dir, paid)
	if err := c.UploadFirst(t.Context(), true, now); err != nil {
		t.Fatal(err)
	}
	d.sync(c)
	up := d.uploads(c)
	if u := up[hex.EncodeToString(now[:])]; u.State != clientsdk.Verified {
		t.Errorf("sent now: %+v", u)
	}
	if u := up[hex.EncodeToString(later[:])]; u.State != clientsdk.Queued || !u.Waits || !u.First {
		t.Errorf("moved up: %+v", u)
	}
}

// TestNetworkChangesWithinAPhoto: a phone that leaves its Wi-Fi in the middle of
// a large photo stops at the next part, without a failure, and goes on from
// there.
func TestNetworkChangesWithinAPhoto(t *testing.T) {
	d := newDesk(t)
	var metered atomic.Bool
	c, _, job := d.enrolled(func(cfg *clientsdk.Config) { cfg.Metered = metered.Load })
	if err := c.SetUploadRule(t.Context(), clientsdk.UploadWiFi); err != nil {
		t.Fatal(err)
	}
	d.s.set(func() { d.s.partSize = 10 })
	sha := d.shoots(c, job, "full", jpeg(strings.Repeat("x", 32)))
	parts := map[string]int{}
	d.s.set(func() {
		d.s.hook = func(r *http.Request) (*http.Response, error) {
			if r.URL.Host == "store.test" {
				parts[r.URL.Query().Get("part")]++
				metered.Store(len(parts) >= 2)
			}
			return nil, nil
		}
	})
	if r := d.sync(c); r.Uploaded != 0 || r.Waiting != 1 {
		t.Errorf("round %+v", r)
	}
	u := d.uploads(c)[hex.EncodeToString(sha[:])]
	if u.State != clientsdk.Queued || !u.Waits || u.Reason != "" || !u.NextTry.IsZero() || len(parts) != 2 {
		t.Errorf("%+v after parts %v", u, parts)
	}
	d.s.set(func() {
		next := d.s.hook
		d.s.hook = func(r *http.Request) (*http.Response, error) {
			res, err := next(r)
			metered.Store(false)
			return res, err
		}
	})
	metered.Store(false)
	d.sync(c)
	if u := d.uploads(c)[hex.EncodeToString(sha[:])]; u.State != clientsdk.Verified || fmt.Sprint(parts) != "map[1:1 2:1 3:1 4:1]" {
		t.Errorf("%+v, parts sent %v", u, parts)
	}
}

// TestSeveralPhotosAtOnce: after the first one several go side by side, never
// more than they may; nothing is sent twice.
func TestSeveralPhotosAtOnce(t *testing.T) {
	d := newDesk(t)
	c, _, job := d.enrolled(func(cfg *clientsdk.Config) { cfg.UploadsAtOnce = 3 })
	for i := range 9 {
		d.shoots(c, job, "before", jpeg(fmt.Sprint("photo ", i)))
	}
	var begun, now, most, alone atomic.Int32
	met := make(chan struct{})
	d.s.set(func() {
		d.s.hook = func(r *http.Request) (*http.Response, error) {
			if r.URL.Host != "store.test" {
				return nil, nil
			}
			n := now.Add(1)
			defer now.Add(-1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			switch begun.Add(1) {
			case 1:
				alone.Store(n)
			case 2: // goes on when another one is on its way too
				select {
				case <-met:
				case <-time.After(10 * time.Second):
					return nil, errCut
				}
			case 3:
				close(met)
			}
			return nil, nil
		}
	})
	if r := d.sync(c); r.Uploaded != 9 {
		t.Fatalf("round %+v", r)
	}
	if alone.Load() != 1 || most.Load() < 2 || most.Load() > 3 {
		t.Errorf("beside the first %d, at most %d at once", alone.Load(), most.Load())
	}
	for sha := range d.uploads(c) {
		if n := d.s.count("PUT /" + sha); n != 1 {
			t.Errorf("%d uploads of one photo", n)
		}
	}
}
