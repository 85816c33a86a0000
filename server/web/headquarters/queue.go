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

// queueLimit bounds the queue; a day has about 650 cases in the whole country.
const queueLimit = 1000

// queuePage is how many of them are shown at once.
const queuePage = 50

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
}

// QueuePage is the list of defects of all centres.
type QueuePage struct {
	Lines    []line // of this page
	Paging   web.Paging
	State    string // filter: submitted, retake, returning, or "" for all
	Counts   map[string]int
	Oldest   int64 // Unix milliseconds of the longest waiting one to be judged
	Enough   int64 // percent of those to be judged whose photos pass their pack
	Centres  int
	MayJudge bool

	Fingerprint string // of the server's key
}

// queue serves GET /headquarters/?state=….
func (d *Door) queue(c *web.Context) error {
	lines, err := d.cfg.Files.OpenDefects(c.Context(), queueLimit)
	if err != nil {
		return err
	}
	state := c.Form("state")
	if state != "submitted" && state != "retake" && state != "returning" {
		state = ""
	}
	p := layQueue(c.Lang, lines, state)
	p.Fingerprint = d.fingerprint()
	p.Paging = c.Paging(queuePage)
	p.Paging.Total = len(p.Lines)
	first := min(p.Paging.Offset(), len(p.Lines))
	p.Lines = p.Lines[first:min(first+queuePage, len(p.Lines))]
	return c.Render("queue", web.Page{Title: c.T("headquarters.queue"), Nav: "defects", Scripts: []string{"headquarters/queue.js"}, Data: p})
}

func layQueue(lang string, lines []report.DefectLine, state string) *QueuePage {
	p := &QueuePage{State: state, Counts: map[string]int{}}
	centres := map[uuid.UUID]bool{}
	passed := 0
	for i := range lines {
		l := viewLine(lang, &lines[i])
		p.Counts[l.Status]++
		p.Counts[""]++
		centres[l.Centre] = true
		if l.Status == "submitted" {
			if len(l.Missing) == 0 {
				passed++
			}
			if p.Oldest == 0 || l.Since < p.Oldest {
				p.Oldest = l.Since
			}
		}
		if state == "" || l.Status == state {
			p.Lines = append(p.Lines, l)
		}
	}
	p.Centres = len(centres)
	if n := p.Counts["submitted"]; n > 0 {
		p.Enough = int64(passed * 100 / n)
	}
	return p
}

func viewLine(lang string, l *report.DefectLine) line {
	v := line{DefectLine: *l, Status: l.Defect.Text("status"), Link: defectLink(l.Centre, l.Defect.ID, "")}
	v.Full, v.Close = thumbOf(l, fieldwork.RoleFull), thumbOf(l, fieldwork.RoleClose)
	for _, m := range fieldwork.MissingEvidence(l.Defect, l.Photos) {
		v.Missing = append(v.Missing, m.In(lang))
	}
	v.Doubts = len(fieldwork.Warnings(l.Defect, l.Photos))
	return v
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
