package month

import (
	"maps"
	"math"
	"time"

	"siteledger/server/ledger"
	"siteledger/syncproto/fieldwork"
)

// The sample's city has no place on earth: its homes lie in the sea.
const (
	cityLat = 30.5
	cityLon = 123.4
	metres  = 111_195 // of one degree of latitude
)

// What is wrong with where a photograph was taken.
const (
	elsewhere = "elsewhere" // four kilometres from the customer's home
	madeUp    = "made up"   // by another app of the phone
)

// lives is where a customer lives: his neighbourhood on a grid, his house in it.
func (c *customer) lives() (lat, lon float64) {
	north, east := float64(c.home/4)*1900, float64(c.home%4)*2300
	return cityLat + (north+float64(c.id[15]))/metres, cityLon + (east+float64(c.id[14]))/metres/math.Cos(cityLat*math.Pi/180)
}

// agreed says whether the technician of a phone lets photos have a position;
// most do.
func (p *Phone) agreed() bool { return p.Person.ID[15]%4 != 0 }

// fix is what a phone measured at a customer's home, or some metres north of it,
// shortly before.
func (b *builder) fix(v *visit, at time.Time, north float64, indoors bool) map[string]any {
	lat, lon := v.job.customer.lives()
	radius := 5 + b.sites.ExpFloat64()*4
	if indoors {
		radius = 12 + b.sites.ExpFloat64()*20
	}
	north += b.sites.NormFloat64() * radius / 1.5
	east := b.sites.NormFloat64() * radius / 1.5
	ago := time.Duration(b.sites.Float64() * float64(50*time.Second))
	p, _ := fieldwork.Place{Accuracy: int64(math.Ceil(radius)), Fix: ms(at.Add(-ago))}.At(lat+north/metres, lon+east/metres/math.Cos(cityLat*math.Pi/180))
	return p.Columns()
}

// arrived lays the place of an arrival into its step.
func (b *builder) arrived(v *visit, at time.Time, e ledger.Edit) ledger.Edit {
	if v.phone.agreed() {
		maps.Copy(e.Cols, b.fix(v, at.Add(v.phone.Offset), 0, false))
	}
	return e
}

// placed lays the place of a photograph into its row. In one of six homes there
// is no signal.
func (b *builder) placed(v *visit, s shot, taken time.Time, cols map[string]any) {
	signal := b.sites.Float64() > 1.0/6
	north := 0.0
	if s.wrong == elsewhere {
		north = 4200
		b.knownArrival(v)
	}
	fix := b.fix(v, taken, north, true)
	if s.wrong == "" && !(signal && v.phone.agreed()) {
		return
	}
	maps.Copy(cols, fix)
	cols["fix_source"] = "device"
	if s.wrong == madeUp {
		cols["mocked"] = true
	}
}

// knownArrival sees to it that a visit's arrival has a place to hold a photograph
// against.
func (b *builder) knownArrival(v *visit) {
	for _, r := range v.records {
		for _, e := range r.Edits {
			if e.Table == "visit_event" && e.Cols["kind"] == "arrive" && e.Cols["latitude"] == nil {
				maps.Copy(e.Cols, b.fix(v, r.At.Add(v.phone.Offset), 0, false))
			}
		}
	}
}

// wrong says what is wrong with a photograph of a case: of two that are open.
func (d *defect) wrong(role string) string {
	switch {
	case d.fate == "open" && d.class == "door_crack" && role == fieldwork.RoleClose:
		return elsewhere
	case d.fate == "open" && d.class == "door_warp" && role == fieldwork.RoleFull:
		return madeUp
	}
	return ""
}

// pointed lays the office's point of the address into a contact: clerks have
// entered that of each third neighbourhood.
func (c *customer) pointed(contact map[string]any) {
	if c.home%3 != 0 {
		return
	}
	lat, lon := c.lives()
	if p, ok := (fieldwork.Place{}).At(lat+60.0/metres, lon); ok {
		contact["latitude"], contact["longitude"] = p.Lat, p.Lon
	}
}
