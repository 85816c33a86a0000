package scene

// canvas is one unit of 16×16 pixels drawn pixel by pixel: luma and the two
// colour differences, around zero.
type canvas struct {
	y, cb, cr [256]float32
}

// detailed draws a unit that edges cross: each face's colour is taken as a
// slope over the unit, its outline exactly, softened over one pixel.
func (p *painter) detailed(x, y int, a area, visible []int32) {
	var cv canvas
	for _, i := range visible {
		p.lay(&cv, &p.faces[i], x, y, a)
	}
	if p.stamp.touches(a) {
		p.stampOn(&cv, x, y)
	}
	p.write(&cv, &p.faces[visible[len(visible)-1]], x, y)
}

// ramp is a value that changes evenly over the unit.
type ramp struct{ at, x, y float32 }

func slope(at, right, below float64) ramp {
	return ramp{float32(at), float32((right - at) / 16), float32((below - at) / 16)}
}

// lay draws one face over the unit.
func (p *painter) lay(cv *canvas, f *face, x, y int, a area) {
	fx, fy := float64(x)+0.5, float64(y)+0.5
	at := func(dx, dy float64) ([3]float64, float64) {
		ux, uy := p.turn.upright(fx+dx, fy+dy)
		c, alpha := f.colour(p.cam, p.light, ux, uy)
		return c.times(p.vignette(ux, uy)).ycc(), alpha
	}
	c0, a0 := at(0, 0)
	cx, ax := at(16, 0)
	cy, ay := at(0, 16)
	luma, cb, cr := slope(c0[0], cx[0], cy[0]), slope(c0[1], cx[1], cy[1]), slope(c0[2], cx[2], cy[2])
	alpha := slope(a0, ax, ay)

	// Edges of the outline in pixels of the file, only those that cross.
	var cross [8]ramp
	n := 0
	for _, e := range f.edges {
		if e.dist((a.x0+a.x1)/2, (a.y0+a.y1)/2) > 13 || n == len(cross) {
			continue
		}
		o := e.dist(p.turn.upright(fx, fy))
		ex := e.dist(p.turn.upright(fx+1, fy)) - o
		ey := e.dist(p.turn.upright(fx, fy+1)) - o
		cross[n] = ramp{float32(o) + 0.5, float32(ex), float32(ey)}
		n++
	}
	solid := a0 == 1 && ax == 1 && ay == 1
	for j := range 16 {
		py := float32(j)
		r := rowOf(cv, j, luma, cb, cr)
		if n == 0 && solid {
			r.fill(0, 16)
			continue
		}
		from, to := span(cross[:n], py, 0)
		if !solid {
			r.blend(from, to, cross[:n], py, alpha)
			continue
		}
		in, out := span(cross[:n], py, 1)
		if in >= out {
			r.blend(from, to, cross[:n], py, alpha)
			continue
		}
		r.blend(from, min(in, to), cross[:n], py, alpha)
		r.fill(in, out)
		r.blend(max(out, from), to, cross[:n], py, alpha)
	}
}

// row is one line of the unit with the face's colours at its start.
type row struct {
	y, cb, cr    []float32
	ly, lb, lr   float32
	dly, dlb, dl float32
}

func rowOf(cv *canvas, j int, luma, cb, cr ramp) row {
	py, k := float32(j), j*16
	return row{
		cv.y[k : k+16], cv.cb[k : k+16], cv.cr[k : k+16],
		luma.at + luma.y*py, cb.at + cb.y*py, cr.at + cr.y*py, luma.x, cb.x, cr.x,
	}
}

// fill covers pixels wholly.
func (r *row) fill(from, to int) {
	for i := from; i < to; i++ {
		px := float32(i)
		r.y[i], r.cb[i], r.cr[i] = r.ly+r.dly*px, r.lb+r.dlb*px, r.lr+r.dl*px
	}
}

// blend covers pixels as far as the edges and the veil let it.
func (r *row) blend(from, to int, cross []ramp, py float32, alpha ramp) {
	for i := from; i < to; i++ {
		px := float32(i)
		cover := alpha.at + alpha.x*px + alpha.y*py
		for k := range cross {
			e := &cross[k]
			if d := e.at + e.x*px + e.y*py; d < 1 {
				cover *= max(d, 0)
			}
		}
		r.y[i] += (r.ly + r.dly*px - r.y[i]) * cover
		r.cb[i] += (r.lb + r.dlb*px - r.cb[i]) * cover
		r.cr[i] += (r.lr + r.dl*px - r.cr[i]) * cover
	}
}

// span is the part of a row that lies at least so far inside all edges.
func span(cross []ramp, py, inside float32) (from, to int) {
	low, high := float32(0), float32(16)
	for i := range cross {
		e := &cross[i]
		d := e.at + e.y*py - inside
		switch {
		case e.x > 1e-6:
			low = max(low, -d/e.x)
		case e.x < -1e-6:
			high = min(high, -d/e.x)
		case d <= 0:
			return 0, 0
		}
	}
	// Inside counts whole pixels only, outside every pixel that is touched.
	from, to = int(min(low, 16)), int(max(high, 0))
	if inside > 0 && float32(from) < low {
		from++
	}
	if inside <= 0 && to < 16 {
		to++
	}
	return from, to
}

// stampOn burns the picture's id into the unit.
func (p *painter) stampOn(cv *canvas, x, y int) {
	for j := range 16 {
		for i := range 16 {
			ux, uy := p.turn.upright(float64(x+i)+0.5, float64(y+j)+0.5)
			c, alpha := p.stamp.at(ux, uy)
			if alpha == 0 {
				continue
			}
			k, v := j*16+i, c.ycc()
			cv.y[k] += (float32(v[0]) - cv.y[k]) * alpha
			cv.cb[k] += (float32(v[1]) - cv.cb[k]) * alpha
			cv.cr[k] += (float32(v[2]) - cv.cr[k]) * alpha
		}
	}
}

// write transforms and codes the unit, with the grain of its top face laid on.
func (p *painter) write(cv *canvas, top *face, x, y int) {
	var block [64]float32
	for j := range 2 {
		for i := range 2 {
			for row := range 8 {
				from := (8*j+row)*16 + 8*i
				copy(block[row*8:row*8+8], cv.y[from:from+8])
			}
			p.coded(0, 0, &block, p.pattern(top, x+8*i, y+8*j))
		}
	}
	halve(&cv.cb, &block)
	p.coded(1, 1, &block, nil)
	halve(&cv.cr, &block)
	p.coded(1, 2, &block, nil)
}

// halve takes the mean of each two by two pixels.
func halve(from *[256]float32, into *[64]float32) {
	for j := range 8 {
		for i := range 8 {
			k := j*32 + i*2
			into[j*8+i] = (from[k] + from[k+1] + from[k+16] + from[k+17]) / 4
		}
	}
}

func (p *painter) coded(chroma, part int, block *[64]float32, pat *pattern) {
	var q [64]int32
	p.film.quantise(chroma, block, &q)
	if pat != nil {
		for i := 3; i < 64; i++ {
			q[i] += int32(pat.coef[i])
		}
	}
	p.film.block(&p.out, chroma, p.last[part], &q)
	p.last[part] = q[0]
}
