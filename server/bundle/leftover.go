package bundle

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

// order is a leftover order that was filed, with the drawn signatures on it
// (SF-06), as all of it is when the bundle is made.
type order struct {
	rows       fieldwork.LeftoverRows
	signatures []schema.Row
}

// readOrders reads the leftover orders of the defects shown. They are read for how
// their signatures stand, also where the order itself, which names the
// customer, stays out of the bundle.
func (c *collection) readOrders(ctx context.Context) error {
	if c.m.Schema.Table("leftover_signature") == nil {
		return nil
	}
	for _, d := range c.file.All("defect") {
		filed, err := c.live(ctx, "leftover_order", d.ID)
		if err != nil {
			return err
		}
		if len(filed) == 0 {
			continue
		}
		o := order{rows: fieldwork.LeftoverRows{Order: filed[len(filed)-1], Defect: d.Row}}
		if o.rows.Drawings, err = c.live(ctx, "drawing_annex", d.ID); err != nil {
			return err
		}
		if o.signatures, err = c.live(ctx, "leftover_signature", d.ID); err != nil {
			return err
		}
		c.orders = append(c.orders, o)
	}
	return nil
}

// live are the rows of a table about a defect that are not deleted, by id.
func (c *collection) live(ctx context.Context, table string, defect uuid.UUID) ([]schema.Row, error) {
	all, err := c.m.Archive.Written(ctx, c.subject.Centre, table, "defect", defect[:])
	if err != nil {
		return nil, fmt.Errorf("%s of %s: %w", table, defect, err)
	}
	var out []schema.Row
	for _, r := range all {
		if !r.Deleted {
			out = append(out, r.Row)
		}
	}
	return out, nil
}

// orderView is a leftover order as the page tells of it.
type orderView struct {
	Class      Words // of its defect
	State      Words
	Tone       string
	Signatures []signed
}

func (b *Bundle) staffSignatures(d *pageData, paths map[string]string) {
	t := b.c.m.Schema.Table("leftover_signature")
	for _, o := range b.c.orders {
		v := orderView{Class: valueWords(b.c.m.Schema.Table("defect").Column("class"), o.rows.Defect.Text("class"))}
		v.State, v.Tone = orderWords(fieldwork.LeftoverSigned(o.signatures, o.rows))
		for _, s := range o.signatures {
			one := signed{Signer: valueWords(t.Column("signer"), s.Text("signer")), Outcome: Words{tidy(s.Text("name")), ""}, At: clock(s.Int("at")),
				Reason: Words{"签在服务中心的屏幕上,登录者", "drawn on the service centre's screen, signed in there:"}.String() + " " + b.name(s.UUID("author")), Hash: hexOf(s.Bytes("content_hash"))}
			one.State, one.Tone = stateWords(fieldwork.LeftoverStanding(s, o.rows))
			if b.c.subject.Defect == uuid.Nil { // what is signed names the customer
				one.Picture, one.Content = paths[hexOf(s.Bytes("image"))], tidy(fieldwork.Readable(s.Text("content")))
				changes, _ := fieldwork.LeftoverChanged(s, o.rows)
				one.Changed = b.changes(changes)
			}
			v.Signatures = append(v.Signatures, one)
		}
		d.Orders = append(d.Orders, v)
	}
}

// orderWords say whether an order counts as submitted.
func orderWords(s fieldwork.SignatureState) (Words, string) {
	switch s {
	case fieldwork.SignatureCovers:
		return Words{"已签,已提交", "Signed and submitted"}, "ok"
	case fieldwork.SignatureSuperseded:
		return Words{"签名已失效,未重签,不算提交", "Its signature was superseded and not given again: not submitted"}, "warn"
	}
	return Words{"没有亲笔签名,不算提交", "No drawn signature: not submitted"}, "warn"
}
