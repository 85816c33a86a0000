package likeness

import (
	"math"
	"slices"
)

const (
	// Threshold is how far apart the prints of the same picture may be. It is
	// taken from the corpus (server/docs/photos.md): up to it nearly all copies are
	// found, above it ever more pictures that are only alike.
	Threshold = 14
	// maxColour is how far the colours of a copy may be off, in levels, root mean
	// square.
	maxColour = 9
	// plainDetail is the detail below which there is too little to see: a bare
	// panel or wall looks like any other.
	plainDetail = 400
)

// Likeness is how alike two pictures are.
type Likeness struct {
	Distance int  // of their nearest prints, 0 to 256; 128 is what chance gives
	Turned   bool // one of them lies or is mirrored differently
	Cropped  bool // one of them shows a part of the other
	Colour   int  // by how much their colours are off, in levels
}

// Alike says that a person should look at both.
func (l Likeness) Alike() bool { return l.Distance <= Threshold && l.Colour <= maxColour }

// Percent is a distance as a screen says it: 100 the same, 0 what chance gives.
func Percent(distance int) int { return max(0, 100-(100*distance+64)/128) }

// Glass compares sketches and says under which keys they are looked up. It is
// immutable and safe for concurrent use.
type Glass struct{ lens *lens }

// NewGlass builds the tables that all comparisons share.
func NewGlass() *Glass { return &Glass{newLens()} }

// Subject is a sketch that is compared with many: what it takes is computed
// once.
type Subject struct {
	sketch Sketch
	turned [8]Sketch
	whole  [8]imprint // of each turned sketch
	parts  []imprint  // of the sketch as it lies
}

// Subject prepares a sketch.
func (g *Glass) Subject(s Sketch) *Subject {
	out := &Subject{sketch: s, parts: g.lens.all(&s)}
	for i, t := range turnings() {
		out.turned[i] = s.turn(t)
		spec := square(&out.turned[i], &g.lens.whole)
		out.whole[i] = g.lens.print(&spec)
	}
	return out
}

// Plain says that there is too little to see to compare it with anything.
func (s *Sketch) Plain() bool { return s.detail < plainDetail }

// MayBe says that the colours do not rule it out that a sketch is another
// picture of a subject's.
func (s *Subject) MayBe(o *Sketch) bool {
	for i := range s.turned {
		if colourDistance(&s.turned[i], o) <= maxColour {
			return true
		}
	}
	return false
}

// Compare says how alike two pictures are, however one of them is turned and
// whichever shows a part of the other.
func (g *Glass) Compare(a, b *Subject) Likeness {
	best := Likeness{Distance: printBits, Colour: math.MaxUint8}
	for i, t := range turnings() {
		colour := colourDistance(&a.sketch, &b.turned[i])
		if colour > maxColour {
			continue
		}
		l := Likeness{Distance: a.whole[0].distance(&b.whole[i]), Turned: i > 0, Colour: colour}
		for n := range a.parts {
			if d := a.parts[n].distance(&b.whole[i]); d+2 < l.Distance {
				l.Distance, l.Cropped = d, true
			}
		}
		// A part of the other one, as it lies, against this one turned back.
		back := &a.whole[inverse(t)]
		for n := range b.parts {
			if d := b.parts[n].distance(back); d+2 < l.Distance {
				l.Distance, l.Cropped = d, true
			}
		}
		if l.Distance < best.Distance {
			best = l
		}
	}
	return best
}

// inverse is the number of the turning that undoes one.
func inverse(t turning) int {
	back := t
	if t.diagonal {
		back.leftRight, back.topBottom = t.topBottom, t.leftRight
	}
	all := turnings()
	return slices.Index(all[:], back)
}

func colourDistance(a, b *Sketch) int {
	sum := 0
	for y := range patch {
		for x := range patch {
			for k := range 2 {
				d := int(a.colour[y][x][k]) - int(b.colour[y][x][k])
				sum += d * d
			}
		}
	}
	return int(math.Sqrt(float64(sum) / (2 * patch * patch)))
}
