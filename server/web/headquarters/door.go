// Package headquarters is the adjudicators' door: the queue of defects of all
// centres, and the page on which one of them is looked at and judged. One file
// per screen, its template of the same name.
//
// It shows what a verdict needs and no more: photos, drawings, product, sizes,
// history, precedents, earlier verdicts; of the customer the first letter of
// the name and the ends of the number. It never writes but through
// office, as one transaction of the centre's own log, and never judges for a
// person. An administrator may look and not judge.
package headquarters

import (
	"context"
	"embed"
	"errors"
	"io"
	"io/fs"
	"net/http"

	"github.com/google/uuid"

	"siteledger/server/blob"
	"siteledger/server/bundle"
	"siteledger/server/office"
	"siteledger/server/report"
	"siteledger/server/web"
	"siteledger/syncproto"
	"siteledger/syncproto/schema"
)

//go:embed templates/*.html
var templates embed.FS

//go:embed i18n/*.json
var words embed.FS

//go:embed static
var scripts embed.FS

// Files reads the queue, a defect's row and its whole job.
type Files interface {
	report.DefectQueue
	report.PhotoWitness
	StateRow(ctx context.Context, centre uuid.UUID, table string, id uuid.UUID) (schema.Row, bool, error)
	StateRows(ctx context.Context, centre uuid.UUID, table, column string, id uuid.UUID) ([]schema.Row, error)
	JobFile(ctx context.Context, centre, job uuid.UUID) (report.JobFile, error)
	// DefectPhoto says whether a file belongs to a submitted defect's photo.
	DefectPhoto(ctx context.Context, centre uuid.UUID, sha [32]byte) (bool, error)
}

// Bench is what an adjudicator does; *office.Bench is one.
type Bench interface {
	AdjudicateAlike(ctx context.Context, who office.Who, centre uuid.UUID, in office.Judgement, also []office.Alike) (uuid.UUID, office.Together, error)
	Urge(ctx context.Context, who office.Who, centre, photo uuid.UUID) error
	Ship(ctx context.Context, who office.Who, centre, shipment uuid.UUID, base uint64, status, carrier string) error
	LeftoverOf(ctx context.Context, f *report.JobFile, defect report.FileRow) (schema.Row, bool, error)
	SignedLeftover(ctx context.Context, centre uuid.UUID, defect schema.Row) (office.SignedLeftover, error)
	MayAttach(ctx context.Context, who office.Who, centre uuid.UUID, in office.Annex) error
	Attach(ctx context.Context, who office.Who, centre uuid.UUID, in office.Annex) error
	Advise(ctx context.Context, who office.Who, centre, defect uuid.UUID, text string) error
	Mark(ctx context.Context, who office.Who, centre, defect, photo uuid.UUID, shapes string) error
}

// Photos opens stored bytes, and keeps drawings; *blob.Service does. That
// headquarters may see them is this door's to check: photos and drawings of
// submitted defects and nothing else, no customer's signature and no photo of
// another job.
type Photos interface {
	Open(ctx context.Context, centre uuid.UUID, sha [32]byte) (io.ReadSeekCloser, blob.Info, error)
	Keep(ctx context.Context, centre, person uuid.UUID, purpose, mediaType string, r io.ReadSeeker) ([32]byte, int64, error)
}

// Evidence hands out evidence bundles and says which key seals them;
// *bundle.Counter does. That headquarters may see the defect is this door's to
// check.
type Evidence interface {
	Send(w http.ResponseWriter, r *http.Request, s bundle.Subject, by bundle.Person) error
	Key() syncproto.ServerKey
}

// Config is what the door needs; all but Evidence and Claims.
type Config struct {
	Files    Files
	Bench    Bench
	Photos   Photos
	Evidence Evidence // nil leaves the button and the fingerprint out
	Claims   Claims   // nil lets nobody know who has a case open
	Schema   *schema.Descriptor
}

// Door holds the handlers of headquarters' screens.
type Door struct {
	cfg       Config
	profiling chan struct{} // holds the one profile that is being taken
}

// New builds the door. Mount it by naming it in web.Config.Areas.
func New(cfg Config) (web.Area, error) {
	if cfg.Files == nil || cfg.Bench == nil || cfg.Photos == nil || cfg.Schema == nil {
		return web.Area{}, errors.New("headquarters: files, bench, photos and schema are needed")
	}
	d := &Door{cfg: cfg, profiling: make(chan struct{}, 1)}
	a := web.Area{Name: "headquarters", Title: "headquarters.door", Home: "/headquarters/", Roles: lookers(),
		Nav:    []web.NavItem{{Name: "defects", Path: "/headquarters/", Key: "headquarters.queue", Roles: lookers(), Keys: "g q"}},
		Routes: d.routes()}
	var err error
	if a.Templates, err = fs.Sub(templates, "templates"); err != nil {
		return a, err
	}
	if a.Words, err = fs.Sub(words, "i18n"); err != nil {
		return a, err
	}
	a.Static, err = fs.Sub(scripts, "static")
	return a, err
}

// lookers may open this door; judges may give a verdict.
func lookers() []schema.Role { return []schema.Role{schema.Adjudicator, schema.Admin} }
func judges() []schema.Role  { return []schema.Role{schema.Adjudicator} }

// routes is the door's whole route table.
func (d *Door) routes() []web.Route {
	return []web.Route{
		{Method: "GET", Path: "/headquarters/{$}", Roles: lookers(), Handler: d.queue},
		{Method: "GET", Path: "/headquarters/defects/{centre}/{defect}", Roles: lookers(), Handler: d.defect},
		{Method: "POST", Path: "/headquarters/defects/{centre}/{defect}/verdict", Roles: judges(), Handler: d.judge},
		{Method: "POST", Path: "/headquarters/defects/{centre}/{defect}/take", Roles: judges(), Handler: d.take},
		{Method: "POST", Path: "/headquarters/defects/{centre}/{defect}/leave", Roles: judges(), Handler: d.leave},
		{Method: "POST", Path: "/headquarters/defects/{centre}/{defect}/urge", Roles: judges(), Handler: d.urge},
		{Method: "POST", Path: "/headquarters/defects/{centre}/{defect}/received", Roles: judges(), Handler: d.received},
		{Method: "POST", Path: "/headquarters/defects/{centre}/{defect}/evidence", Roles: judges(), Handler: d.evidence},
		{Method: "POST", Path: "/headquarters/defects/{centre}/{defect}/opinion", Roles: judges(), Handler: d.advise},
		{Method: "POST", Path: "/headquarters/defects/{centre}/{defect}/mark", Roles: judges(), Handler: d.mark},
		{Method: "POST", Path: "/headquarters/defects/{centre}/{defect}/annex", Roles: judges(), Handler: d.attach, MaxBody: web.MaxDrawing + 64<<10},
		{Method: "GET", Path: "/headquarters/defects/{centre}/{defect}/annex/{annex}", Roles: lookers(), Handler: d.annex},
		{Method: "GET", Path: "/headquarters/defects/{centre}/{defect}/print", Roles: lookers(), Handler: d.paper},
		{Method: "GET", Path: "/headquarters/photos/{centre}/{sha}", Roles: lookers(), Handler: d.photo},
		{Method: "GET", Path: "/headquarters/profile/{kind}", Roles: admins(), Handler: d.profile},
	}
}

func who(c *web.Context) office.Who {
	return office.Who{Person: c.Person.ID, Role: c.Person.Role, Centre: c.Person.Centre}
}
