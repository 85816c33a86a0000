package report_test

import (
	"strings"
	"testing"
	"time"

	"siteledger/server/report"
	"siteledger/syncproto/fieldwork"
)

func TestQueriesTakenApart(t *testing.T) {
	for _, c := range []struct {
		typed, text, digits string
		ok                  bool
	}{
		{"欧阳", "欧阳", "", true}, {"王", "王", "", true}, {"a", "a", "", false}, {"HT", "HT", "", true},
		{"1234", "1234", "1234", true}, {"12", "12", "12", false}, {" 138 0000-1234 ", "138 0000-1234", "13800001234", true},
		{"HT-2026-1", "HT-2026-1", "", true}, {"", "", "", false}, {"  ", "", "", false}, {"-", "-", "", false},
	} {
		q, ok := report.NewQuery(c.typed)
		if ok != c.ok || q.Text != c.text || q.Digits != c.digits {
			t.Errorf("%q: %+v %v", c.typed, q, ok)
		}
	}
	if q, _ := report.NewQuery(strings.Repeat("长", 500)); len([]rune(q.Text)) != 60 {
		t.Errorf("a long query keeps %d", len([]rune(q.Text)))
	}
}

func TestClocksAtRisk(t *testing.T) {
	now := time.UnixMilli(1_790_000_000_000)
	clock := func(kind string, state fieldwork.ClockState, in time.Duration) fieldwork.Clock {
		return fieldwork.Clock{Kind: kind, State: state, Due: fieldwork.At(now.Add(in).UnixMilli())}
	}
	for name, c := range map[string]struct {
		status string
		clock  fieldwork.Clock
		want   bool
	}{
		"far away":            {"new", clock(fieldwork.ClockAnswer, fieldwork.ClockRunning, 3*time.Hour), false},
		"within two hours":    {"new", clock(fieldwork.ClockAnswer, fieldwork.ClockRunning, time.Hour), true},
		"run out":             {"dispatched", clock(fieldwork.ClockVisit, fieldwork.ClockMissed, -time.Hour), true},
		"met":                 {"dispatched", clock(fieldwork.ClockVisit, fieldwork.ClockMet, -time.Hour), false},
		"job is over":         {"finished", clock(fieldwork.ClockVisit, fieldwork.ClockMissed, -time.Hour), false},
		"another's clock":     {"new", clock(fieldwork.ClockCall, fieldwork.ClockMissed, -time.Hour), false},
		"undecided is looked": {"departed", clock(fieldwork.ClockVisit, fieldwork.ClockUndecided, 0), true},
	} {
		l := report.JobLine{Status: c.status, Clocks: []fieldwork.Clock{c.clock}}
		if got := l.AtRisk(now); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	l := report.JobLine{Clocks: []fieldwork.Clock{clock("a", fieldwork.ClockMet, 0), clock("b", fieldwork.ClockRunning, 2*time.Hour), clock("c", fieldwork.ClockRunning, time.Hour), clock("d", fieldwork.ClockMissed, 0)}}
	if k, ok := l.Clock(); !ok || k.Kind != "d" {
		t.Errorf("shows %s", k.Kind)
	}
	l.Clocks = l.Clocks[:3]
	if k, _ := l.Clock(); k.Kind != "c" {
		t.Errorf("shows %s", k.Kind)
	}
	l.Clocks = l.Clocks[:1]
	if _, ok := l.Clock(); ok {
		t.Error("a met clock needs no eye")
	}
}

func TestSilentPhones(t *testing.T) {
	now := time.UnixMilli(1_790_000_000_000)
	day := 24 * time.Hour.Milliseconds()
	for name, c := range map[string]struct {
		d    report.DeviceLine
		want bool
	}{
		"heard today":         {report.DeviceLine{Active: true, LastContact: now.UnixMilli() - day/2}, false},
		"heard two days ago":  {report.DeviceLine{Active: true, LastContact: now.UnixMilli() - 2*day}, true},
		"just enrolled":       {report.DeviceLine{Active: true, EnrolledAt: now.UnixMilli()}, false},
		"never heard from":    {report.DeviceLine{Active: true, EnrolledAt: now.UnixMilli() - 2*day}, true},
		"revoked":             {report.DeviceLine{Active: true, LastContact: now.UnixMilli() - 2*day, RevokedAt: 1}, false},
		"its person has left": {report.DeviceLine{LastContact: now.UnixMilli() - 2*day}, false},
	} {
		if got := c.d.Silent(now); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
