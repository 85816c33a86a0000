// Package centre is the service centre's door: the day board, intake,
// dispatch, the job's page, lists, customers, people, import, and
// reconciliation. One file per screen, its template of the same name.
//
// It never reads or shows a row of another centre than the signed-in
// person's (an administrator chooses a centre for its people alone), never
// writes but through office and auth, and never decides a merge.
package centre

import (
	"context"
	"embed"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"time"

	"siteledger/server/auth"
	"siteledger/server/blob"
	"siteledger/server/bundle"
	"siteledger/server/office"
	"siteledger/server/report"
	"siteledger/server/web"
	"siteledger/syncproto/schema"

	"github.com/google/uuid"
)

//go:embed templates/*.html
var templates embed.FS

//go:embed i18n/*.json
var words embed.FS

//go:embed static
var scripts embed.FS

// Photos opens stored bytes; *blob.Service has it. The caller has checked the
// centre.
type Photos interface {
	Open(ctx context.Context, centre uuid.UUID, sha [32]byte) (io.ReadSeekCloser, blob.Info, error)
}

// Files reads one job whole.
type Files interface {
	JobFile(ctx context.Context, centre, job uuid.UUID) (report.JobFile, error)
}

// Uploads asks a phone for an original.
type Uploads interface {
	Urge(ctx context.Context, who office.Who, centre, photo uuid.UUID) error
}

// Evidence hands out evidence bundles and says which key seals them;
// *bundle.Counter does. The caller has checked the centre.
type Evidence interface {
	Send(w http.ResponseWriter, r *http.Request, s bundle.Subject, by bundle.Person) error
}

// Accounts is what the people page does with sign-ins, codes and phones;
// *auth.Auth has it, and checks again who may.
type Accounts interface {
	CreatePerson(ctx context.Context, by auth.Person, n auth.NewPerson) (auth.Person, string, error)
	SetPassword(ctx context.Context, by auth.Person, person uuid.UUID, password string) (string, error)
	SetActive(ctx context.Context, by auth.Person, person uuid.UUID, active bool) error
	NewCode(ctx context.Context, by, person uuid.UUID) (code string, expires time.Time, err error)
	RevokeDevice(ctx context.Context, by auth.Person, device uuid.UUID) error
	PermitSignOut(ctx context.Context, by auth.Person, device uuid.UUID) (string, error)
}

// Reports is what the door reads; the store has it.
type Reports interface {
	report.Jobs
	report.Desk
	report.Customers
	report.Searcher
	report.People
	report.Phones
	report.PhoneFiles
	report.PhotoWitness
	Files
	Facts
}

// Config is what the door needs.
type Config struct {
	Office   *office.Office
	Uploads  Uploads
	Reports  Reports
	Photos   Photos
	Accounts Accounts
	Evidence Evidence // nil leaves the button out
	Handouts Handouts // nil leaves the customer's copy out
	Schema   *schema.Descriptor
	Server   string // public address of the server, shown beside an enrolment code
	// Reconciliation adds its pages; nil leaves them out.
	Reconciliation *Reconciliation
	// Defects adds the pages of leftover problems; nil leaves them out.
	Defects *Defects
}

// Door holds the handlers of the service centre's screens.
type Door struct{ cfg Config }

// New builds the door. Mount it by naming it in web.Config.Areas.
func New(cfg Config) (web.Area, error) {
	if cfg.Office == nil || cfg.Uploads == nil || cfg.Reports == nil || cfg.Photos == nil || cfg.Accounts == nil || cfg.Schema == nil {
		return web.Area{}, errors.New("centre: office, uploads, reports, photos, accounts and schema are needed")
	}
	d := &Door{cfg: cfg}
	a := web.Area{Name: "centre", Title: "centre.door", Home: "/centre/", Search: "/centre/search", Roles: desk(), Nav: navigation(), Routes: d.routes()}
	var err error
	if a.Templates, err = fs.Sub(templates, "templates"); err != nil {
		return a, err
	}
	if a.Words, err = fs.Sub(words, "i18n"); err != nil {
		return a, err
	}
	if a.Static, err = fs.Sub(scripts, "static"); err != nil {
		return a, err
	}
	if cfg.Reconciliation != nil {
		a.Routes = append(a.Routes, cfg.Reconciliation.Routes()...)
	}
	if cfg.Defects != nil {
		a.Routes = append(a.Routes, cfg.Defects.Routes()...)
	}
	return a, nil
}

// who is the signed-in person as the office knows people.
func who(c *web.Context) office.Who {
	return office.Who{Person: c.Person.ID, Role: c.Person.Role, Centre: c.Person.Centre}
}
