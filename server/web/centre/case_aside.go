package centre

import (
	"fmt"
	"net/http"
	"strconv"

	"github.com/fxamacker/cbor/v2"

	"siteledger/server/report"
	"siteledger/server/web"
)

// AsidePage lists what was taken in without effect: denied changes, and
// batches that are kept outside any log.
type AsidePage struct {
	Kind   string // denied or aside
	Denied []deniedView
	Aside  []asideView
	Lost   []notKeptView // phones whose share of the quarantine is full
	Page   int
	More   bool
	Export bool // this person may take the bytes out
}

// deniedView is one denied change.
type deniedView struct {
	report.Denied
	Who  string
	Line heldLine
	Why  string
}

// notKeptView is a phone that has what there was no room for.
type notKeptView struct {
	report.NotKept
	Who string
}

// aside serves GET /centre/reconcile/aside?kind=denied|aside&p=0.
func (r *Reconciliation) aside(c *web.Context) error {
	if r.cfg.Shelf == nil {
		return web.NotFound()
	}
	names, err := r.cfg.Rows.Names(c.Context(), c.Person.Centre)
	if err != nil {
		return err
	}
	t := &teller{c: c, schema: r.cfg.Schema, people: names}
	p := &AsidePage{Kind: "denied", Page: int(min(max(c.FormInt("p"), 0), 1000)), Export: mayExport(c)}
	if c.Form("kind") == "aside" {
		p.Kind = "aside"
		list, more, err := r.cfg.Shelf.Aside(c.Context(), c.Person.Centre, p.Page)
		if err != nil {
			return err
		}
		p.Aside, p.More = viewAside(t, list), more
		full, err := r.cfg.Shelf.NotKept(c.Context(), c.Person.Centre)
		if err != nil {
			return err
		}
		for _, n := range full {
			p.Lost = append(p.Lost, notKeptView{n, t.name(n.Person)})
		}
	} else {
		list, more, err := r.cfg.Shelf.Denied(c.Context(), c.Person.Centre, p.Page)
		if err != nil {
			return err
		}
		p.More = more
		for _, d := range list {
			v := deniedView{Denied: d, Who: t.name(d.Person), Line: viewFact(t, d.Fact)}
			if d.Reason != "transaction" {
				v.Why = t.c.T("case.reason." + d.Reason)
			} else {
				v.Why = t.c.T("aside.transaction")
			}
			p.Denied = append(p.Denied, v)
		}
	}
	return c.Render("aside", web.Page{Title: c.T("aside.title"), Nav: "reconcile", Styles: []string{"centre/reconcile.css"}, Data: p})
}

// Back is the page before this one.
func (p *AsidePage) Back() int { return p.Page - 1 }

// Next is the page behind this one.
func (p *AsidePage) Next() int { return p.Page + 1 }

func mayExport(c *web.Context) bool {
	for _, role := range managers() {
		if c.Person.Role == role {
			return true
		}
	}
	return false
}

// asideBytes serves GET /centre/reconcile/aside/{id}: the changes exactly as
// the phone encoded them, as one CBOR array of byte strings.
func (r *Reconciliation) asideBytes(c *web.Context) error {
	id, err := strconv.ParseInt(c.R.PathValue("id"), 10, 64)
	if err != nil || r.cfg.Shelf == nil {
		return web.NotFound()
	}
	ref, changes, err := r.cfg.Shelf.Raw(c.Context(), c.Person.Centre, id)
	if err != nil {
		return err
	}
	b, err := cbor.Marshal(changes)
	if err != nil {
		return fmt.Errorf("write out batch %d: %w", id, err)
	}
	h := c.W.Header()
	h.Set("Content-Type", "application/cbor")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="set-aside-%d-%s-%d.cbor"`, ref.ID, ref.Device, ref.First))
	c.W.WriteHeader(http.StatusOK)
	_, _ = c.W.Write(b) // the reader may have gone away
	return nil
}
