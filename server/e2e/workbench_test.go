package e2e_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// mostStrokes is what an ordinary case may cost the adjudicator.
const mostStrokes = 4

// press strikes keys one after another; "^" is Ctrl+Enter.
func (t *tab) press(keys string) {
	t.tb.Helper()
	for _, k := range keys {
		if k == '^' {
			t.do(chromedp.KeyEvent("\r", chromedp.KeyModifiers(chromedp.ModifierCtrl)))
			continue
		}
		t.do(chromedp.KeyEvent(string(k)))
	}
}

// watch has the browser itself note when it painted the head and the photos of
// a case, and when the last key of a verdict was struck.
const watch = `window.painted = []; window.signed = 0; window.watching?.disconnect();
	window.watching = new PerformanceObserver((seen) => painted.push(...seen.getEntries().map((e) => [e.identifier, e.renderTime])));
	watching.observe({ type: "element", buffered: false });
	addEventListener("keydown", (e) => { if (e.key === "Enter") { signed = e.timeStamp; sessionStorage.signed = performance.timeOrigin + e.timeStamp; } }, { once: true, capture: true })`

// verdict signs a case by keys alone, and says how long it took from the last
// key until the next case was painted, its photos included.
func (t *tab) verdict(keys string) time.Duration {
	t.tb.Helper()
	if len(keys) > mostStrokes {
		t.fail("%d keys for one case, want %d at most", len(keys), mostStrokes)
	}
	photos := ask[int](t, `document.querySelectorAll("[data-ahead]").length`)
	t.press(keys[:len(keys)-1])
	t.until(`document.querySelector("[data-judge].ready")`, "the keys "+keys+" do not fill the verdict")
	// A person has looked at the photos by now: they have come whole, and the
	// browser has nothing left to do.
	t.until(`[...document.querySelectorAll("[data-pane] figure:not([hidden]) img")].every((i) => i.complete && !i.dataset.original)`, "the photos of this case do not come")
	t.eval(`window.idle = false; setTimeout(() => requestIdleCallback(() => { window.idle = true; }), 300)`)
	t.until(`window.idle`, "the page is never done")
	before := ask[string](t, `location.pathname`)
	t.eval(watch)
	t.press(keys[len(keys)-1:])
	// The last case leads to the queue, which is another page.
	t.until(fmt.Sprintf(`location.pathname !== %q && document.readyState === "complete" && (!window.painted ||
		painted.some((e) => e[0] === "case") && painted.filter((e) => e[0] === "shot").length >= %d)`, before, photos), "no case followed "+keys)
	ms := ask[float64](t, fmt.Sprintf(`window.painted ? Math.max(painted.find((e) => e[0] === "case")[1], ...painted.filter((e) => e[0] === "shot").slice(0, %d).map((e) => e[1])) - signed :
		performance.timeOrigin - Number(sessionStorage.signed) + (performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0)`, photos))
	parts := ask[[]float64](t, `window.painted ? [performance.getEntriesByType("resource").filter((e) => e.initiatorType === "xmlhttprequest" && e.startTime > signed)[0]?.responseEnd ?? signed,
		painted.find((e) => e[0] === "case")[1]].map((at) => at - signed) : [0, 0]`)
	t.tb.Logf("%s: next case painted %.0f ms after the last key; its page was there after %.0f ms, its text painted after %.0f ms", keys, ms, parts[0], parts[1])
	return time.Duration(ms * float64(time.Millisecond))
}

// inView says that nothing that a verdict needs has to be scrolled to.
func (t *tab) inView() {
	t.tb.Helper()
	t.until(`[...document.querySelectorAll("[data-pane] figure:not([hidden]) .view.ready img")].length === 2`, "full view and close-up are not there")
	t.until(`document.scrollingElement.scrollHeight <= innerHeight`, "the page is longer than the screen")
	for _, part := range []string{".problem", ".case-facts h1", "[data-panes]", ".bar", "[data-submit-verdict]"} {
		t.until(fmt.Sprintf(`(r => r.height > 0 && r.bottom <= innerHeight && r.right <= innerWidth)(document.querySelector(%q).getBoundingClientRect())`, part), part+" is out of sight")
	}
	t.until(`(b => b.getBoundingClientRect().bottom <= document.querySelector(".case-facts").getBoundingClientRect().bottom)(document.querySelector(".problem"))`, "the problems are out of sight")
}

// drag draws with the mouse over a part of an element, in fractions of it.
func (t *tab) drag(css string, x1, y1, x2, y2 float64) {
	t.tb.Helper()
	box := ask[[]float64](t, fmt.Sprintf(`(r => [r.left, r.top, r.width, r.height])(document.querySelector(%q).getBoundingClientRect())`, css))
	for _, e := range []struct {
		kind input.DispatchMouseEventType
		x, y float64
	}{{input.DispatchMouseEventTypeMousePressed, x1, y1}, {input.DispatchMouseEventTypeMouseMoved, x2, y2}, {input.DispatchMouseEventTypeMouseReleased, x2, y2}} {
		if _, err := chromedp.Call(t.ctx, input.DispatchMouseEvent, input.DispatchMouseEventParams{Type: e.kind, X: box[0] + box[2]*e.x, Y: box[1] + box[3]*e.y, Button: input.MouseButtonLeft, Buttons: 1, ClickCount: 1}); err != nil {
			t.fail("mouse: %v", err)
		}
	}
}

// measures draws along the tape measure, says how long that is, and measures
// something three times as long by it; what is saved stands there afterwards.
func (t *tab) measures() {
	t.tb.Helper()
	const photo = `[data-pane=full] figure:not([hidden]) img`
	t.press("m")
	t.drag(photo, .2, .5, .3, .5)
	t.until(`document.activeElement.matches("[data-ruler]")`, "nobody asks how long the ruler is")
	t.press("150\r")
	t.until(`document.querySelector(".marks text.ruler")?.textContent === "150 mm" && !document.activeElement.matches("[data-ruler]")`, "the ruler has no length")
	t.drag(photo, .2, .6, .5, .6)
	t.until(`Math.abs(parseFloat(document.querySelector(".marks text.length")?.textContent) - 450) < 6`, "three times 150 mm is not some 450 mm")
	t.eval(`window.stillHere = true`)
	t.click(`[data-mark-form] .primary`)
	t.until(`!window.stillHere && document.querySelector("[data-pane=full] .marks text.length") && document.querySelector("[data-pane=full] .marks text.ruler").textContent === "150 mm"`, "what was measured is not kept")
}

// watchFrames counts the frames in which a photo has another size than the marks
// over it.
const watchFrames = `window.slips = 0; (function look() {
	for (const f of document.querySelectorAll("[data-pane] figure:not([hidden])")) {
		const marks = f.querySelector(".ready .marks"), size = marks?.getBoundingClientRect().width;
		if (size && Math.abs(size - f.querySelector("img").getBoundingClientRect().width) > 2) window.slips++;
	}
	requestAnimationFrame(look);
})()`

// TestAdjudicatorByKeyboard works through the queue without a mouse: looks,
// compares, judges in four keys at most, asks for a photo, calls goods back.
func TestAdjudicatorByKeyboard(t *testing.T) {
	s := &story{T: t, site: startSite(t), browser: newBrowser(t)}
	j := s.signIn("judge")
	j.open(s.site.url + "/headquarters/")
	j.sees("待判定", "证据齐全")
	waiting := ask[int](j, `document.querySelectorAll("[data-row]").length`)
	if waiting != 4 { // the fourth verdict leads back to the queue
		t.Fatalf("%d cases wait, the sample has four", waiting)
	}
	j.press("j")
	j.eval(`window.stillHere = true`)
	j.press("\r")
	j.until(`!window.stillHere && document.querySelector("[data-judge]")`, "Enter does not open the case")
	j.inView()

	j.press("v")
	j.until(`document.querySelector("[data-panes]").dataset.mode === "compare"`, "V does not compare")
	j.do(chromedp.KeyEvent(kb.ArrowRight))
	j.until(`document.querySelector("[data-cut]").value === "55"`, "the arrow does not move the slider")
	j.press("v")
	j.until(`!document.querySelector("[data-panes]").dataset.mode`, "V does not end the comparison")
	before := ask[string](j, `document.querySelector("[data-pane] figure:not([hidden]) img").style.transform`)
	j.press("z")
	j.until(fmt.Sprintf(`document.querySelector("[data-pane] figure:not([hidden]) img").style.transform !== %q`, before), "Z does not show 1:1")
	j.press("xo")
	j.until(`document.querySelector("[data-stage]").classList.contains("unmarked")`, "O does not show the original")

	j.measures()
	j.eval(watchFrames)
	for n, keys := range []string{"16^", "1w7^", "r1^", "b7^"} {
		first := ask[string](j, `location.pathname`)
		crack := ask[bool](j, `!!document.querySelector("[name=whole_crack]")`)
		if keys[0] == '1' && crack {
			keys = "1w7^"
		} else if keys[0] == '1' {
			keys = "16^"
		}
		took := j.verdict(keys)
		if took > 3*time.Second {
			t.Errorf("the next page was painted after %s", took)
		}
		if n < waiting-1 {
			j.until(fmt.Sprintf(`location.pathname !== %q && document.querySelector("[data-judge]")`, first), "the next case does not open")
			j.inView()
			j.until(`![...document.querySelectorAll("[data-pane] figure:not([hidden]) img")].some((i) => i.dataset.original || i.naturalWidth < 2000)`, "the originals do not take the previews' place")
			if n := ask[int](j, `window.slips`); n != 0 {
				t.Errorf("a photo and its marks lay apart in %d frames", n)
			}
		} else {
			j.until(`location.pathname === "/headquarters/" && document.querySelector("main > .flash-ok svg + span")?.textContent.startsWith("已提交")`, "nobody says what became of the last case")
		}
	}
	j.open(s.site.url + "/headquarters/?state=all")
	j.sees("待补拍", "运回判定")
	j.open("about:blank") // before the server goes: nothing is being loaded
}
