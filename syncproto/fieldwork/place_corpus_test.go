package fieldwork_test

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"siteledger/syncproto/fieldwork"
)

var updatePlaces = flag.Bool("update", false, "write the figures of places into server/docs/photos.md anew")

// receiver is how a phone errs at a kind of spot. It says a radius from least to
// most, evenly in its logarithm; two fixes of three lie within worse times that
// radius, where worse scatters by spread (of its logarithm). A share of fixes is
// off by a jump beside that: an echo of a tower, a router that moved house.
type receiver struct {
	zh, en         string
	least, most    float64
	worse, spread  float64
	jumps, jumpMax float64
}

// receivers are the spots of the corpus. In the open two thirds of fixes lie
// within 5 m; indoors phones go by routers, in a cellar by one or two masts, and
// say a smaller radius than they keep.
func receivers() []receiver {
	return []receiver{
		{"门口、阳台", "at the door, on a balcony", 4, 12, 1, 0.3, 0, 0},
		{"高层室内", "inside a high building", 10, 60, 1.3, 0.6, 0.05, 400},
		{"地下室,只有基站", "in a cellar, by masts", 150, 1500, 1.2, 0.5, 0.05, 400},
	}
}

// east and north are metres from the address.
type spot struct{ east, north float64 }

func (s spot) away(rng *rand.Rand, metres float64) spot {
	a := rng.Float64() * 2 * math.Pi
	return spot{s.east + metres*math.Cos(a), s.north + metres*math.Sin(a)}
}

// place puts a spot on the globe, round about Hangzhou.
func (s spot) place() fieldwork.Place {
	const lat, lon = 30.25, 120.17
	p, ok := fieldwork.Place{}.At(lat+s.north/111_195, lon+s.east/(111_195*math.Cos(lat*math.Pi/180)))
	if !ok {
		panic("no place")
	}
	return p
}

func logEven(rng *rand.Rand, least, most float64) float64 {
	return least * math.Exp(rng.Float64()*math.Log(most/least))
}

// measure is what a phone at a spot says.
func (r receiver) measure(rng *rand.Rand, s spot) fieldwork.Place {
	radius := logEven(rng, r.least, r.most)
	// Of a normal error in the plane 68 % lies within 1.51 σ.
	sigma := radius * r.worse * math.Exp(r.spread*rng.NormFloat64()) / 1.51
	s.east += sigma * rng.NormFloat64()
	s.north += sigma * rng.NormFloat64()
	if rng.Float64() < r.jumps {
		s = s.away(rng, rng.Float64()*r.jumpMax)
	}
	p := s.place()
	p.Accuracy = int64(math.Round(radius))
	return p
}

// visit is one photo and what it is held against: the office's point of the
// address, and the arrival.
type visit struct {
	photo, address, arrival fieldwork.Place
	taken, arrived          int64
}

// honest is a photo at the address, taken up to a block away from its middle.
func (r receiver) honest(rng *rand.Rand) visit { return r.visit(rng, 0) }

// visit has the photo taken some metres from the house.
func (r receiver) visit(rng *rand.Rand, metres float64) visit {
	const now = int64(1_790_000_000_000)
	home := spot{}
	v := visit{taken: now, arrived: now - 40*60*1000}
	// A clerk's point is a door or a gate of a compound.
	v.address = home.away(rng, rng.Float64()*350).place()
	// He taps "arrived" at the door; in one case of five his last fix is from the
	// scooter.
	age, back := rng.Float64()*60, rng.Float64()*20
	if rng.Float64() < 0.2 {
		back = age * 7
	}
	v.arrival = receivers()[0].measure(rng, home.away(rng, back))
	v.arrival.Fix = v.arrived - int64(age*1000)
	at := home.away(rng, metres)
	age = rng.Float64() * 600
	v.photo = r.measure(rng, at.away(rng, rng.Float64()*min(150, age*1.2)))
	v.photo.Fix = v.taken - int64(age*1000)
	return v
}

// beyond is how far the photo is beyond what the places may be off, by the
// point of the address and by the arrival.
func (v visit) beyond() (address, arrival float64) {
	off := v.photo.Off(v.taken)
	address = v.photo.Metres(v.address) - off - fieldwork.AddressOff
	arrival = v.photo.Metres(v.arrival) - off - v.arrival.OffArriving(v.arrived)
	return address, arrival
}

// measured are how far n visits' photos are beyond what their places may be off,
// in order.
func measured(n int, make func(*rand.Rand) visit) (byAddress, byArrival []float64) {
	rng := rand.New(rand.NewPCG(5, 0x91ace))
	for range n {
		a, b := make(rng).beyond()
		byAddress, byArrival = append(byAddress, a), append(byArrival, b)
	}
	slices.Sort(byAddress)
	slices.Sort(byArrival)
	return byAddress, byArrival
}

// above is the share of them that the rule doubts.
func above(sorted []float64) float64 {
	i, _ := slices.BinarySearch(sorted, fieldwork.PlaceFar)
	return 100 * float64(len(sorted)-i) / float64(len(sorted))
}

// TestPlacesFar: the distance from which on a photo is doubted is the least one,
// in steps of 50 m, at which no kind of spot has more than one honest photo in
// a hundred doubted; what is found of photos taken elsewhere is printed.
func TestPlacesFar(t *testing.T) {
	const visits, step = 10_000, 50
	var honest, found strings.Builder
	worst := 0.0
	for _, r := range receivers() {
		a, v := measured(visits, r.honest)
		worst = max(worst, a[visits*99/100], v[visits*99/100])
		fmt.Fprintf(&honest, "| %s %s | %.2f %% | %.2f %% |\n", r.zh, r.en, above(a), above(v))
	}
	if far := step * math.Ceil(worst/step); far != fieldwork.PlaceFar {
		t.Errorf("the corpus gives %.0f m, the rule says %d m", far, fieldwork.PlaceFar)
	}
	for _, d := range [][2]float64{{200, 400}, {400, 700}, {700, 1500}, {1500, 3000}, {3000, 30000}} {
		for _, r := range receivers() {
			a, v := measured(visits, func(rng *rand.Rand) visit { return r.visit(rng, logEven(rng, d[0], d[1])) })
			fmt.Fprintf(&found, "| %.0f–%.0f m | %s %s | %.0f %% | %.0f %% |\n", d[0], d[1], r.zh, r.en, above(a), above(v))
			if r.most < 100 && d[0] >= 1500 && (above(a) < 99 || above(v) < 99) {
				t.Errorf("%s: of photos taken %.0f m away only %.1f and %.1f %% are found", r.en, d[0], above(a), above(v))
			}
		}
	}
	table := fmt.Sprintf("\n| | |\n|---|---|\n| threshold | %d m |\n| photos of each line | %d |\n\n| honest photos, doubted | by the address | by the arrival |\n|---|---|---|\n%s", fieldwork.PlaceFar, visits, honest.String()) +
		"\n| taken elsewhere, found | where | by the address | by the arrival |\n|---|---|---|---|\n" + found.String()
	t.Log(table)
	placePage(t, table)
}

// placePage writes the figures into the documentation, or holds it to them.
func placePage(t *testing.T, table string) {
	t.Helper()
	const path, from, to = "../../server/docs/photos.md", "<!-- places: go test ./syncproto/fieldwork -run PlacesFar -update -->\n", "\n<!-- end of places -->"
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	i, j := strings.Index(text, from), strings.Index(text, to)
	if i < 0 || j < i {
		t.Fatalf("%s has no place for the figures", path)
	}
	i += len(from)
	switch {
	case *updatePlaces:
		if err := os.WriteFile(path, []byte(text[:i]+table+text[j:]), 0o644); err != nil {
			t.Fatal(err)
		}
	case text[i:j] != table:
		t.Errorf("%s says other figures; write them anew with -update", path)
	}
}
