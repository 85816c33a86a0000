package phone

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"siteledger/syncproto/fieldwork"
)

// words turns values into the text of one language.
type words struct {
	lang string
	dict dictionary
	zone *time.Location
	now  func() time.Time
}

func (w words) t(key string, args ...any) string { return w.dict.text(key, args...) }

func (w words) at(ms int64) time.Time { return time.UnixMilli(ms).In(w.zone) }

// hm is the hour and minute, "" for no time.
func (w words) hm(ms int64) string {
	if ms == 0 {
		return ""
	}
	return w.at(ms).Format("15:04")
}

// day names a day as people do: today, tomorrow, Thursday 9 May.
func (w words) day(ms int64) string {
	t := w.at(ms)
	switch w.daysFromToday(ms) {
	case -1:
		return w.t("day.yesterday")
	case 0:
		return w.t("day.today")
	case 1:
		return w.t("day.tomorrow")
	}
	if w.lang == langEN {
		return t.Format("Mon 2 Jan")
	}
	return fmt.Sprintf("%s %d月%d日", weekday(t), int(t.Month()), t.Day())
}

// stubDay is the shortest name of a day, for the stub of a slip.
func (w words) stubDay(ms int64) string {
	t := w.at(ms)
	return w.t("stub.day", int(t.Month()), t.Day(), t.Format("Jan"))
}

func weekday(t time.Time) string {
	return [...]string{"周日", "周一", "周二", "周三", "周四", "周五", "周六"}[t.Weekday()]
}

// daysFromToday counts calendar days in the phone's zone.
func (w words) daysFromToday(ms int64) int {
	midnight := func(t time.Time) time.Time {
		return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	}
	return int(midnight(w.at(ms)).Sub(midnight(w.now().In(w.zone))).Hours() / 24)
}

// when is day and time; today only the time.
func (w words) when(ms int64) string {
	if ms == 0 {
		return ""
	}
	if w.daysFromToday(ms) == 0 {
		return w.hm(ms)
	}
	return w.day(ms) + " " + w.hm(ms)
}

// date is the full date, for records.
func (w words) date(ms int64) string {
	if ms == 0 {
		return ""
	}
	return w.at(ms).Format("2006-01-02")
}

// span words a length of time, rounded to minutes, days beyond two of them.
func (w words) span(d time.Duration) string {
	m := int(d.Round(time.Minute) / time.Minute)
	switch {
	case m < 60:
		return w.t("span.m", m)
	case m < 48*60:
		return w.t("span.hm", m/60, fmt.Sprintf("%02d", m%60))
	}
	return w.t("span.d", m/(24*60))
}

// minute of the day as 12:30.
func (w words) minute(m int64) string { return fmt.Sprintf("%02d:%02d", m/60, m%60) }

// money writes an amount with its currency: ¥120, ¥12.50, USD 3.00.
func (w words) money(fen int64, currency string) string {
	s := strings.TrimSuffix(fieldwork.Yuan(fen), ".00")
	if currency == "" || currency == "CNY" {
		return "¥" + s
	}
	return currency + " " + s
}

// size writes bytes for people.
func (w words) size(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GB", float64(n)/(1<<30))
	case n >= 100<<20:
		return fmt.Sprintf("%d MB", n>>20)
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%d KB", max(1, n>>10))
}

// errNumber is wrapped where typed digits make no amount or count.
var errNumber = errors.New("not a number")

// halfWidth turns the full-width digits and marks of a Chinese keyboard into
// plain ones.
func halfWidth(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r >= '\uff01' && r <= '\uff5e': // the full-width forms of ! to ~
			return r - '\uff01' + '!'
		case r == '\u3000': // the full-width space
			return ' '
		case r == '。':
			return '.'
		}
		return r
	}, s))
}

// parseMoney reads yuan with at most two digits behind the point, as fen. No
// float is ever involved.
func parseMoney(s string) (int64, error) {
	s = strings.TrimLeft(halfWidth(s), "\u00a5\uffe5 ") // both yen signs
	whole, part, _ := strings.Cut(strings.TrimSpace(s), ".")
	if len(part) > 2 || whole == "" || len(whole) > 7 || strings.HasPrefix(whole, "-") || strings.HasPrefix(whole, "+") {
		return 0, fmt.Errorf("%w: %q", errNumber, s)
	}
	y, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%w: %q", errNumber, s)
	}
	f, err := strconv.ParseUint((part + "00")[:2], 10, 8)
	if err != nil {
		return 0, fmt.Errorf("%w: %q", errNumber, s)
	}
	return y*100 + int64(f), nil
}

// parseCount reads a whole number from low to high.
func parseCount(s string, low, high int64) (int64, error) {
	n, err := strconv.ParseInt(halfWidth(s), 10, 64)
	if err != nil || n < low || n > high {
		return 0, fmt.Errorf("%w: %q", errNumber, s)
	}
	return n, nil
}

// cleanPhone keeps what a telephone number may hold; "" where it holds too few
// digits to be one.
func cleanPhone(s string) string {
	digits := 0
	out := strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9':
			digits++
			return r
		case r == '+' || r == '-' || r == ' ':
			return r
		}
		return -1
	}, halfWidth(s))
	if digits < 5 || len(out) > 40 {
		return ""
	}
	return strings.TrimSpace(out)
}

// clip cuts text to at most n bytes without cutting a character.
func clip(s string, n int) string {
	s = strings.ToValidUTF8(s, "�")
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	return s[:n]
}

func absDuration(d time.Duration) time.Duration {
	if d == math.MinInt64 {
		return math.MaxInt64
	}
	if d < 0 {
		return -d
	}
	return d
}
