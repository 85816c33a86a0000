package ink

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
)

// pictureWidth is how wide a picture is, in pixels.
const pictureWidth = 900

// The line's width in shares of the pad's: thin where the hand is quick.
const (
	thick  = 0.0105
	thin   = 0.0050
	slower = 0.0016 // what one pad unit per millisecond takes off
)

// PNG is the picture of a drawing: dark ink on white, some 10 KB. The same
// drawing gives the same pixels everywhere.
func (d Drawing) PNG() ([]byte, error) {
	scale := float64(pictureWidth) / Width
	img := image.NewGray(image.Rect(0, 0, pictureWidth, max(1, int(math.Round(float64(d.Height)*scale)))))
	for i := range img.Pix {
		img.Pix[i] = 0xff
	}
	for _, s := range d.Strokes {
		w := thick * pictureWidth
		for i, p := range s {
			from := s[max(0, i-1)]
			x0, y0, x1, y1 := float64(from.X)*scale, float64(from.Y)*scale, float64(p.X)*scale, float64(p.Y)*scale
			was := w
			if i > 0 {
				w += 0.35 * (lineWidth(from, p) - w)
			}
			length := math.Hypot(x1-x0, y1-y0)
			steps := max(1, int(length*2))
			for k := range steps + 1 {
				at := float64(k) / float64(steps)
				disc(img, x0+(x1-x0)*at, y0+(y1-y0)*at, (was+(w-was)*at)/2)
			}
		}
	}
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, img); err != nil {
		return nil, fmt.Errorf("ink: picture: %w", err)
	}
	return b.Bytes(), nil
}

// lineWidth is the width of the line that goes from a to b, in pixels.
func lineWidth(a, b Point) float64 {
	speed := math.Hypot(float64(b.X-a.X), float64(b.Y-a.Y)) / float64(max(1, b.T-a.T))
	return max(thin, thick-slower*speed) * pictureWidth
}

// disc inks a round spot, its edge soft.
func disc(img *image.Gray, x, y, r float64) {
	for py := int(y - r - 1); py <= int(y+r+1); py++ {
		for px := int(x - r - 1); px <= int(x+r+1); px++ {
			if !(image.Point{px, py}).In(img.Rect) {
				continue
			}
			cover := min(1, max(0, r+0.5-math.Hypot(float64(px)+0.5-x, float64(py)+0.5-y)))
			if g := uint8(255 - cover*(255-22)); g < img.GrayAt(px, py).Y {
				img.SetGray(px, py, color.Gray{Y: g})
			}
		}
	}
}
