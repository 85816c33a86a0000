package picture

import (
	"bytes"
	"image/png"
	"testing"
	"time"

	"siteledger/syncproto/mutate"
)

// cameras are small pictures as cameras write them.
func cameras(tb testing.TB) [][]byte {
	tb.Helper()
	small := jpegOf(tb, scene(48, 32))
	var p bytes.Buffer
	if err := png.Encode(&p, scene(24, 16)); err != nil {
		tb.Fatal(err)
	}
	return [][]byte{withExif(small, 6, "2026:11:20 14:02:05"), withExif(small, 1, "x"), p.Bytes(),
		withGPS(small, "N", "E", [3]uint32{30, 15, 3000}, [3]uint32{120, 10, 1200}, 100, "2026:11:19"),
		[]byte("RIFF\x24\x00\x00\x00WEBPVP8 \x18\x00\x00\x00\x30\x01\x00\x9d\x01\x2a\x01\x00\x01\x00\x02\x00\x34\x25\xa4\x00\x03\x70\x00\xfe\xfb\xfd\x50\x00"),
		[]byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic\x00\x00\x00\x08mdat")}
}

// looked: whatever the bytes, they are refused or have facts that hold; the
// original is never touched and the preview stays small.
func looked(t testing.TB, b []byte) bool {
	before := bytes.Clone(b)
	f, err := Inspect(b, nil, time.UTC)
	if !bytes.Equal(b, before) {
		t.Fatal("the original was changed")
	}
	if err != nil {
		return false
	}
	if f.Type == "" || len(f.Preview) > MaxPreviewBytes || f.Orientation < 0 || f.Orientation > 8 || f.Width < 0 || f.Height < 0 {
		t.Fatalf("facts %s, %d×%d, orientation %d, preview of %d", f.Type, f.Width, f.Height, f.Orientation, len(f.Preview))
	}
	return true
}

func FuzzInspect(f *testing.F) {
	for _, b := range cameras(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) { looked(t, b) })
}

// exifRead: a damaged EXIF block costs its facts, nothing else.
func exifRead(t testing.TB, b []byte) bool {
	f := Facts{Type: TypeOf(b)}
	readExif(&f, b, time.UTC)
	if f.Orientation < 0 || f.Orientation > 8 {
		t.Fatalf("orientation %d", f.Orientation)
	}
	if s := f.Spot; s != nil && (!(s.Lat >= -90 && s.Lat <= 90 && s.Lon >= -180 && s.Lon <= 180) || s.Metres < 0) {
		t.Fatalf("spot %+v", s)
	}
	return f.Orientation != 0
}

func FuzzExif(f *testing.F) {
	for _, b := range cameras(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) { exifRead(t, b) })
}

func TestFuzzed(t *testing.T) {
	mutate.Run(t, "FuzzInspect", 4_000, cameras(t), looked)
	mutate.Run(t, "FuzzExif", 12_000, cameras(t), exifRead)
}
