package headquarters

import (
	"encoding/hex"
	"net/url"

	"github.com/google/uuid"

	"siteledger/server/report"
	"siteledger/server/web"
	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

// thumb is one of the two pictures of a queue row.
type thumb struct {
	Role string
	Hash string // of the preview; "" where the photo has none
	Is   bool   // there is such a photo
}

// line is one row of the queue.
type line struct {
	report.DefectLine
	Link    string
	Full    thumb
	Close   thumb
	Missing []string // what the rule pack still lacks
	Doubts  int      // warnings of the rule pack
	Status  string
	Appeal  bool       // the store objected to a verdict
	GoodsIn bool       // the goods of a return are here
	Claim   *claimView // another adjudicator has it open
	Alike   int        // other waiting cases of the same class and product
	Signed  string     // how its leftover order is signed: covers, superseded, none; "" where nobody filed one
}

// QueuePage is the list of defects of all centres.
type QueuePage struct {
	Lines    []line // of this page
	Paging   web.Paging
	State    string // filter: "" for those to be judged, retake, returning, all
	Counts   map[string]int
	Oldest   int64 // Unix milliseconds: since when the first to be judged waits
	Enough   int64 // percent of this page's lines to be judged whose photos pass their pack
	Week     int   // final verdicts of the last seven days
	Photo    int64 // percent of them and of the returns that were judged by photo (DE-08)
	Returns  int   // goods called back in the same time
	Cost     int64 // estimated cost of those, fen
	MayJudge bool

	Fingerprint string // of the server's key
}

// queueStatus is the state of the defects behind a filter of the queue.
func queueStatus(state string) string {
	switch state {
	case "retake", "returning":
		return state
	case "all":
		return ""
	}
	return "submitted"
}

// queue serves GET /headquarters/?state=….
func (d *Door) queue(c *web.Context) error {
	p := &QueuePage{State: c.Form("state"), MayJudge: c.Person.Role == schema.Adjudicator, Fingerprint: d.fingerprint(), Paging: c.Paging(web.ListRows)}
	if p.State != "retake" && p.State != "returning" && p.State != "all" {
		p.State = ""
	}
	counts, err := d.cfg.Files.OpenCounts(c.Context())
	if err != nil {
		return err
	}
	p.Counts, p.Oldest = counts.ByStatus, counts.Since
	status := queueStatus(p.State)
	p.Paging.Total = counts.ByStatus[status]
	lines, err := d.cfg.Files.OpenDefects(c.Context(), report.DefectWindow{Status: status, Offset: p.Paging.Offset(), Limit: p.Paging.Size})
	if err != nil {
		return err
	}
	if err := d.fillWeek(c, p); err != nil {
		return err
	}
	p.lay(c.Lang, lines)
	if err := d.markClaims(c, p.Lines); err != nil {
		return err
	}
	if err := d.markAlike(c, p.Lines); err != nil {
		return err
	}
	if err := d.markSigned(c, p.Lines); err != nil {
		return err
	}
	return c.Render("queue", web.Page{Title: c.T("headquarters.queue"), Nav: "defects", Scripts: []string{"headquarters/queue.js"}, Data: p})
}

// lay makes the lines and adds up what only they tell.
func (p *QueuePage) lay(lang string, lines []report.DefectLine) {
	passed, judgeable := 0, 0
	for i := range lines {
		l := viewLine(lang, &lines[i])
		l.Link = defectLink(l.Centre, l.Defect.ID, p.State)
		if l.Status == "submitted" {
			judgeable++
			if len(l.Missing) == 0 {
				passed++
			}
		}
		p.Lines = append(p.Lines, l)
	}
	if judgeable > 0 {
		p.Enough = int64(passed * 100 / judgeable)
	}
}

// fillWeek adds up the last seven days (DE-08).
func (d *Door) fillWeek(c *web.Context, p *QueuePage) error {
	sums, err := d.cfg.Files.VerdictSums(c.Context(), c.Now.AddDate(0, 0, -7).UnixMilli())
	if err != nil {
		return err
	}
	for _, s := range sums {
		switch s.Verdict {
		case "hq", "store", "customer", "carrier":
			p.Week += s.Count
		case "return":
			p.Returns, p.Cost = s.Count, s.Cost
		}
	}
	if n := p.Week + p.Returns; n > 0 {
		p.Photo = int64(p.Week * 100 / n)
	}
	return nil
}

func viewLine(lang string, l *report.DefectLine) line {
	v := line{DefectLine: *l, Status: l.Defect.Text("status"), Link: defectLink(l.Centre, l.Defect.ID, "")}
	v.Full, v.Close = thumbOf(l, fieldwork.RoleFull), thumbOf(l, fieldwork.RoleClose)
	for _, m := range fieldwork.MissingEvidence(l.Defect, l.Photos) {
		v.Missing = append(v.Missing, m.In(lang))
	}
	v.Appeal = l.Finals > 0 && v.Status == "submitted"
	v.GoodsIn = l.Received > 0 && v.Status == "returning"
	v.Doubts = len(fieldwork.Warnings(l.Defect, l.Photos))
	return v
}

// markSigned says which cases wait for a signature on their leftover order and
// get no final verdict before (SF-06). Only those that have one are read.
func (d *Door) markSigned(c *web.Context, lines []line) error {
	for i := range lines {
		l := &lines[i]
		if l.Orders == 0 {
			continue
		}
		order, err := d.cfg.Bench.SignedLeftover(c.Context(), l.Centre, l.Defect)
		if err != nil {
			return err
		}
		l.Signed = string(order.State)
	}
	return nil
}

func thumbOf(l *report.DefectLine, role string) thumb {
	t := thumb{Role: role}
	p, ok := l.Photo(role)
	if !ok {
		return t
	}
	t.Is = true
	t.Hash = shown(p, l.Present)
	return t
}

// shown is the hash of the smaller picture of a photo that is in: the preview,
// else the original; "" where neither is.
func shown(p schema.Row, present map[[32]byte]bool) string {
	for _, col := range []string{"preview", "original"} {
		if b := p.Bytes(col); len(b) == 32 && present[[32]byte(b)] {
			return hex.EncodeToString(b)
		}
	}
	return ""
}

func defectLink(centre, defect uuid.UUID, state string) string {
	s := "/headquarters/defects/" + centre.String() + "/" + defect.String()
	if state != "" {
		s += "?" + url.Values{"state": {state}}.Encode()
	}
	return s
}
