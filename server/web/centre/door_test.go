package centre_test

import (
	"testing"

	"siteledger/server/office"
	"siteledger/server/report"
	"siteledger/server/store"
	"siteledger/server/web"
	"siteledger/server/web/centre"
	"siteledger/server/web/webtest"
)

// reports is what the door reads: the store's rows and the ledger's account of
// a job.
type reports struct {
	*store.Store
	report.JobHistory
}

// world is a site with the centre's door alone.
func world(t *testing.T) *webtest.World {
	t.Helper()
	return webtest.Open(t, func(w *webtest.World) []web.Area {
		now := w.Clock()
		desk, err := office.New(w.Ledger, w.Store, w.Schema, now, webtest.ID, web.DefaultZone())
		if err != nil {
			t.Fatal(err)
		}
		bench := office.NewBench(w.Ledger, w.Store, w.Schema, now, webtest.ID)
		r := reports{w.Store, report.JobHistory{Ledger: w.Ledger, Mention: w.Store}}
		defects, err := centre.NewDefects(centre.DefectConfig{Files: w.Store, Bench: bench, Drawings: w.Photos, Schema: w.Schema})
		if err != nil {
			t.Fatal(err)
		}
		a, err := centre.New(centre.Config{Defects: defects, Office: desk, Uploads: bench, Reports: r, Photos: w.Photos, Accounts: w.Auth, Schema: w.Schema, Server: "https://ledger.example",
			Reconciliation: centre.NewReconciliation(centre.ReconcileConfig{Files: r, Rows: r, Facts: r, Cases: bench, Slips: bench, Schema: w.Schema})})
		if err != nil {
			t.Fatal(err)
		}
		return []web.Area{a}
	})
}
