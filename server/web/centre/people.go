package centre

import (
	"bytes"
	"encoding/base64"
	"html/template"
	"image/png"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/skip2/go-qrcode"

	"siteledger/server/auth"
	"siteledger/server/fault"
	"siteledger/server/report"
	"siteledger/server/web"
	"siteledger/syncproto"
	"siteledger/syncproto/schema"
)

// phoneLine is a phone with what the eye should catch.
type phoneLine struct {
	report.DeviceLine
	Silent, Odd bool
}

// personLine is somebody with the phones.
type personLine struct {
	report.PersonLine
	Phones  []phoneLine
	Managed bool // this person may change them
}

// secretView is shown once: a new password, or an enrolment code.
type secretView struct {
	Name, Login, Password string
	Code, Server          string
	QR                    template.URL
	Expires               int64
}

// PeoplePage is the people of a centre and their phones.
type PeoplePage struct {
	Centre  uuid.UUID
	Centres []report.CentreName // for an administrator
	People  []personLine
	Roles   []schema.Role // that may be given
	Silent  int
	Secret  *secretView
	Problem string
	Form    auth.NewPerson
}

func (d *Door) people(c *web.Context) error {
	return d.showPeople(c, http.StatusOK, &PeoplePage{})
}

// peopleCentre is the centre whose people are meant: a supervisor's own; an
// administrator names one.
func (d *Door) peopleCentre(c *web.Context) uuid.UUID {
	if id := c.FormID("centre"); c.Person.Role == schema.Admin && id != uuid.Nil {
		return id
	}
	return c.Person.Centre
}

// rolesGiven are the roles that somebody may give in a centre.
func rolesGiven(by schema.Role, headquarters bool) []schema.Role {
	switch {
	case by == schema.Admin && headquarters:
		return []schema.Role{schema.Adjudicator, schema.Admin}
	case by == schema.Admin:
		return []schema.Role{schema.Installer, schema.Clerk, schema.Supervisor}
	}
	return []schema.Role{schema.Installer, schema.Clerk}
}

func (d *Door) showPeople(c *web.Context, status int, p *PeoplePage) error {
	p.Centre = d.peopleCentre(c)
	headquarters := false
	if c.Person.Role == schema.Admin {
		var err error
		if p.Centres, err = d.cfg.Reports.Centres(c.Context()); err != nil {
			return err
		}
		known := false
		for _, k := range p.Centres {
			if k.ID == p.Centre {
				known, headquarters = true, k.Headquarters
			}
		}
		if !known {
			return web.NotFound()
		}
	}
	p.Roles = rolesGiven(c.Person.Role, headquarters)
	if err := d.loadPeople(c, p); err != nil {
		return err
	}
	return c.RenderStatus(status, "people", web.Page{Title: c.T("people.title"), Nav: "people", Data: p})
}

func (d *Door) loadPeople(c *web.Context, p *PeoplePage) error {
	people, err := d.cfg.Reports.People(c.Context(), p.Centre)
	if err != nil {
		return err
	}
	phones, err := d.cfg.Reports.Phones(c.Context(), p.Centre)
	if err != nil {
		return err
	}
	by := map[uuid.UUID][]phoneLine{}
	for _, ph := range phones {
		line := phoneLine{DeviceLine: ph, Silent: ph.Silent(c.Now), Odd: ph.OddClock()}
		if line.Silent {
			p.Silent++
		}
		by[ph.Person] = append(by[ph.Person], line)
	}
	for _, l := range people {
		managed := c.Person.Role == schema.Admin || l.Role == schema.Installer || l.Role == schema.Clerk
		p.People = append(p.People, personLine{PersonLine: l, Phones: by[l.ID], Managed: managed && l.ID != c.Person.ID})
	}
	return nil
}

// refused shows the page again with what was wrong.
func (d *Door) refused(c *web.Context, err error, p *PeoplePage) error {
	status, text, ok := c.Problem(err)
	if !ok {
		return err
	}
	p.Problem = text
	return d.showPeople(c, status, p)
}

func (d *Door) addPerson(c *web.Context) error {
	n := auth.NewPerson{Centre: d.peopleCentre(c), Name: c.Form("name"), Login: c.Form("login"), Role: schema.Role(c.Form("role")),
		Phone: c.Form("phone"), Skills: c.Form("skills"), Language: c.Form("language")}
	p := &PeoplePage{Form: n}
	if n.Name == "" {
		return d.refused(c, fault.New(fault.Invalid, "office.need|person.name"), p)
	}
	if err := d.givable(c, n); err != nil {
		return d.refused(c, err, p)
	}
	person, password, err := d.cfg.Accounts.CreatePerson(c.Context(), c.Person, n)
	if err != nil {
		return d.refused(c, err, p)
	}
	s := &secretView{Name: person.Name, Login: person.Login, Password: password}
	return d.showPeople(c, http.StatusOK, &PeoplePage{Secret: s})
}

// givable refuses a role that does not belong to the centre: nobody judges
// from a service centre, nobody installs from headquarters.
func (d *Door) givable(c *web.Context, n auth.NewPerson) error {
	headquarters := false
	if c.Person.Role == schema.Admin {
		centres, err := d.cfg.Reports.Centres(c.Context())
		if err != nil {
			return err
		}
		known := false
		for _, k := range centres {
			if k.ID == n.Centre {
				known, headquarters = true, k.Headquarters
			}
		}
		if !known {
			return web.NotFound()
		}
	}
	for _, r := range rolesGiven(c.Person.Role, headquarters) {
		if r == n.Role {
			if n.Login == "" && r != schema.Installer {
				return fault.New(fault.Invalid, "office.need|person.login")
			}
			return nil
		}
	}
	return fault.New(syncproto.Forbidden, "people.role")
}

func (d *Door) newPassword(c *web.Context) error {
	id, line, err := d.personOf(c)
	if err != nil {
		return err
	}
	password, err := d.cfg.Accounts.SetPassword(c.Context(), c.Person, id, "")
	if err != nil {
		return d.refused(c, err, &PeoplePage{})
	}
	return d.showPeople(c, http.StatusOK, &PeoplePage{Secret: &secretView{Name: line.Name, Login: line.Login, Password: password}})
}

// personOf finds the person of the path among those of the centre.
func (d *Door) personOf(c *web.Context) (uuid.UUID, report.PersonLine, error) {
	id, err := c.PathID("id")
	if err != nil {
		return id, report.PersonLine{}, err
	}
	people, err := d.cfg.Reports.People(c.Context(), d.peopleCentre(c))
	if err != nil {
		return id, report.PersonLine{}, err
	}
	for _, p := range people {
		if p.ID == id {
			return id, p, nil
		}
	}
	return id, report.PersonLine{}, web.NotFound()
}

func (d *Door) setActive(c *web.Context) error {
	id, line, err := d.personOf(c)
	if err != nil {
		return err
	}
	active := c.Ticked("active")
	if err := d.cfg.Accounts.SetActive(c.Context(), c.Person, id, active); err != nil {
		return d.refused(c, err, &PeoplePage{})
	}
	key := "people.disabled"
	if active {
		key = "people.enabled"
	}
	c.Flash("ok", c.T(key, line.Name))
	return c.Redirect(back("/centre/people", d.peopleCentre(c), c.Person.Centre))
}

// newCode serves POST /centre/people/{id}/code: a one-time code as text and as
// a picture that the phone reads, server address included.
func (d *Door) newCode(c *web.Context) error {
	id, line, err := d.personOf(c)
	if err != nil {
		return err
	}
	code, expires, err := d.cfg.Accounts.NewCode(c.Context(), c.Person.ID, id)
	if err != nil {
		return d.refused(c, err, &PeoplePage{})
	}
	s := &secretView{Name: line.Name, Code: code, Server: d.cfg.Server, Expires: expires.UnixMilli()}
	if s.QR, err = qr("siteledger:enrol?server=" + template.URLQueryEscaper(d.cfg.Server) + "&code=" + template.URLQueryEscaper(code)); err != nil {
		return err
	}
	return d.showPeople(c, http.StatusOK, &PeoplePage{Secret: s})
}

// qr draws a code as a data address, so that no copy of it stays on a disk.
func qr(text string) (template.URL, error) {
	q, err := qrcode.New(text, qrcode.Medium)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	if err := png.Encode(&b, q.Image(240)); err != nil {
		return "", err
	}
	return template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(b.Bytes())), nil
}

func (d *Door) revoke(c *web.Context) error {
	id, err := c.PathID("id")
	if err != nil {
		return err
	}
	if err := d.cfg.Accounts.RevokeDevice(c.Context(), c.Person, id); err != nil {
		return d.refused(c, err, &PeoplePage{})
	}
	c.Flash("ok", c.T("people.revoked", c.Now.In(c.Zone()).Format(time.TimeOnly)))
	return c.Redirect(back("/centre/people", d.peopleCentre(c), c.Person.Centre))
}
