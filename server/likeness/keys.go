package likeness

import (
	"math"
	"slices"
)

const (
	bands    = 3  // of a print that are looked up, the lowest frequencies first
	bandBits = 20 // of a band
	unsure   = 5  // bits of a band that a small change may turn
)

// Key is a band of a print: pictures that have none in common are not
// compared. 22 bits: the band's number, and its bits.
type Key int32

// Keys are those under which a sketch is kept: at most nine.
func (g *Glass) Keys(s *Sketch) []Key {
	var out []Key
	for i := range g.lens.keys {
		spec := square(s, &g.lens.keys[i])
		for b := range bands {
			out = append(out, g.lens.key(&spec, b))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// key is the signs of a band of frequencies.
func (l *lens) key(s *spectrum, band int) Key {
	m := Key(band) << bandBits
	for k := range bandBits {
		if w := l.order[1+band*bandBits+k]; s[w.v][w.u] > 0 {
			m |= 1 << k
		}
	}
	return m
}

// Probes are the keys under which pictures that are like a sketch are kept:
// its own, those of it turned, and those that differ in the bits that are
// nearest to turning over. Some 2,000, whatever the number of photos.
func (g *Glass) Probes(s *Subject) []Key {
	var out []Key
	for i := range s.turned {
		for w := range g.lens.keys {
			spec := square(&s.turned[i], &g.lens.keys[w])
			for b := range bands {
				out = g.lens.near(out, &spec, b)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// near adds a band's key with each choice of its unsure bits.
func (l *lens) near(out []Key, s *spectrum, band int) []Key {
	weight := func(k int) float64 {
		w := l.order[1+band*bandBits+k]
		return math.Abs(s[w.v][w.u])
	}
	var at [bandBits]int
	for k := range at {
		at[k] = k
	}
	slices.SortStableFunc(at[:], func(a, b int) int {
		switch x, y := weight(a), weight(b); {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
	own := l.key(s, band)
	for choice := range 1 << unsure {
		m := own
		for k := range unsure {
			if choice>>k&1 == 1 {
				m ^= 1 << at[k]
			}
		}
		out = append(out, m)
	}
	return out
}
