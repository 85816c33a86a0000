package likeness

import (
	"math"
	"slices"
)

const (
	// low is how many frequencies of each direction a print holds.
	low = 16
	// printBits is the length of a print.
	printBits = low * low
	// softness is where a frequency counts half, as a part of the middle one's
	// strength.
	softness = 0.5
)

// imprint is the lowest 16 × 16 frequencies of a part of a picture, the lowest
// first, each from -1 to 1: nearly its sign where it is strong, next to nothing
// where it is so weak that any noise may turn it. It has length 1; the mean
// brightness has no part in it. Neither brightness nor contrast, size or
// compression change it much.
type imprint [printBits]float32

// agree is 1 for the same print, 0 for one that has nothing to do with it.
func (p *imprint) agree(o *imprint) float32 {
	var a, b, c, d float32
	for i := 0; i < printBits; i += 4 {
		a += p[i] * o[i]
		b += p[i+1] * o[i+1]
		c += p[i+2] * o[i+2]
		d += p[i+3] * o[i+3]
	}
	return a + b + c + d
}

// distance is how far two prints are apart, 0 to 256: about the number of
// signs in which they differ.
func (p *imprint) distance(o *imprint) int {
	return int(math.Round(float64(1-p.agree(o)) * printBits / 2))
}

// spectrum is the lowest frequencies, [down][along].
type spectrum [low][low]float64

// cut is how much of a line is left away at its two ends.
type cut struct{ from, to float64 }

// waves are the cosines of a cut line: its frequencies, each as weights of the
// 32 cells.
type waves [low][side]float64

// lens computes prints. It is immutable and safe for concurrent use.
type lens struct {
	order [printBits]struct{ u, v int } // of a print's bits
	whole waves
	keys  []waves // of the parts that are looked up
	parts []waves // of the parts that are compared
}

// cuts are the parts of a line that are compared: what is left of it when up to
// a tenth was cut away at either end.
func cuts() []cut {
	return []cut{{0, 0}, {.05, 0}, {0, .05}, {.025, .025}, {.05, .05}, {.1, 0}, {0, .1}, {.05, .1}, {.1, .05}, {.1, .1}}
}

func newLens() *lens {
	l := &lens{whole: wavesOf(cut{})}
	for _, c := range []cut{{0, 0}, {.03, .03}, {.06, .06}} {
		l.keys = append(l.keys, wavesOf(c))
	}
	for _, c := range cuts() {
		l.parts = append(l.parts, wavesOf(c))
	}
	for i := range l.order {
		l.order[i].u, l.order[i].v = i%low, i/low
	}
	slices.SortStableFunc(l.order[:], func(a, b struct{ u, v int }) int { return a.u*a.u + a.v*a.v - b.u*b.u - b.v*b.v })
	return l
}

func wavesOf(c cut) (w waves) {
	from, to := c.from*side, (1-c.to)*side
	for x := range side {
		a, b := max(float64(x), from), min(float64(x+1), to)
		if b <= a {
			continue
		}
		for u := range low {
			w[u][x] = (b - a) * math.Cos(math.Pi*float64(u)*((a+b)/2-from)/(to-from))
		}
	}
	return w
}

// lines are the frequencies of each line of a sketch.
type lines [low][side]float64

func along(s *Sketch, w *waves) (out lines) {
	var line [side]float64
	for y := range side {
		for x, v := range s.grey[y] {
			line[x] = float64(v)
		}
		for u := range low {
			sum := 0.0
			for x, k := range w[u] {
				sum += k * line[x]
			}
			out[u][y] = sum
		}
	}
	return out
}

func (l *lines) down(w *waves) (out spectrum) {
	for v := range low {
		k := &w[v]
		for u := range low {
			sum := 0.0
			for y, x := range l[u] {
				sum += k[y] * x
			}
			out[v][u] = sum
		}
	}
	return out
}

func (l *lens) print(s *spectrum) (p imprint) {
	var raised, sizes [printBits]float64
	for i, w := range l.order[1:] {
		// What is to be seen falls with the frequency; this levels it.
		v := s[w.v][w.u] * math.Sqrt(float64(w.u*w.u+w.v*w.v))
		raised[i+1], sizes[i+1] = v, math.Abs(v)
	}
	slices.Sort(sizes[:])
	weak, length := softness*sizes[printBits/2]+1e-9, 0.0
	for i, v := range raised {
		raised[i] = v / (math.Abs(v) + weak)
		length += raised[i] * raised[i]
	}
	for i, v := range raised {
		p[i] = float32(v / math.Sqrt(max(length, 1e-9)))
	}
	return p
}

// square is the spectrum of a part that is cut alike on all sides.
func square(s *Sketch, w *waves) spectrum {
	along := along(s, w)
	return along.down(w)
}

// all are the prints of all parts of a sketch.
func (l *lens) all(s *Sketch) []imprint {
	out := make([]imprint, 0, len(l.parts)*len(l.parts))
	for i := range l.parts {
		along := along(s, &l.parts[i])
		for k := range l.parts {
			spec := along.down(&l.parts[k])
			out = append(out, l.print(&spec))
		}
	}
	return out
}
