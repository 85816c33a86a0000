package fieldwork_test

import (
	"testing"
	"time"

	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

// ms reads a time of China on 5 November 2026, "24:10" being the next day.
func ms(t *testing.T, hhmm string) int64 {
	t.Helper()
	var h, m int64
	for i, part := range []*int64{&h, &m} {
		for _, c := range hhmm[i*3 : i*3+2] {
			*part = *part*10 + int64(c-'0')
		}
	}
	midnight := time.Date(2026, 11, 5, 0, 0, 0, 0, time.FixedZone("", 8*3600)).UnixMilli()
	return midnight + (h*60+m)*60_000
}

func find(t *testing.T, clocks []fieldwork.Clock, kind string) *fieldwork.Clock {
	t.Helper()
	for i := range clocks {
		if clocks[i].Kind == kind {
			return &clocks[i]
		}
	}
	return nil
}

// between makes an event of an interval, received at a time.
func between(t *testing.T, earliest, latest, received string) *fieldwork.Event {
	return &fieldwork.Event{When: fieldwork.Interval{Earliest: ms(t, earliest), Latest: ms(t, latest)}, Received: ms(t, received)}
}

func at(t *testing.T, hhmm string) *fieldwork.Event { return between(t, hhmm, hhmm, hhmm) }

func job(t *testing.T, c cols) schema.Row {
	return with(row("job", 1, cols{"kind": "aftersale", "channel": "phone", "status": "new", "intake_at": ms(t, "09:00")}), c)
}

func TestClockAnswer(t *testing.T) {
	for _, tc := range []struct {
		name string
		c    cols
		ev   fieldwork.Events
		now  string
		want fieldwork.ClockState
	}{
		{"answer and appointment in time", cols{"answered_at": ms(t, "11:50"), "slot_from": ms(t, "15:00")}, fieldwork.Events{}, "13:00", "met"},
		{"answer without appointment, before noon", cols{"answered_at": ms(t, "11:50")}, fieldwork.Events{}, "11:59", "running"},
		{"answer without appointment, after noon", cols{"answered_at": ms(t, "11:50")}, fieldwork.Events{}, "12:01", "missed"},
		{"appointment without answer", cols{"slot_from": ms(t, "15:00")}, fieldwork.Events{}, "12:01", "missed"},
		{"at the deadline itself", cols{"answered_at": ms(t, "12:00"), "slot_from": ms(t, "15:00")}, fieldwork.Events{}, "13:00", "met"},
		{"answer in time, appointment late", cols{}, fieldwork.Events{Answered: at(t, "10:00"), Appointed: at(t, "12:01")}, "13:00", "missed"},
		{"event before the row's own word", cols{"answered_at": ms(t, "13:00"), "slot_from": ms(t, "15:00")}, fieldwork.Events{Answered: at(t, "11:00")}, "14:00", "met"},
		{"in an interval over the deadline", cols{}, fieldwork.Events{Answered: between(t, "11:50", "12:10", "12:10"), Appointed: at(t, "11:00")}, "13:00", "undecided"},
		{"nothing yet", cols{}, fieldwork.Events{}, "11:00", "running"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := find(t, fieldwork.Clocks(job(t, tc.c), tc.ev, ms(t, tc.now), fieldwork.DefaultPolicy()), fieldwork.ClockAnswer)
			if c == nil || c.State != tc.want {
				t.Errorf("got %+v, want %s", c, tc.want)
			}
		})
	}
}

func TestClockVisitHasThreePositions(t *testing.T) {
	late := fieldwork.Events{Assigned: at(t, "10:00"), Departed: at(t, "32:00"), Arrived: at(t, "33:30")}
	for _, tc := range []struct {
		by   fieldwork.VisitBy
		ev   fieldwork.Events
		want fieldwork.ClockState
	}{
		{fieldwork.VisitAssigned, late, "met"},
		{fieldwork.VisitDeparted, late, "met"},
		{fieldwork.VisitArrived, late, "missed"},
		{fieldwork.VisitDeparted, fieldwork.Events{Assigned: at(t, "10:00")}, "missed"},
		{fieldwork.VisitAssigned, fieldwork.Events{Arrived: at(t, "12:00")}, "met"},
		{fieldwork.VisitArrived, fieldwork.Events{Arrived: at(t, "12:00")}, "met"},
	} {
		p := fieldwork.DefaultPolicy()
		p.VisitBy = tc.by
		c := find(t, fieldwork.Clocks(job(t, nil), tc.ev, ms(t, "48:00"), p), fieldwork.ClockVisit)
		if c == nil || c.State != tc.want {
			t.Errorf("%s: got %+v, want %s", tc.by, c, tc.want)
		}
	}
}

// JL-20: a visit done offline at 13:00 and synced at 21:00 met a 15:00 deadline.
func TestLateEvidenceKeepsBothFacts(t *testing.T) {
	p := fieldwork.DefaultPolicy()
	p.Visit = 6 * 3600_000 // due 15:00
	before := find(t, fieldwork.Clocks(job(t, nil), fieldwork.Events{}, ms(t, "20:59"), p), fieldwork.ClockVisit)
	if before.State != fieldwork.ClockMissed || !before.Provisional || before.Late {
		t.Errorf("before the sync: %+v", before)
	}
	after := find(t, fieldwork.Clocks(job(t, nil), fieldwork.Events{Arrived: between(t, "12:59", "13:00", "21:00")}, ms(t, "21:01"), p), fieldwork.ClockVisit)
	if after.State != fieldwork.ClockMet || !after.Late || after.Provisional {
		t.Errorf("after the sync: %+v", after)
	}
	unknown := find(t, fieldwork.Clocks(job(t, nil), fieldwork.Events{Arrived: between(t, "09:00", "21:00", "21:00")}, ms(t, "21:01"), p), fieldwork.ClockVisit)
	if unknown.State != fieldwork.ClockUndecided {
		t.Errorf("an unknown time: %+v", unknown)
	}
	really := find(t, fieldwork.Clocks(job(t, nil), fieldwork.Events{Arrived: at(t, "15:01")}, ms(t, "21:01"), p), fieldwork.ClockVisit)
	if really.State != fieldwork.ClockMissed || really.Provisional {
		t.Errorf("really late: %+v", really)
	}
}

func TestClockSolveOrPromise(t *testing.T) {
	for _, tc := range []struct {
		name string
		ev   fieldwork.Events
		want fieldwork.ClockState
	}{
		{"solved", fieldwork.Events{Solved: at(t, "30:00")}, "met"},
		{"promised", fieldwork.Events{Promised: at(t, "30:00")}, "met"},
		{"promised in time, solved later", fieldwork.Events{Promised: at(t, "30:00"), Solved: at(t, "40:00")}, "met"},
		{"both late", fieldwork.Events{Promised: at(t, "34:00"), Solved: at(t, "40:00")}, "missed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := find(t, fieldwork.Clocks(job(t, nil), tc.ev, ms(t, "48:00"), fieldwork.DefaultPolicy()), fieldwork.ClockSolve)
			if c == nil || c.State != tc.want {
				t.Errorf("got %+v, want %s", c, tc.want)
			}
		})
	}
}

func TestClockCardIsTheDayOfTheVisit(t *testing.T) {
	for _, tc := range []struct {
		name     string
		finished *fieldwork.Event
		c        cols
		card     *fieldwork.Event
		now      string
		want     fieldwork.ClockState
	}{
		{"same evening", at(t, "18:00"), nil, at(t, "23:59"), "30:00", "met"},
		{"next morning", at(t, "18:00"), nil, at(t, "24:01"), "30:00", "missed"},
		{"not yet, same day", at(t, "18:00"), nil, nil, "23:00", "running"},
		{"not yet, next day", at(t, "18:00"), nil, nil, "25:00", "missed"},
		{"visit over midnight, unknown side", between(t, "23:50", "24:10", "24:10"), nil, at(t, "26:00"), "30:00", "undecided"},
		{"visit after midnight has the whole day", at(t, "24:10"), nil, at(t, "40:00"), "50:00", "met"},
		{"registration stands for the card", at(t, "18:00"), cols{"registered_at": ms(t, "20:00")}, nil, "30:00", "met"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := find(t, fieldwork.Clocks(job(t, tc.c), fieldwork.Events{Finished: tc.finished, CardBack: tc.card}, ms(t, tc.now), fieldwork.DefaultPolicy()), fieldwork.ClockCard)
			if c == nil || c.State != tc.want {
				t.Errorf("got %+v, want %s", c, tc.want)
			}
		})
	}
}

func TestClockCall(t *testing.T) {
	for _, tc := range []struct {
		called *fieldwork.Event
		now    string
		want   fieldwork.ClockState
	}{
		{at(t, "90:00"), "99:00", "met"}, {at(t, "90:01"), "99:00", "missed"}, {nil, "90:00", "running"}, {nil, "90:01", "missed"},
	} {
		c := find(t, fieldwork.Clocks(job(t, nil), fieldwork.Events{Finished: at(t, "18:00"), Called: tc.called}, ms(t, tc.now), fieldwork.DefaultPolicy()), fieldwork.ClockCall)
		if c == nil || c.State != tc.want {
			t.Errorf("%+v at %s: got %+v, want %s", tc.called, tc.now, c, tc.want)
		}
	}
}

func TestClocksByKindOfJob(t *testing.T) {
	done := fieldwork.Events{Finished: at(t, "18:00")}
	for _, tc := range []struct {
		name string
		c    cols
		ev   fieldwork.Events
		want []string
	}{
		{"after-sales by phone", nil, done, []string{"answer", "visit", "solve", "card", "call"}},
		{"after-sales, not finished", nil, fieldwork.Events{}, []string{"answer", "visit", "solve"}},
		{"from the store", cols{"channel": "store"}, done, []string{"answer", "visit", "card", "call"}},
		{"found on the spot", cols{"channel": "site"}, done, []string{"card", "call"}},
		{"install", cols{"kind": "install"}, done, []string{"card", "call"}},
		{"expedite", cols{"kind": "expedite"}, fieldwork.Events{}, []string{"solve"}},
		{"inspection", cols{"kind": "inspect"}, fieldwork.Events{}, nil},
		{"cancelled", cols{"status": "cancelled", "answered_at": ms(t, "10:00"), "slot_from": ms(t, "15:00")}, fieldwork.Events{}, []string{"answer"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got []string
			for _, c := range fieldwork.Clocks(job(t, tc.c), tc.ev, ms(t, "99:00"), fieldwork.DefaultPolicy()) {
				got = append(got, c.Kind)
			}
			if len(got) != len(tc.want) {
				t.Fatalf("got %v, want %v", got, tc.want)
			}
			for i := range got {
				if got[i] != tc.want[i] {
					t.Errorf("got %v, want %v", got, tc.want)
				}
			}
		})
	}
}
