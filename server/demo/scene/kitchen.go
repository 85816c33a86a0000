package scene

// The kitchen's measures in metres.
const (
	toeHigh   = 0.10
	baseHigh  = 0.86
	topThick  = 0.04
	baseDeep  = 0.58
	topDeep   = 0.62
	wallLow   = 1.48
	wallHigh  = 2.22
	wallDeep  = 0.35
	doorThick = 0.018
)

// kitchen lays a run of base cabinets with a worktop, tiles, hood and wall
// cabinets; the fault is put on the way.
func (s *set) kitchen(st style, fault Fault) {
	const units = 7
	wide := 0.58 + 0.06*s.rng.Float64()
	left := -wide * units / 2
	right := -left
	s.room(st, left-0.55, right+0.75)
	s.splash(st, left, right)
	hob := 3 + s.rng.IntN(2)
	sink := 1
	bad := 2 + s.rng.IntN(3)
	if bad >= hob-1 {
		bad = hob - 2
	}

	// Under the worktop.
	s.quad(material{base: colour{34, 32, 30}}, vec{left, 0, -baseDeep + 0.06}, vec{right - left, 0, 0}, vec{0, toeHigh, 0})
	s.veil(black, 0.42, 0, vec{left, 0.001, -baseDeep}, vec{right - left, 0, 0}, vec{0, 0, -0.35})
	s.box(st.front.mat, vec{left, toeHigh, -baseDeep}, vec{right, baseHigh, 0})
	for i := range units {
		at := vec{left + wide*float64(i), toeHigh, -baseDeep}
		switch {
		case i == hob:
			s.oven(st, at, wide)
		case i == 0 || i == units-1:
			for d := range 3 {
				high := (baseHigh - toeHigh) / 3
				s.door(st.front, st.front.mat, vec{at.x, at.y + high*float64(d), at.z}, wide, high, 0)
			}
		default:
			s.panel(st, fault, i == bad, at, wide, baseHigh-toeHigh, 2*(i%2)-1)
		}
	}
	s.worktop(st, fault, left, right)
	s.things(st, left, wide, hob, sink)

	// Above it.
	for i := range units {
		at := vec{left + wide*float64(i), wallLow, -wallDeep}
		if i == hob {
			s.hood(at, wide)
			continue
		}
		s.box(st.front.mat, at, vec{at.x + wide, wallHigh, 0})
		s.door(st.front, st.front.mat, at, wide, wallHigh-wallLow, 2*(i%2)-1)
	}
}

// panel lays a base door, or the faulty one.
func (s *set) panel(st style, fault Fault, bad bool, at vec, w, h float64, hinge int) {
	mat := st.front.mat
	if !bad {
		s.door(st.front, mat, at, w, h, hinge)
		return
	}
	if !s.spot.onTop {
		s.spot = spot{at: at, w: w, h: h, seam: 1, normal: vec{0, 0, -1}}
	}
	switch fault {
	case DoorColour:
		off := colour{-12, -20, -36}
		if mat.weave != plain || mat.base.b > mat.base.r {
			off = colour{30, 16, -6}
		}
		mat.base = mat.base.tint(off)
		s.door(st.front, mat, at, w, h, hinge)
	case DoorCrack:
		s.door(st.front, mat, at, w, h, hinge)
		s.crack(vec{at.x + w*0.28, at.y + h*0.93, at.z - doorThick - 0.001}, vec{w * 0.25, -h * 0.78, 0}, vec{0.05, 0, 0})
	case DoorWarp:
		s.warped(st, mat, at, w, h)
	default:
		s.door(st.front, mat, at, w, h, hinge)
	}
}

// warped lays a door whose free upper corner stands off the cabinet.
func (s *set) warped(st style, mat material, at vec, w, h float64) {
	z := at.z - doorThick
	s.quad(material{base: black}, at, vec{w, 0, 0}, vec{0, h, 0})
	const off = 0.075
	low, far := vec{at.x + 0.002, at.y + 0.002, z}, vec{at.x + w - 0.002, at.y + 0.002, z - 0.006}
	top, corner := vec{low.x, at.y + h - 0.002, z - 0.012}, vec{far.x + 0.012, at.y + h - 0.020, z - off}
	s.poly(mat, low, far, top)
	s.poly(mat, far, corner, top).shade = 0.90
	edge := mat
	edge.base = mat.base.times(0.62)
	s.poly(edge, far, vec{far.x, far.y, z + 0.016}, vec{far.x, at.y + h, z + 0.016}, corner)
	s.veil(black, 0.5, 0, vec{at.x + w, at.y, z - 0.001}, vec{0, h, 0}, vec{0.07, 0, 0})
	s.veil(colour{255, 252, 244}, 0.20, 0, top, corner.sub(top), vec{0, -0.22, 0})
	s.handle(st.front, vec{at.x, at.y, z - 0.02}, w, h, -1)
}

// splash lays the tiles between worktop and wall cabinets.
func (s *set) splash(st style, left, right float64) {
	low, high := baseHigh+topThick, wallLow
	s.quad(material{base: st.tile.base.times(0.8)}, vec{left, low, -0.008}, vec{right - left, 0, 0}, vec{0, high - low, 0})
	const rows = 3
	tall := (high - low) / rows
	const joint = 0.002
	wide := 0.3
	for r := range rows {
		y := low + tall*float64(r)
		for x := left - 0.15*float64(r%2); x < right; x += wide {
			from, to := max(x, left), min(x+wide, right)
			if to-from < 0.02 {
				continue
			}
			m := st.tile
			m.base = m.base.times(0.975 + 0.05*s.rng.Float64())
			s.quad(m, vec{from + joint, y + joint, -0.009}, vec{to - from - 2*joint, 0, 0}, vec{0, tall - 2*joint, 0})
		}
	}
	s.veil(black, 0.40, 0, vec{left, high, -0.010}, vec{right - left, 0, 0}, vec{0, -0.20, 0})
	s.veil(black, 0.22, 0, vec{left, low, -0.010}, vec{right - left, 0, 0}, vec{0, 0.08, 0})
}

// worktop lays the slab in two pieces; a fault of the top is put at the seam
// or across the second piece.
func (s *set) worktop(st style, fault Fault, left, right float64) {
	seam := left + (right-left)*0.42
	y := baseHigh + topThick
	one, two := st.top, st.top
	if fault == TopColour {
		two.base = two.base.tint(colour{-20, -28, -42})
		if two.base.r < 80 {
			two.base = st.top.base.tint(colour{34, 26, 14})
		}
	}
	s.quad(one, vec{left - 0.02, y, 0}, vec{seam - left + 0.02, 0, 0}, vec{0, 0, -topDeep}).shade = 1.04
	s.quad(two, vec{seam, y, 0}, vec{right - seam + 0.02, 0, 0}, vec{0, 0, -topDeep}).shade = 1.04
	s.quad(one, vec{left - 0.02, baseHigh, -topDeep}, vec{seam - left + 0.02, 0, 0}, vec{0, topThick, 0}).shade = 0.9
	s.quad(two, vec{seam, baseHigh, -topDeep}, vec{right - seam + 0.02, 0, 0}, vec{0, topThick, 0}).shade = 0.9
	s.quad(material{base: st.top.base.times(0.7)}, vec{seam, y + 0.0005, 0}, vec{0.0025, 0, 0}, vec{0, 0, -topDeep})
	s.veil(black, 0.45, 0, vec{left, baseHigh, -baseDeep - doorThick - 0.001}, vec{right - left, 0, 0}, vec{0, -0.07, 0})
	if fault == TopCrack || fault == TopColour {
		s.spot = spot{at: vec{seam - 0.42, y, -topDeep}, w: 0.6, h: topDeep, seam: 1, onTop: true, normal: vec{0, 1, 0}}
	}
	if fault == TopCrack {
		s.crack(vec{seam - 0.34, y + 0.001, -topDeep + 0.01}, vec{0.22, 0, 0.5}, vec{0.07, 0, -0.02})
	}
}

// oven lays a built-in oven below the hob.
func (s *set) oven(st style, at vec, wide float64) {
	high := baseHigh - toeHigh
	s.quad(material{base: black}, at, vec{wide, 0, 0}, vec{0, high, 0})
	glass := material{base: colour{30, 31, 34}, gloss: 0.8}
	z := at.z - 0.02
	s.quad(glass, vec{at.x + 0.004, at.y + 0.12, z}, vec{wide - 0.008, 0, 0}, vec{0, high - 0.125, 0})
	s.quad(st.front.mat, vec{at.x + 0.003, at.y + 0.003, z}, vec{wide - 0.006, 0, 0}, vec{0, 0.112, 0})
	steel := material{base: colour{150, 151, 153}, gloss: 0.7}
	s.quad(steel, vec{at.x + 0.004, at.y + high - 0.12, z - 0.001}, vec{wide - 0.008, 0, 0}, vec{0, 0.11, 0})
	s.bar(steel, vec{at.x + 0.05, at.y + high - 0.165, z - 0.03}, wide-0.1, 0.014)
	for i := range 3 {
		s.disc(material{base: colour{52, 52, 54}, gloss: 0.5}, vec{at.x + wide*(0.3+0.2*float64(i)), at.y + high - 0.065, z - 0.012}, 0.02)
	}
	s.veil(colour{255, 255, 255}, 0.16, 0, vec{at.x + 0.03, at.y + 0.15, z - 0.001}, vec{0, 0.35, 0}, vec{0.26, 0, 0})
}

// hood lays the extractor above the hob.
func (s *set) hood(at vec, wide float64) {
	steel := material{base: colour{168, 170, 172}, gloss: 0.6, coarse: 0.02, u: 2, v: 60}
	s.box(steel, vec{at.x + wide/2 - 0.13, at.y + 0.16, -0.27}, vec{at.x + wide/2 + 0.13, wallHigh + 0.5, 0})
	s.box(steel, vec{at.x + 0.01, at.y + 0.08, -0.48}, vec{at.x + wide - 0.01, at.y + 0.16, 0})
	s.quad(material{base: colour{255, 240, 205}, own: 0.96}, vec{at.x + 0.1, at.y + 0.079, -0.42}, vec{wide - 0.2, 0, 0}, vec{0, 0, 0.2})
}

// things lays what stands on a worktop: hob, tap, board, bowl of fruit.
func (s *set) things(st style, left, wide float64, hob, sink int) {
	y := baseHigh + topThick + 0.001
	x := left + wide*float64(hob)
	s.quad(material{base: colour{26, 26, 28}, gloss: 0.9}, vec{x + 0.03, y, -0.08}, vec{wide - 0.06, 0, 0}, vec{0, 0, -0.46})
	x = left + wide*float64(sink)
	steel := material{base: colour{176, 178, 180}, gloss: 0.8}
	s.quad(material{base: colour{116, 118, 120}, gloss: 0.5}, vec{x + 0.06, y, -0.10}, vec{wide - 0.1, 0, 0}, vec{0, 0, -0.38})
	s.quad(steel, vec{x + wide/2, y, -0.09}, vec{0.022, 0, 0}, vec{0, 0.30, 0})
	s.quad(steel, vec{x + wide/2 - 0.12, y + 0.29, -0.10}, vec{0.142, 0, 0}, vec{0, 0.018, 0})
	s.quad(steel, vec{x + wide/2 - 0.12, y + 0.22, -0.11}, vec{0.018, 0, 0}, vec{0, 0.08, 0})
	board := material{base: colour{190, 148, 98}, weave: upright, coarse: 0.07, u: 30, v: 2}
	x = left + wide*5.15
	s.veil(black, 0.3, 0, vec{x, y, -0.05}, vec{0.28, 0, 0}, vec{0, 0, -0.16})
	s.quad(board, vec{x, y, -0.09}, vec{0.26, 0, 0}, vec{0, 0.36, 0.05})
	x = left + wide*2.35
	s.veil(black, 0.35, 0.1, vec{x - 0.12, y, -0.20}, vec{0.26, 0, 0}, vec{0, 0, -0.12})
	for i, c := range []colour{{212, 120, 44}, {188, 60, 48}, {214, 168, 60}} {
		s.disc(material{base: c, gloss: 0.3}, vec{x - 0.06 + 0.055*float64(i), y + 0.08 + 0.02*float64(i%2), -0.25}, 0.042)
	}
	s.poly(material{base: colour{236, 234, 228}, gloss: 0.5}, vec{x - 0.13, y + 0.085, -0.26}, vec{x + 0.13, y + 0.085, -0.26}, vec{x + 0.06, y, -0.26}, vec{x - 0.06, y, -0.26})
	_ = st
}
