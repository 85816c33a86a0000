package phone

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// screen is the phone's web view: 390×844, touch, no sandbox as the tests may
// run as root.
type screen struct {
	tb  testing.TB
	ctx context.Context
	kit *phoneKit
	bad chan string
}

func newScreen(tb testing.TB, k *phoneKit) *screen {
	tb.Helper()
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox)...)
	tb.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	tb.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 3*time.Minute)
	tb.Cleanup(cancel)
	s := &screen{tb: tb, ctx: ctx, kit: k, bad: make(chan string, 100)}
	s.do(chromedp.EmulateViewport(390, 844, chromedp.EmulateMobile, chromedp.EmulateTouch))
	messages := chromedp.Console(ctx)
	go func() {
		for m, err := range messages {
			if err != nil {
				return
			}
			// A refused form answers 422, which the browser calls an error.
			if text := m.String(); !strings.Contains(text, "422") {
				s.bad <- text
			}
		}
	}()
	s.open("/?t=" + testToken)
	return s
}

func (s *screen) do(actions ...chromedp.Action[chromedp.Void]) {
	s.tb.Helper()
	if err := chromedp.Do(s.ctx, actions...); err != nil {
		s.tb.Fatalf("browser: %v", err)
	}
}

func (s *screen) open(path string) {
	s.tb.Helper()
	s.do(chromedp.Navigate(s.kit.app.URL + path))
}

func (s *screen) see(selector string) {
	s.tb.Helper()
	s.do(chromedp.WaitVisible(chromedp.CSS(selector)))
}

func (s *screen) tap(selector string) {
	s.tb.Helper()
	s.do(chromedp.Click(chromedp.CSS(selector), chromedp.NodeReady))
}

func (s *screen) js(expression string) string {
	s.tb.Helper()
	out, err := chromedp.Run(s.ctx, chromedp.Evaluate[string](expression))
	if err != nil {
		s.tb.Fatalf("%s: %v", expression, err)
	}
	return out
}

// until waits for a condition of the phone's rows.
func (s *screen) until(what string, ok func() bool) {
	s.tb.Helper()
	deadline := time.NewTimer(10 * time.Second)
	defer deadline.Stop()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for !ok() {
		select {
		case <-deadline.C:
			s.tb.Fatalf("never: %s", what)
		case <-again.C:
		}
	}
}

// quiet fails on any message of the console: a script error, a refusal by the
// content policy.
func (s *screen) quiet() {
	s.tb.Helper()
	for {
		select {
		case m := <-s.bad:
			s.tb.Errorf("console: %s", m)
		default:
			return
		}
	}
}

// layoutFaults looks at the page as a thumb and an old eye do: nothing wider
// than the screen, nothing to tap lower than 56 px, no text below 16 px, no
// icon without its words.
const layoutFaults = `(() => {
	const out = [];
	if (document.documentElement.scrollWidth > 390) out.push("wider than the screen: " + document.documentElement.scrollWidth);
	const shown = (e) => { const r = e.getBoundingClientRect(); return r.width > 1 && r.height > 1 && getComputedStyle(e).visibility !== "hidden"; };
	for (const e of document.querySelectorAll("a, button, summary, .tile, .face, .plane, label.pick, textarea, input:not([type=hidden], [type=radio], [type=checkbox], [type=file])"))
		if (shown(e) && e.getBoundingClientRect().height < 55.5) out.push("low: " + e.outerHTML.slice(0, 90));
	for (const e of document.querySelectorAll("body *"))
		if (shown(e) && [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()) && parseFloat(getComputedStyle(e).fontSize) < 16) out.push("small: " + e.outerHTML.slice(0, 90));
	for (const e of document.querySelectorAll("a, button"))
		if (shown(e) && !e.textContent.trim() && !e.getAttribute("aria-label")) out.push("wordless: " + e.outerHTML.slice(0, 90));
	if (document.body.textContent.includes("⟦")) out.push("a key without words");
	return out.join("\n");
})()`

// The technician's whole way by thumb, scripts and all: words save themselves,
// photos go out by themselves, the strip counts without losing what is typed.
func TestBrowserVisit(t *testing.T) {
	k, base := arrived(t, map[string]any{"warranty": "in"})
	dir := t.TempDir()
	files := map[string]string{}
	for i, role := range []string{"close", "full", "after"} {
		files[role] = filepath.Join(dir, role+".jpg")
		if err := os.WriteFile(files[role], jpegPhoto(t, uint64(40+i)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := newScreen(t, k)
	choose := func(role string) {
		t.Helper()
		s.do(chromedp.SetUploadFiles(chromedp.CSS(`form[data-shot=`+role+`] input[type=file]`), []string{files[role]}, chromedp.NodeReady))
	}

	// Words save themselves.
	s.open(base + "/work")
	s.do(chromedp.SendKeys(chromedp.CSS("#fault"), "门板色差"))
	s.tap(".tile input[name=deferred]")
	s.until("the record", func() bool {
		r := k.rows("service_record")
		return len(r) == 1 && r[0].Text("fault") == "门板色差" && r[0].Bool("deferred")
	})

	// A defect: refused, mended, accepted; the strip counts while words are typed.
	s.tap("#add-defect")
	s.see("button[value=door_colour]")
	s.tap("button[value=door_colour]")
	s.see("#missing")
	before := s.js(`document.querySelector("#strip b").textContent`)
	s.do(chromedp.SendKeys(chromedp.CSS("#text"), "左起第二块"))
	s.until("the defect's words", func() bool { return k.one("defect").Text("text") == "左起第二块" })
	s.do(chromedp.SendKeys(chromedp.CSS("#text"), "门板偏黄"))
	s.until("the strip", func() bool { return s.js(`document.querySelector("#strip b").textContent`) != before })
	if typed := s.js(`document.querySelector("#text").value`); typed != "左起第二块门板偏黄" {
		t.Fatalf("typed text became %q", typed)
	}
	choose("close")
	s.see("form[data-shot=close] .send")
	s.tap("form[data-shot=close] .send")
	s.see("form[data-shot=close].got")
	s.tap("#submit")
	s.see("#missing.bad [data-missing=full]")
	choose("full")
	s.tap("form[data-shot=full] .plane input")
	s.tap("form[data-shot=full] .send")
	s.see("#complete")
	s.tap("#submit")
	s.see("#defects")
	if d := k.one("defect"); d.Text("status") != "submitted" || d.Text("text") != "左起第二块门板偏黄" {
		t.Fatalf("defect %v", d.Cols)
	}

	// The end: an after photo by itself, ticks, self-check, the customer's page.
	s.open(base + "/finish")
	choose("after")
	s.see("form[data-shot=after].got")
	s.do(chromedp.SendKeys(chromedp.CSS("input[name=no_photo]"), "顾客不让拍"))
	for _, name := range []string{"training_done", "restored", "cleaned", "warranty_card", "check_product", "check_site", "check_tools"} {
		s.tap("input[name=" + name + "]")
	}
	s.tap("input[name=outcome][value=judge]")
	s.tap("#selfcheck")
	s.see("#hand")
	s.do(chromedp.SendKeys(chromedp.CSS("input[name=pin]"), "2580"))
	s.tap("#hand")
	s.see("canvas")
	s.tap("#signed")
	s.see("[data-pad-wrong]")
	s.draw()
	s.tap("input[name=quality][value='5']")
	s.tap("input[name=attitude][value='4']")
	s.tap("#signed")
	s.see("#unlock")
	s.do(chromedp.SendKeys(chromedp.CSS("input[name=pin]"), "2580"))
	s.tap("#unlock")
	s.see("#close-visit")
	s.tap("#close-visit")
	s.see(".seal-big")
	if sig := k.one("signature"); sig.Text("outcome") != "signed" || sig.Int("image_size") < 500 {
		t.Fatalf("signature %v", sig.Cols)
	}
	if st := k.one("job").Text("status"); st != "finished" {
		t.Fatalf("job is %s", st)
	}
	s.quiet()
}

// A page reads itself again when its line of events opens and whenever
// something changed; what it answered to a tap stays until it is mended.
func TestBrowserRefusalStays(t *testing.T) {
	k, base := arrived(t, map[string]any{"warranty": "in"})
	id := newID(t).String()
	k.post(base+"/defect", "id", id, "class", "door_colour").ok()
	s := newScreen(t, k)
	const reads = `String(performance.getEntriesByType("resource").filter((e) => e.initiatorType === "xmlhttprequest").length)`
	s.open(base + "/defect/" + id)
	s.until("the page reads itself when its line opens", func() bool { return s.js(reads) != "0" })
	s.see("#missing.wait")
	s.tap("#submit")
	s.see("#missing.bad [data-missing=full]")
	// The second reading began after the first had been laid into the page.
	for range 2 {
		was := s.js(reads)
		s.js(`document.dispatchEvent(new Event("phone-saved")) + ""`)
		s.until("the page reads itself", func() bool { return s.js(reads) != was })
	}
	if class := s.js(`document.querySelector("#missing").className`); class != "card bad" {
		t.Fatalf("the refusal became %q", class)
	}
	k.photo(base, "full", 3, "defect", id, "same_plane", "1", "back", base+"/defect/"+id).ok()
	s.see("#missing.wait [data-missing=close]")
}

// The reason why a photo was not taken is not lost where another photo is taken
// before it is sent, nor where the page came back with a refusal (OR-04, DE-09).
func TestBrowserReasonOutlivesAPhoto(t *testing.T) {
	k, base := arrived(t, map[string]any{"warranty": "out"})
	file := filepath.Join(t.TempDir(), "photo.jpg")
	if err := os.WriteFile(file, jpegPhoto(t, 51), 0o600); err != nil {
		t.Fatal(err)
	}
	s := newScreen(t, k)
	typed := func(role string) string {
		return s.js(`String(document.querySelector("input[name=skip_` + role + `]")?.value)`)
	}
	take := func(role string) {
		t.Helper()
		s.do(chromedp.SetUploadFiles(chromedp.CSS(`form[data-shot=`+role+`] input[type=file]`), []string{file}, chromedp.NodeReady))
		s.see("form[data-shot=" + role + "].got")
	}
	s.open(base + "/finish")
	s.do(chromedp.SendKeys(chromedp.CSS("input[name=no_photo]"), "顾客不让拍"))
	s.do(chromedp.SendKeys(chromedp.CSS("input[name=skip_nameplate]"), "铭牌在墙后"))
	take("entrance")
	if got, all := typed("nameplate"), s.js(`document.querySelector("input[name=no_photo]").value`); got != "铭牌在墙后" || all != "顾客不让拍" {
		t.Fatalf("after a photo the reasons are %q and %q", got, all)
	}
	// Refused for the ticks: what was typed is recorded or stands there still.
	s.js(`document.querySelector("input[name=no_photo]").value = ""`)
	s.do(chromedp.SendKeys(chromedp.CSS("input[name=skip_before]"), "没有别的东西"))
	s.tap("#selfcheck")
	s.see("#wrong")
	reasons := map[string]string{}
	for _, r := range k.rows("shot_skip") {
		reasons[r.Text("role")] = r.Text("reason")
	}
	if reasons["nameplate"] != "铭牌在墙后" || reasons["before"] != "没有别的东西" {
		t.Fatalf("recorded %v", reasons)
	}
	s.quiet()
}

// What somebody types before the page's script is there is saved as what is
// typed afterwards.
func TestBrowserTypedBeforeTheScript(t *testing.T) {
	k, base := arrived(t, map[string]any{"warranty": "out"})
	s := newScreen(t, k)
	s.open(base + "/work")
	s.see("#fault")
	// The script runs once more, on a field that was filled without its knowledge.
	s.js(`(() => { const f = document.querySelector("#fault"); f.focus(); f.value = "门铰链松"; import("/static/save.js?later"); return ""; })()`)
	s.until("the words that were there before", func() bool {
		r := k.rows("service_record")
		return len(r) == 1 && r[0].Text("fault") == "门铰链松"
	})
	s.quiet()
}

// What a form holds that makes a row by its button alone stands there after a
// refusal and a photo.
func TestBrowserRefusedPartOutlivesAPhoto(t *testing.T) {
	k, base := arrived(t, map[string]any{"warranty": "in"})
	file := filepath.Join(t.TempDir(), "photo.jpg")
	if err := os.WriteFile(file, jpegPhoto(t, 52), 0o600); err != nil {
		t.Fatal(err)
	}
	s := newScreen(t, k)
	s.open(base + "/part")
	s.do(chromedp.SendKeys(chromedp.CSS("input[name=name]"), "铰链"))
	s.tap("#part-add")
	s.see("#wrong")
	s.do(chromedp.SetUploadFiles(chromedp.CSS(`form.shot input[type=file]`), []string{file}, chromedp.NodeReady))
	s.see("form.shot.got")
	if got := s.js(`document.querySelector("input[name=name]").value`); got != "铰链" {
		t.Fatalf("after a refusal and a photo the part is %q", got)
	}
	if len(k.rows("part_used")) != 0 {
		t.Fatal("a part without its old one was recorded")
	}
}

// draw writes on the pad with a finger.
func (s *screen) draw() {
	s.tb.Helper()
	s.js(`(() => { (async () => {
		const c = document.querySelector("canvas");
		c.scrollIntoView({ block: "center" });
		c.setPointerCapture = () => {};
		const at = (type, x, y) => {
			const r = c.getBoundingClientRect();
			c.dispatchEvent(new PointerEvent(type, { pointerId: 7, pointerType: "touch", clientX: r.left + x, clientY: r.top + y, width: 12, height: 12, bubbles: true, cancelable: true }));
		};
		at("pointerdown", 40, 120);
		for (let i = 0; i < 60; i++) {
			at("pointermove", 40 + i * 4, 110 + Math.sin(i / 5) * 45);
			await new Promise((go) => setTimeout(go, 6)); // a hand takes its time
		}
		at("pointerup", 280, 100);
		c.dataset.drawn = "1";
	})(); return ""; })()`)
	s.see("canvas[data-drawn]")
}

// Every page in both languages, with the longest names there are.
func TestBrowserLayout(t *testing.T) {
	o := newOffice(t)
	o.standing(morning())
	long := strings.Repeat("浙江省杭州市滨江区江南大道与信诚路交叉口", 10)
	who := map[string]any{"community": "滨江区长河街道江南大道与信诚路交叉口东北角春江花园三期北苑", "name": "欧阳䶮𠮷Alexandria-Wilhelmina von Hohenstaufen-Bartenstein", "address": string([]rune(long)[:200])}
	seed := o.job(morning(), map[string]any{"warranty": "out", "asked_work": long}, who)
	old := o.job(morning().AddDate(0, 0, -2), map[string]any{"status": "finished"}, who)
	defect, verdict := newID(t), newID(t)
	o.put("defect", defect, old.job, map[string]any{"job": old.job, "no": 1, "class": "door_colour", "text": long, "status": "retake"})
	o.put("adjudication", verdict, old.job, map[string]any{"defect": defect, "verdict": "retake", "lacks": long[:300], "wanted_role": "full", "adjudicator": newID(t), "at": morning().UnixMilli()})
	k := newPhone(t, o)
	base := "/job/" + seed.job.String()
	k.get(base).ok()
	s := newScreen(t, k)
	look := func(paths ...string) {
		t.Helper()
		for _, lang := range []string{langZH, langEN} {
			k.post("/me/lang", "lang", lang).ok()
			for _, path := range paths {
				s.open(path)
				if faults := s.js(layoutFaults); faults != "" {
					t.Errorf("%s in %s:\n%s", path, lang, faults)
				}
			}
		}
	}
	k.post("/me/lang", "lang", "en")
	look(base)
	k.post(base + "/depart").ok()
	k.post(base + "/arrive").ok()
	k.post(base+"/defect", "id", newID(t).String(), "class", "wrong_size").ok()
	k.photo(base, "before", 1).ok()
	k.post(base + "/standard").ok()
	k.post(base+"/fee", "id", newID(t).String(), "item", k.standardID(t, "F03"), "quantity", "3", "card", "99.50").ok()
	k.post(base+"/part", "id", newID(t).String(), "name", long[:120], "quantity", "1", "old_part_no", "J-1").ok()
	k.free = 300 << 20
	look("/", "/finished", "/uploads", "/notices", "/me", "/me/leave", "/found?from="+seed.job.String(), "/nowhere", base, base+"/work", base+"/defect",
		base+"/defect/"+k.open1(t), base+"/fee", base+"/standard", base+"/part", base+"/finish", base+"/done", base+"/handover",
		"/job/"+old.job.String(), "/job/"+old.job.String()+"/retake/"+defect.String(), "/photo/"+k.one("photo").ID.String())
	k.photo(base, "after", 2).ok()
	k.post(base+"/selfcheck", "no_photo", "顾客不让拍", "ticks_shown", "1", "training_done", "1", "restored", "1", "cleaned", "1", "warranty_card", "1", "outcome", "solved", "check_product", "1", "check_site", "1", "check_tools", "1").ok()
	for _, lang := range []string{langZH, langEN} {
		k.post("/me/lang", "lang", lang).ok()
		k.post(base+"/handover", "pin", "2580").ok()
		s.open(base + "/handover")
		if faults := s.js(layoutFaults); faults != "" {
			t.Errorf("customer's page in %s:\n%s", lang, faults)
		}
		k.post(base+"/unlock", "pin", "2580").ok()
	}
	for _, m := range s.messages() {
		if !strings.Contains(m, "404") {
			t.Errorf("console: %s", m)
		}
	}
}

func (s *screen) messages() []string {
	var out []string
	for {
		select {
		case m := <-s.bad:
			out = append(out, m)
		default:
			return out
		}
	}
}

// open1 is the id of the defect that is still open.
func (k *phoneKit) open1(tb testing.TB) string {
	tb.Helper()
	for _, d := range k.rows("defect") {
		if d.Text("status") == "open" {
			return d.ID.String()
		}
	}
	tb.Fatal(fmt.Errorf("no open defect"))
	return ""
}
