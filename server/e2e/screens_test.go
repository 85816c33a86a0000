package e2e_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"siteledger/server/demo/month"
	"siteledger/server/demo/scene"
	"siteledger/server/web"
)

var updatePictures = flag.Bool("update-pictures", false, "take the README's pictures anew into server/docs/pictures")

// What the story's people type.
const (
	storyCustomer = "秦书瑶"
	storyPhone    = "13900008800"
	clerksPhone   = "13900008811"
	phonesPhone   = "13900008822"
	storyText     = "左起第二块门板比旁边明显偏黄"
)

// story is what its chapters share.
type story struct {
	*testing.T
	site    *site
	browser *browser
	clerk   *tab
	judge   *tab
	phone   *tab
	handset *process
	data    string // of the handset
	base    string // of the handset's pages
	jobPath string // at the centre
	job     string // at the phone
	defect  string // at the phone
	files   map[string]string
}

// TestStoryInBrowser is the README's tour, step by step, in a real browser: a
// clerk, an installer with a phone of 390×844, and a judge; the network really
// cut, the phone's process really killed.
func TestStoryInBrowser(t *testing.T) {
	s := &story{T: t, site: startSite(t), browser: newBrowser(t), data: filepath.Join(t.TempDir(), "phone"), files: map[string]string{}}
	studio := scene.NewStudio()
	for _, view := range []scene.View{scene.Full, scene.Close, scene.After} {
		s.files[string(view)] = filepath.Join(t.TempDir(), string(view)+".jpg")
		photo := studio.Photo(scene.Spec{
			Seed: 4711, ID: "STORY " + string(view), Fault: scene.DoorColour, View: view, Width: 2400, Height: 1800, Orientation: 1, Taken: time.Now().In(web.DefaultZone()), Model: "E2E",
		})
		if err := os.WriteFile(s.files[string(view)], photo, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, chapter := range []struct {
		name string
		play func(*story)
	}{
		{"the clerk takes in a call and sends somebody", (*story).takeIn},
		{"the phone is enrolled and the network is cut", (*story).enrolAndCut},
		{"a defect without its full view is refused", (*story).refused},
		{"kill -9, and nothing is missing", (*story).killed},
		{"the visit ends with a fee and a signature", (*story).signed},
		{"meanwhile the clerk moved and corrected", (*story).meanwhile},
		{"the network is back", (*story).back},
		{"the clerk reconciles", (*story).reconcile},
		{"the store signs the leftover order on the centre's screen", (*story).staffSigned},
		{"headquarters judges", (*story).judged},
		{"the verdict is everywhere", (*story).everywhere},
	} {
		t.Log(chapter.name)
		chapter.play(s)
	}
}

// signIn opens a tab for somebody.
func (s *story) signIn(user string) *tab {
	p := s.browser.tab(user, 1440, 900, false)
	p.open(s.site.url + "/signin")
	p.fill(`input[name=login]`, user)
	p.fill(`input[name=password]`, month.Password)
	p.submit(`form[action="/signin"] button`)
	return p
}

func (s *story) takeIn() {
	c := s.signIn("clerk")
	s.clerk = c
	c.open(s.site.url + "/centre/intake")
	c.fill(`input[name=name]`, storyCustomer)
	c.fill(`input[name=phone]`, storyPhone)
	c.fill(`input[name=address]`, "临江市文昌路 88 号 锦绣花园 3 幢 2 单元 1102 室")
	c.fill(`input[name=contract_no]`, "HT2610-9001")
	c.set(`select[name=category]`, "kitchen")
	c.fill(`input[name=model]`, "雅致 K3")
	c.fill(`input[name=material]`, "烤漆门板·暖白")
	c.eval(`document.querySelector("input[name=kind][value=aftersale]").click()`)
	c.fill(`textarea[name=asked_work]`, "橱柜有一扇门板颜色和旁边不一样,要求上门看")
	c.set(`select[name=warranty]`, "out")
	now := time.Now().In(month.Zone())
	c.set(`input[name=day]`, now.Format(time.DateOnly))
	c.set(`input[name=from]`, "22:00")
	c.set(`input[name=to]`, "23:30")
	c.eval(fmt.Sprintf(`document.querySelector("input[name=lead][value='%s']").click()`, s.site.info.Person))
	c.submit(`#intake button[name=go]`)
	c.sees(storyCustomer, "已派工", s.site.info.PersonName)
	s.jobPath = ask[string](c, `location.pathname`)
	s.job = "/job/" + s.jobPath[strings.LastIndexByte(s.jobPath, '/')+1:]
}

// startHandset starts the phone's process and opens its pages.
func (s *story) startHandset() {
	s.handset = start(s.T, "client-sdk/cmd/phone", "-json", "-data", s.data, "-server", "http://"+s.site.server.Addr())
	url := s.handset.await(s.handset.out, `"url":"([^"]+)"`)[1]
	url = strings.ReplaceAll(url, `\u0026`, "&")
	s.base = url[:strings.Index(url, "/?")]
	s.phone.open(url)
}

func (s *story) enrolAndCut() {
	s.phone = s.browser.tab("phone", 390, 844, true)
	s.startHandset()
	out, exit := call(s.T, "server", "device", "code", "-person", s.site.info.Person, "-data", s.site.data)
	if exit != 0 {
		s.Fatal("no enrolment code")
	}
	p := s.phone
	p.fill(`input[name=code]`, printedCode(s.T, out))
	p.submit(`.act button`)
	p.until(fmt.Sprintf(`document.querySelector("a[href='%s']")`, s.job), "the job is not on the phone")
	s.site.cut(s.T)
	p.open(s.base + s.job)
	p.sees(storyCustomer, storyPhone)
	p.submit(`#depart`)
	p.eval(`document.querySelector("#contact").open = true`)
	p.fill(`#contact input[name=phone]`, phonesPhone)
	p.submit(`#contact-save`)
	p.submit(`#arrive`)
	p.sees("已到达")
}

// shoot takes a photograph: chosen files are sent by the page itself, unless it
// has something to ask first.
func (s *story) shoot(role string, file string, plane bool) {
	s.T.Helper()
	form := `form[data-shot=` + role + `]`
	count := `document.querySelectorAll(".thumb").length`
	before := ask[int](s.phone, count)
	s.phone.files(form+` input[type=file]`, file)
	if plane {
		s.phone.eval(`document.querySelector("` + form + ` input[name=same_plane]").click()`)
	}
	if ask[bool](s.phone, `!!document.querySelector("`+form+` .send[data-ask]")`) {
		s.phone.click(form + ` .send`)
	}
	s.phone.until(fmt.Sprintf(`%s > %d`, count, before), "the photograph is not on the page")
}

func (s *story) refused() {
	p := s.phone
	p.open(s.base + s.job + "/work")
	p.fill(`#fault`, "门板色差")
	p.fill(`textarea[name=cause]`, "疑似批次不同")
	p.fill(`textarea[name=measure]`, "拍照上报总部判定")
	p.submit(`.act button`)
	p.open(s.base + s.job + "/defect")
	p.submit(`button[name=class][value=door_colour]`)
	s.defect = ask[string](p, `location.pathname`)
	s.shoot("close", s.files["close"], false)
	p.fill(`#text`, storyText)
	p.submit(`#submit`)
	p.sees("还缺一张全景照片", "同一平面")
	p.allow("422")
	s.snap(p, "phone.png", 390)
}

func (s *story) killed() {
	s.handset.kill()
	s.startHandset()
	p := s.phone
	p.allow("net::ERR_") // the page before lost its process
	p.open(s.base + s.defect)
	p.until(fmt.Sprintf(`document.querySelector("#text").value === %q`, storyText), "the words are gone")
	if n := ask[int](p, `document.querySelectorAll(".thumb").length`); n != 1 {
		p.fail("%d photographs after kill -9", n)
	}
	s.shoot("full", s.files["full"], true)
	p.submit(`#submit`)
	p.sees("待判定")
}

func (s *story) signed() {
	p := s.phone
	p.open(s.base + s.job + "/standard")
	p.submit(`#standard-seen`)
	p.open(s.base + s.job + "/fee")
	p.eval(`document.querySelector("#f input[name=item]").click()`)
	p.submit(`#fee-add`)
	p.eval(`document.querySelector("#r input[name=way][value=qr]").click()`)
	p.submit(`#receipt-issue`)
	if no := ask[string](p, `document.querySelector("[data-receipt]").dataset.receipt`); !strings.HasSuffix(no, "1") {
		p.fail("first receipt is %s", no)
	}
	p.open(s.base + s.job + "/finish")
	s.shoot("after", s.files["after"], false)
	p.fill(`input[name=no_photo]`, "顾客不让拍")
	for _, name := range []string{"training_done", "restored", "cleaned", "warranty_card", "check_product", "check_site", "check_tools"} {
		p.eval(`document.querySelector("input[name=` + name + `]").click()`)
	}
	p.eval(`document.querySelector("input[name=outcome][value=judge]").click()`)
	p.submit(`#selfcheck`)
	p.fill(`input[name=pin]`, "2580")
	p.submit(`#hand`)
	p.sees(storyCustomer + ",您好")
	p.eval(`document.querySelector("input[name=quality][value='5']").click()`)
	p.eval(`document.querySelector("input[name=attitude][value='5']").click()`)
	s.sign()
	p.submit(`#signed`)
	p.fill(`input[name=pin]`, "2580")
	p.submit(`#unlock`)
	p.open(s.base + s.job + "/done")
	p.submit(`#close-visit`)
	p.sees("上门已结束")
}

// sign draws on the pad with a finger.
func (s *story) sign() {
	p := s.phone
	p.eval(`document.querySelector("[data-pad]").scrollIntoView({block: "center"})`)
	box := ask[[]float64](p, `(b => [b.left, b.top, b.width, b.height])(document.querySelector("[data-pad] canvas").getBoundingClientRect())`)
	touch := func(kind input.DispatchTouchEventType, x, y float64) {
		params := input.DispatchTouchEventParams{Type: kind, TouchPoints: []*input.TouchPoint{}}
		if kind != input.DispatchTouchEventTypeTouchEnd {
			params.TouchPoints = append(params.TouchPoints, &input.TouchPoint{X: box[0] + x*box[2], Y: box[1] + y*box[3]})
		}
		if _, err := chromedp.Call(p.ctx, input.DispatchTouchEvent, params); err != nil {
			p.fail("touch: %v", err)
		}
	}
	for _, stroke := range [][][2]float64{{{.2, .3}, {.35, .25}, {.5, .3}}, {{.35, .15}, {.34, .5}, {.25, .8}}, {{.36, .5}, {.5, .7}, {.6, .8}}, {{.6, .2}, {.8, .3}, {.7, .7}}} {
		touch(input.DispatchTouchEventTypeTouchStart, stroke[0][0], stroke[0][1])
		for i, at := range stroke[1:] {
			from := stroke[i]
			for k := 1.0; k <= 8; k++ { // as a finger moves, not in jumps
				touch(input.DispatchTouchEventTypeTouchMove, from[0]+(at[0]-from[0])*k/8, from[1]+(at[1]-from[1])*k/8)
			}
		}
		touch(input.DispatchTouchEventTypeTouchEnd, 0, 0)
	}
	ink := ask[int](p, `(c => { const d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data; let n = 0; for (let i = 3; i < d.length; i += 4) if (d[i] > 40) n++; return n })(document.querySelector("[data-pad] canvas"))`)
	if ink < 200 {
		p.fail("only %d pixels of ink", ink)
	}
}

func (s *story) meanwhile() {
	c := s.clerk
	c.open(s.site.url + s.jobPath)
	c.sees("已派工") // nothing of the visit is known here yet
	c.eval(`document.querySelector("#act-slot").open = true`)
	c.set(`#act-slot input[name=from]`, "22:30")
	c.set(`#act-slot input[name=to]`, "23:45")
	c.submit(`#act-slot button.primary`)
	c.sees("22:30")
	c.eval(`document.querySelector("#act-contact").open = true`)
	c.fill(`#act-contact input[name=phone]`, clerksPhone)
	c.eval(`(e => { e.selectedIndex = 1; e.dispatchEvent(new Event("change", {bubbles: true})) })(document.querySelector("#act-contact select[name=verified]"))`)
	c.submit(`#act-contact button.primary`)
	c.sees(clerksPhone)
}

func (s *story) back() {
	p := s.phone
	p.open(s.base + "/uploads")
	p.sees("排队")
	s.site.restore(s.T)
	p.submit(`form[action="/uploads/sync"] button`)
	p.until(`document.querySelector("#strip").dataset.tone === "ok"`, "not everything was sent")
	s.clerk.open(s.site.url + s.jobPath)
	s.clerk.sees("已完工", storyText)
	s.clerk.until(`[...document.querySelectorAll("main img")].length >= 3 && [...document.querySelectorAll("main img")].every(i => i.complete && i.naturalWidth > 0)`, "the photographs do not show")
}

func (s *story) reconcile() {
	c := s.clerk
	c.open(s.site.url + "/centre/reconcile?f=1")
	c.eval(fmt.Sprintf(`[...document.querySelectorAll(".bench-list a")].find(a => a.innerText.includes(%q)).click()`, storyCustomer))
	c.until(fmt.Sprintf(`document.querySelector(".bench-case") && document.querySelector(".bench-case").innerText.includes(%q)`, phonesPhone[:9]), "the case does not show what the phone wrote")
	both := ask[string](c, `document.querySelector(".sides").innerText.replace(/\s+/g, "")`)
	if !strings.Contains(both, clerksPhone) || !strings.Contains(both, phonesPhone) {
		c.fail("the two values are not side by side: %s", both)
	}
	c.sees(s.site.info.PersonName, "陈静")
	s.snap(c, "centre.png", 960)
	c.eval(`document.querySelector("[data-decide] input[name=verdict][value=keep]").click()`)
	c.fill(`[data-decide] textarea[name=reason]`, "已回电核实")
	c.submit(`[data-decide] button.primary`)
	c.open(s.site.url + s.jobPath + "/register")
	c.eval(`document.querySelectorAll("input[name=tick]").forEach(e => { if (!e.checked) e.click() })`)
	if ask[bool](c, `!!document.querySelector("form.ticks textarea[name=reason]")`) {
		c.fill(`form.ticks textarea[name=reason]`, "顾客已电话确认")
	}
	c.submit(`form.ticks button.primary`)
	c.open(s.site.url + s.jobPath)
	c.sees("已登记")
}

// staffSigned files the leftover form and signs it with a pen: a drawing is what
// submits it (SF-06).
func (s *story) staffSigned() {
	c := s.clerk
	c.open(s.site.url + s.jobPath)
	c.open(ask[string](c, `document.querySelector('a[href*="/defects/"]').href`))
	c.sees("先填处理单")
	c.eval(`(() => {
		document.querySelector("#form input[name=class]").checked = true;
		for (const e of document.querySelectorAll("#form input:not([type=hidden]):not([type=radio]), #form textarea")) {
			if (!e.value) e.value = e.type === "date" ? "2026-08-01" : "照图纸";
		}
	})()`)
	c.submit(`#form button.primary`)
	c.sees("未签,未提交")
	c.click(`#staff-form input[name=signer][value=store]`)
	c.fill(`#staff-form input[name=name]`, "陈店长")
	c.click(`#staff-form button.primary`)
	c.sees("签名要亲手写在框里") // nothing was drawn
	c.eval(`(async () => {
		const pad = document.querySelector("[data-pad] canvas");
		pad.scrollIntoView({ block: "center" });
		pad.setPointerCapture = () => {};
		const at = (type, x, y) => {
			const r = pad.getBoundingClientRect();
			pad.dispatchEvent(new PointerEvent(type, { pointerId: 3, pointerType: "pen", clientX: r.left + x, clientY: r.top + y, bubbles: true, cancelable: true }));
		};
		at("pointerdown", 60, 100);
		for (let i = 0; i < 60; i++) {
			at("pointermove", 60 + i * 5, 90 + Math.sin(i / 5) * 45);
			await new Promise((go) => setTimeout(go, 6)); // a hand takes its time
		}
		at("pointerup", 360, 90);
		pad.dataset.drawn = "1";
	})()`)
	c.until(`document.querySelector("[data-pad] canvas[data-drawn]")`, "the pen did not finish")
	c.submit(`#staff-form button.primary`)
	c.sees("已签,已提交", "陈店长")
	c.until(`[...document.querySelectorAll("#staff-sign .sig img")].some(i => i.complete && i.naturalWidth === 900)`, "the drawing is not shown")
}

func (s *story) judged() {
	j := s.signIn("judge")
	s.judge = j
	j.open(s.site.url + "/headquarters/?state=submitted")
	j.eval(fmt.Sprintf(`[...document.querySelectorAll("tr")].find(r => r.innerText.includes(%q)).querySelector("a.class").click()`, storyText[:30]))
	j.until(`[...document.querySelectorAll("[data-pane] figure:not([hidden]) img")].filter(i => i.complete && i.naturalWidth > 1000).length === 2`, "full view and close-up are not side by side")
	j.sees(storyText)
	before := ask[string](j, `document.querySelector("[data-pane] figure:not([hidden]) img").style.transform`)
	j.click(`[data-one]`)
	j.until(fmt.Sprintf(`document.querySelector("[data-pane] figure:not([hidden]) img").style.transform !== %q`, before), "1:1 does not zoom")
	j.click(`[data-fit]`)
	j.eval(`document.querySelector("input[name=verdict][value=hq]").click()`)
	j.eval(`[["工厂", 60], ["物流部", 30]].forEach(([party, percent], n) => { const r = document.querySelectorAll(".share")[n]; for (const [k, v] of [["party", party], ["percent", percent]]) { const e = r.querySelector("[name=" + k + "]"); e.value = v; e.dispatchEvent(new Event("input", {bubbles: true})) } })`)
	j.set(`select[name=remedy]`, "remake")
	j.fill(`textarea[name=reason]`, "批次色号不同,属总部差错")
	j.fill(`textarea[name=text_store]`, "请按重做单下单")
	j.judge(`[data-submit-verdict]`)
	j.sees("90") // shares of 60 and 30 are refused
	j.allow("422")
	j.eval(`(e => { e.value = 40; e.dispatchEvent(new Event("input", {bubbles: true})) })(document.querySelectorAll(".share [name=percent]")[1])`)
	s.snap(j, "headquarters.png", 960)
	j.judge(`[data-submit-verdict]`)
}

func (s *story) everywhere() {
	p := s.phone
	p.open(s.base + s.job)
	p.until(`document.querySelector("[data-verdict=hq]")`, "the verdict is not on the phone")
	p.sees("60%", "40%", "请按重做单下单")
	c := s.clerk
	c.open(s.site.url + s.jobPath)
	c.sees("总部差错", "60%", "40%")
	c.until(`document.querySelector("#completeness").innerText.includes("齐全") && !document.querySelector("#completeness").innerText.includes("未齐")`, "the job is not complete at the centre")
	s.handset.stop()
	s.site.stop()
	if _, exit := call(s.T, "server", "verify", "-data", s.site.data); exit != 0 {
		s.Errorf("verify: exit %d", exit)
	}
}
