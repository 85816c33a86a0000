package blob

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"slices"
	"strings"

	"golang.org/x/image/webp"

	"siteledger/server/fault"
	"siteledger/syncproto"
)

// headBytes is how much of a blob's beginning is kept for judging its type;
// a camera's JPEG has its dimensions behind up to 64 KiB of EXIF and more.
const headBytes = 256 << 10

// maxPixels bounds a picture: decoding one of more would cost a reader
// gigabytes, and no phone's camera makes one.
const maxPixels = 400_000_000

// media is one media type: where it is allowed and how its bytes begin.
type media struct {
	name     string
	purposes []string // besides the document, which takes all
	begins   func(head []byte) bool
	config   func(r io.Reader) (image.Config, error) // nil where size in pixels is not looked at
}

// medias are the media types that are taken at all. HTML and SVG are not, under any
// name: what is not here has no way in.
func medias() []media {
	picture := []string{syncproto.PurposePreview, syncproto.PurposePhoto, syncproto.PurposeSignature, syncproto.PurposeReceipt, syncproto.PurposeDocument}
	paper := []string{syncproto.PurposeReceipt, syncproto.PurposeDocument}
	drawing := []string{syncproto.PurposeDocument}
	return []media{
		{"image/jpeg", picture, prefix("\xff\xd8\xff"), jpegSize},
		{"image/png", picture, prefix("\x89PNG\r\n\x1a\n"), png.DecodeConfig},
		{"image/webp", picture, isWebP, webp.DecodeConfig},
		{"image/heic", picture, isHEIC, nil},
		{"application/pdf", paper, prefix("%PDF-"), nil},
		{"image/vnd.dxf", drawing, isDXF, nil},
		{"application/dxf", drawing, isDXF, nil},
		{"image/vnd.dwg", drawing, prefix("AC10"), nil},
		{"application/acad", drawing, prefix("AC10"), nil},
	}
}

// jpegSize reads the size that a JPEG's frame header says. The decoder's own way
// of asking goes on to the scan, so that a long stretch between the two would
// hide a bomb from it.
func jpegSize(r io.Reader) (image.Config, error) {
	b, err := io.ReadAll(r)
	for at := 2; err == nil && at+9 < len(b) && b[at] == 0xff; {
		marker, size := b[at+1], int(binary.BigEndian.Uint16(b[at+2:]))
		switch {
		case marker == 0xff: // padding
			at++
		case marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc:
			return image.Config{Width: int(binary.BigEndian.Uint16(b[at+7:])), Height: int(binary.BigEndian.Uint16(b[at+5:]))}, nil
		default:
			at += 2 + size
		}
	}
	return image.Config{}, cmp.Or(err, errNoFrame)
}

var errNoFrame = errors.New("no frame header")

func prefix(magic string) func([]byte) bool {
	return func(head []byte) bool { return bytes.HasPrefix(head, []byte(magic)) }
}

func isWebP(head []byte) bool {
	return len(head) >= 12 && string(head[:4]) == "RIFF" && string(head[8:12]) == "WEBP"
}

func isHEIC(head []byte) bool {
	if len(head) < 12 || string(head[4:8]) != "ftyp" {
		return false
	}
	return slices.Contains([]string{"heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1"}, string(head[8:12]))
}

// isDXF takes the binary form by its mark and the text form by its first
// group; being text, it must not read as a page to a browser.
func isDXF(head []byte) bool {
	if bytes.HasPrefix(head, []byte("AutoCAD Binary DXF\r\n\x1a\x00")) {
		return true
	}
	text := string(head)
	for {
		code, rest, ok := strings.Cut(text, "\n")
		value, after, ok2 := strings.Cut(rest, "\n")
		if !ok || !ok2 {
			return false
		}
		switch strings.TrimSpace(code) {
		case "999": // a comment
			text = after
			continue
		case "0":
			return strings.TrimSpace(value) == "SECTION" && !looksLikePage(head)
		}
		return false
	}
}

// looksLikePage finds what would make a browser run a text file.
func looksLikePage(head []byte) bool {
	low := bytes.ToLower(head)
	for _, mark := range []string{"<html", "<script", "<svg", "<!doctype", "<body", "<iframe"} {
		if bytes.Contains(low, []byte(mark)) {
			return true
		}
	}
	return false
}

// allow judges what a phone declares, before any byte is sent.
func allow(l syncproto.Limits, b syncproto.PlanBlob) error {
	purposes := []string{syncproto.PurposePreview, syncproto.PurposePhoto, syncproto.PurposeSignature, syncproto.PurposeReceipt, syncproto.PurposeDocument}
	if !slices.Contains(purposes, b.Purpose) {
		return fault.New(syncproto.BodyInvalid, fmt.Sprintf("purpose must be one of %s", strings.Join(purposes, ", ")))
	}
	if b.Size < 1 {
		return fault.New(syncproto.BodyInvalid, "size must be 1 or more")
	}
	at := slices.IndexFunc(medias(), func(m media) bool { return m.name == b.Type && slices.Contains(m.purposes, b.Purpose) })
	if at < 0 {
		return fault.New(syncproto.BlobType, fmt.Sprintf("a %s can't be of this type", b.Purpose)).
			WithHint("allowed: " + strings.Join(allowed(b.Purpose), ", "))
	}
	if most := maxBytes(l, b.Purpose); b.Size > most {
		return fault.TooLarge(syncproto.BlobTooLarge, b.Purpose, most)
	}
	return nil
}

func allowed(purpose string) []string {
	var names []string
	for _, m := range medias() {
		if slices.Contains(m.purposes, purpose) {
			names = append(names, m.name)
		}
	}
	return names
}

// judge holds a blob's first bytes against the declared type.
func judge(mediaType string, head []byte) error {
	at := slices.IndexFunc(medias(), func(m media) bool { return m.name == mediaType })
	if at < 0 {
		return fault.New(syncproto.BlobType, "this media type is not taken")
	}
	m := medias()[at]
	if !m.begins(head) {
		return fault.New(syncproto.BlobType, "the bytes are not "+mediaType)
	}
	if m.config == nil {
		return nil
	}
	// A picture whose header Go can't read is kept, since cameras write odd
	// ones and it is evidence; one that says it is enormous is not.
	if c, err := m.config(bytes.NewReader(head)); err == nil && int64(c.Width)*int64(c.Height) > maxPixels {
		return fault.New(syncproto.BlobType, fmt.Sprintf("a picture of %d × %d pixels is not taken", c.Width, c.Height))
	}
	return nil
}
