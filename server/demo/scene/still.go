package scene

// tape lays a measuring tape across the faulty panel.
func (s *set) tape() {
	yellow := material{base: colour{236, 196, 52}, gloss: 0.3}
	ink := material{base: colour{28, 26, 24}}
	red := material{base: colour{196, 40, 34}}
	at, along, up := vec{s.spot.at.x + 0.05, s.spot.at.y + s.spot.h*0.55, s.spot.at.z - doorThick - 0.004}, vec{1, 0, 0}, vec{0, 1, 0}
	if s.spot.onTop {
		at, up = s.spot.at.add(vec{0.02, 0.003, s.spot.h * 0.3}), vec{0, 0, 1}
	}
	s.veil(black, 0.35, 0, at.sub(up.times(0.006)), along.times(0.8), up.times(-0.014))
	s.quad(yellow, at, along.times(0.8), up.times(0.025))
	for mm := 5; mm < 800; mm += 5 {
		long, m := 0.006, ink
		if mm%10 == 0 {
			long = 0.011
		}
		if mm%100 == 0 {
			long, m = 0.025, red
		}
		s.quad(m, at.add(along.times(float64(mm)/1000)).sub(vec{0, 0, 0.0005}), along.times(0.0011), up.times(long))
	}
}

// table lays a worktop seen from above with a paper or a plate on it.
func (s *set) table(st style, v View, w, h int) *camera {
	s.quad(st.top, vec{-2, 0, -2}, vec{4, 0, 0}, vec{0, 0, 4})
	ink := material{base: colour{52, 54, 66}}
	pale := material{base: colour{150, 152, 160}}
	switch v {
	case Nameplate:
		steel := material{base: colour{186, 188, 190}, weave: level, coarse: 0.05, u: 3, v: 200, gloss: 0.5}
		s.veil(black, 0.5, 0, vec{-0.17, 0.001, -0.105}, vec{0.36, 0, 0}, vec{0, 0, -0.02})
		s.quad(steel, vec{-0.17, 0.002, -0.10}, vec{0.34, 0, 0}, vec{0, 0, 0.20})
		s.lines(ink, vec{-0.14, 0.003, 0.06}, 0.26, 5, 0.012, 0.032)
	case OldPart:
		brass := material{base: colour{170, 150, 104}, gloss: 0.8}
		for i := range 3 {
			x := -0.12 + 0.12*float64(i)
			s.veil(black, 0.5, 0, vec{x - 0.03, 0.001, -0.08}, vec{0.07, 0, 0}, vec{0, 0, -0.02})
			s.box(brass, vec{x - 0.03, 0, -0.08}, vec{x + 0.03, 0.02, 0.10})
			s.box(material{base: colour{120, 122, 126}, gloss: 0.7}, vec{x - 0.012, 0.02, -0.02}, vec{x + 0.012, 0.035, 0.07})
		}
	default:
		paper := material{base: colour{240, 236, 224}, coarse: 0.012, u: 20, v: 20}
		s.veil(black, 0.4, 0, vec{-0.10, 0.001, -0.155}, vec{0.22, 0, 0}, vec{0, 0, -0.02})
		s.quad(paper, vec{-0.11, 0.002, -0.15}, vec{0.22, 0, 0}, vec{0, 0, 0.30})
		s.quad(material{base: colour{186, 52, 44}}, vec{-0.07, 0.003, 0.105}, vec{0.14, 0, 0}, vec{0, 0, 0.016})
		s.lines(pale, vec{-0.09, 0.003, 0.07}, 0.18, 7, 0.002, 0.026)
		s.lines(ink, vec{-0.085, 0.0035, 0.075}, 0.15, 7, 0.009, 0.026)
	}
	return aim(vec{0.02, 0.42, -0.14}, vec{0, 0, 0}, 58, w, h)
}

// lines lays rows of short strokes that pass for writing.
func (s *set) lines(ink material, at vec, width float64, rows int, thick, apart float64) {
	for r := range rows {
		z := at.z - apart*float64(r)
		if thick < 0.004 {
			s.quad(ink, vec{at.x, at.y, z}, vec{width, 0, 0}, vec{0, 0, thick})
			continue
		}
		for x := 0.0; x < width*(0.55+0.4*s.rng.Float64()); {
			w := thick * (0.5 + 0.9*s.rng.Float64())
			s.quad(ink, vec{at.x + x, at.y, z}, vec{w, 0, 0}, vec{0, 0, thick * (0.2 + 0.5*s.rng.Float64())})
			x += w + thick*0.35
		}
	}
}

// entrance lays a front door with its mat.
func (s *set) entrance(st style, w, h int) *camera {
	s.room(st, -1.6, 1.7)
	leaf := material{base: colour{104, 70, 48}, weave: upright, gloss: 0.14, coarse: 0.09, u: 30, v: 1.2}
	frame := material{base: colour{74, 50, 36}}
	s.quad(frame, vec{-0.56, 0, -0.02}, vec{1.12, 0, 0}, vec{0, 2.18, 0})
	s.door(front{mat: leaf, shaker: true, metal: colour{160, 140, 96}}, leaf, vec{-0.48, 0.02, -0.03}, 0.96, 2.08, 1)
	s.veil(black, 0.4, 0, vec{-0.56, 0.001, -0.03}, vec{1.12, 0, 0}, vec{0, 0, -0.3})
	s.quad(material{base: colour{120, 60, 52}, coarse: 0.12, u: 80, v: 80}, vec{-0.45, 0.002, -0.25}, vec{0.9, 0, 0}, vec{0, 0, -0.55})
	s.quad(material{base: colour{214, 60, 48}}, vec{-0.16, 1.5, -0.06}, vec{0.32, 0, 0}, vec{0, 0.32, 0})
	return aim(vec{0.25, 1.5, -3.2}, vec{0, 1.1, 0}, 62, w, h)
}

// empty lays the bare wall with the goods still in their boxes.
func (s *set) empty(st style, w, h int) *camera {
	s.room(st, -2.3, 2.4)
	card := material{base: colour{178, 140, 96}, coarse: 0.04, u: 10, v: 40}
	tape := material{base: colour{206, 180, 130}, gloss: 0.3}
	for i := range 4 {
		x := -1.5 + 0.72*float64(i)
		tall := 0.5 + 0.5*s.rng.Float64()
		s.veil(black, 0.45, 0, vec{x, 0.001, -0.9}, vec{0.6, 0, 0}, vec{0, 0, -0.25})
		s.box(card, vec{x, 0, -0.9}, vec{x + 0.6, tall, -0.4})
		s.quad(tape, vec{x, tall * 0.5, -0.901}, vec{0.6, 0, 0}, vec{0, 0.05, 0})
	}
	pipe := material{base: colour{196, 198, 200}, gloss: 0.6}
	for i := range 2 {
		s.disc(pipe, vec{1.2 + 0.14*float64(i), 0.55, -0.02}, 0.025)
	}
	return aim(vec{0.4, 1.5, -3.9}, vec{0, 1.1, 0}, 62, w, h)
}
