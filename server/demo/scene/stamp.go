package scene

import (
	"image"

	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"
)

// stamp is the text burned into the lower left corner of the upright picture.
type stamp struct {
	mask   *image.Alpha
	where  area
	pixels float64 // picture pixels per pixel of the font
}

// newStamp sets the text for a picture of the given upright size.
func newStamp(text string, width, height int) *stamp {
	face := basicfont.Face7x13
	w, h := face.Advance*len(text)+8, face.Height+6
	mask := image.NewAlpha(image.Rect(0, 0, w, h))
	d := font.Drawer{Dst: mask, Src: image.Opaque, Face: face, Dot: fixed.P(4, face.Ascent+3)}
	d.DrawString(text)
	k := float64(max(1, max(width, height)/800))
	x, y := 6*k, float64(height)-6*k-float64(h)*k
	return &stamp{mask: mask, where: area{x, y, x + float64(w)*k, y + float64(h)*k}, pixels: k}
}

func (s *stamp) touches(a area) bool {
	return s != nil && a.x0 < s.where.x1 && a.x1 > s.where.x0 && a.y0 < s.where.y1 && a.y1 > s.where.y0
}

// at is what the stamp adds at a pixel: white letters on a dark strip.
func (s *stamp) at(x, y float64) (colour, float32) {
	w := s.where
	if x < w.x0 || x >= w.x1 || y < w.y0 || y >= w.y1 {
		return colour{}, 0
	}
	if s.mask.AlphaAt(int((x-w.x0)/s.pixels), int((y-w.y0)/s.pixels)).A > 0 {
		return colour{250, 246, 232}, 1
	}
	return colour{20, 22, 26}, 0.55
}
