package centre

import (
	"context"
	"slices"
	"time"

	"siteledger/server/report"
	"siteledger/server/web"
	"siteledger/syncproto/fieldwork"

	"github.com/google/uuid"
)

// The day board shows the hours from boardFrom to boardTo in columns of half
// an hour, and more where the day's jobs want it. An appointment is drawn at
// least boardSpan columns wide, so that its words fit.
const (
	boardFrom = 8
	boardTo   = 20
	boardSpan = 3
)

// pillView is a state as tone and words.
type pillView struct{ Tone, Text string }

// boardJob is one job on the board. Start and Span are columns of half an
// hour, from 1.
type boardJob struct {
	report.JobLine
	Start, Span int
	Clock       *pillView
}

// boardRow is one technician's day; the row without a person holds jobs with a
// slot and nobody on them.
type boardRow struct {
	Person uuid.UUID
	Name   string
	Month  int
	Jobs   []boardJob
}

// BoardPage is the day board.
type BoardPage struct {
	Counts   report.Counts
	AtRisk   int
	RiskJobs []boardJob
	Day      int64 // Unix milliseconds of its start
	Date     string
	Prev     string
	Next     string
	Today    bool
	Hours    []int
	Rows     []boardRow
	Waiting  []boardJob  // open jobs without crew or slot
	NowAt    int         // column of the present half hour, 0 for another day
	Orders   []orderLine // leftover orders that wait for a signature, the first of them
	Unsigned int         // how many there are
	Jobs     int
}

func (d *Door) board(c *web.Context) error {
	day := dayOf(c, c.Form("day"))
	page, err := d.loadBoard(c.Context(), c, day)
	if err != nil {
		return err
	}
	return c.Render("board", web.Page{Title: c.T("board.title"), Nav: "board", Data: page})
}

// dayOf reads a date; anything else is today.
func dayOf(c *web.Context, s string) time.Time {
	if t, err := time.ParseInLocation(time.DateOnly, s, c.Zone()); err == nil {
		return t
	}
	now := c.Now.In(c.Zone())
	return time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, c.Zone())
}

func (d *Door) loadBoard(ctx context.Context, c *web.Context, day time.Time) (*BoardPage, error) {
	centre := c.Person.Centre
	end := day.AddDate(0, 0, 1)
	p := &BoardPage{Day: day.UnixMilli(), Date: day.Format(time.DateOnly), Prev: day.AddDate(0, 0, -1).Format(time.DateOnly), Next: end.Format(time.DateOnly)}
	p.Today = !c.Now.Before(day) && c.Now.Before(end)
	var err error
	if p.Counts, err = d.cfg.Reports.Counts(ctx, centre, c.Now); err != nil {
		return nil, err
	}
	loads, err := d.monthLoads(c, day)
	if err != nil {
		return nil, err
	}
	lines, _, err := d.cfg.Reports.Jobs(ctx, centre, report.JobFilter{SlotFrom: day.UnixMilli(), SlotTo: end.UnixMilli(), Limit: 300}, c.Now)
	if err != nil {
		return nil, err
	}
	hours := boardHours(day, lines)
	for h := hours.from; h < hours.to; h++ {
		p.Hours = append(p.Hours, h)
	}
	p.Rows = d.boardRows(c, hours, loads, lines)
	p.Jobs = len(lines)
	if p.Today {
		p.NowAt = hours.column(c.Now)
	}
	if d.cfg.Defects != nil {
		if p.Orders, err = d.cfg.Defects.unsigned(c); err != nil {
			return nil, err
		}
		p.Unsigned, p.Orders = len(p.Orders), p.Orders[:min(len(p.Orders), shownOrders)]
	}
	return p, d.loadWaiting(ctx, c, p)
}

// loadWaiting finds the open jobs that need a hand: nobody on them, no slot,
// or a clock that runs out.
func (d *Door) loadWaiting(ctx context.Context, c *web.Context, p *BoardPage) error {
	open, _, err := d.cfg.Reports.Jobs(ctx, c.Person.Centre, report.JobFilter{Statuses: []string{"new", "dispatched", "departed"}, Limit: 500}, c.Now)
	if err != nil {
		return err
	}
	for _, l := range open {
		j := boardJob{JobLine: l, Clock: clockPill(c, l)}
		risk := l.AtRisk(c.Now)
		if risk {
			p.AtRisk++
			p.RiskJobs = append(p.RiskJobs, j)
		}
		if len(l.Crew) == 0 || l.SlotFrom == 0 {
			p.Waiting = append(p.Waiting, j)
		}
	}
	slices.SortStableFunc(p.Waiting, func(a, b boardJob) int { return int((a.IntakeAt - b.IntakeAt) / 1000) })
	return nil
}

func (d *Door) monthLoads(c *web.Context, day time.Time) ([]report.Load, error) {
	from := time.Date(day.Year(), day.Month(), 1, 0, 0, 0, 0, day.Location())
	return d.cfg.Reports.Loads(c.Context(), c.Person.Centre, from.UnixMilli(), from.AddDate(0, 1, 0).UnixMilli())
}

// hours are those that a board shows of a day.
type hours struct {
	day      time.Time
	from, to int
}

// boardHours widens the usual hours so that every job of the day fits.
func boardHours(day time.Time, lines []report.JobLine) hours {
	h := hours{day, boardFrom, boardTo}
	for _, l := range lines {
		from, to := time.UnixMilli(l.SlotFrom).Sub(day), time.UnixMilli(l.SlotTo).Sub(day)
		h.from = min(h.from, max(0, int(from.Hours())))
		h.to = max(h.to, min(24, int((to+59*time.Minute).Hours())))
	}
	return h
}

// column is the half hour in which a moment lies, from 1, or the edge.
func (h hours) column(t time.Time) int {
	half := int(t.Sub(h.day).Minutes())/30 - h.from*2
	return min(max(half, 0)+1, h.count())
}

func (h hours) count() int { return (h.to - h.from) * 2 }

func (d *Door) boardRows(c *web.Context, day hours, loads []report.Load, lines []report.JobLine) []boardRow {
	rows := []boardRow{{}}
	at := map[uuid.UUID]int{}
	for _, l := range loads {
		at[l.Person] = len(rows)
		rows = append(rows, boardRow{Person: l.Person, Name: l.Name, Month: l.Month})
	}
	slices.SortFunc(lines, func(a, b report.JobLine) int { return int((a.SlotFrom - b.SlotFrom) / 1000) })
	for _, l := range lines {
		if l.Status == "cancelled" {
			continue
		}
		j := boardJob{JobLine: l, Clock: clockPill(c, l), Start: day.column(time.UnixMilli(l.SlotFrom))}
		j.Span = max(boardSpan, day.column(time.UnixMilli(l.SlotTo-1))-j.Start+1)
		j.Start = max(1, min(j.Start, day.count()-j.Span+1))
		if len(l.Crew) == 0 {
			rows[0].Jobs = append(rows[0].Jobs, j)
		}
		for _, m := range l.Crew {
			i, ok := at[m.Person]
			if !ok { // somebody who has left, or is no installer any more
				i = len(rows)
				at[m.Person] = i
				rows = append(rows, boardRow{Person: m.Person, Name: m.Name})
			}
			rows[i].Jobs = append(rows[i].Jobs, j)
		}
	}
	if len(rows[0].Jobs) == 0 {
		rows = rows[1:]
	}
	return rows
}

// clockPill is the deadline of a job that needs the eye most, in words.
func clockPill(c *web.Context, l report.JobLine) *pillView {
	if l.Status == "closed" || l.Status == "cancelled" || l.Status == "registered" {
		return nil
	}
	k, ok := l.Clock()
	if !ok {
		return nil
	}
	return clockWords(c, k)
}

// clockWords is one deadline as a pill.
func clockWords(c *web.Context, k fieldwork.Clock) *pillView {
	name := c.T("clock." + k.Kind)
	now := c.Now.UnixMilli()
	switch k.State {
	case fieldwork.ClockRunning:
		left := k.Due.Earliest - now
		tone := "wait"
		if left < report.RiskAhead.Milliseconds() {
			tone = "warn"
		}
		return &pillView{tone, c.T("clock.left", name, span(c, left))}
	case fieldwork.ClockMissed:
		if k.Provisional {
			return &pillView{"bad", c.T("clock.over", name, span(c, now-k.Due.Latest))}
		}
		return &pillView{"bad", c.T("clock.missed", name)}
	case fieldwork.ClockUndecided:
		return &pillView{"warn", c.T("clock.undecided", name)}
	}
	if k.Late {
		return &pillView{"ok", c.T("clock.met-late", name)}
	}
	return &pillView{"ok", c.T("clock.met", name)}
}

// span is a length of time, short enough for a pill.
func span(c *web.Context, ms int64) string {
	min := ms / 60_000
	switch {
	case min >= 48*60:
		return c.T("clock.days", min/1440)
	case min >= 60:
		return c.T("clock.hours", min/60, min%60)
	}
	return c.T("clock.minutes", min)
}
