package likeness

import "encoding/binary"

// orientationOf reads tag 0x0112 of the first directory of a TIFF block; 0
// where it is not there or makes no sense. Nothing else of EXIF is read: where
// and with which phone a picture was taken is not this package's business.
func orientationOf(tiff []byte) int {
	if len(tiff) < 8 {
		return 0
	}
	var order binary.ByteOrder = binary.LittleEndian
	if tiff[0] == 'M' {
		order = binary.BigEndian
	}
	at := uint64(order.Uint32(tiff[4:]))
	if at+2 > uint64(len(tiff)) {
		return 0
	}
	n := uint64(order.Uint16(tiff[at:]))
	for i := range n {
		e := at + 2 + 12*i
		if e+12 > uint64(len(tiff)) {
			return 0
		}
		if order.Uint16(tiff[e:]) != 0x0112 {
			continue
		}
		if v := order.Uint16(tiff[e+8:]); order.Uint16(tiff[e+2:]) == 3 && v >= 1 && v <= 8 {
			return int(v)
		}
		return 0
	}
	return 0
}
