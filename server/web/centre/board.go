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
// an hour; what lies outside is drawn at the edge.
const (
	boardFrom = 8
	boardTo   = 20
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
	Waiting  []boardJob // open jobs without crew or slot
	NowAt    int        // column of the present half hour, 0 for another day
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
	for h := boardFrom; h < boardTo; h++ {
		p.Hours = append(p.Hours, h)
	}
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
	p.Rows = d.boardRows(c, day, loads, lines)
	p.Jobs = len(lines)
	if p.Today {
		p.NowAt = column(c.Now, day)
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

func (d *Door) boardRows(c *web.Context, day time.Time, loads []report.Load, lines []report.JobLine) []boardRow {
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
		j := boardJob{JobLine: l, Clock: clockPill(c, l), Start: column(time.UnixMilli(l.SlotFrom), day)}
		j.Span = max(2, column(time.UnixMilli(l.SlotTo-1), day)-j.Start+1)
		j.Start = min(j.Start, (boardTo-boardFrom)*2-1)
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

// column is the half hour of the board in which a moment lies, from 1.
func column(t, day time.Time) int {
	half := int(t.Sub(day.Add(boardFrom*time.Hour)).Minutes()) / 30
	if t.Before(day.Add(boardFrom * time.Hour)) {
		half = 0
	}
	return min(max(half, 0)+1, (boardTo-boardFrom)*2)
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
