package office

import (
	"math"
	"testing"

	"siteledger/syncproto/fieldwork"
)

// The shift of the maps against published pairs of points, to two metres, and
// undone again.
func TestPointsOfMaps(t *testing.T) {
	near := func(what string, lat, lon, wantLat, wantLon float64) {
		t.Helper()
		if math.Abs(lat-wantLat) > 2e-5 || math.Abs(lon-wantLon) > 2e-5 {
			t.Errorf("%s: %.6f, %.6f, want %.6f, %.6f", what, lat, lon, wantLat, wantLon)
		}
	}
	for _, p := range [][4]float64{
		{31.1774276, 121.5272106, 31.17530398364597, 121.531541859215},
		{22.543847, 113.912316, 22.540796131694766, 113.9171764808363},
		{39.911954, 116.377817, 39.91334545536069, 116.38404722455657},
	} {
		lat, lon := gcjOfWGS(p[0], p[1])
		near("shifted", lat, lon, p[2], p[3])
		lat, lon = wgsOfGCJ(p[2], p[3])
		near("undone", lat, lon, p[0], p[1])
	}
	const turn = math.Pi * 3000 / 180
	for _, p := range [][2]float64{{39.908746, 116.397573}, {22.5408, 113.9172}} {
		z := math.Hypot(p[0], p[1]) + 0.00002*math.Sin(p[0]*turn)
		theta := math.Atan2(p[0], p[1]) + 0.000003*math.Cos(p[1]*turn)
		lat, lon := gcjOfBaidu(z*math.Sin(theta)+0.006, z*math.Cos(theta)+0.0065)
		near("百度", lat, lon, p[0], p[1])
	}
	if lat, lon := wgsOfGCJ(48.85, 2.35); lat != 48.85 || lon != 2.35 {
		t.Error("a point abroad was moved")
	}
}

func TestPointsAsTyped(t *testing.T) {
	for text, want := range map[string]string{
		"30.25, 120.17": "30.25000, 120.17000", "120.17,30.25": "30.25000, 120.17000", " 30.25 120.17 ": "30.25000, 120.17000",
		"-33.86749, 151.20699": "-33.86749, 151.20699",
	} {
		p, ok := AddressPoint{text, MapWGS}.place()
		if !ok || PointText(p) != want {
			t.Errorf("%q: %v %q", text, ok, PointText(p))
		}
	}
	for _, text := range []string{"", "30.25", "30.25, 120.17, 5", "NaN, NaN", "Inf, 120", "91, 181", "0, 0", "1e400, 3", "<b>, 3", "三十, 一百二十"} {
		if p, ok := (AddressPoint{text, MapGCJ}).place(); ok {
			t.Errorf("%q is a place: %+v", text, p)
		}
	}
	if _, ok := (AddressPoint{"30.25, 120.17", "osm"}).place(); ok {
		t.Error("a map that nobody knows")
	}
	p, ok := AddressPoint{"30.24755, 120.17455", MapGCJ}.place()
	if home, _ := (fieldwork.Place{}).At(30.25, 120.17); !ok || p.Metres(home) > 60 {
		t.Errorf("of 高德: %+v, %.0f m away", p, p.Metres(home))
	}
}
