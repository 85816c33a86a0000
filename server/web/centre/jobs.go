package centre

import (
	"encoding/csv"
	"net/http"
	"slices"
	"strings"
	"time"

	"siteledger/server/office"
	"siteledger/server/report"
	"siteledger/server/web"

	"github.com/google/uuid"
)

// jobLine is a job in a list.
type jobLine struct {
	report.JobLine
	Clock *pillView
}

// JobsPage is the list of jobs.
type JobsPage struct {
	Status     string
	Day        string
	Person     uuid.UUID
	Incomplete bool
	People     []report.Load
	Jobs       []jobLine
	Paging     web.Paging
	Query      string // the filter again, for the export
}

// statusFilters are the choices of the list beyond the states themselves.
func statusFilter(s string) []string {
	switch s {
	case "":
		return nil
	case "open":
		return []string{"new", "dispatched", "departed", "arrived"}
	}
	return []string{s}
}

func (d *Door) jobs(c *web.Context) error {
	p := &JobsPage{Paging: c.Paging(web.ListRows), Query: c.R.URL.RawQuery}
	f := d.jobFilter(c, p)
	f.Limit, f.Offset = p.Paging.Size, p.Paging.Offset()
	lines, total, err := d.cfg.Reports.Jobs(c.Context(), c.Person.Centre, f, c.Now)
	if err != nil {
		return err
	}
	p.Paging.Total = total
	p.Jobs = viewLines(c, lines)
	if p.People, err = d.monthLoads(c, dayOf(c, "")); err != nil {
		return err
	}
	return c.Render("jobs", web.Page{Title: c.T("jobs.title"), Nav: "jobs", Data: p})
}

// jobFilter reads the filter of the address; values that mean nothing are
// left out.
func (d *Door) jobFilter(c *web.Context, p *JobsPage) report.JobFilter {
	var f report.JobFilter
	p.Status = c.Form("status")
	states := d.cfg.Schema.Table("job").Column("status").Values
	if p.Status != "open" && !slices.Contains(states, p.Status) {
		p.Status = ""
	}
	f.Statuses = statusFilter(p.Status)
	if day := c.Form("day"); day != "" {
		if t, err := time.ParseInLocation(time.DateOnly, day, c.Zone()); err == nil {
			p.Day = day
			f.From, f.To = t.UnixMilli(), t.AddDate(0, 0, 1).UnixMilli()
		}
	}
	p.Person = c.FormID("person")
	f.Person = p.Person
	p.Incomplete = c.Ticked("incomplete")
	f.Incomplete = p.Incomplete
	f.Unassigned = c.Ticked("unassigned")
	return f
}

func viewLines(c *web.Context, lines []report.JobLine) []jobLine {
	out := make([]jobLine, len(lines))
	for i, l := range lines {
		out[i] = jobLine{JobLine: l, Clock: clockPill(c, l)}
	}
	return out
}

// exportLimit bounds the rows of one export.
const exportLimit = 20000

// exportJobs serves GET /centre/jobs/export: the filtered list as CSV that
// spreadsheets open as text and never as formulas, marked with who took it
// (PA-04).
func (d *Door) exportJobs(c *web.Context) error {
	f := d.jobFilter(c, &JobsPage{})
	f.Limit = exportLimit
	lines, _, err := d.cfg.Reports.Jobs(c.Context(), c.Person.Centre, f, c.Now)
	if err != nil {
		return err
	}
	h := c.W.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="jobs-`+c.Now.In(c.Zone()).Format("20060102")+`.csv"`)
	c.W.WriteHeader(http.StatusOK)
	var b strings.Builder
	b.WriteString("\ufeff")
	w := csv.NewWriter(&b)
	lang, job, contact := c.Lang, d.cfg.Schema.Table("job"), d.cfg.Schema.Table("job_contact")
	head := []string{}
	for _, n := range []string{"job_no", "kind", "status", "warranty", "intake_at", "slot_from", "slot_to", "contract_no", "product"} {
		head = append(head, job.Column(n).Label.In(lang))
	}
	for _, n := range []string{"name", "phone", "address"} {
		head = append(head, contact.Column(n).Label.In(lang))
	}
	head = append(head, c.T("jobs.crew"), job.Column("complete").Label.In(lang))
	rows := [][]string{head}
	for _, l := range lines {
		rows = append(rows, d.exportLine(c, l))
	}
	rows = append(rows, []string{c.T("export.by", c.Person.Name, c.Now.In(c.Zone()).Format("2006-01-02 15:04"))})
	for _, r := range rows {
		for i := range r {
			r[i] = office.Harmless(r[i])
		}
	}
	if err := w.WriteAll(rows); err != nil {
		return err
	}
	_, _ = c.W.Write([]byte(b.String())) // the reader may have gone away
	return nil
}

func (d *Door) exportLine(c *web.Context, l report.JobLine) []string {
	job := d.cfg.Schema.Table("job")
	at := func(ms int64) string {
		if ms == 0 {
			return ""
		}
		return time.UnixMilli(ms).In(c.Zone()).Format("2006-01-02 15:04")
	}
	var crew []string
	for _, m := range l.Crew {
		crew = append(crew, m.Name)
	}
	complete := ""
	if l.Complete {
		complete = "✓"
	}
	return []string{l.JobNo, job.Column("kind").ValueLabel(l.Kind, c.Lang), job.Column("status").ValueLabel(l.Status, c.Lang),
		job.Column("warranty").ValueLabel(l.Warranty, c.Lang), at(l.IntakeAt), at(l.SlotFrom), at(l.SlotTo), l.ContractNo, l.Product,
		l.Customer, l.Phone, l.Address, strings.Join(crew, " "), complete}
}
