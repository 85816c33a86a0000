package e2e_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// browser is one headless Chromium with a tab for every person of the story.
type browser struct {
	tb  testing.TB
	ctx context.Context
}

// newBrowser starts Chromium; a machine without one fails the test and says
// what to install.
func newBrowser(t *testing.T) *browser {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		t.Fatal("no Chromium; on Debian: apt-get install --no-install-recommends chromium fonts-wqy-microhei")
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.DisableGPU,
		chromedp.Flag("lang", "zh-CN"), chromedp.Flag("accept-lang", "zh-CN"), chromedp.Flag("disable-dev-shm-usage", true))
	if os.Geteuid() == 0 {
		opts = append(opts, chromedp.NoSandbox)
	}
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), opts...)
	t.Cleanup(cancel)
	first, cancelFirst := chromedp.NewContext(ctx)
	t.Cleanup(cancelFirst)
	if err := chromedp.Do(first); err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
	return &browser{t, first}
}

// tab is one page, as one person sees it.
type tab struct {
	tb   testing.TB
	name string
	ctx  context.Context

	mu     sync.Mutex
	faults []string // what the console and the page itself complained of
}

// patience is how long any one step may take on a machine that is busy.
const patience = 45 * time.Second

// tab opens a page of a size; phone adds touch and a pixel ratio of two. What
// the console calls an error fails the test.
func (b *browser) tab(name string, width, height int64, phone bool) *tab {
	b.tb.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext()) // cookies of its own
	b.tb.Cleanup(cancel)
	t := &tab{tb: b.tb, name: name, ctx: ctx}
	// The tab lives as long as the context that opens it: not one with a
	// deadline.
	if err := chromedp.Do(ctx); err != nil {
		b.tb.Fatalf("open a tab: %v", err)
	}
	opts := []chromedp.EmulateViewportOption{}
	if phone {
		opts = append(opts, chromedp.EmulateMobile, chromedp.EmulateTouch, chromedp.EmulateScale(2))
	}
	t.do(chromedp.EmulateViewport(width, height, opts...))
	err := chromedp.Listen(ctx, func(ev any) {
		switch ev := ev.(type) {
		case *runtime.EventExceptionThrown:
			t.fault("exception: " + ev.ExceptionDetails.Text)
		case *runtime.EventConsoleAPICalled:
			if ev.Type == runtime.ConsoleAPICalledTypeError {
				t.fault("console.error")
			}
		case *log.EventEntryAdded:
			if ev.Entry.Level == log.EntryLevelError && !reconnect(ev.Entry) {
				t.fault(fmt.Sprintf("%s %v", ev.Entry.Text, ev.Entry.URL))
			}
		}
	})
	if err != nil {
		b.tb.Fatal(err)
	}
	b.tb.Cleanup(t.checkConsole)
	return t
}

// reconnect is a page that tries its event stream again while the story has
// killed the phone or stopped the server: what it ought to do.
func reconnect(e *log.Entry) bool {
	return strings.HasSuffix(e.URL, "/events") && strings.Contains(e.Text, "net::ERR_")
}

func (t *tab) fault(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.faults = append(t.faults, text)
}

// allow forgets complaints about answers that the story itself provokes, such
// as a refused form.
func (t *tab) allow(part string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var rest []string
	for _, f := range t.faults {
		if !strings.Contains(f, part) {
			rest = append(rest, f)
		}
	}
	t.faults = rest
}

func (t *tab) checkConsole() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, f := range t.faults {
		t.tb.Errorf("%s: %s", t.name, f)
	}
}

// do runs steps, and leaves a picture of the page where one fails.
func (t *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	t.tb.Helper()
	ctx, cancel := context.WithTimeout(t.ctx, patience)
	defer cancel()
	for i, step := range steps {
		if err := chromedp.Do(ctx, step); err != nil {
			t.fail("step %d: %v", i+1, err)
		}
	}
}

// fail ends the test with a picture and the page's own words.
func (t *tab) fail(format string, args ...any) {
	t.tb.Helper()
	path := filepath.Join(os.TempDir(), "siteledger-failed-"+t.name+".png")
	ctx, cancel := context.WithTimeout(t.ctx, 10*time.Second)
	defer cancel()
	if b, err := chromedp.Run(ctx, chromedp.CaptureScreenshot()); err == nil {
		_ = os.WriteFile(path, b, 0o600)
	}
	where, _ := chromedp.Run(ctx, chromedp.Location())
	words, _ := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body ? document.body.innerText : ""`))
	t.tb.Fatalf("%s at %s (%s): %s\n%s", t.name, where, path, fmt.Sprintf(format, args...), words)
}

func (t *tab) open(url string) {
	t.tb.Helper()
	t.do(chromedp.Navigate(url))
}

// click clicks the first element of a selector once it is visible.
func (t *tab) click(css string) {
	t.tb.Helper()
	t.do(chromedp.WaitVisible(chromedp.CSS(css)), chromedp.Click(chromedp.CSS(css)))
}

// fill replaces what stands in a field.
func (t *tab) fill(css, text string) {
	t.tb.Helper()
	t.do(chromedp.WaitVisible(chromedp.CSS(css)))
	t.eval(fmt.Sprintf(`document.querySelector(%q).value = ""`, css))
	t.do(chromedp.SendKeys(chromedp.CSS(css), text))
}

// set gives a field a value that is not typed, such as a date, and tells the
// page so.
func (t *tab) set(css, value string) {
	t.tb.Helper()
	t.do(chromedp.WaitReady(chromedp.CSS(css)), chromedp.SetValue(chromedp.CSS(css), value))
	t.eval(fmt.Sprintf(`(e => { e.dispatchEvent(new Event("input", {bubbles: true})); e.dispatchEvent(new Event("change", {bubbles: true})) })(document.querySelector(%q))`, css))
}

// files chooses files for a file field.
func (t *tab) files(css string, paths ...string) {
	t.tb.Helper()
	t.do(chromedp.WaitReady(chromedp.CSS(css)), chromedp.SetUploadFiles(chromedp.CSS(css), paths))
}

// eval runs a script for its effect.
func (t *tab) eval(script string) {
	t.tb.Helper()
	t.do(chromedp.Evaluate[chromedp.Void](script))
}

// ask runs a script for its value.
func ask[T any](t *tab, script string) T {
	t.tb.Helper()
	ctx, cancel := context.WithTimeout(t.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](script))
	if err != nil {
		t.fail("%s: %v", script, err)
	}
	return v
}

// sees waits until the page says some words.
func (t *tab) sees(words ...string) {
	t.tb.Helper()
	for _, w := range words {
		t.until(fmt.Sprintf(`document.body && document.body.innerText.includes(%q)`, w), "does not say "+w)
	}
}

// until waits until a script is true.
func (t *tab) until(script, otherwise string) {
	t.tb.Helper()
	deadline := time.Now().Add(patience)
	for {
		ctx, cancel := context.WithTimeout(t.ctx, patience)
		ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("!!("+script+")"))
		cancel()
		if err == nil && ok {
			return
		}
		if time.Now().After(deadline) {
			t.fail("%s (%v)", otherwise, err)
		}
		time.Sleep(40 * time.Millisecond)
	}
}

// judge presses a button whose answer is laid into the page that is open, and
// waits for it.
func (t *tab) judge(css string) {
	t.tb.Helper()
	t.eval(`document.querySelector("main").stillHere = true`)
	t.click(css)
	t.until(`document.querySelector("main") && !document.querySelector("main").stillHere && document.readyState === "complete"`, "no answer to "+css)
}

// submit submits the form that an element is in, or names, and waits for the
// page that follows.
func (t *tab) submit(css string) {
	t.tb.Helper()
	t.eval(`window.stillHere = true`)
	t.click(css)
	t.until(`!window.stillHere && document.readyState === "complete"`, "no page followed "+css)
}
