package scene

import (
	"encoding/binary"
	"time"
)

// exif is the body of an APP1 segment as phones write it: camera, orientation,
// size, and the time by the camera's own clock with its offset from UTC.
func exif(orientation, width, height int, taken time.Time, model string) []byte {
	stamp := taken.Format("2006:01:02 15:04:05")
	main := []entry{
		text(0x010f, "SiteLedger"), text(0x0110, model),
		short(0x0112, orientation),
		text(0x0132, stamp),
		long(0x8769, 0), // where the second list stands, filled in below
	}
	sub := []entry{
		text(0x9003, stamp), text(0x9011, taken.Format("-07:00")),
		long(0xa002, width), long(0xa003, height),
	}
	const mainAt = 8
	subAt := mainAt + size(main)
	main[len(main)-1] = long(0x8769, subAt)

	b := append([]byte("Exif\x00\x00"), "II\x2a\x00\x08\x00\x00\x00"...)
	b = list(b, main, mainAt)
	return list(b, sub, subAt)
}

// entry is one tag of a TIFF directory, its value already in bytes.
type entry struct {
	tag, kind uint16
	count     int
	value     []byte
}

func text(tag uint16, s string) entry { return entry{tag, 2, len(s) + 1, append([]byte(s), 0)} }

func short(tag uint16, v int) entry {
	return entry{tag, 3, 1, binary.LittleEndian.AppendUint16(nil, uint16(v))}
}

func long(tag uint16, v int) entry {
	return entry{tag, 4, 1, binary.LittleEndian.AppendUint32(nil, uint32(v))}
}

// size is what a directory takes with the values that stand behind it.
func size(entries []entry) int {
	n := 2 + 12*len(entries) + 4
	for _, e := range entries {
		if len(e.value) > 4 {
			n += len(e.value) + len(e.value)%2
		}
	}
	return n
}

// list appends a directory that stands at the given offset of the TIFF part.
func list(b []byte, entries []entry, at int) []byte {
	b = binary.LittleEndian.AppendUint16(b, uint16(len(entries)))
	behind := at + 2 + 12*len(entries) + 4
	var tail []byte
	for _, e := range entries {
		b = binary.LittleEndian.AppendUint16(b, e.tag)
		b = binary.LittleEndian.AppendUint16(b, e.kind)
		b = binary.LittleEndian.AppendUint32(b, uint32(e.count))
		if len(e.value) <= 4 {
			b = append(b, append(e.value, 0, 0, 0, 0)[:4]...)
			continue
		}
		b = binary.LittleEndian.AppendUint32(b, uint32(behind+len(tail)))
		tail = append(tail, e.value...)
		if len(e.value)%2 != 0 {
			tail = append(tail, 0)
		}
	}
	b = append(b, 0, 0, 0, 0)
	return append(b, tail...)
}
