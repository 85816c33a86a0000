package picture

import (
	"image"
	"image/color"
)

// reduce makes a picture that a camera took smaller by a whole factor, so that
// its longest side is still at least edge, by the mean of each square. What
// comes after it costs by the small picture's size and not by the camera's.
// Pictures of another kind, and small ones, come back as they are.
func reduce(img image.Image, edge int) image.Image {
	m, ok := img.(*image.YCbCr)
	if !ok {
		return img
	}
	w, h := m.Rect.Dx(), m.Rect.Dy()
	k := max(w, h) / edge
	if k < 2 || min(w, h) < k {
		return img
	}
	out := image.NewRGBA(image.Rect(0, 0, w/k, h/k))
	grey := make([]int, w/k)
	for y := range h / k {
		clear(grey)
		for dy := range k {
			line := m.Y[m.YOffset(m.Rect.Min.X, m.Rect.Min.Y+y*k+dy):]
			for x := range grey {
				sum := 0
				for _, v := range line[x*k : x*k+k] {
					sum += int(v)
				}
				grey[x] += sum
			}
		}
		for x, sum := range grey {
			cb, cr := chroma(m, x*k, y*k, k)
			r, g, b := color.YCbCrToRGB(uint8(sum/(k*k)), cb, cr)
			o := y*out.Stride + 4*x
			out.Pix[o], out.Pix[o+1], out.Pix[o+2], out.Pix[o+3] = r, g, b, 255
		}
	}
	return out
}

// chroma is the mean colour of a square of pixels; a camera keeps one value for
// two or four of them.
func chroma(m *image.YCbCr, x, y, k int) (cb, cr uint8) {
	var b, r, n int
	for dy := 0; dy < k; dy += 2 {
		for dx := 0; dx < k; dx += 2 {
			o := m.COffset(m.Rect.Min.X+x+dx, m.Rect.Min.Y+y+dy)
			b, r, n = b+int(m.Cb[o]), r+int(m.Cr[o]), n+1
		}
	}
	return uint8(b / n), uint8(r / n)
}
