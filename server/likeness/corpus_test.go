package likeness_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"slices"
	"testing"
	"time"

	"golang.org/x/image/draw"

	"siteledger/server/demo/scene"
	"siteledger/server/likeness"
)

// specimen is one photo of the corpus.
type specimen struct {
	room int
	view scene.View
	img  image.Image
	look *seen
}

// seen is what the product makes of a photo.
type seen struct {
	sketch  likeness.Sketch
	subject *likeness.Subject
	keys    []likeness.Key
	probes  []likeness.Key
}

// corpus are photos of rooms of one kind of furniture, as the sample data has
// them: other rooms differ in colours, fronts and the camera's place alone,
// which makes them more alike than a town's kitchens are.
type corpus struct {
	tb    testing.TB
	glass *likeness.Glass
	all   []specimen
}

const (
	corpusRooms = 36
	corpusEdge  = 480
)

func newCorpus(tb testing.TB) *corpus {
	c := &corpus{tb: tb, glass: likeness.NewGlass()}
	st := scene.NewStudio()
	faults := []scene.Fault{scene.DoorColour, scene.DoorCrack, scene.DoorWarp, scene.TopCrack, scene.TopColour}
	for room := range corpusRooms {
		for _, view := range []scene.View{scene.Full, scene.Close, scene.Compare, scene.After} {
			b := st.Photo(scene.Spec{Seed: uint64(room + 1), ID: fmt.Sprintf("SL-%04d", room), Fault: faults[room%len(faults)], View: view,
				Width: corpusEdge, Height: corpusEdge * 3 / 4, Bedroom: room%2 == 1})
			img, err := jpeg.Decode(bytes.NewReader(b))
			if err != nil {
				tb.Fatal(err)
			}
			c.all = append(c.all, specimen{room, view, img, c.see(b)})
		}
	}
	return c
}

// see looks at a JPEG file as the server does.
func (c *corpus) see(b []byte) *seen {
	c.tb.Helper()
	s, err := likeness.Look(bytes.NewReader(b), "image/jpeg", time.Now)
	if err != nil {
		c.tb.Fatal(err)
	}
	sub := c.glass.Subject(s)
	return &seen{s, sub, c.glass.Keys(&s), c.glass.Probes(sub)}
}

// meet compares a new photo with a stored one; false where it would not even be
// looked at.
func (c *corpus) meet(now, stored *seen) (likeness.Likeness, bool) {
	if now.sketch.Plain() || stored.sketch.Plain() || !share(now.probes, stored.keys) {
		return likeness.Likeness{Distance: 256, Colour: 255}, false
	}
	return c.glass.Compare(now.subject, stored.subject), true
}

func share(probes, keys []likeness.Key) bool {
	return slices.ContainsFunc(keys, func(m likeness.Key) bool {
		_, ok := slices.BinarySearch(probes, m)
		return ok
	})
}

// change is one thing that happens to a photo on its way into a second claim.
type change struct {
	name, zh string
	recall   float64 // least share that must be found
	do       func(image.Image) []byte
}

func changes() []change {
	return []change{
		{"re-JPEG, quality 60", "重新压缩 60", 0.95, func(m image.Image) []byte { return file(m, 60) }},
		{"re-JPEG, quality 30", "重新压缩 30", 0.90, func(m image.Image) []byte { return file(m, 30) }},
		{"half the size", "缩小一半", 0.95, func(m image.Image) []byte { return file(scaled(m, 0.5), 85) }},
		{"a third of the size, quality 50", "缩到三分之一", 0.90, func(m image.Image) []byte { return file(scaled(m, 1.0/3), 50) }},
		{"brighter by 25 %", "调亮 25%", 0.95, func(m image.Image) []byte { return file(lit(m, 1.25, 0), 85) }},
		{"darker by 40 %", "调暗 40%", 0.90, func(m image.Image) []byte { return file(lit(m, 0.6, 0), 85) }},
		{"less contrast", "降低对比度", 0.90, func(m image.Image) []byte { return file(lit(m, 0.7, 40), 85) }},
		{"cropped 2 % on each side", "四边各裁 2%", 0.80, func(m image.Image) []byte { return file(part(m, .02, .02, .98, .98), 85) }},
		{"cropped 4 % on each side", "四边各裁 4%", 0.75, func(m image.Image) []byte { return file(part(m, .04, .04, .96, .96), 85) }},
		{"cropped 5 % at a corner", "一角裁 5%", 0.75, func(m image.Image) []byte { return file(part(m, .05, .05, 1, 1), 85) }},
		{"cropped 8 % at one side", "一边裁 8%", 0.60, func(m image.Image) []byte { return file(part(m, .08, 0, 1, 1), 85) }},
		{"turned by 90°, pixels", "旋转 90°", 0.95, func(m image.Image) []byte { return file(turned(m), 85) }},
		{"turned by 90°, EXIF", "旋转 90°(EXIF)", 0.95, func(m image.Image) []byte { return file(turnedBack(m), 85) }},
		{"mirrored", "左右镜像", 0.95, func(m image.Image) []byte { return file(mirrored(m), 85) }},
		{"cropped 2 %, brighter, quality 50", "裁 2%+调亮+压缩", 0.80, func(m image.Image) []byte { return file(lit(part(m, .02, .02, .98, .98), 1.15, 5), 50) }},
	}
}

func file(m image.Image, quality int) []byte {
	var out bytes.Buffer
	if err := jpeg.Encode(&out, m, &jpeg.Options{Quality: quality}); err != nil {
		panic(err)
	}
	return out.Bytes()
}

func scaled(m image.Image, k float64) image.Image {
	b := m.Bounds()
	out := image.NewRGBA(image.Rect(0, 0, int(float64(b.Dx())*k), int(float64(b.Dy())*k)))
	draw.BiLinear.Scale(out, out.Bounds(), m, b, draw.Src, nil)
	return out
}

func copied(m image.Image) *image.RGBA {
	out := image.NewRGBA(image.Rect(0, 0, m.Bounds().Dx(), m.Bounds().Dy()))
	draw.Draw(out, out.Bounds(), m, m.Bounds().Min, draw.Src)
	return out
}

func lit(m image.Image, k, add float64) image.Image {
	out := copied(m)
	for i := range out.Pix {
		if i%4 != 3 {
			out.Pix[i] = uint8(min(255, max(0, float64(out.Pix[i])*k+add)))
		}
	}
	return out
}

func part(m image.Image, x0, y0, x1, y1 float64) image.Image {
	b := m.Bounds()
	w, h := float64(b.Dx()), float64(b.Dy())
	r := image.Rect(int(w*x0), int(h*y0), int(w*x1), int(h*y1))
	out := image.NewRGBA(image.Rect(0, 0, r.Dx(), r.Dy()))
	draw.Draw(out, out.Bounds(), m, r.Min, draw.Src)
	return out
}

func mapped(m image.Image, w, h int, from func(x, y int) (int, int)) image.Image {
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			fx, fy := from(x, y)
			out.SetRGBA(x, y, color.RGBAModel.Convert(m.At(fx, fy)).(color.RGBA))
		}
	}
	return out
}

func turned(m image.Image) image.Image { // clockwise
	w, h := m.Bounds().Dx(), m.Bounds().Dy()
	return mapped(m, h, w, func(x, y int) (int, int) { return y, h - 1 - x })
}

func turnedBack(m image.Image) image.Image {
	w, h := m.Bounds().Dx(), m.Bounds().Dy()
	return mapped(m, h, w, func(x, y int) (int, int) { return w - 1 - y, x })
}

func mirrored(m image.Image) image.Image {
	w, h := m.Bounds().Dx(), m.Bounds().Dy()
	return mapped(m, w, h, func(x, y int) (int, int) { return w - 1 - x, y })
}

// sampled is how many photos of the corpus are changed: every so manieth.
const sampled = 3

// trial is what became of one kind of change, or of one kind of pairs.
type trial struct {
	name, zh  string
	least     float64 // recall that must be reached
	distances []int   // of those that were compared, in order; 256 for colours that differ
	n         int     // all of them, also those that were not
}

// share is how many of the trial are taken as alike at a threshold.
func (t *trial) share(threshold int) float64 {
	at, _ := slices.BinarySearch(t.distances, threshold+1)
	return float64(at) / float64(max(1, t.n))
}

func (t *trial) add(l likeness.Likeness, compared bool) {
	t.n++
	switch {
	case !compared:
	case l.Colour > 9:
		t.distances = append(t.distances, 256)
	default:
		t.distances = append(t.distances, l.Distance)
	}
}

// copies changes photos of the corpus in every way. Plain photos, which are
// never compared, are left out and counted.
func (c *corpus) copies() (out []trial, plain int) {
	for n, ch := range changes() {
		t := trial{name: ch.name, zh: ch.zh, least: ch.recall}
		for i := n % sampled; i < len(c.all); i += sampled {
			s := c.all[i]
			if s.look.sketch.Plain() {
				plain++
				continue
			}
			now := c.see(ch.do(s.img))
			t.add(c.meet(now, s.look))
		}
		slices.Sort(t.distances)
		out = append(out, t)
	}
	return out, plain
}

// strangers compares photos of other rooms, and of the same room from
// elsewhere, with each other.
func (c *corpus) strangers() []trial {
	out := []trial{
		{name: "another room, the same view", zh: "别家,同一取景"},
		{name: "another room, another view", zh: "别家,不同取景"},
		{name: "the same room, another view", zh: "同一家,不同取景"},
	}
	for i, a := range c.all {
		for _, b := range c.all[:i] {
			kind := 1
			switch {
			case a.room == b.room:
				kind = 2
			case a.view == b.view:
				kind = 0
			}
			out[kind].add(c.meet(a.look, b.look))
		}
	}
	for i := range out {
		slices.Sort(out[i].distances)
	}
	return out
}

// mostAlarms is the share of pairs of photos of other rooms that may be taken
// as alike: the threshold is the largest that keeps it.
const mostAlarms = 0.001

// TestCopiesAreFound measures recall and false alarms of every kind of change,
// prints them, and holds the threshold and the page of documentation to them.
func TestCopiesAreFound(t *testing.T) {
	c := newCorpus(t)
	copies, plain := c.copies()
	others := c.strangers()
	for _, k := range copies {
		t.Logf("%-36s %3d photos, found %5.1f %%", k.name, k.n, 100*k.share(likeness.Threshold))
		if got := k.share(likeness.Threshold); got < k.least {
			t.Errorf("%s: %.3f of the copies are found, want %.2f", k.name, got, k.least)
		}
	}
	foreign := trial{name: "all pairs of other rooms", n: others[0].n + others[1].n, distances: slices.Sorted(slices.Values(slices.Concat(others[0].distances, others[1].distances)))}
	for _, k := range append(others, foreign) {
		t.Logf("%-36s %5d pairs, %d compared, alarms %.4f", k.name, k.n, len(k.distances), k.share(likeness.Threshold))
	}
	t.Logf("%d of the changed photos were plain and not compared", plain)
	for k := likeness.Threshold - 4; k <= likeness.Threshold+8; k += 2 {
		t.Logf("threshold %d: alarms %.4f", k, foreign.share(k))
	}
	if got := foreign.share(likeness.Threshold); got > mostAlarms {
		t.Errorf("%.4f of the pairs of other rooms are alarms, at most %.4f may be", got, mostAlarms)
	}
	page(t, copies, others, foreign)
}
