package centre

import (
	"time"

	"siteledger/server/office"
	"siteledger/server/report"
	"siteledger/server/web"
	"siteledger/syncproto/schema"

	"github.com/google/uuid"
)

// contractChoice is a contract on the intake form with what its warranty says
// today.
type contractChoice struct {
	report.ContractFile
	Warranty string
	Checked  bool
}

// crewChoice is an installer on a dispatch form.
type crewChoice struct {
	report.Load
	On, Lead bool
	Least    bool // has the smallest share of the month
}

// IntakePage is the form on which a call is taken down (form 7-3.1).
type IntakePage struct {
	Problem     string
	Find        string
	Short       bool
	Found       []report.CustomerLine
	Form        office.Intake
	Customer    schema.Row // of the customer picked; empty for a new one
	Contracts   []contractChoice
	Communities []report.Community
	Crew        []crewChoice
	Script      string
	Day         string
	From, To    string
}

// intakeForm serves GET /centre/intake: ?find= looks for a customer,
// ?customer= picks one.
func (d *Door) intakeForm(c *web.Context) error {
	p := &IntakePage{Find: c.Form("find")}
	p.Form.Kind, p.Form.Channel, p.Form.Answered = "aftersale", "phone", true
	p.Day = c.Form("day")
	if p.Day == "" {
		p.Day = c.Now.In(c.Zone()).AddDate(0, 0, 1).Format(time.DateOnly)
	}
	p.Form.Customer.ID = c.FormID("customer")
	if p.Form.Customer.ID != uuid.Nil {
		f, err := d.cfg.Reports.CustomerFile(c.Context(), c.Person.Centre, p.Form.Customer.ID)
		if err != nil {
			return err
		}
		r := f.Row
		p.Form.Customer = office.Customer{ID: r.ID, Base: r.Rev, Name: r.Text("name"), Phone: r.Text("phone"), Address: r.Text("address"), Community: r.UUID("community"), Note: r.Text("note")}
		if len(f.Contracts) == 1 {
			p.Form.Contract.ID = f.Contracts[0].Row.ID
		}
	} else if p.Find != "" {
		q, ok := report.NewQuery(p.Find)
		if p.Short = !ok; ok {
			found, err := d.cfg.Reports.Search(c.Context(), c.Person.Centre, q, 12, c.Now)
			if err != nil {
				return err
			}
			p.Found = found.Customers
			p.prefill(q)
		}
	}
	return d.showIntake(c, 200, p)
}

// prefill puts what was looked for into the form of a new customer.
func (p *IntakePage) prefill(q report.Query) {
	switch {
	case len(p.Found) > 0:
	case len(q.Digits) >= 7:
		p.Form.Customer.Phone = q.Digits
	case q.Digits == "":
		p.Form.Customer.Name = q.Text
	}
}

// showIntake fills what the form needs around what was typed.
func (d *Door) showIntake(c *web.Context, status int, p *IntakePage) error {
	ctx, centre := c.Context(), c.Person.Centre
	if id := p.Form.Customer.ID; id != uuid.Nil {
		f, err := d.cfg.Reports.CustomerFile(ctx, centre, id)
		if err != nil {
			return err
		}
		p.Customer = f.Row
		for _, k := range f.Contracts {
			p.Contracts = append(p.Contracts, contractChoice{ContractFile: k, Warranty: office.Warranty(k.Row.Int("warranty_until"), c.Now.UnixMilli()), Checked: k.Row.ID == p.Form.Contract.ID})
		}
	}
	var err error
	if p.Communities, err = d.cfg.Reports.Communities(ctx, centre); err != nil {
		return err
	}
	if p.Crew, err = d.crewChoices(c, p.Form.Crew); err != nil {
		return err
	}
	zh, en, err := d.cfg.Reports.Scripts(ctx, "booking")
	if err != nil {
		return err
	}
	if p.Script = zh; c.Lang == web.English && en != "" {
		p.Script = en
	}
	return c.RenderStatus(status, "intake", web.Page{Title: c.T("intake.title"), Nav: "intake", Data: p})
}

// crewChoices lists the installers with their shares of the month, the
// smallest share first (JL-14).
func (d *Door) crewChoices(c *web.Context, chosen []uuid.UUID) ([]crewChoice, error) {
	loads, err := d.monthLoads(c, dayOf(c, ""))
	if err != nil {
		return nil, err
	}
	out := make([]crewChoice, len(loads))
	for i, l := range loads {
		out[i] = crewChoice{Load: l, Least: l.Month == loads[0].Month}
		for j, id := range chosen {
			if id == l.Person {
				out[i].On, out[i].Lead = true, j == 0
			}
		}
	}
	return out, nil
}

// formCrew reads a dispatch form: the lead first, then the others ticked.
func formCrew(c *web.Context) []uuid.UUID {
	var crew []uuid.UUID
	if lead := c.FormID("lead"); lead != uuid.Nil {
		crew = append(crew, lead)
	}
	for _, s := range c.Forms("crew") {
		id, err := uuid.Parse(s)
		if err == nil && (len(crew) == 0 || id != crew[0]) && len(crew) < 20 {
			crew = append(crew, id)
		}
	}
	return crew
}

// formSlot reads day, from and to into Unix milliseconds; 0 for what is empty.
func formSlot(c *web.Context) (from, to int64) {
	day := c.Form("day")
	at := func(hour string) int64 {
		t, err := time.ParseInLocation("2006-01-02 15:04", day+" "+hour, c.Zone())
		if err != nil {
			return 0
		}
		return t.UnixMilli()
	}
	return at(c.Form("from")), at(c.Form("to"))
}

// takeIn serves POST /centre/intake. On a fault the form comes back as typed.
func (d *Door) takeIn(c *web.Context) error {
	in := formIntake(c)
	taken, err := d.cfg.Office.Intake(c.Context(), who(c), in)
	if err == nil {
		text := c.T("intake.done", taken.JobNo)
		if len(in.Crew) > 0 {
			text = c.T("intake.done-sent", taken.JobNo)
		}
		c.Flash("ok", text)
		return c.Redirect("/centre/jobs/" + taken.Job.String())
	}
	status, text, ok := c.Problem(err)
	if !ok {
		return err
	}
	p := &IntakePage{Problem: text, Form: in, Day: c.Form("day"), From: c.Form("from"), To: c.Form("to")}
	return d.showIntake(c, status, p)
}

func formIntake(c *web.Context) office.Intake {
	in := office.Intake{
		Customer: office.Customer{ID: c.FormID("customer"), Base: c.FormRev("customer_base"), Name: c.Form("name"), Phone: c.Form("phone"),
			Address: c.Form("address"), Community: c.FormID("community"), Note: c.Form("customer_note")},
		Contract: office.Contract{ID: c.FormID("contract"), No: c.Form("contract_no"), Store: c.Form("store"), Designer: c.Form("designer"),
			InstalledAt: c.FormTime("installed_at"), WarrantyUntil: c.FormTime("warranty_until"), DeliveryDate: c.FormTime("delivery_date")},
		Kind: c.Form("kind"), Channel: c.Form("channel"), AskedWork: c.Form("asked_work"), Warranty: c.Form("warranty"),
		AgreedWith: c.Form("agreed_with"), Answered: c.Ticked("answered"), Crew: formCrew(c), Reason: c.Form("reason"),
	}
	in.SlotFrom, in.SlotTo = formSlot(c)
	// Each contract has its own boxes: those of a contract that was not chosen
	// do not count.
	for _, s := range c.Forms("item_" + in.Contract.ID.String()) {
		if id, err := uuid.Parse(s); err == nil && len(in.Items) < 100 {
			in.Items = append(in.Items, id)
		}
	}
	if c.Form("category") != "" {
		in.NewItem = &office.Item{Category: c.Form("category"), Model: c.Form("model"), Material: c.Form("material"),
			EdgeProfile: c.Form("edge_profile"), EdgeBand: c.Form("edge_band"), DrawingSize: c.Form("drawing_size"), Serial: c.Form("serial")}
	}
	return in
}

// Item is the new product as typed, empty where there is none.
func (p *IntakePage) Item() office.Item {
	if p.Form.NewItem == nil {
		return office.Item{}
	}
	return *p.Form.NewItem
}

// Items are the products ticked.
func (p *IntakePage) Items() []string {
	out := make([]string, len(p.Form.Items))
	for i, id := range p.Form.Items {
		out[i] = id.String()
	}
	return out
}
