package blob

import (
	"bytes"
	"image"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"

	"siteledger/syncproto/mutate"
)

func heads(tb testing.TB) [][]byte {
	tb.Helper()
	img := image.NewGray(image.Rect(0, 0, 8, 8))
	var j, p bytes.Buffer
	if err := jpeg.Encode(&j, img, nil); err != nil {
		tb.Fatal(err)
	}
	if err := png.Encode(&p, img); err != nil {
		tb.Fatal(err)
	}
	return [][]byte{j.Bytes(), p.Bytes(), []byte("%PDF-1.7"), []byte("AC1027"), []byte("  0\r\nSECTION\r\n  2\r\nHEADER"), []byte("RIFF\x00\x00\x00\x00WEBPVP8 "),
		[]byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"), []byte("<!doctype html><script>"), []byte("<svg xmlns='http://www.w3.org/2000/svg'>")}
}

// sniffed: no bytes that a browser takes for a page pass as any type, and none
// make the look at them fail.
func sniffed(t testing.TB, b []byte) bool {
	taken := false
	for _, m := range medias() {
		if judge(m.name, b) != nil {
			continue
		}
		taken = true
		if start := strings.ToLower(string(bytes.TrimLeft(b, " \t\r\n\xef\xbb\xbf"))); strings.HasPrefix(start, "<html") || strings.HasPrefix(start, "<!doctype") || strings.HasPrefix(start, "<svg") || strings.HasPrefix(start, "<script") {
			t.Fatalf("a page passes as %s", m.name)
		}
	}
	return taken
}

func FuzzSniff(f *testing.F) {
	for _, b := range heads(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) { sniffed(t, b) })
}

func TestFuzzed(t *testing.T) {
	mutate.Run(t, "FuzzSniff", 30_000, heads(t), sniffed)
}
