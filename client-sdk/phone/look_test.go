package phone

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

func scene(seed uint64, close bool) []byte {
	rnd := rand.New(rand.NewPCG(seed, 3))
	img := image.NewRGBA(image.Rect(0, 0, 1200, 900))
	for y := range 900 {
		for x := range 1200 {
			c := color.RGBA{222, 214, 200, 255}
			if y > 140 && y < 800 {
				p := x / 300
				base := [3]int{236, 231, 220}
				if p == 1 {
					base = [3]int{231, 216, 180}
				}
				n := rnd.IntN(7)
				c = color.RGBA{uint8(base[0] - n), uint8(base[1] - n), uint8(base[2] - n), 255}
				if x%300 < 6 || y < 150 || y > 790 {
					c = color.RGBA{120, 110, 96, 255}
				}
				if x%300 > 255 && x%300 < 268 && y > 420 && y < 520 {
					c = color.RGBA{90, 90, 92, 255}
				}
			} else if y >= 800 {
				c = color.RGBA{150, 128, 104, 255}
			}
			img.SetRGBA(x, y, c)
		}
	}
	var src image.Image = img
	if close {
		src = img.SubImage(image.Rect(200, 300, 700, 675))
	}
	var out bytes.Buffer
	_ = jpeg.Encode(&out, src, &jpeg.Options{Quality: 88})
	return out.Bytes()
}

func TestLook(t *testing.T) {
	dir := os.Getenv("LOOK")
	if dir == "" {
		return
	}
	lang := os.Getenv("LOOKLANG")
	o := newOffice(t)
	o.standing(morning())
	m := morning()
	s1 := o.job(m.Add(70*time.Minute), map[string]any{"warranty": "out"}, nil)
	o.job(m.Add(5*time.Hour), map[string]any{"kind": "install", "asked_work": "整套橱柜安装,含台面与水槽"}, map[string]any{"community": "翠苑三区", "name": "陈𠮷祥", "phone": "13911112222"})
	long := strings.Repeat("浙江省杭州市滨江区长河街道江南大道与信诚路交叉口东北角春江花园", 7)
	o.job(m.Add(-3*time.Hour), map[string]any{"asked_work": "台面开裂,客户要求尽快上门并带样块"}, map[string]any{"community": "滨江区长河街道江南大道与信诚路交叉口东北角春江花园三期北苑", "name": "欧阳䶮𠮷Alexandria-Wilhelmina von Hohenstaufen", "address": string([]rune(long)[:200])})
	o.job(m.Add(9*time.Hour), map[string]any{"status": "cancelled", "cancel_reason": "客户改期"}, map[string]any{"community": "彩虹城", "name": "周先生"})
	o.job(m.Add(26*time.Hour), map[string]any{"warranty": "quality"}, map[string]any{"community": "钱江湾", "name": "何女士"})
	s2 := o.job(m.Add(-26*time.Hour), map[string]any{"status": "finished"}, map[string]any{"community": "江汉路小区", "name": "吴建国"})
	defect := newID(t)
	o.put("defect", defect, s2.job, map[string]any{"job": s2.job, "no": 1, "class": "door_colour", "text": "右侧第三块门板比旁边偏黄", "status": "retake", "item": s2.item})
	adj := newID(t)
	o.put("adjudication", adj, s2.job, map[string]any{"defect": defect, "verdict": "retake", "lacks": "看不出门板在整组柜子里的位置", "wanted_role": "full", "adjudicator": newID(t), "at": m.Add(-2 * time.Hour).UnixMilli()})
	s3 := o.job(m.Add(-50*time.Hour), map[string]any{"status": "registered", "complete": true}, map[string]any{"community": "白马湖", "name": "许女士"})
	d3 := newID(t)
	o.put("defect", d3, s3.job, map[string]any{"job": s3.job, "no": 1, "class": "top_crack", "text": "水槽左边台面裂缝约20厘米", "status": "judged", "item": s3.item})
	a3 := newID(t)
	o.put("adjudication", a3, s3.job, map[string]any{"defect": d3, "verdict": "hq", "remedy": "remake", "reason": "裂缝从开孔内角起,圆角半径不足", "text_store": "总部重做台面,12月2日发货", "text_customer": "我们为您重做台面,不收费用。", "adjudicator": newID(t), "at": m.Add(-3 * time.Hour).UnixMilli()})
	o.put("responsibility", newID(t), s3.job, map[string]any{"adjudication": a3, "party": "工厂", "percent": 70, "reason": "开孔圆角"})
	o.put("responsibility", newID(t), s3.job, map[string]any{"adjudication": a3, "party": "商场", "percent": 30, "reason": "设计未加固"})
	v3 := newID(t)
	o.put("visit", v3, s3.job, map[string]any{"job": s3.job, "person": o.person, "started_at": m.Add(-50 * time.Hour).UnixMilli(), "outcome": "judge"})
	o.put("visit_event", newID(t), s3.job, map[string]any{"visit": v3, "kind": "arrive", "at": m.Add(-50 * time.Hour).UnixMilli()})
	o.put("visit_close", newID(t), s3.job, map[string]any{"visit": v3, "at": m.Add(-49 * time.Hour).UnixMilli(), "rows": 9, "photos": 2})
	k := newPhone(t, o)
	k.post("/me/lang", "lang", lang)
	base := "/job/" + s1.job.String()

	ctx, cancel := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox)...)
	defer cancel()
	ctx, cancel = chromedp.NewContext(ctx)
	defer cancel()
	ctx, cancel = context.WithTimeout(ctx, 4*time.Minute)
	defer cancel()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(chromedp.Do(ctx, chromedp.EmulateViewport(390, 844, chromedp.EmulateScale(2), chromedp.EmulateMobile, chromedp.EmulateTouch), chromedp.Navigate(k.app.URL+"/?t="+testToken)))
	go func() {
		for m, err := range chromedp.Console(ctx) {
			if err != nil {
				return
			}
			fmt.Println("CONSOLE", m.String())
		}
	}()
	n := 0
	shot := func(name string, full bool) {
		t.Helper()
		n++
		time.Sleep(250 * time.Millisecond)
		wide, err := chromedp.Run(ctx, chromedp.Evaluate[float64]("document.documentElement.scrollWidth"))
		must(err)
		if wide > 390 {
			fmt.Println("TOO WIDE", name, wide)
		}
		small, err := chromedp.Run(ctx, chromedp.Evaluate[string](`[...document.querySelectorAll("a,button,summary,.tile,.face,label.pick,input:not([type=hidden]):not([type=radio]):not([type=checkbox]):not([type=file])")].filter(e=>{const r=e.getBoundingClientRect();return r.width&&r.height&&(r.height<55||r.width<44)&&getComputedStyle(e).visibility!="hidden"}).map(e=>e.tagName+"."+e.className+" "+e.textContent.trim().slice(0,20)+" "+Math.round(e.getBoundingClientRect().width)+"x"+Math.round(e.getBoundingClientRect().height)).join("; ")`))
		must(err)
		if small != "" {
			fmt.Println("SMALL", name, small)
		}
		tiny, err := chromedp.Run(ctx, chromedp.Evaluate[string](`[...document.querySelectorAll("body *")].filter(e=>[...e.childNodes].some(n=>n.nodeType==3&&n.textContent.trim())&&parseFloat(getComputedStyle(e).fontSize)<16&&e.getBoundingClientRect().height>1).map(e=>e.className+":"+e.textContent.slice(0,12)).join("; ")`))
		must(err)
		if tiny != "" {
			fmt.Println("TINY", name, tiny)
		}
		var b []byte
		if full {
			b, err = chromedp.Run(ctx, chromedp.FullScreenshot(100))
		} else {
			b, err = chromedp.Run(ctx, chromedp.CaptureScreenshot())
		}
		must(err)
		must(os.WriteFile(filepath.Join(dir, fmt.Sprintf("%02d-%s.png", n, name)), b, 0o600))
	}
	to := func(path string) {
		t.Helper()
		must(chromedp.Do(ctx, chromedp.Navigate(k.app.URL+path)))
	}
	to("/")
	shot("home", false)
	shot("home-full", true)
	to("/finished")
	shot("finished", false)
	to("/me")
	shot("me", true)
	to("/notices")
	shot("notices", false)
	to("/job/" + s3.job.String())
	shot("verdict", false)
	to("/job/" + s2.job.String() + "/retake/" + defect.String())
	shot("retake", true)
	to("/found")
	shot("found", true)
	to(base)
	shot("job-before", true)
	k.post(base + "/depart")
	k.now.add(45 * time.Minute)
	to(base)
	shot("job-departed", false)
	k.post(base + "/arrive")
	to(base)
	shot("job-arrived", true)
	k.upload(base+"/photo", "photo", scene(1, false), "role", "before", "back", base, "source", "camera")
	to(base + "/work")
	shot("work-empty", true)
	to(base + "/defect")
	shot("classes", false)
	page := k.post(base+"/defect", "id", newID(t).String(), "class", "door_colour").ok()
	def := base + "/defect/" + lastPath(page.at)
	file := filepath.Join(t.TempDir(), "IMG_2.jpg")
	must(os.WriteFile(file, scene(2, true), 0o600))
	full := filepath.Join(t.TempDir(), "IMG_3.jpg")
	must(os.WriteFile(full, scene(3, false), 0o600))
	to(def)
	shot("defect-new", true)
	must(chromedp.Do(ctx, chromedp.SendKeys(chromedp.CSS("#text"), "左起第二块门板比旁边偏黄")))
	time.Sleep(1300 * time.Millisecond)
	shot("defect-typed", false)
	must(chromedp.Do(ctx, chromedp.SetUploadFiles(chromedp.CSS(`form[data-shot=close] input[type=file]`), []string{file}, chromedp.NodeReady)))
	shot("defect-chosen", true)
	must(chromedp.Do(ctx, chromedp.Click(chromedp.CSS(`form[data-shot=close] .send`))))
	time.Sleep(900 * time.Millisecond)
	must(chromedp.Do(ctx, chromedp.Click(chromedp.CSS(`#submit`)), chromedp.WaitVisible(chromedp.CSS("#missing.bad"))))
	shot("defect-refused", false)
	must(chromedp.Do(ctx, chromedp.SetUploadFiles(chromedp.CSS(`form[data-shot=full] input[type=file]`), []string{full}, chromedp.NodeReady),
		chromedp.Click(chromedp.CSS(`form[data-shot=full] .plane`)), chromedp.Click(chromedp.CSS(`form[data-shot=full] .send`)), chromedp.WaitVisible(chromedp.CSS("#complete"))))
	shot("defect-complete", true)
	must(chromedp.Do(ctx, chromedp.Click(chromedp.CSS(`#submit`)), chromedp.WaitVisible(chromedp.CSS("#defects"))))
	must(chromedp.Do(ctx, chromedp.SendKeys(chromedp.CSS("#fault"), "门板色差"), chromedp.Click(chromedp.CSS(".tile"))))
	time.Sleep(1300 * time.Millisecond)
	shot("work-filled", true)
	to(base + "/fee")
	shot("fee-first", false)
	to(base + "/standard")
	shot("standard", false)
	k.post(base + "/standard")
	to(base + "/fee")
	shot("fee-add", true)
	k.post(base+"/fee", "id", newID(t).String(), "item", k.standardID(t, "F03"), "quantity", "1", "card", "100").ok()
	k.post(base+"/fee", "id", newID(t).String(), "item", k.standardID(t, "F02"), "quantity", "2").ok()
	to(base + "/fee")
	shot("fee-lines", true)
	k.post(base+"/receipt", "id", newID(t).String(), "way", "qr", "invoice", "none", "payer", "王秀英").ok()
	to(base + "/fee")
	shot("fee-receipt", false)
	to(base + "/part")
	shot("part", true)
	to(base + "/finish")
	shot("finish", true)
	k.upload(base+"/photo", "photo", scene(5, false), "role", "after", "back", base, "source", "camera")
	k.post(base+"/selfcheck", "ticks_shown", "1", "training_done", "1", "restored", "1", "cleaned", "1", "warranty_card", "1", "outcome", "judge", "check_product", "1", "check_site", "1", "check_tools", "1").ok()
	to(base)
	shot("job-late", false)
	to(base + "/handover")
	shot("handover", true)
	k.post(base+"/handover", "pin", "2580").ok()
	to(base + "/handover")
	shot("customer", true)
	must(chromedp.Do(ctx, chromedp.ScrollIntoView(chromedp.CSS("[data-pad]")), chromedp.Click(chromedp.CSS("#signed"))))
	shot("customer-noink", false)
	_, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`(()=>{const c=document.querySelector("canvas"),r=c.getBoundingClientRect();const ev=(t,x,y)=>c.dispatchEvent(new PointerEvent(t,{pointerId:5,pointerType:"touch",clientX:r.left+x,clientY:r.top+y,bubbles:true,width:10,height:10}));c.setPointerCapture=()=>{};ev("pointerdown",40,110);for(let i=0;i<60;i++)ev("pointermove",40+i*4,110+Math.sin(i/5)*45-i*.4);ev("pointerup",300,90);return true})()`))
	must(err)
	must(chromedp.Do(ctx, chromedp.Click(chromedp.CSS(`input[name=quality][value="5"]`), chromedp.NodeReady), chromedp.Click(chromedp.CSS(`input[name=attitude][value="4"]`), chromedp.NodeReady), chromedp.ScrollIntoView(chromedp.CSS("#unable"))))
	shot("customer-signed", false)
	must(chromedp.Do(ctx, chromedp.Click(chromedp.CSS("#signed")), chromedp.WaitVisible(chromedp.CSS("#close-visit"))))
	shot("done", false)
	must(chromedp.Do(ctx, chromedp.Click(chromedp.CSS("#close-visit")), chromedp.WaitVisible(chromedp.CSS(".seal-big"))))
	shot("closed", false)
	to("/uploads")
	shot("uploads", true)
	to("/me/leave")
	shot("leave", false)
	k.now.add(5 * time.Hour)
	k.free = 300 << 20
	to("/")
	shot("home-evening", false)
	to("/job/" + s1.job.String())
	shot("job-done", true)
}
