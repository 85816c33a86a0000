package scene_test

import (
	"bytes"
	"image"
	"image/jpeg"
	"image/png"
	"testing"
	"time"

	"github.com/bep/imagemeta"

	"siteledger/server/demo/scene"
)

var taken = time.Date(2026, 11, 21, 14, 3, 9, 0, time.FixedZone("", 8*3600))

func spec() scene.Spec {
	return scene.Spec{
		Seed: 11, ID: "SL-0042 full", Fault: scene.DoorColour, View: scene.Full,
		Width: 800, Height: 600, Orientation: 1, Taken: taken, Model: "SL-Phone 3",
	}
}

func decode(tb testing.TB, b []byte) image.Image {
	tb.Helper()
	img, err := jpeg.Decode(bytes.NewReader(b))
	if err != nil {
		tb.Fatal(err)
	}
	return img
}

func TestSameSpecSameBytes(t *testing.T) {
	a, b := scene.NewStudio().Photo(spec()), scene.NewStudio().Photo(spec())
	if !bytes.Equal(a, b) {
		t.Fatal("two studios drew the same picture differently")
	}
	other := spec()
	other.ID = "SL-0043 full"
	if bytes.Equal(a, scene.NewStudio().Photo(other)) {
		t.Fatal("the burned-in id does not show in the bytes")
	}
}

func TestEveryViewAndFaultDecodes(t *testing.T) {
	st := scene.NewStudio()
	views := []scene.View{scene.Full, scene.Close, scene.Compare, scene.Scale, scene.Before, scene.After, scene.Nameplate, scene.Receipt, scene.OldPart, scene.Entrance}
	faults := []scene.Fault{scene.Sound, scene.DoorColour, scene.DoorCrack, scene.DoorWarp, scene.TopCrack, scene.TopColour}
	for i, fault := range faults {
		for _, view := range views {
			s := spec()
			s.Seed, s.Fault, s.View, s.Bedroom = uint64(i), fault, view, i%2 == 1
			img := decode(t, st.Photo(s))
			if img.Bounds() != image.Rect(0, 0, 800, 600) {
				t.Errorf("%s %s: %v", fault, view, img.Bounds())
			}
		}
	}
}

// A turned file, turned back as its EXIF says, shows the same room: the stamp
// is at the lower left of the upright picture and nowhere else.
func TestOrientationTurnsThePixels(t *testing.T) {
	st := scene.NewStudio()
	corner := map[int]image.Point{1: {20, 580}, 3: {780, 20}, 6: {780, 580}, 8: {20, 20}}
	for orientation, at := range corner {
		s := spec()
		s.Orientation = orientation
		img := decode(t, st.Photo(s))
		for o, p := range corner {
			dark := 0
			for dy := -6; dy <= 6; dy++ {
				for dx := -6; dx <= 6; dx++ {
					r, g, b, _ := img.At(p.X+dx, p.Y+dy).RGBA()
					if (r+g+b)/3 < 0x6000 || (r > 0xd000 && b > 0xb000 && g > 0xd000) {
						dark++
					}
				}
			}
			if o == orientation && dark < 40 {
				t.Errorf("orientation %d: no stamp at %v (%d)", orientation, at, dark)
			}
		}
	}
}

func TestEXIF(t *testing.T) {
	s := spec()
	s.Orientation = 6
	tags := map[string]any{}
	_, err := imagemeta.Decode(imagemeta.Options{
		R: bytes.NewReader(scene.NewStudio().Photo(s)), ImageFormat: imagemeta.JPEG, Sources: imagemeta.EXIF,
		HandleTag: func(ti imagemeta.TagInfo) error { tags[ti.Tag] = ti.Value; return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	if tags["DateTimeOriginal"] != "2026:11:21 14:03:09" || tags["OffsetTime"] == nil && tags["OffsetTimeOriginal"] == nil {
		t.Errorf("time: %v", tags)
	}
	if v, ok := tags["Orientation"].(uint16); !ok || v != 6 {
		t.Errorf("orientation: %v (%T)", tags["Orientation"], tags["Orientation"])
	}
	if tags["Model"] != "SL-Phone 3" {
		t.Errorf("model: %v", tags["Model"])
	}
}

func TestSizes(t *testing.T) {
	st := scene.NewStudio()
	for seed := range uint64(6) {
		s := spec()
		s.Seed = seed
		if n := len(st.Preview(s)); n > 32<<10 {
			t.Errorf("seed %d: preview of %d bytes", seed, n)
		}
		if n := len(st.Photo(s)); n > 150<<10 {
			t.Errorf("seed %d: small picture of %d bytes", seed, n)
		}
	}
	for _, view := range []scene.View{scene.Full, scene.Close} {
		s := spec()
		s.View, s.Width, s.Height = view, 4000, 3000
		b := st.Photo(s)
		decode(t, b)
		if n := len(b); n < 3e6 || n > 5e6 {
			t.Errorf("%s at full size: %d bytes", view, n)
		}
	}
}

// The faulty panel differs from a sound one where the close-up looks.
func TestFaultIsVisible(t *testing.T) {
	st := scene.NewStudio()
	for _, fault := range []scene.Fault{scene.DoorColour, scene.DoorCrack, scene.DoorWarp, scene.TopCrack, scene.TopColour} {
		s := spec()
		s.View, s.Fault = scene.Close, fault
		bad := decode(t, st.Photo(s))
		if fault == scene.TopCrack || fault == scene.TopColour {
			continue // their close-up looks elsewhere than a sound room's
		}
		s.Fault = scene.Sound
		good := decode(t, st.Photo(s))
		differ := 0
		for y := 0; y < 600; y += 4 {
			for x := 0; x < 800; x += 4 {
				r, _, b, _ := bad.At(x, y).RGBA()
				r2, _, b2, _ := good.At(x, y).RGBA()
				if max(r, r2)-min(r, r2) > 0x0d00 || max(b, b2)-min(b, b2) > 0x0d00 {
					differ++
				}
			}
		}
		if differ < 60 {
			t.Errorf("%s: only %d of 30000 points differ from a sound room", fault, differ)
		}
	}
}

func TestSignature(t *testing.T) {
	seen := map[string]bool{}
	for seed := range uint64(20) {
		b, err := scene.Signature(seed)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := png.Decode(bytes.NewReader(b)); err != nil {
			t.Fatal(err)
		}
		if len(b) < 1500 || len(b) > 20<<10 || seen[string(b)] {
			t.Errorf("seed %d: %d bytes, or seen before", seed, len(b))
		}
		seen[string(b)] = true
	}
}

func BenchmarkPhoto(b *testing.B) {
	st := scene.NewStudio()
	for _, size := range []struct {
		name string
		w, h int
	}{{"preview", 400, 300}, {"small", 800, 600}, {"full", 4000, 3000}} {
		b.Run(size.name, func(b *testing.B) {
			s := spec()
			s.Width, s.Height = size.w, size.h
			for b.Loop() {
				st.Photo(s)
			}
		})
	}
}
