package app

import (
	"context"
	"crypto/rand"

	"siteledger/server/bundle"
	"siteledger/server/handout"
	"siteledger/server/office"
	"siteledger/server/report"
	"siteledger/server/store"
	"siteledger/server/web"
	"siteledger/server/web/centre"
	"siteledger/server/web/headquarters"
)

// reports is what the screens read: the store's rows and the ledger's own
// account of a job.
type reports struct {
	*store.Store
	report.JobHistory
}

// openSite builds the screens behind their two doors.
func (a *App) openSite() (*web.Site, error) {
	desk, err := office.New(a.Ledger, a.Store, a.Schema, a.Now, mustID, web.DefaultZone())
	if err != nil {
		return nil, err
	}
	bench := office.NewBench(a.Ledger, a.Store, a.Schema, a.Now, mustID)
	maker, err := bundle.New(bundle.Config{Files: a.Store, Archive: a.Store, Records: a.Store, Originals: a.Blobs, Signer: a.Keys, Schema: a.Schema, History: a.History, Now: a.Now})
	if err != nil {
		return nil, err
	}
	evidence := bundle.NewCounter(maker, a.Store, a.Log)
	handouts, err := handout.New(a.Store, a.Now, rand.Reader, mustID)
	if err != nil {
		return nil, err
	}
	r := reports{a.Store, report.JobHistory{Ledger: a.Ledger, Mention: a.Store}}
	defects, err := centre.NewDefects(centre.DefectConfig{Files: a.Store, Bench: bench, Drawings: a.Blobs, Schema: a.Schema})
	if err != nil {
		return nil, err
	}
	centreArea, err := centre.New(centre.Config{
		Office: desk, Uploads: bench, Reports: r, Photos: a.Blobs, Accounts: a.Auth, Evidence: evidence, Handouts: handouts, Schema: a.Schema, Server: a.URL(),
		Reconciliation: centre.NewReconciliation(centre.ReconcileConfig{Files: r, Rows: r, Facts: r, Cases: bench, Slips: bench,
			Shelf: report.Shelf{Store: a.Store}, Claims: a.Store, Schema: a.Schema}),
		Defects: defects,
	})
	if err != nil {
		return nil, err
	}
	hqArea, err := headquarters.New(headquarters.Config{Files: a.Store, Bench: bench, Photos: a.Blobs, Evidence: evidence, Claims: a.Store, Schema: a.Schema})
	if err != nil {
		return nil, err
	}
	return web.New(web.Config{
		Sessions: a.Auth, Pokes: a.Feed, Areas: []web.Area{centreArea, hqArea},
		SetLanguage: func(ctx context.Context, p web.Person, language string) error {
			return a.Auth.SetLanguage(ctx, p, language)
		},
		Schema: a.Schema, Now: a.Now, Log: a.Log, Secure: len(a.Config.PublicURL) > 5 && a.Config.PublicURL[:5] == "https",
	})
}
