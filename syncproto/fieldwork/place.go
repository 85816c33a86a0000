package fieldwork

import (
	"math"
	"strconv"

	"siteledger/syncproto/schema"
)

// What a place is doubted for. The numbers come from a computed corpus of fixes
// in the open, in high buildings and in cellars (server/docs/photos.md).
const (
	// PlaceFar is the distance in metres, beyond what both places may be off, from
	// which on a photo is doubted.
	PlaceFar = 200
	// AddressOff is how far the office's point of an address may be off, in metres:
	// a point on a map is a gate as often as a door.
	AddressOff = 300
	// FixAge is the age in milliseconds up to which a phone's last fix says where
	// a photo was taken: deep in a building there is no newer one.
	FixAge = 10 * 60 * 1000
	// ArrivalAge is the age up to which a fix says where somebody arrived: a
	// minute before he was on the road.
	ArrivalAge = 60 * 1000

	// placeUnknown is the radius in metres of a place that does not say it, as most
	// cameras' do.
	placeUnknown = 50
	// placeTimes is how many times the radius a place may be off that is right two
	// times of three: receivers say too small a one.
	placeTimes = 3.5
)

// Degree is how many units of a place's columns one degree has.
const Degree = 10_000_000

// Degrees writes a column of a place as maps do.
func Degrees(v int64) string { return strconv.FormatFloat(float64(v)/Degree, 'f', 7, 64) }

// earth is its mean radius in metres.
const earth = 6_371_008.8

// Place is one point where somebody was, in WGS-84. It is evidence of a visit
// and never a trail: a photo has one, and an arrival.
type Place struct {
	Lat, Lon int64 // 1e-7 degree
	Accuracy int64 // radius in metres within which it is two times of three; 0: not said
	Fix      int64 // when it was measured, Unix milliseconds; 0: not said
	Mocked   bool  // the phone itself says that another app made it up
}

// PlaceOf reads the place of a row of photos, steps or contacts. It is false
// where there is none and for what no phone can have measured: half a place, one
// off the globe, and the point 0/0, which is what broken receivers say.
func PlaceOf(row schema.Row) (Place, bool) {
	lat, north := row.Cols["latitude"].(int64)
	lon, east := row.Cols["longitude"].(int64)
	p := Place{Lat: lat, Lon: lon, Accuracy: row.Int("accuracy"), Fix: row.Int("fix_at"), Mocked: row.Bool("mocked")}
	return p, north && east && p.sound()
}

// At makes a place of degrees; false for what is no place, such as NaN.
func (p Place) At(lat, lon float64) (Place, bool) {
	if !(math.Abs(lat) <= 90 && math.Abs(lon) <= 180) { // also where one is NaN
		return Place{}, false
	}
	p.Lat, p.Lon = int64(math.Round(lat*Degree)), int64(math.Round(lon*Degree))
	return p, p.sound()
}

func (p Place) sound() bool {
	return p.Lat >= -90*Degree && p.Lat <= 90*Degree && p.Lon >= -180*Degree && p.Lon <= 180*Degree &&
		(p.Lat != 0 || p.Lon != 0) && p.Accuracy >= 0 && p.Accuracy <= 1_000_000
}

// Columns are a place as a row of photos or steps holds it.
func (p Place) Columns() map[string]any {
	cols := map[string]any{"latitude": p.Lat, "longitude": p.Lon}
	if p.Accuracy > 0 {
		cols["accuracy"] = p.Accuracy
	}
	if p.Fix > 0 {
		cols["fix_at"] = p.Fix
	}
	if p.Mocked {
		cols["mocked"] = true
	}
	return cols
}

// Metres is the way between two places over the globe.
func (p Place) Metres(q Place) float64 {
	const rad = math.Pi / 180 / Degree
	dLat, dLon := float64(p.Lat-q.Lat)*rad/2, float64(p.Lon-q.Lon)*rad/2
	h := math.Sin(dLat)*math.Sin(dLat) + math.Cos(float64(p.Lat)*rad)*math.Cos(float64(q.Lat)*rad)*math.Sin(dLon)*math.Sin(dLon)
	return 2 * earth * math.Asin(math.Sqrt(min(1, h)))
}

// Off is how far the place may be from where its row was made, in metres: by
// what the receiver says, and by the walk between the fix and the row. One walks
// about a block of flats, not out of it.
func (p Place) Off(made int64) float64 { return p.off(made, FixAge, 1.4, 150) }

// OffArriving is the same of an arrival: shortly before it one still drives.
func (p Place) OffArriving(made int64) float64 { return p.off(made, ArrivalAge, 8, 8*ArrivalAge/1000) }

func (p Place) off(made, oldest int64, speed, most float64) float64 {
	off := float64(p.Accuracy)
	if p.Accuracy == 0 {
		off = placeUnknown
	}
	off *= placeTimes
	if p.Fix > 0 {
		age := Bounded(made) - Bounded(p.Fix)
		off += min(most, speed*float64(min(max(age, -age), oldest))/1000)
	}
	return off
}

// Apart says how many metres lie between two places, and whether that is more
// than both may be off, and [PlaceFar]. It is a doubt for a person, never more.
func Apart(p Place, pOff float64, q Place, qOff float64) (metres int64, far bool) {
	way := p.Metres(q)
	return int64(math.Round(way)), way > PlaceFar+pOff+qOff
}
