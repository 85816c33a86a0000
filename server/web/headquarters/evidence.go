package headquarters

import (
	"siteledger/server/bundle"
	"siteledger/server/web"
)

// evidence serves POST /headquarters/defects/{centre}/{defect}/evidence: the
// evidence bundle of a submitted defect, as a download. It holds what a verdict
// needs: no customer, no signature, no money.
func (d *Door) evidence(c *web.Context) error {
	var p DefectPage
	if err := d.loadDefect(c, &p); err != nil {
		return err
	}
	if d.cfg.Evidence == nil {
		return web.NotFound()
	}
	return d.cfg.Evidence.Send(c.W, c.R, bundle.Subject{Centre: p.Centre, Job: p.Defect.Root, Defect: p.Defect.ID},
		bundle.Person{ID: c.Person.ID, Name: c.Person.Name, Role: c.Person.Role})
}

// fingerprint is that of the key that bundles are sealed with; "" where none
// are made.
func (d *Door) fingerprint() string {
	if d.cfg.Evidence == nil {
		return ""
	}
	return bundle.Fingerprint(d.cfg.Evidence.Key().PublicKey)
}
