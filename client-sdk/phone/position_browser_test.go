package phone

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"siteledger/syncproto/schema"
)

// allow sets the web view's leave to say where it is.
func (s *screen) allow(setting browser.PermissionSetting) {
	s.tb.Helper()
	_, err := chromedp.CallBrowser(s.ctx, browser.SetPermission, browser.SetPermissionParams{Permission: &browser.PermissionDescriptor{Name: "geolocation"}, Setting: setting, Origin: s.kit.app.URL})
	if err != nil {
		s.tb.Fatalf("permission: %v", err)
	}
}

// stand puts the web view somewhere; metres 0 is a place without any signal.
func (s *screen) stand(lat, lon, metres float64) {
	s.tb.Helper()
	where := emulation.SetGeolocationOverrideParams{}
	if metres > 0 {
		where = emulation.SetGeolocationOverrideParams{Latitude: &lat, Longitude: &lon, Accuracy: &metres}
	}
	if _, err := chromedp.Call(s.ctx, emulation.SetGeolocationOverride, where); err != nil {
		s.tb.Fatalf("geolocation: %v", err)
	}
}

// TestBrowserPosition: the page explains and asks once; after a yes a photo has
// its place without another tap. A system that refuses and a cellar without a
// signal change nothing: the photo is taken, and nobody is asked or told.
func TestBrowserPosition(t *testing.T) {
	k, base := arrived(t, nil)
	file := filepath.Join(t.TempDir(), "before.jpg")
	s := newScreen(t, k)
	shoot := func(role string, seed uint64) schema.Row {
		t.Helper()
		if err := os.WriteFile(file, jpegPhoto(t, seed), 0o600); err != nil {
			t.Fatal(err)
		}
		s.do(chromedp.SetUploadFiles(chromedp.CSS(`form[data-shot=`+role+`] input[type=file]`), []string{file}, chromedp.NodeReady))
		var out schema.Row
		s.until("the photo", func() bool {
			for _, p := range k.rows("photo") {
				if p.Text("role") == role {
					out = p
				}
			}
			return out.Cols != nil
		})
		s.see("form[data-shot=" + role + "].got")
		return out
	}

	// Before the answer nothing is asked of the web view.
	s.allow(browser.PermissionSettingGranted)
	s.stand(30.25, 120.17, 14.2)
	s.open(base)
	s.see("#place button[value=no]")
	if faults := s.js(layoutFaults); faults != "" {
		t.Errorf("the question:\n%s", faults)
	}
	if _, ok := k.pages.fix.near(k.now.Now().UnixMilli(), 0, 60_000); ok {
		t.Fatal("a position before the answer")
	}
	s.tap("#place button[value=yes]")
	s.see("[data-place]")
	s.until("a fix", func() bool { _, ok := k.pages.fix.near(k.now.Now().UnixMilli(), 0, 60_000); return ok })
	if p := shoot("before", 1); p.Int("latitude") != 302500000 || p.Int("longitude") != 1201700000 || p.Int("accuracy") != 15 || p.Text("fix_source") != "device" {
		t.Fatalf("the photo %v", p.Cols)
	}

	// A cellar: the last fix holds for ten minutes, then there is none.
	s.stand(0, 0, 0)
	k.now.add(11 * time.Minute)
	s.open(base)
	if p := shoot("nameplate", 2); p.Cols["latitude"] != nil {
		t.Fatalf("in a cellar %v", p.Cols)
	}

	// The system refuses: the same.
	s.allow(browser.PermissionSettingDenied)
	s.stand(30.25, 120.17, 14.2)
	s.open(base)
	if p := shoot("entrance", 3); p.Cols["latitude"] != nil {
		t.Fatalf("refused, and %v", p.Cols)
	}
	s.open(base)
	if n := s.js(`String(document.querySelectorAll("#place, .wrong, .toast").length)`); n != "0" {
		t.Errorf("the page asks or complains")
	}
	s.open("/me")
	s.tap("#place summary")
	if faults := s.js(layoutFaults); faults != "" {
		t.Errorf("me:\n%s", faults)
	}
	s.tap("#place button[value=no]")
	s.see(".flash")
	s.quiet()
}
