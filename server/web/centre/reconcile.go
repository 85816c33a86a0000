package centre

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/server/office"
	"siteledger/server/report"
	"siteledger/server/web"
	"siteledger/syncproto"
	"siteledger/syncproto/schema"
)

// CaseFiles reads what waits for a clerk and everything about one job.
type CaseFiles interface {
	Queue(ctx context.Context, centre uuid.UUID, now time.Time) ([]report.Item, report.Glance, error)
	Case(ctx context.Context, centre, id uuid.UUID) (report.Case, error)
	Decisions(ctx context.Context, centre, id uuid.UUID) ([]report.Ruled, error)
	JobFile(ctx context.Context, centre, job uuid.UUID) (report.JobFile, error)
}

// CaseRows reads one row, to find the job that it belongs to, what the offices
// keep about a defect, and names.
type CaseRows interface {
	StateRow(ctx context.Context, centre uuid.UUID, table string, id uuid.UUID) (schema.Row, bool, error)
	StateRows(ctx context.Context, centre uuid.UUID, table, column string, id uuid.UUID) ([]schema.Row, error)
	// Names are those of the centre's people and of headquarters'.
	Names(ctx context.Context, centre uuid.UUID) (map[uuid.UUID]string, error)
}

// Facts gives the ledger's own account of a job, for the timeline.
type Facts interface {
	JobFacts(ctx context.Context, centre, job uuid.UUID) ([]report.Fact, error)
}

// CaseBench is what a clerk does about a matter; *office.Bench is one.
type CaseBench interface {
	Decide(ctx context.Context, who office.Who, r office.Ruling) (office.Decided, error)
	Revise(ctx context.Context, who office.Who, r office.Ruling) (office.Decided, error)
	Waive(ctx context.Context, who office.Who, waiver uuid.UUID, base uint64, approve bool) error
	AcceptTogether(ctx context.Context, who office.Who, ids []uuid.UUID, reason string) (int, error)
}

// CaseShelf shows what was set aside instead of applied; report.Shelf is one.
type CaseShelf interface {
	Denied(ctx context.Context, centre uuid.UUID, page int) ([]report.Denied, bool, error)
	Aside(ctx context.Context, centre uuid.UUID, page int) ([]report.Aside, bool, error)
	NotKept(ctx context.Context, centre uuid.UUID) ([]report.NotKept, error)
	Raw(ctx context.Context, centre uuid.UUID, id int64) (report.AsideRef, [][]byte, error)
	Fork(ctx context.Context, centre, device, epoch uuid.UUID, at int64) (report.ForkFile, error)
}

// CaseClaims says who has which case open, across all servers.
type CaseClaims interface {
	Claims(ctx context.Context, centre uuid.UUID, now time.Time) (map[uuid.UUID]report.Claim, error)
	Claim(ctx context.Context, centre, id, person uuid.UUID, now time.Time, lasts time.Duration, take bool) (report.Claim, error)
	Unclaim(ctx context.Context, centre, id, person uuid.UUID) error
}

// SlipBench is what a clerk does about a slip; *office.Bench is one.
type SlipBench interface {
	Register(ctx context.Context, who office.Who, r office.Registration) error
	SignedLeftover(ctx context.Context, centre uuid.UUID, defect schema.Row) (office.SignedLeftover, error)
	Urge(ctx context.Context, who office.Who, centre, photo uuid.UUID) error
	Ship(ctx context.Context, who office.Who, centre, shipment uuid.UUID, base uint64, status, carrier string) error
}

// ReconcileConfig is what the reconciliation needs; all of it.
type ReconcileConfig struct {
	Files  CaseFiles
	Rows   CaseRows
	Facts  Facts
	Cases  CaseBench
	Slips  SlipBench
	Shelf  CaseShelf
	Claims CaseClaims
	Schema *schema.Descriptor
}

// Reconciliation is the part of the centre's door where what arrived is
// settled: the queue of matters, the case, the registration of the slip and
// the printed forms. It decides nothing itself.
type Reconciliation struct{ cfg ReconcileConfig }

// NewReconciliation builds it.
func NewReconciliation(cfg ReconcileConfig) *Reconciliation { return &Reconciliation{cfg: cfg} }

// Routes are its rows of the door's route table.
func (r *Reconciliation) Routes() []web.Route {
	return []web.Route{
		{Method: "GET", Path: "/centre/reconcile", Roles: desk(), Handler: r.reconcile},
		{Method: "POST", Path: "/centre/reconcile/decide", Roles: desk(), Handler: r.decide},
		{Method: "POST", Path: "/centre/reconcile/revise", Roles: desk(), Handler: r.revise},
		{Method: "POST", Path: "/centre/reconcile/bulk", Roles: desk(), Handler: r.bulk},
		{Method: "POST", Path: "/centre/reconcile/take", Roles: desk(), Handler: r.take},
		{Method: "GET", Path: "/centre/reconcile/batch", Roles: desk(), Handler: r.batch},
		{Method: "GET", Path: "/centre/reconcile/aside", Roles: desk(), Handler: r.aside},
		{Method: "GET", Path: "/centre/reconcile/aside/{id}", Roles: []schema.Role{schema.Supervisor}, Handler: r.asideBytes},
		{Method: "POST", Path: "/centre/reconcile/waive", Roles: desk(), Handler: r.waive},
		{Method: "POST", Path: "/centre/reconcile/urge", Roles: desk(), Handler: r.urge},
		{Method: "GET", Path: "/centre/jobs/{id}/register", Roles: desk(), Handler: r.registration},
		{Method: "POST", Path: "/centre/jobs/{id}/register", Roles: desk(), Handler: r.register},
		{Method: "GET", Path: "/centre/jobs/{id}/slip", Roles: desk(), Handler: r.slip},
		{Method: "POST", Path: "/centre/jobs/{id}/shipments/{shipment}", Roles: desk(), Handler: r.ship},
	}
}

// ReconcilePage is the reconciliation screen: the queue, the open matter, its
// job.
type ReconcilePage struct {
	Glance   report.Glance
	Rows     []queueRow
	Tabs     []queueTab
	Filter   int
	At       string
	Place    int
	Prev     *queueRow
	Next     *queueRow
	Harmless []uuid.UUID // merged cases of this filter that may be accepted together

	Kind     string // case, slip, evidence, card, waiver; "" for nothing open
	Case     *caseView
	Slip     *registerView
	Waiver   *waiverView
	Job      *jobSide
	Timeline *timelineView
	Undo     uuid.UUID // the case that was decided a moment ago

	Together bool // the open case may be decided with others of its kind

	Verdict string // typed
	Value   string
	Reason  string
	Problem string
	Late    bool // what was typed came too late: somebody else has decided
}

// HasUndo says that a decision was taken a moment ago.
func (p *ReconcilePage) HasUndo() bool { return p.Undo != uuid.Nil }

// NextAt names the matter that follows the open one.
func (p *ReconcilePage) NextAt() string {
	if p.Next == nil {
		return ""
	}
	return p.Next.At
}

// Tones are the shapes of the kinds of matters.
func (p *ReconcilePage) Tones() map[string]string {
	return map[string]string{report.CaseConflict: "warn", report.CaseMerged: "info", report.CaseHeld: "bad", report.CaseFork: "bad",
		report.CaseHandover: "bad", report.CaseClock: "wait", report.CaseReceipt: "bad",
		"evidence": "wait", "card": "wait", "slip": "ok", "waiver": "warn"}
}

// waiverView is a request to waive a fee.
type waiverView struct {
	report.FileRow
	Due, Receipted int64
	Who            string
}

// reconcile serves GET /centre/reconcile?f=1&at=case.….
func (r *Reconciliation) reconcile(c *web.Context) error {
	p := &ReconcilePage{At: c.Form("at"), Undo: c.FormID("undo")}
	return r.showReconcile(c, http.StatusOK, p)
}

// showReconcile loads the rest of the page and renders it; p holds what was
// typed.
func (r *Reconciliation) showReconcile(c *web.Context, status int, p *ReconcilePage) error {
	if err := r.loadReconcile(c, p); err != nil {
		return err
	}
	return c.RenderStatus(status, "reconcile", web.Page{Title: c.T("reconcile.title"), Nav: "reconcile", Wide: true, Styles: []string{"centre/reconcile.css"},
		Scripts: []string{"centre/reconcile.js"}, Data: p})
}

func (r *Reconciliation) loadReconcile(c *web.Context, p *ReconcilePage) error {
	items, glance, err := r.cfg.Files.Queue(c.Context(), c.Person.Centre, c.Now.In(c.Zone()))
	if err != nil {
		return err
	}
	p.Glance = glance
	if n, err := strconv.Atoi(c.Form("f")); err == nil && n >= 0 && n <= queueFilters {
		p.Filter = n
	}
	t := &teller{c: c, schema: r.cfg.Schema}
	p.Rows, p.Tabs = r.lay(t, items, p.Filter, p.At)
	if err := r.markClaims(c, p.Rows); err != nil {
		return err
	}
	if p.At == "" {
		openFirst(p)
	}
	p.Place, p.Prev, p.Next = around(p.Rows, p.At)
	for _, row := range p.Rows {
		if row.Kind == report.CaseMerged {
			p.Harmless = append(p.Harmless, row.ID)
		}
	}
	if p.At == "" {
		return nil
	}
	return r.loadMatter(c, t, p)
}

// loadMatter reads the open matter. One of another centre, or one that never
// was, is NotFound.
func (r *Reconciliation) loadMatter(c *web.Context, t *teller, p *ReconcilePage) error {
	kind, text, _ := strings.Cut(p.At, ".")
	id, err := uuid.Parse(text)
	if err != nil {
		return web.NotFound()
	}
	job := id
	switch kind {
	case "case":
		return r.loadCase(c, t, p, id)
	case "slip", "evidence":
	case "card", "waiver":
		table := map[string]string{"card": "visit", "waiver": "waiver"}[kind]
		row, ok, err := r.cfg.Rows.StateRow(c.Context(), c.Person.Centre, table, id)
		if err != nil {
			return err
		}
		if !ok {
			return web.NotFound()
		}
		job = row.Root
	default:
		return web.NotFound()
	}
	f, err := r.cfg.Files.JobFile(c.Context(), c.Person.Centre, job)
	if err != nil {
		return err
	}
	t.people = f.People
	p.Kind = kind
	switch kind {
	case "slip":
		p.Slip = r.viewRegister(t, &f)
	case "waiver":
		w, ok := f.Find("waiver", id)
		if !ok {
			return web.NotFound()
		}
		v := &waiverView{FileRow: w, Who: t.name(w.Marks["amount"].Actor)}
		v.Due, v.Receipted = office.Paid(&f, w.UUID("visit"))
		p.Waiver = v
	}
	return r.loadJob(c, t, p, &f)
}

func (r *Reconciliation) loadCase(c *web.Context, t *teller, p *ReconcilePage, id uuid.UUID) error {
	k, err := r.cfg.Files.Case(c.Context(), c.Person.Centre, id)
	if err != nil {
		return err
	}
	ruled, err := r.cfg.Files.Decisions(c.Context(), c.Person.Centre, id)
	if err != nil {
		return err
	}
	p.Kind = "case"
	f, err := r.cfg.Files.JobFile(c.Context(), c.Person.Centre, k.Root)
	if fault.CodeOf(err) == syncproto.NotFound {
		if t.people, err = r.cfg.Rows.Names(c.Context(), c.Person.Centre); err != nil {
			return err
		}
		p.Case = r.viewCase(t, c.Person.Role, k, nil, ruled)
		return r.loadMore(c, t, p, &k, ruled)
	}
	if err != nil {
		return err
	}
	t.people = f.People
	p.Case = r.viewCase(t, c.Person.Role, k, &f, ruled)
	if err := r.loadMore(c, t, p, &k, ruled); err != nil {
		return err
	}
	return r.loadJob(c, t, p, &f)
}

// loadMore reads what only some cases have, and claims an open one.
func (r *Reconciliation) loadMore(c *web.Context, t *teller, p *ReconcilePage, k *report.Case, ruled []report.Ruled) error {
	p.Together = k.Open && office.SameAs(k) != ""
	more, err := r.answered(c, t, ruled)
	if err != nil {
		return err
	}
	p.Case.Answers = append(p.Case.Answers, more...)
	if k.Sides.Fork != nil {
		if p.Case.Fork, err = r.viewFork(c, t, k); err != nil {
			return err
		}
	}
	if k.Open {
		p.Case.Claim, err = r.claim(c, t, k.ID, false)
	}
	return err
}

// markClaims says in the queue which cases somebody else has open.
func (r *Reconciliation) markClaims(c *web.Context, rows []queueRow) error {
	if r.cfg.Claims == nil {
		return nil
	}
	claims, err := r.cfg.Claims.Claims(c.Context(), c.Person.Centre, c.Now)
	if err != nil || len(claims) == 0 {
		return err
	}
	names, err := r.cfg.Rows.Names(c.Context(), c.Person.Centre)
	if err != nil {
		return err
	}
	for i := range rows {
		if by, ok := claims[rows[i].ID]; ok && by.Person != c.Person.ID {
			rows[i].Taken = names[by.Person]
			if rows[i].Taken == "" {
				rows[i].Taken = c.T("case.who.unknown")
			}
		}
	}
	return nil
}

// openFirst opens the first matter that nobody else has open.
func openFirst(p *ReconcilePage) {
	for i := range p.Rows {
		if p.Rows[i].Taken == "" || i == len(p.Rows)-1 {
			p.At, p.Rows[i].Here = p.Rows[i].At, true
			return
		}
	}
}

func (r *Reconciliation) loadJob(c *web.Context, t *teller, p *ReconcilePage, f *report.JobFile) error {
	facts, err := r.cfg.Facts.JobFacts(c.Context(), c.Person.Centre, f.Job)
	if err != nil {
		return err
	}
	p.Timeline = viewTimeline(t, report.NewTimeline(r.cfg.Schema, facts), f.Holders)
	p.Job = r.viewJob(t, f)
	return nil
}
