package report

import (
	"github.com/google/uuid"

	"siteledger/syncproto/fieldwork"
)

// What a photo's place is held against.
const (
	FromAddress = "address" // the office's point of the address
	FromArrival = "arrival" // where the technician said that he arrived
	FromOthers  = "others"  // the other photos and arrivals of the job
)

// maxOthers bounds what one photo is held against.
const maxOthers = 200

// PhotoPlace is where a photo was taken, and how far that is from where it
// should have been.
type PhotoPlace struct {
	fieldwork.Place
	Source string // of the position: device or exif
	From   string // what it was held against; "" where there is nothing
	Metres int64  // from there
	Far    bool   // by more than both may be off, and the threshold
}

// standing is a place and how far it may be off.
type standing struct {
	row uuid.UUID
	at  fieldwork.Place
	off float64
}

// PhotoPlaces gives the places of a job's photos; a photo without one is not
// among them. A place that the phone itself calls made up is held against
// nothing, and nothing against it.
func PhotoPlaces(f *JobFile) map[uuid.UUID]PhotoPlace {
	out := map[uuid.UUID]PhotoPlace{}
	home, hasHome := addressOf(f)
	arrivals := arrivalsOf(f)
	var all []standing
	for _, a := range arrivals {
		all = append(all, a)
	}
	for _, p := range f.All("photo") {
		at, ok := fieldwork.PlaceOf(p.Row)
		if !ok {
			continue
		}
		out[p.ID] = PhotoPlace{Place: at, Source: p.Text("fix_source")}
		if !at.Mocked {
			all = append(all, standing{p.ID, at, at.Off(p.Int("taken_at"))})
		}
	}
	for _, p := range f.All("photo") {
		v, ok := out[p.ID]
		if !ok || v.Mocked {
			continue
		}
		own := standing{p.ID, v.Place, v.Off(p.Int("taken_at"))}
		if arrival, ok := arrivals[p.UUID("visit")]; hasHome || ok {
			against := arrival
			v.From = FromArrival
			if hasHome {
				against, v.From = home, FromAddress
			}
			v.Metres, v.Far = fieldwork.Apart(own.at, own.off, against.at, against.off)
		} else {
			v.others(own, all)
		}
		out[p.ID] = v
	}
	return out
}

// others holds a photo against the job's other places: it is far where it is far
// from more than half of them, and they are at least two, since of two places
// nobody knows which is the wrong one.
func (v *PhotoPlace) others(own standing, all []standing) {
	n, far, near, nearFar := 0, 0, int64(-1), int64(-1)
	for _, o := range all[:min(len(all), maxOthers)] {
		if o.row == own.row {
			continue
		}
		n++
		metres, apart := fieldwork.Apart(own.at, own.off, o.at, o.off)
		if near < 0 || metres < near {
			near = metres
		}
		if apart {
			far++
			if nearFar < 0 || metres < nearFar {
				nearFar = metres
			}
		}
	}
	if n < 2 {
		return
	}
	v.From, v.Metres, v.Far = FromOthers, near, far*2 > n
	if v.Far {
		v.Metres = nearFar
	}
}

// addressOf is the office's point of the job's address, unless the address was
// changed after it.
func addressOf(f *JobFile) (standing, bool) {
	c := f.First("job_contact")
	at, ok := fieldwork.PlaceOf(c.Row)
	return standing{c.ID, at, fieldwork.AddressOff}, ok && c.Marks["address"].Rev <= c.Marks["latitude"].Rev
}

// arrivalsOf are the places of the arrivals by their visit, the first of each.
func arrivalsOf(f *JobFile) map[uuid.UUID]standing {
	out := map[uuid.UUID]standing{}
	for _, e := range f.All("visit_event") {
		visit := e.UUID("visit")
		if _, has := out[visit]; has || e.Text("kind") != "arrive" {
			continue
		}
		if at, ok := fieldwork.PlaceOf(e.Row); ok && !at.Mocked {
			out[visit] = standing{e.ID, at, at.OffArriving(e.Int("at"))}
		}
	}
	return out
}
