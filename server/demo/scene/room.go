package scene

import "math/rand/v2"

// style is the taste of one household, drawn from the seed.
type style struct {
	front front
	top   material
	wall  material
	floor material
	tile  material
}

// newStyle draws a household's materials.
func newStyle(rng *rand.Rand) style {
	fronts := []material{
		{base: colour{226, 221, 208}, gloss: 0.20, coarse: 0.008, u: 3, v: 3},
		{base: colour{151, 166, 142}, gloss: 0.14, coarse: 0.008, u: 3, v: 3},
		{base: colour{146, 101, 66}, weave: upright, gloss: 0.08, coarse: 0.075, u: 34, v: 1.3},
		{base: colour{199, 162, 114}, weave: upright, gloss: 0.08, coarse: 0.055, u: 30, v: 1.1},
		{base: colour{66, 82, 102}, gloss: 0.20, coarse: 0.008, u: 3, v: 3},
		{base: colour{188, 190, 190}, gloss: 0.24, coarse: 0.008, u: 3, v: 3},
		{base: colour{205, 186, 166}, gloss: 0.18, coarse: 0.008, u: 3, v: 3},
		{base: colour{110, 76, 54}, weave: upright, gloss: 0.10, coarse: 0.085, u: 38, v: 1.4},
	}
	tops := []material{
		{base: colour{222, 221, 216}, gloss: 0.45, coarse: 0.035, u: 24, v: 24},
		{base: colour{62, 61, 63}, gloss: 0.55, coarse: 0.10, u: 70, v: 70},
		{base: colour{168, 158, 146}, gloss: 0.40, coarse: 0.05, u: 34, v: 34},
	}
	walls := []colour{{226, 221, 211}, {214, 216, 214}, {222, 212, 196}, {203, 211, 208}}
	floors := []material{
		{base: colour{172, 136, 98}, weave: level, gloss: 0.10, coarse: 0.07, u: 1.2, v: 26},
		{base: colour{142, 108, 78}, weave: level, gloss: 0.10, coarse: 0.08, u: 1.2, v: 26},
		{base: colour{176, 172, 166}, gloss: 0.22, coarse: 0.03, u: 8, v: 8},
	}
	tiles := []colour{{232, 230, 224}, {206, 216, 214}, {221, 209, 190}, {190, 198, 204}}
	metals := []colour{{120, 120, 122}, {58, 56, 54}, {158, 132, 88}}
	st := style{
		front: front{mat: fronts[rng.IntN(len(fronts))], shaker: rng.IntN(2) == 0, metal: metals[rng.IntN(len(metals))], knob: rng.IntN(4) == 0},
		top:   tops[rng.IntN(len(tops))],
		wall:  material{base: walls[rng.IntN(len(walls))], coarse: 0.012, u: 2, v: 2},
		floor: floors[rng.IntN(len(floors))],
		tile:  material{base: tiles[rng.IntN(len(tiles))], gloss: 0.35, coarse: 0.01, u: 3, v: 3},
	}
	return st
}

// room lays walls, ceiling, window and floor.
func (s *set) room(st style, left, right float64) {
	const back, high = -6.0, 2.75
	s.quad(st.wall, vec{left, 0, 0}, vec{right - left, 0, 0}, vec{0, high, 0})
	ceiling := material{base: colour{232, 230, 226}}
	s.quad(ceiling, vec{left, high, 0}, vec{right - left, 0, 0}, vec{0, 0, back}).shade = 0.92
	s.quad(st.wall, vec{left, 0, 0}, vec{0, 0, back}, vec{0, high, 0}).shade = 0.86
	s.quad(st.wall, vec{right, 0, 0}, vec{0, 0, back}, vec{0, high, 0}).shade = 0.94
	s.window(left)
	s.floor(st, left, right, back)
	// Where walls meet it is darker.
	s.veil(black, 0.22, 0, vec{left, 0, -0.001}, vec{0, high, 0}, vec{0.45, 0, 0})
	s.veil(black, 0.16, 0, vec{right, 0, -0.001}, vec{0, high, 0}, vec{-0.4, 0, 0})
	s.veil(black, 0.14, 0, vec{left, high, -0.001}, vec{right - left, 0, 0}, vec{0, -0.3, 0})
	skirting := material{base: colour{238, 236, 230}}
	s.quad(skirting, vec{left, 0, -0.012}, vec{right - left, 0, 0}, vec{0, 0.08, 0})
}

// window lays a bright window into the left wall.
func (s *set) window(left float64) {
	x := left + 0.002
	frame := material{base: colour{240, 238, 234}}
	s.quad(frame, vec{x, 0.95, -1.0}, vec{0, 0, -1.3}, vec{0, 1.25, 0})
	sky := material{base: colour{228, 240, 250}, own: 1}
	for i := range 2 {
		z := -1.06 - 0.62*float64(i)
		s.quad(sky, vec{x, 1.01, z}, vec{0, 0, -0.56}, vec{0, 1.13, 0})
	}
}

func (s *set) floor(st style, left, right, back float64) {
	if st.floor.weave == plain {
		s.quad(material{base: st.floor.base.times(0.72)}, vec{left, 0, 0}, vec{right - left, 0, 0}, vec{0, 0, back})
		const size, joint = 0.6, 0.006
		for x := left; x < right; x += size {
			for z := 0.0; z > back; z -= size {
				m := st.floor
				m.base = m.base.times(0.98 + 0.04*s.rng.Float64())
				s.quad(m, vec{x + joint, 0, z - joint}, vec{size - 2*joint, 0, 0}, vec{0, 0, 2*joint - size})
			}
		}
		return
	}
	const plank = 0.3
	for z := 0.0; z > back; z -= plank {
		for x := left - 1.2*s.rng.Float64(); x < right; x += 1.2 {
			m := st.floor
			m.base = m.base.times(0.93 + 0.14*s.rng.Float64())
			s.quad(m, vec{x, 0, z}, vec{1.2, 0, 0}, vec{0, 0, -plank})
		}
		s.quad(material{base: st.floor.base.times(0.6)}, vec{left, 0.0005, z}, vec{right - left, 0, 0}, vec{0, 0, -0.003})
	}
}
