package centre

import (
	"net/http"
	"net/url"
	"strings"

	"siteledger/server/office"
	"siteledger/server/report"
	"siteledger/server/web"

	"github.com/google/uuid"
)

// act runs one action of the job's page: the id from the path, then back to
// the page with a word, or the form again.
func (d *Door) act(c *web.Context, form jobForms, table, done string, do func(id uuid.UUID) error) error {
	id, err := c.PathID("id")
	if err != nil {
		return err
	}
	if err := do(id); err != nil {
		return d.again(c, id, err, form, table, c.FormRev("base"))
	}
	c.Flash("ok", c.T(done))
	return c.Redirect("/centre/jobs/" + id.String())
}

func (d *Door) moveSlot(c *web.Context) error {
	form := jobForms{Open: "slot", Day: c.Form("day"), From: c.Form("from"), To: c.Form("to"), AgreedWith: c.Form("agreed_with")}
	from, to := formSlot(c)
	return d.act(c, form, "job", "job.slot-moved", func(id uuid.UUID) error {
		return d.cfg.Office.MoveSlot(c.Context(), who(c), office.Slot{Job: id, Base: c.FormRev("base"), From: from, To: to,
			AgreedWith: form.AgreedWith, Answered: c.Ticked("answered")})
	})
}

func (d *Door) correctContact(c *web.Context) error {
	form := jobForms{Open: "contact", Name: c.Form("name"), Phone: c.Form("phone"), Address: c.Form("address"), Note: c.Form("note"), Verified: c.Form("verified"), Point: c.Form("point"), Map: c.Form("map")}
	var point *office.AddressPoint // nil where the form does not say
	if c.R.PostForm.Has("point") {
		point = &office.AddressPoint{Text: form.Point, Map: form.Map}
	}
	return d.act(c, form, "job_contact", "job.contact-corrected", func(id uuid.UUID) error {
		return d.cfg.Office.CorrectContact(c.Context(), who(c), office.Contact{Job: id, Contact: c.FormID("contact"), Base: c.FormRev("base"),
			Name: form.Name, Phone: form.Phone, Address: form.Address, Note: form.Note, Verified: form.Verified, Point: point})
	})
}

func (d *Door) dispatch(c *web.Context) error {
	form := jobForms{Open: "crew", Reason: c.Form("reason")}
	var shown []uuid.UUID // nil where the form does not say
	if c.R.PostForm.Has("shown") {
		shown = []uuid.UUID{}
	}
	for _, s := range strings.Fields(c.Form("shown")) {
		if id, err := uuid.Parse(s); err == nil {
			shown = append(shown, id)
		}
	}
	return d.act(c, form, "assignment", "job.dispatched", func(id uuid.UUID) error {
		return d.cfg.Office.Dispatch(c.Context(), who(c), office.Dispatch{Job: id, Base: c.FormRev("base"), Crew: formCrew(c), Shown: shown, Reason: form.Reason})
	})
}

func (d *Door) cancel(c *web.Context) error {
	form := jobForms{Open: "cancel", Reason: c.Form("reason")}
	return d.act(c, form, "job", "job.cancelled", func(id uuid.UUID) error {
		return d.cfg.Office.Cancel(c.Context(), who(c), id, c.FormRev("base"), form.Reason)
	})
}

func (d *Door) note(c *web.Context) error {
	form := jobForms{Open: "note", Kind: c.Form("kind"), Text: c.Form("text")}
	return d.act(c, form, "note", "job.noted", func(id uuid.UUID) error {
		return d.cfg.Office.AddNote(c.Context(), who(c), id, form.Kind, form.Text)
	})
}

// code serves POST /centre/jobs/{id}/code: what the customer may confirm with
// instead of signing.
func (d *Door) code(c *web.Context) error {
	return d.act(c, jobForms{}, "job", "job.code-made", func(id uuid.UUID) error {
		_, err := d.cfg.Office.GiveCode(c.Context(), who(c), id)
		return err
	})
}

// number serves POST /centre/jobs/{id}/number, for a job found on the spot.
func (d *Door) number(c *web.Context) error {
	return d.act(c, jobForms{}, "job", "job.numbered", func(id uuid.UUID) error {
		_, err := d.cfg.Office.GiveNumber(c.Context(), who(c), id)
		return err
	})
}

// askUpload serves POST /centre/jobs/{id}/upload: each photo named is asked of
// the phone that has it.
func (d *Door) askUpload(c *web.Context) error {
	id, err := c.PathID("id")
	if err != nil {
		return err
	}
	asked := 0
	for _, s := range c.Forms("photo") {
		photo, err := uuid.Parse(s)
		if err != nil || asked >= 100 {
			continue
		}
		if err := d.cfg.Uploads.Urge(c.Context(), who(c), c.Person.Centre, photo); err != nil {
			return err
		}
		asked++
	}
	c.Flash("ok", c.T("job.asked", asked))
	return c.Redirect("/centre/jobs/" + id.String())
}

// TimelinePage is a job's history on two rulers.
type TimelinePage struct {
	ID   uuid.UUID
	Head report.FileRow
	Line *timelineView
}

func (d *Door) timeline(c *web.Context) error {
	id, err := c.PathID("id")
	if err != nil {
		return err
	}
	f, err := d.cfg.Reports.JobFile(c.Context(), c.Person.Centre, id)
	if err != nil {
		return err
	}
	facts, err := d.cfg.Reports.JobFacts(c.Context(), c.Person.Centre, id)
	if err != nil {
		return err
	}
	t := &teller{c: c, schema: d.cfg.Schema, people: f.People}
	p := &TimelinePage{ID: id, Line: viewTimeline(t, report.NewTimeline(d.cfg.Schema, facts), f.Holders)}
	p.Head, _ = f.Head()
	return c.RenderStatus(http.StatusOK, "timeline", web.Page{Title: c.T("job.timeline") + " " + p.Head.Text("job_no"), Nav: "jobs", Styles: []string{"centre/reconcile.css"}, Data: p})
}

// back is a path of the people page for a centre that an administrator chose.
func back(path string, centre uuid.UUID, own uuid.UUID) string {
	if centre == own {
		return path
	}
	return path + "?" + url.Values{"centre": {centre.String()}}.Encode()
}
