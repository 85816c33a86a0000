package e2e_test

import (
	"fmt"
	"testing"
	"time"

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

// verdict signs a case by keys alone, and says how long it took from the last
// key until the next page was painted.
func (t *tab) verdict(keys string) time.Duration {
	t.tb.Helper()
	if len(keys) > mostStrokes {
		t.fail("%d keys for one case, want %d at most", len(keys), mostStrokes)
	}
	t.press(keys[:len(keys)-1])
	t.until(`document.querySelector("[data-judge].ready")`, "the keys "+keys+" do not fill the verdict")
	t.eval(`window.stillHere = true; sessionStorage.signed = performance.timeOrigin + performance.now()`)
	t.press(keys[len(keys)-1:])
	t.until(`!window.stillHere && document.readyState === "complete" && performance.getEntriesByName("first-contentful-paint").length`, "no page followed "+keys)
	at := ask[[]float64](t, `((n, p, w) => [w, w + n.responseEnd, w + p.startTime])(performance.getEntriesByType("navigation")[0],
		performance.getEntriesByName("first-contentful-paint")[0], performance.timeOrigin - Number(sessionStorage.signed))`)
	t.tb.Logf("%s: %.0f ms until the browser asked, %.0f ms until it had the next page, %.0f ms until it was painted", keys, at[0], at[1], at[2])
	return time.Duration(at[2] * float64(time.Millisecond))
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

// TestAdjudicatorByKeyboard works through the queue without a mouse: looks,
// compares, judges in four keys at most, asks for a photo, calls goods back.
func TestAdjudicatorByKeyboard(t *testing.T) {
	s := &story{T: t, site: startSite(t), browser: newBrowser(t)}
	j := s.signIn("judge")
	j.open(s.site.url + "/headquarters/")
	j.sees("待判定", "证据齐全")
	waiting := ask[int](j, `document.querySelectorAll("[data-row]").length`)
	if waiting < 4 {
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
		}
	}
	j.open(s.site.url + "/headquarters/?state=all")
	j.sees("待补拍", "运回判定")
	j.open("about:blank") // before the server goes: nothing is being loaded
}
