package syncproto_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"

	"siteledger/syncproto/changelog"
)

// encodeByHand is a second writer of RFC 8949 section 4.2.1, so that the
// vectors do not rest on one library.
func encodeByHand(c *changelog.Change) []byte {
	head := func(major byte, n uint64) []byte {
		switch {
		case n < 24:
			return []byte{major<<5 | byte(n)}
		case n <= math.MaxUint8:
			return []byte{major<<5 | 24, byte(n)}
		case n <= math.MaxUint16:
			return binary.BigEndian.AppendUint16([]byte{major<<5 | 25}, uint16(n))
		case n <= math.MaxUint32:
			return binary.BigEndian.AppendUint32([]byte{major<<5 | 26}, uint32(n))
		}
		return binary.BigEndian.AppendUint64([]byte{major<<5 | 27}, n)
	}
	str := func(major byte, b []byte) []byte { return append(head(major, uint64(len(b))), b...) }
	num := func(n int64) []byte {
		if n < 0 {
			return head(1, uint64(-(n + 1)))
		}
		return head(0, uint64(n))
	}
	flag := func(b bool) []byte {
		if b {
			return []byte{0xf5}
		}
		return []byte{0xf4}
	}
	values := func(m map[string]any) []byte {
		type pair struct{ key, value []byte }
		var pairs []pair
		for k, v := range m {
			p := pair{key: str(3, []byte(k))}
			switch v := v.(type) {
			case nil:
				p.value = []byte{0xf6}
			case bool:
				p.value = flag(v)
			case int64:
				p.value = num(v)
			case float64:
				p.value = shortFloat(v)
			case string:
				p.value = str(3, []byte(v))
			case []byte:
				p.value = str(2, v)
			}
			pairs = append(pairs, p)
		}
		slices.SortFunc(pairs, func(a, b pair) int { return bytes.Compare(a.key, b.key) })
		out := head(5, uint64(len(pairs)))
		for _, p := range pairs {
			out = append(append(out, p.key...), p.value...)
		}
		return out
	}
	keys := uint64(15)
	if c.Op == changelog.Update {
		keys = 16
	}
	out := head(5, keys)
	put := func(key byte, v []byte) { out = append(append(out, key), v...) }
	put(1, head(0, c.Seq))
	put(2, head(0, c.HLC))
	put(3, num(c.Wall))
	put(4, head(0, c.Txn))
	put(5, flag(c.Last))
	put(6, str(3, []byte(c.Table)))
	put(7, str(2, c.Row[:]))
	put(8, head(0, uint64(c.Op)))
	put(9, head(0, c.Base))
	put(10, values(c.Cols))
	put(11, str(2, c.Actor[:]))
	put(12, head(0, c.Schema))
	if c.Op == changelog.Update {
		put(13, values(c.Was))
	}
	put(14, str(2, c.Boot[:]))
	put(15, head(0, c.Mono))
	put(16, str(2, c.Salt[:]))
	return out
}

// shortFloat writes the shortest of half, single and double that keeps the
// value.
func shortFloat(f float64) []byte {
	if s := float32(f); float64(s) == f {
		bits := math.Float32bits(s)
		sign, exp, frac := uint16(bits>>16)&0x8000, int(bits>>23&0xff)-127, bits&0x7fffff
		switch {
		case bits&0x7fffffff == 0:
			return []byte{0xf9, byte(sign >> 8), 0}
		case exp >= -14 && exp <= 15 && frac&0x1fff == 0:
			return binary.BigEndian.AppendUint16([]byte{0xf9}, sign|uint16(exp+15)<<10|uint16(frac>>13))
		}
		return binary.BigEndian.AppendUint32([]byte{0xfa}, bits)
	}
	return binary.BigEndian.AppendUint64([]byte{0xfb}, math.Float64bits(f))
}
