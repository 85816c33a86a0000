package picture

import (
	"bytes"
	"image"
	"image/jpeg"
	"math"
)

// measureEdge is the longest side of the picture that is measured: the same for
// every phone, so that their numbers can be compared.
const measureEdge = 640

// fullSharpness is the variance of the Laplacian that counts as 1000 of 1000.
const fullSharpness = 1 << 14

// Quality is what a photo looks like, each of 1000 (DE-03, DE-05).
type Quality struct {
	Sharpness int64 // 0 for a flat or blurred picture; rises with the logarithm of the Laplacian's variance
	Exposure  int64 // mean brightness: 0 black, 1000 white
}

// measure looks at a picture scaled down to measureEdge. A picture of which
// three fifths are black, or white, counts as that whatever its mean.
func measure(img image.Image) Quality {
	small := shrink(img, measureEdge)
	variance := sharpness(small)
	q := Quality{Sharpness: min(1000, int64(math.Round(1000*math.Log2(1+float64(variance))/math.Log2(1+fullSharpness))))}
	var sum, dark, bright, n int64
	for i := 0; i+3 < len(small.Pix); i += 4 {
		p := small.Pix[i:]
		grey := (299*int64(p[0]) + 587*int64(p[1]) + 114*int64(p[2])) / 1000
		sum += grey
		if grey < 8 {
			dark++
		}
		if grey > 247 {
			bright++
		}
		n++
	}
	if n == 0 {
		return q
	}
	q.Exposure = sum * 1000 / (n * 255)
	switch {
	case dark*5 > n*3:
		q.Exposure = min(q.Exposure, 30)
	case bright*5 > n*3:
		q.Exposure = max(q.Exposure, 970)
	}
	return q
}

// measureJPEG measures a preview that came as JPEG bytes; nil where it cannot be
// read.
func measureJPEG(b []byte) *Quality {
	img, err := jpeg.Decode(bytes.NewReader(b))
	if err != nil {
		return nil
	}
	q := measure(img)
	return &q
}
