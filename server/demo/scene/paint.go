package scene

import (
	"math"
	"runtime"
)

// painter turns the faces of a scene into the scan of a JPEG file.
type painter struct {
	film   *film
	cam    *camera
	light  *light
	faces  []face
	stamp  *stamp
	turn   turn
	width  int // of the file, before it is turned for viewing
	height int

	out  bitWriter
	last [3]int32 // quantised means of the blocks before
}

// turn maps a pixel of the file to the upright picture, by EXIF orientation.
type turn struct {
	orientation int
	w, h        float64 // of the file
}

func (t turn) upright(x, y float64) (float64, float64) {
	switch t.orientation {
	case 3:
		return t.w - x, t.h - y
	case 6:
		return t.h - y, x
	case 8:
		return y, t.w - x
	}
	return x, y
}

// area is a rectangle of the upright picture.
type area struct{ x0, y0, x1, y1 float64 }

func (t turn) area(x, y, size float64) area {
	ax, ay := t.upright(x, y)
	bx, by := t.upright(x+size, y+size)
	return area{min(ax, bx), min(ay, by), max(ax, bx), max(ay, by)}
}

// covers says whether a face misses, touches or fills an area.
func (f *face) covers(a area) (touches, fills bool) {
	if a.x1 < f.min.x || a.x0 > f.max.x || a.y1 < f.min.y || a.y0 > f.max.y {
		return false, false
	}
	cx, cy := (a.x0+a.x1)/2, (a.y0+a.y1)/2
	rx, ry := (a.x1-a.x0)/2, (a.y1-a.y0)/2
	fills = true
	for _, e := range f.edges {
		d, r := e.dist(cx, cy), math.Abs(e.a)*rx+math.Abs(e.b)*ry
		if d < -r-0.5 {
			return false, false
		}
		if d < r+0.5 {
			fills = false
		}
	}
	return true, fills
}

// among keeps of some faces those that show in an area, the lowest first.
// edges says that an edge crosses the area.
func (p *painter) among(from []int32, a area, into []int32) (visible []int32, edges bool) {
	visible = into[:0]
	for _, i := range from {
		f := &p.faces[i]
		touches, fills := f.covers(a)
		if !touches {
			continue
		}
		if fills && !f.veil {
			visible, edges = visible[:0], false
		}
		visible = append(visible, i)
		edges = edges || !fills
	}
	return visible, edges
}

// paint writes the whole scan.
func (p *painter) paint() {
	const tile = 16 // units of 16×16 pixels
	all := make([]int32, len(p.faces))
	for i := range all {
		all[i] = int32(i)
	}
	across, down := (p.width+15)/16, (p.height+15)/16
	rows := make([][]int32, (across+tile-1)/tile)
	var band, unit []int32
	for my := range down {
		runtime.Gosched() // whoever waits for a turn should not wait for a whole picture
		for mx := range across {
			if my%tile == 0 && mx%tile == 0 {
				a := p.turn.area(float64(mx*16), float64(my*16), tile*16)
				band, _ = p.among(all, a, band)
				rows[mx/tile] = append(rows[mx/tile][:0], band...)
			}
			a := p.turn.area(float64(mx*16), float64(my*16), 16)
			visible, edges := p.among(rows[mx/tile], a, unit)
			unit = visible
			if edges || p.stamp.touches(a) {
				p.detailed(mx*16, my*16, a, visible)
			} else {
				p.even(mx*16, my*16, visible)
			}
		}
	}
	p.out.flush()
	p.out.buf = append(p.out.buf, 0xff, 0xd9)
}

// mixAt is the colour of a pixel of the file inside faces that all fill it.
func (p *painter) mixAt(x, y float64, visible []int32) colour {
	ux, uy := p.turn.upright(x, y)
	var sum colour
	for _, i := range visible {
		c, alpha := p.faces[i].colour(p.cam, p.light, ux, uy)
		sum = c.over(sum, alpha)
	}
	return sum.times(p.vignette(ux, uy))
}

// vignette is the lens's loss of light towards the corners.
func (p *painter) vignette(ux, uy float64) float64 {
	dx, dy := (ux-p.cam.cx)/p.cam.focal, (uy-p.cam.cy)/p.cam.focal
	return 1 - 0.22*(dx*dx+dy*dy)
}

// ycc is a colour as JPEG keeps it, around zero.
func (c colour) ycc() [3]float64 {
	r, g, b := clamp(c.r, 0, 255), clamp(c.g, 0, 255), clamp(c.b, 0, 255)
	return [3]float64{
		0.299*r + 0.587*g + 0.114*b - 128,
		-0.168736*r - 0.331264*g + 0.5*b,
		0.5*r - 0.418688*g - 0.081312*b,
	}
}

// even writes a unit without edges: four luma blocks and two of colour, each
// a mean, a slope and a pattern.
func (p *painter) even(x, y int, visible []int32) {
	var at [2][2][3]float64 // at the centres of the four luma blocks
	at[0][0] = p.mixAt(float64(x+4), float64(y+4), visible).ycc()
	at[0][1] = p.mixAt(float64(x+12), float64(y+4), visible).ycc()
	at[1][0] = p.mixAt(float64(x+4), float64(y+12), visible).ycc()
	for i := range 3 { // the fourth lies in the same plane
		at[1][1][i] = at[0][1][i] + at[1][0][i] - at[0][0][i]
	}
	slope := func(part int) (float64, float64) {
		return (at[0][1][part] - at[0][0][part] + at[1][1][part] - at[1][0][part]) / 2,
			(at[1][0][part] - at[0][0][part] + at[1][1][part] - at[0][1][part]) / 2
	}
	top := &p.faces[visible[len(visible)-1]]
	sx, sy := slope(0)
	for j := range 2 {
		for i := range 2 {
			pat := p.pattern(top, x+8*i, y+8*j)
			p.smooth(0, 0, at[j][i][0], sx/8, sy/8, pat)
		}
	}
	for part := 1; part < 3; part++ {
		mean := (at[0][0][part] + at[0][1][part] + at[1][0][part] + at[1][1][part]) / 4
		sx, sy := slope(part)
		n := hash(int64(x/16), int64(y/16)+int64(part)<<20, 5)
		p.smooth(1, part, mean, sx/4, sy/4, &p.film.chroma[int(n*patterns)])
	}
}

// smooth quantises the mean and the slope of a block and writes it. A slope of
// one a sample is 18.2 in the first frequency.
func (p *painter) smooth(chroma, part int, mean, slopeX, slopeY float64, pat *pattern) {
	q := &p.film.quant[chroma]
	dc := int32(math.Round(8 * mean / float64(q[0])))
	gx := int32(math.Round(-18.22 * slopeX / float64(q[1])))
	gy := int32(math.Round(-18.22 * slopeY / float64(q[8])))
	p.film.smooth(&p.out, chroma, dc-p.last[part], gx, gy, pat)
	p.last[part] = dc
}

// pattern picks the grain of a luma block: along wood it stays the same for a
// while, so that the streaks run on; everywhere else it is scattered.
func (p *painter) pattern(f *face, x, y int) *pattern {
	ux, uy := p.turn.upright(float64(x+4), float64(y+4))
	bx, by := int64(ux/8), int64(uy/8)
	w := f.mat.weave
	switch w {
	case upright:
		by /= 7
	case level:
		bx /= 7
	}
	n := int(hash(bx, by, f.seed+9) * patterns)
	if w != plain && (p.turn.orientation == 6 || p.turn.orientation == 8) {
		w = upright + level - w
	}
	return &p.film.luma[w][n]
}
