package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"testing"
	"time"
)

// scene draws a noisy picture with a dark left-upper quarter, so that turning
// it can be seen.
func scene(w, h int) *image.RGBA {
	rnd := rand.New(rand.NewPCG(1, 2))
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			v := uint8(170 + rnd.IntN(80))
			if x < w/2 && y < h/2 {
				v = uint8(rnd.IntN(60))
			}
			img.SetRGBA(x, y, color.RGBA{v, v, v, 255})
		}
	}
	return img
}

func jpegOf(tb testing.TB, img image.Image) []byte {
	tb.Helper()
	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, &jpeg.Options{Quality: 90}); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

// withExif puts an APP1 block with an orientation and a time behind the SOI.
func withExif(b []byte, orientation uint16, taken string) []byte {
	le := binary.LittleEndian
	tiff := []byte("II*\x00\x08\x00\x00\x00")
	entry := func(tag, kind uint16, n uint32, val []byte) {
		tiff = le.AppendUint16(tiff, tag)
		tiff = le.AppendUint16(tiff, kind)
		tiff = le.AppendUint32(tiff, n)
		tiff = append(tiff, val...)
	}
	tiff = le.AppendUint16(tiff, 2)
	entry(0x0112, 3, 1, le.AppendUint32(nil, uint32(orientation)))
	entry(0x8769, 4, 1, le.AppendUint32(nil, 38)) // the Exif directory follows
	tiff = le.AppendUint32(tiff, 0)
	tiff = le.AppendUint16(tiff, 1)
	entry(0x9003, 2, 20, le.AppendUint32(nil, 56))
	tiff = le.AppendUint32(tiff, 0)
	tiff = append(tiff, taken...)
	tiff = append(tiff, 0)
	app := append([]byte("Exif\x00\x00"), tiff...)
	out := append([]byte{0xff, 0xd8, 0xff, 0xe1}, binary.BigEndian.AppendUint16(nil, uint16(len(app)+2))...)
	return append(append(out, app...), b[2:]...)
}

func TestInspectJPEG(t *testing.T) {
	b := withExif(jpegOf(t, scene(1600, 1200)), 6, "2026:11:20 14:02:05")
	before := bytes.Clone(b)
	zone := time.FixedZone("CST", 8*3600)
	f, err := Inspect(b, nil, zone)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b, before) {
		t.Fatal("the original was changed")
	}
	if f.Type != "image/jpeg" || f.Width != 1600 || f.Height != 1200 || f.Orientation != 6 {
		t.Fatalf("facts %+v", f)
	}
	if !f.TakenAt.Equal(time.Date(2026, 11, 20, 14, 2, 5, 0, zone)) {
		t.Fatalf("taken at %v", f.TakenAt)
	}
	if len(f.Preview) == 0 || len(f.Preview) > MaxPreviewBytes {
		t.Fatalf("preview of %d bytes", len(f.Preview))
	}
	p, err := jpeg.Decode(bytes.NewReader(f.Preview))
	if err != nil {
		t.Fatal(err)
	}
	w, h := p.Bounds().Dx(), p.Bounds().Dy()
	if w >= h {
		t.Fatalf("preview %dx%d does not stand upright", w, h)
	}
	// Orientation 6 turns the dark quarter from the upper left to the upper right.
	if left, right := grey(p, w/4, h/4), grey(p, 3*w/4, h/4); left < right {
		t.Fatalf("upper left %d, upper right %d: turned the wrong way", left, right)
	}
}

func grey(img image.Image, x, y int) uint8 {
	return color.GrayModel.Convert(img.At(x, y)).(color.Gray).Y
}

func TestOrientations(t *testing.T) {
	// The dark quarter of the stored picture, seen upright.
	corner := map[int][2]int{1: {0, 0}, 2: {1, 0}, 3: {1, 1}, 4: {0, 1}, 5: {0, 0}, 6: {1, 0}, 7: {1, 1}, 8: {0, 1}}
	for o, want := range corner {
		img := turn(shrink(scene(80, 60), 80), o)
		w, h := img.Bounds().Dx(), img.Bounds().Dy()
		for cx := range 2 {
			for cy := range 2 {
				dark := grey(img, w/4+cx*w/2, h/4+cy*h/2) < 100
				if dark != (want == [2]int{cx, cy}) {
					t.Errorf("orientation %d: corner %d,%d dark %v", o, cx, cy, dark)
				}
			}
		}
	}
}

func TestSharpnessFallsWithBlur(t *testing.T) {
	sharp := shrink(scene(640, 480), 640)
	blurred := shrink(shrink(scene(640, 480), 40), 40)
	wide := image.NewRGBA(image.Rect(0, 0, 640, 480))
	for y := range 480 {
		for x := range 640 {
			wide.Set(x, y, blurred.At(x*40/640, y*30/480))
		}
	}
	if a, b := sharpness(sharp), sharpness(wide); a <= b {
		t.Fatalf("sharp %d, blurred %d", a, b)
	}
}

func TestRefused(t *testing.T) {
	whole := jpegOf(t, scene(400, 300))
	var pngFile bytes.Buffer
	if err := png.Encode(&pngFile, scene(200, 100)); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		bytes []byte
		want  error
	}{
		"nothing":              {nil, ErrEmpty},
		"html":                 {[]byte("<!doctype html><html><body>login</body></html>"), ErrNotPicture},
		"html that says jpeg":  {[]byte("<html><!-- \xff\xd8\xff -->"), ErrNotPicture},
		"svg":                  {[]byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`), ErrNotPicture},
		"half a jpeg":          {whole[:len(whole)/2], ErrTruncated},
		"jpeg cut at 99%":      {whole[:len(whole)*99/100], ErrTruncated},
		"half a png":           {pngFile.Bytes()[:pngFile.Len()/2], ErrTruncated},
		"a jpeg's first bytes": {whole[:4], ErrTruncated},
		"heic cut off":         {[]byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic\x00\x01\x00\x00mdat1234"), ErrTruncated},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Inspect(c.bytes, nil, time.UTC); !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
		})
	}
}

// A PNG header of 33 bytes may claim a picture that no memory holds.
func TestPixelBombIsNotDecoded(t *testing.T) {
	head := []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\xea\x60\x00\x00\xea\x60\x08\x06\x00\x00\x00")
	b := append(head, 0, 0, 0, 0)
	b = append(b, "\x00\x00\x00\x00IEND\xae\x42\x60\x82"...)
	n := testing.AllocsPerRun(1, func() { _, _ = Inspect(b, nil, time.UTC) })
	if n > 2000 {
		t.Fatalf("%v allocations", n)
	}
}

func TestHEICTakesTheBrowsersPreview(t *testing.T) {
	heicFile := []byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic\x00\x00\x00\x0cmdat1234")
	small := jpegOf(t, scene(60, 40))
	f, err := Inspect(heicFile, small, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	if f.Type != "image/heic" || !bytes.Equal(f.Preview, small) || f.Sharpness == 0 {
		t.Fatalf("type %s, preview of %d bytes, sharpness %d", f.Type, len(f.Preview), f.Sharpness)
	}
	f, err = Inspect(heicFile, []byte("<html>not a preview</html>"), time.UTC)
	if err != nil || f.Preview != nil {
		t.Fatalf("a preview that is HTML was taken: %v", err)
	}
}
