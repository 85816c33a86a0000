package attachment

import (
	"bytes"
	"slices"
	"strings"

	"siteledger/syncproto"
)

// headBytes is how much of a file's beginning is looked at to judge its type.
const headBytes = 4 << 10

// allowed says whether a media type is taken for a purpose (section 7 of the
// protocol).
func allowed(purpose, mediaType string) bool {
	pictures := []string{"image/jpeg", "image/png", "image/webp", "image/heic"}
	switch purpose {
	case syncproto.PurposePreview, syncproto.PurposePhoto, syncproto.PurposeSignature:
		return slices.Contains(pictures, mediaType)
	case syncproto.PurposeReceipt:
		return slices.Contains(append(pictures, "application/pdf"), mediaType)
	case syncproto.PurposeDocument:
		return slices.Contains(append(pictures, "application/pdf", "image/vnd.dxf", "application/dxf", "image/vnd.dwg", "application/acad"), mediaType)
	}
	return false
}

// looksLike says whether a file begins as its type does. A page of HTML under
// the name of a photo is refused here, before it is stored.
func looksLike(mediaType string, head []byte) bool {
	has := func(magic string) bool { return bytes.HasPrefix(head, []byte(magic)) }
	switch mediaType {
	case "image/jpeg":
		return has("\xff\xd8\xff")
	case "image/png":
		return has("\x89PNG\r\n\x1a\n")
	case "image/webp":
		return len(head) >= 12 && has("RIFF") && string(head[8:12]) == "WEBP"
	case "image/heic":
		return len(head) >= 12 && string(head[4:8]) == "ftyp" &&
			slices.Contains([]string{"heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1"}, string(head[8:12]))
	case "application/pdf":
		return has("%PDF-")
	case "image/vnd.dwg", "application/acad":
		return has("AC10")
	case "image/vnd.dxf", "application/dxf":
		return has("AutoCAD Binary DXF\r\n\x1a\x00") || textDXF(head)
	}
	return false
}

// textDXF finds the first group of the text form, behind comments (999).
func textDXF(head []byte) bool {
	lines := strings.Split(string(head), "\n")
	for i := 0; i+1 < len(lines); i += 2 {
		switch strings.TrimSpace(lines[i]) {
		case "999":
			continue
		case "0":
			return strings.TrimSpace(lines[i+1]) == "SECTION"
		}
		return false
	}
	return false
}

// place is the order of sending: previews, so that the office sees something of
// everything; then signatures and papers, which are small and matter; then
// originals, those whose row says nothing yet of what they show last.
func place(purpose string) int {
	switch purpose {
	case syncproto.PurposePreview:
		return 10
	case syncproto.PurposeSignature, syncproto.PurposeReceipt:
		return 20
	case syncproto.PurposeDocument:
		return 30
	}
	return rest
}

// The places of originals. A judge looks at close-ups, then at full views.
const (
	first    = 35 // asked for by the office, or moved up
	closeUp  = 40
	fullView = 50
	rest     = 60
)

// placeOf is the place of an original by the role that its row gives it.
func placeOf(role string) int {
	switch role {
	case "close", "compare", "scale":
		return closeUp
	case "full":
		return fullView
	}
	return rest
}

func maxBytes(l syncproto.Limits, purpose string) int64 {
	if purpose == syncproto.PurposePreview {
		return l.MaxPreviewBytes
	}
	return l.MaxPhotoBytes
}
