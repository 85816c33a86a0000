package headquarters

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/server/report"
	"siteledger/server/web"
)

// Claims says who has which case open, across all servers; the store does. A
// claim ends by itself and is no right: the rev that a verdict names is what
// keeps two verdicts apart.
type Claims interface {
	OpenClaims(ctx context.Context, now time.Time) ([]report.Claim, error)
	Claim(ctx context.Context, centre, id, person uuid.UUID, now time.Time, lasts time.Duration, take bool) (report.Claim, error)
	Unclaim(ctx context.Context, centre, id, person uuid.UUID) error
	// Names gives the names of a centre's people and of headquarters'.
	Names(ctx context.Context, centre uuid.UUID) (map[uuid.UUID]string, error)
}

// claimLasts is how long an opened case counts as being judged; the open page
// renews it. It is as long as at the centres' desks.
const claimLasts = 10 * time.Minute

// claimView is which other adjudicator has a case open.
type claimView struct {
	Who   string
	Since int64
}

// decidedView is who closed a case, and when.
type decidedView struct {
	Who     string
	At      int64
	Verdict string
	Mine    bool // by this very person, perhaps in another tab
}

// claim notes that this person has the case open, or says who has.
func (d *Door) claim(c *web.Context, centre, id uuid.UUID, names map[uuid.UUID]string, take bool) (*claimView, error) {
	if d.cfg.Claims == nil {
		return nil, nil //nolint:nilnil // nobody else is an ordinary answer
	}
	got, err := d.cfg.Claims.Claim(c.Context(), centre, id, c.Person.ID, c.Now, claimLasts, take)
	if err != nil || got.Person == c.Person.ID || got.Person == uuid.Nil {
		return nil, err
	}
	return &claimView{Who: names[got.Person], Since: got.Since}, nil
}

// claimed are the cases that somebody else has open now.
func (d *Door) claimed(c *web.Context) (map[report.DefectPlace]report.Claim, error) {
	if d.cfg.Claims == nil {
		return nil, nil
	}
	all, err := d.cfg.Claims.OpenClaims(c.Context(), c.Now)
	if err != nil {
		return nil, err
	}
	out := make(map[report.DefectPlace]report.Claim, len(all))
	for _, one := range all {
		if one.Person != c.Person.ID {
			out[report.DefectPlace{Centre: one.Centre, ID: one.Case}] = one
		}
	}
	return out, nil
}

// mine refuses a verdict on a case that somebody else has open: he is asked,
// or the case is taken over first.
func (d *Door) mine(c *web.Context, centre, id uuid.UUID) error {
	all, err := d.claimed(c)
	if err != nil {
		return err
	}
	if _, ok := all[report.DefectPlace{Centre: centre, ID: id}]; ok {
		return fault.New(fault.Stale, "judge.claimed")
	}
	return nil
}

func (d *Door) giveBack(c *web.Context, centre, id uuid.UUID) error {
	if d.cfg.Claims == nil {
		return nil
	}
	return d.cfg.Claims.Unclaim(c.Context(), centre, id, c.Person.ID)
}

// markClaims says in the queue which cases somebody else has open.
func (d *Door) markClaims(c *web.Context, lines []line) error {
	all, err := d.claimed(c)
	if err != nil || len(all) == 0 {
		return err
	}
	var names map[uuid.UUID]string
	for i := range lines {
		l := &lines[i]
		by, ok := all[report.DefectPlace{Centre: l.Centre, ID: l.Defect.ID}]
		if !ok {
			continue
		}
		if names == nil {
			if names, err = d.cfg.Claims.Names(c.Context(), l.Centre); err != nil {
				return err
			}
		}
		l.Claim = &claimView{Who: names[by.Person], Since: by.Since}
	}
	return nil
}

// take serves POST …/take: a case that another adjudicator has open is taken
// over; his page says so.
func (d *Door) take(c *web.Context) error {
	var p DefectPage
	if err := d.loadDefect(c, &p); err != nil {
		return err
	}
	if p.Open || p.Claim != nil {
		if _, err := d.claim(c, p.Centre, p.Defect.ID, nil, true); err != nil {
			return err
		}
	}
	return c.Redirect(defectLink(p.Centre, p.Defect.ID, c.Form("state")))
}

// leave serves POST …/leave, which the page sends when it is left: the case is
// free at once and not only when the claim runs out.
func (d *Door) leave(c *web.Context) error {
	centre, id, err := place(c)
	if err != nil {
		return err
	}
	if err := d.giveBack(c, centre, id); err != nil {
		return err
	}
	c.W.WriteHeader(http.StatusNoContent)
	return nil
}

// decided says who closed a case: the newest verdict, unless it is hidden.
func decided(c *web.Context, p *DefectPage) *decidedView {
	if p.Blind || len(p.Verdicts) == 0 || p.Defect.Text("status") == "submitted" {
		return nil
	}
	v := slices.MaxFunc(p.Verdicts, func(a, b verdictView) int { return int(a.At/1000 - b.At/1000) })
	return &decidedView{Who: v.By, At: v.At, Verdict: v.Verdict, Mine: v.ByID == c.Person.ID}
}
