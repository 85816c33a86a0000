package centre

import (
	"siteledger/server/report"
	"siteledger/server/web"
)

// CustomersPage is the list of customers.
type CustomersPage struct {
	Customers []report.CustomerLine
	Paging    web.Paging
}

func (d *Door) customers(c *web.Context) error {
	p := &CustomersPage{Paging: c.Paging(web.ListRows)}
	var err error
	if p.Customers, p.Paging.Total, err = d.cfg.Reports.Customers(c.Context(), c.Person.Centre, p.Paging.Size, p.Paging.Offset()); err != nil {
		return err
	}
	return c.Render("customers", web.Page{Title: c.T("customers.title"), Nav: "customers", Data: p})
}

// CustomerPage is one customer's file.
type CustomerPage struct {
	File report.CustomerFile
	Jobs []jobLine
}

func (d *Door) customer(c *web.Context) error {
	id, err := c.PathID("id")
	if err != nil {
		return err
	}
	p := &CustomerPage{}
	if p.File, err = d.cfg.Reports.CustomerFile(c.Context(), c.Person.Centre, id); err != nil {
		return err
	}
	lines, _, err := d.cfg.Reports.Jobs(c.Context(), c.Person.Centre, report.JobFilter{Customer: id, Limit: 100}, c.Now)
	if err != nil {
		return err
	}
	p.Jobs = viewLines(c, lines)
	return c.Render("customer", web.Page{Title: p.File.Row.Text("name"), Nav: "customers", Data: p})
}

// SearchPage is what a search found.
type SearchPage struct {
	Query string
	Short bool // too short to mean anything
	Found report.Found
	Jobs  []jobLine
}

// searchLimit is how many of each a search shows: more are told to type more.
const searchLimit = 25

func (d *Door) search(c *web.Context) error {
	p := &SearchPage{Query: c.Form("q")}
	q, ok := report.NewQuery(p.Query)
	if !ok {
		p.Short = true
		return c.Render("search", web.Page{Title: c.T("search.title"), Query: p.Query, Data: p})
	}
	var err error
	if p.Found, err = d.cfg.Reports.Search(c.Context(), c.Person.Centre, q, searchLimit, c.Now); err != nil {
		return err
	}
	p.Jobs = viewLines(c, p.Found.Jobs)
	return c.Render("search", web.Page{Title: c.T("search.title"), Query: p.Query, Data: p})
}
