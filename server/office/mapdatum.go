package office

import (
	"math"
	"strconv"
	"strings"

	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

// The maps from which a clerk may take the point of an address. By the law of
// the land those of 高德, 腾讯 and 百度 are shifted by some hundred metres.
const (
	MapWGS   = "wgs"   // as receivers measure
	MapGCJ   = "gcj"   // GCJ-02: 高德, 腾讯
	MapBaidu = "baidu" // BD-09
)

// Maps lists them, the most usual first.
func Maps() []string { return []string{MapGCJ, MapBaidu, MapWGS} }

// AddressPoint is where an address is, as a clerk typed it: "latitude,
// longitude" of a map. An empty text is no point.
type AddressPoint struct {
	Text string
	Map  string
}

// PointText is how a stored point is typed: in WGS-84, to a metre.
func PointText(p fieldwork.Place) string {
	deg := func(v int64) string { return strconv.FormatFloat(float64(v)/fieldwork.Degree, 'f', 5, 64) }
	return deg(p.Lat) + ", " + deg(p.Lon)
}

// point is what becomes of a contact's point, and whether that is anything new.
// A point that was typed for the old address does not outlive it.
func (c Contact) point(row schema.Row, p *problems) (cols map[string]any, changed bool) {
	none := map[string]any{"latitude": nil, "longitude": nil}
	old, had := fieldwork.PlaceOf(row)
	stays := c.Point == nil || c.Point.Text != "" && had && c.Point.Map == MapWGS && c.Point.Text == PointText(old)
	switch {
	case stays:
		return none, had && c.Address != row.Text("address")
	case c.Point.Text == "":
		return none, had
	}
	at, ok := c.Point.place()
	if !ok {
		p.add("office.point")
	}
	return map[string]any{"latitude": at.Lat, "longitude": at.Lon}, ok
}

// place reads the point. Maps of China copy the longitude first as often: within
// the country the greater number is the longitude.
func (a AddressPoint) place() (fieldwork.Place, bool) {
	parts := strings.FieldsFunc(a.Text, func(r rune) bool { return strings.ContainsRune(", ,、;;°\t", r) })
	if len(parts) != 2 || len(a.Text) > 60 {
		return fieldwork.Place{}, false
	}
	lat, err1 := strconv.ParseFloat(parts[0], 64)
	lon, err2 := strconv.ParseFloat(parts[1], 64)
	if err1 != nil || err2 != nil {
		return fieldwork.Place{}, false
	}
	if inChina(lon, lat) {
		lat, lon = lon, lat
	}
	switch a.Map {
	case MapBaidu:
		lat, lon = gcjOfBaidu(lat, lon)
		lat, lon = wgsOfGCJ(lat, lon)
	case MapGCJ:
		lat, lon = wgsOfGCJ(lat, lon)
	case MapWGS:
	default:
		return fieldwork.Place{}, false
	}
	return fieldwork.Place{}.At(lat, lon)
}

// inChina is the rectangle in which the maps are shifted.
func inChina(lat, lon float64) bool {
	return lat >= 0.8293 && lat <= 55.8271 && lon >= 72.004 && lon <= 137.8347
}

// wgsOfGCJ undoes the shift of GCJ-02, which is a formula of the true point: it
// is sought until the shift of the answer gives the shifted point.
func wgsOfGCJ(lat, lon float64) (float64, float64) {
	if !inChina(lat, lon) {
		return lat, lon
	}
	a, b := lat, lon
	for range 8 {
		x, y := gcjOfWGS(a, b)
		a, b = a+lat-x, b+lon-y
	}
	return a, b
}

// gcjOfWGS shifts a point as the maps do, on Krassowski's ellipsoid.
func gcjOfWGS(lat, lon float64) (float64, float64) {
	const axis, ee = 6378245.0, 0.00669342162296594323
	x, y := lon-105, lat-35
	waves := (20*math.Sin(6*x*math.Pi) + 20*math.Sin(2*x*math.Pi)) * 2 / 3
	root := math.Sqrt(math.Abs(x))
	north := -100 + 2*x + 3*y + 0.2*y*y + 0.1*x*y + 0.2*root + waves +
		(20*math.Sin(y*math.Pi)+40*math.Sin(y/3*math.Pi))*2/3 + (160*math.Sin(y/12*math.Pi)+320*math.Sin(y*math.Pi/30))*2/3
	east := 300 + x + 2*y + 0.1*x*x + 0.1*x*y + 0.1*root + waves +
		(20*math.Sin(x*math.Pi)+40*math.Sin(x/3*math.Pi))*2/3 + (150*math.Sin(x/12*math.Pi)+300*math.Sin(x/30*math.Pi))*2/3
	rad := lat * math.Pi / 180
	magic := 1 - ee*math.Sin(rad)*math.Sin(rad)
	lat += north * 180 / (axis * (1 - ee) / (magic * math.Sqrt(magic)) * math.Pi)
	lon += east * 180 / (axis / math.Sqrt(magic) * math.Cos(rad) * math.Pi)
	return lat, lon
}

// gcjOfBaidu undoes what BD-09 adds.
func gcjOfBaidu(lat, lon float64) (float64, float64) {
	const turn = math.Pi * 3000 / 180
	x, y := lon-0.0065, lat-0.006
	z := math.Hypot(x, y) - 0.00002*math.Sin(y*turn)
	theta := math.Atan2(y, x) - 0.000003*math.Cos(x*turn)
	return z * math.Sin(theta), z * math.Cos(theta)
}
