package blob_test

import (
	"encoding/binary"
	"os"
	"testing"

	"siteledger/syncproto"
)

func TestHTMLThatClaimsToBeAPhotoIsRefusedAndRemoved(t *testing.T) {
	s := open(t)
	for mediaType, purpose := range map[string]string{
		"image/jpeg": "photo", "image/png": "photo", "image/webp": "photo", "image/heic": "photo", "application/pdf": "receipt", "image/vnd.dxf": "document", "image/vnd.dwg": "document",
	} {
		for _, text := range []string{"<!DOCTYPE html><script>alert(1)</script>", "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "  0\nSECTION\n<script>alert(1)</script>", "\xff\xd8"} {
			body := []byte(text + mediaType)
			s.upload(s.plan(s.a, ask(body, mediaType, purpose))[0], body)
			s.wantCommit(s.a, body, syncproto.BlobType)
			s.wantFile(s.a, body, false)
			if p := s.plan(s.a, ask(body, mediaType, purpose))[0]; p.State != "put" {
				t.Fatalf("%s: planned %s after it was refused", mediaType, p.State)
			}
		}
	}
	if len(s.mem.edits) > 0 {
		t.Fatal("the journal says that something is present")
	}
}

func TestEachAllowedTypeIsTaken(t *testing.T) {
	s := open(t)
	for mediaType, begin := range map[string]string{
		"image/jpeg": "\xff\xd8\xff\xe1", "image/png": "\x89PNG\r\n\x1a\n", "image/webp": "RIFF\x10\x00\x00\x00WEBPVP8 ", "image/heic": "\x00\x00\x00\x18ftypheic\x00\x00\x00\x00",
		"application/pdf": "%PDF-1.7\n", "image/vnd.dxf": "999\r\nmade by hand\r\n  0\r\nSECTION\r\n  2\r\nHEADER\r\n", "application/dxf": "AutoCAD Binary DXF\r\n\x1a\x00", "image/vnd.dwg": "AC1032",
	} {
		body := []byte(begin + "and the rest")
		s.upload(s.plan(s.a, ask(body, mediaType, "document"))[0], body)
		s.commit(s.a, body)
	}
}

// TestPixelBombIsRefused: a few bytes that say they are a picture of gigabytes
// are removed; the largest that a camera makes is taken.
func TestPixelBombIsRefused(t *testing.T) {
	s := open(t)
	png := func(w, h uint32) []byte {
		head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32([]byte("IHDR"), w), h)
		head = append(head, 8, 6, 0, 0, 0)
		return append(append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\r"), head...), pngCRC(head, make([]byte, 4))...)
	}
	jpg := func(w, h uint16) []byte {
		b := binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16([]byte("\xff\xd8\xff\xc0\x00\x11\x08"), h), w)
		return append(b, 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0)
	}
	for _, c := range []struct {
		name, mediaType string
		body            []byte
		taken           bool
	}{
		{"a bomb of a PNG", "image/png", png(60_000, 60_000), false},
		{"a wide bomb", "image/png", png(1<<31-1, 1), false},
		{"a bomb of a JPEG", "image/jpeg", jpg(65_500, 65_500), false},
		{"200 megapixels", "image/jpeg", jpg(16_320, 12_240), true},
		{"a header that breaks off", "image/jpeg", []byte("\xff\xd8\xff\xc0\x00"), true}, // evidence all the same
	} {
		s.upload(s.plan(s.a, ask(c.body, c.mediaType, "photo"))[0], c.body)
		if c.taken {
			s.commit(s.a, c.body)
		} else {
			s.wantCommit(s.a, c.body, syncproto.BlobType)
		}
		if _, err := os.Stat(s.file(s.a, c.body)); (err == nil) != c.taken {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
