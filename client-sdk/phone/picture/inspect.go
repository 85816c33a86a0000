package picture

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"time"

	"golang.org/x/image/webp"
)

const (
	// MaxPixels bounds what is decoded: a 64-megapixel picture takes about
	// 100 MB while its preview is made, the most a cheap phone can spare.
	MaxPixels = 64 << 20
	// MaxPreviewBytes is the protocol's limit of a preview.
	MaxPreviewBytes = 32 << 10
)

// What can be wrong with a file that should have been a photo.
var (
	ErrEmpty      = errors.New("picture: no bytes")
	ErrNotPicture = errors.New("picture: the bytes are no JPEG, PNG, WebP or HEIC")
	ErrTruncated  = errors.New("picture: the file breaks off")
)

// Facts are what the bytes of a photo say about themselves.
type Facts struct {
	Type        string    // by the first bytes: image/jpeg, image/png, image/webp, image/heic
	Width       int       // stored pixels, before Orientation is applied; 0 if unknown
	Height      int       // likewise
	Orientation int       // EXIF, 1 to 8; 1 where the file says nothing
	TakenAt     time.Time // EXIF DateTimeOriginal; zero where the file says nothing
	Spot        *Spot     // EXIF GPS; nil where the file says nothing
	Preview     []byte    // JPEG, upright, at most MaxPreviewBytes; nil if none could be made
	Sharpness   int64     // variance of the Laplacian of the preview; 0 without a preview
	Quality     *Quality  // nil where the picture could not be looked at
}

// Inspect reads the facts of one photo. browser is a preview that the web view
// made, used where this build can't decode the format (HEIC) or the picture is
// larger than MaxPixels; it may be nil and is checked like any other input. zone
// is where the phone is: EXIF times carry none.
//
// The error is ErrEmpty, ErrNotPicture or ErrTruncated.
func Inspect(original, browser []byte, zone *time.Location) (Facts, error) {
	if len(original) == 0 {
		return Facts{}, ErrEmpty
	}
	f := Facts{Type: TypeOf(original), Orientation: 1}
	if f.Type == "" {
		return Facts{}, ErrNotPicture
	}
	if !whole(f.Type, original) {
		return Facts{}, ErrTruncated
	}
	readExif(&f, original, zone)
	img, err := decode(&f, original)
	if err != nil {
		return Facts{}, err
	}
	if img != nil {
		small := reduce(img, previewEdges()[0])
		f.Preview, f.Sharpness = preview(small, f.Orientation)
		q := measure(small)
		f.Quality = &q
	} else if usable(browser) {
		f.Preview, f.Sharpness, f.Quality = bare(browser), sharpnessOf(browser), measureJPEG(browser)
	}
	return f, nil
}

// decode gives the picture, or nil where this build can't or won't decode it.
func decode(f *Facts, b []byte) (image.Image, error) {
	var cfg image.Config
	var err error
	switch f.Type {
	case "image/jpeg":
		cfg, err = jpeg.DecodeConfig(bytes.NewReader(b))
	case "image/png":
		cfg, err = png.DecodeConfig(bytes.NewReader(b))
	case "image/webp":
		cfg, err = webp.DecodeConfig(bytes.NewReader(b))
		if err != nil {
			return nil, nil // an animated or extended file: kept, without a preview of ours
		}
	default:
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTruncated, err)
	}
	f.Width, f.Height = cfg.Width, cfg.Height
	if cfg.Width <= 0 || cfg.Height <= 0 {
		return nil, ErrNotPicture
	}
	if int64(cfg.Width)*int64(cfg.Height) > MaxPixels {
		return nil, nil
	}
	img, err := pixels(f.Type, b)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTruncated, err)
	}
	return img, nil
}

func pixels(kind string, b []byte) (image.Image, error) {
	switch kind {
	case "image/jpeg":
		return jpeg.Decode(bytes.NewReader(b))
	case "image/png":
		return png.Decode(bytes.NewReader(b))
	}
	return webp.Decode(bytes.NewReader(b))
}

// usable checks a preview that the web view made: a small JPEG that decodes.
func usable(b []byte) bool {
	if len(b) == 0 || len(b) > MaxPreviewBytes || TypeOf(b) != "image/jpeg" {
		return false
	}
	cfg, err := jpeg.DecodeConfig(bytes.NewReader(b))
	if err != nil || cfg.Width > 4096 || cfg.Height > 4096 {
		return false
	}
	_, err = jpeg.Decode(bytes.NewReader(b))
	return err == nil
}
