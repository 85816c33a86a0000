package picture

import (
	"bytes"
	"encoding/binary"
	"image/jpeg"
	"testing"
	"time"
)

// personal is what a camera writes beside a picture and no derivative may show.
var personal = []string{"Exif", "31.2304", "SN-4711-OWNER", "LiSiKitchen", "http://ns.adobe.com/xap", "secret comment", "appended"}

// withPersonal is a JPEG as a camera with its position on writes it: EXIF with
// GPS directory, serial number and owner, XMP, a comment, and data behind the
// end.
func withPersonal(b []byte) []byte {
	be := binary.BigEndian
	tiff := []byte("MM\x00*\x00\x00\x00\x08")
	entry := func(tag, kind uint16, n, value uint32) {
		tiff = be.AppendUint16(tiff, tag)
		tiff = be.AppendUint16(tiff, kind)
		tiff = be.AppendUint32(tiff, n)
		tiff = be.AppendUint32(tiff, value)
	}
	const rational, ascii, long = 5, 2, 4
	tiff = be.AppendUint16(tiff, 4)
	entry(0x010f, ascii, 12, 110) // make
	entry(0x8825, long, 1, 62)    // the GPS directory
	entry(0xa430, ascii, 14, 130) // owner
	entry(0xa431, ascii, 14, 130) // serial number
	tiff = be.AppendUint32(tiff, 0)
	tiff = be.AppendUint16(tiff, 2)
	entry(0x0002, rational, 3, 150) // latitude
	entry(0x0004, rational, 3, 150)
	tiff = be.AppendUint32(tiff, 0)
	tiff = append(tiff, make([]byte, 110-len(tiff))...)
	tiff = append(tiff, "LiSiKitchen\x00\x00\x00\x00\x00\x00\x00\x00\x00SN-4711-OWNER\x00\x00\x00\x00\x00\x00\x0031.2304N121.4737E"...)
	segment := func(kind byte, body string) []byte {
		return append(be.AppendUint16([]byte{0xff, kind}, uint16(len(body)+2)), body...)
	}
	out := append([]byte{0xff, 0xd8}, segment(0xe1, "Exif\x00\x00"+string(tiff))...)
	out = append(out, segment(0xe1, "http://ns.adobe.com/xap/1.0/\x00<x:xmpmeta>LiSiKitchen</x:xmpmeta>")...)
	out = append(out, segment(0xfe, "secret comment")...)
	return append(append(out, b[2:]...), "appended 31.2304"...)
}

func shows(b []byte) (found []string) {
	for _, s := range personal {
		if bytes.Contains(b, []byte(s)) {
			found = append(found, s)
		}
	}
	return found
}

// The original keeps every byte, position and all; the preview that is made of
// it shows nothing but the picture.
func TestPersonalDataStayInTheOriginal(t *testing.T) {
	original := withPersonal(jpegOf(t, scene(1200, 900)))
	before := bytes.Clone(original)
	f, err := Inspect(original, nil, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(original, before) || len(shows(original)) != len(personal) {
		t.Fatalf("the original was changed, or the test's picture shows only %v", shows(original))
	}
	if got := shows(f.Preview); len(f.Preview) == 0 || got != nil {
		t.Fatalf("a preview of %d bytes shows %v", len(f.Preview), got)
	}
}

// A preview that the web view made is cleaned of the same.
func TestPersonalDataLeaveTheBrowsersPreview(t *testing.T) {
	heic := []byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic\x00\x00\x00\x0cmdat1234")
	small := jpegOf(t, scene(60, 40))
	f, err := Inspect(heic, withPersonal(small), time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	if got := shows(f.Preview); len(f.Preview) == 0 || got != nil {
		t.Fatalf("a preview of %d bytes shows %v", len(f.Preview), got)
	}
	want, err := jpeg.Decode(bytes.NewReader(small))
	if err != nil {
		t.Fatal(err)
	}
	got, err := jpeg.Decode(bytes.NewReader(f.Preview))
	if err != nil || got.Bounds() != want.Bounds() || grey(got, 10, 10) != grey(want, 10, 10) || grey(got, 50, 30) != grey(want, 50, 30) {
		t.Fatalf("cleaning changed the picture: %v", err)
	}
}

func TestBareOfWhatIsNoJPEG(t *testing.T) {
	whole := jpegOf(t, scene(60, 40))
	for _, b := range [][]byte{nil, []byte("x"), whole[:20], append(bytes.Clone(whole[:2]), 0xff, 0xe1, 0xff, 0xff), append(bytes.Clone(whole[:2]), 0xff, 0xe1, 0, 0)} {
		if got := bare(b); got != nil {
			t.Errorf("%d bytes of %d", len(got), len(b))
		}
	}
}
