package bundle

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"

	"siteledger/syncproto/changelog"
	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

// columnsOf gives a change's columns in the table's order, unknown ones last.
func columnsOf(t *schema.Table, ch *changelog.Change) []string {
	var out []string
	if t != nil {
		for _, c := range t.Columns {
			if _, ok := ch.Cols[c.Name]; ok && c.Name != t.ParentColumn {
				out = append(out, c.Name)
			}
		}
	}
	for _, name := range sortedKeys(ch.Cols) {
		if t == nil || t.Column(name) == nil {
			out = append(out, name)
		}
	}
	return out
}

func (b *Bundle) cell(t *schema.Table, name string, ch *changelog.Change, paths map[string]string) cell {
	c := cell{Label: Words{tidy(name), tidy(name)}}
	var col *schema.Column
	if t != nil {
		col = t.Column(name)
	}
	if col != nil {
		c.Label = label(col.Label)
	}
	c.Value = b.value(col, ch.Cols, ch.Cols[name])
	if was, ok := ch.Was[name]; ok && was != nil {
		c.Was = b.value(col, ch.Was, was)
	}
	if sha, ok := ch.Cols[name].([]byte); ok {
		c.Link = paths[hexOf(sha)]
	}
	return c
}

// value puts one cell into words.
func (b *Bundle) value(c *schema.Column, cols map[string]any, v any) string {
	if c == nil {
		return anyText(v)
	}
	switch x := v.(type) {
	case nil:
		return "—"
	case bool:
		if x {
			return "是 yes"
		}
		return "否 no"
	case int64:
		switch c.Type {
		case schema.Int:
			if c.Name == "latitude" || c.Name == "longitude" {
				return fieldwork.Degrees(x)
			}
		case schema.Time:
			return clock(x)
		case schema.Money:
			currency, _ := cols[c.Currency].(string)
			return strings.TrimSpace(fieldwork.Yuan(x) + " " + currency)
		}
	case string:
		if len(c.Values) > 0 {
			return valueWords(c, x).String()
		}
	case []byte:
		if c.Type == schema.UUID && len(x) == 16 {
			id := uuid.UUID(x)
			if c.Ref == "person" {
				return cmp.Or(b.c.file.Name(id), id.String())
			}
			return id.String()
		}
	}
	return anyText(v)
}

func anyText(v any) string {
	switch x := v.(type) {
	case nil:
		return "—"
	case string:
		return tidy(x)
	case []byte:
		if h := hexOf(x); len(h) > 64 {
			return h[:64] + "…"
		} else {
			return h
		}
	case int64:
		return strconv.FormatInt(x, 10)
	case json.Number:
		return x.String()
	}
	return tidy(fmt.Sprint(v))
}

// tidy keeps a text from turning the line around it; the page escapes it too.
func tidy(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return r
		}
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	if runes := []rune(s); len(runes) > 2000 {
		return string(runes[:2000]) + "…"
	}
	return s
}

func (b *Bundle) sideText(k *Case, v any) string { return b.jsonText(k.Table, k.Column, v) }

// jsonText puts a value that went through JSON into words.
func (b *Bundle) jsonText(table, column string, v any) string {
	t := b.c.m.Schema.Table(table)
	if n, ok := v.(json.Number); ok {
		if i, err := n.Int64(); err == nil {
			v = i
		}
	}
	if t != nil && t.Column(column) != nil {
		return b.value(t.Column(column), nil, v)
	}
	return anyText(v)
}

func (b *Bundle) columnWords(table, column string) Words {
	if t := b.c.m.Schema.Table(table); t != nil && t.Column(column) != nil {
		return Words{t.Label.ZH + ":" + t.Column(column).Label.ZH, t.Label.EN + ": " + t.Column(column).Label.EN}
	}
	return Words{column, column}
}

func (b *Bundle) name(id uuid.UUID) string {
	if id == uuid.Nil {
		return "服务器 server"
	}
	return tidy(cmp.Or(b.c.file.Name(id), id.String()))
}

func label(l schema.Label) Words { return Words{l.ZH, l.EN} }

func valueWords(c *schema.Column, v string) Words {
	return Words{tidy(c.ValueLabel(v, "zh-CN")), tidy(c.ValueLabel(v, "en"))}
}

// clock writes a time as it is everywhere in China.
func clock(ms int64) string {
	if ms == 0 {
		return "—"
	}
	return time.UnixMilli(ms).In(time.FixedZone("UTC+8", 8*3600)).Format("2006-01-02 15:04:05")
}

func span(i fieldwork.Interval) string {
	if i.Earliest == 0 {
		return "≤ " + clock(i.Latest)
	}
	if a, b := clock(i.Earliest), clock(i.Latest); a == b {
		return a
	} else if a[:10] == b[:10] {
		return a + " – " + b[11:]
	} else {
		return a + " – " + b
	}
}

func bytesText(n int64) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.0f kB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d B", n)
}
