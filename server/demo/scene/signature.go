package scene

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"math/rand/v2"
)

// Signature draws a hand-written name of two or three characters from a seed,
// as the PNG file that a signature pad gives. It is nobody's signature.
func Signature(seed uint64) ([]byte, error) {
	const width, height = 440, 160
	rng := rand.New(rand.NewPCG(seed, 3))
	shades := make(color.Palette, 16)
	for i := range shades {
		v := uint8(255 - i*15)
		shades[i] = color.RGBA{v, v, min(v+uint8(i*2), 255), 255}
	}
	img := image.NewPaletted(image.Rect(0, 0, width, height), shades)
	p := pen{img: img, rng: rng, lean: 0.08 + 0.2*rng.Float64(), thick: 1.3 + 0.9*rng.Float64()}
	letters := 2 + rng.IntN(2)
	size := 84 + 14*rng.Float64()
	x := (width - size*float64(letters)*1.12) / 2
	for range letters {
		p.character(x, (height-size)/2+rng.Float64()*14-7, size)
		x += size * (1.0 + 0.15*rng.Float64())
	}
	var out bytes.Buffer
	enc := png.Encoder{CompressionLevel: png.BestSpeed}
	if err := enc.Encode(&out, img); err != nil {
		return nil, fmt.Errorf("write signature: %w", err)
	}
	return out.Bytes(), nil
}

// pen writes strokes into a picture, darker where it is slow.
type pen struct {
	img   *image.Paletted
	rng   *rand.Rand
	lean  float64
	thick float64
}

// character writes four to seven strokes in a square, some of them joined as a
// quick hand joins them.
func (p *pen) character(x, y, size float64) {
	jitter := func() float64 { return (p.rng.Float64() - 0.5) * 0.16 }
	// Horizontal, upright, falling left, falling right, hook, dot.
	kinds := [][4]float64{{0.12, 0.28, 0.88, 0.22}, {0.5, 0.05, 0.48, 0.95}, {0.55, 0.12, 0.08, 0.88}, {0.45, 0.4, 0.94, 0.86},
		{0.2, 0.55, 0.8, 0.52}, {0.74, 0.18, 0.7, 0.78}, {0.24, 0.2, 0.3, 0.8}, {0.62, 0.06, 0.72, 0.16}}
	p.rng.Shuffle(len(kinds), func(i, j int) { kinds[i], kinds[j] = kinds[j], kinds[i] })
	at := func(u, v float64) point {
		return point{x + size*(u+jitter()+p.lean*(0.5-v)), y + size*(v+jitter()*0.7)}
	}
	var last point
	for i, k := range kinds[:4+p.rng.IntN(4)] {
		from, to := at(k[0], k[1]), at(k[2], k[3])
		if i > 0 && p.rng.IntN(2) == 0 {
			p.stroke(last, from, 0.35)
		}
		p.stroke(from, to, 1)
		last = to
	}
}

// stroke is a bent line that swells in the middle.
func (p *pen) stroke(from, to point, press float64) {
	bend := (p.rng.Float64() - 0.5) * 0.35
	cx := (from.x+to.x)/2 + (to.y-from.y)*bend
	cy := (from.y+to.y)/2 - (to.x-from.x)*bend
	length := math.Hypot(to.x-from.x, to.y-from.y)
	steps := int(length*1.2) + 2
	for i := range steps {
		t := float64(i) / float64(steps-1)
		a, b, c := (1-t)*(1-t), 2*t*(1-t), t*t
		p.dot(a*from.x+b*cx+c*to.x, a*from.y+b*cy+c*to.y, p.thick*press*(0.55+0.75*math.Sin(math.Pi*(0.15+0.75*t))))
	}
}

func (p *pen) dot(x, y, r float64) {
	for py := int(y - r - 1); py <= int(y+r+1); py++ {
		for px := int(x - r - 1); px <= int(x+r+1); px++ {
			if !(image.Point{px, py}).In(p.img.Rect) {
				continue
			}
			ink := clamp(r+0.5-math.Hypot(float64(px)-x, float64(py)-y), 0, 1)
			if shade := uint8(ink * 15); shade > p.img.ColorIndexAt(px, py) {
				p.img.SetColorIndex(px, py, shade)
			}
		}
	}
}
