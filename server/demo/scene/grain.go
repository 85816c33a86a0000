package scene

import "math/rand/v2"

// weave says how the fine structure of a surface runs.
type weave uint8

const (
	plain   weave = iota // the sensor's noise alone
	upright              // wood with the grain from top to bottom
	level                // wood with the grain from left to right
	weaves
)

// patterns is how many different blocks of one weave there are.
const patterns = 64

// pattern is the fine structure of one block: the frequencies from the third
// on, in zigzag order, and the same as ready bits for each number of zeros
// that may stand before them.
type pattern struct {
	coef [64]int8
	bits [3][]word
}

// film is what a quality of picture is made of: its coder and its grain.
type film struct {
	*coder
	luma   [weaves][patterns]pattern
	chroma [patterns]pattern
}

// newFilm makes the grain of one quality; density is how many of a block's 61
// fine frequencies are noisy, which decides the size of the file.
func newFilm(quality int, density float64) *film {
	f := &film{coder: newCoder(quality)}
	rng := rand.New(rand.NewPCG(uint64(quality), 7))
	for w := range weaves {
		for i := range f.luma[w] {
			f.luma[w][i] = f.newPattern(rng, 1, w, density)
		}
	}
	for i := range f.chroma {
		f.chroma[i] = f.newPattern(rng, 3, plain, density/12)
	}
	return f
}

func (f *film) newPattern(rng *rand.Rand, table int, w weave, density float64) pattern {
	var p pattern
	streak := min(0.75, 0.12+density/10) // coarse quantisers make strong streaks of few
	for i := 3; i < 64; i++ {
		across, along := zigzag[i]%8, zigzag[i]/8
		if w == level {
			across, along = along, across
		}
		chance := density / 61 * (1.6 - 1.2*float64(i)/64)
		reach := 1
		if w != plain {
			switch along {
			case 0:
				chance, reach = streak, 1+int(3*streak)-int(across)/3
			case 1:
				chance *= 1.2
			default:
				chance *= 0.55
			}
		}
		if rng.Float64() > chance {
			continue
		}
		p.coef[i] = int8(1 + rng.IntN(max(reach, 1)))
		if rng.IntN(2) == 0 {
			p.coef[i] = -p.coef[i]
		}
	}
	for before := range p.bits {
		p.bits[before] = f.encode(table, before, &p.coef)
	}
	return p
}

// encode codes the fine frequencies once, with as many zeros before them.
func (f *film) encode(table, before int, coef *[64]int8) []word {
	var words []word
	run := before
	for i := 3; i < 64; i++ {
		v := int32(coef[i])
		if v == 0 {
			run++
			continue
		}
		for ; run > 15; run -= 16 {
			words = append(words, f.huff[table][0xf0])
		}
		bits, n := signedBits(v)
		h := f.huff[table][uint8(run)<<4|n]
		words = append(words, word{h.bits<<n | bits, h.n + n})
		run = 0
	}
	if run > 0 {
		words = append(words, f.huff[table][0])
	}
	return pack(words)
}

// pack joins short words to longer ones, so that a block is a dozen writes.
func pack(words []word) []word {
	var out []word
	for _, w := range words {
		if n := len(out); n > 0 && out[n-1].n+w.n <= 31 {
			out[n-1] = word{out[n-1].bits<<w.n | w.bits, out[n-1].n + w.n}
			continue
		}
		out = append(out, w)
	}
	return out
}

// smooth writes a block that lies inside one surface: its mean, its slope in
// steps of the quantiser, and a pattern.
func (f *film) smooth(w *bitWriter, chroma int, diff, slopeX, slopeY int32, p *pattern) {
	f.dc(w, 2*chroma, diff)
	before := 0
	if slopeX != 0 {
		f.ac(w, 2*chroma+1, 0, slopeX)
	} else {
		before = 1
	}
	if slopeY != 0 {
		f.ac(w, 2*chroma+1, before, slopeY)
		before = 0
	} else {
		before++
	}
	for _, bits := range p.bits[before] {
		w.put(bits.bits, bits.n)
	}
}
