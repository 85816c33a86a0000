package headquarters

import (
	"encoding/hex"
	"strings"
	"time"

	"github.com/google/uuid"

	"siteledger/server/office"
	"siteledger/server/report"
	"siteledger/server/web"
	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

// annexView is one drawing.
type annexView struct {
	ID   uuid.UUID
	Name string
	Kind string // dwg, dxf, pdf
	Size int64
	By   string
	At   int64
}

// markView is the marks that stand on a photo.
type markView struct {
	Photo  uuid.UUID
	Shapes []office.Shape
	By     string
	At     int64
}

// remedyView is a remedy with its way.
type remedyView struct {
	Kind, Proposal, Status string
	Answer                 string
	Steps                  []remedyStep
}

// remedyStep is one station of the way.
type remedyStep struct {
	Status   string
	Done, At bool
}

// precedents is what was decided in like cases.
type precedents struct {
	Total  int
	Shares []precedentShare
	Same   int // of them with the same material
	Lines  []precedent
}

type precedentShare struct {
	Verdict string
	Percent int
}

// precedent is one of them.
type precedent struct {
	report.Precedent
	Link string
	Same bool // the same material
}

const (
	precedentsRead  = 200 // how many like cases are added up
	precedentsShown = 5
)

// fillLeftover lays the trade's form beside the facts: all its fields, in its
// order, by its names (AD-02). Of the customer it shows what tells two cases
// apart and no more.
func (d *Door) fillLeftover(c *web.Context, p *DefectPage, f *report.JobFile, def report.FileRow) error {
	row, written, err := d.cfg.Bench.LeftoverOf(c.Context(), f, def)
	if err != nil {
		return err
	}
	p.Filed, p.FiledClass, p.FiledBy, p.FiledAt = written, row.Text("class"), f.Name(row.UUID("author")), row.Int("at")
	for _, name := range office.LeftoverColumns() {
		col := d.cfg.Schema.Table("leftover_order").Column(name)
		l := fact{Name: name, Label: col.Label.In(c.Lang), Value: row.Text(name)}
		if at := row.Int(name); col.Type == schema.Time && at != 0 {
			l.Value = time.UnixMilli(at).In(c.Zone()).Format("2006-01-02")
		}
		switch l.Lacking = l.Value == ""; {
		case l.Lacking:
			p.Unfilled++
		case name == "customer":
			l.Value = maskName(l.Value)
		case name == "phone":
			l.Value = maskPhone(l.Value)
		case name == "address":
			l.Value = c.T("defect.masked")
		}
		p.Leftover = append(p.Leftover, l)
	}
	signed, err := d.cfg.Bench.SignedLeftover(c.Context(), f.Centre, def.Row)
	if err != nil {
		return err
	}
	p.StaffState = string(signed.State)
	for _, s := range signed.Signatures {
		p.Staff = append(p.Staff, staffView{Signer: s.Text("signer"), Name: s.Text("name"), At: s.Int("at"), Hash: hex.EncodeToString(s.Bytes("image")), State: string(s.State)})
	}
	if visit, ok := f.Find("visit", def.UUID("visit")); ok {
		p.CustomerState = string(fieldwork.StateOf(office.VisitRows(f, visit)))
	}
	return nil
}

// staffView is a signature of the designer or the store's head on the form.
type staffView struct {
	Signer, Name string
	At           int64
	Hash         string // of the picture
	State        string // covers, superseded
}

// maskName leaves the first letter.
func maskName(s string) string {
	for _, r := range s {
		return string(r) + "**"
	}
	return ""
}

// maskPhone leaves the last four digits.
func maskPhone(s string) string {
	digits := office.Digits(s)
	if len(digits) < 8 {
		return "****"
	}
	return "****" + digits[len(digits)-4:]
}

// fillDesk reads what the offices keep about the case: drawings, marks, the
// remedy.
func (d *Door) fillDesk(c *web.Context, p *DefectPage, f *report.JobFile) error {
	rows, err := d.cfg.Files.StateRows(c.Context(), p.Centre, "drawing_annex", "defect", p.Defect.ID)
	if err != nil {
		return err
	}
	for _, r := range rows {
		name := r.Text("name")
		p.Annexes = append(p.Annexes, annexView{ID: r.ID, Name: name, Kind: strings.ToLower(name[strings.LastIndexByte(name, '.')+1:]),
			Size: r.Int("file_size"), By: f.Name(r.UUID("author")), At: r.Int("at")})
	}
	if rows, err = d.cfg.Files.StateRows(c.Context(), p.Centre, "photo_mark", "defect", p.Defect.ID); err != nil {
		return err
	}
	newest := map[uuid.UUID]markView{}
	for _, r := range rows {
		shapes, err := office.ReadShapes(r.Text("shapes"))
		if err != nil {
			continue // what no build draws is not shown
		}
		newest[r.UUID("photo")] = markView{Photo: r.UUID("photo"), Shapes: shapes, By: f.Name(r.UUID("author")), At: r.Int("at")}
	}
	for i := range p.Shots {
		if m, ok := newest[p.Shots[i].ID]; ok && len(m.Shapes) > 0 {
			p.Shots[i].Marks, p.Marked = m, true
		}
	}
	if rows, err = d.cfg.Files.StateRows(c.Context(), p.Centre, "remedy", "defect", p.Defect.ID); err != nil {
		return err
	}
	if len(rows) > 0 {
		p.Remedy = viewRemedy(rows[len(rows)-1])
	}
	return nil
}

func viewRemedy(r schema.Row) *remedyView {
	v := &remedyView{Kind: r.Text("kind"), Proposal: r.Text("proposal"), Status: r.Text("status"), Answer: r.Text("customer_answer")}
	passed := true
	for _, s := range office.RemedyPath(v.Kind) {
		at := s == v.Status
		v.Steps = append(v.Steps, remedyStep{Status: s, At: at, Done: passed && !at && v.Status != office.RemedyRefused})
		if at {
			passed = false
		}
	}
	return v
}

// fillPrecedents looks how like cases were judged. Where the first verdict is
// hidden, its own case is left out with it.
func (d *Door) fillPrecedents(c *web.Context, p *DefectPage, material string) error {
	all, err := d.cfg.Files.Precedents(c.Context(), p.Defect.Text("class"), precedentsRead)
	if err != nil {
		return err
	}
	count := map[string]int{}
	var same, other []precedent
	for _, one := range all {
		if one.Place.ID == p.Defect.ID && one.Place.Centre == p.Centre {
			continue
		}
		count[one.Verdict]++
		p.Past.Total++
		v := precedent{Precedent: one, Link: defectLink(one.Place.Centre, one.Place.ID, ""), Same: material != "" && one.Material == material}
		if v.Same {
			same = append(same, v)
		} else {
			other = append(other, v)
		}
	}
	p.Past.Same = len(same)
	p.Past.Lines = append(same, other...)
	p.Past.Lines = p.Past.Lines[:min(len(p.Past.Lines), precedentsShown)]
	for _, verdict := range []string{"hq", "store", "customer", "carrier"} {
		if n := count[verdict]; n > 0 {
			p.Past.Shares = append(p.Past.Shares, precedentShare{Verdict: verdict, Percent: (n*100 + p.Past.Total/2) / p.Past.Total})
		}
	}
	return nil
}
