// Package doubt puts doubts about photos in words, the same at both doors: a
// chip, and its reason in a sentence.
//
// It decides nothing and reads nothing; that a reader may know of another
// centre's photos is for the door that asked.
package doubt

import (
	"fmt"

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
	case report.DoubtFar:
		v.Word, v.Reason = c.T("doubt.far."+x.From), c.T("doubt.far-why."+x.From, Way(x.Metres))
	default:
		v.Reason = c.T("doubt." + x.Kind + "-why")
	}
	return v
}

// Way is a distance as people say it; number and unit stay on one line.
func Way(metres int64) string {
	switch {
	case metres < 1000:
		return fmt.Sprintf("%d\u00a0m", metres)
	case metres < 100_000:
		return fmt.Sprintf("%.1f\u00a0km", float64(metres)/1000)
	}
	return fmt.Sprintf("%d\u00a0km", metres/1000)
}

// Spot says where a photo was taken as far as it is known: how far from where it
// should be, where there is anything to hold it against, and how far the
// position may be off. "" where it has none.
func Spot(c *web.Context, p report.PhotoPlace) string {
	if p.Source == "" && p.Lat == 0 && p.Lon == 0 {
		return ""
	}
	text := c.T("place.known")
	if p.From != "" {
		text = c.T("place.from."+p.From, Way(p.Metres))
	}
	if p.Accuracy > 0 {
		text += " ±" + Way(p.Accuracy)
	}
	if p.Source == "exif" {
		text += c.T("place.exif")
	}
	return text
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

// ByPreview says that a photo was compared by the preview that the phone made
// of it, since the server can't decode its format or size.
func ByPreview(state string) bool { return likeness.State(state) == likeness.Preview }
