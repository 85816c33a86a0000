package web

import (
	"encoding/base64"
	"encoding/json"
)

// Flash is a message shown once, on the next page.
type Flash struct {
	Tone string `json:"t"` // ok, warn, bad, info
	Text string `json:"x"`
}

// Flash keeps a message for the next page, in a short-lived cookie. It is
// shown as text, whatever it holds.
func (c *Context) Flash(tone, text string) {
	if r := []rune(text); len(r) > 300 {
		text = string(r[:300]) + "…"
	}
	b, err := json.Marshal(Flash{Tone: tone, Text: text})
	if err != nil {
		return
	}
	c.said = base64.RawURLEncoding.EncodeToString(b)
	c.site.setCookie(c.W, "flash", c.said, 60)
}

func (s *Site) takeFlash(c *Context) []Flash {
	ck, err := c.R.Cookie(s.cookieName("flash"))
	if err != nil || len(ck.Value) > 4000 {
		return nil
	}
	s.setCookie(c.W, "flash", "", -1)
	b, err := base64.RawURLEncoding.DecodeString(ck.Value)
	if err != nil {
		return nil
	}
	var f Flash
	if json.Unmarshal(b, &f) != nil || f.Text == "" {
		return nil
	}
	return []Flash{f}
}
