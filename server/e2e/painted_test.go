package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"image/jpeg"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/google/uuid"

	clientsdk "siteledger/client-sdk"
	"siteledger/client-sdk/phone/picture"
	"siteledger/server/auth"
	"siteledger/server/demo/scene"
	"siteledger/server/ledger"
	"siteledger/server/office"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

// allowance is a line that carries so many bytes more, on all connections,
// headers and all, and then nothing.
type allowance struct{ left atomic.Int64 }

func (a *allowance) transport() *http.Transport {
	return &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &allowedConn{conn, a}, nil
	}}
}

type allowedConn struct {
	net.Conn
	a *allowance
}

// Write implements [net.Conn].
func (c *allowedConn) Write(p []byte) (int, error) {
	if left := c.a.left.Add(-int64(len(p))); left >= 0 {
		return c.Conn.Write(p)
	}
	_ = c.Conn.Close()
	return 0, net.ErrClosed
}

// TestPreviewIsPaintedAfter40KB: a problem with nine photos waits on a phone
// whose line carries 40,000 bytes, everything on the wire counted, and is dead
// then. The adjudicator opens the case in a browser and sees the picture painted.
func TestPreviewIsPaintedAfter40KB(t *testing.T) {
	d := newDepot(t)
	password := d.adjudicator()
	line := &allowance{}
	line.left.Store(1 << 40)
	p := d.carrier(line.transport())
	original := scene.NewStudio().Photo(scene.Spec{Seed: 1, ID: "visit", Fault: scene.DoorColour, View: scene.Full, Width: 1600, Height: 1200, Orientation: 1, Taken: time.Now(), Model: "test"})
	facts, err := picture.Inspect(original, nil, time.UTC)
	if err != nil || facts.Preview == nil {
		t.Fatal(err)
	}
	defect := uuid.Must(uuid.NewV7())
	roles := []string{"full", "close", "compare"}
	p.submit(defect, func() {
		for i := range byte(9) { // behind a picture's end anything may follow
			a, err := p.c.Attach(d.ctx, bytes.NewReader(append(bytes.Clone(facts.Preview), i)), syncproto.PurposePreview, "image/jpeg")
			if err != nil {
				t.Fatal(err)
			}
			p.keep(syncproto.PurposePhoto, bytes.NewReader(append(bytes.Clone(original), i)),
				map[string]any{"defect": defect[:], "role": roles[min(int(i), 2)], "same_plane": true, "preview": a.SHA256[:], "preview_size": a.Size})
		}
	})
	line.left.Store(40_000)
	for line.left.Load() > 0 {
		_, _ = p.c.Sync(d.ctx) // ends when the line is dead
	}
	if err := p.c.Close(); err != nil {
		t.Fatal(err)
	}
	seen := painted(t, adjudicate(t, d, password, defect))
	t.Logf("the line carried 40,000 bytes of nine photos of %d bytes, previews of %d; painted: %d × %d", len(original), len(facts.Preview)+1, seen[0], seen[1])
	if seen[0] < 200 || seen[1] < 150 {
		t.Errorf("the picture on the adjudicator's page is %d × %d", seen[0], seen[1])
	}
}

// TestDamagedOriginalIsSaid: an original that is stored as it came and that no
// browser opens leaves its preview on the adjudicator's screen, which says so,
// with its hash and the way to the file. Another one, which a camera wrote lying
// on its side, stands upright like its preview.
func TestDamagedOriginalIsSaid(t *testing.T) {
	d := newDepot(t)
	password := d.adjudicator()
	p := d.carrier(nil)
	whole := scene.NewStudio().Photo(scene.Spec{Seed: 2, ID: "visit", Fault: scene.DoorColour, View: scene.Close, Width: 800, Height: 600, Orientation: 6, Taken: time.Now(), Model: "test"})
	facts, err := picture.Inspect(whole, nil, time.UTC)
	if err != nil || facts.Preview == nil {
		t.Fatal(err)
	}
	preview, err := p.c.Attach(d.ctx, bytes.NewReader(facts.Preview), syncproto.PurposePreview, "image/jpeg")
	if err != nil {
		t.Fatal(err)
	}
	p.own[preview.SHA256] = true
	defect := uuid.Must(uuid.NewV7())
	cols := map[string]any{"defect": defect[:], "role": "full", "same_plane": true, "preview": preview.SHA256[:], "preview_size": preview.Size}
	p.submit(defect, func() {
		p.keep(syncproto.PurposePhoto, jpegOf(9, 90_000), cols)
		cols["role"] = "close"
		p.keep(syncproto.PurposePhoto, bytes.NewReader(whole), cols)
	})
	p.arrive(20 * time.Second)
	ctx := adjudicate(t, d, password, defect)
	const said = `[data-pane=full] figure:not([hidden]) [data-undrawn]`
	if err := chromedp.Do(ctx, chromedp.WaitVisible(chromedp.CSS(said))); err != nil {
		t.Fatal(err)
	}
	got, err := chromedp.Run(ctx, chromedp.Evaluate[[]any](`(u => [u.innerText, document.querySelector("[data-pane=full] figure:not([hidden]) img").naturalWidth, document.querySelectorAll("[data-pane=close] figure:not([hidden]) [data-undrawn]:not([hidden])").length])(document.querySelector("`+said+`"))`))
	if err != nil || len(got) != 3 {
		t.Fatal(got, err)
	}
	if text := fmt.Sprint(got[0]); !strings.Contains(text, "原图打不开") || !strings.Contains(text, "SHA-256") || fmt.Sprint(got[1]) == "0" || fmt.Sprint(got[2]) != "0" {
		t.Errorf("the page says %q; the preview is %v wide; %v whole photos are called damaged", text, got[1], got[2])
	}
	small, err := jpeg.DecodeConfig(bytes.NewReader(facts.Preview))
	if err != nil || small.Width == small.Height {
		t.Fatal(small, err)
	}
	const lying = `[data-pane=close] figure:not([hidden]) img`
	if err := chromedp.Do(ctx, chromedp.WaitReady(chromedp.CSS(lying+`[src$="`+name(sha256.Sum256(whole))+`"]`))); err != nil {
		t.Fatal(err)
	}
	size, err := chromedp.Run(ctx, chromedp.Evaluate[[2]int](`(i => [i.naturalWidth, i.naturalHeight])(document.querySelector("`+lying+`"))`))
	if err != nil || size[0] == 0 || (size[0] > size[1]) != (small.Width > small.Height) || facts.Orientation != 6 {
		t.Errorf("the original is %v, its preview %d × %d, orientation %d: %v", size, small.Width, small.Height, facts.Orientation, err)
	}
}

// TestSizesAndProblemsStayInSight: a case of which much is doubted, whose order
// nobody signed, with the verdict's panel open: photo, sizes and problems are on
// a screen of 1440 × 900 without scrolling.
func TestSizesAndProblemsStayInSight(t *testing.T) {
	d := newDepot(t)
	password := d.adjudicator()
	p := d.carrier(nil)
	defect, roles := uuid.Must(uuid.NewV7()), []string{"full", "close", "compare"}
	whole := scene.NewStudio().Photo(scene.Spec{Seed: 3, ID: "visit", Fault: scene.DoorColour, View: scene.Full, Width: 400, Height: 300, Orientation: 1, Taken: time.Now(), Model: "test"})
	p.submit(defect, func() {
		for i := range byte(9) {
			p.keep(syncproto.PurposePhoto, bytes.NewReader(append(bytes.Clone(whole), i)), map[string]any{"defect": defect[:], "role": roles[min(int(i), 2)], "same_plane": true, "source": "gallery"})
		}
	})
	p.arrive(20 * time.Second)
	at := time.Now().UnixMilli()
	order := map[string]any{"defect": defect[:], "job": p.job[:], "class": "hq", "at": at, "author": p.id.Device[:], "order_time": at, "delivery_date": at}
	for _, c := range office.LeftoverColumns() {
		if order[c] == nil {
			order[c] = "填写 " + c
		}
	}
	write(t, d.a, d.centre, ledger.Author{Role: schema.Server}, ledger.Edit{Table: "leftover_order", Row: uuid.Must(uuid.NewV7()), Op: changelog.Insert, Cols: order})
	ctx := adjudicate(t, d, password, defect)
	inSight := func(when string) {
		t.Helper()
		out, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](`(() => { const a = document.querySelector(".case-facts").getBoundingClientRect(), out = [];
			if (document.scrollingElement.scrollHeight > innerHeight) out.push("the page is longer than the screen");
			for (const q of [".must h3", ".must .sizes, .must h3 + p", ".problem"]) { const r = document.querySelector(q).getBoundingClientRect(); if (!r.height || r.top < a.top || r.bottom > a.bottom || r.bottom > innerHeight) out.push(q + " " + [r.top, r.bottom, a.top, a.bottom].map(Math.round)); }
			const v = document.querySelector("[data-pane] figure:not([hidden]) .view").getBoundingClientRect(); if (v.height < 200 || v.bottom > innerHeight) out.push("the photo " + v.height);
			return out; })()`))
		if err != nil || len(out) > 0 {
			t.Errorf("%s: %q, %v", when, out, err)
		}
	}
	n, err := chromedp.Run(ctx, chromedp.Evaluate[int](`document.querySelectorAll(".doubts li").length + 100 * document.querySelectorAll("#unsigned").length`))
	if err != nil || n < 105 {
		t.Fatalf("%d doubts and notices, %v", n, err)
	}
	inSight("the case is open")
	if err := chromedp.Do(ctx, chromedp.KeyEvent("1"), chromedp.WaitVisible(chromedp.CSS("[data-shares]"))); err != nil {
		t.Fatal(err)
	}
	inSight("a verdict is being given")
}

// adjudicator hires one, zhoupan, and gives the password.
func (d *depot) adjudicator() string {
	d.t.Helper()
	streams, err := d.a.Store.Streams(d.ctx)
	if err != nil || !streams[0].Headquarters {
		d.t.Fatalf("%v, %v", streams, err)
	}
	_, password, err := d.a.Auth.CreatePerson(d.ctx, auth.Operator(), auth.NewPerson{Centre: streams[0].ID, Name: "周判", Role: schema.Adjudicator, Login: "zhoupan"})
	if err != nil {
		d.t.Fatal(err)
	}
	return password
}

// submit records a problem, what photos shows of it, and that it goes to
// headquarters.
func (p *carrier) submit(defect uuid.UUID, photos func()) {
	p.t.Helper()
	edit := func(do func(e *clientsdk.Edit) error) {
		p.t.Helper()
		if err := p.c.Edit(p.ctx, do); err != nil {
			p.t.Fatal(err)
		}
	}
	edit(func(e *clientsdk.Edit) error {
		return e.InsertID("defect", defect, map[string]any{"job": p.job[:], "no": int64(1), "class": "door_colour", "text": "左起第二块门板比旁边偏黄", "status": "open"})
	})
	photos()
	edit(func(e *clientsdk.Edit) error {
		return e.Update("defect", defect, map[string]any{"status": "submitted"})
	})
}

// adjudicate opens a case in the adjudicator's browser.
func adjudicate(t *testing.T, d *depot, password string, defect uuid.UUID) context.Context {
	t.Helper()
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.DisableGPU, chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("accept-lang", "zh-CN"))
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if exe, err := exec.LookPath(name); err == nil {
			opts = append(opts, chromedp.ExecPath(exe))
			break
		}
	}
	if os.Geteuid() == 0 {
		opts = append(opts, chromedp.NoSandbox)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, opts...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx,
		chromedp.EmulateViewport(1440, 900),
		chromedp.Navigate(d.a.URL()+"/signin"),
		chromedp.SendKeys(chromedp.CSS("input[name=login]"), "zhoupan"),
		chromedp.SendKeys(chromedp.CSS("input[name=password]"), password),
		chromedp.Click(chromedp.CSS(`form[action="/signin"] button`)),
		chromedp.WaitVisible(chromedp.CSS("nav")),
		chromedp.Navigate(fmt.Sprintf("%s/headquarters/defects/%s/%s", d.a.URL(), d.centre, defect)),
		chromedp.WaitVisible(chromedp.CSS("[data-pane]")),
	); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// painted gives the size of the first photo of the open case once it is decoded
// and on the screen.
func painted(t *testing.T, ctx context.Context) [2]int {
	t.Helper()
	const photo = `[data-pane] figure:not([hidden]) img`
	if err := chromedp.Do(ctx, chromedp.WaitVisible(chromedp.CSS(photo)),
		// Decoded, and two frames later on the screen.
		chromedp.Evaluate[chromedp.Void](`(async () => { const i = document.querySelector("`+photo+`"); await i.decode(); await new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go))); document.body.dataset.painted = "1"; })(); 0`),
		chromedp.WaitReady(chromedp.CSS("body[data-painted]"))); err != nil {
		t.Fatal(err)
	}
	size, err := chromedp.Run(ctx, chromedp.Evaluate[[2]int](`(i => [i.naturalWidth, i.naturalHeight])(document.querySelector("`+photo+`"))`))
	if err != nil {
		t.Fatal(err)
	}
	return size
}
