package picture

import (
	"bytes"
	"image"
	"image/jpeg"

	"golang.org/x/image/draw"
)

// previewEdges are the longest sides tried, in pixels, the largest first: as
// much as fits into MaxPreviewBytes, since a judge looks at it before the
// original arrives.
func previewEdges() []int { return []int{960, 800, 640, 512, 384, 256, 128} }

// preview makes an upright JPEG that fits, and measures its sharpness.
func preview(img image.Image, orientation int) ([]byte, int64) {
	for _, edge := range previewEdges() {
		small := turn(shrink(img, edge), orientation)
		for _, quality := range []int{76, 60, 46} {
			var out bytes.Buffer
			if err := jpeg.Encode(&out, small, &jpeg.Options{Quality: quality}); err != nil {
				return nil, 0
			}
			if out.Len() <= MaxPreviewBytes {
				return out.Bytes(), sharpness(small)
			}
		}
		img = small // the next size starts from this one: already upright
		orientation = 1
	}
	return nil, 0
}

// shrink scales the longest side down to edge; a smaller picture is copied.
func shrink(img image.Image, edge int) *image.RGBA {
	b := img.Bounds()
	w, h := b.Dx(), b.Dy()
	if long := max(w, h); long > edge {
		w, h = max(1, w*edge/long), max(1, h*edge/long)
	}
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(dst, dst.Bounds(), image.White, image.Point{}, draw.Src)
	draw.BiLinear.Scale(dst, dst.Bounds(), img, b, draw.Over, nil)
	return dst
}

// turn applies an EXIF orientation, so that the result stands upright.
func turn(src *image.RGBA, orientation int) *image.RGBA {
	if orientation < 2 || orientation > 8 {
		return src
	}
	w, h := src.Bounds().Dx(), src.Bounds().Dy()
	dw, dh := w, h
	if orientation >= 5 {
		dw, dh = h, w
	}
	dst := image.NewRGBA(image.Rect(0, 0, dw, dh))
	for y := range h {
		for x := range w {
			dx, dy := place(orientation, x, y, w, h)
			dst.SetRGBA(dx, dy, src.RGBAAt(x, y))
		}
	}
	return dst
}

// place says where a stored pixel stands in the upright picture.
func place(orientation, x, y, w, h int) (int, int) {
	switch orientation {
	case 2:
		return w - 1 - x, y
	case 3:
		return w - 1 - x, h - 1 - y
	case 4:
		return x, h - 1 - y
	case 5:
		return y, x
	case 6:
		return h - 1 - y, x
	case 7:
		return h - 1 - y, w - 1 - x
	case 8:
		return y, w - 1 - x
	}
	return x, y
}

// sharpness is the variance of the Laplacian of the grey picture: low for a
// blurred one. It is a hint beside the photo, never a reason to refuse it.
func sharpness(img *image.RGBA) int64 {
	b := img.Bounds()
	w, h := b.Dx(), b.Dy()
	if w < 3 || h < 3 {
		return 0
	}
	grey := make([]int32, w*h)
	for y := range h {
		for x := range w {
			p := img.Pix[y*img.Stride+x*4:]
			grey[y*w+x] = (299*int32(p[0]) + 587*int32(p[1]) + 114*int32(p[2])) / 1000
		}
	}
	var sum, squares, n int64
	for y := 1; y < h-1; y++ {
		for x := 1; x < w-1; x++ {
			i := y*w + x
			v := int64(4*grey[i] - grey[i-1] - grey[i+1] - grey[i-w] - grey[i+w])
			sum += v
			squares += v * v
			n++
		}
	}
	mean := sum / n
	return min(squares/n-mean*mean, 1_000_000)
}

// sharpnessOf measures a preview that came as JPEG bytes.
func sharpnessOf(b []byte) int64 {
	img, err := jpeg.Decode(bytes.NewReader(b))
	if err != nil {
		return 0
	}
	return sharpness(shrink(img, max(img.Bounds().Dx(), img.Bounds().Dy())))
}
