package quality_test

import (
	"bytes"
	"flag"
	"fmt"
	"image"
	"image/draw"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"siteledger/client-sdk/phone/picture"
	"siteledger/server/demo/scene"
	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

// photo is one photo of the corpus as light: linear, 0 to 1 for what the film
// holds.
type photo struct {
	view scene.View
	w, h int
	pix  [][3]float32
}

// levels is how finely light is told apart when it becomes a file.
const levels = 1 << 14

// film turns light into the values of a file.
type film [levels + 1]uint8

func newFilm() *film {
	var t film
	for i := range t {
		t[i] = uint8(math.Round(255 * math.Pow(float64(i)/levels, 1/2.2)))
	}
	return &t
}

func (s *photo) encode(t *film) []byte {
	img := image.NewRGBA(image.Rect(0, 0, s.w, s.h))
	for i, p := range s.pix {
		for k, v := range p {
			img.Pix[i*4+k] = t[int(min(1, max(0, v))*levels)]
		}
		img.Pix[i*4+3] = 255
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 88}); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func photographed(t *testing.T, rooms int) []*photo {
	t.Helper()
	var light [256]float32
	for i := range light {
		light[i] = float32(math.Pow(float64(i)/255, 2.2))
	}
	st := scene.NewStudio()
	var out []*photo
	for room := range rooms {
		for _, view := range []scene.View{scene.Full, scene.Close, scene.Compare} {
			b := st.Photo(scene.Spec{Seed: uint64(room + 1), ID: "SL", Fault: scene.DoorColour, View: view, Width: 800, Height: 600, Bedroom: room%2 == 1})
			img, err := jpeg.Decode(bytes.NewReader(b))
			if err != nil {
				t.Fatal(err)
			}
			rgb := image.NewRGBA(img.Bounds())
			draw.Draw(rgb, rgb.Bounds(), img, image.Point{}, draw.Src)
			s := &photo{view: view, w: rgb.Bounds().Dx(), h: rgb.Bounds().Dy()}
			for i := 0; i < len(rgb.Pix); i += 4 {
				s.pix = append(s.pix, [3]float32{light[rgb.Pix[i]], light[rgb.Pix[i+1]], light[rgb.Pix[i+2]]})
			}
			out = append(out, s)
		}
	}
	return out
}

// blurred is the photo out of focus: a Gaussian of a width in parts of a
// thousand of the longest side.
func (s *photo) blurred(permille float64) *photo {
	sigma := permille * float64(s.w) / 1000
	if sigma == 0 {
		return s
	}
	r := int(math.Ceil(3 * sigma))
	kernel := make([]float32, 2*r+1)
	sum := float32(0)
	for i := range kernel {
		kernel[i] = float32(math.Exp(-float64((i-r)*(i-r)) / (2 * sigma * sigma)))
		sum += kernel[i]
	}
	for i := range kernel {
		kernel[i] /= sum
	}
	return s.along(kernel, r, 1, 0).along(kernel, r, 0, 1)
}

// shaken is the photo of a hand that moved sideways meanwhile.
func (s *photo) shaken(permille float64) *photo {
	r := int(permille * float64(s.w) / 2000)
	kernel := make([]float32, 2*r+1)
	for i := range kernel {
		kernel[i] = 1 / float32(len(kernel))
	}
	return s.along(kernel, r, 1, 0)
}

func (s *photo) along(kernel []float32, r, dx, dy int) *photo {
	out := &photo{view: s.view, w: s.w, h: s.h, pix: make([][3]float32, len(s.pix))}
	for y := range s.h {
		for x := range s.w {
			var p [3]float32
			for i, k := range kernel {
				q := &s.pix[min(max(y+dy*(i-r), 0), s.h-1)*s.w+min(max(x+dx*(i-r), 0), s.w-1)]
				p[0] += k * q[0]
				p[1] += k * q[1]
				p[2] += k * q[2]
			}
			out.pix[y*s.w+x] = p
		}
	}
	return out
}

// exposed is the photo with so many stops more light, and a sensor's noise.
func (s *photo) exposed(stops float64, noise float32, rnd *rand.Rand) *photo {
	out := &photo{view: s.view, w: s.w, h: s.h, pix: make([][3]float32, len(s.pix))}
	k := float32(math.Pow(2, stops))
	for i, p := range s.pix {
		for c := range p {
			out.pix[i][c] = p[c]*k + noise*float32(rnd.NormFloat64())
		}
	}
	return out
}

// kind is one thing that goes wrong while a photo is taken.
type kind struct {
	name string
	want fieldwork.Doubt // what the phone must say of every such photo
	any  bool            // between the two: printed, not held to anything
	do   func(*photo) *photo
}

func kinds(rnd *rand.Rand) []kind {
	var out []kind
	blur := func(permille float64, want fieldwork.Doubt, any bool) {
		out = append(out, kind{fmt.Sprintf("对焦模糊 out of focus, σ %.1f ‰", permille), want, any, func(s *photo) *photo { return s.blurred(permille) }})
	}
	blur(0, fieldwork.NoDoubt, false)
	blur(0.5, fieldwork.NoDoubt, false)
	blur(1, "", true)
	blur(1.5, "", true)
	blur(2, fieldwork.Blurred, false)
	blur(4, fieldwork.Blurred, false)
	for _, p := range []float64{8, 16} {
		out = append(out, kind{fmt.Sprintf("横向抖动 shaken sideways, %.0f ‰", p), "", true, func(s *photo) *photo { return s.shaken(p) }})
	}
	light := func(stops float64, want fieldwork.Doubt, any bool) {
		out = append(out, kind{fmt.Sprintf("曝光 exposure %+.0f EV", stops), want, any, func(s *photo) *photo { return s.exposed(stops, 0, rnd) }})
	}
	light(-8, fieldwork.Dark, false)
	light(-6, fieldwork.Dark, false)
	light(-5, fieldwork.Dark, false)
	light(-4, "", true)
	light(-2, fieldwork.NoDoubt, false)
	light(1, fieldwork.NoDoubt, false)
	light(2, "", true)
	light(4, fieldwork.Bright, false)
	return append(out, kind{"昏暗有噪点 dim and noisy, -2 EV", fieldwork.NoDoubt, false, func(s *photo) *photo { return s.exposed(-2, 0.01, rnd) }},
		kind{"有噪点 noisy", fieldwork.NoDoubt, false, func(s *photo) *photo { return s.exposed(0, 0.02, rnd) }})
}

// found is what the phone said of all photos of one kind.
type found struct {
	kind
	n, doubted          int
	sharpness, exposure []int64
}

// TestPhoneJudgesPhotos holds the thresholds of fieldwork to the corpus: what is
// sharp and light is never doubted, what is plainly blurred, dark or bright is
// always, and for that reason.
func TestPhoneJudgesPhotos(t *testing.T) {
	shots, film, all := photographed(t, 2), newFilm(), []found{}
	for _, k := range kinds(rand.New(rand.NewPCG(1, 2))) {
		f := found{kind: k}
		for _, s := range shots {
			facts, err := picture.Inspect(k.do(s).encode(film), nil, time.UTC)
			if err != nil {
				t.Fatal(err)
			}
			q := facts.Quality
			got := fieldwork.PhotoDoubt(schema.Row{Cols: map[string]schema.Value{"sharpness": q.Sharpness, "exposure": q.Exposure}})
			if !k.any && got != k.want {
				t.Errorf("%s, %s: %+v is %q, want %q", k.name, s.view, *q, got, k.want)
			}
			f.n++
			if got != fieldwork.NoDoubt {
				f.doubted++
			}
			f.sharpness, f.exposure = append(f.sharpness, q.Sharpness), append(f.exposure, q.Exposure)
		}
		slices.Sort(f.sharpness)
		slices.Sort(f.exposure)
		t.Log(strings.TrimSpace(f.line()))
		all = append(all, f)
	}
	page(t, all)
}

func (f *found) line() string {
	return fmt.Sprintf("| %s | %d – %d | %d – %d | %d of %d |\n", f.name, f.sharpness[0], f.sharpness[f.n-1], f.exposure[0], f.exposure[f.n-1], f.doubted, f.n)
}

var update = flag.Bool("update", false, "write the figures into server/docs/photos.md anew")

// page writes the figures into the documentation, or holds it to the thresholds
// that it names.
func page(t *testing.T, all []found) {
	t.Helper()
	const path, from, to = "../../docs/photos.md", "<!-- quality: go test ./server/e2e/quality -update -->", "<!-- end of quality -->"
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	i, j := strings.Index(text, from), strings.Index(text, to)
	if i < 0 || j < i {
		t.Fatalf("%s has no place for the figures", path)
	}
	head := fmt.Sprintf("\nDoubted: sharpness below %d, exposure below %d or above %d, each of 1000.\n", fieldwork.PhotoSharpness, fieldwork.PhotoDark, fieldwork.PhotoBright)
	if !*update {
		if !strings.Contains(text[i:j], head) {
			t.Errorf("%s does not name the thresholds; write it anew with -update", path)
		}
		return
	}
	var out strings.Builder
	out.WriteString(text[:i] + from + "\n" + head + "\n| photo | sharpness | exposure | doubted |\n|---|---|---|---|\n")
	for _, f := range all {
		out.WriteString(f.line())
	}
	out.WriteString("\n" + text[j:])
	if err := os.WriteFile(path, []byte(out.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
