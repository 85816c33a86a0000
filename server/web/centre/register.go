package centre

import (
	"net/http"

	"github.com/google/uuid"

	"siteledger/server/office"
	"siteledger/server/report"
	"siteledger/server/web"
)

// registerView is the registration of one job's slip: the six ticks and what
// the facts say about each.
type registerView struct {
	Job        uuid.UUID
	JobNo      string
	Status     string
	Base       uint64
	Ticks      []tickBox
	Doubts     int // ticks that the facts do not support
	Blocking   int // open cases that must be decided first
	Registered int64
	By         string
	Complete   bool
	Shipments  []report.FileRow
}

// tickBox is one of the six.
type tickBox struct {
	office.Tick
	Ticked bool
}

func (r *Reconciliation) viewRegister(t *teller, f *report.JobFile) *registerView {
	head, _ := f.Head()
	v := &registerView{Job: f.Job, JobNo: head.Text("job_no"), Status: head.Text("status"), Base: head.Rev,
		Registered: head.Int("registered_at"), Complete: head.Bool("complete"), Shipments: f.All("return_shipment")}
	if v.Registered != 0 {
		v.By = t.name(head.UUID("registered_by"))
	}
	for _, tick := range office.Ticks(f) {
		v.Ticks = append(v.Ticks, tickBox{Tick: tick, Ticked: tick.OK})
		if !tick.OK {
			v.Doubts++
		}
	}
	for _, k := range f.Cases {
		if k.Open && k.Blocking {
			v.Blocking++
		}
	}
	return v
}

// RegisterPage is the registration on a page of its own, as the job's page
// links it.
type RegisterPage struct {
	Slip    *registerView
	Job     *jobSide
	Reason  string
	Problem string
}

func (r *Reconciliation) loadRegister(c *web.Context, id uuid.UUID) (*RegisterPage, error) {
	f, err := r.cfg.Files.JobFile(c.Context(), c.Person.Centre, id)
	if err != nil {
		return nil, err
	}
	t := &teller{c: c, schema: r.cfg.Schema, people: f.People}
	return &RegisterPage{Slip: r.viewRegister(t, &f), Job: r.viewJob(t, &f)}, nil
}

// registration serves GET /centre/jobs/{id}/register.
func (r *Reconciliation) registration(c *web.Context) error {
	id, err := c.PathID("id")
	if err != nil {
		return err
	}
	p, err := r.loadRegister(c, id)
	if err != nil {
		return err
	}
	return r.showRegister(c, http.StatusOK, p)
}

func (r *Reconciliation) showRegister(c *web.Context, status int, p *RegisterPage) error {
	return c.RenderStatus(status, "register", web.Page{Title: c.T("register.title") + " " + p.Slip.JobNo, Nav: "reconcile", Styles: []string{"centre/reconcile.css"},
		Scripts: []string{"centre/reconcile.js"}, Data: p})
}

// register serves POST /centre/jobs/{id}/register. From the queue it goes on
// with the next matter, else back to the registration.
func (r *Reconciliation) register(c *web.Context) error {
	id, err := c.PathID("id")
	if err != nil {
		return err
	}
	in := office.Registration{Job: id, Base: c.FormRev("base"), Ticks: c.Forms("tick"), Reason: c.Form("reason")}
	if err := r.cfg.Slips.Register(c.Context(), who(c), in); err != nil {
		status, text, ok := c.Problem(err)
		if !ok {
			return err
		}
		p, lerr := r.loadRegister(c, id)
		if lerr != nil {
			return lerr
		}
		p.Problem, p.Reason = text, in.Reason
		for i := range p.Slip.Ticks {
			p.Slip.Ticks[i].Ticked = contains(in.Ticks, p.Slip.Ticks[i].Name)
		}
		return r.showRegister(c, status, p)
	}
	c.Flash("ok", c.T("register.done"))
	if c.Form("queue") != "" {
		return c.Redirect(nextAfter(c, uuid.Nil))
	}
	return c.Redirect("/centre/jobs/" + id.String() + "/register")
}

func contains(all []string, s string) bool {
	for _, v := range all {
		if v == s {
			return true
		}
	}
	return false
}

// ship serves POST /centre/jobs/{id}/shipments/{shipment}: the goods that
// headquarters wants back are on their way, or came in.
func (r *Reconciliation) ship(c *web.Context) error {
	id, err := c.PathID("id")
	if err != nil {
		return err
	}
	shipment, err := c.PathID("shipment")
	if err != nil {
		return err
	}
	err = r.cfg.Slips.Ship(c.Context(), who(c), c.Person.Centre, shipment, c.FormRev("base"), c.Form("status"), c.Form("carrier"))
	if err != nil {
		_, text, ok := c.Problem(err)
		if !ok {
			return err
		}
		c.Flash("bad", text)
	}
	return c.Redirect("/centre/jobs/" + id.String() + "/register")
}
