package picture

import (
	"bytes"
	"math"
	"strings"
	"time"

	"github.com/bep/imagemeta"
)

// Spot is where the camera says that it was, in WGS-84. It is untrusted like all
// of the file.
type Spot struct {
	Lat, Lon float64   // degrees, on the globe, neither of them 0
	Metres   int64     // how far it may be off; 0: not said
	At       time.Time // of the fix, by the satellites; zero: not said
}

// readExif fills in orientation, time, place and, for HEIC, the size. A broken
// EXIF block is no reason to refuse a photo: what can't be read stays unknown.
func readExif(f *Facts, b []byte, zone *time.Location) {
	format := map[string]imagemeta.ImageFormat{
		"image/jpeg": imagemeta.JPEG,
		"image/png":  imagemeta.PNG,
		"image/webp": imagemeta.WebP,
		"image/heic": imagemeta.HEIF,
	}[f.Type]
	var gps gpsTags
	found, err := imagemeta.Decode(imagemeta.Options{
		R:           bytes.NewReader(b),
		ImageFormat: format,
		Sources:     imagemeta.EXIF | imagemeta.CONFIG,
		ShouldHandleTag: func(t imagemeta.TagInfo) bool {
			return t.Tag == "Orientation" || t.Tag == "DateTimeOriginal" || strings.HasPrefix(t.Tag, "GPS")
		},
		HandleTag: func(t imagemeta.TagInfo) error {
			gps.take(t.Tag, t.Value)
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
		f.Spot = gps.spot()
	}
}

// gpsTags are the GPS tags of one file.
type gpsTags struct {
	lat, lon, metres       float64
	north, east, day, hour string
}

func (g *gpsTags) take(tag string, value any) {
	switch v := value.(type) {
	case float64:
		switch tag {
		case "GPSLatitude":
			g.lat = v
		case "GPSLongitude":
			g.lon = v
		}
	case interface{ Float64() float64 }:
		if tag == "GPSHPositioningError" {
			g.metres = v.Float64()
		}
	case string:
		switch tag {
		case "GPSLatitudeRef":
			g.north = v
		case "GPSLongitudeRef":
			g.east = v
		case "GPSDateStamp":
			g.day = v
		case "GPSTimeStamp":
			g.hour = v
		}
	}
}

// spot is nil for what no camera measures. A value that could not be read comes
// as 0, so that 0 is none.
func (g *gpsTags) spot() *Spot {
	s := Spot{Lat: g.lat, Lon: g.lon}
	if !(s.Lat > 0 && s.Lat <= 90 && s.Lon > 0 && s.Lon <= 180) || (g.north != "N" && g.north != "S") || (g.east != "E" && g.east != "W") {
		return nil
	}
	if g.north == "S" {
		s.Lat = -s.Lat
	}
	if g.east == "W" {
		s.Lon = -s.Lon
	}
	if g.metres > 0 && g.metres < 1_000_000 {
		s.Metres = int64(math.Ceil(g.metres))
	}
	if at, err := time.Parse("2006:01:02 15:04:05", g.day+" "+g.hour); err == nil {
		s.At = at
	}
	return &s
}
