package centre

import (
	"siteledger/server/office"
	"siteledger/server/web"
	"siteledger/syncproto/schema"
)

// desk is who works at a service centre's desk.
func desk() []schema.Role { return []schema.Role{schema.Clerk, schema.Supervisor} }

// managers is who looks after people and phones.
func managers() []schema.Role { return []schema.Role{schema.Supervisor, schema.Admin} }

func navigation() []web.NavItem {
	return []web.NavItem{
		{Name: "board", Path: "/centre/", Key: "nav.board", Roles: desk(), Keys: "g b"},
		{Name: "intake", Path: "/centre/intake", Key: "nav.intake", Roles: desk(), Keys: "n"},
		{Name: "jobs", Path: "/centre/jobs", Key: "nav.jobs", Roles: desk(), Keys: "g j"},
		{Name: "reconcile", Path: "/centre/reconcile", Key: "nav.reconcile", Roles: desk(), Keys: "g q"},
		{Name: "customers", Path: "/centre/customers", Key: "nav.customers", Roles: desk(), Keys: "g c"},
		{Name: "import", Path: "/centre/import", Key: "nav.import", Roles: desk()},
		{Name: "people", Path: "/centre/people", Key: "nav.people", Roles: managers(), Keys: "g p"},
	}
}

// routes is the door's whole route table, reconciliation's apart.
func (d *Door) routes() []web.Route {
	return []web.Route{
		{Method: "GET", Path: "/centre/{$}", Roles: desk(), Handler: d.board},
		{Method: "GET", Path: "/centre/phones", Roles: desk(), Handler: d.phones},
		{Method: "GET", Path: "/centre/search", Roles: desk(), Handler: d.search},

		{Method: "GET", Path: "/centre/intake", Roles: desk(), Handler: d.intakeForm},
		{Method: "POST", Path: "/centre/intake", Roles: desk(), Handler: d.takeIn},

		{Method: "GET", Path: "/centre/jobs", Roles: desk(), Handler: d.jobs},
		{Method: "GET", Path: "/centre/jobs/export", Roles: desk(), Handler: d.exportJobs},
		{Method: "GET", Path: "/centre/jobs/{id}", Roles: desk(), Handler: d.job},
		{Method: "POST", Path: "/centre/jobs/{id}/slot", Roles: desk(), Handler: d.moveSlot},
		{Method: "POST", Path: "/centre/jobs/{id}/contact", Roles: desk(), Handler: d.correctContact},
		{Method: "POST", Path: "/centre/jobs/{id}/crew", Roles: desk(), Handler: d.dispatch},
		{Method: "POST", Path: "/centre/jobs/{id}/cancel", Roles: desk(), Handler: d.cancel},
		{Method: "POST", Path: "/centre/jobs/{id}/note", Roles: desk(), Handler: d.note},
		{Method: "POST", Path: "/centre/jobs/{id}/number", Roles: desk(), Handler: d.number},
		{Method: "POST", Path: "/centre/jobs/{id}/code", Roles: desk(), Handler: d.code},
		{Method: "POST", Path: "/centre/jobs/{id}/upload", Roles: desk(), Handler: d.askUpload},
		{Method: "POST", Path: "/centre/jobs/{id}/evidence", Roles: desk(), Handler: d.evidence},
		{Method: "GET", Path: "/centre/jobs/{id}/visits/{visit}/copy", Roles: desk(), Handler: d.copies},
		{Method: "POST", Path: "/centre/jobs/{id}/visits/{visit}/copy", Roles: desk(), Handler: d.makeCopy},
		{Method: "POST", Path: "/centre/jobs/{id}/visits/{visit}/copy/{link}/revoke", Roles: desk(), Handler: d.revokeCopy},
		{Method: "GET", Path: "/copy/{token}", Public: true, Handler: d.customerCopy},
		{Method: "GET", Path: "/centre/jobs/{id}/timeline", Roles: desk(), Handler: d.timeline},
		{Method: "GET", Path: "/centre/photos/{sha}", Roles: desk(), Handler: d.photo},

		{Method: "GET", Path: "/centre/customers", Roles: desk(), Handler: d.customers},
		{Method: "GET", Path: "/centre/customers/{id}", Roles: desk(), Handler: d.customer},

		{Method: "GET", Path: "/centre/import", Roles: desk(), Handler: d.importPage},
		{Method: "GET", Path: "/centre/import/template", Roles: desk(), Handler: d.importTemplate},
		{Method: "POST", Path: "/centre/import/check", Roles: desk(), Handler: d.importCheck, MaxBody: office.MaxImportBytes + 64<<10},
		{Method: "POST", Path: "/centre/import/commit", Roles: desk(), Handler: d.importCommit, MaxBody: 2*office.MaxImportBytes + 64<<10},

		{Method: "GET", Path: "/centre/people", Roles: managers(), Handler: d.people},
		{Method: "POST", Path: "/centre/people", Roles: managers(), Handler: d.addPerson},
		{Method: "POST", Path: "/centre/people/{id}/password", Roles: managers(), Handler: d.newPassword},
		{Method: "POST", Path: "/centre/people/{id}/active", Roles: managers(), Handler: d.setActive},
		{Method: "POST", Path: "/centre/people/{id}/code", Roles: managers(), Handler: d.newCode},
		{Method: "GET", Path: "/centre/devices/{id}", Roles: managers(), Handler: d.device},
		{Method: "POST", Path: "/centre/devices/{id}/revoke", Roles: managers(), Handler: d.revoke},
		{Method: "POST", Path: "/centre/devices/{id}/permit", Roles: managers(), Handler: d.permit},
		{Method: "POST", Path: "/centre/devices/{id}/instruct", Roles: []schema.Role{schema.Supervisor}, Handler: d.instruct},
	}
}
