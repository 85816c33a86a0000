package phone

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"siteledger/syncproto"
	"siteledger/syncproto/schema"
)

func dictionaries(t *testing.T) (zh, en dictionary) {
	t.Helper()
	zh, err := loadDictionary(langZH)
	if err != nil {
		t.Fatal(err)
	}
	if en, err = loadDictionary(langEN); err != nil {
		t.Fatal(err)
	}
	return zh, en
}

// Both languages say everything, with the same places for values.
func TestDictionariesMatch(t *testing.T) {
	zh, en := dictionaries(t)
	han := regexp.MustCompile(`\p{Han}`)
	place := regexp.MustCompile(`\{\d\}`)
	for key, z := range zh {
		e, ok := en[key]
		switch {
		case !ok:
			t.Errorf("%s has no English", key)
		case z == "" || e == "":
			t.Errorf("%s is empty", key)
		case han.MatchString(e):
			t.Errorf("%s: English with Chinese in it: %q", key, e)
		case key != "stub.day" && len(uniq(place.FindAllString(z, -1))) != len(uniq(place.FindAllString(e, -1))):
			t.Errorf("%s: %q and %q show different values", key, z, e)
		}
	}
	for key := range en {
		if _, ok := zh[key]; !ok {
			t.Errorf("%s has no Chinese", key)
		}
	}
}

func uniq(list []string) map[string]bool {
	out := map[string]bool{}
	for _, s := range list {
		out[s] = true
	}
	return out
}

// Every key that a template names is there, and no icon of one is missing.
func TestTemplatesUseKnownWords(t *testing.T) {
	zh, _ := dictionaries(t)
	icons, err := loadIcons()
	if err != nil {
		t.Fatal(err)
	}
	key := regexp.MustCompile(`\bt "([^"]+)"`)
	icon := regexp.MustCompile(`\bicon "([^"]+)"`)
	label := regexp.MustCompile(`\b(label|value) "([a-z_]+)" "([a-z_]*)"`)
	names, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil {
		t.Fatal(err)
	}
	d := schema.MustCurrent()
	for _, name := range names {
		b, err := templateFiles.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range key.FindAllStringSubmatch(string(b), -1) {
			if _, ok := zh[m[1]]; !ok {
				t.Errorf("%s: no words for %q", name, m[1])
			}
		}
		for _, m := range icon.FindAllStringSubmatch(string(b), -1) {
			if icons[m[1]] == "" {
				t.Errorf("%s: no icon %q", name, m[1])
			}
		}
		for _, m := range label.FindAllStringSubmatch(string(b), -1) {
			if table := d.Table(m[2]); table == nil || (m[3] != "" && table.Column(m[3]) == nil) {
				t.Errorf("%s: no label for %s.%s", name, m[2], m[3])
			}
		}
		if strings.Contains(string(b), "style=") || regexp.MustCompile(`\son[a-z]+=`).Match(b) {
			t.Errorf("%s: inline style or handler", name)
		}
	}
}

// What the wire can say about a change has words.
func TestReasonsHaveWords(t *testing.T) {
	zh, _ := dictionaries(t)
	for _, r := range []syncproto.Reason{syncproto.Transition, syncproto.Rule, syncproto.RowUnknown, syncproto.Behind, syncproto.NotWriter, syncproto.NotActor, syncproto.BadValue, syncproto.Transaction} {
		if zh["reason."+string(r)] == "" {
			t.Errorf("no words for %q", r)
		}
	}
}

func TestPickLang(t *testing.T) {
	for _, c := range []struct{ chosen, configured, accept, want string }{
		{"", "", "", langZH},
		{"", "", "fr-FR,en;q=0.5", langEN},
		{"", "", "zh-TW,en", langZH},
		{"", "zh-CN", "en-US", langZH},
		{"en", "zh-CN", "zh", langEN},
		{"xx", "yy", "de", langZH},
	} {
		if got := pickLang(c.chosen, c.configured, c.accept); got != c.want {
			t.Errorf("pickLang(%q, %q, %q) = %s, want %s", c.chosen, c.configured, c.accept, got, c.want)
		}
	}
}

func TestParseMoney(t *testing.T) {
	for typed, want := range map[string]int64{"120": 12000, "35.5": 3550, "0.05": 5, "¥ 80": 8000, "120。50": 12050, "1": 100} {
		if got, err := parseMoney(typed); err != nil || got != want {
			t.Errorf("parseMoney(%q) = %d, %v; want %d", typed, got, err, want)
		}
	}
	for _, typed := range []string{"", "-5", "+5", "1.234", "1e3", "12345678", "abc", ".5", "1.-5", "0x10"} {
		if got, err := parseMoney(typed); err == nil {
			t.Errorf("parseMoney(%q) = %d, want a refusal", typed, got)
		}
	}
}

func TestCleanPhone(t *testing.T) {
	for typed, want := range map[string]string{
		"13800138000": "13800138000", " +86 138-0013-8000 ": "+86 138-0013-8000", "13800": "13800",
		"1234": "", "javascript:alert(1)": "", "": "", "<b>057188001234</b>": "057188001234",
	} {
		if got := cleanPhone(typed); got != want {
			t.Errorf("cleanPhone(%q) = %q, want %q", typed, got, want)
		}
	}
}

func TestClipKeepsCharactersWhole(t *testing.T) {
	if got := clip("门板𠮷", 8); got != "门板" {
		t.Errorf("clip: %q", got)
	}
	if got := clip("a\xffb", 10); got != "a�b" {
		t.Errorf("clip: %q", got)
	}
}
