package likeness

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"siteledger/syncproto/mutate"
)

// room draws blocks of grey and colour, so that no two of its corners look
// alike.
func room(seed uint64, w, h int) *image.RGBA {
	rnd := rand.New(rand.NewPCG(seed, 3))
	var cells [6][8]color.RGBA
	for y := range cells {
		for x := range cells[y] {
			cells[y][x] = color.RGBA{uint8(40 + rnd.IntN(200)), uint8(40 + rnd.IntN(200)), uint8(40 + rnd.IntN(200)), 255}
		}
	}
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.SetRGBA(x, y, cells[y*6/h][x*8/w])
		}
	}
	return img
}

func encoded(tb testing.TB, m image.Image) []byte {
	tb.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 90}); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// withOrientation puts an EXIF block behind the start of a JPEG.
func withOrientation(b []byte, order binary.AppendByteOrder, orientation uint16) []byte {
	tiff := []byte("II*\x00")
	if order == binary.AppendByteOrder(binary.BigEndian) {
		tiff = []byte("MM\x00*")
	}
	tiff = order.AppendUint32(tiff, 8)
	tiff = order.AppendUint16(tiff, 1)
	tiff = order.AppendUint16(tiff, 0x0112)
	tiff = order.AppendUint16(tiff, 3)
	tiff = order.AppendUint32(tiff, 1)
	tiff = order.AppendUint16(tiff, orientation)
	tiff = order.AppendUint16(tiff, 0)
	tiff = order.AppendUint32(tiff, 0)
	app := append([]byte("Exif\x00\x00"), tiff...)
	out := binary.BigEndian.AppendUint16([]byte{0xff, 0xd8, 0xff, 0xe1}, uint16(len(app)+2))
	return append(append(out, app...), b[2:]...)
}

func look(tb testing.TB, b []byte, kind string) Sketch {
	tb.Helper()
	s, err := Look(bytes.NewReader(b), kind, time.Now)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// A picture and what EXIF makes of it look the same upright, whichever of the
// eight ways the file lies: no turning is left to find.
func TestLooksUprightByEXIF(t *testing.T) {
	g, upright := NewGlass(), look(t, encoded(t, room(1, 320, 240)), "image/jpeg")
	for o := 1; o <= 8; o++ {
		// The stored picture is the upright one turned the other way.
		back := turnings()[inverse(orientations()[o])]
		w, h := 320, 240
		if back.diagonal {
			w, h = h, w
		}
		src, stored := room(1, 320, 240), image.NewRGBA(image.Rect(0, 0, w, h))
		for y := range h {
			for x := range w {
				fx, fy := x, y
				if back.leftRight {
					fx = w - 1 - fx
				}
				if back.topBottom {
					fy = h - 1 - fy
				}
				if back.diagonal {
					fx, fy = fy, fx
				}
				stored.SetRGBA(x, y, src.RGBAAt(fx, fy))
			}
		}
		for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
			got := look(t, withOrientation(encoded(t, stored), order, uint16(o)), "image/jpeg")
			l := g.Compare(g.Subject(upright), g.Subject(got))
			if l.Distance > 4 || l.Turned {
				t.Errorf("orientation %d: %+v", o, l)
			}
		}
	}
}

func TestTurningsUndoEachOther(t *testing.T) {
	s := look(t, encoded(t, room(2, 320, 240)), "image/jpeg")
	for _, way := range turnings() {
		if s.turn(way).turn(turnings()[inverse(way)]) != s {
			t.Errorf("%+v is not undone", way)
		}
	}
}

func TestSketchIsKeptWhole(t *testing.T) {
	s := look(t, encoded(t, room(3, 320, 240)), "image/jpeg")
	b := s.Append(nil)
	if got, err := ReadSketch(b); len(b) != SketchBytes || err != nil || got != s {
		t.Fatalf("%d bytes, %v", len(b), err)
	}
	if _, err := ReadSketch(b[1:]); err == nil {
		t.Fatal("half a sketch was read")
	}
}

// bomb is a JPEG's or PNG's head that claims a picture of a size.
func bomb(kind byte, w, h uint16) []byte {
	b := []byte{0xff, 0xd8, 0xff, kind, 0, 17, 8, byte(h >> 8), byte(h), byte(w >> 8), byte(w), 3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1}
	return append(b, 0xff, 0xda, 0, 12, 3, 1, 0, 2, 0x11, 3, 0x11, 0, 63, 0)
}

func bombPNG(w, h uint32) []byte {
	ihdr := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32([]byte("IHDR"), w), h)
	ihdr = append(ihdr, 8, 6, 0, 0, 0)
	b := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\r"), ihdr...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(ihdr))
}

// What can't or must not be decoded is refused by its head, without its pixels.
func TestPicturesThatAreNotLookedAt(t *testing.T) {
	whole := encoded(t, room(4, 320, 240))
	for name, c := range map[string]struct {
		b    []byte
		kind string
		want error
	}{
		"heic":                         {[]byte("\x00\x00\x00\x18ftypheic"), "image/heic", ErrFormat},
		"pdf":                          {[]byte("%PDF-1.7"), "application/pdf", ErrFormat},
		"nothing":                      {nil, "image/jpeg", ErrDamaged},
		"half of one":                  {whole[:len(whole)/2], "image/jpeg", ErrDamaged},
		"html":                         {[]byte("<html>"), "image/jpeg", ErrDamaged},
		"a dot":                        {encoded(t, room(1, 8, 8)), "image/jpeg", ErrDamaged},
		"4 gigapixels":                 {bomb(0xc0, 65535, 65535), "image/jpeg", ErrTooMany},
		"20 progressive megapixels":    {bomb(0xc2, 5000, 4000), "image/jpeg", ErrTooMany},
		"4 gigapixels of PNG":          {bombPNG(65535, 65535), "image/png", ErrTooMany},
		"60 megapixels, no more of it": {bomb(0xc0, 9000, 6800), "image/jpeg", ErrDamaged},
	} {
		if _, err := Look(bytes.NewReader(c.b), c.kind, time.Now); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// A decoder that takes too long is stopped, and a storage that breaks off is
// no word about the picture.
func TestSlowAndBrokenReaders(t *testing.T) {
	b := encoded(t, room(5, 1600, 1200))
	clock := time.Unix(0, 0)
	slow := func() time.Time { clock = clock.Add(patience * 2 / 3); return clock }
	if _, err := Look(bytes.NewReader(append(b, make([]byte, 4*headBytes)...)[:]), "image/jpeg", slow); !errors.Is(err, ErrDamaged) {
		t.Errorf("a decoder without end: %v", err)
	}
	cut := errors.New("the line was cut")
	_, err := Look(io.MultiReader(bytes.NewReader(b[:1000]), broken{cut}), "image/jpeg", time.Now)
	if !errors.Is(err, cut) || errors.Is(err, ErrDamaged) {
		t.Errorf("a storage that breaks off: %v", err)
	}
}

type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

// looked: whatever the bytes, there is a sketch or an error, and no panic.
func looked(t testing.TB, b []byte) bool {
	for _, kind := range []string{"image/jpeg", "image/png", "image/webp"} {
		if s, err := Look(bytes.NewReader(b), kind, time.Now); err == nil {
			g := NewGlass()
			if n := len(g.Keys(&s)); n == 0 || n > 9 {
				t.Fatalf("%d keys", n)
			}
			return true
		}
	}
	return false
}

func seeds(tb testing.TB) [][]byte {
	small := encoded(tb, room(6, 48, 40))
	return [][]byte{withOrientation(small, binary.LittleEndian, 6), withOrientation(small, binary.BigEndian, 3), bombPNG(64, 64), bomb(0xc2, 64, 64)}
}

func FuzzLook(f *testing.F) {
	for _, b := range seeds(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) { looked(t, b) })
}

func TestFuzzed(t *testing.T) { mutate.Run(t, "FuzzLook", 1_500, seeds(t), looked) }

// BenchmarkLook is what one photo of twelve megapixels costs the server.
func BenchmarkLook(b *testing.B) {
	file := encoded(b, room(7, 4000, 3000))
	for b.Loop() {
		look(b, file, "image/jpeg")
	}
}

// BenchmarkCompare is what one comparison costs, a stored sketch made ready
// included.
func BenchmarkCompare(b *testing.B) {
	g := NewGlass()
	x, y := look(b, encoded(b, room(7, 640, 480)), "image/jpeg"), look(b, encoded(b, room(7, 600, 480)), "image/jpeg")
	sub := g.Subject(x)
	for b.Loop() {
		g.Compare(sub, g.Subject(y))
	}
}
