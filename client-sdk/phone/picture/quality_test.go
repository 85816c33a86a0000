package picture

import (
	"image"
	"image/color"
	"testing"

	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

// flat is a picture of one colour.
func flat(v uint8) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, 400, 300))
	for i := range img.Pix {
		img.Pix[i] = v
		if i%4 == 3 {
			img.Pix[i] = 255
		}
	}
	return img
}

// soft is a gradient: light, and nothing sharp in it.
func soft() *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, 400, 300))
	for y := range 300 {
		for x := range 400 {
			v := uint8(60 + x/4 + y/6)
			img.SetRGBA(x, y, color.RGBA{v, v, v, 255})
		}
	}
	return img
}

func TestMeasure(t *testing.T) {
	lamp := flat(255) // a lamp over a corner that can be seen
	for y := range 100 {
		for x := range 300 {
			v := uint8(x * y)
			lamp.SetRGBA(x, y, color.RGBA{v, v, v, 255})
		}
	}
	for name, c := range map[string]struct {
		img  image.Image
		want fieldwork.Doubt
	}{
		"a room":            {scene(800, 600), fieldwork.NoDoubt},
		"a large room":      {scene(2400, 1800), fieldwork.NoDoubt},
		"out of focus":      {soft(), fieldwork.Blurred},
		"a covered lens":    {flat(2), fieldwork.Dark},
		"against the light": {lamp, fieldwork.Bright},
		"a grey wall":       {flat(128), fieldwork.Blurred},
		"one pixel":         {image.NewRGBA(image.Rect(0, 0, 1, 1)), fieldwork.Bright}, // transparent is white paper
	} {
		q := measure(c.img)
		if q.Sharpness < 0 || q.Sharpness > 1000 || q.Exposure < 0 || q.Exposure > 1000 {
			t.Errorf("%s: %+v is out of range", name, q)
		}
		got := fieldwork.PhotoDoubt(schema.Row{Cols: map[string]schema.Value{"sharpness": q.Sharpness, "exposure": q.Exposure}})
		if got != c.want {
			t.Errorf("%s: %+v is %q, want %q", name, q, got, c.want)
		}
	}
	if got := fieldwork.PhotoDoubt(schema.Row{Cols: map[string]schema.Value{"blur": int64(1)}}); got != fieldwork.NoDoubt {
		t.Errorf("a photo of an earlier app is %q", got)
	}
}

// TestMeasureIsTheSameForEveryPhone: the number of one scene must not hang on
// how many pixels the camera has.
func TestMeasureIsTheSameForEveryPhone(t *testing.T) {
	small := shrink(scene(2400, 1800), 1200)
	a, b := measure(shrink(small, 1200)), measure(shrink(small, 700))
	if d := a.Sharpness - b.Sharpness; d < -120 || d > 120 {
		t.Errorf("sharpness %d and %d of one scene", a.Sharpness, b.Sharpness)
	}
	if d := a.Exposure - b.Exposure; d < -10 || d > 10 {
		t.Errorf("exposure %d and %d of one scene", a.Exposure, b.Exposure)
	}
}
