package headquarters

import (
	"net/http"

	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/server/office"
	"siteledger/server/web"
	"siteledger/syncproto"
)

// place reads the two ids of a defect's path.
func place(c *web.Context) (centre, defect uuid.UUID, err error) {
	if centre, err = c.PathID("centre"); err != nil {
		return centre, defect, err
	}
	defect, err = c.PathID("defect")
	return centre, defect, err
}

// back shows the case again: with a sentence where something was refused.
func (d *Door) back(c *web.Context, centre, defect uuid.UUID, done string, err error) error {
	if err != nil {
		status, text, ok := c.Problem(err)
		if !ok {
			return err
		}
		return d.showDefect(c, status, &DefectPage{Problem: text})
	}
	if done != "" {
		c.Flash("ok", done)
	}
	return c.Redirect(defectLink(centre, defect, c.Form("state")))
}

// attach serves POST …/annex: a drawing that goes with the case.
func (d *Door) attach(c *web.Context) error {
	centre, defect, err := place(c)
	if err != nil {
		return err
	}
	return d.back(c, centre, defect, c.T("annex.done"), d.keepAnnex(c, centre, defect))
}

func (d *Door) keepAnnex(c *web.Context, centre, defect uuid.UUID) error {
	name, f, err := c.FormDrawing()
	if err != nil {
		return err
	}
	defer f.Close()
	a := office.Annex{Defect: defect, Name: name, Type: office.DrawingType(name), ActualSize: c.Ticked("actual_size")}
	if err := d.cfg.Bench.MayAttach(c.Context(), who(c), centre, a); err != nil {
		return err
	}
	a.SHA, a.Size, err = d.cfg.Photos.Keep(c.Context(), centre, c.Person.ID, syncproto.PurposeDocument, a.Type, f)
	switch fault.CodeOf(err) {
	case syncproto.BlobType, syncproto.BodyInvalid:
		return fault.Wrap(fault.Invalid, "annex.bytes", err)
	case syncproto.BlobTooLarge:
		return fault.Wrap(fault.Invalid, "annex.large", err)
	}
	if err != nil {
		return err
	}
	return d.cfg.Bench.Attach(c.Context(), who(c), centre, a)
}

// annex serves GET …/annex/{annex}: the drawing's bytes as a download.
func (d *Door) annex(c *web.Context) error {
	centre, defect, err := place(c)
	if err != nil {
		return err
	}
	id, err := c.PathID("annex")
	if err != nil {
		return err
	}
	row, ok, err := d.cfg.Files.StateRow(c.Context(), centre, "drawing_annex", id)
	if err != nil {
		return err
	}
	sha := row.Bytes("file")
	if !ok || row.UUID("defect") != defect || len(sha) != 32 {
		return web.NotFound()
	}
	r, _, err := d.cfg.Photos.Open(c.Context(), centre, [32]byte(sha))
	if err != nil {
		return err
	}
	defer r.Close()
	return c.Download(row.Text("name"), r)
}

// advise serves POST …/opinion: a word for whoever decides.
func (d *Door) advise(c *web.Context) error {
	centre, defect, err := place(c)
	if err != nil {
		return err
	}
	return d.back(c, centre, defect, c.T("advise.done"), d.cfg.Bench.Advise(c.Context(), who(c), centre, defect, c.Form("text")))
}

// mark serves POST …/mark: what was drawn on a photo.
func (d *Door) mark(c *web.Context) error {
	centre, defect, err := place(c)
	if err != nil {
		return err
	}
	return d.back(c, centre, defect, c.T("mark.done"), d.cfg.Bench.Mark(c.Context(), who(c), centre, defect, c.FormID("photo"), c.Form("shapes")))
}

// paper serves GET …/print: the leftover form as the trade prints it (AD-03).
func (d *Door) paper(c *web.Context) error {
	var p DefectPage
	if err := d.loadDefect(c, &p); err != nil {
		return err
	}
	return c.RenderStatus(http.StatusOK, "paper", web.Page{Title: c.T("paper.title"), Nav: "defects", Data: &p})
}
