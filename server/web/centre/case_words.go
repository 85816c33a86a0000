package centre

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"siteledger/server/report"
	"siteledger/server/web"
	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

// teller puts cells into words for one request.
type teller struct {
	c      *web.Context
	schema *schema.Descriptor
	people map[uuid.UUID]string
}

// name is a person in words; the server's own entries and unknown people have
// words of their own.
func (t *teller) name(person uuid.UUID) string {
	if n := t.people[person]; n != "" {
		return n
	}
	if person == uuid.Nil {
		return t.c.T("case.who.server")
	}
	return t.c.T("case.who.unknown")
}

func (t *teller) column(table, column string) *schema.Column {
	if tab := t.schema.Table(table); tab != nil {
		return tab.Column(column)
	}
	return nil
}

// label is the trade's name of a column.
func (t *teller) label(table, column string) string {
	if c := t.column(table, column); c != nil {
		return c.Label.In(t.c.Lang)
	}
	return column
}

// table is the trade's name of a table.
func (t *teller) table(name string) string {
	if tab := t.schema.Table(name); tab != nil {
		return tab.Label.In(t.c.Lang)
	}
	return name
}

// value puts a cell into words; "" for an empty one.
func (t *teller) value(c *schema.Column, v schema.Value) string {
	if v == nil {
		return ""
	}
	if c == nil {
		return fmt.Sprint(v)
	}
	switch x := v.(type) {
	case bool:
		if x {
			return t.c.T("case.yes")
		}
		return t.c.T("case.no")
	case int64:
		switch c.Type {
		case schema.Time:
			return t.moment(x)
		case schema.Money:
			return "¥" + fieldwork.Yuan(x)
		}
		if c.Name == "latitude" || c.Name == "longitude" {
			return fieldwork.Degrees(x) + "°"
		}
		return strconv.FormatInt(x, 10)
	case string:
		return c.ValueLabel(x, t.c.Lang)
	case []byte:
		return t.bytes(c, x)
	}
	return fmt.Sprint(v)
}

func (t *teller) bytes(c *schema.Column, b []byte) string {
	if c.Type != schema.UUID || len(b) != 16 {
		return hex.EncodeToString(b[:min(6, len(b))]) + "…"
	}
	id := uuid.UUID(b)
	if c.Ref == "person" {
		return t.name(id)
	}
	return "#" + id.String()[24:]
}

// told puts a value of a case, as JSON has it, into words.
func (t *teller) told(c *schema.Column, v any) string {
	if c == nil {
		if v == nil {
			return ""
		}
		return fmt.Sprint(v)
	}
	cell, err := report.CellValue(c, v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return t.value(c, cell)
}

// safe puts a value that was never checked into words: one that does not fit
// its column is shown as it is, within bounds.
func (t *teller) safe(c *schema.Column, v any) string {
	if !c.Fits(v) {
		return short(v)
	}
	return t.value(c, c.Normal(v))
}

// moment is a whole date and time by the screens' wall clock.
func (t *teller) moment(ms int64) string {
	if ms == 0 {
		return ""
	}
	return time.UnixMilli(ms).In(t.c.Zone()).Format("2006-01-02 15:04")
}

var errTyped = errors.New("the text is no value of this column")

// typed reads what a person typed into a field of the column's kind.
func (t *teller) typed(c *schema.Column, text string) (schema.Value, error) {
	if text == "" {
		return nil, nil
	}
	switch c.Type {
	case schema.Text:
		return text, nil
	case schema.Int:
		return parsed(strconv.ParseInt(text, 10, 64))
	case schema.Bool:
		return text == "true", nil
	case schema.Time:
		at, err := time.ParseInLocation("2006-01-02T15:04", text, t.c.Zone())
		if err != nil {
			return nil, errTyped
		}
		return at.UnixMilli(), nil
	case schema.Money:
		return fen(text)
	case schema.Bytes:
		return parsed(base64.StdEncoding.DecodeString(text))
	}
	return nil, errTyped
}

func parsed[T any](v T, err error) (schema.Value, error) {
	if err != nil {
		return nil, errTyped
	}
	return v, nil
}

// fen reads an amount in yuan with at most two digits behind the point,
// without a float in between.
func fen(text string) (schema.Value, error) {
	text = strings.TrimPrefix(strings.TrimSpace(text), "¥")
	whole, cents, _ := strings.Cut(text, ".")
	if whole == "" || len(cents) > 2 || len(whole) > 9 {
		return nil, errTyped
	}
	n, err := strconv.ParseUint(whole+(cents + "00")[:2], 10, 63)
	if err != nil {
		return nil, errTyped
	}
	return int64(n), nil
}

// input is the value of a form's field for a cell.
func (t *teller) input(c *schema.Column, v schema.Value) string {
	switch x := v.(type) {
	case int64:
		switch c.Type {
		case schema.Time:
			return time.UnixMilli(x).In(t.c.Zone()).Format("2006-01-02T15:04")
		case schema.Money:
			return fieldwork.Yuan(x)
		}
		return strconv.FormatInt(x, 10)
	case bool:
		return strconv.FormatBool(x)
	case string:
		return x
	}
	return ""
}
