package likeness

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"
	"time"

	"golang.org/x/image/webp"
)

const (
	// maxPixels bounds a picture that is decoded line by line: 64 megapixels are
	// 96 MB as a camera writes them, at most twice that.
	maxPixels = 64 << 20
	// maxHeldPixels bounds one that its decoder holds whole beside the result, in
	// up to 12 bytes a pixel: progressive JPEG, PNG, WebP.
	maxHeldPixels = 16 << 20
	// headBytes is how far the size of a picture is looked for.
	headBytes = 512 << 10
	// patience is how long one picture may be decoded. A file may be made of
	// thousands of scans that each cost as much as a picture.
	patience = 20 * time.Second
)

// Why a picture was not looked at.
var (
	ErrFormat  = errors.New("likeness: pictures of this format can't be decoded here")
	ErrTooMany = errors.New("likeness: the picture has too many pixels")
	ErrDamaged = errors.New("likeness: the picture can't be decoded")
)

// Look reads a picture of a media type to its end and gives what it looks like,
// upright by its EXIF orientation. The error is ErrFormat, ErrTooMany,
// ErrDamaged, or the reader's own. now measures the time that the decoder
// takes; it must not stand still.
func Look(r io.Reader, mediaType string, now func() time.Time) (Sketch, error) {
	in := &stoppable{r: r, now: now, until: now().Add(patience)}
	b := bufio.NewReaderSize(in, headBytes)
	head, err := b.Peek(headBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return Sketch{}, in.verdict(err)
	}
	var cfg image.Config
	most, decode, turned := int64(maxHeldPixels), jpeg.Decode, 1
	switch mediaType {
	case "image/jpeg":
		cfg, err = jpeg.DecodeConfig(bytes.NewReader(head))
		var progressive bool
		if progressive, turned = jpegFacts(head); !progressive {
			most = maxPixels
		}
	case "image/png":
		cfg, err = png.DecodeConfig(bytes.NewReader(head))
		decode = png.Decode
	case "image/webp":
		cfg, err = webp.DecodeConfig(bytes.NewReader(head))
		decode = webp.Decode
	default:
		return Sketch{}, ErrFormat
	}
	switch {
	case err != nil:
		return Sketch{}, fmt.Errorf("%w: %w", ErrDamaged, err)
	case cfg.Width < side || cfg.Height < side:
		return Sketch{}, fmt.Errorf("%w: %d × %d pixels", ErrDamaged, cfg.Width, cfg.Height)
	case int64(cfg.Width)*int64(cfg.Height) > most:
		return Sketch{}, ErrTooMany
	}
	img, err := decode(b)
	if err != nil {
		return Sketch{}, in.verdict(err)
	}
	if img.Bounds().Dx() < side || img.Bounds().Dy() < side { // another size than its head says
		return Sketch{}, ErrDamaged
	}
	return sketchOf(img).turn(orientations()[turned]), nil
}

// stoppable ends a decoder that takes too long, and remembers whether it was
// the storage that failed or the picture.
type stoppable struct {
	r     io.Reader
	now   func() time.Time
	until time.Time
	err   error
}

var errSlow = errors.New("the picture takes too long to decode")

func (s *stoppable) Read(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	if s.now().After(s.until) {
		s.err = errSlow
		return 0, s.err
	}
	n, err := s.r.Read(p[:min(len(p), 32<<10)])
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

// verdict tells the storage's failure, after which one tries again, from the
// picture's own.
func (s *stoppable) verdict(err error) error {
	if s.err != nil && !errors.Is(s.err, errSlow) {
		return s.err
	}
	return fmt.Errorf("%w: %w", ErrDamaged, err)
}

// jpegFacts walks the segments of a JPEG's head: whether it is progressive, and
// its EXIF orientation, 1 where it says none.
func jpegFacts(b []byte) (progressive bool, orientation int) {
	orientation = 1
	for at := 2; at+4 <= len(b) && b[at] == 0xff; {
		kind, size := b[at+1], int(b[at+2])<<8|int(b[at+3])
		if kind == 0xff { // a fill byte
			at++
			continue
		}
		if kind == 0xda || size < 2 {
			break
		}
		body := b[at+4 : min(at+2+size, len(b))]
		switch {
		case kind >= 0xc0 && kind <= 0xcf && kind != 0xc4 && kind != 0xc8 && kind != 0xcc:
			progressive = progressive || kind != 0xc0 && kind != 0xc1
		case kind == 0xe1 && bytes.HasPrefix(body, []byte("Exif\x00\x00")):
			if o := orientationOf(body[6:]); o != 0 {
				orientation = o
			}
		}
		at += 2 + size
	}
	return progressive, orientation
}
