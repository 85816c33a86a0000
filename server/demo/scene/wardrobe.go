package scene

// wardrobe lays a bedroom wall with a wardrobe of five tall doors and an open
// niche; the faulty door is one in the middle.
func (s *set) wardrobe(st style, fault Fault) {
	const doors = 5
	wide := 0.46 + 0.05*s.rng.Float64()
	left := -wide * (doors + 1.2) / 2
	right := left + wide*doors
	end := right + wide*1.2
	const low, high, deep = 0.08, 2.36, 0.60
	s.room(st, left-0.7, end+1.1)
	s.veil(black, 0.40, 0, vec{left, 0.001, -deep}, vec{end - left, 0, 0}, vec{0, 0, -0.4})
	s.box(st.front.mat, vec{left, 0, -deep + 0.02}, vec{end, high, 0})
	s.quad(material{base: st.front.mat.base.times(0.5)}, vec{left, 0, -deep + 0.019}, vec{end - left, 0, 0}, vec{0, low, 0})
	s.niche(st, vec{right, low, -deep}, wide*1.2, high-low)
	bad := 1 + s.rng.IntN(3)
	for i := range doors {
		at := vec{left + wide*float64(i), low, -deep}
		s.panel(st, fault, i == bad, at, wide, high-low, 2*(i%2)-1)
	}
	s.lamp(end+0.55, -0.4)
	s.rug(st)
}

// niche lays the open part with shelves, folded clothes and a rail.
func (s *set) niche(st style, at vec, w, h float64) {
	inside := st.front.mat
	inside.base = inside.base.times(0.62)
	s.quad(inside, vec{at.x, at.y, -0.05}, vec{w, 0, 0}, vec{0, h, 0})
	s.quad(inside, at, vec{0, 0, 0.55}, vec{0, h, 0}).shade = 0.8
	s.quad(inside, vec{at.x + w, at.y, at.z}, vec{0, 0, 0.55}, vec{0, h, 0}).shade = 0.9
	s.veil(black, 0.45, 0.1, vec{at.x, at.y + h, -0.06}, vec{w, 0, 0}, vec{0, -h, 0})
	cloth := []colour{{120, 136, 158}, {196, 180, 160}, {164, 96, 84}, {222, 218, 210}, {98, 112, 98}}
	levels := []float64{0.02, 0.52, 0.86, 1.20}
	for n, y := range levels {
		s.box(st.front.mat, vec{at.x, at.y + y, at.z + 0.02}, vec{at.x + w, at.y + y + 0.022, -0.05})
		base := at.y + y + 0.022
		for k := range 3 + n%2 {
			c := cloth[s.rng.IntN(len(cloth))]
			m := material{base: c, coarse: 0.05, u: 20, v: 60}
			top := base + 0.055*float64(k)
			s.box(m, vec{at.x + 0.06 + 0.02*s.rng.Float64(), top, at.z + 0.12}, vec{at.x + w - 0.16, top + 0.05, -0.12})
		}
	}
	rail := at.y + 2.05
	s.quad(material{base: colour{170, 170, 172}, gloss: 0.8}, vec{at.x, rail, at.z + 0.25}, vec{w, 0, 0}, vec{0, 0.02, 0})
	for k := range 6 {
		m := material{base: cloth[s.rng.IntN(len(cloth))], coarse: 0.08, u: 40, v: 2, weave: upright}
		x := at.x + 0.05 + (w-0.14)/6*float64(k)
		s.poly(m, vec{x, rail - 0.62, at.z + 0.2}, vec{x + 0.075, rail - 0.62, at.z + 0.2}, vec{x + 0.07, rail - 0.06, at.z + 0.22}, vec{x + 0.02, rail - 0.04, at.z + 0.22})
	}
}

// lamp lays a standing lamp with the light it throws on the wall.
func (s *set) lamp(x, z float64) {
	s.veil(colour{255, 226, 170}, 0.30, 0, vec{x - 0.45, 1.5, -0.003}, vec{0.9, 0, 0}, vec{0, 1.0, 0})
	s.quad(material{base: colour{60, 56, 52}}, vec{x - 0.01, 0, z}, vec{0.02, 0, 0}, vec{0, 1.42, 0})
	s.quad(material{base: colour{60, 56, 52}}, vec{x - 0.14, 0, z}, vec{0.28, 0, 0}, vec{0, 0.02, 0})
	s.poly(material{base: colour{255, 232, 190}, own: 0.98},
		vec{x - 0.19, 1.40, z}, vec{x + 0.19, 1.40, z}, vec{x + 0.12, 1.70, z}, vec{x - 0.12, 1.70, z})
}

func (s *set) rug(st style) {
	m := material{base: colour{188, 178, 164}, coarse: 0.05, u: 9, v: 9}
	if st.floor.base.r > 175 {
		m.base = colour{128, 120, 112}
	}
	s.quad(m, vec{-1.1, 0.002, -1.25}, vec{2.2, 0, 0}, vec{0, 0, -1.3})
	rim := material{base: m.base.times(0.8), coarse: 0.05, u: 9, v: 9}
	s.quad(rim, vec{-1.1, 0.003, -1.25}, vec{2.2, 0, 0}, vec{0, 0, -0.05})
}
