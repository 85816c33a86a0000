// Package cborhead reads and writes the head of a CBOR item, its major type and
// argument (RFC 8949, section 3), for what is walked or written too often for
// the general codec.
//
// It knows the shortest form alone, as canonical CBOR has it: [Append] writes
// nothing else and [Next] takes nothing else. It must never look at what a head
// stands before; that is its caller's.
package cborhead

import "encoding/binary"

// The major types of RFC 8949, section 3.1.
const (
	Number   byte = 0
	Negative byte = 1
	Bytes    byte = 2
	Text     byte = 3
	List     byte = 4
	Map      byte = 5
	Simple   byte = 7
)

// Append writes a head.
func Append(b []byte, major byte, n uint64) []byte {
	major <<= 5
	switch {
	case n < 24:
		return append(b, major|byte(n))
	case n < 1<<8:
		return append(b, major|24, byte(n))
	case n < 1<<16:
		return binary.BigEndian.AppendUint16(append(b, major|25), uint16(n))
	case n < 1<<32:
		return binary.BigEndian.AppendUint32(append(b, major|26), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(b, major|27), n)
}

// Next takes a head off b; false where none stands there, or not in the shortest
// form. An argument of [Simple] above 23 is the bytes behind the first: a
// fraction, or a simple value by its number.
func Next(b []byte) (major byte, n uint64, rest []byte, ok bool) {
	if len(b) == 0 {
		return 0, 0, nil, false
	}
	first := b[0]
	b = b[1:]
	major, info := first>>5, first&0x1f
	if info < 24 {
		return major, uint64(info), b, true
	}
	size := 1 << (info - 24)
	if info > 27 || len(b) < size {
		return 0, 0, nil, false
	}
	var least uint64
	switch info {
	case 24:
		n, least = uint64(b[0]), 24
	case 25:
		n, least = uint64(binary.BigEndian.Uint16(b)), 1<<8
	case 26:
		n, least = uint64(binary.BigEndian.Uint32(b)), 1<<16
	default:
		n, least = binary.BigEndian.Uint64(b), 1<<32
	}
	return major, n, b[size:], n >= least
}
