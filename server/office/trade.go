package office

import (
	"strings"
	"time"
)

// Warranty says how a contract stands: in, out, or unknown where nothing says
// until when. It is the clerk's to overrule (the quality period of a leftover
// is a matter between the install group and the store, JL-10).
func Warranty(until, now int64) string {
	switch {
	case until == 0:
		return "unknown"
	case now <= until:
		return "in"
	}
	return "out"
}

// phoneLike accepts what people dial: digits with the usual separators.
func phoneLike(s string) bool {
	digits := 0
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9':
			digits++
		case !strings.ContainsRune("+-() 转x#*/", r):
			return false
		}
	}
	return digits >= 5
}

// Digits are the digits of a telephone number, which is what a search by its
// end compares.
func Digits(phone string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, phone)
}

// InQuiet says whether an appointment touches a community's quiet hours,
// minutes of the day (JL-13). Hours that cross midnight are understood.
func InQuiet(from, to int64, quietFrom, quietTo int64, zone *time.Location) bool {
	if from == 0 || quietFrom == quietTo {
		return false
	}
	start := time.UnixMilli(from).In(zone)
	minute := int64(start.Hour()*60 + start.Minute())
	end := minute + max(0, to-from)/60_000
	if quietFrom < quietTo {
		return minute < quietTo && end > quietFrom
	}
	return minute < quietTo || end > quietFrom
}
