package centre

import (
	"strconv"
	"strings"

	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/server/office"
	"siteledger/server/web"
	"siteledger/syncproto"
	"siteledger/syncproto/schema"
)

// file serves POST …/form.
func (d *Defects) file(c *web.Context) error {
	id, err := d.own(c)
	if err != nil {
		return err
	}
	in := office.Leftover{Defect: id, Base: c.FormRev("base"), Class: c.Form("class"), Texts: map[string]string{}, Times: map[string]int64{}}
	for _, name := range office.LeftoverColumns() {
		if d.cfg.Schema.Table("leftover_order").Column(name).Type == schema.Time {
			in.Times[name] = c.FormTime(name)
			continue
		}
		in.Texts[name] = c.Form(name)
	}
	return d.done(c, "defects.saved", d.cfg.Bench.File(c.Context(), who(c), c.Person.Centre, in))
}

// attach serves POST …/annex.
func (d *Defects) attach(c *web.Context) error {
	id, err := d.own(c)
	if err != nil {
		return err
	}
	return d.done(c, "annex.done", d.keep(c, id))
}

func (d *Defects) keep(c *web.Context, defect uuid.UUID) error {
	name, f, err := c.FormDrawing()
	if err != nil {
		return err
	}
	defer f.Close()
	a := office.Annex{Defect: defect, Name: name, Type: office.DrawingType(name), ActualSize: c.Ticked("actual_size")}
	if err := d.cfg.Bench.MayAttach(c.Context(), who(c), c.Person.Centre, a); err != nil {
		return err
	}
	a.SHA, a.Size, err = d.cfg.Drawings.Keep(c.Context(), c.Person.Centre, c.Person.ID, syncproto.PurposeDocument, a.Type, f)
	switch fault.CodeOf(err) {
	case syncproto.BlobType, syncproto.BodyInvalid:
		return fault.Wrap(fault.Invalid, "annex.bytes", err)
	case syncproto.BlobTooLarge:
		return fault.Wrap(fault.Invalid, "annex.large", err)
	}
	if err != nil {
		return err
	}
	return d.cfg.Bench.Attach(c.Context(), who(c), c.Person.Centre, a)
}

// annex serves GET …/annex/{annex}.
func (d *Defects) annex(c *web.Context) error {
	defect, err := d.own(c)
	if err != nil {
		return err
	}
	id, err := c.PathID("annex")
	if err != nil {
		return err
	}
	row, ok, err := d.cfg.Files.StateRow(c.Context(), c.Person.Centre, "drawing_annex", id)
	if err != nil {
		return err
	}
	sha := row.Bytes("file")
	if !ok || row.UUID("defect") != defect || len(sha) != 32 {
		return web.NotFound()
	}
	r, _, err := d.cfg.Drawings.Open(c.Context(), c.Person.Centre, [32]byte(sha))
	if err != nil {
		return err
	}
	defer r.Close()
	return c.Download(row.Text("name"), r)
}

// appeal serves POST …/appeal.
func (d *Defects) appeal(c *web.Context) error {
	id, err := d.own(c)
	if err != nil {
		return err
	}
	return d.done(c, "defects.appealed", d.cfg.Bench.Appeal(c.Context(), who(c), c.Person.Centre, id, c.FormRev("base"), c.Form("text")))
}

// advise serves POST …/opinion.
func (d *Defects) advise(c *web.Context) error {
	id, err := d.own(c)
	if err != nil {
		return err
	}
	return d.done(c, "advise.done", d.cfg.Bench.Advise(c.Context(), who(c), c.Person.Centre, id, c.Form("text")))
}

// remedyOf is the remedy that the form names, of the path's own defect.
func (d *Defects) remedyOf(c *web.Context) (uuid.UUID, error) {
	p, err := d.load(c)
	if err != nil {
		return uuid.Nil, err
	}
	if p.Remedy == nil || p.Remedy.ID != c.FormID("remedy") {
		return uuid.Nil, fault.New(fault.Invalid, "remedy.overtaken")
	}
	return p.Remedy.ID, nil
}

// answer serves POST …/answer: what the customer said.
func (d *Defects) answer(c *web.Context) error {
	id, err := d.remedyOf(c)
	if err == nil {
		err = d.cfg.Bench.AnswerRemedy(c.Context(), who(c), c.Person.Centre, office.RemedyAnswer{Remedy: id, Base: c.FormRev("base"), Answer: c.Form("answer"), Attempts: c.FormInt("attempts"), Words: c.Form("words")})
	}
	return d.done(c, "defects.done", err)
}

// step serves POST …/step: the next step of the remedy's way.
func (d *Defects) step(c *web.Context) error {
	id, err := d.remedyOf(c)
	if err == nil {
		in := office.RemedyStep{Remedy: id, Base: c.FormRev("base"), To: c.Form("to"), Words: c.Form("words"), RegisterNo: c.Form("register_no")}
		if in.Amount, err = inFen(c.Form("amount")); err == nil {
			err = d.cfg.Bench.MoveRemedy(c.Context(), who(c), c.Person.Centre, in)
		}
	}
	return d.done(c, "defects.done", err)
}

// inFen reads an amount in yuan; empty is 0.
func inFen(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	whole, cents, _ := strings.Cut(strings.TrimPrefix(text, "¥"), ".")
	n, err := strconv.ParseUint(whole+(cents + "00")[:2], 10, 40)
	if err != nil || len(cents) > 2 {
		return 0, fault.New(fault.Invalid, "adjudicate.cost")
	}
	return int64(n), nil
}
