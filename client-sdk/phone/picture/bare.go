package picture

import "encoding/binary"

// bare gives a JPEG without all that is not its picture: EXIF with position,
// serial numbers and names, XMP, IPTC, comments, thumbnails, and whatever lies
// behind the end. It is for derivatives alone (DE-10): an original keeps every
// byte. The bytes are a JPEG that decodes; where its segments can't be walked
// the answer is nil, no preview.
func bare(b []byte) []byte {
	if len(b) < 4 || b[0] != 0xff || b[1] != 0xd8 {
		return nil
	}
	out := append(make([]byte, 0, len(b)), b[:2]...)
	for at := 2; ; {
		for at+1 < len(b) && b[at] == 0xff && b[at+1] == 0xff { // fill bytes
			at++
		}
		if at+2 > len(b) || b[at] != 0xff {
			return nil
		}
		kind := b[at+1]
		if kind == 0xd9 {
			return append(out, 0xff, 0xd9)
		}
		if at+4 > len(b) {
			return nil
		}
		end := at + 2 + int(binary.BigEndian.Uint16(b[at+2:]))
		if end < at+4 || end > len(b) {
			return nil
		}
		if ofPicture(kind) {
			out = append(out, b[at:end]...)
		}
		at = end
		if kind == 0xda {
			at = scanEnd(b, end)
			out = append(out, b[end:at]...)
		}
	}
}

// ofPicture says which segments decoding needs: all but comments and the
// applications' own, of which the first and the fifteenth tell how the colours are meant.
func ofPicture(kind byte) bool {
	switch {
	case kind == 0xfe:
		return false
	case kind >= 0xe0 && kind <= 0xef:
		return kind == 0xe0 || kind == 0xee
	}
	return true
}

// scanEnd finds the marker behind a scan's data: one that is neither a stuffed
// zero nor a restart.
func scanEnd(b []byte, at int) int {
	for ; at+1 < len(b); at++ {
		if b[at] == 0xff && b[at+1] != 0 && b[at+1] != 0xff && (b[at+1] < 0xd0 || b[at+1] > 0xd7) {
			return at
		}
	}
	return len(b)
}
