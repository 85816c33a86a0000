package web

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What keeps a page from being painted stands in one place, the layout's head:
// no template of a door names a style sheet or a script of its own, and no script
// holds up the parser.
func TestNothingHoldsUpAPage(t *testing.T) {
	var all []string
	for _, at := range []string{"templates/*.html", "*/templates/*.html"} {
		found, err := filepath.Glob(at)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, found...)
	}
	if len(all) < 20 {
		t.Fatalf("only %d templates", len(all))
	}
	for _, name := range all {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		body := string(b)
		if name == filepath.Join("templates", "layout.html") {
			head, rest, _ := strings.Cut(body, "</head>")
			if !strings.Contains(head, `rel="stylesheet"`) {
				t.Error("the layout links no style sheet")
			}
			for _, tag := range regexp.MustCompile(`<script[^>]*>`).FindAllString(head, -1) {
				if !strings.Contains(tag, `type="module"`) && !strings.Contains(tag, `type="application/json"`) {
					t.Errorf("the parser waits for %s", tag)
				}
			}
			body = rest
		}
		for _, tag := range []string{"<script", `rel="stylesheet"`, "<style"} {
			if strings.Contains(body, tag) {
				t.Errorf("%s: %s in the middle of the page", name, tag)
			}
		}
	}
}

// A pill is one element: its shape is a background in the style sheet, drawn as
// the icon of that name is, in the tone's own colour.
func TestAPillIsOneElement(t *testing.T) {
	b, err := shellStatic.ReadFile("static/app.css")
	if err != nil {
		t.Fatal(err)
	}
	css := string(b)
	encode := strings.NewReplacer("<", "%3C", ">", "%3E", `"`, "'")
	for _, tone := range []string{"ok", "warn", "bad", "info", "wait", "quiet", "off"} {
		if got, want := string(pill(tone, "<i>")), `<span class="pill pill-`+tone+`">&lt;i&gt;</span>`; got != want {
			t.Errorf("%s: %s", tone, got)
		}
		colour := tone
		if tone == "off" {
			colour = "quiet"
		}
		m := regexp.MustCompile(`--` + colour + `: #([0-9a-f]{6})`).FindStringSubmatch(css)
		rule := regexp.MustCompile(`(?m)^\.pill-` + tone + ` \{ color: var\(--` + colour + `\);[^\n]*$`).FindString(css)
		if m == nil || !strings.Contains(rule, "stroke='%23"+m[1]+"'") || !strings.Contains(rule, encode.Replace(drawing(tone))) {
			t.Errorf("the shape of %s is not that of its icon: %s", tone, rule)
		}
	}
}
