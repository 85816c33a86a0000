package centre

import (
	"net/http"

	"siteledger/server/fault"
	"siteledger/server/office"
	"siteledger/server/report"
	"siteledger/server/web"
	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"

	"github.com/google/uuid"
)

// crewView is somebody who is or was on a job.
type crewView struct {
	Person uuid.UUID
	Name   string
	Lead   bool
	Active bool
	Reason string
}

// verdictView is one adjudication with its shares.
type verdictView struct {
	report.FileRow
	By     string
	Shares []report.FileRow
}

// defectView is one defect with its photos, what they lack and its verdicts.
type defectView struct {
	report.FileRow
	Photos   []photoView
	Missing  []string
	Verdicts []verdictView
}

// visitView is one visit with everything that was recorded in it.
type visitView struct {
	report.FileRow
	Who        string
	Events     []report.FileRow
	Record     *report.FileRow
	Fees       []report.FileRow
	Due        int64 // fen, sum of what was charged
	Receipts   []report.FileRow
	Waivers    []report.FileRow
	Parts      []report.FileRow
	Ratings    []report.FileRow
	Signatures []signatureView
	Shots      []fieldwork.ShotState // of the visit's list (DE-09)
	Close      *report.FileRow
}

// noteView is a note with its author's name.
type noteView struct {
	report.FileRow
	Who string
}

// jobForms holds what was typed into the forms of the page, so that nothing is
// lost when one of them comes back.
type jobForms struct {
	Open       string // slot, contact, crew, cancel, note: the form that came back
	Problem    string
	Day        string
	From, To   string
	AgreedWith string
	Name       string
	Phone      string
	Address    string
	Note       string
	Verified   string
	Point, Map string // of the address
	Reason     string
	Kind       string
	Text       string
}

// JobPage is everything about one job.
type JobPage struct {
	ID       uuid.UUID
	Head     report.FileRow
	Contact  report.FileRow
	Items    []report.FileRow
	Crew     []crewView
	Shown    []uuid.UUID // the active crew, to notice who changed it meanwhile
	Visits   []visitView
	Defects  []defectView
	Photos   []photoView // those of no defect
	Absent   int         // originals that are on a phone only
	Notes    []noteView
	History  []report.FileRow
	Clocks   []pillView
	Cases    int
	Complete bool
	Missing  []missingView
	Quiet    bool // the slot touches the community's quiet hours
	CanEnd   bool // may be cancelled from here
	CanMove  bool // its slot may be moved
	Choices  []crewChoice
	Again    bool // going out again needs a reason
	Form     jobForms
	Answered bool
	Evidence bool // bundles can be made
	Copies   bool // customers' copies can be made
}

func (d *Door) job(c *web.Context) error {
	id, err := c.PathID("id")
	if err != nil {
		return err
	}
	return d.showJob(c, http.StatusOK, id, jobForms{})
}

// showJob renders the page with what was typed in one of its forms.
func (d *Door) showJob(c *web.Context, status int, id uuid.UUID, form jobForms) error {
	f, err := d.cfg.Reports.JobFile(c.Context(), c.Person.Centre, id)
	if err != nil {
		return err
	}
	p, err := d.loadJob(c, &f)
	if err != nil {
		return err
	}
	p.fillForm(c, form)
	title := p.Head.Text("job_no")
	if title == "" {
		title = p.Contact.Text("name")
	}
	return c.RenderStatus(status, "job", web.Page{Title: title, Nav: "jobs", Data: p})
}

func (d *Door) loadJob(c *web.Context, f *report.JobFile) (*JobPage, error) {
	t := &teller{c: c, schema: d.cfg.Schema, people: f.People}
	head, _ := f.Head()
	p := &JobPage{ID: f.Job, Head: head, Contact: f.First("job_contact"), Items: f.All("job_item"), History: f.All("job_history"),
		Complete: head.Bool("complete"), Missing: missing(t, f), Answered: head.Int("answered_at") != 0, Evidence: d.cfg.Evidence != nil, Copies: d.cfg.Handouts != nil}
	for _, a := range f.All("assignment") {
		person := a.UUID("person")
		p.Crew = append(p.Crew, crewView{Person: person, Name: t.name(person), Lead: a.Bool("lead"), Active: a.Bool("active"), Reason: a.Text("reason")})
		if a.Bool("active") {
			p.Shown = append(p.Shown, person)
		}
	}
	for _, v := range f.All("visit") {
		p.Visits = append(p.Visits, jobVisit(t, f, v))
	}
	p.viewDefects(t, f)
	if err := d.fillDoubts(c, p, f); err != nil {
		return nil, err
	}
	for _, n := range f.All("note") {
		p.Notes = append(p.Notes, noteView{FileRow: n, Who: t.name(n.UUID("author"))})
	}
	for _, k := range f.Cases {
		if k.Open {
			p.Cases++
		}
	}
	p.Quiet = office.InQuiet(head.Int("slot_from"), head.Int("slot_to"), p.Contact.Int("quiet_from"), p.Contact.Int("quiet_to"), c.Zone())
	status := head.Text("status")
	allowed, may := d.cfg.Schema.Table("job").Column("status").Step(status, "cancelled", c.Person.Role)
	p.CanEnd = allowed && may
	p.CanMove = status != "registered" && status != "closed" && status != "cancelled"
	p.Again = status == "finished" || status == "registered" || status == "cancelled"
	return p, d.loadAround(c, p, f)
}

// loadAround adds the deadlines, and the shares for the dispatch form.
func (d *Door) loadAround(c *web.Context, p *JobPage, f *report.JobFile) error {
	lines, _, err := d.cfg.Reports.Jobs(c.Context(), c.Person.Centre, report.JobFilter{IDs: []uuid.UUID{f.Job}, Limit: 1}, c.Now)
	if err != nil {
		return err
	}
	if len(lines) == 1 {
		for _, k := range lines[0].Clocks {
			p.Clocks = append(p.Clocks, *clockWords(c, k))
		}
	}
	p.Choices, err = d.crewChoices(c, f.Leads())
	return err
}

func jobVisit(t *teller, f *report.JobFile, v report.FileRow) visitView {
	out := visitView{FileRow: v, Who: t.name(v.UUID("person")), Events: f.Where("visit_event", "visit", v.ID),
		Fees: f.Where("fee_line", "visit", v.ID), Receipts: f.Where("receipt", "visit", v.ID), Waivers: f.Where("waiver", "visit", v.ID),
		Parts: f.Where("part_used", "visit", v.ID), Ratings: f.Where("rating", "visit", v.ID), Signatures: viewSignatures(f, v), Shots: office.Shots(f, v)}
	for _, fee := range out.Fees {
		out.Due += fee.Int("charged")
	}
	if rows := f.Where("service_record", "visit", v.ID); len(rows) > 0 {
		out.Record = &rows[len(rows)-1]
	}
	if rows := f.Where("visit_close", "visit", v.ID); len(rows) > 0 {
		out.Close = &rows[0]
	}
	return out
}

func (p *JobPage) viewDefects(t *teller, f *report.JobFile) {
	photos := report.Plain(f.All("photo"))
	for _, row := range f.All("defect") {
		d := defectView{FileRow: row}
		for _, m := range fieldwork.MissingEvidence(row.Row, photos) {
			d.Missing = append(d.Missing, schema.Label{ZH: m.ZH, EN: m.EN}.In(t.c.Lang))
		}
		for _, a := range f.Where("adjudication", "defect", row.ID) {
			d.Verdicts = append(d.Verdicts, verdictView{FileRow: a, By: t.name(a.UUID("adjudicator")), Shares: f.Where("responsibility", "adjudication", a.ID)})
		}
		p.Defects = append(p.Defects, d)
	}
	at := map[uuid.UUID]int{}
	for i, d := range p.Defects {
		at[d.ID] = i
	}
	for _, row := range f.All("photo") {
		v := viewPhoto(f, row)
		if v.Original == "" {
			p.Absent++
		}
		if i, ok := at[row.UUID("defect")]; ok {
			p.Defects[i].Photos = append(p.Defects[i].Photos, v)
			continue
		}
		p.Photos = append(p.Photos, v)
	}
}

// fillForm puts what stands into the forms, and over it what was typed in the
// one that came back.
func (p *JobPage) fillForm(c *web.Context, typed jobForms) {
	f := jobForms{Open: typed.Open, Problem: typed.Problem, AgreedWith: p.Head.Text("agreed_with"), Kind: "note",
		Name: p.Contact.Text("name"), Phone: p.Contact.Text("phone"), Address: p.Contact.Text("address"), Note: p.Contact.Text("note")}
	page := web.Page{}.In(c)
	f.Map = office.MapGCJ
	if at, ok := fieldwork.PlaceOf(p.Contact.Row); ok {
		f.Point, f.Map = office.PointText(at), office.MapWGS
	}
	if from := p.Head.Int("slot_from"); from != 0 {
		f.Day, f.From, f.To = page.Date(from), page.Clock(from), page.Clock(p.Head.Int("slot_to"))
	}
	switch typed.Open {
	case "slot":
		f.Day, f.From, f.To, f.AgreedWith = typed.Day, typed.From, typed.To, typed.AgreedWith
	case "contact":
		f.Name, f.Phone, f.Address, f.Note, f.Verified = typed.Name, typed.Phone, typed.Address, typed.Note, typed.Verified
		f.Point, f.Map = typed.Point, typed.Map
	case "crew", "cancel":
		f.Reason = typed.Reason
	case "note":
		f.Kind, f.Text = typed.Kind, typed.Text
	}
	p.Form = f
}

// again renders the job's page with the form that was refused as it was typed.
// Where somebody else was faster it says who.
func (d *Door) again(c *web.Context, id uuid.UUID, err error, form jobForms, table string, base uint64) error {
	status, text, ok := c.Problem(err)
	if !ok {
		return err
	}
	if fault.CodeOf(err) == fault.Stale {
		if name, at := d.whoChanged(c, id, table, base); name != "" {
			text = c.T("job.stale", name, web.Page{}.In(c).Ago(at))
		}
	}
	form.Problem = text
	return d.showJob(c, status, id, form)
}

// whoChanged names who wrote last on a row since the screen was shown.
func (d *Door) whoChanged(c *web.Context, id uuid.UUID, table string, base uint64) (name string, at int64) {
	f, err := d.cfg.Reports.JobFile(c.Context(), c.Person.Centre, id)
	if err != nil {
		return "", 0
	}
	newest := base
	for _, row := range f.All(table) {
		for _, m := range row.Marks {
			if m.Rev > newest && m.Actor != uuid.Nil {
				newest, name, at = m.Rev, f.Name(m.Actor), m.Received
			}
		}
	}
	return name, at
}
