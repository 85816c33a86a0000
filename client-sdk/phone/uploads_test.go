package phone

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// TestUploadRuleOnThePage: the page says whether the network costs money, what
// waits for Wi-Fi and why, and takes the choice; one photo or a visit is sent now
// or moved up by a tap.
func TestUploadRuleOnThePage(t *testing.T) {
	k, base := arrived(t, nil)
	k.photo(base, "before", 1).ok()
	k.photo(base, "after", 2).ok()
	page := k.get("/uploads").ok().says("现在不用流量", `data-rule="large"`, "大图等 Wi-Fi").silent("在等 Wi-Fi,现在用的是流量")
	shas := regexp.MustCompile(`name="sha" value="([0-9a-f]{64})"`).FindAllStringSubmatch(page.body, -1)
	if len(shas) != 2 {
		t.Fatalf("%d photos can be moved up", len(shas))
	}
	k.paid = true
	k.get("/uploads").ok().says("现在用的是流量").silent("在等 Wi-Fi,现在用的是流量") // small ones go
	k.post("/uploads/rule", "rule", "never").is(http.StatusUnprocessableEntity)
	page = k.post("/uploads/rule", "rule", "wifi").ok().says("已按您选的上传", `data-rule="wifi"`, "在等 Wi-Fi,现在用的是流量", "现在用流量传")
	if n := strings.Count(page.body, `name="paid"`); n != 3 {
		t.Errorf("%d ways to pay, want one for each photo and one for the visit", n)
	}
	k.post("/uploads/first", "sha", shas[1][1], "paid", "1").ok().says("已排到前面")
	page = k.get("/uploads").ok().says("在等 Wi-Fi,现在用的是流量")
	if n := strings.Count(page.body, "在等 Wi-Fi,现在用的是流量"); n != 1 {
		t.Errorf("%d photos wait for Wi-Fi, want the other one alone", n)
	}
	k.post("/uploads/first", "sha", shas[0][1]).ok().says("已排到前面")
	for _, wrong := range []string{"", "00", strings.Repeat("z", 64)} {
		if a := k.post("/uploads/first", "sha", wrong); a.status < 400 {
			t.Errorf("%q was moved up: %d", wrong, a.status)
		}
	}
	k.post("/uploads/first", "sha", strings.Repeat("0", 64)).ok() // not here: nothing to do
	k.post("/uploads/first").is(http.StatusUnprocessableEntity)
}

// TestBrowserUploadRule: the choice and the buttons are for a thumb: large
// enough, with words, and the page shows what a tap did.
func TestBrowserUploadRule(t *testing.T) {
	k, base := arrived(t, nil)
	k.photo(base, "before", 1).ok()
	k.photo(base, "after", 2).ok()
	k.paid = true
	s := newScreen(t, k)
	s.open("/uploads")
	s.see("#rule")
	s.tap(`#rule button[value="wifi"]`)
	s.see(`#rule[data-rule="wifi"] button[value="wifi"][aria-pressed]`)
	for _, lang := range []string{langEN, langZH} {
		k.post("/me/lang", "lang", lang).ok()
		s.open("/uploads")
		if faults := s.js(layoutFaults); faults != "" {
			t.Errorf("the page of uploads, %s:\n%s", lang, faults)
		}
	}
	s.tap(`.rows form button`)
	s.until("one photo was sent on", func() bool {
		st, err := k.client.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		first := 0
		for _, u := range st.Uploads {
			if u.First && !u.Waits {
				first++
			}
		}
		return first == 1
	})
	s.quiet()
}
