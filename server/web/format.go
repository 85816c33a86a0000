package web

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

func (p Page) at(ms int64) time.Time { return time.UnixMilli(ms).In(p.c.Zone()) }

// Time is a moment: the hour alone today, with the day else, with the year
// where it is another one. "" for 0.
func (p Page) Time(ms int64) string {
	if ms == 0 {
		return ""
	}
	t, now := p.at(ms), p.c.Now.In(p.c.Zone())
	switch {
	case t.YearDay() == now.YearDay() && t.Year() == now.Year():
		return t.Format("15:04")
	case t.Year() == now.Year():
		return t.Format("01-02 15:04")
	}
	return t.Format("2006-01-02 15:04")
}

// Moment is the whole date and time. "" for 0.
func (p Page) Moment(ms int64) string {
	if ms == 0 {
		return ""
	}
	return p.at(ms).Format("2006-01-02 15:04")
}

// Clock is the hour and minute. "" for 0.
func (p Page) Clock(ms int64) string {
	if ms == 0 {
		return ""
	}
	return p.at(ms).Format("15:04")
}

// Date is the day. "" for 0.
func (p Page) Date(ms int64) string {
	if ms == 0 {
		return ""
	}
	return p.at(ms).Format("2006-01-02")
}

// Day is the day with its weekday, in words. "" for 0.
func (p Page) Day(ms int64) string {
	if ms == 0 {
		return ""
	}
	t := p.at(ms)
	if p.c.Lang == English {
		return t.Format("Mon 2 Jan")
	}
	return fmt.Sprintf("%d月%d日 周%s", t.Month(), t.Day(), []string{"日", "一", "二", "三", "四", "五", "六"}[t.Weekday()])
}

// Input is the value of a datetime-local field. "" for 0.
func (p Page) Input(ms int64) string {
	if ms == 0 {
		return ""
	}
	return p.at(ms).Format("2006-01-02T15:04")
}

// Slot is an appointment: day, from and to. "" where there is none.
func (p Page) Slot(from, to int64) string {
	if from == 0 {
		return ""
	}
	s := p.Day(from) + " " + p.Clock(from)
	if to > from {
		s += "–" + p.Clock(to)
	}
	return s
}

// Span is a length of time in words, largest units first: "2 h 05 min".
func (p Page) Span(ms int64) string {
	if ms < 0 {
		ms = -ms
	}
	min := ms / 60000
	switch {
	case min >= 48*60:
		return p.T("span.days", min/(24*60))
	case min >= 60:
		return p.T("span.hours", min/60, fmt.Sprintf("%02d", min%60))
	}
	return p.T("span.minutes", min)
}

// Since is how long a moment is past, without the word "ago". "" for 0.
func (p Page) Since(ms int64) string {
	if ms == 0 {
		return ""
	}
	return p.Span(p.c.Now.UnixMilli() - ms)
}

// Ago is how long a moment is past. "" for 0.
func (p Page) Ago(ms int64) string {
	if ms == 0 {
		return ""
	}
	d := p.c.Now.UnixMilli() - ms
	if d < 60000 {
		return p.T("span.now")
	}
	return p.T("span.ago", p.Span(d))
}

// Money is an amount of the smallest unit: ¥1,234.50. Other currencies than
// CNY are named before the figure.
func (p Page) Money(fen int64, currency string) string {
	sign := ""
	if fen < 0 {
		sign, fen = "−", -fen
	}
	whole := strconv.FormatInt(fen/100, 10)
	var b strings.Builder
	for i, r := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(r)
	}
	unit := "¥"
	if currency != "" && currency != "CNY" {
		unit = currency + " "
	}
	return fmt.Sprintf("%s%s%s.%02d", sign, unit, b.String(), fen%100)
}

// Yuan is an amount of fen in whole yuan, for narrow columns.
func (p Page) Yuan(fen int64) string {
	return strings.TrimSuffix(p.Money((fen+50)/100*100, "CNY"), ".00")
}

// Size is a number of bytes in KB or MB.
func (p Page) Size(n int64) string {
	if n < 1<<20 {
		return fmt.Sprintf("%d KB", (n+1023)/1024)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
}
