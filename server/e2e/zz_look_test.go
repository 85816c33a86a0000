package e2e_test

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

func TestLook(t *testing.T) {
	_, info := startDemo(t, "/tmp/look-data")
	b := newBrowser(t)
	sign := func(name, user string) *tab {
		p := b.tab(name, 1440, 900, false)
		p.open(info.Server + "/signin")
		p.fill(`input[name=login]`, user)
		p.fill(`input[name=password]`, "demo-siteledger")
		p.submit(`form[action="/signin"] button`)
		return p
	}
	j := sign("judge", "judge")
	j.open(info.Server + "/headquarters/")
	time.Sleep(1800 * time.Millisecond)
	j.picture("/tmp/look/hq/queue.png")
	j.eval(`document.querySelector("td.two a").click()`)
	time.Sleep(2500 * time.Millisecond)
	j.picture("/tmp/look/hq/defect.png")
	p := b.tab("phone", 390, 844, true)
	p.open(info.Phone)
	time.Sleep(500 * time.Millisecond)
	p.picture("/tmp/look/phone/home.png")
	p.eval(`document.querySelector("a[href^='/job/']").click()`)
	time.Sleep(500 * time.Millisecond)
	p.picture("/tmp/look/phone/job.png")
	p.open(info.Phone[:len(info.Phone)-len("/?t=")-43] + "/finished")
	time.Sleep(500 * time.Millisecond)
	p.picture("/tmp/look/phone/finished.png")
	k := b.tab("console", 1200, 900, false)
	k.open(info.Console)
	k.picture("/tmp/look/console.png")
	_ = chromedp.Title
}
