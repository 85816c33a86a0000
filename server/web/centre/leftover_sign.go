package centre

import (
	"bytes"
	"encoding/hex"

	"siteledger/server/fault"
	"siteledger/server/office"
	"siteledger/server/web"
	"siteledger/syncproto"
	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

// staffView is a staff signature on a leftover order, as screens and paper show
// it.
type staffView struct {
	Signer  string // in words
	Name    string
	At      int64
	Hash    string // of the picture
	State   string // covers, superseded
	Changed []string
}

func viewStaff(c *web.Context, d *schema.Descriptor, s office.SignedLeftover) []staffView {
	out := make([]staffView, 0, len(s.Signatures))
	for _, one := range s.Signatures {
		v := staffView{Signer: d.Table("leftover_signature").Column("signer").ValueLabel(one.Text("signer"), c.Lang), Name: one.Text("name"), At: one.Int("at"),
			Hash: hex.EncodeToString(one.Bytes("image")), State: string(one.State)}
		for _, ch := range one.Changed {
			if t := d.Table(ch.Table); t != nil && t.Column(ch.Column) != nil {
				v.Changed = append(v.Changed, t.Column(ch.Column).Label.In(c.Lang))
			}
		}
		out = append(out, v)
	}
	return out
}

// sign serves POST …/sign: the designer or the head of the store has drawn a
// signature on this screen (SF-06).
func (d *Defects) sign(c *web.Context) error {
	id, err := d.own(c)
	if err != nil {
		return err
	}
	in := office.StaffSignature{Defect: id, Shown: c.Form("shown"), Signer: c.Form("signer"), Name: c.Form("name"), Strokes: c.Form("strokes")}
	return d.done(c, "leftover.signed", d.keepSignature(c, in))
}

// keepSignature stores the picture first: a row never names bytes that are not
// there.
func (d *Defects) keepSignature(c *web.Context, in office.StaffSignature) error {
	picture, err := d.cfg.Bench.StaffPicture(c.Context(), who(c), c.Person.Centre, in)
	if err != nil {
		return err
	}
	sha, _, err := d.cfg.Drawings.Keep(c.Context(), c.Person.Centre, c.Person.ID, syncproto.PurposeSignature, "image/png", bytes.NewReader(picture))
	if err != nil {
		return fault.Wrap(fault.CodeOf(err), "leftover.sign-stored", err)
	}
	return d.cfg.Bench.SignLeftover(c.Context(), who(c), c.Person.Centre, in, sha)
}

// maxOrders bounds the orders that are looked at for the board, shownOrders
// those that it names.
const (
	maxOrders   = 50
	shownOrders = 6
)

// orderLine is a leftover order that waits for its signature, on the board.
type orderLine struct {
	Link    string
	JobNo   string
	Class   string
	Renewed bool // it was signed, and changed afterwards
}

// unsigned are the orders of the person's centre that wait for the signature of
// the designer or the store's head; headquarters gives no final verdict before
// (SF-06).
func (d *Defects) unsigned(c *web.Context) ([]orderLine, error) {
	defects, err := d.cfg.Files.FiledDefects(c.Context(), c.Person.Centre, maxOrders)
	if err != nil {
		return nil, err
	}
	var out []orderLine
	for _, row := range defects {
		order, err := d.cfg.Bench.SignedLeftover(c.Context(), c.Person.Centre, row)
		if err != nil {
			return nil, err
		}
		if order.State == fieldwork.SignatureCovers {
			continue
		}
		job, _, err := d.cfg.Files.StateRow(c.Context(), c.Person.Centre, "job", row.Root)
		if err != nil {
			return nil, err
		}
		out = append(out, orderLine{Link: "/centre/jobs/" + row.Root.String() + "/defects/" + row.ID.String(), JobNo: job.Text("job_no"),
			Class: row.Text("class"), Renewed: order.State == fieldwork.SignatureSuperseded})
	}
	return out, nil
}
