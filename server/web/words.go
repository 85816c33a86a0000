package web

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"sort"
	"strconv"
	"strings"
)

//go:embed i18n/*.json
var shellWords embed.FS

// Languages of the screens, the first being the default.
const (
	Chinese = "zh-CN"
	English = "en"
)

// words are the two dictionaries, shared by Go and by the scripts.
type words struct {
	text2 map[string]map[string]string // language → key → text
	js    map[string]string            // language → JSON of the keys that begin with "js."
}

func loadWords(areas []Area) (*words, error) {
	w := &words{text2: map[string]map[string]string{Chinese: {}, English: {}}, js: map[string]string{}}
	own, err := fs.Sub(shellWords, "i18n")
	if err != nil {
		return nil, err
	}
	sources := []fs.FS{own}
	for _, a := range areas {
		if a.Words != nil {
			sources = append(sources, a.Words)
		}
	}
	for _, src := range sources {
		if err := w.addAll(src); err != nil {
			return nil, err
		}
	}
	if err := w.parity(); err != nil {
		return nil, err
	}
	for lang, all := range w.text2 {
		part := map[string]string{}
		for k, v := range all {
			if strings.HasPrefix(k, "js.") {
				part[strings.TrimPrefix(k, "js.")] = v
			}
		}
		b, err := json.Marshal(part)
		if err != nil {
			return nil, err
		}
		w.js[lang] = string(b)
	}
	return w, nil
}

func (w *words) addAll(src fs.FS) error {
	names, err := fs.Glob(src, "*.json")
	if err != nil {
		return err
	}
	for _, name := range names {
		lang := strings.TrimPrefix(path.Ext(strings.TrimSuffix(name, ".json")), ".")
		into := w.text2[lang]
		if into == nil {
			return fmt.Errorf("words: %s is of no known language", name)
		}
		b, err := fs.ReadFile(src, name)
		if err != nil {
			return err
		}
		m := map[string]string{}
		if err := json.Unmarshal(b, &m); err != nil {
			return fmt.Errorf("words: %s: %w", name, err)
		}
		for k, v := range m {
			if _, twice := into[k]; twice {
				return fmt.Errorf("words: %s: key %s is in two files", name, k)
			}
			into[k] = v
		}
	}
	return nil
}

// parity refuses dictionaries of which one lacks a key of the other, or whose
// texts take different arguments.
func (w *words) parity() error {
	var bad []string
	for k, zh := range w.text2[Chinese] {
		en, ok := w.text2[English][k]
		if !ok {
			bad = append(bad, k+" has no English")
		} else if arguments(zh) != arguments(en) {
			bad = append(bad, k+" takes different arguments")
		}
	}
	for k := range w.text2[English] {
		if _, ok := w.text2[Chinese][k]; !ok {
			bad = append(bad, k+" has no Chinese")
		}
	}
	if len(bad) > 0 {
		sort.Strings(bad)
		return fmt.Errorf("words: %s", strings.Join(bad, "; "))
	}
	return nil
}

func arguments(s string) string {
	var found []string
	for i := range 6 {
		if a := "{" + strconv.Itoa(i) + "}"; strings.Contains(s, a) {
			found = append(found, a)
		}
	}
	return strings.Join(found, "")
}

func (w *words) of(lang string) map[string]string { return w.text2[normalLanguage(lang)] }

func (w *words) has(key string) bool { _, ok := w.text2[Chinese][key]; return ok }

func (w *words) text(lang, key string, args ...any) string {
	s, ok := w.of(lang)[key]
	if !ok {
		return key
	}
	for i, a := range args {
		s = strings.ReplaceAll(s, "{"+strconv.Itoa(i)+"}", fmt.Sprint(a))
	}
	return s
}

func normalLanguage(s string) string {
	if s == English || strings.HasPrefix(strings.ToLower(s), "en") {
		return English
	}
	return Chinese
}

// language chooses: the choice made on this browser, the person's own, then
// Accept-Language, then Chinese.
func (s *Site) language(r *http.Request, own string) string {
	if ck, err := r.Cookie(s.cookieName("language")); err == nil && ck.Value != "" {
		return normalLanguage(ck.Value)
	}
	if own != "" {
		return normalLanguage(own)
	}
	return acceptLanguage(r.Header.Get("Accept-Language"))
}

// acceptLanguage picks the better of the two languages by the header's
// weights; Chinese where neither is named.
func acceptLanguage(header string) string {
	type wish struct {
		lang string
		q    float64
	}
	var wishes []wish
	if len(header) > 400 {
		header = header[:400]
	}
	for part := range strings.SplitSeq(header, ",") {
		tag, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		q := 1.0
		if v, ok := strings.CutPrefix(strings.TrimSpace(params), "q="); ok {
			if f, err := strconv.ParseFloat(v, 64); err == nil {
				q = f
			}
		}
		tag = strings.ToLower(tag)
		switch {
		case strings.HasPrefix(tag, "zh"):
			wishes = append(wishes, wish{Chinese, q})
		case strings.HasPrefix(tag, "en"):
			wishes = append(wishes, wish{English, q})
		}
	}
	slices.SortStableFunc(wishes, func(a, b wish) int {
		switch {
		case a.q > b.q:
			return -1
		case a.q < b.q:
			return 1
		}
		return 0
	})
	if len(wishes) == 0 || wishes[0].q == 0 {
		return Chinese
	}
	return wishes[0].lang
}
