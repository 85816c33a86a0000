package likeness

import (
	"errors"
	"image"
	"image/color"
	"math"
)

const (
	// side is the edge of the grey picture of a sketch.
	side = 32
	// patch is the edge of its colours.
	patch = 4
	// SketchBytes is a sketch as it is stored.
	SketchBytes = 2 + side*side + 2*patch*patch
)

// Sketch is what a picture looks like: 32 × 32 grey values of its whole width
// and height, stretched from black to white, and 4 × 4 colours. No face, number
// or name can be read in it.
type Sketch struct {
	grey   [side][side]uint8
	colour [patch][patch][2]uint8 // Cb, Cr
	detail uint16                 // how much there is to see, see plain
}

var errSketch = errors.New("likeness: a stored sketch of another length")

// Append writes a sketch as it is stored.
func (s *Sketch) Append(b []byte) []byte {
	b = append(b, byte(s.detail>>8), byte(s.detail))
	for y := range s.grey {
		b = append(b, s.grey[y][:]...)
	}
	for y := range s.colour {
		for _, c := range s.colour[y] {
			b = append(b, c[:]...)
		}
	}
	return b
}

// ReadSketch reads what Append wrote.
func ReadSketch(b []byte) (s Sketch, err error) {
	if len(b) != SketchBytes {
		return s, errSketch
	}
	s.detail, b = uint16(b[0])<<8|uint16(b[1]), b[2:]
	for y := range s.grey {
		b = b[copy(s.grey[y][:], b):]
	}
	for y := range s.colour {
		for x := range s.colour[y] {
			b = b[copy(s.colour[y][x][:], b):]
		}
	}
	return s, nil
}

// cells adds up the pixels of a picture in 32 × 32 cells.
type cells struct {
	grey, cb, cr, n, nc [side][side]int64
}

func sketchOf(img image.Image) Sketch {
	var c cells
	if m, ok := img.(*image.YCbCr); ok {
		c.addYCbCr(m)
	} else {
		c.add(img)
	}
	return c.sketch()
}

// addYCbCr is add for what a JPEG decodes to, as it lies.
func (c *cells) addYCbCr(m *image.YCbCr) {
	b := m.Rect
	w, h := b.Dx(), b.Dy()
	for y := range h {
		gy := y * side / h
		line := m.Y[m.YOffset(b.Min.X, b.Min.Y+y):]
		for gx := range side {
			from, to := gx*w/side, (gx+1)*w/side
			sum := int64(0)
			for _, v := range line[from:to] {
				sum += int64(v)
			}
			c.grey[gy][gx] += sum
			c.n[gy][gx] += int64(to - from)
			for x := from; x < to && y%4 == 0; x += 4 {
				o := m.COffset(b.Min.X+x, b.Min.Y+y)
				c.cb[gy][gx] += int64(m.Cb[o])
				c.cr[gy][gx] += int64(m.Cr[o])
				c.nc[gy][gx]++
			}
		}
	}
}

// add takes any picture, at most some 512 lines and columns of it: more do not
// change its sketch.
func (c *cells) add(img image.Image) {
	b := img.Bounds()
	w, h := b.Dx(), b.Dy()
	stepX, stepY := max(1, w/512), max(1, h/512)
	for y := 0; y < h; y += stepY {
		for x := 0; x < w; x += stepX {
			p := color.YCbCrModel.Convert(img.At(b.Min.X+x, b.Min.Y+y)).(color.YCbCr)
			gy, gx := y*side/h, x*side/w
			c.grey[gy][gx] += int64(p.Y)
			c.cb[gy][gx] += int64(p.Cb)
			c.cr[gy][gx] += int64(p.Cr)
			c.n[gy][gx]++
			c.nc[gy][gx]++
		}
	}
}

func (c *cells) sketch() (s Sketch) {
	var mean [side][side]float64
	lo, hi := math.Inf(1), math.Inf(-1)
	for y := range side {
		for x := range side {
			v := float64(c.grey[y][x]) / float64(max(1, c.n[y][x]))
			mean[y][x], lo, hi = v, min(lo, v), max(hi, v)
		}
	}
	stretch := 255 / max(1, hi-lo)
	for y := range side {
		for x := range side {
			s.grey[y][x] = uint8(math.Round((mean[y][x] - lo) * stretch))
		}
	}
	const of = side / patch
	for y := range patch {
		for x := range patch {
			var cb, cr, n int64
			for dy := range of {
				for dx := range of {
					cb += c.cb[y*of+dy][x*of+dx]
					cr += c.cr[y*of+dy][x*of+dx]
					n += c.nc[y*of+dy][x*of+dx]
				}
			}
			n = max(1, n)
			s.colour[y][x] = [2]uint8{uint8(cb / n), uint8(cr / n)}
		}
	}
	s.detail = detailOf(&mean)
	return s
}

// detailOf is how much a picture differs from its own surroundings: the root
// mean square, in hundredths of a grey level, of each cell less the mean of the
// 5 × 5 around it.
func detailOf(m *[side][side]float64) uint16 {
	total := 0.0
	for y := range side {
		for x := range side {
			sum, n := 0.0, 0.0
			for yy := max(0, y-2); yy <= min(side-1, y+2); yy++ {
				for xx := max(0, x-2); xx <= min(side-1, x+2); xx++ {
					sum += m[yy][xx]
					n++
				}
			}
			d := m[y][x] - sum/n
			total += d * d
		}
	}
	return uint16(min(math.MaxUint16, 100*math.Sqrt(total/(side*side))))
}

// turning is one of the eight ways in which a picture may lie: it is mirrored
// at its diagonal, left to right, top to bottom, in this order.
type turning struct{ diagonal, leftRight, topBottom bool }

// turnings are all eight; the first leaves a picture as it is.
func turnings() [8]turning {
	var out [8]turning
	for i := range out {
		out[i] = turning{diagonal: i&4 != 0, leftRight: i&1 != 0, topBottom: i&2 != 0}
	}
	return out
}

// orientations are what stands a stored picture upright, by EXIF orientation.
func orientations() [9]turning {
	return [9]turning{
		2: {leftRight: true}, 3: {leftRight: true, topBottom: true}, 4: {topBottom: true},
		5: {diagonal: true}, 6: {diagonal: true, leftRight: true}, 7: {diagonal: true, leftRight: true, topBottom: true}, 8: {diagonal: true, topBottom: true},
	}
}

// from says which cell comes to stand at (x, y) in a square of a size.
func (t turning) from(x, y, size int) (int, int) {
	if t.leftRight {
		x = size - 1 - x
	}
	if t.topBottom {
		y = size - 1 - y
	}
	if t.diagonal {
		x, y = y, x
	}
	return x, y
}

func (s Sketch) turn(t turning) Sketch {
	out := Sketch{detail: s.detail}
	for y := range side {
		for x := range side {
			fx, fy := t.from(x, y, side)
			out.grey[y][x] = s.grey[fy][fx]
		}
	}
	for y := range patch {
		for x := range patch {
			fx, fy := t.from(x, y, patch)
			out.colour[y][x] = s.colour[fy][fx]
		}
	}
	return out
}
