package centre

import (
	"fmt"
	"net/url"
	"strconv"

	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/server/office"
	"siteledger/server/report"
	"siteledger/server/web"
)

// maxBulk bounds how many harmless merges are accepted at once.
const maxBulk = 200

// ruling reads the form of a decision. A third value that is no value of the
// field is Invalid.
func (r *Reconciliation) ruling(c *web.Context) (office.Ruling, error) {
	in := office.Ruling{Case: c.FormID("case"), Verdict: c.Form("verdict"), Reason: c.Form("reason"), Base: c.FormRev("base"), Rest: c.Ticked("rest")}
	if in.Verdict != office.VerdictEdit {
		return in, nil
	}
	k, err := r.cfg.Files.Case(c.Context(), c.Person.Centre, in.Case)
	if err != nil {
		return in, err
	}
	t := &teller{c: c, schema: r.cfg.Schema}
	col := t.column(k.Table, k.Column)
	if col == nil {
		return in, fault.New(fault.Invalid, "decide.no-values")
	}
	in.Value, err = t.typed(col, c.Form("value"))
	if err != nil {
		return in, fault.Wrap(fault.Invalid, "decide.value", err)
	}
	return in, nil
}

// decide serves POST /centre/reconcile/decide. Whoever comes second finds the
// case locked with who and when, and what he typed still there.
func (r *Reconciliation) decide(c *web.Context) error {
	in, err := r.ruling(c)
	var done office.Decided
	if err == nil {
		done, err = r.cfg.Cases.Decide(c.Context(), who(c), in)
	}
	if err != nil {
		return r.typedAgain(c, "case."+in.Case.String(), err)
	}
	if in.Verdict == office.VerdictAsk {
		c.Flash("ok", c.T("decide.asked"))
		return c.Redirect(queueLink(int(c.FormInt("f")), "case."+in.Case.String()))
	}
	if !done.Changed {
		text := c.T("decide.done")
		if done.Rest > 0 {
			text = c.T("decide.done-rest", done.Rest)
		}
		c.Flash("ok", text)
		return c.Redirect(nextAfter(c, uuid.Nil))
	}
	return c.Redirect(nextAfter(c, in.Case))
}

// nextAfter is where the clerk goes on: the next matter, with the way back of
// a decision that changed something.
func nextAfter(c *web.Context, decided uuid.UUID) string {
	q := url.Values{}
	if f := c.FormInt("f"); f > 0 {
		q.Set("f", strconv.FormatInt(f, 10))
	}
	if next := c.Form("next"); next != "" {
		q.Set("at", next)
	}
	if decided != uuid.Nil {
		q.Set("undo", decided.String())
	}
	return "/centre/reconcile?" + q.Encode()
}

// typedAgain shows the matter again with what was typed and what is wrong.
func (r *Reconciliation) typedAgain(c *web.Context, at string, err error) error {
	status, text, ok := c.Problem(err)
	if !ok {
		return err
	}
	return r.showReconcile(c, status, &ReconcilePage{At: at, Problem: text,
		Verdict: c.Form("verdict"), Value: c.Form("value"), Reason: c.Form("reason")})
}

// revise serves POST /centre/reconcile/revise: the compensating entry of a
// decision that was taken. undo=1 puts back what stood before.
func (r *Reconciliation) revise(c *web.Context) error {
	in, err := r.ruling(c)
	if c.Form("undo") != "" {
		in.Verdict, in.Reason, in.Base = office.VerdictKeep, c.T("decide.undo-reason"), 0
	}
	if err == nil {
		_, err = r.cfg.Cases.Revise(c.Context(), who(c), in)
	}
	if err != nil {
		return r.typedAgain(c, "case."+in.Case.String(), err)
	}
	c.Flash("ok", c.T("decide.revised"))
	return c.Redirect(queueLink(int(c.FormInt("f")), "case."+in.Case.String()))
}

// bulk serves POST /centre/reconcile/bulk: it accepts several automatic
// merges at once. Only merges are harmless enough; whatever else is named, or
// decided meanwhile, is left alone.
func (r *Reconciliation) bulk(c *web.Context) error {
	done := 0
	ids := c.Forms("case")
	if len(ids) > maxBulk {
		ids = ids[:maxBulk]
	}
	for _, s := range ids {
		id, err := uuid.Parse(s)
		if err != nil {
			continue
		}
		k, err := r.cfg.Files.Case(c.Context(), c.Person.Centre, id)
		if err != nil {
			return err
		}
		if k.Kind != report.CaseMerged || !k.Open {
			continue
		}
		_, err = r.cfg.Cases.Decide(c.Context(), who(c), office.Ruling{Case: id, Verdict: office.VerdictAccept})
		if fault.CodeOf(err) == fault.Stale || fault.CodeOf(err) == fault.Invalid {
			continue
		}
		if err != nil {
			return fmt.Errorf("accept %d of %d merges: %w", done, len(ids), err)
		}
		done++
	}
	c.Flash("ok", c.T("decide.bulk-done", done))
	return c.Redirect(queueLink(int(c.FormInt("f")), ""))
}

// waive serves POST /centre/reconcile/waive.
func (r *Reconciliation) waive(c *web.Context) error {
	id := c.FormID("waiver")
	err := r.cfg.Cases.Waive(c.Context(), who(c), id, c.FormRev("base"), c.Form("verdict") == "approve")
	if err != nil {
		return r.typedAgain(c, "waiver."+id.String(), err)
	}
	return c.Redirect(nextAfter(c, uuid.Nil))
}

// urge serves POST /centre/reconcile/urge: the phone that holds a photo's
// original is asked to upload it now.
func (r *Reconciliation) urge(c *web.Context) error {
	photos := c.Forms("photo")
	asked := 0
	for _, s := range photos[:min(len(photos), maxBulk)] {
		id, err := uuid.Parse(s)
		if err != nil {
			return web.NotFound()
		}
		err = r.cfg.Slips.Urge(c.Context(), who(c), c.Person.Centre, id)
		if fault.CodeOf(err) == fault.Invalid {
			continue // arrived meanwhile
		}
		if err != nil {
			return err
		}
		asked++
	}
	c.Flash("ok", c.T("decide.urged", asked))
	return c.Redirect(c.Form("back"))
}
