package picture

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// TypeOf names the format by the first bytes; "" for anything that may not be
// evidence. Names and Content-Type headers are never asked.
func TypeOf(b []byte) string {
	switch {
	case bytes.HasPrefix(b, []byte{0xff, 0xd8, 0xff}):
		return "image/jpeg"
	case bytes.HasPrefix(b, []byte("\x89PNG\r\n\x1a\n")):
		return "image/png"
	case len(b) >= 12 && string(b[:4]) == "RIFF" && string(b[8:12]) == "WEBP":
		return "image/webp"
	case heic(b):
		return "image/heic"
	}
	return ""
}

// heic looks at the major and compatible brands of an ISO media file.
func heic(b []byte) bool {
	if len(b) < 16 || string(b[4:8]) != "ftyp" {
		return false
	}
	end := min(int(binary.BigEndian.Uint32(b)), len(b), 256)
	brands := []string{"heic", "heix", "heim", "heis", "hevc", "hevx"}
	for at := 8; at+4 <= end; at += 4 {
		if slices.Contains(brands, string(b[at:at+4])) {
			return true
		}
	}
	return false
}

// whole says whether the file is as long as it says itself. JPEG and PNG need
// no check here where they are decoded; it catches the ones too large for that.
func whole(kind string, b []byte) bool {
	switch kind {
	case "image/jpeg":
		tail := b[max(0, len(b)-1<<20):] // some phones append data behind the picture
		return bytes.Contains(tail, []byte{0xff, 0xd9})
	case "image/png":
		return bytes.Contains(b[max(0, len(b)-64<<10):], []byte("IEND"))
	case "image/webp":
		return int64(binary.LittleEndian.Uint32(b[4:]))+8 <= int64(len(b))
	case "image/heic":
		return boxesWhole(b)
	}
	return false
}

// boxesWhole walks the top-level boxes of an ISO media file to its end.
func boxesWhole(b []byte) bool {
	for len(b) > 0 {
		if len(b) < 8 {
			return false
		}
		n := uint64(binary.BigEndian.Uint32(b))
		switch n {
		case 0: // to the end of the file
			return true
		case 1:
			if len(b) < 16 {
				return false
			}
			n = binary.BigEndian.Uint64(b[8:])
		}
		if n < 8 || n > uint64(len(b)) {
			return false
		}
		b = b[n:]
	}
	return true
}
