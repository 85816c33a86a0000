package scene

import (
	"math"
	"math/rand/v2"
)

// set is a room while it is being built: faces from back to front, and the
// panel that the close-up looks at.
type set struct {
	rng   *rand.Rand
	faces []face
	light light
	spot  spot
}

// spot is where the fault is: the panel's lower left corner and its size.
type spot struct {
	at     vec
	w, h   float64
	seam   float64 // -1 or 1: on which side the sound neighbour is
	onTop  bool    // the fault is in the worktop
	normal vec
}

// quad lays a rectangle from a corner along two sides.
func (s *set) quad(mat material, at, a, b vec) *face {
	return s.poly(mat, at, at.add(a), at.add(a).add(b), at.add(b))
}

// poly lays a convex polygon; its first side and the turn after it give the
// directions of its texture.
func (s *set) poly(mat material, corners ...vec) *face {
	a, b := corners[1].sub(corners[0]), corners[len(corners)-1].sub(corners[0])
	n := a.cross(b).unit()
	du := a.unit()
	dv := n.cross(du)
	if dv.dot(b) < 0 {
		dv = dv.times(-1)
	}
	s.faces = append(s.faces, face{
		corners: corners, origin: corners[0], du: du, dv: dv, normal: n,
		mat: mat, seed: s.rng.Uint64(), shade: 1,
	})
	return &s.faces[len(s.faces)-1]
}

// veil lays a shadow (or a sheen) that fades along b.
func (s *set) veil(c colour, alpha0, alpha1 float64, at, a, b vec) {
	f := s.quad(material{base: c}, at, a, b)
	f.veil, f.alpha0, f.alpha1, f.fade = true, alpha0, alpha1, math.Sqrt(b.dot(b))
}

// box lays the front, the top and the sides of a cuboid as seen from the front
// and from above; sides are darker.
func (s *set) box(mat material, from, to vec) {
	w, h, d := to.x-from.x, to.y-from.y, to.z-from.z
	side := mat
	s.quad(side, from, vec{0, 0, d}, vec{0, h, 0}).shade = 0.86
	s.quad(side, vec{to.x, from.y, from.z}, vec{0, 0, d}, vec{0, h, 0}).shade = 0.8
	top := mat
	if top.weave == upright {
		top.weave = level
	}
	s.quad(top, vec{from.x, to.y, from.z}, vec{w, 0, 0}, vec{0, 0, d}).shade = 1.06
	s.quad(mat, from, vec{w, 0, 0}, vec{0, h, 0})
}

// disc lays a polygon that passes for a circle, facing the viewer.
func (s *set) disc(mat material, at vec, r float64) {
	const n = 8
	var corners []vec
	for i := range n {
		sin, cos := math.Sincos(2 * math.Pi * (float64(i) + 0.5) / n)
		corners = append(corners, at.add(vec{r * cos, r * sin, 0}))
	}
	s.poly(mat, corners...)
}

var black = colour{12, 11, 10}

// front is the style of all doors of a room.
type front struct {
	mat    material
	shaker bool
	metal  colour
	knob   bool
}

// door lays one door or drawer front of the given size at z, with its gap,
// its edges and its handle. hinge is -1 for left, 1 for right, 0 for a drawer.
func (s *set) door(st front, mat material, at vec, w, h float64, hinge int) {
	const gap = 0.002
	s.quad(material{base: black}, at, vec{w, 0, 0}, vec{0, h, 0})
	at = vec{at.x + gap, at.y + gap, at.z - 0.018}
	w, h = w-2*gap, h-2*gap
	s.quad(mat, at, vec{w, 0, 0}, vec{0, h, 0})
	light, dark := mat, mat
	light.base, dark.base = mat.base.times(1.14), mat.base.times(0.74)
	light.coarse, dark.coarse = 0, 0
	const rim = 0.0025
	s.quad(light, vec{at.x, at.y + h - rim, at.z}, vec{w, 0, 0}, vec{0, rim, 0})
	s.quad(dark, at, vec{w, 0, 0}, vec{0, rim, 0})
	s.quad(dark, vec{at.x + w - rim, at.y, at.z}, vec{rim, 0, 0}, vec{0, h, 0})
	if st.shaker && h > 0.25 {
		s.recess(mat, light, dark, at, w, h)
	}
	s.handle(st, at, w, h, hinge)
}

// recess lays the sunken field of a framed door.
func (s *set) recess(mat, light, dark material, at vec, w, h float64) {
	frame := min(0.07, w/5)
	in := vec{at.x + frame, at.y + frame, at.z}
	iw, ih := w-2*frame, h-2*frame
	field := mat
	field.base = mat.base.times(0.965)
	s.quad(field, in, vec{iw, 0, 0}, vec{0, ih, 0})
	s.veil(black, 0.30, 0, vec{in.x, in.y + ih, in.z}, vec{iw, 0, 0}, vec{0, -0.02, 0})
	s.veil(black, 0.22, 0, in, vec{0, ih, 0}, vec{0.016, 0, 0})
	const rim = 0.003
	s.quad(light, in, vec{iw, 0, 0}, vec{0, rim, 0})
	s.quad(light, vec{in.x + iw - rim, in.y, in.z}, vec{rim, 0, 0}, vec{0, ih, 0})
	s.quad(dark, vec{in.x, in.y + ih - rim, in.z}, vec{iw, 0, 0}, vec{0, rim, 0})
}

// handle lays a bar or a knob with its shadow.
func (s *set) handle(st front, at vec, w, h float64, hinge int) {
	metal := material{base: st.metal, gloss: 0.9}
	z := at.z - 0.03
	switch {
	case hinge == 0:
		length := min(0.32, w*0.6)
		x, y := at.x+(w-length)/2, at.y+h-0.055
		s.veil(black, 0.36, 0, vec{x + 0.004, y, at.z}, vec{length, 0, 0}, vec{0, -0.022, 0})
		s.bar(metal, vec{x, y, z}, length, 0.011)
	case st.knob:
		x := at.x + 0.045
		if hinge < 0 {
			x = at.x + w - 0.045
		}
		y := at.y + h/2
		s.veil(black, 0.4, 0, vec{x - 0.016, y - 0.004, at.z}, vec{0.034, 0, 0}, vec{0, -0.03, 0})
		s.disc(metal, vec{x, y, z}, 0.016)
		metal.base = metal.base.times(1.25)
		s.disc(metal, vec{x - 0.003, y + 0.004, z - 0.001}, 0.008)
	default:
		length := min(0.30, h*0.5)
		x := at.x + 0.05
		if hinge < 0 {
			x = at.x + w - 0.06
		}
		y := at.y + h - length - 0.08
		if at.y > 1.2 {
			y = at.y + 0.08
		}
		s.veil(black, 0.36, 0, vec{x + 0.010, y - 0.006, at.z}, vec{0, length, 0}, vec{0.02, 0, 0})
		s.quad(metal, vec{x, y, z}, vec{0.011, 0, 0}, vec{0, length, 0})
		metal.base = metal.base.times(1.3)
		s.quad(metal, vec{x + 0.002, y, z}, vec{0.003, 0, 0}, vec{0, length, 0})
	}
}

func (s *set) bar(metal material, at vec, length, thick float64) {
	s.quad(metal, at, vec{length, 0, 0}, vec{0, thick, 0})
	metal.base = metal.base.times(1.3)
	s.quad(metal, vec{at.x, at.y + thick*0.6, at.z}, vec{length, 0, 0}, vec{0, thick * 0.25, 0})
}

// crack lays a jagged line over a surface, a little light beside the dark.
func (s *set) crack(at, along, aside vec) {
	const steps = 26
	p := at
	side := aside.unit()
	step := along.times(1.0 / steps)
	lean := 0.0
	for i := range steps {
		lean = clamp(lean+(s.rng.Float64()-0.5)*0.014, -0.012, 0.012)
		q := at.add(step.times(float64(i + 1))).add(aside.times(0.5 + noise(float64(i)*0.3, 0, 77)*0.5)).add(side.times(lean))
		k := float64(i) / steps
		thick := 0.0012 + 0.0035*math.Sin(math.Pi*math.Min(k+0.1, 1))
		s.poly(material{base: colour{38, 30, 25}}, p, q, q.add(side.times(thick)), p.add(side.times(thick)))
		s.poly(material{base: colour{236, 228, 214}}, p.add(side.times(thick)), q.add(side.times(thick)),
			q.add(side.times(thick*1.4)), p.add(side.times(thick*1.4)))
		p = q
	}
}
