package centre

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/google/uuid"

	"siteledger/server/blob"
	"siteledger/server/office"
	"siteledger/server/report"
	"siteledger/server/web"
	"siteledger/syncproto/schema"
)

// DefectFiles reads a job and what the offices keep about its defects; the
// store does.
type DefectFiles interface {
	Files
	StateRow(ctx context.Context, centre uuid.UUID, table string, id uuid.UUID) (schema.Row, bool, error)
	StateRows(ctx context.Context, centre uuid.UUID, table, column string, id uuid.UUID) ([]schema.Row, error)
	// FiledDefects are those that wait for headquarters and have a leftover order.
	FiledDefects(ctx context.Context, centre uuid.UUID, limit int) ([]schema.Row, error)
}

// DefectBench is what a centre does about a defect that headquarters judges;
// *office.Bench is one.
type DefectBench interface {
	LeftoverOf(ctx context.Context, f *report.JobFile, defect report.FileRow) (schema.Row, bool, error)
	File(ctx context.Context, who office.Who, centre uuid.UUID, in office.Leftover) error
	MayAttach(ctx context.Context, who office.Who, centre uuid.UUID, in office.Annex) error
	Attach(ctx context.Context, who office.Who, centre uuid.UUID, in office.Annex) error
	SignedLeftover(ctx context.Context, centre uuid.UUID, defect schema.Row) (office.SignedLeftover, error)
	StaffPicture(ctx context.Context, who office.Who, centre uuid.UUID, in office.StaffSignature) ([]byte, error)
	SignLeftover(ctx context.Context, who office.Who, centre uuid.UUID, in office.StaffSignature, stored [32]byte) error
	Appeal(ctx context.Context, who office.Who, centre, defect uuid.UUID, base uint64, text string) error
	Advise(ctx context.Context, who office.Who, centre, defect uuid.UUID, text string) error
	MoveRemedy(ctx context.Context, who office.Who, centre uuid.UUID, in office.RemedyStep) error
	AnswerRemedy(ctx context.Context, who office.Who, centre uuid.UUID, in office.RemedyAnswer) error
}

// Drawings keeps drawings and gives them back; *blob.Service does. The caller
// has checked the centre.
type Drawings interface {
	Photos
	Keep(ctx context.Context, centre, person uuid.UUID, purpose, mediaType string, r io.ReadSeeker) ([32]byte, int64, error)
}

var _ Drawings = (*blob.Service)(nil)

// DefectConfig is what the leftover forms need; all of it.
type DefectConfig struct {
	Files    DefectFiles
	Bench    DefectBench
	Drawings Drawings
	Schema   *schema.Descriptor
}

// Defects is the part of the centre's door where a leftover problem is handled:
// its form and drawings, the objection to a verdict, the remedy.
type Defects struct{ cfg DefectConfig }

// NewDefects builds it.
func NewDefects(cfg DefectConfig) (*Defects, error) {
	if cfg.Files == nil || cfg.Bench == nil || cfg.Drawings == nil || cfg.Schema == nil {
		return nil, errors.New("centre: files, bench, drawings and schema are needed")
	}
	return &Defects{cfg: cfg}, nil
}

// Routes are its rows of the door's route table.
func (d *Defects) Routes() []web.Route {
	const at = "/centre/jobs/{id}/defects/{defect}"
	return []web.Route{
		{Method: "GET", Path: at, Roles: desk(), Handler: d.page},
		{Method: "POST", Path: at + "/form", Roles: desk(), Handler: d.file},
		{Method: "POST", Path: at + "/sign", Roles: desk(), Handler: d.sign},
		{Method: "POST", Path: at + "/annex", Roles: desk(), Handler: d.attach, MaxBody: web.MaxDrawing + 64<<10},
		{Method: "GET", Path: at + "/annex/{annex}", Roles: desk(), Handler: d.annex},
		{Method: "POST", Path: at + "/appeal", Roles: []schema.Role{schema.Supervisor}, Handler: d.appeal},
		{Method: "POST", Path: at + "/opinion", Roles: desk(), Handler: d.advise},
		{Method: "POST", Path: at + "/answer", Roles: desk(), Handler: d.answer},
		{Method: "POST", Path: at + "/step", Roles: desk(), Handler: d.step},
	}
}

// leftoverField is one field of the form.
type leftoverField struct {
	Name, Label, Value string
	Date, Long         bool
}

// remedyPage is a remedy with what may be done about it.
type remedyPage struct {
	schema.Row
	Path    []string
	Next    string // the one step that may be taken; "" for none
	Decides bool   // that step is the leader's
	May     bool   // by this person
}

// DefectPage is one leftover problem at the centre.
type DefectPage struct {
	Job      uuid.UUID
	JobNo    string
	Defect   report.FileRow
	Form     schema.Row
	Filed    bool
	Class    string
	Fields   []leftoverField
	Annexes  []schema.Row
	Signed   office.SignedLeftover
	Staff    []staffView
	Signer   string // as typed after a refusal
	Name     string
	Verdicts []report.FileRow
	Remedy   *remedyPage
	Appeals  bool // an objection may be raised, by the supervisor
	Problem  string
}

// load fills the page for a job of the person's own centre.
func (d *Defects) load(c *web.Context) (*DefectPage, error) {
	job, err := c.PathID("id")
	if err != nil {
		return nil, err
	}
	id, err := c.PathID("defect")
	if err != nil {
		return nil, err
	}
	f, err := d.cfg.Files.JobFile(c.Context(), c.Person.Centre, job)
	if err != nil {
		return nil, err
	}
	def, ok := f.Find("defect", id)
	if !ok {
		return nil, web.NotFound()
	}
	head, _ := f.Head()
	p := &DefectPage{Job: job, JobNo: head.Text("job_no"), Defect: def, Verdicts: f.Where("adjudication", "defect", id)}
	if p.Form, p.Filed, err = d.cfg.Bench.LeftoverOf(c.Context(), &f, def); err != nil {
		return nil, err
	}
	p.Class = p.Form.Text("class")
	for _, name := range office.LeftoverColumns() {
		col := d.cfg.Schema.Table("leftover_order").Column(name)
		field := leftoverField{Name: name, Label: col.Label.In(c.Lang), Value: p.Form.Text(name), Date: col.Type == schema.Time, Long: col.Max >= 1000}
		if at := p.Form.Int(name); field.Date && at != 0 {
			field.Value = time.UnixMilli(at).In(c.Zone()).Format("2006-01-02")
		}
		p.Fields = append(p.Fields, field)
	}
	if p.Annexes, err = d.cfg.Files.StateRows(c.Context(), f.Centre, "drawing_annex", "defect", id); err != nil {
		return nil, err
	}
	if p.Signed, err = d.cfg.Bench.SignedLeftover(c.Context(), f.Centre, def.Row); err != nil {
		return nil, err
	}
	p.Staff = viewStaff(c, d.cfg.Schema, p.Signed)
	finals := office.FinalVerdicts(&f, id)
	p.Appeals = def.Text("status") == "judged" && len(finals) == 1
	rows, err := d.cfg.Files.StateRows(c.Context(), f.Centre, "remedy", "defect", id)
	if err != nil || len(rows) == 0 || len(finals) == 0 {
		return p, err
	}
	if r := rows[len(rows)-1]; r.UUID("adjudication") == finals[len(finals)-1].ID && def.Text("status") == "judged" {
		p.Remedy = &remedyPage{Row: r, Path: office.RemedyPath(r.Text("kind")), Next: office.RemedyNext(r.Text("kind"), r.Text("status"))}
		p.Remedy.Decides = p.Remedy.Next == office.RemedyApproved
		p.Remedy.May = !p.Remedy.Decides || c.Person.Role == schema.Supervisor
	}
	return p, nil
}

// page serves GET /centre/jobs/{id}/defects/{defect}.
func (d *Defects) page(c *web.Context) error {
	p, err := d.load(c)
	if err != nil {
		return err
	}
	return d.show(c, http.StatusOK, p)
}

func (d *Defects) show(c *web.Context, status int, p *DefectPage) error {
	return c.RenderStatus(status, "leftover", web.Page{Title: c.T("defects.title") + " " + p.JobNo, Nav: "jobs", Scripts: []string{"centre/sign.js"}, Data: p})
}

// done goes back to the page, or shows what was refused with what was typed.
func (d *Defects) done(c *web.Context, said string, err error) error {
	p, lerr := d.load(c)
	if lerr != nil {
		return lerr
	}
	if err != nil {
		status, text, ok := c.Problem(err)
		if !ok {
			return err
		}
		p.Problem, p.Signer, p.Name = text, c.Form("signer"), c.Form("name")
		if c.Form("form") != "" {
			p.Class = c.Form("class")
			for i := range p.Fields {
				p.Fields[i].Value = c.Form(p.Fields[i].Name)
			}
		}
		return d.show(c, status, p)
	}
	c.Flash("ok", c.T(said))
	return c.Redirect("/centre/jobs/" + p.Job.String() + "/defects/" + p.Defect.ID.String())
}

// own finds the defect of the path in a job of the person's own centre.
func (d *Defects) own(c *web.Context) (uuid.UUID, error) {
	p, err := d.load(c)
	if err != nil {
		return uuid.Nil, err
	}
	return p.Defect.ID, nil
}
