package scene

import "math"

// colour is red, green, blue from 0 to 255, already as a screen shows it.
type colour struct{ r, g, b float64 }

func (c colour) times(k float64) colour { return colour{c.r * k, c.g * k, c.b * k} }

func (c colour) tint(d colour) colour { return colour{c.r + d.r, c.g + d.g, c.b + d.b} }

func (c colour) over(under colour, alpha float64) colour {
	return colour{
		under.r + (c.r-under.r)*alpha,
		under.g + (c.g-under.g)*alpha,
		under.b + (c.b-under.b)*alpha,
	}
}

// material is what a surface is made of.
type material struct {
	base  colour
	weave weave
	// coarse is how much the brightness wanders over the surface, and u and v
	// how many times a metre, across and along.
	coarse, u, v float64
	gloss        float64 // strength of the soft reflection of the window
	own          float64 // light of its own, for lamps and windows: 1 for full
}

// face is one flat convex piece of the scene. Faces later in the list lie
// over earlier ones.
type face struct {
	corners []vec
	origin  vec
	du, dv  vec // unit vectors of the surface
	normal  vec
	mat     material
	seed    uint64
	shade   float64 // brightness by the way it looks

	// A veil is a shadow or a sheen: alpha at v = 0 and at v = fade metres.
	veil           bool
	alpha0, alpha1 float64
	fade           float64

	edges    []edge
	min, max point
}

// light is the room's: daylight from a window on the left and a lamp above.
type light struct {
	window vec
	lamp   vec
	warm   float64 // 0 for noon, 1 for evening
}

// at is the brightness of a place that looks along n.
func (l *light) at(p, n vec) float64 {
	d := l.window.sub(p)
	r2 := d.dot(d)
	day := max(d.dot(n), 0) / math.Sqrt(r2) * 7 / (r2 + 5)
	e := l.lamp.sub(p)
	s2 := e.dot(e)
	evening := max(e.dot(n), 0) / math.Sqrt(s2) * 4 / (s2 + 4)
	return 0.66 + 0.36*day + 0.30*evening
}

// hit gives where on the face a pixel's ray arrives.
func (f *face) hit(c *camera, px, py float64) vec {
	ray := c.ray(px, py)
	down := ray.dot(f.normal)
	if math.Abs(down) < 1e-12 {
		return f.origin
	}
	return c.eye.add(ray.times(f.origin.sub(c.eye).dot(f.normal) / down))
}

// colour is what the face adds at a pixel, and how much it covers.
func (f *face) colour(c *camera, l *light, px, py float64) (colour, float64) {
	p := f.hit(c, px, py)
	d := p.sub(f.origin)
	u, v := d.dot(f.du), d.dot(f.dv)
	if f.veil {
		k := clamp(v/f.fade, 0, 1)
		k = k * k * (3 - 2*k)
		return f.mat.base, f.alpha0 + (f.alpha1-f.alpha0)*k
	}
	if f.mat.own > 0 {
		return f.mat.base.times(f.mat.own), 1
	}
	n := f.normal
	if n.dot(c.eye.sub(p)) < 0 {
		n = n.times(-1)
	}
	bright := l.at(p, n) * f.shade
	if m := &f.mat; m.coarse > 0 {
		// What is finer than a block of the picture is left to the grain.
		block := 8 * math.Sqrt(c.eye.sub(p).dot(c.eye.sub(p))) / c.focal
		bright *= 1 + m.coarse*clamp(1.5-max(m.u, m.v)*block*2, 0, 1)*f.texture(u, v)
	}
	col := f.mat.base.times(bright)
	if f.mat.gloss > 0 {
		view := c.eye.sub(p).unit()
		half := view.add(l.window.sub(p).unit()).unit()
		if k := half.dot(n); k > 0.75 { // below it nothing is left of the reflection
			k *= k * k
			k *= k
			k *= k
			s := k * k * f.mat.gloss // to the power of 24
			col = col.tint(colour{110 * s, 112 * s, 116 * s})
		}
	}
	return colour{col.r * (1 + 0.05*l.warm), col.g, col.b * (1 - 0.09*l.warm)}, 1
}

// texture is how the brightness wanders over the surface, between about -1.5
// and 1.5.
func (f *face) texture(u, v float64) float64 {
	m := &f.mat
	return noise(u*m.u, v*m.v, f.seed) + 0.5*noise(u*m.u*2.7, v*m.v*2.3, f.seed+1)
}
