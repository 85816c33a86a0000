package headquarters

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/server/office"
	"siteledger/server/report"
	"siteledger/server/web"
)

// maxShares bounds the rows of a split.
const maxShares = 20

// judgement reads the form of a verdict. What is no number is Invalid; sums
// and rules are the office's to check.
func judgement(c *web.Context) (office.Judgement, error) {
	in := office.Judgement{Base: c.FormRev("base"), Verdict: c.Form("verdict"), Remedy: c.Form("remedy"), Reason: c.Form("reason"),
		TextStore: c.Form("text_store"), TextCustomer: c.Form("text_customer"), WholeCrack: c.Ticked("whole_crack")}
	switch in.Verdict {
	case "retake", "return":
		in.Lacks = lacks(c)
		in.Wanted = c.Form("wanted")
		return in, cost(c, &in)
	}
	parties, percents, reasons := c.Forms("party"), c.Forms("percent"), c.Forms("share_reason")
	for i := range parties {
		if i >= len(percents) || i >= maxShares {
			break
		}
		if parties[i] == "" && percents[i] == "" {
			continue
		}
		n, err := strconv.ParseInt(percents[i], 10, 64)
		s := office.Share{Party: parties[i], Percent: n}
		if i < len(reasons) {
			s.Reason = reasons[i]
		}
		in.Split = append(in.Split, s)
		if err != nil {
			return in, fault.Wrap(fault.Invalid, "adjudicate.share", err)
		}
	}
	return in, nil
}

// lacks joins what was ticked with what was typed, in the reader's language
// of the form.
func lacks(c *web.Context) string {
	var all []string
	for _, code := range c.Forms("lack") {
		for _, known := range lackCodes() {
			if code == known {
				all = append(all, c.T("judge.lack."+code))
			}
		}
	}
	if text := c.Form("lacks"); text != "" {
		all = append(all, text)
	}
	return strings.Join(all, ";")
}

// lackCodes are the usual reasons why photos are not enough.
func lackCodes() []string {
	return []string{"full", "close", "plane", "blur", "scale", "sizes", "touch"}
}

// cost reads the estimated cost of a return in yuan; empty is unknown.
func cost(c *web.Context, in *office.Judgement) error {
	text := c.Form("cost")
	if text == "" || in.Verdict != "return" {
		return nil
	}
	whole, cents, _ := strings.Cut(strings.TrimPrefix(text, "¥"), ".")
	if len(cents) > 2 || len(whole) > 7 {
		return fault.New(fault.Invalid, "adjudicate.cost")
	}
	n, err := strconv.ParseUint(whole+(cents + "00")[:2], 10, 63)
	if err != nil {
		return fault.Wrap(fault.Invalid, "adjudicate.cost", err)
	}
	fen := int64(n)
	in.Cost = &fen
	return nil
}

// judge serves POST …/verdict. What is refused comes back with everything
// that was typed.
func (d *Door) judge(c *web.Context) error {
	centre, err := c.PathID("centre")
	if err != nil {
		return err
	}
	in, err := judgement(c)
	id, perr := c.PathID("defect")
	if perr != nil {
		return perr
	}
	in.Defect = id
	if err == nil {
		err = d.mine(c, centre, id)
	}
	var also []office.Alike
	var open int
	if err == nil {
		also, open, err = d.alsoForm(c)
	}
	var done office.Together
	if err == nil {
		_, done, err = d.cfg.Bench.AdjudicateAlike(c.Context(), who(c), centre, in, also)
	}
	if err != nil {
		status, text, ok := c.Problem(err)
		if !ok {
			return err
		}
		return d.showDefect(c, status, &DefectPage{Typed: in, Cost: c.Form("cost"), Problem: text, Late: fault.CodeOf(err) == fault.Stale})
	}
	if err := d.giveBack(c, centre, id); err != nil {
		return err
	}
	said := c.T("judge.done", c.T("judge.verdict."+in.Verdict))
	if left := open + len(done.Left); done.Done+left > 0 {
		said += c.T("judge.done-alike", done.Done)
		if left > 0 {
			said += c.T("judge.left-alike", left)
		}
	}
	c.Flash("ok", said)
	return d.toNext(c, centre, id)
}

// toNext goes to the case behind one that was just judged, as the queue is at
// this moment: what somebody else judged meanwhile, or has open, is passed over.
func (d *Door) toNext(c *web.Context, centre, id uuid.UUID) error {
	state := c.Form("state")
	others, err := d.claimed(c)
	if err != nil {
		return err
	}
	at, first := report.DefectPlace{Centre: centre, ID: id}, report.DefectPlace{}
	for range len(others) + 1 {
		spot, err := d.cfg.Files.OpenSpot(c.Context(), at, queueStatus(state))
		if err != nil {
			return err
		}
		n := spot.Next
		if n == nil || n.ID == id {
			break
		}
		at = report.DefectPlace{Centre: n.Centre, ID: n.ID}
		if _, taken := others[at]; !taken {
			return c.Redirect(defectLink(n.Centre, n.ID, state))
		}
		if at == first { // once around
			break
		}
		if first.ID == uuid.Nil {
			first = at
		}
	}
	return c.Redirect(queueLink(state))
}

func queueLink(state string) string {
	if queueStatus(state) == "submitted" {
		return "/headquarters/"
	}
	return "/headquarters/?" + url.Values{"state": {state}}.Encode()
}

// urge serves POST …/urge: the phone that has the originals is asked for them.
func (d *Door) urge(c *web.Context) error {
	centre, err := c.PathID("centre")
	if err != nil {
		return err
	}
	id, err := c.PathID("defect")
	if err != nil {
		return err
	}
	err = d.cfg.Bench.Urge(c.Context(), who(c), centre, c.FormID("photo"))
	if err != nil && fault.CodeOf(err) != fault.Invalid {
		return err
	}
	c.Flash("ok", c.T("judge.urged"))
	return c.Redirect(defectLink(centre, id, c.Form("state")))
}

// received serves POST …/received: the goods of a return are here.
func (d *Door) received(c *web.Context) error {
	centre, err := c.PathID("centre")
	if err != nil {
		return err
	}
	id, err := c.PathID("defect")
	if err != nil {
		return err
	}
	err = d.cfg.Bench.Ship(c.Context(), who(c), centre, c.FormID("shipment"), c.FormRev("base"), "received", "")
	if err != nil {
		_, text, ok := c.Problem(err)
		if !ok {
			return err
		}
		c.Flash("bad", text)
	}
	return c.Redirect(defectLink(centre, id, c.Form("state")))
}
