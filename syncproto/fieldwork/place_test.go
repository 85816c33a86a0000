package fieldwork_test

import (
	"math"
	"testing"

	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

func TestPlaceOf(t *testing.T) {
	inf := math.Inf(1)
	for _, bad := range [][2]float64{{math.NaN(), 1}, {1, math.NaN()}, {inf, 1}, {1, -inf}, {90.0001, 1}, {1, -180.1}, {0, 0}, {1e300, 1e300}} {
		if p, ok := (fieldwork.Place{}).At(bad[0], bad[1]); ok {
			t.Errorf("%v is a place: %+v", bad, p)
		}
	}
	p, ok := fieldwork.Place{Accuracy: 12, Fix: 5, Mocked: true}.At(-33.867487, 151.20699)
	back, read := fieldwork.PlaceOf(schema.Row{Cols: p.Columns()})
	if !ok || !read || back != p || p.Lat != -338674870 || p.Lon != 1512069900 || fieldwork.Degrees(p.Lat) != "-33.8674870" {
		t.Errorf("%+v became %+v", p, back)
	}
}

func TestWayBetweenPlaces(t *testing.T) {
	at := func(lat, lon float64) fieldwork.Place {
		p, ok := fieldwork.Place{}.At(lat, lon)
		if !ok {
			t.Fatalf("no place: %v, %v", lat, lon)
		}
		return p
	}
	for _, c := range []struct {
		a, b   fieldwork.Place
		metres float64
	}{
		{at(30, 120), at(30, 120), 0}, {at(30, 120), at(31, 120), 111_195}, {at(60, 120), at(60, 121), 55_597}, {at(10, 179.5), at(10, -179.5), 109_506},
		{at(90, 0), at(-90, 0), math.Pi * 6_371_008.8}, {at(45, 10), at(-45, -170), math.Pi * 6_371_008.8},
	} {
		if m := c.a.Metres(c.b); math.Abs(m-c.metres) > 5 || math.Abs(m-c.b.Metres(c.a)) > 1e-6 {
			t.Errorf("from %v to %v: %.1f m, want %.1f", c.a, c.b, m, c.metres)
		}
	}
}

// A fix that is older leaves more room, but only so much: a forged time does not
// excuse a photo from another town.
func TestRoomOfAFix(t *testing.T) {
	p := fieldwork.Place{Accuracy: 20, Fix: 1_000_000}
	fresh, old, ancient := p.Off(1_000_000), p.Off(1_000_000+60_000), p.Off(math.MaxInt64)
	if fresh != 70 || old != 70+84 || ancient != 70+150 || p.Off(math.MinInt64) != ancient {
		t.Errorf("room %v, %v, %v", fresh, old, ancient)
	}
	if none := (fieldwork.Place{}).Off(5); none != 175 {
		t.Errorf("without a radius %v", none)
	}
	if a := p.OffArriving(1_000_000 + 3_600_000); a != 70+480 {
		t.Errorf("arriving %v", a)
	}
}
