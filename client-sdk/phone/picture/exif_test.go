package picture

import (
	"encoding/binary"
	"math"
	"testing"
	"time"
)

// withGPS puts an APP1 block with nothing but a place behind the SOI. Degrees
// and minutes are whole, seconds of 1/per.
func withGPS(b []byte, north, east string, lat, lon [3]uint32, per uint32, day string) []byte {
	le := binary.LittleEndian
	tiff := []byte("II*\x00\x08\x00\x00\x00")
	entry := func(tag, kind uint16, n uint32, val []byte) {
		tiff = le.AppendUint16(tiff, tag)
		tiff = le.AppendUint16(tiff, kind)
		tiff = le.AppendUint32(tiff, n)
		tiff = append(tiff, append(val, 0, 0, 0, 0)[:4]...)
	}
	offset := func(n int) []byte { return le.AppendUint32(nil, uint32(n)) }
	tiff = le.AppendUint16(tiff, 1)
	entry(0x8825, 4, 1, offset(26))
	tiff = le.AppendUint32(tiff, 0)
	const at = 26 + 2 + 7*12 + 4
	tiff = le.AppendUint16(tiff, 7)
	entry(1, 2, 2, []byte(north))
	entry(2, 5, 3, offset(at))
	entry(3, 2, 2, []byte(east))
	entry(4, 5, 3, offset(at+24))
	entry(7, 5, 3, offset(at+48))
	entry(0x1d, 2, 11, offset(at+80))
	entry(0x1f, 5, 1, offset(at+72))
	tiff = le.AppendUint32(tiff, 0)
	rats := func(v [3]uint32, per [3]uint32) {
		for i := range v {
			tiff = le.AppendUint32(tiff, v[i])
			tiff = le.AppendUint32(tiff, per[i])
		}
	}
	rats(lat, [3]uint32{1, 1, per})
	rats(lon, [3]uint32{1, 1, per})
	rats([3]uint32{6, 2, 5}, [3]uint32{1, 1, 1})
	tiff = le.AppendUint32(tiff, 75)
	tiff = le.AppendUint32(tiff, 10)
	tiff = append(tiff, append([]byte(day), 0)...)
	app := append([]byte("Exif\x00\x00"), tiff...)
	out := append([]byte{0xff, 0xd8, 0xff, 0xe1}, binary.BigEndian.AppendUint16(nil, uint16(len(app)+2))...)
	return append(append(out, app...), b[2:]...)
}

// TestSpotOfAFile: a camera's place is read with its time and error; what no
// camera can have measured is none, and the photo is taken all the same.
func TestSpotOfAFile(t *testing.T) {
	plain := jpegOf(t, scene(160, 120))
	inspect := func(b []byte) Facts {
		t.Helper()
		f, err := Inspect(b, nil, time.UTC)
		if err != nil || f.Preview == nil {
			t.Fatalf("inspect: %v", err)
		}
		return f
	}
	s := inspect(withGPS(plain, "N", "E", [3]uint32{30, 15, 3000}, [3]uint32{120, 10, 1200}, 100, "2026:11:19")).Spot
	if s == nil || math.Abs(s.Lat-(30+15.0/60+30.0/3600)) > 1e-7 || math.Abs(s.Lon-(120+10.0/60+12.0/3600)) > 1e-7 || s.Metres != 8 || !s.At.Equal(time.Date(2026, 11, 19, 6, 2, 5, 0, time.UTC)) {
		t.Fatalf("spot %+v", s)
	}
	if s := inspect(withGPS(plain, "S", "W", [3]uint32{30, 15, 3000}, [3]uint32{120, 10, 1200}, 100, "0000-00-00")).Spot; s == nil || s.Lat > -30 || s.Lon > -120 || !s.At.IsZero() {
		t.Errorf("southwest %+v", s)
	}
	for name, b := range map[string][]byte{
		"none":      plain,
		"0/0":       withGPS(plain, "N", "E", [3]uint32{}, [3]uint32{}, 1, "2026:11:19"),
		"no side":   withGPS(plain, "?", "E", [3]uint32{30, 15, 0}, [3]uint32{120, 10, 0}, 1, "2026:11:19"),
		"off":       withGPS(plain, "N", "E", [3]uint32{91, 15, 0}, [3]uint32{120, 10, 0}, 1, "2026:11:19"),
		"far off":   withGPS(plain, "N", "E", [3]uint32{1 << 31, 15, 0}, [3]uint32{120, 10, 0}, 1, "2026:11:19"),
		"truncated": withGPS(plain, "N", "E", [3]uint32{30, 15, 1}, [3]uint32{120, 10, 1}, 1, "2026:11:19")[:60],
	} {
		f := Facts{Type: "image/jpeg"}
		readExif(&f, b, time.UTC)
		if f.Spot != nil {
			t.Errorf("%s: %+v", name, f.Spot)
		}
	}
}
