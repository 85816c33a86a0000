package headquarters

import (
	"fmt"

	"github.com/google/uuid"

	"siteledger/server/report"
	"siteledger/server/web"
	"siteledger/server/web/doubt"
	"siteledger/syncproto/schema"
)

// fillDoubts gathers what a person should look at twice. Nothing follows from
// it by itself. What lies in another centre is for adjudicators alone.
func (d *Door) fillDoubts(c *web.Context, p *DefectPage, f *report.JobFile) error {
	facts, err := d.cfg.Files.PhotoFacts(c.Context(), f.Centre, f.Job, c.Person.Role == schema.Adjudicator)
	if err != nil {
		return err
	}
	all, places := report.PhotoDoubts(f, facts), report.PhotoPlaces(f)
	for i := range p.Shots {
		s := &p.Shots[i]
		for _, x := range all[s.ID] {
			v := doubt.In(c, x)
			v.No = s.No
			if t := x.Twin; t != nil && t.Defect != uuid.Nil && t.DefectStatus != "open" {
				v.Link = defectLink(t.Centre, t.Defect, "")
				v.Image = fmt.Sprintf("/headquarters/photos/%s/%x", t.Centre, t.SHA256)
			}
			s.Chips = append(s.Chips, v)
		}
		p.Chips = append(p.Chips, s.Chips...)
		s.Place = doubt.Spot(c, places[s.ID])
		s.Unseen = s.Original && doubt.Unseen(facts.Looks[s.ID])
		s.ByPreview = s.Original && doubt.ByPreview(facts.Looks[s.ID])
	}
	return nil
}
