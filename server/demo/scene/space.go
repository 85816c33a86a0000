package scene

import "math"

// vec is a point or a direction in metres: x to the right, y up, z away from
// the viewer, the back wall at z = 0.
type vec struct{ x, y, z float64 }

func (a vec) add(b vec) vec              { return vec{a.x + b.x, a.y + b.y, a.z + b.z} }
func (a vec) sub(b vec) vec              { return vec{a.x - b.x, a.y - b.y, a.z - b.z} }
func (a vec) times(k float64) vec        { return vec{a.x * k, a.y * k, a.z * k} }
func (a vec) dot(b vec) float64          { return a.x*b.x + a.y*b.y + a.z*b.z }
func (a vec) cross(b vec) vec            { return vec{a.y*b.z - a.z*b.y, a.z*b.x - a.x*b.z, a.x*b.y - a.y*b.x} }
func (a vec) unit() vec                  { return a.times(1 / math.Sqrt(a.dot(a))) }
func mix(a, b vec, k float64) vec        { return a.add(b.sub(a).times(k)) }
func clamp(v, low, high float64) float64 { return max(low, min(v, high)) }

// camera looks from eye to target. Pixels count from the top left of the
// upright picture.
type camera struct {
	eye                vec
	right, up, forward vec
	focal, cx, cy      float64
}

// aim makes the camera of a picture of the given size; wide is the angle of
// view across the longer side, in degrees.
func aim(eye, target vec, wide float64, width, height int) *camera {
	c := &camera{eye: eye, cx: float64(width) / 2, cy: float64(height) / 2}
	c.forward = target.sub(eye).unit()
	c.right = vec{0, 1, 0}.cross(c.forward).unit()
	c.up = c.forward.cross(c.right)
	c.focal = float64(max(width, height)) / 2 / math.Tan(wide/2*math.Pi/180)
	return c
}

// ray is the direction through a pixel, not of unit length.
func (c *camera) ray(px, py float64) vec {
	return c.forward.times(c.focal).add(c.right.times(px - c.cx)).add(c.up.times(c.cy - py))
}

// point is a place in the picture.
type point struct{ x, y float64 }

// project gives the outline of a polygon in the picture, cut off at what lies
// behind the camera; nil where nothing is left.
func (c *camera) project(corners []vec) []point {
	const near = 0.05
	local := make([]vec, 0, len(corners)+2)
	for i, p := range corners {
		a, b := c.local(p), c.local(corners[(i+1)%len(corners)])
		if a.z >= near {
			local = append(local, a)
		}
		if (a.z >= near) != (b.z >= near) {
			local = append(local, mix(a, b, (near-a.z)/(b.z-a.z)))
		}
	}
	if len(local) < 3 {
		return nil
	}
	out := make([]point, len(local))
	for i, p := range local {
		out[i] = point{c.cx + c.focal*p.x/p.z, c.cy - c.focal*p.y/p.z}
	}
	return out
}

func (c *camera) local(p vec) vec {
	d := p.sub(c.eye)
	return vec{d.dot(c.right), d.dot(c.up), d.dot(c.forward)}
}

// edge is a line of an outline; dist is how far inside a pixel lies.
type edge struct{ a, b, c float64 }

func (e edge) dist(x, y float64) float64 { return e.a*x + e.b*y + e.c }

// outline turns a convex polygon into edges whose inside is positive,
// whichever way round it runs; nil for one without area.
func outline(pts []point) []edge {
	area := 0.0
	for i, p := range pts {
		q := pts[(i+1)%len(pts)]
		area += p.x*q.y - q.x*p.y
	}
	if math.Abs(area) < 0.02 {
		return nil
	}
	edges := make([]edge, 0, len(pts))
	for i, p := range pts {
		q := pts[(i+1)%len(pts)]
		dx, dy := q.x-p.x, q.y-p.y
		length := math.Hypot(dx, dy)
		if length < 1e-9 {
			continue
		}
		if area < 0 {
			length = -length
		}
		e := edge{a: -dy / length, b: dx / length}
		e.c = -(e.a*p.x + e.b*p.y)
		edges = append(edges, e)
	}
	return edges
}

// hash spreads two whole numbers and a seed over 0 ≤ h < 1.
func hash(x, y int64, seed uint64) float64 {
	h := uint64(x)*0x9e3779b97f4a7c15 ^ uint64(y)*0xc2b2ae3d27d4eb4f ^ seed*0x165667b19e3779f9
	h ^= h >> 29
	h *= 0xbf58476d1ce4e5b9
	h ^= h >> 32
	return float64(h>>11) / (1 << 53)
}

// noise is smooth value noise between -1 and 1.
func noise(x, y float64, seed uint64) float64 {
	fx, fy := math.Floor(x), math.Floor(y)
	ix, iy := int64(fx), int64(fy)
	x, y = x-fx, y-fy
	x, y = x*x*(3-2*x), y*y*(3-2*y)
	top := hash(ix, iy, seed)*(1-x) + hash(ix+1, iy, seed)*x
	low := hash(ix, iy+1, seed)*(1-x) + hash(ix+1, iy+1, seed)*x
	return 2*(top*(1-y)+low*y) - 1
}
