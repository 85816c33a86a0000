package centre

import (
	"slices"

	"siteledger/server/web"
)

// PhonesPage is the centre's phones: who was heard from when, and whose clock
// is wrong. It is what stands behind "n phones are silent".
type PhonesPage struct {
	Phones []phoneLine
	Silent int
	Manage bool // this person may open the page of each
}

func (d *Door) phones(c *web.Context) error {
	list, err := d.cfg.Reports.Phones(c.Context(), c.Person.Centre)
	if err != nil {
		return err
	}
	p := &PhonesPage{Manage: slices.Contains(managers(), c.Person.Role)}
	for _, ph := range list {
		l := phoneLine{DeviceLine: ph, Silent: ph.Silent(c.Now), Odd: ph.OddClock()}
		if l.Silent {
			p.Silent++
		}
		p.Phones = append(p.Phones, l)
	}
	return c.Render("phones", web.Page{Title: c.T("phones.title"), Nav: "board", Data: p})
}
