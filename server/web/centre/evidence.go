package centre

import (
	"siteledger/server/bundle"
	"siteledger/server/web"
)

// evidence serves POST /centre/jobs/{id}/evidence: the evidence bundle of a job
// of the person's own centre, as a download.
func (d *Door) evidence(c *web.Context) error {
	id, err := c.PathID("id")
	if err != nil {
		return err
	}
	if d.cfg.Evidence == nil {
		return web.NotFound()
	}
	return d.cfg.Evidence.Send(c.W, c.R, bundle.Subject{Centre: c.Person.Centre, Job: id}, bundle.Person{ID: c.Person.ID, Name: c.Person.Name, Role: c.Person.Role})
}
