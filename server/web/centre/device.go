package centre

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"

	"github.com/google/uuid"

	"siteledger/server/office"
	"siteledger/server/report"
	"siteledger/server/web"
	"siteledger/syncproto"
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

// Resent is what became of a range that a phone was asked to send again.
type Resent struct {
	From, To uint64
	Same     bool // the server compared all of it, and has the same
}

// Says is what an instruction asks, in words; "" where its kind says all.
func (p *DevicePage) Says(a report.Asked) string {
	var args struct {
		Text, SHA256 string
		From, To     uint64
	}
	if json.Unmarshal([]byte(a.Args), &args) != nil {
		return ""
	}
	switch a.Kind {
	case syncproto.KindResend:
		if args.To == 0 {
			return fmt.Sprintf("%d–", args.From)
		}
		return fmt.Sprintf("%d–%d", args.From, args.To)
	case syncproto.KindUpload:
		return args.SHA256[:min(len(args.SHA256), 12)]
	}
	return args.Text
}

// Resent gives the result of a re-send, nil while there is none. A phone
// answers behind what it sends again, and the server takes the answer only
// where the overlap is equal; a log that has gone on in two ways was not heard
// again under its name.
func (p *DevicePage) Resent(a report.Asked) *Resent {
	var args struct {
		Epoch    uuid.UUID `json:"epoch"`
		From, To uint64
	}
	if a.Kind != syncproto.KindResend || a.State != "done" || json.Unmarshal([]byte(a.Args), &args) != nil {
		return nil
	}
	for i, l := range p.Logs {
		if l.Epoch != args.Epoch && (args.Epoch != uuid.Nil || i > 0) {
			continue
		}
		to := args.To
		if to == 0 || to > l.Acked {
			to = l.Acked
		}
		return &Resent{From: args.From, To: to, Same: l.Contact >= a.At && to >= args.From}
	}
	return nil
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
	in := office.Instruction{Device: id, Kind: c.Form("kind"), Epoch: c.FormID("epoch"), From: c.FormRev("from"), To: c.FormRev("to"), Text: c.Form("text")}
	if c.Form("to") != "" && in.To == 0 {
		in.To = math.MaxUint64 // no number: refused below, not taken for "to the end"
	}
	if err := d.cfg.Office.Instruct(c.Context(), who(c), in); err != nil {
		status, text, ok := c.Problem(err)
		if !ok {
			return err
		}
		if in.To == math.MaxUint64 {
			in.To = 0
		}
		return d.showDevice(c, status, &DevicePage{Problem: text, Typed: in})
	}
	c.Flash("ok", c.T("device.asked"))
	return c.Redirect("/centre/devices/" + id.String())
}
