package picture

import (
	"bytes"
	"time"

	"github.com/bep/imagemeta"
)

// readExif fills in orientation, time and, for HEIC, the size. A broken EXIF
// block is no reason to refuse a photo: what can't be read stays unknown.
func readExif(f *Facts, b []byte, zone *time.Location) {
	format := map[string]imagemeta.ImageFormat{
		"image/jpeg": imagemeta.JPEG,
		"image/png":  imagemeta.PNG,
		"image/webp": imagemeta.WebP,
		"image/heic": imagemeta.HEIF,
	}[f.Type]
	found, err := imagemeta.Decode(imagemeta.Options{
		R:           bytes.NewReader(b),
		ImageFormat: format,
		Sources:     imagemeta.EXIF | imagemeta.CONFIG,
		ShouldHandleTag: func(t imagemeta.TagInfo) bool {
			return t.Tag == "Orientation" || t.Tag == "DateTimeOriginal"
		},
		HandleTag: func(t imagemeta.TagInfo) error {
			switch v := t.Value.(type) {
			case uint16:
				if t.Tag == "Orientation" && v >= 1 && v <= 8 {
					f.Orientation = int(v)
				}
			case string:
				if t.Tag == "DateTimeOriginal" {
					if at, err := time.ParseInLocation("2006:01:02 15:04:05", v, zone); err == nil {
						f.TakenAt = at
					}
				}
			}
			return nil
		},
	})
	if err == nil {
		f.Width, f.Height = found.ImageConfig.Width, found.ImageConfig.Height
	}
}
