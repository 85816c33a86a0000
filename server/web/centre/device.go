package centre

import (
	"net/http"

	"github.com/google/uuid"

	"siteledger/server/office"
	"siteledger/server/report"
	"siteledger/server/web"
	"siteledger/syncproto/schema"
)

// DevicePage is one phone: how it stands, what its clock showed, what it was
// asked, and what a supervisor may ask of it.
type DevicePage struct {
	report.PhoneFile
	Centre  uuid.UUID
	Line    phoneLine
	Permit  string // the code that lets it sign out, shown once
	Problem string
	Typed   office.Instruction
	May     bool // this person may instruct it
}

func (d *Door) device(c *web.Context) error { return d.showDevice(c, http.StatusOK, &DevicePage{}) }

func (d *Door) showDevice(c *web.Context, status int, p *DevicePage) error {
	id, err := c.PathID("id")
	if err != nil {
		return err
	}
	p.Centre = d.peopleCentre(c)
	if p.PhoneFile, err = d.cfg.Reports.Phone(c.Context(), p.Centre, id); err != nil {
		return err
	}
	p.Line = phoneLine{DeviceLine: p.DeviceLine, Silent: p.DeviceLine.Silent(c.Now), Odd: p.OddClock()}
	p.May = c.Person.Role == schema.Supervisor && p.RevokedAt == 0
	return c.RenderStatus(status, "device", web.Page{Title: c.T("device.title"), Nav: "people", Data: p})
}

// permit serves POST /centre/devices/{id}/permit: the code is shown once, on
// the answer itself, and stands in no address.
func (d *Door) permit(c *web.Context) error {
	id, err := c.PathID("id")
	if err != nil {
		return err
	}
	// A phone of another centre is NotFound before anything is signed.
	if _, err := d.cfg.Reports.Phone(c.Context(), d.peopleCentre(c), id); err != nil {
		return err
	}
	code, err := d.cfg.Accounts.PermitSignOut(c.Context(), c.Person, id)
	if err != nil {
		return err
	}
	return d.showDevice(c, http.StatusOK, &DevicePage{Permit: code})
}

// instruct serves POST /centre/devices/{id}/instruct.
func (d *Door) instruct(c *web.Context) error {
	id, err := c.PathID("id")
	if err != nil {
		return err
	}
	in := office.Instruction{Device: id, Kind: c.Form("kind"), Epoch: c.FormID("epoch"), From: c.FormRev("from"), Text: c.Form("text")}
	if err := d.cfg.Office.Instruct(c.Context(), who(c), in); err != nil {
		status, text, ok := c.Problem(err)
		if !ok {
			return err
		}
		return d.showDevice(c, status, &DevicePage{Problem: text, Typed: in})
	}
	c.Flash("ok", c.T("device.asked"))
	return c.Redirect("/centre/devices/" + id.String())
}
