package phone

import (
	"embed"
	"encoding/json"
	"fmt"
	"strings"
)

//go:embed lang/*.json
var langFiles embed.FS

// The languages of the pages. Chinese comes first; English is a choice.
const (
	langZH = "zh-CN"
	langEN = "en"
)

// dictionary holds the words of one language that are not labels of the schema.
type dictionary map[string]string

// loadDictionary reads the embedded words of a language.
func loadDictionary(lang string) (dictionary, error) {
	b, err := langFiles.ReadFile("lang/" + lang + ".json")
	if err != nil {
		return nil, fmt.Errorf("words of %s: %w", lang, err)
	}
	d := dictionary{}
	if err := json.Unmarshal(b, &d); err != nil {
		return nil, fmt.Errorf("words of %s: %w", lang, err)
	}
	return d, nil
}

// text gives the words of a key, with {0}, {1}… replaced by args. An unknown
// key shows itself, so that a test and an eye find it.
func (d dictionary) text(key string, args ...any) string {
	s, ok := d[key]
	if !ok {
		return "⟦" + key + "⟧"
	}
	for i, a := range args {
		s = strings.ReplaceAll(s, fmt.Sprintf("{%d}", i), fmt.Sprint(a))
	}
	return s
}

// pickLang chooses: the person's choice, else the app's setting, else the web
// view's wish, else Chinese.
func pickLang(chosen, configured, accept string) string {
	for _, l := range []string{chosen, configured} {
		switch {
		case l == langZH || l == langEN:
			return l
		case strings.HasPrefix(l, "zh"):
			return langZH
		case strings.HasPrefix(l, "en"):
			return langEN
		}
	}
	for part := range strings.SplitSeq(accept, ",") {
		tag := strings.ToLower(strings.TrimSpace(part))
		if strings.HasPrefix(tag, "zh") {
			return langZH
		}
		if strings.HasPrefix(tag, "en") {
			return langEN
		}
	}
	return langZH
}
