package centre

import (
	"siteledger/server/report"
	"siteledger/server/web"
	"siteledger/server/web/doubt"
)

// fillDoubts says which photos of a job somebody should look at twice, by what
// this centre has; what lies in other centres is headquarters' to see.
func (d *Door) fillDoubts(c *web.Context, p *JobPage, f *report.JobFile) error {
	facts, err := d.cfg.Reports.PhotoFacts(c.Context(), c.Person.Centre, f.Job, false)
	if err != nil {
		return err
	}
	all, places := report.PhotoDoubts(f, facts), report.PhotoPlaces(f)
	fill := func(photos []photoView) {
		for i := range photos {
			v := &photos[i]
			for _, x := range all[v.ID] {
				chip := doubt.In(c, x)
				if t := x.Twin; t != nil && t.Job != f.Job {
					chip.Link = "/centre/jobs/" + t.Job.String()
				}
				v.Chips = append(v.Chips, chip)
			}
			v.Place = doubt.Spot(c, places[v.ID])
			if look := facts.Looks[v.ID]; v.Original != "" {
				v.Unseen, v.ByPreview = doubt.Unseen(look), doubt.ByPreview(look)
			}
		}
	}
	fill(p.Photos)
	for i := range p.Defects {
		fill(p.Defects[i].Photos)
	}
	return nil
}
