// Package doubt puts doubts about photos in words, the same at both doors: a
// chip, and its reason in a sentence.
//
// It decides nothing and reads nothing; that a reader may know of another
// centre's photos is for the door that asked.
package doubt

import (
	"siteledger/server/likeness"
	"siteledger/server/report"
	"siteledger/server/web"
)

// Chip is one doubt about a photo.
type Chip struct {
	No     int // of the photo on its page; 0 where they have no numbers
	Kind   string
	Word   string // short, for the chip
	Reason string // one sentence
	Link   string // to the other photo's page; "" where the reader has none
	Image  string // path of the other photo, likewise
	Twin   *report.PhotoTwin
}

// In puts a doubt in the reader's language.
func In(c *web.Context, x report.PhotoDoubt) Chip {
	v := Chip{Kind: x.Kind, Twin: x.Twin, Word: c.T("doubt." + x.Kind)}
	page := web.Page{}.In(c)
	switch x.Kind {
	case report.DoubtSame, report.DoubtAlike:
		v.twin(c, page, x)
	case report.DoubtBefore, report.DoubtAfter:
		v.Reason = c.T("doubt."+x.Kind+"-why", web.Page{}.In(c).Span(x.Millis))
	case report.DoubtJumped, report.DoubtClock:
		v.Reason = c.T("doubt."+x.Kind+"-why", off(c, x))
	default:
		v.Reason = c.T("doubt." + x.Kind + "-why")
	}
	return v
}

func (v *Chip) twin(c *web.Context, page web.Page, x report.PhotoDoubt) {
	t := x.Twin
	where := c.T("doubt.job", t.JobNo)
	if t.JobNo == "" {
		where = c.T("doubt.a-job")
	}
	if x.Abroad {
		where = t.CentreName + " " + where
		v.Word = c.T("doubt." + x.Kind + "-abroad")
	}
	if x.Kind == report.DoubtSame {
		v.Reason = c.T("doubt.same-why", where, page.Date(t.Taken))
		return
	}
	v.Reason = c.T("doubt.alike-why", where, page.Date(t.Taken), likeness.Percent(t.Distance))
	if t.Turned {
		v.Reason += c.T("doubt.turned")
	}
	if t.Cropped {
		v.Reason += c.T("doubt.cropped")
	}
}

// off says by how much and which way a clock was wrong, or was set.
func off(c *web.Context, x report.PhotoDoubt) string {
	key, way := "doubt.clock", ".ahead"
	if x.Kind == report.DoubtJumped {
		key = "doubt.clock-set"
	}
	if x.Millis < 0 {
		way = ".behind"
	}
	return c.T(key+way, web.Page{}.In(c).Span(max(x.Millis, -x.Millis)))
}

// Unseen says that a photo could not be compared with others by its look; it
// is no doubt, and is said all the same.
func Unseen(state string) bool {
	switch likeness.State(state) {
	case likeness.Unknown, likeness.TooLarge, likeness.Damaged:
		return true
	}
	return false
}
