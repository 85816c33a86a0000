package scene

import "encoding/binary"

// zigzag gives for each place in the file the place in the 8×8 block.
var zigzag = [64]uint8{
	0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5,
	12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
	35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
	58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
}

// The example tables of ITU-T T.81, annex K: quantisation in natural order,
// then code counts per length and symbols for DC and AC, luma and chroma.
var baseQuant = [2][64]uint8{
	{
		16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55,
		14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
		18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
		49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
	},
	{
		17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99,
		24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99,
		99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
		99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
	},
}

var huffCounts = [4][16]uint8{
	{0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0},
	{0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125},
	{0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0},
	{0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 119},
}

var huffSymbols = [4]string{
	"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b",
	"\x01\x02\x03\x00\x04\x11\x05\x12\x21\x31\x41\x06\x13\x51\x61\x07\x22\x71\x14\x32\x81\x91\xa1\x08\x23\x42\xb1\xc1\x15\x52\xd1\xf0" +
		"\x24\x33\x62\x72\x82\x09\x0a\x16\x17\x18\x19\x1a\x25\x26\x27\x28\x29\x2a\x34\x35\x36\x37\x38\x39\x3a\x43\x44\x45\x46\x47\x48\x49" +
		"\x4a\x53\x54\x55\x56\x57\x58\x59\x5a\x63\x64\x65\x66\x67\x68\x69\x6a\x73\x74\x75\x76\x77\x78\x79\x7a\x83\x84\x85\x86\x87\x88\x89" +
		"\x8a\x92\x93\x94\x95\x96\x97\x98\x99\x9a\xa2\xa3\xa4\xa5\xa6\xa7\xa8\xa9\xaa\xb2\xb3\xb4\xb5\xb6\xb7\xb8\xb9\xba\xc2\xc3\xc4\xc5" +
		"\xc6\xc7\xc8\xc9\xca\xd2\xd3\xd4\xd5\xd6\xd7\xd8\xd9\xda\xe1\xe2\xe3\xe4\xe5\xe6\xe7\xe8\xe9\xea\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9\xfa",
	"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b",
	"\x00\x01\x02\x03\x11\x04\x05\x21\x31\x06\x12\x41\x51\x07\x61\x71\x13\x22\x32\x81\x08\x14\x42\x91\xa1\xb1\xc1\x09\x23\x33\x52\xf0" +
		"\x15\x62\x72\xd1\x0a\x16\x24\x34\xe1\x25\xf1\x17\x18\x19\x1a\x26\x27\x28\x29\x2a\x35\x36\x37\x38\x39\x3a\x43\x44\x45\x46\x47\x48" +
		"\x49\x4a\x53\x54\x55\x56\x57\x58\x59\x5a\x63\x64\x65\x66\x67\x68\x69\x6a\x73\x74\x75\x76\x77\x78\x79\x7a\x82\x83\x84\x85\x86\x87" +
		"\x88\x89\x8a\x92\x93\x94\x95\x96\x97\x98\x99\x9a\xa2\xa3\xa4\xa5\xa6\xa7\xa8\xa9\xaa\xb2\xb3\xb4\xb5\xb6\xb7\xb8\xb9\xba\xc2\xc3" +
		"\xc4\xc5\xc6\xc7\xc8\xc9\xca\xd2\xd3\xd4\xd5\xd6\xd7\xd8\xd9\xda\xe2\xe3\xe4\xe5\xe6\xe7\xe8\xe9\xea\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9\xfa",
}

// word is a run of bits, the first one highest of the lowest n.
type word struct {
	bits uint32
	n    uint8
}

// coder holds the tables of one picture quality. It is immutable.
type coder struct {
	quant  [2][64]uint8   // natural order
	factor [2][64]float32 // 1/quant with the transform's own scale folded in
	huff   [4][256]word   // DC luma, AC luma, DC chroma, AC chroma
}

func newCoder(quality int) *coder {
	c := &coder{}
	scale := 200 - 2*quality
	if quality < 50 {
		scale = 5000 / quality
	}
	// The transform leaves each frequency scaled by these (Arai, Agui, Nakajima).
	aan := [8]float64{1, 1.387039845, 1.306562965, 1.175875602, 1, 0.785694958, 0.541196100, 0.275899379}
	for t := range c.quant {
		for i := range 64 {
			q := min(max((int(baseQuant[t][i])*scale+50)/100, 1), 255)
			c.quant[t][i] = uint8(q)
			c.factor[t][i] = float32(1 / (float64(q) * 8 * aan[i/8] * aan[i%8]))
		}
	}
	for t := range c.huff {
		code, k := uint32(0), 0
		for length, count := range huffCounts[t] {
			for range count {
				c.huff[t][huffSymbols[t][k]] = word{code, uint8(length + 1)}
				code, k = code+1, k+1
			}
			code <<= 1
		}
	}
	return c
}

// bitWriter appends bits to a JPEG scan, a zero byte after every 0xff.
type bitWriter struct {
	buf []byte
	acc uint64
	n   uint // bits in acc, at most 31 between calls
}

func (w *bitWriter) put(bits uint32, n uint8) {
	w.acc = w.acc<<n | uint64(bits)
	w.n += uint(n)
	if w.n < 32 {
		return
	}
	w.n -= 32
	v := uint32(w.acc >> w.n)
	// A word without 0xff goes out whole.
	if x := ^v; (x-0x01010101)&^x&0x80808080 == 0 {
		w.buf = binary.BigEndian.AppendUint32(w.buf, v)
		return
	}
	for shift := 24; shift >= 0; shift -= 8 {
		w.byte(byte(v >> shift))
	}
}

func (w *bitWriter) byte(b byte) {
	w.buf = append(w.buf, b)
	if b == 0xff {
		w.buf = append(w.buf, 0)
	}
}

// flush pads with ones to the next byte.
func (w *bitWriter) flush() {
	for w.n%8 != 0 {
		w.acc, w.n = w.acc<<1|1, w.n+1
	}
	for w.n > 0 {
		w.n -= 8
		w.byte(byte(w.acc >> w.n))
	}
}

// signedBits is the category of a value and its bits as JPEG writes them.
func signedBits(v int32) (bits uint32, n uint8) {
	a := v
	if a < 0 {
		a = -a
		v--
	}
	for a != 0 {
		n++
		a >>= 1
	}
	return uint32(v) & (1<<n - 1), n
}

// dc writes the difference of a block's mean to that of the one before.
func (c *coder) dc(w *bitWriter, table int, diff int32) {
	bits, n := signedBits(diff)
	h := c.huff[table][n]
	w.put(h.bits, h.n)
	w.put(bits, n)
}

// ac writes one coefficient after a run of zeros.
func (c *coder) ac(w *bitWriter, table int, run int, v int32) {
	for ; run > 15; run -= 16 {
		w.put(c.huff[table][0xf0].bits, c.huff[table][0xf0].n)
	}
	bits, n := signedBits(v)
	h := c.huff[table][uint8(run)<<4|n]
	w.put(h.bits, h.n)
	w.put(bits, n)
}

// block writes a whole quantised block in zigzag order.
func (c *coder) block(w *bitWriter, chroma int, prevDC int32, q *[64]int32) {
	c.dc(w, 2*chroma, q[0]-prevDC)
	run := 0
	for i := 1; i < 64; i++ {
		if q[i] == 0 {
			run++
			continue
		}
		c.ac(w, 2*chroma+1, run, q[i])
		run = 0
	}
	if run > 0 {
		eob := c.huff[2*chroma+1][0]
		w.put(eob.bits, eob.n)
	}
}

// quantise transforms an 8×8 block of samples around zero.
func (c *coder) quantise(chroma int, b *[64]float32, q *[64]int32) {
	for i := 0; i < 64; i += 8 {
		transform(b, i, 1)
	}
	for i := range 8 {
		transform(b, i, 8)
	}
	for i, at := range zigzag {
		// Far above any coefficient, so that cutting off rounds.
		q[i] = int32(b[at]*c.factor[chroma][at]+16384.5) - 16384
	}
}

// transform is the one-dimensional DCT of Arai, Agui and Nakajima over eight
// samples from at on, step apart.
func transform(b *[64]float32, at, step int) {
	i0, i1, i2, i3 := at, at+step, at+2*step, at+3*step
	i4, i5, i6, i7 := at+4*step, at+5*step, at+6*step, at+7*step
	t0, t7 := b[i0&63]+b[i7&63], b[i0&63]-b[i7&63]
	t1, t6 := b[i1&63]+b[i6&63], b[i1&63]-b[i6&63]
	t2, t5 := b[i2&63]+b[i5&63], b[i2&63]-b[i5&63]
	t3, t4 := b[i3&63]+b[i4&63], b[i3&63]-b[i4&63]

	a0, a3, a1, a2 := t0+t3, t0-t3, t1+t2, t1-t2
	b[i0&63], b[i4&63] = a0+a1, a0-a1
	z := (a2 + a3) * 0.707106781
	b[i2&63], b[i6&63] = a3+z, a3-z

	a0, a1, a2 = t4+t5, t5+t6, t6+t7
	z5 := (a0 - a2) * 0.382683433
	z2, z4, z3 := 0.541196100*a0+z5, 1.306562965*a2+z5, a1*0.707106781
	z11, z13 := t7+z3, t7-z3
	b[i5&63], b[i3&63] = z13+z2, z13-z2
	b[i1&63], b[i7&63] = z11+z4, z11-z4
}

// header writes all that stands before the scan: EXIF, tables, size, 4:2:0.
func (c *coder) header(exif []byte, width, height int) []byte {
	b := make([]byte, 0, 1024+len(exif)+width*height/2)
	b = append(b, 0xff, 0xd8)
	segment := func(marker byte, body ...byte) {
		b = append(b, 0xff, marker)
		b = binary.BigEndian.AppendUint16(b, uint16(len(body)+2))
		b = append(b, body...)
	}
	segment(0xe1, exif...)
	for t := range c.quant {
		body := []byte{byte(t)}
		for _, at := range zigzag {
			body = append(body, c.quant[t][at])
		}
		segment(0xdb, body...)
	}
	segment(0xc0, 8, byte(height>>8), byte(height), byte(width>>8), byte(width), 3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1)
	for t, id := range []byte{0x00, 0x10, 0x01, 0x11} {
		body := append([]byte{id}, huffCounts[t][:]...)
		segment(0xc4, append(body, huffSymbols[t]...)...)
	}
	segment(0xda, 3, 1, 0x00, 2, 0x11, 3, 0x11, 0, 63, 0)
	return b
}
