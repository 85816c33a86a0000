package tier

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"siteledger/server/store"
)

// Own begins the questions that this package itself asks of a store, so that
// who listens to a server's statements can tell them.
const Own = "/* sample */ "

// Pages gives the addresses to open for a route of the screens' table, such as
// /centre/jobs/{id}, filled in from the sample; several where a page shows
// something else by its query, none for what shows nothing that is kept. A
// route that it does not know how to fill in is an error, so that a new screen
// is not forgotten.
func Pages(ctx context.Context, st *store.Store, s Sample, route string) ([]string, error) {
	p := &pages{ctx: ctx, st: st, centre: s.Centre, day: s.Until.AddDate(0, 0, -9).Format(time.DateOnly)}
	out := p.of(route)
	if p.err != nil {
		return nil, fmt.Errorf("addresses of %s: %w", route, p.err)
	}
	for _, path := range out {
		if strings.Contains(path, "{") {
			return nil, fmt.Errorf("the route %s is new: say here what to open", route)
		}
	}
	return out, nil
}

type pages struct {
	ctx    context.Context
	st     *store.Store
	centre uuid.UUID
	day    string
	err    error
}

func (p *pages) of(route string) []string {
	switch {
	case route == "/{$}", route == "/events", strings.HasPrefix(route, "/sign"), route == "/headquarters/profile/{kind}", strings.HasSuffix(route, "/annex/{annex}"):
		return nil
	case strings.HasPrefix(route, "/centre/jobs"):
		return p.jobs(route)
	case strings.HasPrefix(route, "/centre/reconcile"):
		return p.matters(route)
	case strings.HasPrefix(route, "/headquarters/"):
		return p.headquarters(route)
	}
	customer := p.one(`SELECT "customer" FROM state_job WHERE centre = $1 ORDER BY id LIMIT 1`)
	switch route {
	case "/centre/{$}":
		return []string{"/centre/", "/centre/?day=" + p.day}
	case "/centre/search":
		return []string{route + "?q=" + url.QueryEscape("花园"), route + "?q=0412", route + "?q=HT2"}
	case "/centre/intake":
		return []string{route, route + "?customer=" + customer + "&q=" + url.QueryEscape("王")}
	case "/centre/customers":
		return []string{route, route + "?page=4"}
	case "/centre/customers/{id}":
		return []string{"/centre/customers/" + customer}
	case "/centre/photos/{sha}":
		return []string{"/centre/photos/" + p.photo()}
	case "/centre/devices/{id}":
		return []string{"/centre/devices/" + p.one(`SELECT id FROM state_device WHERE centre = $1 ORDER BY id LIMIT 1`)}
	}
	return []string{route}
}

func (p *pages) jobs(route string) []string {
	if route == "/centre/jobs" {
		person := p.one(`SELECT "person" FROM state_visit WHERE centre = $1 ORDER BY id DESC LIMIT 1`)
		return []string{route, route + "?page=5", route + "?status=open", route + "?status=closed", route + "?incomplete=on", route + "?unassigned=on",
			route + "?person=" + person, route + "?day=" + p.day}
	}
	if !strings.Contains(route, "{id}") {
		return []string{route}
	}
	var out []string
	for _, job := range []string{
		p.one(`SELECT root FROM state_defect WHERE centre = $1 ORDER BY id LIMIT 1`),
		p.one(`SELECT id FROM state_job WHERE centre = $1 AND "status" IN ('registered', 'finished') ORDER BY id DESC LIMIT 1`),
	} {
		id := uuid.Nil
		if p.err == nil {
			id, p.err = uuid.Parse(job)
		}
		visit := p.one(`SELECT id FROM state_visit WHERE centre = $1 AND "job" = $2 ORDER BY id LIMIT 1`, id[:])
		defect := p.one(`SELECT id FROM state_defect WHERE centre = $1 AND "job" = $2 ORDER BY id LIMIT 1`, id[:])
		out = append(out, strings.NewReplacer("{id}", job, "{visit}", visit, "{defect}", defect).Replace(route))
	}
	return out
}

func (p *pages) matters(route string) []string {
	const open = `SELECT id FROM case_file WHERE centre = $1 AND kind = $2 AND state = 'open' LIMIT 1`
	switch route {
	case "/centre/reconcile/batch":
		return []string{route + "?of=" + p.one(open, "merged")}
	case "/centre/reconcile/aside/{id}":
		return []string{"/centre/reconcile/aside/1"}
	case "/centre/reconcile":
		out := []string{route, route + "?f=1", route + "?f=2", route + "?f=5"}
		for _, kind := range []string{"held", "conflict", "merged", "clock", "handover", "fork"} {
			if id := p.one(open, kind); id != uuid.Nil.String() {
				out = append(out, route+"?at=case."+id)
			}
		}
		return append(out, route+"?at=slip."+p.one(`SELECT id FROM state_job WHERE centre = $1 AND "status" = 'finished' ORDER BY id DESC LIMIT 1`))
	}
	return []string{route}
}

func (p *pages) headquarters(route string) []string {
	if route == "/headquarters/{$}" {
		return []string{"/headquarters/", "/headquarters/?state=submitted"}
	}
	defect := p.one(`SELECT id FROM state_defect WHERE centre = $1 AND "status" = 'submitted' LIMIT 1`)
	return []string{strings.NewReplacer("{centre}", p.centre.String(), "{defect}", defect, "{sha}", p.photo()).Replace(route)}
}

// one reads an id of the centre as text; the zero one where there is none.
func (p *pages) one(query string, args ...any) string {
	var out uuid.UUID
	copy(out[:], p.bytes(query, args...))
	return out.String()
}

func (p *pages) photo() string {
	return hex.EncodeToString(p.bytes(`SELECT "original" FROM state_photo WHERE centre = $1 AND "defect" IS NOT NULL LIMIT 1`))
}

func (p *pages) bytes(query string, args ...any) []byte {
	var b []byte
	if p.err != nil {
		return nil
	}
	err := p.st.View(p.ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(p.ctx, Own+query, append([]any{p.centre[:]}, args...)...).Scan(&b)
	})
	if !errors.Is(err, sql.ErrNoRows) {
		p.err = err
	}
	return b
}
