package centre

import (
	"strings"

	"github.com/google/uuid"

	"siteledger/server/office"
	"siteledger/server/report"
	"siteledger/server/web"
	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

// slipLine is a label and its value on a printed form; Lacking marks a
// required one that is empty.
type slipLine struct {
	Label   string
	Value   string
	Lacking bool
	Wide    bool
}

// slipFee is one fee line on the back of the slip.
type slipFee struct {
	Name, Basis string
	Quantity    int64
	Charged     int64
	Currency    string
}

// slipVisit is the back of the slip: what one visit came to. It holds nothing
// internal: neither cause nor measure while they are deferred (OR-14).
type slipVisit struct {
	Started    int64
	Technician string
	Outcome    string
	Fault      string
	Cause      string
	Measure    string
	Deferred   bool
	Done       []string
	Parts      []slipLine
	Fees       []slipFee
	Due        int64
	Receipts   []slipLine
	Quality    int64
	Attitude   int64
	Rated      bool
	Comment    string
	Signature  *signatureView
}

// slipDefect is one leftover form (遗留问题处理单).
type slipDefect struct {
	No        int64
	Lines     []slipLine
	Lacking   []string
	Text      string
	Sizes     bool
	Drawing   int64
	Actual    int64
	Verdict   string
	Words     string // for the customer
	Remedy    string
	Shares    []slipLine
	JudgedAt  int64
	Photos    []photoView
	HasPhotos bool
	FiledBy   string // who filed the form; "" while it is made of the job's own data
	FiledAt   int64
	Staff     []staffView // drawn signatures of designer or store head (SF-06)
	Unsigned  bool        // filed, and no signature stands
}

// SlipPage is the printed forms of a job: the customer's feedback slip (front
// and back) and one leftover form per defect. Only the service line is printed
// as a number to call (OR-11).
type SlipPage struct {
	Job     string // id
	JobNo   string
	Centre  string
	Service string // the service line
	Hours   string
	Front   []slipLine
	Asked   string
	Items   []slipLine
	Visits  []slipVisit
	Defects []slipDefect
	Version string
}

// slip serves GET /centre/jobs/{id}/slip.
func (r *Reconciliation) slip(c *web.Context) error {
	id, err := c.PathID("id")
	if err != nil {
		return err
	}
	f, err := r.cfg.Files.JobFile(c.Context(), c.Person.Centre, id)
	if err != nil {
		return err
	}
	t := &teller{c: c, schema: r.cfg.Schema, people: f.People}
	filed := map[uuid.UUID]report.FileRow{}
	for _, d := range f.All("defect") {
		rows, err := r.cfg.Rows.StateRows(c.Context(), c.Person.Centre, "leftover_order", "defect", d.ID)
		if err != nil {
			return err
		}
		if len(rows) > 0 {
			filed[d.ID] = report.FileRow{Row: rows[len(rows)-1]}
		}
	}
	p := viewSlip(t, &f, filed)
	for i, d := range f.All("defect") {
		signed, err := r.cfg.Slips.SignedLeftover(c.Context(), c.Person.Centre, d.Row)
		if err != nil {
			return err
		}
		p.Defects[i].Staff = viewStaff(c, r.cfg.Schema, signed)
		p.Defects[i].Unsigned = signed.Filed && signed.State != fieldwork.SignatureCovers
	}
	return c.Render("slip", web.Page{Title: c.T("slip.title"), Nav: "reconcile", Styles: []string{"centre/slip.css"}, Data: p})
}

// viewSlip makes the forms of a job; filed are the leftover forms that somebody
// filed, by defect.
func viewSlip(t *teller, f *report.JobFile, filed map[uuid.UUID]report.FileRow) *SlipPage {
	head, _ := f.Head()
	p := &SlipPage{Job: f.Job.String(), JobNo: head.Text("job_no"), Centre: f.Contact.Text("name"), Service: f.Contact.Text("phone"),
		Hours: f.Contact.Text("hours"), Asked: head.Text("asked_work"), Version: t.c.T("slip.version")}
	if t.c.Lang == "en" && f.Contact.Text("name_en") != "" {
		p.Centre = f.Contact.Text("name_en")
	}
	p.Front = t.lines(f.First("job_contact"), "name", "phone", "address", "community")
	p.Front = append(p.Front, t.lines(head, "contract_no", "kind", "warranty", "intake_at")...)
	p.Front = append(p.Front, slipLine{Label: t.c.T("slip.slot"), Value: t.slot(head)})
	p.Front = append(p.Front, slipLine{Label: t.label("assignment", "person"), Value: crew(t, f)})
	p.Front = fill(p.Front)
	for _, it := range f.All("job_item") {
		p.Items = append(p.Items, slipLine{Label: t.value(t.column("job_item", "category"), it.Text("category")),
			Value: joined(it, "model", "material", "edge_profile", "edge_band", "serial")})
	}
	for _, v := range f.All("visit") {
		p.Visits = append(p.Visits, viewVisit(t, f, v))
	}
	for _, d := range f.All("defect") {
		p.Defects = append(p.Defects, viewLeftover(t, f, d, filed[d.ID]))
	}
	return p
}

// fill widens the boxes that would leave a gap beside them, in two columns.
func fill(lines []slipLine) []slipLine {
	open := -1 // a box that stands alone in its row so far
	for i := range lines {
		switch {
		case lines[i].Wide && open >= 0:
			lines[open].Wide, open = true, -1
		case lines[i].Wide:
		case open >= 0:
			open = -1
		default:
			open = i
		}
	}
	if open >= 0 {
		lines[open].Wide = true
	}
	return lines
}

// lines prints columns of a row with their labels, as they are.
func (t *teller) lines(row report.FileRow, columns ...string) []slipLine {
	out := make([]slipLine, 0, len(columns))
	for _, name := range columns {
		c := t.column(row.Table, name)
		out = append(out, slipLine{Label: c.Label.In(t.c.Lang), Value: t.value(c, row.Cols[name]), Wide: c.Max > 400})
	}
	return out
}

func (t *teller) slot(head report.FileRow) string {
	from, to := t.moment(head.Int("slot_from")), t.moment(head.Int("slot_to"))
	if from == "" || len(to) < 5 {
		return from
	}
	return from + "–" + to[len(to)-5:]
}

func crew(t *teller, f *report.JobFile) string {
	var names []string
	for _, p := range f.Leads() {
		names = append(names, t.name(p))
	}
	return strings.Join(names, t.c.T("slip.and"))
}

func joined(row report.FileRow, columns ...string) string {
	var parts []string
	for _, c := range columns {
		if s := row.Text(c); s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, " · ")
}

func viewVisit(t *teller, f *report.JobFile, visit report.FileRow) slipVisit {
	rows := office.VisitRows(f, visit)
	v := slipVisit{Started: visit.Int("started_at"), Technician: t.name(visit.UUID("person")),
		Outcome: t.value(t.column("visit", "outcome"), visit.Cols["outcome"])}
	if rec := rows.Record; rec != nil {
		v.Fault, v.Deferred = rec.Text("fault"), rec.Bool("deferred")
		if !v.Deferred {
			v.Cause, v.Measure = rec.Text("cause"), rec.Text("measure")
		}
		for _, col := range []string{"training_done", "restored", "cleaned", "warranty_card"} {
			if rec.Bool(col) {
				v.Done = append(v.Done, t.label("service_record", col))
			}
		}
	}
	for _, part := range rows.Parts {
		v.Parts = append(v.Parts, slipLine{Label: part.Text("name"), Value: part.Text("serial")})
	}
	for _, l := range rows.Fees {
		name := l.Text("name")
		if name == "" {
			name = l.Text("item")
		}
		v.Fees = append(v.Fees, slipFee{Name: name, Basis: t.value(t.column("fee_line", "basis"), l.Cols["basis"]),
			Quantity: l.Int("quantity"), Charged: l.Int("charged"), Currency: l.Text("currency")})
	}
	v.Due, _ = office.Paid(f, visit.ID)
	for _, rc := range f.Where("receipt", "visit", visit.ID) {
		v.Receipts = append(v.Receipts, slipLine{Label: rc.Text("no"), Value: t.value(t.column("receipt", "amount"), rc.Cols["amount"])})
	}
	if rows.Rating != nil {
		v.Rated, v.Quality, v.Attitude, v.Comment = true, rows.Rating.Int("quality"), rows.Rating.Int("attitude"), rows.Rating.Text("comment")
	}
	for _, s := range viewSignatures(f, visit) {
		if s.Signer == fieldwork.SignerCustomer && (v.Signature == nil || v.Signature.State != string(fieldwork.SignatureCovers)) {
			v.Signature = &s // the newest, but one that stands is not hidden by a refusal to sign again
		}
	}
	return v
}

// viewLeftover is the leftover form with the fields of AD-02, as it was filed,
// what to change and why among them; before that as far as the job's own data
// fill it. What is missing is named, never left blank without a word.
func viewLeftover(t *teller, f *report.JobFile, d, filed report.FileRow) slipDefect {
	head, _ := f.Head()
	item, ok := f.Find("job_item", d.UUID("item"))
	if !ok {
		item = f.First("job_item")
	}
	v := slipDefect{No: d.Int("no"), Text: d.Text("text"), Drawing: d.Int("drawing_size"), Actual: d.Int("actual_size")}
	v.Sizes = v.Drawing != 0 || v.Actual != 0
	contract := head
	if head.Text("contract_no") == "" && item.Text("contract_no") != "" {
		contract = item
	}
	v.Lines = append(v.Lines, t.lines(contract, "contract_no")...)
	v.Lines = append(v.Lines, t.lines(f.First("job_contact"), "name", "phone", "address")...)
	v.Lines = append(v.Lines, t.lines(item, "order_time", "delivery_date", "material", "edge_profile", "edge_band", "drawing_size")...)
	v.Lines = append(v.Lines, t.lines(d, "class")...)
	var verdict report.FileRow
	for _, a := range f.Where("adjudication", "defect", d.ID) {
		verdict = a
	}
	judged := slipLine{Label: t.c.T("slip.judgement")}
	remake := slipLine{Label: t.c.T("slip.remake")}
	if verdict.ID != (schema.Row{}).ID {
		col := func(name string) string { return t.value(t.column("adjudication", name), verdict.Cols[name]) }
		v.Verdict, v.Remedy, v.Words, v.JudgedAt = col("verdict"), col("remedy"), verdict.Text("text_customer"), verdict.Int("at")
		judged.Value, remake.Value = v.Verdict, strings.TrimSpace(v.Remedy+" "+verdict.Text("text_store"))
		for _, s := range f.Where("responsibility", "adjudication", verdict.ID) {
			v.Shares = append(v.Shares, slipLine{Label: s.Text("party"), Value: t.value(t.column("responsibility", "percent"), s.Cols["percent"]) + "%"})
		}
	}
	remake.Wide = true
	if filed.ID == uuid.Nil {
		v.Lines = append(v.Lines, judged, remake)
	} else {
		v.Lines = append(t.lines(d, "class"), t.lines(filed, append([]string{"class"}, office.LeftoverColumns()...)...)...)
		v.FiledBy, v.FiledAt = t.name(filed.UUID("author")), filed.Int("at")
	}
	fill(v.Lines)
	for i := range v.Lines {
		if v.Lines[i].Value == "" {
			v.Lines[i].Lacking = true
			v.Lacking = append(v.Lacking, v.Lines[i].Label)
		}
	}
	for _, p := range f.Where("photo", "defect", d.ID) {
		v.Photos = append(v.Photos, viewPhoto(f, p))
	}
	return v
}
