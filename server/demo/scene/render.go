package scene

import (
	"math"
	"math/rand/v2"
	"time"
)

// Fault is what is wrong with the furniture in a picture; the names are those
// of the schema's defect classes.
type Fault string

// The faults that can be drawn. The zero value is a sound room.
const (
	Sound      Fault = ""
	DoorColour Fault = "door_colour"
	DoorCrack  Fault = "door_crack"
	DoorWarp   Fault = "door_warp"
	TopCrack   Fault = "top_crack"
	TopColour  Fault = "top_colour"
)

// View is where the camera stands; the names are those of the schema's photo
// roles. Any other role is drawn as the full view.
type View string

// The views that differ.
const (
	Full      View = "full"
	Close     View = "close"
	Compare   View = "compare"
	Scale     View = "scale"
	Before    View = "before"
	After     View = "after"
	Nameplate View = "nameplate"
	Receipt   View = "receipt"
	OldPart   View = "oldpart"
	Entrance  View = "entrance"
)

// Spec says all about one picture. Two pictures of one Seed show the same
// room.
type Spec struct {
	Seed        uint64
	ID          string // burned into the lower left corner, ASCII
	Bedroom     bool   // a wardrobe instead of a kitchen
	Fault       Fault
	View        View
	Width       int // of the file; the upright picture is turned by Orientation
	Height      int
	Orientation int // EXIF: 1, 3, 6 or 8; others count as 1
	Taken       time.Time
	Model       string // of the phone
}

// Studio holds the tables that all pictures share. It is immutable and safe
// for concurrent use.
type Studio struct {
	fine  *film // twelve megapixels, 3 to 5 MB
	small *film // for the ordinary month
	tiny  *film // previews of at most 32 KiB
}

// NewStudio builds the tables, in a few milliseconds.
func NewStudio() *Studio {
	return &Studio{fine: newFilm(93, 26), small: newFilm(86, 6), tiny: newFilm(70, 0.8)}
}

// Photo draws a picture and gives the bytes of its JPEG file.
func (st *Studio) Photo(spec Spec) []byte {
	f := st.small
	switch pixels := spec.Width * spec.Height; {
	case pixels >= 4e6:
		f = st.fine
	case pixels < 250e3:
		f = st.tiny
	}
	return f.shoot(spec)
}

// Preview draws the same picture small enough to travel before it.
func (st *Studio) Preview(spec Spec) []byte {
	long := max(spec.Width, spec.Height)
	spec.Width, spec.Height = spec.Width*320/long, spec.Height*320/long
	return st.tiny.shoot(spec)
}

// Upright is the size of the picture as it is seen.
func (spec Spec) Upright() (width, height int) {
	if spec.Orientation == 6 || spec.Orientation == 8 {
		return spec.Height, spec.Width
	}
	return spec.Width, spec.Height
}

func (f *film) shoot(spec Spec) []byte {
	// The room depends on the seed alone, so that every view shows the same.
	s := &set{rng: rand.New(rand.NewPCG(spec.Seed, 1))}
	taste := newStyle(s.rng)
	s.light = light{
		window: vec{-2.4, 1.7, -2.0 - s.rng.Float64()},
		lamp:   vec{0.3, 2.6, -1.9},
		warm:   s.rng.Float64(),
	}
	w, h := spec.Upright()
	cam := s.stage(taste, spec, w, h)
	p := &painter{
		film: f, cam: cam, light: &s.light, stamp: newStamp(spec.ID, w, h),
		turn:  turn{orientation: spec.Orientation, w: float64(spec.Width), h: float64(spec.Height)},
		width: spec.Width, height: spec.Height,
	}
	p.faces = visible(cam, s.faces)
	p.out.buf = f.header(exif(max(spec.Orientation, 1), spec.Width, spec.Height, spec.Taken, spec.Model), spec.Width, spec.Height)
	p.paint()
	return p.out.buf
}

// stage builds what the picture shows and puts up the camera.
func (s *set) stage(taste style, spec Spec, w, h int) *camera {
	// A sheet behind everything, so that no ray goes astray.
	s.quad(material{base: colour{120, 116, 110}}, vec{-40, -20, 3}, vec{80, 0, 0}, vec{0, 40, 0})
	switch spec.View {
	case Nameplate, Receipt, OldPart:
		return s.table(taste, spec.View, w, h)
	case Entrance:
		return s.entrance(taste, w, h)
	case Before:
		return s.empty(taste, w, h)
	}
	if spec.Bedroom {
		s.wardrobe(taste, spec.Fault)
	} else {
		s.kitchen(taste, spec.Fault)
	}
	if spec.View == Scale {
		s.tape()
	}
	step := rand.New(rand.NewPCG(spec.Seed, uint64(len(spec.View))))
	sway := func(k float64) float64 { return k * (step.Float64() - 0.5) }
	tall := h > w
	switch spec.View {
	case Close, Compare, Scale:
		return s.closeUp(spec.View, sway, w, h)
	}
	back, wide := -3.9, 62.0
	if tall {
		back, wide = -4.6, 60
	}
	return aim(vec{0.5 + sway(0.7), 1.5 + sway(0.15), back + sway(0.3)}, vec{sway(0.2), 1.16, 0}, wide, w, h)
}

// closeUp puts the camera before the faulty panel, its neighbour in view.
func (s *set) closeUp(v View, sway func(float64) float64, w, h int) *camera {
	sp := s.spot
	far := 0.72
	if v == Compare {
		far = 1.05
	}
	if v == Scale {
		far = 0.6
	}
	if sp.onTop {
		target := sp.at.add(vec{sp.w * 0.55, 0, sp.h * 0.45})
		return aim(target.add(vec{0.12 + sway(0.1), far * 0.85, -far * 0.55}), target, 58, w, h)
	}
	target := sp.at.add(vec{sp.w * (0.5 + 0.36*sp.seam), min(sp.h*0.62, 1.3), 0})
	return aim(target.add(vec{-0.16 + sway(0.2), 0.07 + sway(0.1), -far}), target, 60, w, h)
}

// visible projects the faces and drops those outside the picture.
func visible(cam *camera, faces []face) []face {
	out := faces[:0]
	for _, f := range faces {
		pts := cam.project(f.corners)
		if pts == nil {
			continue
		}
		f.min, f.max = pts[0], pts[0]
		for _, p := range pts {
			f.min = point{math.Min(f.min.x, p.x), math.Min(f.min.y, p.y)}
			f.max = point{math.Max(f.max.x, p.x), math.Max(f.max.y, p.y)}
		}
		if f.max.x < 0 || f.max.y < 0 || f.min.x > 2*cam.cx || f.min.y > 2*cam.cy {
			continue
		}
		if thin(pts) {
			continue
		}
		if f.edges = outline(pts); f.edges != nil {
			out = append(out, f)
		}
	}
	return out
}

// thin says that an outline is narrower than a pixel can show.
func thin(pts []point) bool {
	area, long := 0.0, 0.0
	for i, p := range pts {
		q := pts[(i+1)%len(pts)]
		area += p.x*q.y - q.x*p.y
		long = max(long, math.Hypot(q.x-p.x, q.y-p.y))
	}
	return math.Abs(area)/2 < 0.6*long
}
