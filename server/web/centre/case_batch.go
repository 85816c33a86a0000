package centre

import (
	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/server/office"
	"siteledger/server/report"
	"siteledger/server/web"
	"siteledger/syncproto"
)

// BatchPage lists the open cases that are the same matter as one of them, so
// that a clerk with two hundred slips ticks them off and answers once.
type BatchPage struct {
	Of     uuid.UUID
	Title  string
	Kind   string
	Tones  map[string]string
	Lines  []batchLine
	Filter int64
	Phone  bool // only those of the same phone
	Left   int  // open cases that are another matter, or too many
}

// batchLine is one case of the list.
type batchLine struct {
	report.Item
	Proposal string
	Instead  string
	Held     []heldLine
	Device   uuid.UUID
}

// deviceOf is the phone that a case came from.
func deviceOf(k *report.Case) uuid.UUID {
	switch {
	case k.Sides.Clock != nil:
		return k.Sides.Clock.Device
	case k.Sides.Other != nil && !k.Sides.Other.Office:
		return k.Sides.Other.Device
	case k.Sides.Standing != nil && !k.Sides.Standing.Office:
		return k.Sides.Standing.Device
	case len(k.Sides.Changes) > 0:
		return k.Sides.Changes[0].Actor // a held change names its person, who has one phone at a time
	}
	return uuid.Nil
}

// batch serves GET /centre/reconcile/batch?of=CASE&phone=1.
func (r *Reconciliation) batch(c *web.Context) error {
	first, err := r.cfg.Files.Case(c.Context(), c.Person.Centre, c.FormID("of"))
	if err != nil {
		return err
	}
	key := office.SameAs(&first)
	if key == "" {
		return web.NotFound()
	}
	names, err := r.cfg.Rows.Names(c.Context(), c.Person.Centre)
	if err != nil {
		return err
	}
	t := &teller{c: c, schema: r.cfg.Schema, people: names}
	items, _, err := r.cfg.Files.Queue(c.Context(), c.Person.Centre, c.Now.In(c.Zone()))
	if err != nil {
		return err
	}
	p := &BatchPage{Of: first.ID, Kind: first.Kind, Tones: (*ReconcilePage)(nil).Tones(), Filter: c.FormInt("f"), Phone: c.Ticked("phone")}
	p.Title = r.title(t, &report.Item{Kind: first.Kind, Table: first.Table, Column: first.Column})
	for i := range items {
		it := items[i]
		if it.Kind != first.Kind || len(p.Lines) >= office.MaxTogether {
			continue
		}
		k, err := r.cfg.Files.Case(c.Context(), c.Person.Centre, it.ID)
		if fault.CodeOf(err) == syncproto.NotFound {
			continue
		}
		if err != nil {
			return err
		}
		if office.SameAs(&k) != key || !k.Open || p.Phone && deviceOf(&k) != deviceOf(&first) {
			p.Left++
			continue
		}
		p.Lines = append(p.Lines, r.batchLine(t, it, &k))
	}
	return c.Render("batch", web.Page{Title: c.T("batch.title"), Nav: "reconcile", Styles: []string{"centre/reconcile.css"}, Data: p})
}

func (r *Reconciliation) batchLine(t *teller, it report.Item, k *report.Case) batchLine {
	l := batchLine{Item: it, Device: deviceOf(k)}
	if col := t.column(k.Table, k.Column); col != nil && office.HasValues(k) {
		l.Proposal = t.told(col, k.Proposed().Value)
		other := k.Sides.Other
		if k.Sides.Proposal == "other" {
			other = k.Sides.Standing
		}
		if other != nil {
			l.Instead = t.told(col, other.Value)
		}
	}
	for _, ch := range k.Sides.Changes {
		l.Held = append(l.Held, viewHeld(t, ch))
	}
	return l
}
