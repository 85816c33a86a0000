package centre

import (
	"net/url"
	"strconv"

	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/server/office"
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
		err = r.mine(c, in.Case)
	}
	if err == nil {
		done, err = r.cfg.Cases.Decide(c.Context(), who(c), in)
	}
	if err != nil {
		return r.typedAgain(c, "case."+in.Case.String(), err)
	}
	if err := r.giveBack(c, in.Case); err != nil {
		return err
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

// mine refuses a decision on a case that somebody else has open: he is asked,
// or the case is taken over first.
func (r *Reconciliation) mine(c *web.Context, id uuid.UUID) error {
	if r.cfg.Claims == nil {
		return nil
	}
	claims, err := r.cfg.Claims.Claims(c.Context(), c.Person.Centre, c.Now)
	if err != nil {
		return err
	}
	if by, ok := claims[id]; ok && by.Person != c.Person.ID {
		return fault.New(fault.Stale, "decide.claimed")
	}
	return nil
}

func (r *Reconciliation) giveBack(c *web.Context, id uuid.UUID) error {
	if r.cfg.Claims == nil {
		return nil
	}
	return r.cfg.Claims.Unclaim(c.Context(), c.Person.Centre, id, c.Person.ID)
}

// take serves POST /centre/reconcile/take: a case that somebody else has open
// is taken over; his page says so when he decides.
func (r *Reconciliation) take(c *web.Context) error {
	id := c.FormID("case")
	k, err := r.cfg.Files.Case(c.Context(), c.Person.Centre, id)
	if err != nil {
		return err
	}
	if k.Open {
		if _, err := r.claim(c, &teller{c: c, schema: r.cfg.Schema}, id, true); err != nil {
			return err
		}
	}
	return c.Redirect(queueLink(int(c.FormInt("f")), "case."+id.String()))
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
	return r.showReconcile(c, status, &ReconcilePage{At: at, Problem: text, Late: fault.CodeOf(err) == fault.Stale,
		Verdict: c.Form("verdict"), Value: c.Form("value"), Reason: c.Form("reason")})
}

// revise serves POST /centre/reconcile/revise: the compensating entry of a
// decision that was taken. undo=1 puts back what stood before.
func (r *Reconciliation) revise(c *web.Context) error {
	in, err := r.ruling(c)
	if c.Form("undo") != "" && err == nil {
		err = r.undoing(c, &in)
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

// undoing fills in what an undo decides.
func (r *Reconciliation) undoing(c *web.Context, in *office.Ruling) error {
	k, err := r.cfg.Files.Case(c.Context(), c.Person.Centre, in.Case)
	if err != nil {
		return err
	}
	ruled, err := r.cfg.Files.Decisions(c.Context(), c.Person.Centre, in.Case)
	if err != nil {
		return err
	}
	in.Verdict, in.Base = office.Undoing(&k, ruled), 0
	if in.Reason == "" {
		in.Reason = c.T("decide.undo-reason")
	}
	return nil
}

// bulk serves POST /centre/reconcile/bulk: it accepts several cases of the
// same matter at once. What is another matter, or decided meanwhile, is left
// alone.
func (r *Reconciliation) bulk(c *web.Context) error {
	var ids []uuid.UUID
	for _, s := range c.Forms("case") {
		id, err := uuid.Parse(s)
		if err == nil && len(ids) < office.MaxTogether {
			ids = append(ids, id)
		}
	}
	done, err := r.cfg.Cases.AcceptTogether(c.Context(), who(c), ids, c.Form("reason"))
	if err != nil {
		return err
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
