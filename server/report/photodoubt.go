package report

import (
	"cmp"
	"context"
	"slices"

	"github.com/google/uuid"

	"siteledger/syncproto/fieldwork"
)

// PhotoTwin is another photo with the same bytes as one of a job, or one that
// looks like it.
type PhotoTwin struct {
	Photo    uuid.UUID // of the job that was asked about
	Same     bool      // byte for byte
	Distance int       // of one that looks alike, 0 to 256
	Turned   bool
	Cropped  bool

	Centre       uuid.UUID
	CentreName   string
	Other        uuid.UUID // the other photo's row
	SHA256       [32]byte  // of its original
	Job          uuid.UUID
	JobNo        string
	Defect       uuid.UUID // uuid.Nil for a photo of no defect
	DefectStatus string
	Role         string
	Taken        int64 // Unix milliseconds by the phone
}

// EventSpan is the interval in which a record with a doubtful time was made.
type EventSpan struct {
	Row              uuid.UUID
	Earliest, Latest int64 // Unix milliseconds, server time
	Jumped           int64 // by how much the phone's clock was set meanwhile; 0 for not
	Off              int64 // by how much it was off, above 0 ahead
}

// PhotoFacts is what a server knows of a job's photos beside their rows.
type PhotoFacts struct {
	Twins  []PhotoTwin             // other jobs', and other defects' of this job
	Photos map[uuid.UUID]EventSpan // photos whose phone's clock is in doubt
	Steps  map[uuid.UUID]EventSpan // steps of visits, likewise
	Looks  map[uuid.UUID]string    // by photo, what became of looking at it; none yet for one that waits
}

// PhotoWitness reads it. across adds what lies in other centres: that is for
// adjudicators alone, and the caller's to see to.
type PhotoWitness interface {
	PhotoFacts(ctx context.Context, centre, job uuid.UUID, across bool) (PhotoFacts, error)
}

// The kinds of doubts about a photo. None decides anything: each is shown to a
// person with its reason.
const (
	DoubtSame    = "same"    // the same bytes in another job or defect
	DoubtAlike   = "alike"   // it looks like a photo of another job
	DoubtBefore  = "before"  // taken before the visit began
	DoubtAfter   = "after"   // taken after the visit was closed
	DoubtMock    = "mock"    // the phone says that its position was made up
	DoubtFar     = "far"     // taken far from the address, the arrival or the other photos
	DoubtGallery = "gallery" // from the album, not taken on the spot
	DoubtJumped  = "jumped"  // the phone's clock was set during that boot
	DoubtClock   = "clock"   // the phone's clock was wrong
)

// PhotoDoubt is one reason to look twice at a photo.
type PhotoDoubt struct {
	Kind   string
	Millis int64      // how long before or after, or by how much the clock was off
	Twin   *PhotoTwin // of same and alike
	Abroad bool       // the twin lies in another centre
	Metres int64      // of far
	From   string     // of far: from what
}

// PhotoDoubts gives the doubts of each photo of a job, the weightiest first.
func PhotoDoubts(f *JobFile, facts PhotoFacts) map[uuid.UUID][]PhotoDoubt {
	out := map[uuid.UUID][]PhotoDoubt{}
	for i := range facts.Twins {
		t := &facts.Twins[i]
		d := PhotoDoubt{Kind: DoubtAlike, Twin: t, Abroad: t.Centre != f.Centre}
		if t.Same {
			d.Kind = DoubtSame
		}
		out[t.Photo] = append(out[t.Photo], d)
	}
	spans, places := visitSpans(f, facts.Steps), PhotoPlaces(f)
	for _, p := range f.All("photo") {
		if d, ok := timeDoubt(p, facts.Photos, spans); ok {
			out[p.ID] = append(out[p.ID], d)
		}
		switch at := places[p.ID]; {
		case at.Mocked:
			out[p.ID] = append(out[p.ID], PhotoDoubt{Kind: DoubtMock})
		case at.Far:
			out[p.ID] = append(out[p.ID], PhotoDoubt{Kind: DoubtFar, Metres: at.Metres, From: at.From})
		}
		if p.Text("source") == "gallery" {
			out[p.ID] = append(out[p.ID], PhotoDoubt{Kind: DoubtGallery})
		}
	}
	order := []string{DoubtSame, DoubtAlike, DoubtMock, DoubtFar, DoubtBefore, DoubtAfter, DoubtJumped, DoubtClock, DoubtGallery}
	for _, all := range out {
		slices.SortStableFunc(all, func(a, b PhotoDoubt) int {
			return cmp.Compare(slices.Index(order, a.Kind), slices.Index(order, b.Kind))
		})
	}
	return out
}

// timeDoubt says what is wrong with a photo's time: the phone's clock, else
// that it lies outside its visit.
func timeDoubt(p FileRow, clocks map[uuid.UUID]EventSpan, spans map[uuid.UUID]fieldwork.VisitSpan) (PhotoDoubt, bool) {
	if c, ok := clocks[p.ID]; ok {
		if c.Jumped != 0 {
			return PhotoDoubt{Kind: DoubtJumped, Millis: c.Jumped}, true
		}
		return PhotoDoubt{Kind: DoubtClock, Millis: c.Off}, true
	}
	span, ok := spans[p.UUID("visit")]
	if !ok || p.Int("taken_at") == 0 {
		return PhotoDoubt{}, false
	}
	switch off := span.Outside(p.Int("taken_at")); {
	case off < 0:
		return PhotoDoubt{Kind: DoubtBefore, Millis: -off}, true
	case off > 0:
		return PhotoDoubt{Kind: DoubtAfter, Millis: off}, true
	}
	return PhotoDoubt{}, false
}

// visitSpans gives the time of each visit of a job by its steps.
func visitSpans(f *JobFile, steps map[uuid.UUID]EventSpan) map[uuid.UUID]fieldwork.VisitSpan {
	out := map[uuid.UUID]fieldwork.VisitSpan{}
	interval := func(row FileRow, at int64) fieldwork.Interval {
		if s, ok := steps[row.ID]; ok {
			return fieldwork.Interval{Earliest: s.Earliest, Latest: s.Latest}
		}
		return fieldwork.At(at)
	}
	for _, v := range f.All("visit") {
		var span fieldwork.VisitSpan
		if at := v.Int("started_at"); at != 0 {
			span.Begin(interval(v, at))
		}
		for _, e := range f.Where("visit_event", "visit", v.ID) {
			span.Begin(interval(e, e.Int("at")))
			if e.Text("kind") == "leave" {
				span.End(interval(e, e.Int("at")))
			}
		}
		for _, c := range f.Where("visit_close", "visit", v.ID) {
			span.End(interval(c, c.Int("at")))
		}
		out[v.ID] = span
	}
	return out
}
